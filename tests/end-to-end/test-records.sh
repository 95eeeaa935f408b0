#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Records for a journal that is slow: workers are killed while records of theirs are unsent, and none is missing.
source "$(dirname "$0")/lib.sh" alone

mount -t tmpfs -o mode=755 tmpfs /run || skip_all "cannot mount"
journal() {
        python3 "$SOURCE_ROOT/tests/end-to-end/fake-journal.py" "$@"
}
# Not by the function, for its shell would be what is stopped.
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

# Kills the session's worker, of which there is one, and waits for the next.
kill_worker() {
        local killed
        wait_for workers >/dev/null || { echo "no worker"; return 1; }
        killed=$(workers)
        # shellcheck disable=SC2086
        kill -KILL $killed
        wait_for succeeded "$killed"
}
succeeded() {
        local now
        now=$(workers) && [ "$now" != "$1" ]
}

records_are() {
        [ "$(grep -c SNOTIFY_VERDICT "$work/records")" = "$1" ]
}

# begin DIRECTORY: a session that makes the directories it is told to.
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

# make NAME...
make() {
        rm -f "$work/said"
        echo "$@" >&7
        wait_for test -s "$work/said" && [ "$(cat "$work/said")" = 0 ]
}

end() {
        exec 7>&-
        wait "$workload"
}

# complete NAME...: what the session has made is recorded.
complete() {
        local n
        for ((n = 0; n < 100; n++)); do
                journal check "$work/records" "$(cat "$work/id")" "${@/#/$directory/}" >"$work/check" 2>&1 && return
                sleep 0.1
        done
        cat "$work/check"
        return 1
}

### All are unsent.
begin full
check "a call before" make first
wait_for records_are 1
freeze
journal fill
# shellcheck disable=SC2046
check "calls go on while the journal takes nothing" make $(seq 40)
check "... and nothing is in it" records_are 1
check "a worker is killed over its records" kill_worker
check "... and the next" kill_worker
# shellcheck disable=SC2046
check "... and calls still go on" make $(seq 41 60)
check "... and the next is killed" kill_worker
thaw
end
# shellcheck disable=SC2046
check "each record has arrived" complete first $(seq 60)

### Some are in the journal's queue.
begin part
freeze
# shellcheck disable=SC2046
check "calls while the journal sleeps" make $(seq 60)
check "a worker is killed over what it could not send" kill_worker
thaw
end
# shellcheck disable=SC2046
check "each record has arrived" complete $(seq 60)

### At any moment.
begin storm
for ((i = 0; i < 20; i++)); do
        # shellcheck disable=SC2046
        make $(seq $((i * 20 + 1)) $((i * 20 + 20))) &
        making=$!
        sleep "0.00$((i % 10))"
        # shellcheck disable=SC2046
        kill -KILL $(workers) 2>/dev/null
        wait $making || break
done
check "workers are killed at any moment, and each call succeeds" test $i = 20
end
# shellcheck disable=SC2046
check "each record has arrived" complete $(seq 400)

daemon_stop
check "the daemon exits with status 0" test $? = 0
check "it did not write to stderr" test ! -s "$work/log"
finish
