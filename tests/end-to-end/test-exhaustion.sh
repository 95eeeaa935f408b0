#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon runs out of processes, file descriptors, memory, disk, and of a journal: calls wait or fail with an error that mkdir(2)
# has, no program starts unsupervised, and all goes on by itself once there is enough again.
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

# make_cgroup CONTROLLER: a control group of the daemon and what it starts; $cgroup.
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

# A process that calls again and again, so that its session's worker does not leave for want of work.
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

# begin [busy]: a session, $session, that does what it is told.
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

# tell COMMAND...: without waiting for it.
tell() {
        : >"$work/said"
        echo "$@" >&7
}

# make NAME
make() {
        tell mkdir "$work/room/$1"
        wait_for has_said 0 && [ -d "$work/room/$1" ]
}

# Those that there are leave when their session is renewed.
without_workers() {
        kill -HUP "$daemon_pid" && wait_for has_no_children
}

# count TEXT: how often the journal says it, as a basic regular expression.
count() {
        grep -c -- "$1" "$work/log"
}
says_more_than() {
        [ "$(count "$2")" -gt "$1" ]
}

# At the door, or with a session that has no worker to answer its knock.
no_launchers='cannot see to launchers\|cannot start a worker'
is_refused_or_waits() {
        says_more_than "$1" "$no_launchers" || ! kill -0 "$launcher" 2>/dev/null
}

# Either as it would have been otherwise, or not at all.
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

# starve WHAT LIMIT LIFT: these are functions.
starve() {
        local what=$1 waiting='cannot start a worker\|had to give up\|failed with exit status' workers launchers
        begin
        check "$what: a session" make "$what-before"
        check "... which has no worker" without_workers
        workers=$(count "$waiting")
        launchers=$(count "$no_launchers")
        "$2"
        tell mkdir "$work/room/$what-during"
        check "... a call waits, and the journal says so" wait_for says_more_than "$workers" "$waiting"
        supervised -- touch "$work/$what-ran" 2>"$work/$what-err" &
        launcher=$!
        check "... and so does a launcher, or it is refused" wait_for is_refused_or_waits "$launchers"
        check "... and no program starts" test ! -e "$work/$what-ran"
        "$3"
        check "... as soon as there is enough the call is performed, or has failed for this reason" ends "$what"
        # One that was forked meanwhile has kept the limit.
        check "... no worker is left of then" without_workers
        check "... and the next call is performed" make "$what-after"
        launched "$what"
        check "... and the launcher starts its program, if it was not refused" test $? = 0
        end
}

### Processes.

if make_cgroup pids; then
        limit() { echo 1 >"$cgroup/pids.max"; }
        lift() { echo max >"$cgroup/pids.max"; }
        starve processes limit lift

        # A worker, but no helper.
        begin busy
        check "processes: a worker" make helper-before
        echo "$(($(pgrep -cP "$daemon_pid") + 1))" >"$cgroup/pids.max"
        tell unshare -Ur mkdir "$work/room/helper-during"
        check "... for want of a helper a call fails" wait_for has_said 1
        check "... with an error that mkdir(2) has" grep -q 'helper-during.*: Cannot allocate memory$' "$work/err"
        check "... and the journal says why" logged "snotifyd's worker failed: Resource temporarily unavailable"
        lift
        tell unshare -Ur mkdir "$work/room/helper-after"
        check "... and the next one succeeds" wait_for has_said 0
        end
else
        skip "processes" "no control group with a limit of processes can be made here"
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

# A worker alone, over a caller that it doesn't know yet.
begin busy
check "descriptors: a worker" make worker-before
worker=$(daemon_children)
free_fd=0
while [ -e "/proc/$worker/fd/$free_fd" ]; do
        free_fd=$((free_fd + 1))
done
prlimit --pid "$worker" --nofile="$free_fd:"
tell mkdir "$work/room/worker-during"
check "... for want of them a call fails" wait_for has_said 1
check "... with an error that mkdir(2) has" grep -q 'worker-during.*: Cannot allocate memory$' "$work/err"
check "... and the journal says why" logged "snotifyd's worker failed: Too many open files"
prlimit --pid "$worker" --nofile=1024:
check "... and the next one succeeds" make worker-after
check "... by the same worker" test "$(daemon_children)" = "$worker"
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
        skip "memory" "the build is sanitized, and takes terabytes of addresses"
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
check "disk: a full one gives the same errors as natively" supervised_fill
check "... which is recorded" logged ': ENOSPC (as without snotify)'
rmdir "$work/small/1"
check "... until there is room" supervised -- mkdir "$work/small/1"
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
check "journal: a session" wait_for has_said 0
check "... makes a directory" make journal-before
check "... which is recorded" recorded journal-before
kill "$journal_pid"
wait "$journal_pid" 2>/dev/null
check "... calls go on without one" make journal-during
kill -KILL "$(daemon_children)"
check "... though a worker is killed" make journal-during-2
check "... and sessions begin" supervised -- mkdir "$work/room/journal-other"
start_journal
check "... and are recorded when it is back" make journal-after
end
check "... which the session's end shows" recorded '"MESSAGE": "session [0-9a-f]* ended: 4 allowed, 0 denied, 0 failed"'
check "... each of them" journal check "$work/records" "$(cat "$work/id")" \
        "$work/room/journal-before" "$work/room/journal-during" "$work/room/journal-during-2" "$work/room/journal-after"
check "what the daemon had to say itself is counted" recorded 'records lost before this one, because the journal did not take them: [1-9]'
daemon_stop
check "the daemon exits with status 0" test $? = 0
kill "$journal_pid"
finish
