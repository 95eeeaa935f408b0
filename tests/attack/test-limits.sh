#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The limits of [limits] in snotify.conf: on connections, sessions and records.  One user who reaches them hardly affects others.
source "$(dirname "$0")/../end-to-end/lib.sh" alone
source "$(dirname "$0")/clients.sh"

burst=300 many=300 n_calls=5000 rate=100 refusals=300
[ -z "$SANITIZED" ] || burst=40 many=50
[ -z "${SNOTIFY_TEST_FEWER-}" ] || burst=20 many=40 n_calls=500 rate=10 refusals=30

### One user opens too many connections.
start "handshake-timeout = 1min" "connections-per-user = 32"
load_start
throughput ten_launches supervised
alone=$(<"$work/throughput")
rm -f "$work/hold" && mkfifo "$work/hold"
as_user "$bin/rogue-launcher" "$socket" crowd $many $((many - 32)) <"$work/hold" >"$work/holder" &
holder=$!
exec 9>"$work/hold"
check "$many connections of one user: those above the limit are refused" wait_for grep -qx "$((many - 32)) refused" "$work/holder"
check "... and the reason is recorded" logged "uid 65534: user 65534 has as many connections as a user may, 32; see connections-per-user= in snotify.conf(5)"
check "... another user's launchers begin sessions" throughput ten_launches supervised
beside=$(<"$work/throughput")
check_throughput "$alone" "$beside"
check "... the user's own launcher is refused in the end" \
        refuses "snotifyd refuses: user 65534 has as many connections as a user may, 32" supervised_user -- mkdir "$ran"
held_by_others=()
for uid in 60125 60126 60127; do
        mkfifo "$work/hold-$uid"
        setpriv --reuid=$uid --regid=$uid --clear-groups "$bin/rogue-launcher" "$socket" crowd 32 0 <"$work/hold-$uid" >/dev/null &
        held_by_others+=($!)
done
exec 6>"$work/hold-60125" 7>"$work/hold-60126" 8>"$work/hold-60127"
check "... another user's launchers begin sessions even when four users have as many connections as permitted" ten_launches supervised
exec 6>&- 7>&- 8>&-
wait "${held_by_others[@]}"
exec 9>&-
wait $holder
check "... and the first user had 32 connections all the time" grep -qx "32 open" "$work/holder"
printf '[profile default]\ndefault = allow\n' >"$work/conf"
kill -HUP "$daemon_pid"
wait_for policy_is 2
check "a burst of $burst launchers of one user, 100 at a time: all begin their sessions" \
        as_user sh -c "seq $burst | xargs -P 100 -n 1 $SNOTIFY_RUN --socket $socket -- true"
load_stop
daemon_stop
check "the daemon exits with status 0" test $? = 0

### The limits on sessions.
# The user's subordinate uids count as the user.
printf '65534:100000:65536\n' >"$work/subuid"
[ -e /etc/subuid ] || touch /etc/subuid
mount --bind "$work/subuid" /etc/subuid
hold() {
        "$@" "$SNOTIFY_RUN" --socket "$socket" -- sleep 60 &
        held+=($!)
}
has_sessions() {
        [ $(($(grep -c "^session .* started" "$work/log") - $(grep -c "^session .* ended" "$work/log"))) = "$1" ]
}
user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
: >"$work/log"
start "sessions = 3" "sessions-per-user = 2" "connections-per-user = 1"
held=()
for n in 1 2; do
        hold "${user[@]}"
        check "session $n of a user begins" wait_for has_sessions "$n"
done
check "... the next is refused: sessions-per-user" refuses "snotifyd refuses: user 65534 has as many sessions as a user may, 2; see sessions-per-user= in snotify.conf(5)" \
        supervised_user -- mkdir "$ran"
hold "${other[@]}"
check "... a session of another user begins" wait_for has_sessions 3
check "... the next one of any user is refused: sessions" refuses "snotifyd refuses: there are as many sessions as there may be, 3; see sessions= in snotify.conf(5)" \
        supervised -- mkdir "$ran"
