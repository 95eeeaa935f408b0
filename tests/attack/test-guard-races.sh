#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The guard in the kernel against paths that change while a call is judged: in memory, in the file system, by mounts.  The kernel walks
# the path itself after the worker has judged it: a supervisor that lets calls continue needs the guard.
#
# Not "alone": the guard is for a daemon in the initial PID namespace.
source "$(dirname "$0")/../end-to-end/lib.sh"
source "$(dirname "$0")/guard.sh"

name_rules() {
        local path n=0
        for path in $("$bin/guard-names" list "$tree/names"); do
                printf '[rule name-%d]\npath = %s\naction = deny\n' $((n += 1)) "$path"
        done
}
guard_start <<CONF

[rule links]
path = $tree/links/shut/
action = deny

[rule renames]
path = $tree/renames/shut/
action = deny

$(name_rules)
CONF
mkdir -m 777 "$tree"/{links,names,way}

# A naive supervisor lets a denied call pass after a few calls; this many are enough on any machine.
enough=50000
calls=${CALLS:-500}

# holds COMMAND...: the attack has created nothing that is denied.
holds() {
        "$@" || { echo "exit status $?"; return 1; }
}

for how in thread process writev mem; do
        check "the path changes in memory ($how): a supervisor that lets the kernel continue lets a denied call pass" \
                fails_with 1 as_user "$bin/naive-supervisor" continue shut "$bin/memory" $how $enough "$tree"
        check "... the guard does not" holds supervised_user -- "$bin/memory" $how "$calls" "$tree"
        check "... and nothing denied was created" nothing_shut
done
check "... nor when root calls" holds supervised -- "$bin/memory" thread "$calls" "$tree"
if as_user unshare -Ur true 2>/dev/null; then
        check "... nor when the caller is in its own user namespace" holds supervised_user -- unshare -Ur "$bin/memory" thread "$calls" "$tree"
fi

as_user "$bin/links" prepare "$tree/links"
coproc FLIP { exec setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/links" flip "$tree/links"; }
flipper=$FLIP_PID
read -r _ <&"${FLIP[0]}"
check "the path's components change: natively a denied directory is created" fails_with 1 as_user "$bin/links" call $enough "$tree/links"
check "... with the guard none is" holds supervised_user -- "$bin/links" call "$calls" "$tree/links"
check "they changed all the time" kill "$flipper"
wait "$flipper"

# renamed STATUS AS...: creates directories, which fails with that status, while an unsupervised process renames their parents.
renamed() {
        local status=$1 renamer
        shift
        # Anew: the last one was killed in the middle.
        umount "$tree/renames/shut" 2>/dev/null
        rm -rf "${tree:?}/renames"
        mkdir -p "$tree"/renames/{shut,tree/source/way/here}
        chmod -R 777 "$tree/renames"
        mount --bind "$tree/renames/tree/source" "$tree/renames/shut"
        coproc RENAME { exec setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/renames" flip "$tree/renames/tree" "$tree/renames/shut"; }
        renamer=$RENAME_PID
        read -r _ <&"${RENAME[0]}"
        fails_with "$status" "$@"
        status=$?
        kill "$renamer" || { echo "they were not renamed all the time"; status=1; }
        wait "$renamer"
        return "$status"
}
check "the parents of a denied directory are renamed: natively it is created" renamed 1 as_user "$bin/renames" call "$tree/renames/tree" 100
check "... with the guard it is not" renamed 0 supervised_user -- "$bin/renames" call "$tree/renames/tree" "$calls"
check "... and nothing denied was created" test -z "$(find "$tree/renames/tree" -name 'x*')"

# mounts NAME AS COMMAND...
mounts() {
        local name=$1 as=$2
        shift 2
        check "$name mounts now the allowed and now the denied directory on the way: natively the latter is created" \
                fails_with 1 "$as" "$@" "$bin/guard-mounts" $enough "$tree"
        check "... with the guard it is not" holds "$as" "$SNOTIFY_RUN" --socket "$socket" -- "$@" "$bin/guard-mounts" "$calls" "$tree"
        check "... and nothing denied was created" nothing_shut
}
mounts root env unshare -m
if as_user unshare -Urm true 2>/dev/null; then
        mounts "a user" as_user unshare -Urm
else
        skip "a user's mounts" "an unprivileged user cannot mount here"
fi

check "names of 255 bytes that change in one: natively a denied one is created" fails_with 1 as_user "$bin/guard-names" "$tree/names" $enough
find "$tree/names" -mindepth 1 -delete
check "... with the guard none is" holds supervised_user -- "$bin/guard-names" "$tree/names" $((calls / 4))

check_no_trouble
stop_and_finish
