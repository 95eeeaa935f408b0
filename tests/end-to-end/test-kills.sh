#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Workers and their helpers are killed at random under the load of twenty sessions: still each call succeeds soon, takes effect once, and
# is recorded.  (test-worker.c kills a worker at each of its system calls in turn.)
#
#   KILLS=10000     10000 kills in each part instead of 300
source "$(dirname "$0")/lib.sh" alone

KILLS=${KILLS:-300}
# How many load generators run at once, and how long the first ones rest, in microseconds.
makers=20 contenders=9 rest=2000
# An emulated processor starts a worker in a tenth of a second, and the load must not keep it from that.
[ -z "${SNOTIFY_TEST_FEWER-}" ] || makers=6 contenders=3 rest=20000
[ -e "/proc/self/task/$$/children" ] || [ -e "/proc/$$/task/$$/children" ] || skip_all "the kernel is built without CONFIG_PROC_CHILDREN"

mkdir "$work/room"
mount -t tmpfs -o mode=777,size=1G tmpfs "$work/room" || skip_all "cannot mount"
trap 'umount "$work/room"; cleanup' EXIT

daemon_start <<'CONF'
[profile default]
default = allow
log = all

[limits]
records-per-second = 1000000
CONF

guarded=
! is_guarded || guarded=yes

# kills MODE ARGUMENT...: runs ./kills.c.
kills() {
        "$bin/kills" "$1" "$work/room/$part.shared" "${@:2}"
}

# begin PART: creates its directory and its counters.
begin() {
        part=$1
        mkdir -m 777 "$work/room/$part"
        : >"$work/room/$part.shared"
        chmod 666 "$work/room/$part.shared"
        pids=()
}

# run COMMAND...: in the background, until it is over.
run() {
        timeout --kill-after=5 1800 "$@" 2>>"$work/room/$part.err" &
        pids+=("$!")
}

# become NUMBER: by turns the load generator is root's, a user's, and a user's in a user namespace.
become() {
        local enter=()
        case $(($1 % 3)) in
        1) become=(setpriv --reuid=65534 --regid=65534 --clear-groups) ;;
        2) become=(setpriv --reuid=65534 --regid=65534 --clear-groups); enter=(unshare -Ur) ;;
        *) become=() ;;
        esac
        supervise=("${become[@]}" "$SNOTIFY_RUN" --socket "$socket" -- "${enter[@]}" "$bin/kills")
}

# Waits for the part's processes, and sets $result to the counters.
finish_part() {
        local failed=0 pid
        for pid in "${pids[@]}"; do
                wait "$pid" || failed=$((failed + 1))
        done
        result=$(kills show)
        echo "# $part: $result"
        check "$part: all programs end with status 0" test "$failed" = 0
        [ ! -s "$work/room/$part.err" ] || head -n 20 "$work/room/$part.err" | sed 's/^/# /'
}

all_ended() {
        [ "$(grep -c '^session .* ended' "$work/log")" = "$(grep -c '^session .* started' "$work/log")" ]
}

# Prints the records of this part, each once: a worker that was killed when it had just sent one sends it again.  If it was killed
# when it had written half of one, a whole record follows in the same line.
recorded() {
        grep -oE "(allowed|denied|failed|trouble with) mkdir\(\"$work/room/$part/[0-9/-]+\"\) by kills[^:]*: [A-Z]*[a-z]* \([^)]*\)" "$work/log" |
                sed -E 's/ by [^:]*//; s/^allowed (.* unknown )/unknown \1/' | sort -u
}

# Prints how many names have records that contradict each other, and how many names were allowed and failed.  If a worker of a guarded
# session was killed before it knew what came of an allowed call, the next one records that as unknown.
summary() {
        recorded | awk '{ sub("trouble with", "trouble"); names[$2]++; kinds[$1]++ }
                END {
                        for (name in names)
                                differ += names[name] > 1
                        printf "differ %d allowed %d failed %d unknown %d\n", differ, kinds["allowed"], kinds["failed"], kinds["unknown"]
                }'
}

