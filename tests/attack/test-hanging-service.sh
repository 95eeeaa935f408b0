#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A file system never answers, under the installed units: systemd does not wait for the hanging workers, and other sessions are
# unaffected.
# shellcheck disable=SC2154 # work, bin: box.sh sources lib.sh, which sets them
source "$(dirname "$0")/../end-to-end/box.sh"

mknod -m 600 /dev/fuse c 10 229
cat >/etc/snotify.conf <<'CONF'
[limits]
call-timeout = 2s

[profile default]
default = allow
CONF
mkdir -p /srv/open
# One file system for each call: a second call in the same directory would wait for the first.
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
# within MSEC COMMAND...: the command takes no longer than that.  Each of systemd's own timeouts is 10 s or more.
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

### A session that outlives all of the following.

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
check "a session begins" goes_on first

### A call hangs.

check "a hanging call fails with ETIMEDOUT" \
        test "$(errno_of $snotify_run -- mkdir "$work/first/hang")" = "Connection timed out"
check "systemctl status shows that a worker hangs" wait_for status_has "1 hanging worker; "
check "... and the first session is still served" goes_on while-one-hangs

check "systemctl restart does not wait for it" within 5000 systemctl restart snotifyd
check "... the first session is still served" goes_on after-restart
check "... and new sessions are served" $snotify_run -- mkdir /srv/open/new

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
check "the daemon is killed, and systemd starts it again at once" within 5000 wait_for is_back
check "... the first session is still served" goes_on after-kill
check "... the hanging call fails with ETIMEDOUT, too" wait_for grep -q "Connection timed out" "$work/second.says"
gone() {
        ! kill -0 "$1" 2>/dev/null
}
wait_for gone $second
check "... and its session is served again" test -d /srv/open/second-of-the-same

### The file system answers.

# Again and again: a process that waited for the directory's lock makes its own request once it has it, dead or not.
none_hangs() {
        kill -USR1 "${servers[@]}"
        status_has "1 session;" && ! status_has hanging
}
check "once the file system answers, nothing hangs any more" wait_for none_hangs
check "... no process is left" wait_for workers_are 0
check "... and no file descriptor of the ended sessions is in systemd's store" stored 2

### The daemon is stopped while a call hangs.

$snotify_run -- mkdir "$work/third/hang" >"$work/third.says" 2>&1 &
third=$!
check "a third call hangs" hangs_in third
check "systemctl stop does not wait for it" within 5000 systemctl stop snotifyd.socket snotifyd.service
check "... and the service's result is success" test "$(property Result)" = success
wait_for gone $third
check "... the hanging call fails with ENOSYS" grep -q "Function not implemented" "$work/third.says"
check "the service starts while the old worker still hangs" systemctl start snotifyd.socket snotifyd.service
check "... and serves new sessions" $snotify_run -- mkdir /srv/open/beside
kill -USR1 "${servers[@]}"
check "once the file system answers, no process is left" wait_for workers_are 0
umount -l "$work"/{first,second,third}

journalctl -o short -u snotifyd --no-pager >"$work/log"
finish
