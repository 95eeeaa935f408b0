#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the reference program, a teaching example of seccomp user notification, shows, and that it holds here: one check or more
# for each item.
source "$(dirname "$0")/lib.sh" alone

SYS_mkdir=83

# Starts a workload in the background: $workload is its process, $work/status will be its exit status.
launch() {
        "$SNOTIFY_RUN" --socket "$socket" -- "$@" &
        workload=$!
}

# launch_gated COMMAND...: it waits for open_gate.
launch_gated() {
        rm -f "$work/gate"
        mkfifo "$work/gate"
        launch sh -c 'read -r _ <"$0"; exec "$@"' "$work/gate" "$@"
        wait_for runs_sh $workload
}

# snotify-run is done when it has become the workload.
runs_sh() {
        [ "$(cat "/proc/$1/comm" 2>/dev/null)" = sh ]
}

open_gate() {
        timeout 10 sh -c 'echo go >"$0"' "$work/gate"
}

in_mkdir() {
        local nr
        read -r nr _ <"/proc/$1/syscall" && [ "$nr" = "$SYS_mkdir" ]
}

workers() {
        daemon_children
}

is_stopped() {
        [[ $(cut -d' ' -f3 "/proc/$1/stat") == [Tt] ]]
}

# Stops the daemon, then its workers: nobody receives or answers.
freeze() {
        local pid
        for pid in $daemon_pid $(kill -STOP "$daemon_pid"; wait_for is_stopped "$daemon_pid"; workers); do
                kill -STOP "$pid"
                wait_for is_stopped "$pid" || return 1
        done
}

thaw() {
        # shellcheck disable=SC2046
        kill -CONT $(workers) "$daemon_pid"
}

gone() {
        ! kill -0 "$1" 2>/dev/null
}

serves() {
        local name=$work/a/serves.$RANDOM
        supervised -- mkdir "$name" && [ -d "$name" ]
}

sessions_ended() {
        [ "$(grep -c '^session [0-9a-f]* ended' "$work/log")" = "$(grep -c '^session [0-9a-f]* started' "$work/log")" ]
}

# In DIRECTORY, that is $work/NAME.
reference() {
        mkdir -p "$work/$1"
        supervised -- "$bin/reference" "$1" "$work/$1"
}

mkdir "$work/a"
start() {
        daemon_start <<CONF
[profile default]
default = allow
log = all

[rule slow]
path = $work/delay/slow
action = allow
delay = 2s

[rule slow-too]
path = $work/a/slow
action = allow
delay = 2s
CONF
}
start

# The delay takes its time: it runs beside the rest.
reference delay >"$work/delay.out" 2>&1 &
delay=$!

### The target stays blocked until it is answered.
launch_gated mkdir "$work/a/blocked"
freeze
open_gate
check "the target's call is pending" wait_for in_mkdir $workload
stays_blocked() {
        local n
        for ((n = 0; n < 30; n++)); do
                in_mkdir $workload && [ ! -e "$work/a/blocked" ] || return 1
                sleep 0.01
        done
}
check "the target stays blocked while nobody answers" stays_blocked
thaw
wait $workload
check "it goes on once it is answered" test $? = 0 -a -d "$work/a/blocked"

### The identifier is checked before and after the target's memory is read.
launch_gated mkdir "$work/a/killed"
freeze
open_gate
wait_for in_mkdir $workload
kill -KILL $workload
wait $workload 2>/dev/null
thaw
check "a target killed while its call is pending: the daemon goes on" serves
check "... and nothing is made for the dead" test ! -e "$work/a/killed"

mkdir "$work/memory-that-hangs"
launch "$bin/reference" memory-that-hangs "$work/memory-that-hangs"
if wait_for in_mkdir $workload; then
        being_read() {
                local pid nr
                for pid in $(workers); do
                        read -r nr _ 2>/dev/null <"/proc/$pid/syscall" && [ "$nr" = 310 ] && return 0   # process_vm_readv
                done
                return 1
        }
        check "a worker reads memory that is never delivered" wait_for being_read
        check "... and other sessions go on" serves
        kill -KILL $workload
        wait $workload 2>/dev/null
        check "a target killed while its memory is read: the daemon goes on" serves
else
        skip "a target killed while its memory is read" "no userfaultfd here"
fi

launch mkdir "$work/a/slow"
wait_for in_mkdir $workload
kill -KILL $workload
wait $workload 2>/dev/null
check "a target killed while its call is being decided: the daemon goes on" serves
check "an id that belongs to another process by now" reference recycled-id
check "a target that is interrupted all the time" reference signals

### A path without terminator.
check "a path without terminator gets an error" reference unterminated

### Buffers are sized by what the kernel reports.
refuses_to_run() {
        local kind=$1 text=$2 output
        output=$(timeout 10 "$bin/other-kernel" "$kind" "$SNOTIFYD" --config "$work/conf" --socket "$work/other" --log-target=stderr 2>&1)
        [ $? = 1 ] || { echo "exit status is not 1: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
        [ ! -e "$work/other" ] || { echo "it listens"; return 1; }
}
check "a kernel that reports larger structures than ours (SECCOMP_GET_NOTIF_SIZES)" \
        refuses_to_run large-notifications "this kernel's seccomp notifications are larger than this snotifyd knows"

### A second filter.
check "a second filter that returns ERRNO wins" reference second-filter-errno
check "... and makes nothing" test ! -e "$work/second-filter-errno/by-errno"
check "... and there is no record of it" fails_with 1 grep -q by-errno "$work/log"
check "a second filter that returns TRACE loses" reference second-filter-trace
check "... to the notification, of which there is a record" logged "allowed mkdir(\"$work/second-filter-trace/by-trace\")"

### A delay holds up one call and no other thread.
wait $delay
status=$?
sed 's/^/# /' "$work/delay.out"
check "a delay of 2s holds up that call alone" test $status = 0

### A supervisor that outlives its targets.
check "each session has ended, and the daemon has not" wait_for sessions_ended
check "... and the target that was killed in its delay has made nothing" test ! -e "$work/a/slow"
check "... and has no workers left" wait_for fails_with 1 workers
check "... and still serves" serves

### A supervisor that is gone leaves ENOSYS.
launch_gated "$bin/mkdir-as" mkdir "$work/a" after-stop
daemon_stop
check "the daemon stops while a session runs" test $? = 0
open_gate
wait $workload
check "a daemon that was stopped leaves ENOSYS" test $? = 38 -a ! -e "$work/a/after-stop"

start
launch_gated "$bin/mkdir-as" mkdir "$work/a" after-kill
killed=$(workers)
kill -KILL "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
daemon_pid=
for pid in $killed; do
        wait_for gone "$pid"
done
open_gate
wait $workload
check "a daemon that was killed leaves ENOSYS" test $? = 38 -a ! -e "$work/a/after-kill"

start
check "the next daemon takes the socket over" serves
launch_gated "$bin/mkdir-as" mkdir "$work/a" pending
freeze
open_gate
wait_for in_mkdir $workload
kill -KILL $daemon_pid $(workers)
wait $daemon_pid 2>/dev/null
daemon_pid=
wait $workload
check "a call that is pending when the daemon is killed gets ENOSYS too" test $? = 38 -a ! -e "$work/a/pending"

check "no worker died on its own" fails_with 1 grep -q 'a worker' "$work/log"
finish
