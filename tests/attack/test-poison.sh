#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Calls whose workers are killed, one after the other: three are enough, and nobody else notices.
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
napping='271 0x0 0x0 ' # ppoll(2) of nothing

# Prints the worker that sleeps in that.
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

# kill_worker CALL: the one that comes to sleep in that.
kill_worker() {
        local pid
        wait_for find_worker "$1" >"$work/found" || { echo "no worker is there"; return 1; }
        pid=$(cat "$work/found")
        kill -KILL "$pid" && wait_for test ! -e "/proc/$pid"
}

### A page that a worker hangs over, but not for good: it can be killed.

if [ "$("$bin/bad-page" 2>&1 & sleep 0.5; kill -KILL $! 2>/dev/null; wait $! 2>/dev/null)" != "" ]; then
        skip_all "userfaultfd(2) can not be used here"
fi
# shellcheck disable=SC2016
supervised -- sh -c '"$0/bin/bad-page" >"$0/said" & for n in $(seq 1000000); do
                [ ! -s "$0/said" ] || { echo "$n" >"$0/others"; mkdir "$0/room/after"; exit; }
                mkdir "$0/room/$n" || exit
        done' "$work" 2>"$work/err" &
session=$!
check "a worker is killed over a call" kill_worker "$reading"
check "... and the next" kill_worker "$reading"
check "nobody has answered it" test ! -s "$work/said"
before=$(find "$work/room" | wc -l)
others_go_on() {
        [ "$(find "$work/room" | wc -l)" -gt "$before" ]
}
check "other calls of the session go on" wait_for others_go_on
check "the third is killed" kill_worker "$reading"
check "the call gets EIO" wait_for grep -qx EIO "$work/said"
wait $session
check "the session goes on, and no other call of it failed" test $? = 0 -a ! -s "$work/err" -a -d "$work/room/after"
check "a record says why, and who called" logged 'trouble with mkdir("") by bad-page['
check "... in one word with the others" grep -q 'bad-page.*, uid 0: EIO (workers died over it)$' "$work/log"
check "each death is recorded" test "$(grep -c 'was killed by SIGKILL; another goes on' "$work/log")" = 3

### A delay, of which nobody dies.

supervised -- mkdir "$work/slow/made" &
session=$!
killed() {
        for _ in 1 2 3 4 5; do
                kill_worker "$napping" || return 1
        done
}
check "five workers are killed while they hold a call back" killed
wait $session
check "the call is performed nevertheless" test $? = 0 -a -d "$work/slow/made"
check "... and recorded once, by its rule" test "$(grep -c 'slow/made.*made (rule slow)' "$work/log")" = 1
daemon_stop
check "the daemon ends well" test $? = 0
finish
