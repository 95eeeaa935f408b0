#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sessions begin and end while workers and the daemon are killed, restarted and reloaded: see tests/soak.
export SNOTIFY_TEST_MINUTES=${SNOTIFY_TEST_MINUTES:-1} SNOTIFY_TEST_SESSIONS=${SNOTIFY_TEST_SESSIONS:-50}
source "$(dirname "$0")/../end-to-end/box.sh"

configure() {
        cat >/etc/snotify.conf <<CONF
[limits]
records-per-second = 1000000

[profile default]
default = deny
log = all

[rule $1]
path = /srv/open/
action = allow
CONF
}
configure open
mkdir -p /srv/open /srv/shut
mount -t tmpfs tmpfs /srv/open
mkdir -p /run/systemd/system/snotifyd.service.d /run/systemd/journald.conf.d
printf '[Service]\nLogRateLimitIntervalSec=0\n' >/run/systemd/system/snotifyd.service.d/records.conf
printf '[Journal]\nSystemMaxUse=8G\nRuntimeMaxUse=8G\n' >/run/systemd/journald.conf.d/room.conf
systemctl daemon-reload
systemctl restart systemd-journald
systemctl start snotifyd.socket

### Sessions.

pids=()
n_begun=0
# begin PLACE: starts a session.  Each fifth one calls rarely, so that its worker exits before the next call.
begin() {
        local pause=100000
        (($1 % 5)) || pause=6000000
        $snotify_run -- "$bin/steady-load" /srv/open /srv/shut $pause >"$work/session.$n_begun" &
        pids[$1]=$!
        n_begun=$((n_begun + 1))
}
# A launcher gives up if the daemon dies after its welcome; its command has not run.
n_refused=0
end() {
        local status
        kill -TERM "${pids[$1]}" 2>/dev/null
        wait "${pids[$1]}"
        status=$?
        if [ $status = 125 ]; then
                n_refused=$((n_refused + 1))
        elif [ $status != 0 ]; then
                echo "session $1: exit status $status" >>"$work/failures"
        fi
}
: >"$work/failures"
for ((place = 0; place < SNOTIFY_TEST_SESSIONS; place++)); do
        begin $place
done
begun() {
        stored $((2 * SNOTIFY_TEST_SESSIONS))
}
check "$SNOTIFY_TEST_SESSIONS sessions begin" wait_for begun

### Disturbances.

# kill_one NAME: kills one of the processes of that name, at random.
kill_one() {
        local pid
        pid=$(pgrep -x "$1" | shuf -n 1)
        [ -z "$pid" ] || kill -KILL "$pid"
}
disturb() {
        local place=$((RANDOM % SNOTIFY_TEST_SESSIONS))
        echo "$1 ${EPOCHREALTIME/[.,]/}" >>"$work/disturbances"
        case $1 in
        worker) kill_one snotifyd-worker ;;
        daemon) kill_one snotifyd ;;
        all) systemctl kill -s KILL --kill-who=all snotifyd ;;
        restart) systemctl restart snotifyd ;;
        reload)
                configure "open-$RANDOM"
                systemctl reload snotifyd 2>/dev/null || : # it fails if the daemon has just been killed
                ;;
        churn) end $place; begin $place ;;
        esac
        sleep "0.$((RANDOM % 300 + 100))"
}

