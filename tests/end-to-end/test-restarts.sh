#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon is killed, restarted and replaced, under load and beside idle sessions: no workload notices more than a pause.
#
#   RESTARTS=200 meson test -C BUILD restarts      that often; 20 times otherwise
export SNOTIFY_TEST_RESTARTS=${RESTARTS:-${SNOTIFY_TEST_RESTARTS:-20}}
source "$(dirname "$0")/../end-to-end/box.sh"

busy_max=20
idle_max=20

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
        [ ${#made[@]} = $idle_max ] && stored $((2 * (busy_max + idle_max)))
}
check "the sessions run, and have two fds each in systemd's store" wait_for begun

### Blows.

blow() {
        local main
        main=$(property MainPID)
        [ "$main" != 0 ] || { echo "there is no daemon"; return 1; }
        echo "$1 ${EPOCHREALTIME/[.,]/}" >>"$work/blows"
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
blows() {
        local n kinds=(kill kill-all restart upgrade)
        for ((n = 0; n < SNOTIFY_TEST_RESTARTS; n++)); do
                blow "${kinds[n % 4]}" || return 1
        done
}
check "the daemon is killed, alone and with its workers, restarted and replaced: $SNOTIFY_TEST_RESTARTS times" blows
check "the store has the sessions' fds and no others" stored $((2 * (busy_max + idle_max)))

### While the configuration is broken.

# What ends meanwhile has its record in the end.
$snotify_run -- sh -c 'mkdir "$1/left" && rmdir "$1/left"; echo "$SNOTIFY_SESSION 1 0 0"; read -r line' - /srv/open \
        >"$work/leaving" < <(sleep infinity) &
leaving=$!
wait_for test -s "$work/leaving"
echo nonsense >>/etc/snotify.conf
restarts=$(property NRestarts)
main=$(property MainPID)
echo "broken ${EPOCHREALTIME/[.,]/}" >>"$work/blows"
systemctl kill -s KILL --kill-who=main snotifyd
check "where the configuration is broken the next daemon stays" wait_for replaced "$main"
kill -KILL "$leaving"
wait "$leaving" 2>/dev/null
status_tells() {
        systemctl status --no-pager snotifyd | grep -qF "no session begins: /etc/snotify.conf:11: "
}
check "... and systemctl status tells why no session begins" wait_for status_tells
refused_with_place() {
        local output
        output=$($snotify_run -- true 2>&1)
        [ $? = 125 ] && [[ $output == *"/etc/snotify.conf:11: "* ]] || { echo "it says: $output"; return 1; }
}
check "... as launchers are told" refused_with_place
check "... and it was started once" test $(($(property NRestarts) - restarts)) = 1
loaded=$(journalctl --sync; journalctl -q -o cat -u snotifyd | grep -c '^loaded ')
loaded_again() {
        journalctl --sync
        [ "$(journalctl -q -o cat -u snotifyd | grep -c '^loaded ')" -gt "$loaded" ]
}
sed -i '$d' /etc/snotify.conf
check "... and takes up the mended one" wait_for loaded_again
check "... by which sessions begin" $snotify_run -- true

### It stands still.

printf '[Service]\nWatchdogSec=2\n' >/run/systemd/system/snotifyd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart snotifyd
sleep 3
main=$(property MainPID)
check "a daemon that is alive has nothing to fear from the watchdog" fails_with 1 synced "Watchdog timeout"
echo "stopped ${EPOCHREALTIME/[.,]/}" >>"$work/blows"
systemctl kill -s STOP --kill-who=main snotifyd
check "one that stands still is replaced" wait_for replaced "$main"
check "... by the watchdog" synced "Watchdog timeout (limit 2s)"
check "... and new sessions begin" $snotify_run -- true

### What the sessions say.

# end PID...: waits for each, and says of which it was not well.
end() {
        local pid
        for pid; do
                timeout 20 tail --pid="$pid" -f /dev/null || { echo "$pid still runs"; kill -KILL "$pid"; }
                wait "$pid" || echo "$pid: exit status $?"
        done
}
kill -TERM "${busy[@]}"
end "${busy[@]}" >"$work/ends"
check "each call of the busy ones had its result" diff /dev/null "$work/ends"
: >"$work/gate"
end "${idle[@]}" >"$work/ends"
check "the idle ones still make directories" diff /dev/null "$work/ends"
check "... all of them" test "$(echo /srv/open/after-* | wc -w)" = $idle_max
check "nothing was made twice, or where it may not be" \
        test "$(find /srv/open /srv/shut -mindepth 1 ! -name 'before-*' ! -name 'after-*')" = ""
# A session ends while the journal takes nothing.
cat >"$work/fill.py" <<'PY'
import socket
# Its queue is full when not even a socket that has sent nothing yet can send: each may have so many on the way.
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
check "one that ends while the journal takes nothing has its record, too" wait_for synced "session $(cut -d' ' -f1 "$work/late") ended: 1 allowed, 0 denied, 0 failed"
check "they end, and leave nothing in the store" wait_for no_sessions
check "nor a process" wait_for alone
counts() {
        journalctl --sync
        journalctl -q -o json --all | python3 "$SOURCE_ROOT/tests/end-to-end/totals.py" "$work"/{busy,idle}.* "$work"/{leaving,late}
}
summary=$(counts)
check "their own counts, their end records' and the journal's are the same" test $? = 0
printf '%s\n' "$summary" | sed 's/^/# /'
python3 "$SOURCE_ROOT/tests/end-to-end/stalls.py" "$work/blows" "$work"/busy.* | sed 's/^/# /'

journalctl -o short -u snotifyd --no-pager | grep -v ' allowed mkdir' >"$work/log"
finish
