#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the kernel's audit system reports of the process that creates a directory; see DIFFERENCES in snotifyd(8).  Only processes in the
# initial PID namespace get its messages, so this test does not run in its own.
source "$(dirname "$0")/lib.sh"

mkdir "$work/watched"
daemon_start <<'CONF'
[profile default]
guard = off
default = allow
CONF

# audited COMMAND...: prints what audit reports of a mkdir(1) that the command runs, with 4321 as the login user.
audited() {
        rm -rf "$work/watched/made"
        # shellcheck disable=SC2016
        python3 "$SOURCE_ROOT/tests/end-to-end/audit.py" "$work/watched" sh -c 'echo 4321 >/proc/self/loginuid; exec "$@"' sh \
                "$@" mkdir "$work/watched/made"
}

natively=$(audited env 2>&1)
[ "$natively" = "mkdir 4321" ] || skip_all "natively the audit system reports \"$natively\" here"
check "audit reports the worker, and the login user that started the daemon" \
        test "$(audited "$SNOTIFY_RUN" --socket "$socket" --)" = "snotifyd-worker $(cat "/proc/$daemon_pid/loginuid")"
check "the directory is created" test -d "$work/watched/made"

stop_and_finish
