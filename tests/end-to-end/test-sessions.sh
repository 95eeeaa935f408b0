#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two hundred sessions at once, each of which creates 100 directories from 4 threads: all calls succeed, idle sessions take little
# memory, and nothing is left when the sessions have ended.
source "$(dirname "$0")/lib.sh" alone

N=200
limit=1536
daemon_start <<'CONF'
[profile default]
default = allow
log = none
CONF

# How much of the libraries counts depends on what else runs on the machine: what a session adds is anonymous memory.
pss_kib() {
        awk -v key="$1:" '$1 == key { print $2 }' "/proc/$daemon_pid/smaps_rollup"
}

logged_times() {
        [ "$(grep -c -- "$1" "$work/log")" = "$2" ]
}

lines_are() {
        [ "$(wc -l <"$1")" = "$2" ]
}

# One session first, so that what the daemon allocates once is not counted below.
supervised -- mkdir "$work/first"
wait_for logged_times ' ended' 1
wait_for has_no_children
n_fds=$(count_fds)
pss=$(pss_kib Pss)
anonymous=$(pss_kib Pss_Anon)
echo "# idle daemon: $pss KiB PSS ($anonymous KiB of it anonymous), $n_fds file descriptors"
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
        [ "$(pgrep -cx gated-load)" = "$N" ]
}
check "$N sessions run at once" wait_for all_wait
exec 8<>"$work/go"
check "each creates its directories" wait_for lines_are "$work/done" $N

idle() {
        has_no_children && has_fds $((n_fds + 2 * N))
}
check "idle sessions have no workers, and cost the daemon two file descriptors each" wait_for idle
# The daemon returns memory to the kernel a moment after the last worker has exited.
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
check "no call failed" test "$failed" = 0 -a ! -s "$work/load.out"
[ "$failed" = 0 ] || sort "$work/load.out" | uniq -c | sed 's/^/# /'
check "all directories exist" test "$(find "$work/load" -mindepth 2 -type d | wc -l)" = $((100 * N))
check "the record of each session's end has the right count" \
        wait_for logged_times ' ended: 100 allowed, 0 denied, 0 failed; 100 of them not recorded$' $N
check "the daemon has closed their file descriptors" wait_for has_fds "$n_fds"
check "no child process is left" wait_for has_no_children
check "no worker died" fails_with 1 grep 'a worker' "$work/log"

# Without systemd no process keeps a session when the daemon exits: the session is lost, a record says so, and its calls fail.
mkfifo "$work/go"
before=$(grep -c ' started: ' "$work/log")
supervised -- sh -c "read -r _ <'$work/go'; mkdir '$work/lost' 2>'$work/lost.err'" &
last=$!
check "a session is running when the daemon stops" wait_for logged_times ' started: ' $((before + 1))
daemon_stop
check "the daemon exits with status 0" test $? = 0
check "... a record says that the session is lost" logged "lost: 0 allowed, 0 denied, 0 failed so far; its calls fail with ENOSYS from now on"
check "... another one says how many are" logged "running sessions lost, because without systemd nothing keeps them: 1;"
echo >"$work/go"
wait "$last"
check "... and the session's calls fail with ENOSYS" grep -q "Function not implemented" "$work/lost.err"
finish
