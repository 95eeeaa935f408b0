#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon runs out of processes, file descriptors, memory and disk, and the journal goes away: calls wait or fail with an error that
# mkdir(2) documents, no program starts unsupervised, and everything works again once there is enough.
source "$(dirname "$0")/lib.sh" alone

mount -t tmpfs -o mode=755 tmpfs /run || skip_all "cannot mount"
mkdir -m 777 "$work/room" "$work/small"
mount -t tmpfs -o mode=777,nr_inodes=8 tmpfs "$work/small" || skip_all "cannot mount"
trap 'umount "$work/small"; leave_cgroups; cleanup' EXIT

daemon_start <<'CONF'
[profile default]
default = allow
log = all
CONF

# make_cgroup CONTROLLER: creates a control group for the daemon and its children, and sets $cgroup.
cgroups=()
make_cgroup() {
        local root
        if [ -d "/sys/fs/cgroup/$1" ]; then
                root=/sys/fs/cgroup/$1
        elif grep -qw "$1" /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null; then
                root=/sys/fs/cgroup
        else
                return 1
        fi
        cgroup=$(mktemp -d "$root/snotify-test.XXXXXX" 2>/dev/null) || return 1
        cgroups+=("$cgroup")
        echo "$daemon_pid" >"$cgroup/cgroup.procs"
}

leave_cgroups() {
        local cgroup pid
        for cgroup in "${cgroups[@]}"; do
                while read -r pid; do
                        echo "$pid" >"${cgroup%/*}/cgroup.procs"
                done <"$cgroup/cgroup.procs" 2>/dev/null
                rmdir "$cgroup"
        done
}

# A process that calls again and again, so that its session's worker is never idle for so long that it exits.
cat >"$bin/calls.py" <<'PYTHON'
import os, sys, time
while os.getppid() == int(sys.argv[2]):
    try:
        os.mkdir(sys.argv[1])
        os.rmdir(sys.argv[1])
    except OSError:
        pass
    time.sleep(0.5)
PYTHON

# begin [busy]: starts a session, $session, that executes commands.
begin() {
        rm -f "$work/tell"
        mkfifo "$work/tell"
        # shellcheck disable=SC2016
        supervised -- sh -c '[ -z "$1" ] || python3 "$0/bin/calls.py" "$0/room/call" $$ &
                while read -r command; do $command 2>>"$0/err"; echo "$?" >>"$0/said"; done' "$work" "${1-}" <"$work/tell" &
        session=$!
        exec 7>"$work/tell"
}

end() {
        exec 7>&-
        wait "$session"
}

has_said() {
        [ "$(tail -n 1 "$work/said")" = "$1" ]
}

# tell COMMAND...: lets the session execute it, and does not wait.
tell() {
        : >"$work/said"
        echo "$@" >&7
}

# create NAME: the session creates $work/room/NAME.
create() {
        tell mkdir "$work/room/$1"
        wait_for has_said 0 && [ -d "$work/room/$1" ]
}

# A reload ends all workers; waits until they are gone.
without_workers() {
        kill -HUP "$daemon_pid" && wait_for has_no_children
}

# count PATTERN: prints how many lines of the log match it.
count() {
        grep -c -- "$1" "$work/log"
}
says_more_than() {
        [ "$(count "$2")" -gt "$1" ]
}

# The launcher waits for the acceptor, or for a worker to answer its knock.
no_launchers='cannot see to launchers\|cannot start a worker'
is_refused_or_waits() {
        says_more_than "$1" "$no_launchers" || ! kill -0 "$launcher" 2>/dev/null
}

# launched WHAT: the workload has run, or the launcher has refused to run it.
launched() {
        wait "$launcher"
        case $? in
        0) [ -e "$work/$1-ran" ] ;;
        125) [ ! -e "$work/$1-ran" ] && echo "# refused: $(cat "$work/$1-err")" ;;
        *) return 1 ;;
        esac
}

is_over() {
        has_said 0 || { has_said 1 && grep -q "$1-during.*: Cannot allocate memory$" "$work/err"; }
}

ends() {
        wait_for is_over "$1" || { cat "$work/said" "$work/err"; tail -n 12 "$work/log"; return 1; }
}

# starve WHAT LIMIT LIFT: runs the checks; the functions LIMIT and LIFT take the resource away and give it back.
starve() {
        local what=$1 waiting='cannot start a worker\|had to give up\|failed with exit status' workers launchers
        begin
        check "$what: a session creates a directory" create "$what-before"
        check "... and its worker exits" without_workers
        workers=$(count "$waiting")
        launchers=$(count "$no_launchers")
        "$2"
        tell mkdir "$work/room/$what-during"
        check "no more $what: a call waits, and the journal says so" wait_for says_more_than "$workers" "$waiting"
        supervised -- touch "$work/$what-ran" 2>"$work/$what-err" &
        launcher=$!
        check "... a launcher waits, too, or is refused" wait_for is_refused_or_waits "$launchers"
        check "... and its command does not run" test ! -e "$work/$what-ran"
        "$3"
        check "enough $what again: the call succeeds, or has failed with ENOMEM" ends "$what"
        # A worker that was forked meanwhile has inherited the limit.
        check "... the workers of that time exit" without_workers
        check "... the next call succeeds" create "$what-after"
        launched "$what"
        check "... and the launcher runs its command, unless it was refused" test $? = 0
        end
}

### Processes.

