#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The path in memory, or what the path leads to, changes while the call is judged.  A supervisor that looks twice lets a denied call
# pass; snotify must not.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

memory=$work/memory
links=$work/links
renames=$work/renames
daemon_start <<CONF
[profile default]
default = allow
log = none

[rule memory]
path = $memory/shut/
action = deny

[rule links]
path = $links/shut/
action = deny

[rule renames]
path = $renames/shut/
action = deny

[profile tree]
default = allow
log = none

[rule tree]
profile = tree
path = $renames/tree/
action = deny
CONF

# A naive supervisor lets a denied call pass after a few calls; this many are enough on any machine.
enough=100000
calls=$(fewer 25000)
[ -z "$SANITIZED" ] || calls=2500

# holds COMMAND...: the attack has created nothing that is denied.
holds() {
        "$@" || { echo "exit status $?"; return 1; }
}

# On a tmpfs, which is faster than a disk.
mkdir "$memory" "$links"
mount -t tmpfs tmpfs "$memory"
mount -t tmpfs tmpfs "$links"
chmod 777 "$memory" "$links"

mkdir -m 777 "$memory"/{open,shut}
for how in thread process writev mem; do
        check "the path changes in memory ($how): a supervisor that lets the kernel continue lets a denied call pass" \
                fails_with 1 as_user "$bin/naive-supervisor" continue shut "$bin/memory" $how $enough "$memory"
        check "... snotify does not" holds supervised_user -- "$bin/memory" $how "$calls" "$memory"
        check "... and nothing denied was created" test -z "$(find "$memory/shut" -mindepth 1)"
done
check "... nor when root calls" holds supervised -- "$bin/memory" thread $((calls / 5)) "$memory"
if as_user unshare -Ur true 2>/dev/null; then
        check "... nor when the caller is in its own user namespace" holds supervised_user -- unshare -Ur "$bin/memory" thread $((calls / 25)) "$memory"
else
        skip "callers in their own user namespace" "an unprivileged user cannot create one here"
fi

as_user "$bin/links" prepare "$links"
coproc FLIP { exec setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/links" flip "$links"; }
flipper=$FLIP_PID
read -r _ <&"${FLIP[0]}"
check "the path's components change: a supervisor that resolves the path and then uses it lets a denied call pass" \
        fails_with 1 as_user "$bin/naive-supervisor" resolve shut "$bin/links" call $enough "$links"
check "... snotify does not" holds supervised_user -- "$bin/links" call "$calls" "$links"
check "... nor when root calls" holds supervised -- "$bin/links" call $((calls / 5)) "$links"
if as_user unshare -Ur true 2>/dev/null; then
        check "... nor when the caller is in its own user namespace" holds supervised_user -- unshare -Ur "$bin/links" call $((calls / 25)) "$links"
fi
check "they changed all the time" kill "$flipper"
wait "$flipper"

umount "$memory" "$links"

# A rule denies a directory by its path on a bind mount; an unsupervised process renames the directory's parents.
mkdir -p "$renames"
mount -t tmpfs tmpfs "$renames"
mkdir -p "$renames"/{shut,tree/source/way/here}
chmod -R 777 "$renames"
mount --bind "$renames/tree/source" "$renames/shut"
coproc RENAME { exec setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/renames" flip "$renames/tree" "$renames/shut"; }
renamer=$RENAME_PID
read -r _ <&"${RENAME[0]}"
check "the parents of a denied directory are renamed: it stays denied" holds supervised_user -- "$bin/renames" call "$renames/tree" "$calls"
check "... also for a caller in its own mount namespace" holds supervised -- unshare -m "$bin/renames" call "$renames/tree" $((calls / 5))
# The other way round: a rule denies a directory by its path in the tree, and the caller reaches it through the bind mount.
mkdir -m 755 "$renames/by"
ln -s "$renames/shut" "$renames/by/source"
check "... also when the caller reaches it through a bind mount" holds supervised_user --profile tree -- "$bin/renames" call "$renames/by" $((calls / 5))
check "they were renamed all the time" kill "$renamer"
wait "$renamer"
check "nothing denied was created" test -z "$(find "$renames/tree" -name 'x*')"

umount "$renames/shut" "$renames"

check_no_trouble
stop_and_finish
