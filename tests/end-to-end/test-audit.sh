#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the kernel's audit system says of a directory's maker, see DIFFERENCES in snotifyd(8).  Only the initial PID namespace can
# ask it, so this test has none of its own.
source "$(dirname "$0")/lib.sh"

mkdir "$work/watched"
daemon_start <<'CONF'
[profile default]
default = allow
CONF

# audited COMMAND...: what is said of a mkdir(1) that somebody who has logged in as user 4321 runs through the command.
audited() {
        rm -rf "$work/watched/made"
        # shellcheck disable=SC2016
        python3 "$SOURCE_ROOT/tests/end-to-end/audit.py" "$work/watched" sh -c 'echo 4321 >/proc/self/loginuid; exec "$@"' sh \
                "$@" mkdir "$work/watched/made"
}

natively=$(audited env 2>&1)
[ "$natively" = "mkdir 4321" ] || skip_all "natively the audit system says \"$natively\""
check "audit names the worker, and who started the daemon" \
        test "$(audited "$SNOTIFY_RUN" --socket "$socket" --)" = "snotifyd-worker $(cat "/proc/$daemon_pid/loginuid")"
check "the directory is there" test -d "$work/watched/made"

stop_and_finish
