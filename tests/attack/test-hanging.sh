#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# File systems and memory pages that never answer: the caller gets ETIMEDOUT, and no other call waits.
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

# The workers of idle sessions exit after five seconds.
workers_are() {
        [ "$(workers)" = "$1" ]
}

servers=()
# mounted NAME [UID]: mounts a hanging file system on $work/NAME, for all users or for that one.
mounted() {
        local name=$1
        shift
        mkdir -p "$work/$name"
        "$bin/hanging-fs" "$work/$name" "$@" >"$work/$name.out" 2>&1 &
        servers+=("$!")
        wait_for test -s "$work/$name.out"
        grep -q mounted "$work/$name.out"
}

# says TEXT COMMAND...: the command's output is that text.
says() {
        local what=$1 said
        shift
        said=$("$@" 2>&1)
        [ "$said" = "$what" ] || { echo "said: $said"; return 1; }
}

errno_of() {
        "$@" 2>&1 | sed 's/.*: //'
}

# Each way to hang, in a session of its own.  (A process that sleeps uninterruptibly cannot be killed.)

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
        return "$result"
}
check "natively a call on such a file system hangs, and its process cannot be killed" native_hangs
check "supervised, a call on a file system that does not answer fails with ETIMEDOUT" \
        says "Connection timed out" errno_of supervised -- mkdir "$work/all/hang-1"
check "... and is recorded" logged "trouble with mkdir(\"$work/all/hang-1\")"
check "... and another record says that a process hangs" logged "hangs in the kernel over a call and cannot be killed"
check "while a call hangs, other calls of its session are answered" \
        supervised -- sh -c "mkdir '$work/all/hang-2' 2>/dev/null & for n in 1 2 3 4 5 6; do mkdir '$work/room/a'\$n || exit 1; done; kill -0 \$!"
check "a call fails with ETIMEDOUT when a lookup hangs" \
        says "Connection timed out" errno_of supervised -- mkdir "$work/all/lost/x"

mounted own 65534
check "... when a helper hangs, on a file system that admits its owner alone" \
        says "Connection timed out" errno_of supervised_user -- mkdir "$work/own/hang-3"
check "... when the caller is in its own user namespace" \
        says "Connection timed out" errno_of supervised -- unshare -Ur mkdir "$work/all/hang-4"
mounted page
check "on the same file system a call that the server refuses fails with the server's error" \
        says "No space left on device" errno_of supervised -- mkdir "$work/page/other"

if [ "$("$bin/bad-page" 2>&1 & sleep 0.5; kill -KILL $! 2>/dev/null; wait $! 2>/dev/null)" = "" ]; then
        check "a call fails with ETIMEDOUT when its path is in a userfaultfd page that no process serves" says ETIMEDOUT supervised -- "$bin/bad-page"
else
        skip "a path in a userfaultfd page" "userfaultfd(2) cannot be used here"
fi
check "... when its path is in a page of a file whose read hangs" says ETIMEDOUT supervised -- "$bin/bad-page" "$work/page/page"

# In one session, more calls that hang than a session can have workers.

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
check "forty hanging calls of one session: each fails with ETIMEDOUT" all_timed_out
check "... and no more of its processes hang than the daemon permits" test "$(workers)" -le 31
check "... from then on its calls fail with ETIMEDOUT at once" grep -qx "Connection timed out" "$work/refused"
check "... and a record says why" logged "as many calls of its session hang as may"
check "another session is unaffected" supervised -- mkdir "$work/room/other"
check "... and so are new sessions, in any number" \
        bash -c "for n in {1..20}; do '$SNOTIFY_RUN' --socket '$socket' -- mkdir '$work/room/new-'\$n || exit 1; done"

# Again and again: a process that waited for the directory's lock makes its own request once it has it, dead or not.
is_released() {
        kill -USR1 "${servers[@]}"
        workers_are 0
}
recovers() {
        wait_for is_released || { echo "$(workers) processes"; return 1; }
        : >"$work/recovered"
        timeout 10 tail --pid="$many" -f /dev/null && [ -d "$work/room/again" ]
}
check "once the file system answers, no process hangs, and the session can create directories again" recovers
check "the call that timed out was not performed later" sh -c "! ls '$work/room' | grep -q refused"

# A user stops a helper that acts for them, which a user may do.

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
        check "a helper that the user has stopped ends when no call waits for it any more" stopped_helper
        check "... and the session's next call is answered" logged "allowed mkdir(\"$work/room/next\")"
        check "... and no worker died" fails_with 1 grep -q "a worker of session .* \(was killed\|failed\)" "$work/log"
fi

# Some are stopped only after they were bound to end with their worker.
no_helpers() {
        ! pgrep -x snotifyd-helper
}
stopped=$(supervised_user "$bin/stop-helpers" 12)
if [ "$stopped" = 0 ]; then
        skip "stopped helpers that mark processes restricted by Landlock" "none is started here; has this kernel Landlock?"
else
        check "$stopped helpers that mark processes restricted by Landlock were stopped: none remains" wait_for no_helpers
fi

# The daemon is stopped while a call hangs.

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
check "a call hangs" wait_for hangs_too
stops() {
        kill -TERM "$daemon_pid"
        timeout 8 tail --pid="$daemon_pid" -f /dev/null || { echo "it still runs"; return 1; }
}
check "... and does not keep the daemon from stopping" stops
gets_enosys() {
        timeout 10 tail --pid="$caller" -f /dev/null || { echo "it still waits"; return 1; }
        [ "$(cat "$work/after")" = "first Function not implemented
then Function not implemented" ] || { cat "$work/after"; return 1; }
}
check "... its session's calls fail with ENOSYS, although the hanging process still holds the listener" gets_enosys
check "when the session's programs have ended, only the hanging process remains" wait_for workers_are 1
kill -USR1 "${servers[@]}"
check "... and none once the file system answers" wait_for workers_are 0
umount -l "$work"/{all,own,page}
finish
