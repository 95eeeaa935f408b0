#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon writes its records to standard error, whose reader has stopped: calls, new sessions, reloads and a stop still work, and when
# the reader reads again it is told how many records are missing.
source "$(dirname "$0")/lib.sh" alone

mkdir -m 777 "$work/tree"
cd "$work/tree" || exit 1
conf() {
        cat >"$work/conf" <<CONF
[profile default]
default = allow
log = all

[profile $1]
CONF
}

# begin KIND: starts a daemon with a standard error of this kind.
begin() {
        rm -f "$work/go" "$work/log" "$work/log.pid" "$work/driver"
        conf first
        python3 "$SOURCE_ROOT/tests/end-to-end/stopped-reader.py" "$1" "$work/go" "$work/log" \
                "$SNOTIFYD" --config "$work/conf" --socket "$socket" --log-target=stderr >"$work/driver" &
        driver=$!
        wait_for is_listening "$socket" || { echo "Bail out! the daemon did not start"; exit 1; }
        wait_for test -s "$work/log.pid" # the daemon may listen before stopped-reader.py has written its pid
        daemon_pid=$(cat "$work/log.pid")
}
# patiently COMMAND...: a command that takes longer than that hangs.
patiently() {
        timeout --kill-after=1 60 "$@"
}
# creates N: runs a session that creates N directories.
creates() {
        patiently "$SNOTIFY_RUN" --socket "$socket" -- python3 -c '
import os, sys
for n in range(int(sys.argv[1])):
    os.mkdir(f"d{n}")
for n in range(int(sys.argv[1])):
    os.rmdir(f"d{n}")' "$1"
}
# A session that creates 100 directories, and ends when there is a file "enough".
creates_and_stays() {
        "$SNOTIFY_RUN" --socket "$socket" -- python3 -c '
import os, time
for n in range(100):
    os.mkdir(f"s{n}")
    os.rmdir(f"s{n}")
open("made", "w").close()
while not os.path.exists("enough"):
    time.sleep(0.01)' &
        session=$!
}
has_profile() {
        patiently "$SNOTIFY_RUN" --socket "$socket" --profile "$1" -- true
}
# Returns the daemon's exit status, or 124 if it hangs.
end() {
        kill -TERM "$daemon_pid"
        daemon_pid=
        patiently tail --pid "$driver" -f /dev/null && wait "$driver"
}
told_of_lost() {
        creates 1
        grep -aq 'records lost before this one, because standard error did not take them: [1-9]' "$work/log"
}
# Prints lines that are not whole records.
broken_lines() {
        grep -avE '^(allowed mkdir\("/tmp/.*\(profile default: no rule covers it\)|session [0-9a-f]{16} (started|ended): .*|loaded .*|no memory cgroup .*|records lost before this one, because standard error did not take them: [0-9]+|running sessions .*|stopping.*|)$' "$work/log"
}
records() {
        grep -ac '^allowed mkdir(' "$work/log"
}

for kind in pipe socket terminal; do
        begin $kind
        check "$kind, not read: 1500 calls succeed" creates 1500
        check "... new sessions begin" creates 1
        conf second
        kill -HUP "$daemon_pid"
        check "... a reload takes effect" wait_for has_profile second
        creates_and_stays
        check "... and a further session's calls succeed" wait_for test -e made
        touch "$work/go"
        check "$kind, read again: a record says how many are lost" wait_for told_of_lost
        check "... some are there, and some are not" test "$(records)" -gt 10 -a "$(records)" -lt 1601
        touch enough
        wait $session
        check "... the record of a session's end says how many of its own are lost" \
                logged "ended: 100 allowed, 0 denied, 0 failed; 100 records lost, because their reader did not take them"
        rm -f made enough
        # The end of a line that the daemon had begun when the reader stopped may be missing.
        check "... nearly all lines are whole" test "$(broken_lines | wc -l)" -le 3
        end
        check "... the daemon exits with status 0" test $? = 0
        check "... and the flags of the open file description are as before" test ! -s "$work/driver"

        begin $kind
        check "$kind, not read: 1500 calls succeed" creates 1500
        end
        check "... and the daemon stops" test $? = 0
done

begin none
check "a pipe whose reader is gone: 100 calls succeed" creates 100
check "... new sessions begin" creates 1
end
check "... and the daemon stops" test $? = 0
finish
