#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The server of a FUSE file system does not find a directory by its name for a moment, and the kernel forgets the directory's path: what
# is denied there stays denied.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

[ -e /dev/fuse ] && [ -e "$bin/fuse-maker" ] || skip_all "no /dev/fuse, or built without libfuse3"
mkdir -p "$work"/{mnt,backing/denied,sync}
daemon_start <<CONF
[profile default]
default = allow

[rule denied]
path = $work/mnt/denied/
action = deny
CONF
"$bin/fuse-maker" "$work/mnt" "$work/backing" >/dev/null 2>&1 &
server=$!
wait_for mountpoint -q "$work/mnt" || skip_all "cannot mount FUSE here"
trap 'umount -q -l "$work/mnt"; cleanup' EXIT

# Enters the directory, lets the server lose it and find it again, and creates NAME in it.
cat >"$work/lose.sh" <<'SH'
cd "$1/mnt/denied" || exit 2
mv "$1/backing/denied" "$1/backing/elsewhere"
until ! stat "$1/mnt/denied" >/dev/null 2>&1; do sleep 0.1; done
mv "$1/backing/elsewhere" "$1/backing/denied"
[[ $(readlink /proc/self/cwd) == *" (deleted)" ]] || exit 2
mkdir "$2"
SH
bash "$work/lose.sh" "$work" created
natively=$?
if [ $natively = 0 ]; then
        check "natively the call creates a directory there" rmdir "$work/backing/denied/created"
        check "supervised it is denied" fails_with 1 supervised -- bash "$work/lose.sh" "$work" created
        check "... and nothing is created" test ! -e "$work/backing/denied/created"
else
        skip "a directory without a path" "this kernel keeps the path"
fi
mkdir "$work/mnt/removed"
# shellcheck disable=SC2016
check "in a removed directory the call fails as natively" \
        test "$(supervised -- sh -c 'cd "$0" && rmdir "$0" && mkdir x 2>&1 | sed "s/.*: //"' "$work/mnt/removed")" = \
        "No such file or directory"
umount "$work/mnt"
wait $server

stop_and_finish
