#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What changes while it is looked at: the path in memory, and what is at the path.  Supervisors that look twice lose.
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

# The naive ones lose after a few calls; so many they get to do so.
enough=100000
calls=25000
[ -z "$SANITIZED" ] || calls=2500

# won COMMAND...: an attack that made nothing denied.
won() {
        "$@" || { echo "exit status $?"; return 1; }
}

# A disk would only take time.
mkdir "$memory" "$links"
mount -t tmpfs tmpfs "$memory"
mount -t tmpfs tmpfs "$links"
chmod 777 "$memory" "$links"

mkdir -m 777 "$memory"/{open,shut}
for how in thread process writev mem; do
        check "the path is changed in memory, $how: who goes on after judging loses" \
                fails_with 1 as_user "$bin/naive" continue shut "$bin/memory" $how $enough "$memory"
        check "... who makes what he has read does not" won supervised_user -- "$bin/memory" $how $calls "$memory"
        check "... really" test -z "$(find "$memory/shut" -mindepth 1)"
done
check "... nor for root" won supervised -- "$bin/memory" thread $((calls / 5)) "$memory"
if as_user unshare -Ur true 2>/dev/null; then
        check "... nor in a user namespace" won supervised_user -- unshare -Ur "$bin/memory" thread $((calls / 25)) "$memory"
else
        skip "in a user namespace" "the user may not make one here"
fi

as_user "$bin/links" prepare "$links"
coproc FLIP { exec setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/links" flip "$links"; }
flipper=$FLIP_PID
read -r _ <&"${FLIP[0]}"
check "components are exchanged: who looks where a path leads and then uses it loses" \
        fails_with 1 as_user "$bin/naive" resolve shut "$bin/links" call $enough "$links"
check "... who holds what he has judged does not" won supervised_user -- "$bin/links" call $calls "$links"
check "... nor for root" won supervised -- "$bin/links" call $((calls / 5)) "$links"
if as_user unshare -Ur true 2>/dev/null; then
        check "... nor in a user namespace" won supervised_user -- unshare -Ur "$bin/links" call $((calls / 25)) "$links"
fi
check "they were exchanged all the time" kill "$flipper"
wait "$flipper"

umount "$memory" "$links"

# A directory that is denied by the path that a bind mount gives it, whatever the directories above it are called.
mkdir -p "$renames"
mount -t tmpfs tmpfs "$renames"
mkdir -p "$renames"/{shut,tree/source/way/here}
chmod -R 777 "$renames"
mount --bind "$renames/tree/source" "$renames/shut"
coproc RENAME { exec setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/renames" flip "$renames/tree" "$renames/shut"; }
renamer=$RENAME_PID
read -r _ <&"${RENAME[0]}"
check "directories above are renamed: no path is missed" won supervised_user -- "$bin/renames" call "$renames/tree" $calls
check "... nor is one from a mount namespace of its own" won supervised -- unshare -m "$bin/renames" call "$renames/tree" $((calls / 5))
# The other way: the bind mount shows what is denied by its path in the tree, wherever there that is.
mkdir -m 755 "$renames/by"
ln -s "$renames/shut" "$renames/by/source"
check "... nor that of what a bind mount shows" won supervised_user --profile tree -- "$bin/renames" call "$renames/by" $((calls / 5))
check "... and renamed they were, all the time" kill "$renamer"
wait "$renamer"
check "... really" test -z "$(find "$renames/tree" -name 'x*')"

umount "$renames/shut" "$renames"

check "no call was trouble" fails_with 1 grep '^trouble' "$work/log"
check "no worker died" fails_with 1 grep 'a worker' "$work/log"
daemon_stop
check "the daemon ends well" test $? = 0
finish
