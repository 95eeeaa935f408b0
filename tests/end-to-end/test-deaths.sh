#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a process that creates directories leaves behind when it dies (see DIFFERENCES in snotifyd(8)): a process that is killed, one that
# exits while its threads create directories, and one whose file system is unmounted afterwards.
#
#   DEATHS=100     100 times each instead of 40
source "$(dirname "$0")/lib.sh" alone

mkdir "$work/directory"
mount -t tmpfs tmpfs "$work/directory" 2>/dev/null || skip_all "cannot mount"
umount "$work/directory"
daemon_start <<'CONF'
[profile default]
default = allow
CONF

# deaths HOW COMMAND...: runs ./deaths.c under that command, and sets $result to its output.
deaths() {
        local how=$1
        shift
        result=$("$@" "$bin/deaths" "$how" "$work/directory" "${DEATHS:-40}" 2>&1)
        local status=$?
        echo "# $how, ${1##*/}: $result"
        return $status
}

for how in kill exit unmount; do
        deaths $how env
        check "$how: natively no directory appears after the death" test "$result" = "late 0 of ${DEATHS:-40}"
        deaths $how "$SNOTIFY_RUN" --socket "$socket" --
        check "... and supervised at most one for each thread" test $? = 0
done

check "no record reports trouble" fails_with 1 grep '^trouble' "$work/log"
stop_and_finish