check "... and that is recorded" logged "uid 0: there are as many sessions as there may be, 3"
kill "${held[0]}"
check "a session ends" wait_for has_sessions 2
check "... and another one can begin" supervised -- true
printf '[limits]\nsessions = 2\n[profile default]\ndefault = allow\n' >"$work/conf"
kill -HUP "$daemon_pid"
check "a reload lowers the limit" logged "policy generation 2"
check "... new sessions are refused" refuses "as many sessions as there may be, 2" supervised -- mkdir "$ran"
check "... and no running one is ended" has_sessions 2
kill "${held[@]}" 2>/dev/null
wait "${held[@]}" 2>/dev/null
check "all sessions end" wait_for has_sessions 0
printf '[limits]\nsessions-per-user = 3\n[profile default]\ndefault = allow\n' >"$work/conf"
kill -HUP "$daemon_pid"
logged "policy generation 3"
held=()
hold "${user[@]}"
check "a session of a user begins" wait_for has_sessions 1
"${user[@]}" unshare --user sleep 60 &
owner=$!
in_namespace() {
        [ "$(readlink /proc/"$owner"/ns/user)" != "$(readlink /proc/self/ns/user)" ]
}
wait_for in_namespace
echo "0 200000 65536" >/proc/$owner/uid_map && echo "0 200000 65536" >/proc/$owner/gid_map
hold nsenter --target $owner --user --setuid 5 --setgid 5
check "... and one of a uid in the user's user namespace" wait_for has_sessions 2
hold setpriv --reuid=100001 --regid=100001 --clear-groups
check "... and one of a subordinate uid of the user" wait_for has_sessions 3
check "... the user's next one is refused" refuses "user 65534 has as many sessions as a user may, 3" supervised_user -- mkdir "$ran"
check "... also with a further subordinate uid" refuses "user 65534 has as many sessions as a user may, 3" \
        setpriv --reuid=100002 --regid=100002 --clear-groups "$SNOTIFY_RUN" --socket "$socket" -- mkdir "$ran"
check "... and sessions of another user begin" ten_launches "${other[@]}" "$SNOTIFY_RUN" --socket "$socket"
kill "${held[@]}" $owner 2>/dev/null
wait "${held[@]}" $owner 2>/dev/null
daemon_stop
check "the daemon exits with status 0" test $? = 0

### The limit on records.
# calls NUMBER: a session makes so many calls, four at a time.
calls() {
        supervised -- python3 -c '
import os, sys
n = int(sys.argv[2]) // 4
for process in range(4):
    if os.fork() == 0:
        for i in range(n):
            os.mkdir(f"{sys.argv[1]}/{process}-{i}")
        os._exit(0)
for process in range(4):
    os.wait()
' "$work/many" "$1"
}
sum() {
        sed -En "s/$1/\\1/p" "$work/log" | awk '{ sum += $1 } END { print sum + 0 }'
}
: >"$work/log"
daemon_start <<CONF
[limits]
records-per-second = $rate
[profile default]
default = allow
log = all
CONF
mkdir "$work/many"
check "$n_calls calls of a session succeed while records-per-second is $rate" calls $n_calls
check "... and are counted in the record of its end" logged " ended: $n_calls allowed, 0 denied, 0 failed; "
recorded=$(grep -c '^allowed mkdir' "$work/log")
said=$(sum '.* made ([0-9]+) more calls, which are not recorded; see records-per-second= in snotify.conf\(5\)')
check "... $recorded of them have a record" test "$recorded" -ge $rate
check "... $said have none" test "$said" -gt $((n_calls / 5))
check "... which are all of them together" test $((recorded + said)) = $n_calls
check "... and the record of the session's end says the same" logged "; $said of them not recorded"

sed -i 's/^records-per-second.*/records-per-second = 1/' "$work/conf"
kill -HUP "$daemon_pid"
logged "policy generation 2"
for ((n = 0; n < refusals; n++)); do
        "$bin/rogue-launcher" "$socket" byte
done >/dev/null
check "not each refused launcher is recorded either" logged "more launchers were refused and not recorded; see records-per-second= in snotify.conf(5)"
all_are_told() {
        [ $(($(grep -c "this is no greeting" "$work/log") + $(sum '^([0-9]+) more launchers.*'))) = "$refusals" ]
}
check "... but each is counted" wait_for all_are_told
daemon_stop
check "the daemon exits with status 0" test $? = 0
finish
