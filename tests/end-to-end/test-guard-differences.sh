#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With the guard a workload performs its own calls: what DIFFERENCES in snotifyd(8) lists under "Without the guard" is as it is natively.
# Each check compares with a native run.  Benign races are measured.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/guard.sh"

export LC_ALL=C
# So that unprivileged users find the programs.
PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
tree=$work/tree
mkdir -m 777 "$tree"
cd "$tree" || exit 1
cp "$SOURCE_ROOT"/tests/end-to-end/{differences,audit}.py "$work/bin/"
guarded_start <<CONF
[limits]
call-timeout = 1s

[profile default]
default = allow
guard = require

[rule denied]
path = /tmp/*/tree/denied
action = deny

[profile open]
default = allow
guard = require
CONF
processes=()
finish_all() {
        fsfreeze --unfreeze "$work/frozen" 2>/dev/null
        umount -l "$work"/{encrypted,errors,fuse,auto/*,auto,own,frozen,hanging,charge} 2>/dev/null
        [ ${#processes[@]} = 0 ] || { kill -KILL "${processes[@]}" && wait "${processes[@]}"; } 2>/dev/null
        [ -z "${profile_loaded-}" ] || apparmor_parser --remove "$work/apparmor" 2>/dev/null
        [ -z "${group-}" ] || rmdir "$group" 2>/dev/null
        cleanup
}
trap finish_all EXIT

launched() {
        if [ "$who" = root ]; then supervised "$@"; else supervised_user "$@"; fi
}
unlaunched() {
        if [ "$who" = root ]; then "$@"; else as_user "$@"; fi
}
clean() {
        find "$tree" -mindepth 1 -delete
}

# same EXPECTED COMMAND...: the command prints that, natively and guarded.
same() {
        local expected=$1 status=0
        shift
        prints "$expected" unlaunched "$@" || { echo "... natively"; return 1; }
        clean
        prints "$expected" launched -- "$@" || { echo "... guarded"; status=1; }
        clean
        return "$status"
}
thing() {
        python3 "$bin/differences.py" "$@"
}
export -f thing
export bin

# same_thing WHAT THING EXPECTED: skips what this kernel does not have natively.
same_thing() {
        local native
        native=$(unlaunched python3 "$bin/differences.py" "$2" 2>&1)
        clean
        if [[ ,$3, == *",$native,"* ]]; then
                check "$who: $1" same "$3" python3 "$bin/differences.py" "$2"
        else
                skip "$who: $1" "natively it is \"$native\" here"
        fi
}

# differs THING NATIVE GUARDED
differs() {
        prints "$2" unlaunched python3 "$bin/differences.py" "$1" || { echo "... natively"; return 1; }
        clean
        prints "$3" launched -- python3 "$bin/differences.py" "$1"
        local status=$?
        clean
        return "$status"
}

who=root
check "the daemon guards the session" logged ", guarded"
for who in root user; do
        same_thing "io_uring exists" io_uring EFAULT
        same_thing "a socket can be bound" socket made
        same_thing "a message queue can be created" message-queue made
        same_thing "a process that no other may look at creates directories through /proc/self/cwd" undumpable made
        check "$who: what the filter does is the same without a guard: no subvolumes" differs subvolume ENOTTY,EBADF,EINVAL EPERM
        check "$who: ... no x32 calls" differs x32 0,ENOSYS ENOSYS
        check "$who: ... no second supervisor" differs second-listener 0 EBUSY
        check "$who: ... no strict mode" differs strict 0 EINVAL
        check "$who: ... no tracer's own filter" differs trace-filter ENOSYS 0
        check "$who: ... a filter shows" differs seccomp 0 2
done
who=root
same_thing "fanotify(7) names the program as the one that creates a directory" maker itself
for who in root user; do
        check "$who: a directory with a path of 5000 bytes can be created if the profile denies nothing" \
                prints made launched --profile=open -- python3 "$bin/differences.py" deep
        clean
        check "$who: ... and fails with ENAMETOOLONG if it denies something" prints ENAMETOOLONG launched -- python3 "$bin/differences.py" deep
        clean
done

### What no worker can read.

for who in root user; do
        if [ "$(unlaunched python3 "$bin/differences.py" secret)" = 0 ]; then
                clean
                check "$who: a path in memfd_secret(2) memory cannot be judged: EPERM" prints EPERM launched -- python3 "$bin/differences.py" secret
        else
                skip "$who: a path in memfd_secret(2) memory" "this kernel has no memfd_secret(2), or it is off"
        fi
        clean
done

### Restrictions of the program's own.

answers() {
        local path
        for path; do
                errno_of mkdir "$path"
        done | paste -sd,
}
export -f answers
no=Permission\ denied
restricted() {
        mkdir in out
        landlock in plain bash -c 'answers in/a out/a; grep "Max file locks" /proc/self/limits'
}
export -f restricted
landlocked() {
        local native
        native=$(unlaunched bash -c restricted 2>&1)
        clean
        [[ $native == "made,$no"* ]] || { echo "natively: $native"; return 1; }
        prints "$native" launched -- bash -c restricted
        local status=$?
        clean
        return "$status"
}
if landlock . plain true 2>/dev/null; then
        for who in root user; do
                check "$who: Landlock lets a process create what its rules allow, and nothing else; no limit marks it" landlocked
        done
else
        skip "Landlock" "this kernel has none, or it is off"
fi

confined() {
        mkdir -p in out
        aa-exec -p snotify-test-guard -- bash -c 'answers in/a out/a'
}
export -f confined
cat >"$work/apparmor" <<PROFILE
profile snotify-test-guard {
        file,
        capability,
        unix,
        signal,
        ptrace,
        deny $tree/out/** w,
}
PROFILE
who=root
if command -v apparmor_parser aa-exec >/dev/null && apparmor_parser --replace --skip-cache "$work/apparmor" 2>"$work/apparmor.log"; then
        profile_loaded=yes
        check "AppArmor lets a program create what its profile allows, and nothing else" same "made,$no" bash -c confined
else
        skip "AppArmor" "a profile cannot be loaded here: $(tail -n 1 "$work/apparmor.log" 2>/dev/null)"
fi

### File systems.

# on_image DIRECTORY MKFS...: creates a file system and mounts it on the directory.
on_image() {
        local directory=$1
        shift
        mkdir "$directory"
        truncate -s 32M "$directory.image"
        "$@" "$directory.image" >/dev/null 2>&1 && mount -o loop "$directory.image" "$directory" 2>/dev/null
}

if on_image "$work/encrypted" mkfs.ext4 -q -O encrypt; then
        cd "$work/encrypted" || exit 1
        encrypted() {
                prints made python3 "$bin/differences.py" encrypted || return
                rm -rf vault
                prints made supervised -- python3 "$bin/differences.py" encrypted
        }
        check "a directory that is encrypted with a key of the session keyring (fscrypt v1) can be used" encrypted
        cd "$tree" || exit 1
        umount "$work/encrypted"
else
        skip "keyrings" "an ext4 with encryption cannot be mounted here"
fi

mkdir "$work/errors"
"$bin/errors-fs" "$work/errors" >"$work/errors.out" 2>&1 &
processes+=("$!")
if wait_for test -s "$work/errors.out" && grep -q mounted "$work/errors.out"; then
        for who in root user; do
                check "$who: a FUSE server's ESTALE, after which the kernel tries again" same "Stale file handle" bash -c "errno_of mkdir $work/errors/116"
                check "$who: ... and its other errors" same "Disk quota exceeded" bash -c "errno_of mkdir $work/errors/122"
        done
else
        skip "a FUSE server's errors" "FUSE cannot be mounted here"
fi

mkdir "$work/fuse" "$work/fuse.backing"
if [ -e "$bin/fuse-maker" ]; then
        "$bin/fuse-maker" "$work/fuse" "$work/fuse.backing" >"$work/fuse.asked" 2>&1 &
fi
# Prints whether the FUSE server was told the process that called mkdir.
asks_fuse() {
        "$@" sh -c 'echo $$ >"$1.pid"; exec mkdir "$1/asked"' sh "$work/fuse" || return
        grep -qx "asked by $(cat "$work/fuse.pid")" "$work/fuse.asked" && echo itself || echo another
        rmdir "$work/fuse.backing/asked"
        : >"$work/fuse.asked"
}
if [ -e "$bin/fuse-maker" ] && wait_for mountpoint -q "$work/fuse"; then
        check "natively a FUSE server is told the calling process" prints itself asks_fuse env
        check "... and guarded, too" prints itself asks_fuse supervised --
        umount "$work/fuse"
else
        skip "what a FUSE server is told" "no /dev/fuse, or built without libfuse3"
fi

### An automounter in a session, and one outside.

mkdir "$work/auto" "$work/own"
"$bin/automounter" "$work/auto" >"$work/requests" 2>&1 &
processes+=("$!")
asked() {
        as_user mkdir "$work/auto/native/x" && supervised_user -- mkdir "$work/auto/guarded/x" &&
                [ "$(grep -c "^\(native\|guarded\) 65534 65534$" "$work/requests")" = 2 ] || { cat "$work/requests"; return 1; }
}
if wait_for grep -qx ready "$work/requests"; then
        check "an automounter is told which user asks" asked
        who=root
        check "an automounter creates directories in its own autofs" same 0 bash -c "automounter $work/own x; echo \$?; umount $work/own"
        umount -l "$work/auto"/* "$work/auto" 2>/dev/null
else
        skip "an automounter" "cannot mount an autofs here: $(cat "$work/requests")"
fi

### What waits, waits alone, and as long as natively.

# frozen COMMAND...: runs the command, which creates "frozen/late" while the file system is frozen and is killed there, and prints what
# is seen at once when it has ended.
killed_frozen() {
        local pid
        rm -rf "$work/frozen/late"
        fsfreeze --freeze "$work/frozen" || return
        "$@" mkdir "$work/frozen/late" >/dev/null 2>&1 &
        pid=$!
        if ! asleep "$pid"; then
                fsfreeze --unfreeze "$work/frozen"
                return 1
        fi
        kill -KILL "$pid"
        wait_for pending_kill "$pid" || echo "no signal is pending"
        fsfreeze --unfreeze "$work/frozen"
        wait "$pid" 2>/dev/null
        [ -d "$work/frozen/late" ] && echo "made before its end" || echo "not made at its end"
}
pending_kill() {
        [ $((0x$(awk '/^(Shd|Sig)Pnd:/ { print $2 }' "/proc/$1/status" | sort | tail -1) & 0x100)) != 0 ]
}
# Twenty calls wait for the frozen file system, longer than call-timeout=; another one does not wait.
many_frozen() {
        local pids=() n result=0
        fsfreeze --freeze "$work/frozen" || return
        supervised -- bash -c 'for n in {1..20}; do mkdir "$1/many$n" & done; echo $(jobs -p) >"$1.pids"; until [ -e "$1.go" ]; do sleep 0.01; done
                mkdir "$2/elsewhere" && echo made >"$1.elsewhere"; wait' bash "$work/frozen" "$tree" &
        local session=$!
        wait_for test -s "$work/frozen.pids"
        read -ra pids <"$work/frozen.pids"
        for n in "${pids[@]}"; do
                asleep "$n" || result=1
        done
        sleep 1.5 # longer than call-timeout=, which ends nothing here
        : >"$work/frozen.go"
        wait_for test -s "$work/frozen.elsewhere" || { echo "a call elsewhere waits, too"; result=1; }
        [ ${#pids[@]} = 20 ] || { echo "calls: ${pids[*]}"; result=1; }
        fsfreeze --unfreeze "$work/frozen"
        wait "$session" || result=1
        [ "$(find "$work/frozen" -name "many*" | wc -l)" = 20 ] || { ls "$work/frozen"; result=1; }
        return "$result"
}
if on_image "$work/frozen" mkfs.ext4 -q && fsfreeze --freeze "$work/frozen" 2>/dev/null; then
        fsfreeze --unfreeze "$work/frozen"
        check "twenty calls of a session wait for a frozen file system, longer than call-timeout=, and a further one elsewhere does not" many_frozen
        check "natively a process that is killed in a call ends when the call has" prints "made before its end" killed_frozen exec
        check "... and guarded, too" prints "made before its end" killed_frozen exec "$SNOTIFY_RUN" --socket "$socket" --
        check "... so that umount(8) finds the file system idle" umount "$work/frozen"
else
        skip "a frozen file system" "ext4 cannot be mounted and frozen here"
fi

mkdir "$work/hanging"
"$bin/hanging-fs" "$work/hanging" >"$work/hanging.out" 2>&1 &
server=$!
processes+=("$server")
hangs() {
        local pid result=0 before
        before=$(grep -c kept "$work/hanging.out")
        "$@" mkdir "$work/hanging/hang-$RANDOM" >"$work/hanging.said" 2>&1 &
        pid=$!
        wait_for eval '[ "$(grep -c kept "$work/hanging.out")" -gt $before ]' || { echo "it does not hang"; return 1; }
        sleep 1.5 # longer than call-timeout=, which ends nothing here
        [ -d "/proc/$pid" ] && grep -q "^State:.[SD]" "/proc/$pid/status" || { echo "it does not hang any more"; result=1; }
        kill -USR1 "$server"
        wait "$pid"
        grep -q "Input/output error" "$work/hanging.said" || { cat "$work/hanging.said"; result=1; }
        return "$result"
}
if wait_for grep -qs mounted "$work/hanging.out"; then
        check "natively a call waits for a FUSE server for as long as it takes" hangs env
        check "... and guarded, too" hangs "$SNOTIFY_RUN" --socket "$socket" --
else
        skip "a FUSE server that hangs" "FUSE cannot be mounted here"
fi

### Who is charged.

group=/sys/fs/cgroup/snotify-test-guard.$$
# charged COMMAND...: prints by how many KiB the control group's memory of the kernel grows when the command creates 4000 directories.
charged() {
        local before after
        before=$(awk '$1 == "slab" { print $2 }' "$group/memory.stat")
        bash -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' bash "$group" "$@" python3 -c '
import os
for n in range(4000): os.mkdir("%s/%d" % (os.environ["charge"], n))'
        after=$(awk '$1 == "slab" { print $2 }' "$group/memory.stat")
        rm -rf "${charge:?}"/*
        echo $(((after - before) >> 10))
}
same_charge() {
        local native guarded
        native=$(charged env) || return
        guarded=$(charged "$SNOTIFY_RUN" --socket "$socket" --) || return
        echo "natively $native KiB, guarded $guarded KiB"
        [ "$native" -gt 1000 ] && [ "$guarded" -gt $((native * 3 / 4)) ]
}
export charge=$work/charge
mkdir "$charge"
if mkdir "$group" 2>/dev/null && [ -e "$group/memory.stat" ] && mount -t tmpfs tmpfs "$charge"; then
        check "the memory of directories is charged to the program's own control group" same_charge
        umount "$charge"
else
        skip "the memory of directories" "there is no memory controller of control groups here"
fi

audited() {
        rm -rf "$work/audited/made"
        mkdir -p "$work/audited"
        # shellcheck disable=SC2016
        python3 "$bin/audit.py" "$work/audited" sh -c 'echo 4321 >/proc/self/loginuid; exec "$@"' sh "$@" mkdir "$work/audited/made" 2>&1
}
if [ "$(audited env)" = "mkdir 4321" ]; then
        check "audit names the program and its login user" prints "mkdir 4321" audited "$SNOTIFY_RUN" --socket "$socket" --
else
        skip "audit" "natively it reports \"$(audited env)\" here"
fi

### Races that do no harm: how often the guard refuses what would be allowed wherever it leads.

races=$work/races
mkdir -m 777 "$races"
# raced WHAT: what the calls returned, while another process does WHAT.
raced() {
        local flipper result
        mkdir "$races/$1"
        "$bin/benign-races" "$1" flip "$races/$1" >"$races/$1.ready" &
        flipper=$!
        wait_for test -s "$races/$1.ready"
        result=$("$SNOTIFY_RUN" --socket "$socket" -- "$bin/benign-races" "$1" call "$races/$1" 2000)
        kill "$flipper"
        wait "$flipper" 2>/dev/null
        echo "# $1: $result"
        [[ $result =~ ^"made "([0-9]+)", refused "([0-9]+)", not there "([0-9]+)", other 0"$ ]] && [ "${BASH_REMATCH[1]}" -gt 0 ]
}
for race in link parent again; do
        raced "$race" >"$races/said"
        status=$?
        cat "$races/said"
        check "calls that race with harmless changes ($race) have no other errors than EPERM and those they have natively" test $status = 0
done

check "no worker died" fails_with 1 grep "a worker" "$work/log"
stop_and_finish
