#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A call over which each worker dies fails after three attempts, and the other calls of the session are unaffected.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

mkdir -m 777 "$work/room" "$work/slow"
daemon_start <<CONF
[limits]
call-timeout = 1h

[profile default]
default = allow
log = all

[rule slow]
path = $work/slow/
action = allow
delay = 4s
CONF

# The system calls that a worker sleeps in, as /proc/PID/syscall has them.
reading='310 ' # process_vm_readv(2)
delaying='271 0x0 0x0 ' # ppoll(2) of nothing

# find_worker CALL: prints the pid of the worker that sleeps in that call.
find_worker() {
        local dir
        for dir in /proc/[0-9]*; do
                if [ "$(cat "$dir/comm" 2>/dev/null)" = snotifyd-worker ] && [[ $(cat "$dir/syscall" 2>/dev/null) == "$1"* ]]; then
                        echo "${dir#/proc/}"
                        return
                fi
        done
        return 1
}

# kill_worker CALL: waits for a worker that sleeps in that call, and kills it.
kill_worker() {
        local pid
        wait_for find_worker "$1" >"$work/found" || { echo "no worker sleeps in it"; return 1; }
        pid=$(cat "$work/found")
        kill -KILL "$pid" && wait_for test ! -e "/proc/$pid"
}

### A page on which a worker hangs, but can be killed.

if [ "$("$bin/bad-page" 2>&1 & sleep 0.5; kill -KILL $! 2>/dev/null; wait $! 2>/dev/null)" != "" ]; then
        skip_all "userfaultfd(2) cannot be used here"
fi
# shellcheck disable=SC2016
supervised -- sh -c '"$0/bin/bad-page" >"$0/said" & for n in $(seq 1000000); do
                [ ! -s "$0/said" ] || { echo "$n" >"$0/others"; mkdir "$0/room/after"; exit; }
                mkdir "$0/room/$n" || exit
        done' "$work" 2>"$work/err" &
session=$!
check "a worker is killed while it reads a call's path" kill_worker "$reading"
check "... and the next one" kill_worker "$reading"
check "the call is not answered yet" test ! -s "$work/said"
before=$(find "$work/room" | wc -l)
others_go_on() {
        [ "$(find "$work/room" | wc -l)" -gt "$before" ]
}
check "other calls of the session go on" wait_for others_go_on
check "the third worker is killed" kill_worker "$reading"
check "the call fails with EIO" wait_for grep -qx EIO "$work/said"
wait $session
check "the session goes on, and no other call of it failed" test $? = 0 -a ! -s "$work/err" -a -d "$work/room/after"
check "a record names the caller" logged 'trouble with mkdir("") by bad-page['
check "... and the reason" grep -q 'bad-page.*, uid 0: EIO (three workers died over it)$' "$work/log"
check "each death is recorded" test "$(grep -c 'was killed by SIGKILL; another one takes its place' "$work/log")" = 3

### A delay: waiting does not count as an attempt.

supervised -- mkdir "$work/slow/made" &
session=$!
killed() {
        for _ in 1 2 3 4 5; do
                kill_worker "$delaying" || return 1
        done
}
check "five workers are killed while they delay a call" killed
wait $session
check "the call still succeeds" test $? = 0 -a -d "$work/slow/made"
check "... and is recorded once, with its rule" test "$(grep -c 'slow/made.*created (rule slow)' "$work/log")" = 1
stop_and_finish
