#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Directories that an automounter mounts on demand: it learns which user asks for them, and a supervised automounter never waits for
# itself.
source "$(dirname "$0")/lib.sh" alone

EDEADLK=35 EEXIST=17
mkdir -m 755 "$work"/{auto,own}
ln -s auto "$work/link"
daemon_start <<CONF
[limits]
call-timeout = 20s

[profile default]
guard = off
default = allow
CONF
trap 'umount -l "$work/auto"/* "$work"/{auto,own} 2>/dev/null; cleanup' EXIT

"$bin/automounter" "$work/auto" >"$work/requests" 2>&1 &
automounter=$!
if ! wait_for grep -qx ready "$work/requests"; then
        skip_all "cannot mount an autofs here: $(cat "$work/requests")"
fi
# asked NAME UID GID: the automounter was asked for that directory by that user.
asked() {
        grep -qx "$1 $2 $3" "$work/requests" || { echo "no such request:"; cat "$work/requests"; return 1; }
}
user=65534
session() {
        supervised_user -- sh -c 'cd "$0"; '"$1" "$work"
}
check "natively the automounter is asked for a directory" as_user mkdir "$work/auto/native/x"
check "... by the user" asked native $user $user
check "supervised, too: by a relative path" session 'mkdir auto/one/x'
check "... by the user" asked one $user $user
check "... by an absolute path" session "mkdir $work/auto/two/x"
check "... by the user" asked two $user $user
check "... through a symbolic link" session 'mkdir link/three/x'
check "... by the user" asked three $user $user
check "... through a link in /proc" session 'mkdir /proc/self/cwd/auto/four/x'
check "... by the user" asked four $user $user
check "... for a directory that exists before anything is mounted on it" session 'mkdir /proc/self/cwd/auto/ghost/x'
check "... by the user" asked ghost $user $user
check "... for the very directory that the call is to create" fails_with $EEXIST supervised_user -- "$bin/mkdir-as" mkdir "$work/auto" five
check "... by the user" asked five $user $user
check "... from a working directory of the automounter's" fails_with $EEXIST session "cd auto && exec $bin/mkdir-as mkdir . six"
check "... by the user" asked six $user $user
check "a directory that is already mounted" session 'mkdir auto/one/y'
check "... is not asked for again" test "$(grep -c '^one ' "$work/requests")" = 1
check "the new directories are the user's" test "$(stat -c %u "$work/auto"/{one,two,three,four,ghost}/x | sort -u)" = $user

check "natively an automounter creates the directories on which it mounts" "$bin/automounter" "$work/own" x
umount "$work/own"
check "supervised its call fails at once with EDEADLK, as it would wait for itself" \
        fails_with $EDEADLK timeout 10 "$SNOTIFY_RUN" --socket "$socket" -- "$bin/automounter" "$work/own" x
check "... and a record says why" logged "it is the automounter of a directory on the way"
umount "$work/own"

kill $automounter
wait $automounter 2>/dev/null
check "no worker died" fails_with 1 grep 'a worker' "$work/log"
stop_and_finish
