#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# snotify-run as a user meets it: exit statuses, messages, what the workload inherits.
source "$(dirname "$0")/lib.sh"

says() {
        local status=$1 text=$2 output
        shift 2
        output=$("$@" 2>&1)
        [ $? = "$status" ] || { echo "exit status is not $status; output: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
}

check "without a daemon nothing runs" says 125 \
        "cannot connect to $socket: No such file or directory; is snotifyd running? systemctl start snotifyd" \
        supervised -- touch "$work/ran"

daemon_start <<'CONF'
[profile default]
default = allow
log = all
CONF

check "the workload's exit status is passed on" fails_with 7 supervised -- sh -c 'exit 7'
check "127 for a command that is not found" says 127 "cannot execute /nowhere" supervised -- /nowhere
check "126 for one that cannot be executed" says 126 "Permission denied" supervised -- /etc/passwd
check "125 without a command" says 125 "no command given" supervised
check "125 for an unknown option" says 125 "Try 'snotify-run --help'" supervised --nonsense
check "an unknown profile" says 125 "there is no profile nowhere" supervised --profile nowhere -- touch "$work/ran"
check "nested" says 125 "supervised already" supervised -- "$SNOTIFY_RUN" --socket "$socket" -- touch "$work/ran"
check "none of these ran" test ! -e "$work/ran"
check "--help" says 0 "Usage: snotify-run" supervised --help
check "--version" says 0 "snotify-run 0" supervised --version

finish
