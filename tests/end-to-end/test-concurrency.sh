#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many calls at once in one session: a slow call does not delay the others, not even a call that it waits for itself; and of several
# calls for the same directory one creates it.
source "$(dirname "$0")/lib.sh" alone

# An emulated processor has hardly more than one: there the comparison is coarse, and a race has fewer directories.
at_least=50 paths=200
[ -z "${SNOTIFY_TEST_FEWER-}" ] || at_least=20 paths=20
mkdir "$work/fast" "$work/slow"
mount -t tmpfs -o mode=755 tmpfs "$work/fast" || skip_all "cannot mount"
trap 'umount --recursive "$work/fast"; cleanup' EXIT

daemon_start <<CONF
[limits]
records-per-second = 1000000

[profile default]
default = allow
log = all

[rule denied]
path = $work/fast/backing/denied
action = deny

[profile counted]
default = allow
log = none

[rule slow]
profile = counted
path = $work/slow/
action = allow
delay = 5s
CONF

logged_times() {
        [ "$(grep -cF -- "$1" "$work/log")" = "$2" ]
}

### While a call takes long, the session's other calls have at least half the throughput of those of another session.
for kind in threads processes; do
        slow=$work/slow/$kind
        supervised --profile=counted -- "$bin/throughput" $kind "$work/fast" "$work/shared-$kind" &
        control=$!
        result=$(supervised --profile=counted -- "$bin/throughput" $kind "$work/fast" "$work/shared-$kind" "$slow")
        check "$kind: all calls succeed beside one that takes 5 s" test $? = 0
        wait $control
        check "... and so do those of another session" test $? = 0
        percent=$((100 * $(count beside) / ($(count control) + 1)))
        echo "# $kind: $result: $percent %"
        check "... the slow call takes that long" test "$(count slow)" -ge 5000
        check "... and creates its directory" test -d "$slow"
        check "... and 8 $kind have at least $at_least % of the throughput of the other session's" test "$percent" -ge $at_least
done

### A FUSE server in the session creates a directory while a worker waits for the server to create one.

# serve_and COMMAND...: runs the command in a session with two FUSE servers: mnt shows backing, and top shows mnt/bottom.  Returns the
# command's status, or 124 if it hangs.
serve_and() {
        # shellcheck disable=SC2016
        timeout --kill-after=5 30 "$SNOTIFY_RUN" --socket "$socket" -- sh -c '
                cd "$0" || exit 120
                serve() {
                        fuse-maker "$1" "$2" >/dev/null &
                        until mountpoint -q "$1"; do sleep 0.05; done
                }
                serve mnt backing
                mnt=$!
                serve top mnt/bottom
                top=$!
                "$@"
                status=$?
                umount top && wait $top && umount mnt && wait $mnt || exit 121
                exit $status' "$work/fast" "$@"
}

