#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many at once in one session: a slow call holds up nobody else, not even one that it waits for itself, and of those who want the
# same directory one makes it.
source "$(dirname "$0")/lib.sh" alone

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

no_workers() {
        ! daemon_children
}

# count NAME: what $result says of it.
count() {
        local words="$result "
        words=${words#*"$1 "}
        echo "${words%% *}"
}

### Beside a call that takes long, the others of the session keep at least half of the speed that those of another session have.
for kind in threads processes; do
        slow=$work/slow/$kind
        supervised --profile=counted -- "$bin/throughput" $kind "$work/fast" "$work/board-$kind" &
        control=$!
        result=$(supervised --profile=counted -- "$bin/throughput" $kind "$work/fast" "$work/board-$kind" "$slow")
        check "$kind: all calls succeed beside one that takes 5 s" test $? = 0
        wait $control
        check "... and those of another session" test $? = 0
        percent=$((100 * $(count beside) / ($(count control) + 1)))
        echo "# $kind: $result: $percent %"
        check "... which takes that long" test "$(count slow)" -ge 5000
        check "... and is performed" test -d "$slow"
        check "... and 8 $kind keep half of their speed" test "$percent" -ge 50
done

### A FUSE server in the session, which makes a directory while a worker waits for it to make one.

# serve_and COMMAND...: runs that in the session of two file systems, mnt, which is served from backing, and top, which is served
# from mnt/bottom.  Returns its status, or 124 if they hang.
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

# recorded [VERDICT PATH]...: there is one record of each, which says that.
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

# make_all NAME...: at the same time.
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
        check "a FUSE server makes a directory while it serves mkdir" test $? = 0
        check "... which is there" is_directory one
        check "... and both calls are recorded" recorded allowed mnt/one allowed backing/one

        serve_and mkdir top/two
        check "and so does a FUSE server for another one" test $? = 0
        check "... which is there" is_directory bottom/two
        check "... and all three calls are recorded" \
                recorded allowed top/two allowed mnt/bottom/two allowed backing/bottom/two

        serve_and mkdir mnt/denied
        check "what is denied to the server is denied to whom it serves" test $? = 1 -a ! -e "$work/fast/backing/denied"
        check "... and both calls are recorded" recorded failed mnt/denied denied backing/denied

        serve_and sh -c "$make_all" make_all {mnt,top}/many-{1,2,3,4}
        check "servers serve many at once" test $? = 0
        check "... and all are there" is_directory many-{1,2,3,4} bottom/many-{1,2,3,4}
fi

### Races: of 16 processes that make one tree, each as mkdir -p does, one makes each directory.

begin_race() {
        rm -rf "$work/race"
        mkdir "$work/race" "$work/race/tree"
        chmod 777 "$work/race/tree"
        : >"$work/race/board"
        chmod 666 "$work/race/board"
}

# race N REST COMMAND...: N of the 16 run under COMMAND.  Prints how many directories they have made.
race() {
        timeout --kill-after=5 30 "${@:3}" "$bin/race" "$work/race/board" "$work/race/tree" 16 "$1" "$2"
}

as_natively() {
        local directories
        directories=$(find "$work/race/tree" -mindepth 1 -type d | wc -l)
        result=$("$bin/race" "$work/race/board")
        [ "$directories" = "$natively" ] && [[ $result == "once $natively often 0 failures 0 "* ]] || { echo "$result"; return 1; }
}

# The totals of the session that ended last are those of its program.
totals_are() {
        wait_for last_ended
        grep '^session .* ended' "$work/log" | tail -n 1 | grep -F " ended: $1 allowed, 0 denied, " || { tail -n 3 "$work/log"; return 1; }
}
last_ended() {
        [ "$(grep -c '^session .* ended' "$work/log")" = "$(grep -c '^session .* started' "$work/log")" ]
}

begin_race
natively=$(race 16 0 env)
check "natively, each directory is made by one" as_natively
"$bin/race" "$work/race/board" | sed 's/^/# natively: /'

for who in root user; do
        [ $who = root ] && become=(env) || become=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        supervise=("${become[@]}" "$SNOTIFY_RUN" --socket "$socket" --profile=counted --)

        begin_race
        made=$(race 16 0 "${supervise[@]}")
        check "$who: each directory is made by one" as_natively
        check "... of the 16" test "$made" = "$natively"
        check "... and so say the records" totals_are "$made"
        "$bin/race" "$work/race/board" | sed "s/^/# $who: /"

        begin_race
        race 1 12000 "${become[@]}" >"$work/competitor" &
        competitor=$!
        made=$(race 15 0 "${supervise[@]}")
        wait $competitor
        check "... and so with a competitor who is not supervised" as_natively
        check "... each by him or one of the 15" test $((made + $(cat "$work/competitor"))) = "$natively"
        check "... and so say the records" totals_are "$made"
        echo "# $made by the 15, $(cat "$work/competitor") by the competitor"
done

# The program itself.
# shellcheck disable=SC2016
make_tree='for i in $(seq 16); do mkdir -p "$@" & pids="$pids $!"; done; for pid in $pids; do wait $pid || exit; done'
supervised --profile=counted -- sh -c "$make_tree" sh "$work"/fast/p/{1,2,3,4}/{1,2,3,4}/{1,2,3,4}
check "16 times mkdir -p succeed" test $? = 0 -a "$(find "$work/fast/p" -type d | wc -l)" = 85
check "... which made each directory once" totals_are 85

check "no worker stays" wait_for no_workers
check "no worker died" fails_with 1 grep 'a worker' "$work/log"
stop_and_finish
