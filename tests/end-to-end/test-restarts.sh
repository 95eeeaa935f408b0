#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon is killed, restarted and replaced, with busy and with idle sessions: a workload notices nothing but a pause.
#
#   RESTARTS=200 meson test -C BUILD restarts      200 times instead of 20
export SNOTIFY_TEST_RESTARTS=${RESTARTS:-${SNOTIFY_TEST_RESTARTS:-20}}
source "$(dirname "$0")/../end-to-end/box.sh"

busy_max=20
idle_max=20
# An emulated processor has enough to do with few.
[ -z "${SNOTIFY_TEST_FEWER-}" ] || busy_max=2 idle_max=4

cat >/etc/snotify.conf <<'CONF'
[limits]
records-per-second = 1000000

[profile default]
default = deny
log = all

[rule open]
path = /srv/open/
action = allow
CONF
mkdir -p /srv/open /srv/shut
mount -t tmpfs tmpfs /srv/open
mkdir -p /run/systemd/system/snotifyd.service.d
printf '[Service]\nLogRateLimitIntervalSec=0\n' >/run/systemd/system/snotifyd.service.d/records.conf
systemctl daemon-reload
systemctl start snotifyd.socket

### Sessions.

busy=()
for ((n = 0; n < busy_max; n++)); do
        $snotify_run -- "$bin/steady-load" /srv/open /srv/shut 20000 >"$work/busy.$n" &
        busy+=("$!")
done
mkfifo "$work/gate"
idle=()
for ((n = 0; n < idle_max; n++)); do
        # shellcheck disable=SC2016
        $snotify_run -- sh -c 'mkdir "/srv/open/before-$1" && { read -r line <"$2"; mkdir "/srv/open/after-$1" && echo "$SNOTIFY_SESSION 2 0 0"; }' \
                - "$n" "$work/gate" >"$work/idle.$n" &
        idle+=("$!")
done
begun() {
        local made=(/srv/open/before-*)
        [ ${#made[@]} = "$idle_max" ] && stored $((2 * (busy_max + idle_max)))
}
check "the sessions run, and systemd's store has two file descriptors of each" wait_for begun

### Disturbances.

# disturb KIND: and waits for the next daemon.
disturb() {
        local main
        main=$(property MainPID)
        [ "$main" != 0 ] || { echo "there is no daemon"; return 1; }
        echo "$1 ${EPOCHREALTIME/[.,]/}" >>"$work/disturbances"
        case $1 in
        kill) systemctl kill -s KILL --kill-who=main snotifyd ;;
        kill-all) systemctl kill -s KILL --kill-who=all snotifyd ;;
        restart) systemctl restart snotifyd ;;
        upgrade)
                cp /usr/sbin/snotifyd /usr/sbin/snotifyd.new && mv /usr/sbin/snotifyd.new /usr/sbin/snotifyd
                systemctl restart snotifyd
                ;;
        esac
        wait_for replaced "$main" || { echo "no daemon after $1"; return 1; }
        sleep "0.$((RANDOM % 700 + 200))"
}
replaced() {
        local main
        main=$(property MainPID)
        [ "$main" != 0 ] && [ "$main" != "$1" ] && [ "$(property ActiveState)" = active ]
}
disturb_often() {
        local n kinds=(kill kill-all restart upgrade)
        for ((n = 0; n < SNOTIFY_TEST_RESTARTS; n++)); do
                disturb "${kinds[n % 4]}" || return 1
        done
}
check "the daemon is killed (alone, and with its workers), restarted and upgraded, $SNOTIFY_TEST_RESTARTS times in all: each time a new one starts" disturb_often
check "the store has the file descriptors of the sessions and no others" stored $((2 * (busy_max + idle_max)))

### While the configuration is broken.

# A session that ends meanwhile: the next daemon must record its end.
$snotify_run -- sh -c 'mkdir "$1/left" && rmdir "$1/left"; echo "$SNOTIFY_SESSION 1 0 0"; read -r line' - /srv/open \
        >"$work/leaving" < <(sleep infinity) &