if make_cgroup pids; then
        limit() { echo 1 >"$cgroup/pids.max"; }
        lift() { echo max >"$cgroup/pids.max"; }
        starve processes limit lift

        # Enough for a worker, but not for its helper.
        begin busy
        check "processes: a session with a worker creates a directory" create helper-before
        echo "$(($(pgrep -cP "$daemon_pid") + 1))" >"$cgroup/pids.max"
        tell unshare -Ur mkdir "$work/room/helper-during"
        check "no process for a helper: a call in a user namespace fails" wait_for has_said 1
        check "... with ENOMEM" grep -q 'helper-during.*: Cannot allocate memory$' "$work/err"
        check "... and the journal says why" logged "snotifyd's worker failed: Resource temporarily unavailable"
        lift
        tell unshare -Ur mkdir "$work/room/helper-after"
        check "a process for a helper again: the next call succeeds" wait_for has_said 0
        end
else
        skip "no more processes" "a control group with a limit of processes cannot be created here"
fi

### File descriptors.

limit() {
        local free=0
        while [ -e "/proc/$daemon_pid/fd/$free" ]; do
                free=$((free + 1))
        done
        prlimit --pid "$daemon_pid" --nofile="$free:"
}
lift() {
        prlimit --pid "$daemon_pid" --nofile=1024:
}
starve descriptors limit lift

# On a slow machine the daemon may have started a further worker meanwhile.
still_there() {
        daemon_children | grep -qx "$1" || { daemon_children; return 1; }
}

# Only a worker lacks them, when a new process calls.
begin busy
check "descriptors: a session with a worker creates a directory" create worker-before
worker=$(daemon_children | head -n 1)
free_fd=0
while [ -e "/proc/$worker/fd/$free_fd" ]; do
        free_fd=$((free_fd + 1))
done
prlimit --pid "$worker" --nofile="$free_fd:"
tell mkdir "$work/room/worker-during"
check "no more descriptors for the worker: a call fails" wait_for has_said 1
check "... with ENOMEM" grep -q 'worker-during.*: Cannot allocate memory$' "$work/err"
check "... and the journal says why" logged "snotifyd's worker failed: Too many open files"
prlimit --pid "$worker" --nofile=1024:
check "descriptors for the worker again: the next call succeeds" create worker-after
check "... with the same worker" still_there "$worker"
end

### Memory.

limit() {
        prlimit --pid "$daemon_pid" --as=$((1024 * $(awk '$1 == "VmSize:" { print $2 }' "/proc/$daemon_pid/status"))):
}
lift() {
        prlimit --pid "$daemon_pid" --as=unlimited:
}
if [ -z "${SANITIZED-}" ]; then
        starve memory limit lift
else
        skip "no more memory" "a sanitized build maps terabytes"
fi

### Disk.

fill() {
        local n
        for n in {1..20}; do
                "$@" mkdir "$work/small/$n" 2>&1 || return
        done
}
natively=$(fill env; ls "$work/small")
rm -r "$work/small/"*
supervised_fill() {
        [ "$(fill supervised --; ls "$work/small")" = "$natively" ]
}
check "a full disk: calls fail as natively" supervised_fill
check "... which is recorded" logged ": ENOSPC (the kernel's own error)"
rmdir "$work/small/1"
check "... and succeed once there is room" supervised -- mkdir "$work/small/1"
daemon_stop
check "the daemon exits with status 0" test $? = 0

### The journal.

journal() {
        python3 "$SOURCE_ROOT/tests/end-to-end/fake-journal.py" "$@"
}
start_journal() {
        rm -rf /run/systemd
        python3 "$SOURCE_ROOT/tests/end-to-end/fake-journal.py" serve "$work/records" 7>&- &
        journal_pid=$!
        wait_for test -S /run/systemd/journal/socket
}
recorded() {
        wait_for grep -q "$1" "$work/records"
}
start_journal || { echo "Bail out! no journal"; exit 1; }
"$SNOTIFYD" --config "$work/conf" --socket "$socket" --log-target=journal 2>"$work/log" &
daemon_pid=$!
wait_for is_listening "$socket" || { echo "Bail out! the daemon did not start: $(cat "$work/log")"; exit 1; }
begin
# shellcheck disable=SC2016
tell eval 'echo "$SNOTIFY_SESSION" >"$0/id"'
check "journal: a session begins" wait_for has_said 0
check "... creates a directory" create journal-before
check "... and the call is recorded" recorded journal-before
kill "$journal_pid"
wait "$journal_pid" 2>/dev/null
check "the journal ends: the next call succeeds" create journal-during
kill -KILL "$(daemon_children)"
check "... also after the worker was killed" create journal-during-2
check "... and new sessions begin" supervised -- mkdir "$work/room/journal-other"
start_journal
check "the journal is back: the next call succeeds" create journal-after
end
check "... and the session's end is recorded with the right count" recorded '"MESSAGE": "session [0-9a-f]* ended: 4 allowed, 0 denied, 0 failed"'
check "... each of its calls is recorded" journal check "$work/records" "$(cat "$work/id")" \
        "$work/room/journal-before" "$work/room/journal-during" "$work/room/journal-during-2" "$work/room/journal-after"
check "... and the daemon's own lost records are counted" recorded 'records lost before this one, because the journal did not take them: [1-9]'
daemon_stop
check "the daemon exits with status 0" test $? = 0
kill "$journal_pid"
finish
