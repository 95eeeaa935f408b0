#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Directories that an automounter serves: it is told who asks, and is not made to wait for itself.
source "$(dirname "$0")/lib.sh" alone

EDEADLK=35 EEXIST=17
mkdir -m 755 "$work"/{auto,own}
ln -s auto "$work/link"
daemon_start <<CONF
[limits]
call-timeout = 20s

[profile default]
default = allow
CONF
trap 'umount -l "$work/auto"/* "$work"/{auto,own} 2>/dev/null; cleanup' EXIT

"$bin/automounter" "$work/auto" >"$work/requests" 2>&1 &
automounter=$!
if ! wait_for grep -qx ready "$work/requests"; then
        skip_all "cannot mount an autofs here: $(cat "$work/requests")"
fi
# asked NAME UID GID
asked() {
        grep -qx "$1 $2 $3" "$work/requests" || { echo "no such request:"; cat "$work/requests"; return 1; }
}
user=65534
session() {
        supervised_user -- sh -c 'cd "$0"; '"$1" "$work"
}
check "natively the automounter is told who wants a directory" as_user mkdir "$work/auto/native/x"
check "... really" asked native $user $user
check "supervised, too" session 'mkdir auto/one/x'
check "... really" asked one $user $user
check "by an absolute path" session "mkdir $work/auto/two/x"
check "... really" asked two $user $user
check "through a link" session 'mkdir link/three/x'
check "... really" asked three $user $user
check "through a link of /proc" session 'mkdir /proc/self/cwd/auto/four/x'
check "... really" asked four $user $user
check "... of what is there before it is mounted" session 'mkdir /proc/self/cwd/auto/ghost/x'
check "... really" asked ghost $user $user
check "the name itself" fails_with $EEXIST supervised_user -- "$bin/mkdir-as" mkdir "$work/auto" five
check "... really" asked five $user $user
check "in the automounter's directory" fails_with $EEXIST session "cd auto && exec $bin/mkdir-as mkdir . six"
check "... really" asked six $user $user
check "what is mounted already is not asked for" session 'mkdir auto/one/y'
check "... really" test "$(grep -c '^one ' "$work/requests")" = 1
check "the directories are the user's" test "$(stat -c %u "$work/auto"/{one,two,three,four,ghost}/x | sort -u)" = $user

check "natively an automounter creates its directories itself" "$bin/automounter" "$work/own" x
umount "$work/own"
check "supervised it is told at once that it would wait for itself" \
        fails_with $EDEADLK timeout 10 "$SNOTIFY_RUN" --socket "$socket" -- "$bin/automounter" "$work/own" x
check "... by a record, too" logged "it is the automounter of a directory on the way"
umount "$work/own"

kill $automounter
wait $automounter 2>/dev/null
check "no worker died" fails_with 1 grep 'a worker' "$work/log"
stop_and_finish
