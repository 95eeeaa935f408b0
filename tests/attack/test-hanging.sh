#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What never answers: file systems, and pages that are read for their sake.  Who calls gets ETIMEDOUT, and nobody else waits.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

[ -c /dev/fuse ] || skip_all "there is no /dev/fuse"

daemon_start <<'CONF'
[limits]
call-timeout = 1s

[profile default]
default = allow

[profile slow]
default = allow
log = all

[rule slow]
profile = slow
path = /tmp/*/room/slow
action = allow
delay = 1h
CONF

workers() {
        grep -lxE 'snotifyd-(worker|helper)' /proc/[0-9]*/comm 2>/dev/null | wc -l
}

# Those of sessions without work leave after five seconds.
workers_are() {
        [ "$(workers)" = "$1" ]
}

servers=()
# mounted NAME [UID]: a file system that hangs, in $work/NAME.
mounted() {
        local name=$1
        shift
        mkdir -p "$work/$name"
        "$bin/hanging-fs" "$work/$name" "$@" >"$work/$name.out" 2>&1 &
        servers+=("$!")
        wait_for test -s "$work/$name.out"
        grep -q mounted "$work/$name.out"
}

# says WHAT COMMAND...
says() {
        local what=$1 said
        shift
        said=$("$@" 2>&1)
        [ "$said" = "$what" ] || { echo "said: $said"; return 1; }
}

errno_of() {
        "$@" 2>&1 | sed 's/.*: //'
}

# Each way to hang, in a session of its own.

mkdir -m 777 "$work/room"
mounted all || skip_all "cannot mount FUSE here: $(cat "$work/all.out")"
all_server=${servers[0]}

native_hangs() {
        local pid result=0
        mkdir "$work/all/hang-native" >/dev/null 2>&1 &
        pid=$!
        wait_for grep -q kept "$work/all.out" || { echo "it did not hang"; return 1; }
        kill -KILL "$pid"
        wait_for grep -qs "^State:.D" "/proc/$pid/status" || { echo "it could be killed"; result=1; }
        kill -USR1 "$all_server"
        wait "$pid"
        return $result
}
check "natively a call hangs there, and its process can not be killed" native_hangs
check "a file system that does not answer: ETIMEDOUT" \
        says "Connection timed out" errno_of supervised -- mkdir "$work/all/hang-1"
check "the record says why" logged "trouble with mkdir(\"$work/all/hang-1\")"
check "another one says that a process hangs" logged "hangs in the kernel over a call and can not be killed"
check "while it hangs, the others of its session go on" \
        supervised -- sh -c "mkdir '$work/all/hang-2' 2>/dev/null & for n in 1 2 3 4 5 6; do mkdir '$work/room/a'\$n || exit 1; done; kill -0 \$!"
check "a file system in which nothing can be looked up: ETIMEDOUT" \
        says "Connection timed out" errno_of supervised -- mkdir "$work/all/lost/x"

mounted own 65534
check "the same for one that admits its owner alone, a helper's work: ETIMEDOUT" \
        says "Connection timed out" errno_of supervised_user -- mkdir "$work/own/hang-3"
check "also where it lies in a user namespace" \
        says "Connection timed out" errno_of supervised -- unshare -Ur mkdir "$work/all/hang-4"
mounted page
check "an ordinary error still is one" \
        says "No space left on device" errno_of supervised -- mkdir "$work/page/other"

if [ "$("$bin/bad-page" 2>&1 & sleep 0.5; kill -KILL $! 2>/dev/null; wait $! 2>/dev/null)" = "" ]; then
        check "a page of userfaultfd that nobody serves: ETIMEDOUT" says ETIMEDOUT supervised -- "$bin/bad-page"
else
        skip "a page of userfaultfd" "userfaultfd(2) can not be used here"
fi
check "a page of a file that can not be read: ETIMEDOUT" says ETIMEDOUT supervised -- "$bin/bad-page" "$work/page/page"

# Many in one session: more than it can have workers.

cat >"$work/many.sh" <<'SH'
for ((n = 0; n < 40; n++)); do
        mkdir "$1/hang-many-$n" 2>&1 | sed 's/.*: //' >>"$2/many" &
