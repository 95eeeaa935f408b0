#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two hundred sessions at once, each making 100 directories from 4 threads: all are made, and when the sessions are over nothing
# is left of them.  While they idle they cost next to nothing.
source "$(dirname "$0")/lib.sh" alone

N=200
limit=1024
daemon_start <<'CONF'
[profile default]
default = allow
log = none
CONF

# The text of libraries is shared with whoever else runs: what grows is anonymous memory.
pss_kib() {
        awk -v key="$1:" '$1 == key { print $2 }' "/proc/$daemon_pid/smaps_rollup"
}

logged_times() {
        [ "$(grep -c -- "$1" "$work/log")" = "$2" ]
}

lines_are() {
        [ "$(wc -l <"$1")" = "$2" ]
}

# One session before, for what is allocated once.
supervised -- mkdir "$work/first"
wait_for logged_times ' ended' 1
wait_for has_no_children
fds=$(count_fds)
pss=$(pss_kib Pss)
anonymous=$(pss_kib Pss_Anon)
echo "# idle daemon: $pss KiB PSS ($anonymous KiB of it anonymous), $fds file descriptors"
if [ -z "${SANITIZED-}" ]; then
        check "an idle daemon takes less than 4 MiB" test "$pss" -lt 4096
else
        skip "an idle daemon takes less than 4 MiB" "the build is sanitized"
fi

mkdir "$work/load"
mkfifo "$work/go" "$work/end"
touch "$work/done"
pids=()
for ((i = 0; i < N; i++)); do
        mkdir "$work/load/$i"
        "$SNOTIFY_RUN" --socket "$socket" -- "$bin/gated-load" "$work/load/$i" "$work/go" "$work/done" "$work/end" \
                >>"$work/load.out" 2>&1 &
        pids+=($!)
done
all_wait() {
        [ "$(pgrep -cx gated-load)" = $N ]
}
check "$N sessions at once" wait_for all_wait
exec 8<>"$work/go"
check "each makes its directories" wait_for lines_are "$work/done" $N

idle() {
        has_no_children && has_fds $((fds + 2 * N))
}
check "idle sessions have no workers, and two file descriptors each" wait_for idle
# The daemon gives memory back a moment after the last worker has gone.
bytes_each() {
        grown=$(($(pss_kib Pss_Anon) - anonymous))
        bytes=$((1024 * grown / N))
        [ "$bytes" -lt "$limit" ]
}
if [ -z "${SANITIZED-}" ]; then
        check "an idle session takes less than $limit bytes" wait_for bytes_each
else
        skip "an idle session takes less than $limit bytes" "the build is sanitized"
fi
bytes_each
echo "# $N idle sessions: $grown KiB more, $bytes bytes each"

exec 9<>"$work/end"
failed=0
for pid in "${pids[@]}"; do
        wait "$pid" || failed=$((failed + 1))
done
check "no call has failed" test "$failed" = 0 -a ! -s "$work/load.out"
[ "$failed" = 0 ] || sort "$work/load.out" | uniq -c | sed 's/^/# /'
check "all directories are there" test "$(find "$work/load" -mindepth 2 -type d | wc -l)" = $((100 * N))
check "each session has ended with the right count" \
        wait_for logged_times ' ended: 100 allowed, 0 denied, 0 failed; 100 of them not recorded$' $N
check "no file descriptor is left of them" wait_for has_fds "$fds"
check "no process is left of them" wait_for has_no_children
check "no worker died" fails_with 1 grep 'a worker' "$work/log"

# Without systemd, a session that runs on is lost; which is said, and its calls fail.
mkfifo "$work/go"
before=$(grep -c ' started: ' "$work/log")
supervised -- sh -c "read -r _ <'$work/go'; mkdir '$work/lost' 2>'$work/lost.err'" &
last=$!
check "a session that runs on" wait_for logged_times ' started: ' $((before + 1))
daemon_stop
check "the daemon exits with status 0" test $? = 0
check "... and says that it is lost" logged "lost: 0 allowed, 0 denied, 0 failed so far; its calls fail with ENOSYS from now on"
check "... and says how many sessions are lost" logged "running sessions that are lost, for without systemd nothing keeps them: 1;"
echo >"$work/go"
wait "$last"
check "... whose calls fail with ENOSYS" grep -q "Function not implemented" "$work/lost.err"
finish