running() {
        [ "$(property ActiveState)" = active ] && [ "$(property MainPID)" != 0 ]
}
# Prints what the daemon has beyond what its sessions and workers need: file descriptors, those in the store, sessions' cgroups; and its
# anonymous memory in KiB.  (The PSS depends on how many workers share the daemon's pages at the moment.)
measure() {
        local main fds workers cgroups memory
        wait_for running
        main=$(property MainPID)
        # shellcheck disable=SC2009 # pgrep cannot leave out a name
        workers=$(ps -o comm= --ppid "$main" | grep -vc '^snotifyd-accept')
        fds=(/proc/"$main"/fd/*)
        cgroups=$(find "/sys/fs/cgroup$(property ControlGroup)" -name 'session-*' | wc -l)
        memory=$(awk '/^Anonymous:/ { print $2 }' "/proc/$main/smaps_rollup")
        echo $((${#fds[@]} - 2 * SNOTIFY_TEST_SESSIONS - workers)) \
                $(($(stored_fds) - 2 * SNOTIFY_TEST_SESSIONS)) \
                $((cgroups > SNOTIFY_TEST_SESSIONS ? cgroups - SNOTIFY_TEST_SESSIONS : 0)) "$memory"
}
# The least of five measurements: what goes away again is no growth.
sample() {
        local n
        for ((n = 0; n < 5; n++)); do
                measure
                sleep 0.1
        done | awk '{ for (i = 1; i <= NF; i++) if (NR == 1 || $i < least[i]) least[i] = $i }
                    END { print least[1], least[2], least[3], least[4] }'
}
# soak FILE SECONDS DISTURBANCE...: these disturbances at random, all the time; six samples go to FILE.
soak() {
        local file=$1 until=$((SECONDS + $2)) step=$(($2 / 5)) next=$SECONDS
        shift 2
        while ((SECONDS < until)); do
                disturb "${@:RANDOM % $# + 1:1}"
                ((SECONDS >= next)) || continue
                sample >>"$file"
                next=$((SECONDS + step))
        done
        sample >>"$file"
}
half=$((SNOTIFY_TEST_MINUTES * 30))
soak "$work/with-kills" $half worker worker worker worker reload churn churn daemon all restart
# From here on the daemon is not replaced any more, so that a leak adds up.
soak "$work/without" $half worker worker worker worker reload churn churn
echo "# disturbances: $(cut -d' ' -f1 "$work/disturbances" | sort | uniq -c | tr -s ' \n' ' ')"
for file in with-kills without; do
        echo "# $file: file descriptors, stored ones and cgroups beyond those of the sessions, memory in KiB: $(tr '\n' ';' <"$work/$file")"
done

# does_not_grow FIELD SLACK: from the second sample, when each kind of disturbance has happened, to the last.
does_not_grow() {
        awk -v field="$1" -v slack="$2" 'NR == 2 { first = $field } { last = $field }
                END { print "from " first " to " last; exit NR < 3 || last > first + slack }' "$work/without"
}
check "the number of the daemon's file descriptors does not grow" does_not_grow 1 2
check "... nor that of those in the store" does_not_grow 2 0
check "... nor that of its cgroups" does_not_grow 3 0
check "... nor does its memory" does_not_grow 4 200

### The results of the sessions.

for ((place = 0; place < SNOTIFY_TEST_SESSIONS; place++)); do
        end $place
done
check "each call of $((n_begun - n_refused)) sessions had the right result" diff /dev/null "$work/failures"
check "no directory was created twice or in a denied place" test "$(find /srv/open /srv/shut -mindepth 1)" = ""
check "the sessions end, and leave nothing in the store" wait_for no_sessions
check "... and no process" wait_for alone
counts() {
        journalctl --sync
        journalctl -q -o json --all --output-fields=MESSAGE,SNOTIFY_SESSION,SNOTIFY_REQUEST,SNOTIFY_VERDICT,SNOTIFY_ALLOWED,SNOTIFY_DENIED,SNOTIFY_FAILED,SNOTIFY_SUPPRESSED,SNOTIFY_LOST |
                python3 "$SOURCE_ROOT/tests/end-to-end/totals.py" "$work"/session.*
}
summary=$(counts)
check "the workloads' own counts, those in the records of their ends, and the records in the journal agree" test $? = 0
printf '%s\n' "$summary" | sed 's/^/# /'
echo "# $n_refused launchers gave up"
python3 "$SOURCE_ROOT/tests/end-to-end/stalls.py" "$work/disturbances" "$work"/session.* | sed 's/^/# /'

journalctl -o short -u snotifyd --no-pager | grep -vE ' (allowed|denied) mkdir' >"$work/log"
finish
