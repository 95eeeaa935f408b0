#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A worker or helper dies while it performs a call.  Meanwhile the path leads to another directory, which is denied: the process that
# repeats the call must not create anything there.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

mkdir -m 755 "$work/tree" "$work/hang"
mkdir -m 777 "$work/tree/shut" "$work/tree/open"
as_user unshare -Urm mount -t tmpfs tmpfs "$work/tree/open" 2>/dev/null || skip_all "the user may not mount in a namespace here"
"$bin/hanging-fs" "$work/hang" >"$work/hanging" 2>&1 &
fs=$!
trap 'umount -l "$work/hang"; kill "$fs" 2>/dev/null; cleanup' EXIT
wait_for grep -q mounted "$work/hanging" || skip_all "no FUSE here: $(cat "$work/hanging")"

daemon_start <<CONF
[profile default]
default = deny
log = all
[rule open]
path = $work/tree/open/
action = allow

[profile by-rule]
default = allow
log = all
[rule shut]
profile = by-rule
path = $work/tree/shut/x
action = deny

[profile open]
default = allow
log = all
CONF

answer_until_ended() {
        kill -USR1 "$fs"
        ! kill -0 "$1" 2>/dev/null
}
try() {
        local directory=$1 pid
        shift
        : >"$work/said"
        "$@" unshare -Urm "$bin/second-try" "$directory" "$work/hang/page" >"$work/said" 2>&1 &
        pid=$!
        # The kernel asks for the page more than once: answer each time.
        wait_for grep -q . "$work/said" && wait_for answer_until_ended "$pid"
        wait "$pid" || { cat "$work/said"; return 1; }
        sed -n 2p "$work/said"
}
# second_try DIRECTORY EXPECTED COMMAND...: the call has one of the expected results, and nothing was created in the host's DIRECTORY.
second_try() {
        local directory=$1 expected=$2 got
        shift 2
        got=$(try "$directory" "$@")
        [ ! -e "$directory/x" ] || { echo "$directory/x was created"; rmdir "$directory/x"; return 1; }
        [[ " $expected " == *" $got "* ]] || { echo "not \"$expected\" but \"$got\""; return 1; }
}

check "natively the call creates the directory in the tmpfs" second_try "$work/tree/shut" 0 as_user
# With the guard the caller performs its call itself, as natively.
expected=EIO
! is_guarded || expected=0
check "the second attempt at a call does not create a denied directory" second_try "$work/tree/shut" $expected supervised_user --
[ $expected != EIO ] ||
        check "... and the record says why" logged "EIO (a process died over it, and its parent directory is not the same any more)"
check "... nor an allowed one, which the call was not for" second_try "$work/tree/open" $expected supervised_user --
check "... nor when the profile denies nothing" second_try "$work/tree/shut" $expected supervised_user --profile=open --
check "no record names the host's path for a directory in the tmpfs, which the host does not have" \
        fails_with 1 grep -E "(allowed|trouble with) mkdir(at)?\(\"$work/tree/shut/x" "$work/log"

# A rule that denies the very name also holds in the tmpfs that is mounted over its parent.
check "a rule for the very directory denies it in the tmpfs, too" \
        fails_with 1 supervised_user --profile=by-rule -- unshare -Urm sh -c "mount -t tmpfs tmpfs $work/tree/shut && mkdir $work/tree/shut/x"
check "nothing was created on the host" test -z "$(find "$work/tree/shut" "$work/tree/open" -mindepth 1)"
finish
