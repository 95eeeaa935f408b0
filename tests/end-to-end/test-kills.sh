#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Workers, and their helpers, are killed at random under the calls of twenty sessions, and nobody notices: each call succeeds, soon,
# is performed once, and recorded.  test-worker.c kills a worker at each of its system calls in turn.
#
#   KILLS=10000     as many in each part; less, and it takes less time
source "$(dirname "$0")/lib.sh" alone

KILLS=${KILLS:-300}
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

# kills MODE ARGUMENT...
kills() {
        "$bin/kills" "$1" "$work/room/$part.board" "${@:2}"
}

# begin PART
begin() {
        part=$1
        mkdir -m 777 "$work/room/$part"
        : >"$work/room/$part.board"
        chmod 666 "$work/room/$part.board"
        pids=()
}

# run COMMAND...: in the background, until it is over.
run() {
        timeout --kill-after=5 1800 "$@" 2>>"$work/room/$part.err" &
        pids+=("$!")
}

# The maker with that number: of root, of a user, and of one in a user namespace.
become() {
        local enter=()
        case $(($1 % 3)) in
        1) become=(setpriv --reuid=65534 --regid=65534 --clear-groups) ;;
        2) become=(setpriv --reuid=65534 --regid=65534 --clear-groups); enter=(unshare -Ur) ;;
        *) become=() ;;
        esac
        supervise=("${become[@]}" "$SNOTIFY_RUN" --socket "$socket" -- "${enter[@]}" "$bin/kills")
}

# finish_part: counts what has happened.
finish_part() {
        local failed=0 pid
        for pid in "${pids[@]}"; do
                wait "$pid" || failed=$((failed + 1))
        done
        result=$(kills show)
        echo "# $part: $result"
        check "$part: all of them end" test "$failed" = 0
        [ ! -s "$work/room/$part.err" ] || head -n 20 "$work/room/$part.err" | sed 's/^/# /'
}

# count NAME: what $result says of it.
count() {
        local words="$result "
        words=${words#*"$1 "}
        echo "${words%% *}"
}

all_ended() {
        [ "$(grep -c '^session .* ended' "$work/log")" = "$(grep -c '^session .* started' "$work/log")" ]
}

# What the records say of this part, without those of a worker that was killed when it had made one.  It may have been killed when it
# had written a half: then there is another one behind that in the same line.
recorded() {
        grep -oE "(allowed|denied|failed|trouble with) mkdir\(\"$work/room/$part/[0-9/-]+\"\) by kills[^:]*: [A-Z]*[a-z]* \([^)]*\)" "$work/log" |
                sed -E 's/ by [^:]*//' | sort -u
}

# Prints of how many names there are records that differ, and how many names were allowed and failed.
summary() {
        recorded | awk '{ sub("trouble with", "trouble"); names[$2]++; kinds[$1]++ }
                END {
                        for (name in names)
                                differ += names[name] > 1
                        printf "differ %d allowed %d failed %d\n", differ, kinds["allowed"], kinds["failed"]
                }'
}

# Trouble knows the name only where a worker came to read it.
count_poisoned() {
        grep -oE 'trouble with mkdir\("[^"]*"\) by kills[^:]*: EIO \((workers|helpers) died over it\)' "$work/log" | wc -l
}

is_empty() {
        [ -z "$(ls -A "$work/room/$part")" ] || { ls -l "$work/room/$part" | head; return 1; }
}

### Unique names.

begin alone
for number in {0..19}; do
        become "$number"
        run "${supervise[@]}" make "$work/room/alone.board" "$work/room/alone" "$number" 2000
done
check "$KILLS kills under the calls of 20 sessions" kills kill "$daemon_pid" "$KILLS" 5000
finish_part
calls=$(count calls) made=$(count made) poisoned=$(count poisoned)
check "each call has succeeded, and its directory was there as it should be" test "$((made + poisoned))" = "$calls" -a "$(count wrong)" = 0
check "... but some over which three were killed, if any" test $((100 * poisoned)) -le "$KILLS"
check "... which say so" test "$(count_poisoned)" = "$poisoned"
check "... and none was made again later" is_empty
check "none hung" test "$(count longest)" -lt 10000000
check "helpers were among the killed" test "$(count helpers)" -gt 0
check "all sessions end" wait_for all_ended
said=$(summary)
echo "# $part: $said"
check "each call is recorded, and so in all its records" test "$said" = "differ 0 allowed $made failed 0"

### With a competitor.

before=$(count_poisoned)
begin contended
for number in {0..8}; do
        become "$number"
        mkdir -m 777 "$work/room/contended/$number"
        run "${supervise[@]}" contend "$work/room/contended.board" "$work/room/contended/$number" "$number"
        run "${become[@]}" "$bin/kills" compete "$work/room/contended.board" "$work/room/contended/$number" "$number"
done
check "$KILLS kills while others make the same directories" kills kill "$daemon_pid" "$KILLS" 5000
finish_part
calls=$(count calls) made=$(count made) poisoned=$(count poisoned)
check "each call has succeeded or failed with EEXIST, and the directory was there as it should be" test "$(count wrong)" = 0
check "... but some over which three were killed, if any" test $((100 * poisoned)) -le "$KILLS"
check "... which say so" test "$(($(count_poisoned) - before))" = "$poisoned"
check "each was made by the one or the other" test "$(count neither)" = 0
# The window that snotifyd(8) tells of: an accident, not a rule.
check "... and by both in one of 100 kills at most" test "$(count both)" -le $((1 + KILLS / 100))
check "all sessions end" wait_for all_ended
said=$(summary)
echo "# $part: $said"
check "each call is recorded, and so in all its records" \
        test "$said" = "differ 0 allowed $made failed $((calls - made - poisoned))"
finish
