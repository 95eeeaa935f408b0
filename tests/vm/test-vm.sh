#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The installed product on the kernels of Debian 12, stock and of its backports, each in a virtual machine without KVM that has a whole
# Debian tree with its systemd as PID 1: with the guard, and without it.
#
#   test-vm.sh [TEST...]       TESTs are those of this directory, ../end-to-end and ../attack, by name; without, those of the list below
#
# SNOTIFY_VM_ALL=yes           runs all of them, and each as a whole
# SNOTIFY_VM_KERNEL=6.1        only kernels whose release begins so
# SNOTIFY_VM_GUARD=off         only one way: require or off
# SNOTIFY_VM_KEEP=DIRECTORY    keeps what the machines print
set -u
here=$(dirname "$(realpath "$0")")
source "$here/../end-to-end/host.sh"
: "${SOURCE_ROOT:?}" "${BUILD_ROOT:?}" "${VM_INIT:?}" "${VM_HELPERS:?}" "${COMPROMISED_SNOTIFYD:?}" "${SLOW_NAMES_LIBRARY:?}"
[ "$(id -u)" = 0 ] || skip_all "needs root"
for program in qemu-system-x86_64 mmdebstrap apt-get mke2fs python3 meson; do
        command -v $program >/dev/null || skip_all "needs $program"
done

# Something of each kind that fits into a quarter of an hour, where an emulated processor is ten times as slow.
reduced=(installed systemd fidelity signals second-try own-mounts guard-ways guard-races guard-rings guard-differences)
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
[ $# -gt 0 ] || tests=("${reduced[@]}")
[ $# -gt 0 ] || [ -z "${SNOTIFY_VM_ALL-}" ] || mapfile -t tests < <(all_tests)

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
for name in "${tests[@]}"; do
        script=$(compgen -G "$SOURCE_ROOT/tests/*/test-$name.sh" | head -1)
        [ -n "$script" ] || { echo "Bail out! there is no test \"$name\""; exit 1; }
        script=${script%/*}
        echo "${script##*/} $name"
done >"$work/list"

# list GUARD: prints what is run that way.
list() {
        local suite name
        while read -r suite name; do
                case $1:$name in
                off:guard*) ;;
                *) echo "$suite $name" ;;
                esac
        done <"$work/list"
}

# For how long a machine may run, in seconds.  A processor that is busy with other things emulates none.
limit=600
[ -z "${SNOTIFY_VM_ALL-}" ] || limit=14400

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
        list "$guard" >"$work/$name/list"
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
# A snotifyd without a guard does not know the key.
printf '[profile default]\nguard = require\n' >"$work/guard.conf"
! "$payload/installed/usr/sbin/snotifyd" --config "$work/guard.conf" --check-config >/dev/null 2>&1 || guards+=(require)
[ -z "${SNOTIFY_VM_GUARD-}" ] || guards=("$SNOTIFY_VM_GUARD")

# Two machines at a time.
while read -r release version; do
        [[ $release == "${SNOTIFY_VM_KERNEL-}"* ]] || continue
        kernels+=("$release") versions+=("$version")
done <"$cache/kernels"
n=0 failures=0 summary=''
for guard in "${guards[@]}"; do
        machines=()
        n_tests=$(list "$guard" | wc -l)
        [ "$n_tests" -gt 0 ] || continue
        for release in "${kernels[@]}"; do
                boot "$release" "$guard" >"$work/$release.$guard.qemu" 2>&1 &
                machines+=($!)
        done
        wait "${machines[@]}"
        machines=()
        for i in "${!kernels[@]}"; do
                name=${kernels[i]}.$guard
                n=$((n + 1))
                passed=$(grep -c '^ok .* checks, ' "$work/$name.output")
                skipped=$(grep -c '^ok .* # SKIP ' "$work/$name.output")
                what="Linux ${kernels[i]} (${versions[i]}), $([ "$guard" = off ] && echo without || echo with) the guard"
                if grep -qx "1\.\.$n_tests" "$work/$name.output" && [ $((passed + skipped)) = "$n_tests" ] && [ "$passed" -gt 0 ]; then
                        echo "ok $n - $what: all of $n_tests tests"
                elif [ -e "$work/$name.late" ] && ! grep -q '^not ok' "$work/$name.output"; then
                        echo "ok $n - $what: $passed of $n_tests tests # SKIP the rest took longer than $limit s here"
                else
                        failures=$((failures + 1))
                        echo "not ok $n - $what: $passed of $n_tests tests"
                fi
                sed 's/^/# /' "$work/$name.output"
                grep -q '^1\.\.' "$work/$name.output" || tail -n 50 "$work/$name".{qemu,console} | tr -d '\r' | sed 's/^/# /'
                summary+="; $what: $passed passed, $skipped skipped, $((n_tests - passed - skipped)) failed"
        done
done
[ -z "${SNOTIFY_VM_KEEP-}" ] || { mkdir -p "$SNOTIFY_VM_KEEP" && cp "$work"/*.{output,console,qemu} "$SNOTIFY_VM_KEEP/"; }
echo "1..$n"
echo "# ${summary#; }"
exit $((failures > 0))
