#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The installed product on the kernels of Debian 12, stock and of its backports, each in a virtual machine without KVM that has a whole
# Debian tree with its systemd as PID 1: with the guard, and without it.
#
#   test-vm.sh [TEST...]       TESTs are those of this directory, ../end-to-end and ../attack, by name; without, those of the list below
#
# The four machines together run for a quarter of an hour; a busy host emulates them slower, and then they skip what does not fit.
#
# SNOTIFY_VM_ALL=yes           runs all of them in each machine, and each as a whole
# SNOTIFY_VM_KERNEL=6.1        only kernels whose release begins so
# SNOTIFY_VM_GUARD=off         only one way: require or off
# SNOTIFY_VM_LIMIT=SECONDS     for how long each TEST may run, instead of half an hour
# SNOTIFY_VM_KEEP=DIRECTORY    keeps what the machines print
set -u
here=$(dirname "$(realpath "$0")")
source "$here/../end-to-end/host.sh"
: "${SOURCE_ROOT:?}" "${BUILD_ROOT:?}" "${VM_INIT:?}" "${VM_HELPERS:?}" "${COMPROMISED_SNOTIFYD:?}" "${SLOW_NAMES_LIBRARY:?}" "${VM_GUARD:?}"
[ "$(id -u)" = 0 ] || skip_all "needs root"
for program in qemu-system-x86_64 mmdebstrap apt-get mke2fs python3 meson; do
        command -v $program >/dev/null || skip_all "needs $program"
done

# What fits into a quarter of an hour, where an emulated processor is ten times as slow: each machine begins with the same tests, and has
# its part of the rest, the important ones first.
common=(installed kills)
declare -A reduced=(
        [stock-off]="reloads hanging signals second-try fidelity"
        [backports-off]="restarts own-mounts deaths concurrency store"
        [stock-require]="guard restarts guard-rings own-mounts reloads theft guard-differences"
        [backports-require]="guard guard-ways signals second-try systemd concurrency fidelity"
)
# What builds, downloads, or is about texts alone is no test of a kernel.
excepted=(commands programs config-cli soak)

