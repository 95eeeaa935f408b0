#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The journal is slow, and workers are killed before they have sent their records: no record is missing.
source "$(dirname "$0")/lib.sh" alone

mount -t tmpfs -o mode=755 tmpfs /run || skip_all "cannot mount"
journal() {
        python3 "$SOURCE_ROOT/tests/end-to-end/fake-journal.py" "$@"
}
# Not by the function: $! would be its subshell, and freeze() must stop python itself.
python3 "$SOURCE_ROOT/tests/end-to-end/fake-journal.py" serve "$work/records" &
journal_pid=$!
wait_for test -S /run/systemd/journal/socket || { echo "Bail out! no journal"; exit 1; }

cat >"$work/conf" <<'CONF'
[profile default]
default = allow
log = all
CONF
"$SNOTIFYD" --config "$work/conf" --socket "$socket" --log-target=journal 2>"$work/log" &
daemon_pid=$!
wait_for is_listening "$socket" || { echo "Bail out! the daemon did not start: $(cat "$work/log")"; exit 1; }

# The session's workers.
workers() {
        daemon_children
}

is_stopped() {
        [[ $(cut -d' ' -f3 "/proc/$1/stat") == [Tt] ]]
}

freeze() {
        kill -STOP "$journal_pid" && wait_for is_stopped "$journal_pid"
}

# Returns once the journal has read all that was in its queue.
thaw() {
        kill -CONT "$journal_pid" && wait_for sleeps
}
sleeps() {
        [[ $(cut -d' ' -f3 "/proc/$journal_pid/stat") == S ]]
}

# Kills the session's only worker, and waits for the next one.
kill_worker() {
        local killed
        wait_for workers >/dev/null || { echo "no worker"; return 1; }
        killed=$(workers)
        # shellcheck disable=SC2086
        kill -KILL $killed
        wait_for is_succeeded "$killed"
}
is_succeeded() {
        local now
        now=$(workers) && [ "$now" != "$1" ]
}

records_are() {
        [ "$(grep -c SNOTIFY_VERDICT "$work/records")" = "$1" ]
}

# begin DIRECTORY: starts a session that creates directories on demand.
begin() {
        mkdir "$work/$1"
        mkfifo "$work/$1.go"
        # shellcheck disable=SC2016
        "$SNOTIFY_RUN" --socket "$socket" -- sh -c 'echo "$SNOTIFY_SESSION" >"$0/../id"; cd "$0"
                while read -r names; do mkdir $names; echo "$?" >../said; done' "$work/$1" <"$work/$1.go" &
        workload=$!
        exec 7>"$work/$1.go"
        directory=$work/$1
}

# create NAME...: the session creates them.
create() {
        rm -f "$work/said"
        echo "$@" >&7
        wait_for test -s "$work/said" && [ "$(cat "$work/said")" = 0 ]
}

end() {
        exec 7>&-
        wait "$workload"
}

# complete NAME...: each of these directories is recorded.
complete() {
        local n
        for ((n = 0; n < 100; n++)); do
                journal check "$work/records" "$(cat "$work/id")" "${@/#/$directory/}" >"$work/check" 2>&1 && return
                sleep 0.1
        done
        cat "$work/check"
        return 1
}

### No record has been sent.
begin full
check "a call is recorded" create first
wait_for records_are 1
freeze
journal fill
# shellcheck disable=SC2046
check "calls succeed while the journal takes nothing" create $(seq 40)
check "... and no further record is in the journal" records_are 1
check "a worker is killed before it has sent its records" kill_worker
check "... and so is the next one" kill_worker
# shellcheck disable=SC2046
check "... calls still succeed" create $(seq 41 60)
check "... and the next worker is killed" kill_worker
thaw
end
# shellcheck disable=SC2046
check "no record is missing" complete first $(seq 60)

### Some records are in the journal's queue.
begin part
freeze
# shellcheck disable=SC2046
check "calls succeed while the journal is stopped" create $(seq 60)
check "a worker is killed before it has sent all of its records" kill_worker
thaw
end
# shellcheck disable=SC2046
check "no record is missing" complete $(seq 60)

### Workers are killed at any moment.
begin random
for ((i = 0; i < 20; i++)); do
        # shellcheck disable=SC2046
        create $(seq $((i * 20 + 1)) $((i * 20 + 20))) &
        making=$!
        sleep "0.00$((i % 10))"
        # shellcheck disable=SC2046
        kill -KILL $(workers) 2>/dev/null
        wait $making || break
done
check "workers are killed at any moment, and each call succeeds" test $i = 20
end
# shellcheck disable=SC2046
check "no record is missing" complete $(seq 400)

daemon_stop
check "the daemon exits with status 0" test $? = 0
check "the daemon has written nothing to standard error" test ! -s "$work/log"
finish
