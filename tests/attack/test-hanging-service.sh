#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A file system that never answers, and the installed units: systemd waits for nobody who hangs in it, and nobody else notices.
source "$(dirname "$0")/../end-to-end/box.sh"

mknod -m 600 /dev/fuse c 10 229
cat >/etc/snotify.conf <<'CONF'
[limits]
call-timeout = 2s

[profile default]
default = allow
CONF
mkdir -p /srv/open
# One for each call: a second one in the same directory would wait for the first.
servers=()
for name in first second third; do
        mkdir "$work/$name"
        "$bin/hanging-fs" "$work/$name" >"$work/$name.out" 2>&1 &
        servers+=("$!")
        wait_for test -s "$work/$name.out"
        grep -q mounted "$work/$name.out" || skip_all "cannot mount FUSE here: $(cat "$work/$name.out")"
done
systemctl start snotifyd.socket

workers_are() {
        [ "$(pgrep -c '^snotifyd-worker')" = "$1" ]
}
hangs_in() {
        wait_for grep -q kept "$work/$1.out"
}
errno_of() {
        "$@" 2>&1 | sed 's/.*: //'
}
# within MSEC COMMAND...: no longer than that; those of systemd's are 10 s and more.
within() {
        local begin=${EPOCHREALTIME/[.,]/} msec=$1 status
        shift
        "$@"
        status=$?
        set -- $(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
        echo "# it took $1 ms" >&3
        [ $status = 0 ] && [ "$1" -lt "$msec" ] || { echo "exit status $status after $1 ms"; return 1; }
}
exec 3>&1

### A session that goes on through all of it.

mkfifo "$work/in" "$work/out"
# shellcheck disable=SC2016
$snotify_run -- sh -c 'while read -r path; do mkdir "$path" 2>&1; echo "status $?"; done' <"$work/in" >"$work/out" &
exec {in}>"$work/in" {out}<"$work/out"
goes_on() {
        local line
        echo "/srv/open/$1" >&"$in"
        read -r -t 20 -u "$out" line
        [ "$line" = "status 0" ] || { echo "it says: $line"; return 1; }
}
check "a session" goes_on first

### One hangs.

check "a call that hangs gets ETIMEDOUT" \
        test "$(errno_of $snotify_run -- mkdir "$work/first/hang")" = "Connection timed out"
check "systemctl status shows that a worker hangs" wait_for status_has "1 hanging worker; "
check "... and the other session goes on" goes_on while-one-hangs

check "systemctl restart does not wait for it" within 5000 systemctl restart snotifyd
check "... the other session goes on" goes_on after-restart
check "... and new ones begin" $snotify_run -- mkdir /srv/open/new

### The daemon is killed while a call hangs.

# shellcheck disable=SC2016
$snotify_run -- sh -c 'mkdir "$1/hang"; mkdir /srv/open/second-of-the-same' - "$work/second" >"$work/second.says" 2>&1 &
second=$!
check "another call hangs" hangs_in second
main=$(property MainPID)
systemctl kill -s KILL --kill-who=main snotifyd
is_back() {
        [ "$(property MainPID)" != "$main" ] && [ "$(property ActiveState)" = active ]
}
check "the daemon is killed, and the next one comes" within 5000 wait_for is_back
check "... the other session goes on" goes_on after-kill
check "... and that call gets ETIMEDOUT too" wait_for grep -q "Connection timed out" "$work/second.says"
gone() {
        ! kill -0 "$1" 2>/dev/null
}
wait_for gone $second
check "... and its session goes on" test -d /srv/open/second-of-the-same

### The file system answers.

kill -USR1 "${servers[@]}"
none_hangs() {
        status_has "1 session;" && ! status_has hanging
}
check "once the file system answers nothing hangs any more" wait_for none_hangs
check "... and no process is left of it" wait_for workers_are 0
check "... nor of the store" stored 2

### Stop.

$snotify_run -- mkdir "$work/third/hang" >"$work/third.says" 2>&1 &
third=$!
check "a third one hangs" hangs_in third
check "systemctl stop does not wait for it" within 5000 systemctl stop snotifyd.socket snotifyd.service
check "... and is a clean one" test "$(property Result)" = success
wait_for gone $third
check "... its caller gets ENOSYS" grep -q "Function not implemented" "$work/third.says"
check "the service starts beside it" systemctl start snotifyd.socket snotifyd.service
check "... and serves new sessions" $snotify_run -- mkdir /srv/open/beside
kill -USR1 "${servers[@]}"
check "in the end no process is left" wait_for workers_are 0
umount -l "$work"/{first,second,third}

journalctl -o short -u snotifyd --no-pager >"$work/log"
finish