done
wait
mkdir "$2/room/refused" 2>&1 | sed 's/.*: //' >"$2/refused"
: >"$2/done"
while [ ! -e "$2/recovered" ]; do sleep 0.1; done
mkdir "$2/room/again"
SH
supervised -- bash "$work/many.sh" "$work/all" "$work" &
many=$!
all_timed_out() {
        wait_for test -e "$work/done" || { echo "some never got an answer"; return 1; }
        [ "$(sort "$work/many" | uniq -c | sed 's/^ *//')" = "40 Connection timed out" ] || { cat "$work/many"; return 1; }
}
check "forty calls that hang: each gets ETIMEDOUT" all_timed_out
check "so many processes of one session hang that may, and no more" test "$(workers)" -le 31
check "then its calls get ETIMEDOUT" grep -qx "Connection timed out" "$work/refused"
check "a record says why" logged "as many calls of its session hang as may"
check "another session does not notice" supervised -- mkdir "$work/room/other"
check "neither do new ones, in any number" \
        bash -c "for n in {1..20}; do '$SNOTIFY_RUN' --socket '$socket' -- mkdir '$work/room/new-'\$n || exit 1; done"

kill -USR1 "${servers[@]}"
recovers() {
        wait_for workers_are 0 || { echo "$(workers) processes"; return 1; }
        : >"$work/recovered"
        timeout 10 tail --pid="$many" -f /dev/null && [ -d "$work/room/again" ]
}
check "once the file system answers they are gone, and the session makes directories again" recovers
check "what timed out was not made up for later" sh -c "! ls '$work/room' | grep -q refused"

# A process that acts for a user, whom the user stops.  A worker has no signal for it.

cat >"$work/stop.sh" <<'SH'
exec 2>/dev/null
unshare -Ur mkdir "$1/room/slow" &
caller=$!
until helper=$(pgrep -x snotifyd-helper) && kill -STOP "$helper"; do
        sleep 0.01
done
until grep -q "^State:.T" "/proc/$helper/status"; do
        sleep 0.01
done
touch "$1/room/stopped"
kill -KILL "$caller"
wait "$caller"
mkdir "$1/room/next" && echo next
until ! kill -0 "$helper" 2>/dev/null; do
        sleep 0.01
done
echo gone
SH
stopped_helper() {
        says "next
gone" timeout 30 "$SNOTIFY_RUN" --socket "$socket" --profile=slow -- setpriv --reuid=65534 --regid=65534 --clear-groups \
                sh "$work/stop.sh" "$work"
}
if as_user unshare -Ur true 2>/dev/null; then
        check "a process that acts for a user and is stopped ends when nothing waits for it any more" stopped_helper
        check "... which its session has not noticed" logged "allowed mkdir(\"$work/room/next\")"
        check "... and no worker died" fails_with 1 grep -q "a worker of session .* \(was killed\|failed\)" "$work/log"
fi

# Not each is stopped before it is bound to its worker's end.
no_helpers() {
        ! pgrep -x snotifyd-helper
}
stopped=$(supervised_user "$bin/stopper" 12)
if [ "$stopped" = 0 ]; then
        skip "processes that mark restricted ones, stopped" "none is started here: is there Landlock?"
else
        check "none of $stopped processes that mark restricted ones, and were stopped, stays" wait_for no_helpers
fi

# Stopping.

cat >"$work/after.sh" <<'SH'
echo "first $(mkdir "$1/all/hang-5" 2>&1 | sed 's/.*: //')" >>"$1/after"
echo "then $(mkdir "$1/room/unsupervised" 2>&1 | sed 's/.*: //')" >>"$1/after"
SH
kept=$(grep -c kept "$work/all.out")
supervised -- sh "$work/after.sh" "$work" >/dev/null 2>&1 &
caller=$!
hangs_too() {
        [ "$(grep -c kept "$work/all.out")" -gt "$kept" ]
}
check "a call that just hangs" wait_for hangs_too
stops() {
        kill -TERM "$daemon_pid"
        timeout 8 tail --pid="$daemon_pid" -f /dev/null || { echo "it still runs"; return 1; }
}
check "does not keep the daemon from stopping" stops
gets_enosys() {
        timeout 10 tail --pid="$caller" -f /dev/null || { echo "it still waits"; return 1; }
        [ "$(cat "$work/after")" = "first Function not implemented
then Function not implemented" ] || { cat "$work/after"; return 1; }
}
check "its session's calls get ENOSYS, though the process that hangs has the listener" gets_enosys
check "nothing stays when the session's programs have ended, but what hangs" wait_for workers_are 1
kill -USR1 "${servers[@]}"
check "nor that, once the file system answers" wait_for workers_are 0
umount -l "$work"/{all,own,page}
finish