leaving=$!
wait_for test -s "$work/leaving"
echo nonsense >>/etc/snotify.conf
restarts=$(property NRestarts)
main=$(property MainPID)
echo "broken ${EPOCHREALTIME/[.,]/}" >>"$work/disturbances"
systemctl kill -s KILL --kill-who=main snotifyd
check "the daemon is killed while the configuration is broken: the next one starts" wait_for replaced "$main"
kill -KILL "$leaving"
wait "$leaving" 2>/dev/null
status_tells() {
        systemctl status --no-pager snotifyd | grep -qF "no session begins: /etc/snotify.conf:11: "
}
check "... systemctl status says why no session begins" wait_for status_tells
refused_with_place() {
        local output
        output=$($snotify_run -- true 2>&1)
        [ $? = 125 ] && [[ $output == *"/etc/snotify.conf:11: "* ]] || { echo "it says: $output"; return 1; }
}
check "... launchers are told the same" refused_with_place
check "... systemd has started it once, and not again and again" test $(($(property NRestarts) - restarts)) = 1
loaded=$(journalctl --sync; journalctl -q -o cat -u snotifyd | grep -c '^loaded ')
loaded_again() {
        journalctl --sync
        [ "$(journalctl -q -o cat -u snotifyd | grep -c '^loaded ')" -gt "$loaded" ]
}
sed -i '$d' /etc/snotify.conf
check "... the daemon loads the configuration once it is repaired" wait_for loaded_again
check "... and new sessions begin" $snotify_run -- true

### The daemon does not run any more, although it is not dead.

printf '[Service]\nWatchdogSec=2\n' >/run/systemd/system/snotifyd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart snotifyd
sleep 3
main=$(property MainPID)
check "systemd's watchdog does not kill a daemon that works" fails_with 1 synced "Watchdog timeout"
echo "stopped ${EPOCHREALTIME/[.,]/}" >>"$work/disturbances"
systemctl kill -s STOP --kill-who=main snotifyd
check "a stopped daemon is replaced" wait_for replaced "$main"
check "... because of the watchdog" synced "Watchdog timeout (limit 2s)"
check "... and new sessions begin" $snotify_run -- true

### The results of the sessions.

# end PID...: waits for each process, and prints which did not end with status 0.
end() {
        local pid
        for pid; do
                timeout 20 tail --pid="$pid" -f /dev/null || { echo "$pid still runs"; kill -KILL "$pid"; }
                wait "$pid" || echo "$pid: exit status $?"
        done
}
kill -TERM "${busy[@]}"
end "${busy[@]}" >"$work/ends"
check "each call of the busy sessions had the right result" diff /dev/null "$work/ends"
: >"$work/gate"
end "${idle[@]}" >"$work/ends"
check "the idle sessions can still create directories" diff /dev/null "$work/ends"
check "... and all have done so" test "$(echo /srv/open/after-* | wc -w)" = $idle_max
check "no directory was created twice or in a denied place" \
        test "$(find /srv/open /srv/shut -mindepth 1 ! -name 'before-*' ! -name 'after-*')" = ""
# A session ends while the journal takes nothing.
cat >"$work/fill.py" <<'PY'
import socket
# The journal's queue is full when not even a new socket can send: each socket has a limit of its own, too.
sent = True
while sent:
    sent = False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.connect("/run/systemd/journal/socket")
        journal.setblocking(False)
        try:
            while True:
                journal.send(b"MESSAGE=filler\n")
                sent = True
        except BlockingIOError:
            pass
PY
journald=$(systemctl show -P MainPID systemd-journald)
mkfifo "$work/late.gate"
# shellcheck disable=SC2016
$snotify_run -- sh -c 'read -r line <"$2"; mkdir "$1/late" && rmdir "$1/late"; echo "$SNOTIFY_SESSION 1 0 0"' - /srv/open "$work/late.gate" \
        >"$work/late" &
late=$!
sleep 0.2
kill -STOP "$journald"
python3 "$work/fill.py"
: >"$work/late.gate"
wait $late
sleep 4
kill -CONT "$journald"
check "a session that ends while the journal is stopped is recorded once the journal continues" wait_for synced "session $(cut -d' ' -f1 "$work/late") ended: 1 allowed, 0 denied, 0 failed"
check "the sessions end, and leave nothing in the store" wait_for no_sessions
check "... and no process" wait_for alone
counts() {
        journalctl --sync
        journalctl -q -o json --all | python3 "$SOURCE_ROOT/tests/end-to-end/totals.py" "$work"/{busy,idle}.* "$work"/{leaving,late}
}
summary=$(counts)
check "the workloads' own counts, those in the records of their ends, and the records in the journal agree" test $? = 0
printf '%s\n' "$summary" | sed 's/^/# /'
python3 "$SOURCE_ROOT/tests/end-to-end/stalls.py" "$work/disturbances" "$work"/busy.* | sed 's/^/# /'

journalctl -o short -u snotifyd --no-pager | grep -v ' allowed mkdir' >"$work/log"
finish