all_tests() {
        local script name
        for script in "$SOURCE_ROOT"/tests/{vm,end-to-end,attack}/test-*.sh; do
                name=${script##*/test-}
                name=${name%.sh}
                [[ " vm ${excepted[*]} " == *" $name "* ]] || echo "$name"
        done
}

tests=("$@")
[ $# -gt 0 ] || [ -z "${SNOTIFY_VM_ALL-}" ] || mapfile -t tests < <(all_tests)

for name in "${tests[@]}"; do
        compgen -G "$SOURCE_ROOT/tests/*/test-$name.sh" >/dev/null || { echo "Bail out! there is no test \"$name\""; exit 1; }
done

cache=$BUILD_ROOT/vm
work=$(mktemp -d "${TMPDIR:-/var/tmp}/snotify-vm.XXXXXX")
machines=() kernels=() versions=()
finish() {
        [ ${#machines[@]} = 0 ] || kill "${machines[@]}" 2>/dev/null
        rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

exec 9>"$BUILD_ROOT/vm.lock"
flock 9
reason=$(bash "$here/image.sh" "$cache" "$VM_INIT" 2>"$work/image.log") || {
        [ $? = 77 ] && skip_all "$reason"
        echo "Bail out! cannot make the disk of the machines: $(tail -3 "$work/image.log")"
        exit 1
}
exec 9>&-

### The second disk: the tests, what they need of the build, and the product as it is installed.
payload=$work/payload
mkdir -p "$payload"/{installed,helpers,conf,tests/end-to-end,tests/attack,tests/vm}
DESTDIR=$payload/installed meson install -C "$BUILD_ROOT" --no-rebuild --quiet >"$work/install.log" 2>&1 ||
        { echo "Bail out! meson install: $(tail -3 "$work/install.log")"; exit 1; }
# Some are there twice.
for helper in $VM_HELPERS; do
        cp "$helper" "$payload/helpers/"
done
cp "$COMPROMISED_SNOTIFYD" "$SLOW_NAMES_LIBRARY" "$payload/"
cp "$SOURCE_ROOT"/conf/* "$payload/conf/"
for suite in end-to-end attack vm; do
        cp "$SOURCE_ROOT/tests/$suite"/*.sh "$SOURCE_ROOT/tests/$suite"/*.py "$payload/tests/$suite/" 2>/dev/null
done
cp "$here/start.sh" "$payload/start"
[ -z "${SNOTIFY_VM_ALL-}" ] || : >"$payload/all"

# list KERNEL GUARD: prints what that machine runs: the directory and the name of each test.
list() {
        local name script names=("${tests[@]}")
        # shellcheck disable=SC2206 # words
        [ ${#names[@]} -gt 0 ] || names=("${common[@]}" ${reduced[$1-$2]})
        for name in "${names[@]}"; do
                script=$(compgen -G "$SOURCE_ROOT/tests/*/test-$name.sh" | head -1)
                script=${script%/*}
                [[ $2:$name == off:guard* ]] || echo "${script##*/} $name"
        done
}

# When a machine is ended, when it begins no further test, and for how long a test may run, in seconds: two machines after two others,
# and what the disk has taken.
limit=$(((890 - SECONDS) / 2))
[ $limit -gt 240 ] || limit=240
enough=$((limit - 60)) test_limit=180
[ $# = 0 ] || { limit=14400 enough=14400 test_limit=${SNOTIFY_VM_LIMIT:-1800}; }
[ -z "${SNOTIFY_VM_ALL-}" ] || limit=14400
echo "$test_limit $enough" >"$payload/limits"

# boot RELEASE GUARD: runs the tests in such a machine.  Without BPF among the security modules, there is no guard.
boot() {
        local release=$1 guard=$2 arguments=() modules attempt qemu=
        local name=$release.$guard
        [ "$guard" = require ] || {
                modules=$(sed -n 's/^CONFIG_LSM="\(.*\)"$/\1/p' "$cache/$release/config" | tr , '\n' | grep -vx bpf | paste -sd ,)
                arguments=("lsm=$modules")
        }
        cp -r "$payload" "$work/$name"
        echo "$guard" >"$work/$name/guard"
        list "${kinds[$release]}" "$guard" >"$work/$name/list"
        truncate -s 512M "$work/$name.ext4"
        mke2fs -q -F -t ext4 -d "$work/$name" "$work/$name.ext4" || exit
        rm -rf "${work:?}/$name"
        trap '[ -z "$qemu" ] || kill "$qemu"; exit' TERM
        # On a busy machine the emulation's clock may be so late that a kernel finds no timer, and stops before any test.
        for attempt in 1 2 3; do
                timeout --foreground "$limit" bash "$here/boot.sh" "$cache/$release" "$cache/tree.ext4" "$work/$name.ext4" "$work/$name.output" \
                        "$work/$name.console" "${arguments[@]}" &
                qemu=$!
                wait $qemu
                [ $? != 124 ] || { : >"$work/$name.late"; break; }
                [ ! -s "$work/$name.output" ] || break
                echo "boot $attempt failed"
        done
}

guards=(off)
[ "$VM_GUARD" = no ] || guards+=(require)
[ -z "${SNOTIFY_VM_GUARD-}" ] || guards=("$SNOTIFY_VM_GUARD")

# names_of passed|skipped FILE: prints the names of these tests, which the machine has said.
names_of() {
        local pattern='^ok [0-9]* - \([^ :]*\):.*'
        [ "$1" = passed ] || pattern='^ok [0-9]* - \([^ :]*\) # SKIP.*'
        sed -n "s/$pattern/\1/p" "$2" | paste -sd ' '
}

# Two machines at a time.
declare -A kinds=()
kind=stock
while read -r release version; do
        kinds[$release]=$kind kind=backports
        [[ $release == "${SNOTIFY_VM_KERNEL-}"* ]] || continue
        kernels+=("$release") versions+=("$version")
done <"$cache/kernels"
n=0 failures=0 summary=''
for guard in "${guards[@]}"; do
        machines=()
        for release in "${kernels[@]}"; do
                [ -n "$(list "${kinds[$release]}" "$guard")" ] || continue
                boot "$release" "$guard" >"$work/$release.$guard.qemu" 2>&1 &
                machines+=($!)
        done
        wait "${machines[@]}"
        machines=()
        for i in "${!kernels[@]}"; do
                name=${kernels[i]}.$guard
                n_tests=$(list "${kinds[${kernels[i]}]}" "$guard" | wc -l)
                [ "$n_tests" -gt 0 ] || continue
                n=$((n + 1))
                passed=$(grep -c '^ok .* checks, ' "$work/$name.output")
                skipped=$(grep -c '^ok .* # SKIP ' "$work/$name.output")
                what="Linux ${kernels[i]} (${versions[i]}), $([ "$guard" = off ] && echo without || echo with) the guard"
                if grep -qx "1\.\.$n_tests" "$work/$name.output" && [ $((passed + skipped)) = "$n_tests" ] && [ "$passed" -gt 0 ]; then
                        echo "ok $n - $what: $passed of $n_tests tests"
                elif [ -e "$work/$name.late" ] && ! grep -q '^not ok' "$work/$name.output"; then
                        echo "ok $n - $what: $passed of $n_tests tests # SKIP the rest took longer than $limit s here"
                else
                        failures=$((failures + 1))
                        echo "not ok $n - $what: $passed of $n_tests tests"
                fi
                not_run=$(sed -n 's/^ok [0-9]* - \([^ :]*\) # SKIP \(.*\)/\1: \2/p' "$work/$name.output" | paste -sd ';' | sed 's/;/; /g')
                [ -z "$not_run" ] || { n=$((n + 1)); echo "ok $n - $what: the others # SKIP $not_run"; }
                sed 's/^/# /' "$work/$name.output"
                grep -q '^1\.\.' "$work/$name.output" || tail -n 50 "$work/$name".{qemu,console} | tr -d '\r' | sed 's/^/# /'
                summary+="; $what: $(names_of passed "$work/$name.output")"
                [ "$skipped" = 0 ] || summary+=", skipped: $(names_of skipped "$work/$name.output")"
                [ $((n_tests - passed - skipped)) = 0 ] || summary+=", failed or not run: $((n_tests - passed - skipped))"
        done
done
[ -z "${SNOTIFY_VM_KEEP-}" ] || { mkdir -p "$SNOTIFY_VM_KEEP" && cp "$work"/*.{output,console,qemu} "$SNOTIFY_VM_KEEP/"; }
echo "1..$n"
echo "# ${summary#; }"
exit $((failures > 0))
