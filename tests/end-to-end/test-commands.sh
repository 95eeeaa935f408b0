#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/run, tests/demo and tests/soak say why when they cannot run, and the demo fails if snotify does not do what it shows.
source "$(dirname "$0")/lib.sh" alone

mount -t tmpfs tmpfs /srv || skip_all "cannot mount a tmpfs"
touch "$work/log"

# The tree as from a tarball, readable by all users.
tree=$work/tree
mkdir "$tree"
(cd "$SOURCE_ROOT" && tar -c --exclude=.git --anchored --exclude='build*' -- *) | tar -x --no-same-owner -C "$tree"

# refuses TEXT COMMAND...: one line on stderr that contains TEXT, nothing on stdout, and exit status 77, "skipped".
refuses() {
        local text=$1 output
        shift
        output=$("$@" 2>&1 >"$work/stdout" </dev/null)
        [ $? = 77 ] || { echo "exit status is not 77; output: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
        [ "$(wc -l <<<"$output")" = 1 ] || { echo "more than one line: $output"; return 1; }
        [ ! -s "$work/stdout" ] || { echo "it goes on: $(cat "$work/stdout")"; return 1; }
}
for command in run demo soak; do
        check "tests/$command refuses to run as a user" refuses "$command: run as root" as_user "$tree/tests/$command"
        check "... and as root without CAP_SYS_ADMIN" refuses "snotifyd needs cap_sys_admin, which this root lacks" \
                setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$tree/tests/$command"
done

mkdir "$work/read-only" "$work/root"
mount --bind "$tree" "$work/read-only"
mount -o remount,bind,ro "$work/read-only"
for command in run soak; do
        check "tests/$command refuses to run in a read-only tree" refuses "cannot write to $work/read-only" "$work/read-only/tests/$command"
done
umount "$work/read-only"

mount --rbind / "$work/root"
check "tests/demo refuses to run in a chroot" refuses "run it outside of this chroot" chroot "$work/root" "$tree/tests/demo"
umount --recursive "$work/root"

if [ -n "${SANITIZED-}" ]; then
        skip "tests/demo" "it builds the same in every build"
elif "$tree/tests/demo" >"$work/shown" 2>&1 || [ $? != 77 ]; then
        shows() {
                [ "$(tail -n 1 "$work/shown")" = "Stopped; nothing is left behind." ] || { cat "$work/shown"; return 1; }
        }
        check "tests/demo runs in a tree without a repository" shows
        check "... writes no escape sequences to a pipe" fails_with 1 grep $'\e' "$work/shown"
        check "... shows no message that is meant for administrators" fails_with 1 grep -E '/proc/1/root|cgroup' "$work/shown"
        sed -i 's,^path = /tmp/$,path = /elsewhere/,' "$tree/conf/snotify.conf"
        check "tests/demo fails if a directory is denied that should be allowed" fails_with 1 "$tree/tests/demo"
        sed -i 's,^path = /elsewhere/$,path = /tmp/,; s,^default = deny$,default = allow,' "$tree/conf/snotify.conf"
        check "... or allowed that should be denied" fails_with 1 "$tree/tests/demo"
        echo nonsense >>"$tree/meson.build"
        fails_to_build() {
                "$tree/tests/demo" >"$work/shown" 2>&1
                [ $? = 1 ] && grep -q 'meson.build:.*nonsense' "$work/shown" || { cat "$work/shown"; return 1; }
        }
        check "... or if snotify cannot be built, with meson's message" fails_to_build
else
        skip "tests/demo" "$(tail -n 1 "$work/shown")"
fi
check "nothing is left behind in /srv" test -z "$(ls -A /srv)"
finish
