#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel gives the id of a mount that the host has unmounted to a mount of the workload's own: a denied directory stays denied.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

[ -e /dev/fuse ] && [ -e "$bin/fuse-maker" ] || skip_all "no /dev/fuse, or built without libfuse3"
mkdir -p "$work"/{allowed/point,denied,backing}
daemon_start <<CONF
[profile default]
default = deny
log = all

[rule allowed]
path = $work/allowed/
action = allow
CONF

# reuse COMMAND...: runs the attack.  The host's mount is a FUSE file system, which a worker does not enter.
reuse() {
        local status n
        for ((n = 0; n < 10; n++)); do
                "$bin/fuse-maker" "$work/allowed/point" "$work/backing" >/dev/null 2>&1 &
                wait_for mountpoint -q "$work/allowed/point" || { echo "cannot mount FUSE"; return 2; }
                "$@" "$bin/mount-ids" "$work/allowed/point" "$work/denied" "$work/allowed" /proc/self/ns/mnt
                status=$?
                umount -q "$work/allowed/point"
                wait $!
                [ $status = 2 ] || return $status
        done
        return 2
}

reuse env
natively=$?
rmdir "$work/denied/created" 2>/dev/null
reuse supervised --
supervised=$?
if [ $natively != 2 ] && [ $supervised != 2 ]; then
        check "natively the directory is created" test $natively = 0
        check "supervised the call is denied" test $supervised = 1
        check "... and nothing is created" test ! -e "$work/denied/created"
        check "... and the record names the denied path" logged "denied mkdir(\"$work/denied/created\") by mount-ids["
else
        skip "the id of a mount" "this kernel does not give it to the next mount"
fi

stop_and_finish