# all_recorded MADE FAILED: are so many names recorded, except for those whose result is unknown, at most one for each kill?
all_recorded() {
        local result=$said allowed failed unknown
        allowed=$(count allowed) failed=$(count failed) unknown=$(count unknown)
        [ "$(count differ)" = 0 ] && [ "$allowed" -le "$1" ] && [ "$failed" -le "$2" ] && [ $((allowed + failed + unknown)) = $(($1 + $2)) ] &&
                [ "$unknown" -le "$([ "$guarded" ] && echo "$KILLS" || echo 0)" ]
}

# The record of such a call has the name only if a worker has read it.
count_poisoned() {
        grep -oE 'trouble with mkdir\("[^"]*"\) by kills[^:]*: EIO \((three workers|helpers) died over it\)' "$work/log" | wc -l
}

is_empty() {
        [ -z "$(ls -A "$work/room/$part")" ] || { find "$work/room/$part" -mindepth 1 -ls | head; return 1; }
}

### Unique names.

begin alone
for ((number = 0; number < makers; number++)); do
        become "$number"
        run "${supervise[@]}" make "$work/room/alone.shared" "$work/room/alone" "$number" $rest
done
check "$KILLS workers and helpers of $makers sessions are killed" kills kill "$daemon_pid" "$KILLS" 5000
finish_part
calls=$(count calls) made=$(count made) poisoned=$(count poisoned)
check "each call succeeds, and its directory has the right owner and mode" test "$((made + poisoned))" = "$calls" -a "$(count wrong)" = 0
check "... except the few over which three workers were killed, one in 100 kills at most" test $((100 * poisoned)) -le "$KILLS"
check "... whose records say so" test "$(count_poisoned)" = "$poisoned"
check "... and no call is performed again later" is_empty
check "no call took 10 s or more" test "$(count longest)" -lt 10000000
if [ "$guarded" ]; then
        check "no helper is among the killed, for a guarded session needs none" test "$(count helpers)" = 0
elif [ "$KILLS" -ge 300 ]; then
        check "helpers are among the killed" test "$(count helpers)" -gt 0
else
        skip "helpers are among the killed" "$KILLS kills may meet none"
fi
check "all sessions end" wait_for all_ended
said=$(summary)
echo "# $part: $said"
check "each call is recorded, with its result" all_recorded "$made" 0

### A competitor creates the same directories.

before=$(count_poisoned)
begin contended
for ((number = 0; number < contenders; number++)); do
        become "$number"
        mkdir -m 777 "$work/room/contended/$number"
        run "${supervise[@]}" contend "$work/room/contended.shared" "$work/room/contended/$number" "$number"
        run "${become[@]}" "$bin/kills" compete "$work/room/contended.shared" "$work/room/contended/$number" "$number"
done
check "$KILLS workers and helpers are killed while unsupervised processes create the same directories" kills kill "$daemon_pid" "$KILLS" 5000
finish_part
calls=$(count calls) made=$(count made) poisoned=$(count poisoned)
check "each call succeeds or fails with EEXIST, and the directory exists, with the right owner and mode" test "$(count wrong)" = 0
check "... except the few over which three workers were killed, one in 100 kills at most" test $((100 * poisoned)) -le "$KILLS"
check "... whose records say so" test "$(($(count_poisoned) - before))" = "$poisoned"
check "each directory was created by the target or the competitor" test "$(count neither)" = 0
# The window that snotifyd(8) describes: a worker dies between mkdirat(2) and its note of the result.
check "... and both believe so after one in 100 kills at most" test "$(count both)" -le $((1 + KILLS / 100))
check "all sessions end" wait_for all_ended
said=$(summary)
echo "# $part: $said"
check "each call is recorded, with its result" all_recorded "$made" $((calls - made - poisoned))
finish
