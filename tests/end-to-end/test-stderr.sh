#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Records go to standard error, and what reads that has stopped: calls, new sessions, reloads and a stop go on, and when it reads again
# it is told how many records are missing.
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

# begin KIND: a daemon with a standard error of this kind.
begin() {
        rm -f "$work/go" "$work/log" "$work/log.pid" "$work/driver"
        conf first
        python3 "$SOURCE_ROOT/tests/end-to-end/stopped-reader.py" "$1" "$work/go" "$work/log" \
                "$SNOTIFYD" --config "$work/conf" --socket "$socket" --log-target=stderr >"$work/driver" &
        driver=$!
        wait_for is_listening "$socket" || { echo "Bail out! the daemon did not start"; exit 1; }
        wait_for test -s "$work/log.pid" # the daemon may listen before what started it has noted this
        daemon_pid=$(cat "$work/log.pid")
}
# Nothing here takes so long unless it hangs.
patiently() {
        timeout --kill-after=1 60 "$@"
}
# makes N: a session that makes N directories.
makes() {
        patiently "$SNOTIFY_RUN" --socket "$socket" -- python3 -c '
import os, sys
for n in range(int(sys.argv[1])):
    os.mkdir(f"d{n}")
for n in range(int(sys.argv[1])):
    os.rmdir(f"d{n}")' "$1"
}
# One that goes on until there is a file "enough".
makes_and_stays() {
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
# Returns the daemon's exit status, or 124 where it hangs.
end() {
        kill -TERM "$daemon_pid"
        daemon_pid=
        patiently tail --pid "$driver" -f /dev/null && wait "$driver"
}
told_of_lost() {
        makes 1
        grep -aq 'records lost before this one, because standard error did not take them: [1-9]' "$work/log"
}
# Lines that are neither whole records nor said to be missing.
broken_lines() {
        grep -avE '^(allowed mkdir\("/tmp/.*\(profile default: no rule covers it\)|session [0-9a-f]{16} (started|ended): .*|loaded .*|no memory cgroup .*|records lost before this one, because standard error did not take them: [0-9]+|running sessions .*|stopping.*|)$' "$work/log"
}
records() {
        grep -ac '^allowed mkdir(' "$work/log"
}

for kind in pipe socket terminal; do
        begin $kind
        check "$kind: calls go on" makes 1500
        check "... and sessions begin" makes 1
        conf second
        kill -HUP "$daemon_pid"
        check "... and the configuration is read again" wait_for has_profile second
        makes_and_stays
        check "... and a further session has calls" wait_for test -e made
        touch "$work/go"
        check "... when it is read again it is told that some are lost" wait_for told_of_lost
        check "... it has not more than there were, nor none" test "$(records)" -gt 10 -a "$(records)" -lt 1601
        touch enough
        wait $session
        check "... and a session's end says how many of its own" \
                logged "ended: 100 allowed, 0 denied, 0 failed; 100 records lost, for their reader did not take them"
        rm -f made enough
        # Of a line that was begun before the reader stopped there may be no end.
        check "... and lines are whole" test "$(broken_lines | wc -l)" -le 3
        end
        check "... the daemon ends well" test $? = 0
        check "... and has left the description as it was" test ! -s "$work/driver"

        begin $kind
        check "$kind: calls go on" makes 1500
        end
        check "... and it stops without being read" test $? = 0
done

begin none
check "a reader that is gone: calls go on" makes 100
check "... and sessions begin" makes 1
end
check "... and it stops" test $? = 0
finish
