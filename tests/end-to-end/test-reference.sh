#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The pitfalls that the kernel's example of seccomp user notification (and seccomp_unotify(2)) names: at least one check for each shows
# how snotify deals with it.
source "$(dirname "$0")/lib.sh" alone

SYS_mkdir=83
SYS_epoll_wait=232 SYS_epoll_pwait2=441

# Starts a workload in the background, and sets $workload to its process.
launch() {
        "$SNOTIFY_RUN" --socket "$socket" -- "$@" &
        workload=$!
}

# launch_gated COMMAND...: the workload waits for open_gate before it executes the command.
launch_gated() {
        rm -f "$work/gate"
        mkfifo "$work/gate"
        launch sh -c 'read -r _ <"$0"; exec "$@"' "$work/gate" "$@"
        wait_for runs_sh $workload
}

# Has snotify-run executed the workload?
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

# Stops the daemon, then its workers, so that no process receives or answers a call.
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

# reference NAME: runs that workload of ./reference.c in the directory $work/NAME.
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

### The target stays blocked until its call is answered.
launch_gated mkdir "$work/a/blocked"
freeze
open_gate
check "a target's call is pending" wait_for in_mkdir $workload
stays_blocked() {
        local n
        for ((n = 0; n < 30; n++)); do
                in_mkdir "$workload" && [ ! -e "$work/a/blocked" ] || return 1
                sleep 0.01
        done
}
check "the target stays blocked while no process answers" stays_blocked
thaw
wait $workload
check "its call succeeds once it is answered" test $? = 0 -a -d "$work/a/blocked"

### The target may die at any time, and its id may then be another process's.
launch_gated mkdir "$work/a/killed"
freeze
open_gate
wait_for in_mkdir $workload
kill -KILL $workload
wait $workload 2>/dev/null
thaw
check "a target is killed while its call is pending: the daemon still serves new sessions" serves
check "... and no directory is created for the dead target" test ! -e "$work/a/killed"

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
        check "... other sessions are served" serves
        kill -KILL $workload
        wait $workload 2>/dev/null
        check "a target is killed while a worker reads its memory: the daemon still serves new sessions" serves
else
        skip "a target is killed while a worker reads its memory" "userfaultfd(2) cannot be used here"
fi

launch mkdir "$work/a/slow"
wait_for in_mkdir $workload
kill -KILL $workload
wait $workload 2>/dev/null
check "a target is killed while its call is delayed: the daemon still serves new sessions" serves
check "a call is not performed with the thread id that now belongs to another process" reference recycled-id
check "the calls of a target that is interrupted by signals all the time succeed" reference signals

### A path without a terminating NUL.
check "a call with a path without a terminating NUL fails as natively" reference unterminated

### The kernel's structures may be larger than those that snotify was built with.
refuses_to_run() {
        local kind=$1 text=$2 output
        output=$(timeout 10 "$bin/other-kernel" "$kind" "$SNOTIFYD" --config "$work/conf" --socket "$work/other" --log-target=stderr 2>&1)
        [ $? = 1 ] || { echo "exit status is not 1: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
        [ ! -e "$work/other" ] || { echo "the daemon has a socket"; return 1; }
}
check "the daemon refuses to run on a kernel whose notifications are larger (SECCOMP_GET_NOTIF_SIZES)" \
        refuses_to_run large-notifications "seccomp notifications of this kernel are larger than this snotifyd expects"

### The target has a second filter.
check "a second filter that returns SECCOMP_RET_ERRNO takes precedence" reference second-filter-errno
check "... no directory is created" test ! -e "$work/second-filter-errno/by-errno"
check "... and nothing is recorded" fails_with 1 grep -q by-errno "$work/log"
check "a second filter that returns SECCOMP_RET_TRACE does not" reference second-filter-trace
check "... and the call is recorded" logged "allowed mkdir(\"$work/second-filter-trace/by-trace\")"

### A slow decision.
check "a delay of 2 s delays that call alone, and no other thread" reference delay

### The supervisor outlives its targets.
check "all sessions have ended while the daemon runs" wait_for sessions_ended
check "... no directory was created for the target that was killed during its delay" test ! -e "$work/a/slow"
check "... no worker is left" wait_for fails_with 1 workers
check "... and the daemon still serves new sessions" serves

### Without a supervisor the calls fail with ENOSYS.
launch_gated "$bin/mkdir-as" mkdir "$work/a" after-stop
daemon_stop
check "the daemon stops while a session runs" test $? = 0
open_gate
wait $workload
check "... and the session's next call fails with ENOSYS" test $? = 38 -a ! -e "$work/a/after-stop"

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
check "the daemon and its workers are killed: the session's next call fails with ENOSYS" test $? = 38 -a ! -e "$work/a/after-kill"

start
check "the next daemon takes over the socket" serves
launch_gated "$bin/mkdir-as" mkdir "$work/a" pending
freeze
open_gate
wait_for in_mkdir $workload
# shellcheck disable=SC2046 # one word for each worker
kill -KILL "$daemon_pid" $(workers)
wait $daemon_pid 2>/dev/null
daemon_pid=
wait $workload
check "a call that is pending when daemon and workers are killed fails with ENOSYS, too" test $? = 38 -a ! -e "$work/a/pending"

### The machine is suspended, or the service is frozen, while a call is in hand.
daemon_start <<CONF
[limits]
call-timeout = 1s

[profile default]
default = allow

[rule slow]
path = $work/a/frozen
action = allow
delay = 700ms
CONF
is_asleep() {
        local nr
        ! is_stopped "$daemon_pid" && read -r nr _ <"/proc/$daemon_pid/syscall" && [[ $nr == "$SYS_epoll_wait" || $nr == "$SYS_epoll_pwait2" ]]
}
launch "$bin/mkdir-as" mkdir "$work/a" frozen
is_delayed() {
        in_mkdir "$workload" && workers >/dev/null
}
wait_for is_delayed
freeze
frozen=$(workers)
sleep 3   # longer than delay, call-timeout, and what a busy machine does
kill -CONT "$daemon_pid"
wait_for is_asleep
# shellcheck disable=SC2086 # one word for each worker
kill -CONT $frozen
wait $workload
check "a call that was in hand when daemon and workers were stopped for longer than the call-timeout succeeds" test $? = 0 -a -d "$work/a/frozen"
daemon_stop

check "no worker died but those that the test has killed" fails_with 1 grep -q 'a worker' "$work/log"
finish