# recorded [VERDICT PATH]...: each path has one record, with that verdict.
recorded() {
        local path
        while [ $# -gt 0 ]; do
                path="(\"$work/fast/$2\") by "
                wait_for logged_times "$path" 1 && grep -F "$path" "$work/log" | grep -q "^$1 " ||
                        { grep -F "$path" "$work/log"; return 1; }
                shift 2
        done
}

is_directory() {
        local name
        for name; do
                [ -d "$work/fast/backing/$name" ] || { ls -l "$work/fast/backing"; return 1; }
        done
}

# make_all NAME...: creates them at the same time.
# shellcheck disable=SC2016
make_all='for name; do mkdir "$name" & pids="$pids $!"; done; for pid in $pids; do wait $pid || exit; done'

if [ ! -e /dev/fuse ]; then
        skip "a FUSE server in the session" "no /dev/fuse"
elif [ ! -e "$bin/fuse-maker" ]; then
        skip "a FUSE server in the session" "built without libfuse3"
else
        PATH=$bin:$PATH
        mkdir -p "$work"/fast/{mnt,top,backing/bottom}
        serve_and mkdir mnt/one
        check "a FUSE server in the session can create a directory while it serves mkdir" test $? = 0
        check "... which exists" is_directory one
        check "... and both calls are recorded" recorded allowed mnt/one allowed backing/one

        serve_and mkdir top/two
        check "a FUSE server can create one on the file system of another server" test $? = 0
        check "... which exists" is_directory bottom/two
        check "... and all three calls are recorded" \
                recorded allowed top/two allowed mnt/bottom/two allowed backing/bottom/two

        serve_and mkdir mnt/denied
        check "a directory that is denied to the server is not created for its clients" test $? = 1 -a ! -e "$work/fast/backing/denied"
        check "... and both calls are recorded" recorded failed mnt/denied denied backing/denied

        serve_and sh -c "$make_all" make_all {mnt,top}/many-{1,2,3,4}
        check "two FUSE servers serve many calls at once" test $? = 0
        check "... and all directories exist" is_directory many-{1,2,3,4} bottom/many-{1,2,3,4}
fi

### Races: 16 processes create the same tree, each as mkdir -p does; each directory is created by one of them.

begin_race() {
        rm -rf "$work/race"
        mkdir "$work/race" "$work/race/tree"
        chmod 777 "$work/race/tree"
        : >"$work/race/shared"
        chmod 666 "$work/race/shared"
}

# race N REST COMMAND...: N of the 16 processes run under COMMAND.  Prints how many directories they have created.
race() {
        timeout --kill-after=5 60 "${@:3}" "$bin/race" "$work/race/shared" "$work/race/tree" 16 "$1" "$2" $paths
}

as_natively() {
        local directories
        directories=$(find "$work/race/tree" -mindepth 1 -type d | wc -l)
        result=$("$bin/race" "$work/race/shared")
        [ "$directories" = "$natively" ] && [[ $result == "once $natively often 0 failures 0 "* ]] || { echo "$result"; return 1; }
}

# totals_are N: the session that ended last was allowed N calls, and denied none.
totals_are() {
        wait_for last_ended
        grep '^session .* ended' "$work/log" | tail -n 1 | grep -F " ended: $1 allowed, 0 denied, " || { tail -n 3 "$work/log"; return 1; }
}
last_ended() {
        [ "$(grep -c '^session .* ended' "$work/log")" = "$(grep -c '^session .* started' "$work/log")" ]
}

begin_race
natively=$(race 16 0 env)
check "natively each directory is created by one process" as_natively
"$bin/race" "$work/race/shared" | sed 's/^/# natively: /'

for who in root user; do
        [ $who = root ] && become=(env) || become=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        supervise=("${become[@]}" "$SNOTIFY_RUN" --socket "$socket" --profile=counted --)

        begin_race
        made=$(race 16 0 "${supervise[@]}")
        check "$who, supervised: each directory is created by one process" as_natively
        check "... and the 16 processes have created all of them" test "$made" = "$natively"
        check "... and the session's totals agree" totals_are "$made"
        "$bin/race" "$work/race/shared" | sed "s/^/# $who: /"

        begin_race
        race 1 12000 "${become[@]}" >"$work/competitor" &
        competitor=$!
        made=$(race 15 0 "${supervise[@]}")
        wait $competitor
        check "... the same when one of the 16 is not supervised" as_natively
        check "... and that one and the other 15 have created all of them" test $((made + $(cat "$work/competitor"))) = "$natively"
        check "... and the session's totals agree" totals_are "$made"
        echo "# $made by the 15, $(cat "$work/competitor") by the one that is not supervised"
done

# mkdir(1) itself.
# shellcheck disable=SC2016
make_tree='for i in $(seq 16); do mkdir -p "$@" & pids="$pids $!"; done; for pid in $pids; do wait $pid || exit; done'
supervised --profile=counted -- sh -c "$make_tree" sh "$work"/fast/p/{1,2,3,4}/{1,2,3,4}/{1,2,3,4}
check "16 concurrent mkdir -p of one tree succeed" test $? = 0 -a "$(find "$work/fast/p" -type d | wc -l)" = 85
check "... and create each directory once" totals_are 85

check "no worker is left" wait_for has_no_children
check "no worker died" fails_with 1 grep 'a worker' "$work/log"
stop_and_finish
