#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # work: box.sh sources lib.sh, which sets it
# What an administrator does with the installed product, from the first start to the last, on a machine whose PID 1 is systemd.
source "$(dirname "$0")/../end-to-end/box.sh"

### The machine.
check "PID 1 is systemd" test "$(cat /proc/1/comm)" = systemd
check "there is cgroup v2 alone" test "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs
check "... with the memory controller" grep -qw memory /sys/fs/cgroup/cgroup.controllers
echo "# $(uname -sr), security modules: $(cat /sys/kernel/security/lsm)"

### The first start, as README says.
journalctl --update-catalog
check "systemctl enable --now snotifyd.socket" systemctl enable --now snotifyd.socket
check "... the socket is enabled" test "$(systemctl is-enabled snotifyd.socket)" = enabled
check "... and listens" test "$(systemctl is-active snotifyd.socket)" = active
check "a supervised program creates a directory in /tmp" $snotify_run -- mkdir /tmp/first
check "... and another one, as a user" as_user $snotify_run -- mkdir /tmp/second
check "... which is the user's" test "$(stat -c %u /tmp/second)" = 65534
check "elsewhere it cannot" says 1 "Operation not permitted" $snotify_run -- mkdir /srv/no
check "... the journal says so" wait_for synced 'denied mkdir("/srv/no")'
check "... and journalctl -x what to do" says 0 "/etc/snotify.conf.d/" journalctl --no-pager -x -u snotifyd
check "systemctl status shows the calls" wait_for status_has "calls allowed: 2, denied: 1"
check "no unit has failed" test -z "$(systemctl --failed --no-legend)"

### Which way sessions get.
mkdir -p /etc/snotify.conf.d
printf '[profile guarded]\ndefault = allow\nguard = require\n[profile acting]\ndefault = allow\nguard = off\n' >/etc/snotify.conf.d/ways.conf
check "profiles that require the guard, and do without it: systemctl reload" systemctl reload snotifyd
# got WORD: what does the record of a session's start say?
got() {
        journalctl --sync && journalctl -q -u snotifyd -o cat SNOTIFY_GUARD="$1" | grep -q .
}
if [ "$SNOTIFY_TEST_GUARD" = require ]; then
        check "systemctl status says that sessions are guarded" says 0 "guarded" systemctl status --no-pager snotifyd
        check "... all have been" fails_with 1 got no
        check "a session that requires the guard gets it" $snotify_run --profile=guarded -- mkdir /srv/guarded
        check "... and one without it is not guarded" $snotify_run --profile=acting -- mkdir /srv/acting
        check "... and its record says so" wait_for got no
else
        check "systemctl status says why there is no guard" says 0 "no guard: " systemctl status --no-pager snotifyd
        check "a session that requires the guard is refused" fails_with 125 $snotify_run --profile=guarded -- mkdir /srv/guarded
        check "... and one without it begins" $snotify_run --profile=acting -- mkdir /srv/acting
        check "... none has been guarded" fails_with 1 got yes
fi
rm /etc/snotify.conf.d/ways.conf
check "... systemctl reload" systemctl reload snotifyd

### Rules, while a program runs.
coproc session { exec $snotify_run -- sh -c 'while read -r path; do mkdir "$path" 2>&1; echo "status $?"; done'; }
# ask PATH TEXT: the session's answer to a path contains the text.
ask() {
        local line output=
        echo "$1" >&"${session[1]}"
        while read -r -t 60 -u "${session[0]}" line; do
                output+=$line$'\n'
                [[ $line != status* ]] || break
        done
        [[ $output == *"$2"* ]] || { echo "it says: $output"; return 1; }
}
check "a session is denied a directory" ask /srv/data "Operation not permitted"
printf '[rule data]\npath = /srv/data\naction = allow\n' >/etc/snotify.conf.d/data.conf
check "... a file with a rule is valid" /usr/sbin/snotifyd --check-config
check "... systemctl reload" systemctl reload snotifyd
check "... is recorded" wait_for synced "policy generation 4"
check "... and the session is allowed it" ask /srv/data "status 0"
check "systemctl restart" systemctl restart snotifyd
check "... the session's next call succeeds" ask /tmp/after-restart "status 0"
systemctl kill -s KILL --kill-who=all snotifyd
check "all processes of the daemon are killed: the session's next call succeeds" ask /tmp/after-kill "status 0"
check "... a denied one is denied" ask /srv/after-kill "Operation not permitted"
check "... new sessions begin" $snotify_run -- mkdir /tmp/new

### Memory: the service's own, which systemd measures.
sessions=()
for ((i = 0; i < 8; i++)); do
        $snotify_run -- sh -c 'mkdir /tmp/memory-$$ && exec sleep 1000' &
        sessions+=($!)
done
all_made() {
        local made=(/tmp/memory-*)
        [ ${#made[@]} = ${#sessions[@]} ]
}
check "eight more sessions begin" wait_for all_made
check "... the daemon and their workers have less than 64 MiB" test "$(property MemoryCurrent)" -lt $((64 << 20))
echo "# $(property MemoryCurrent) bytes, $(property TasksCurrent) tasks"
kill "${sessions[@]}"
check "... which end" wait_for status_has "1 session;"

### The last stop.
eval "exec ${session[1]}>&-"
check "the session ends" wait_for no_sessions
check "systemctl disable --now snotifyd.socket snotifyd.service" systemctl disable --now snotifyd.socket snotifyd.service
check "... no process is left" fails_with 1 pgrep snotifyd
check "... a launcher says that the daemon does not run" says 125 "/run/snotify/socket" $snotify_run -- true
check "no unit has failed" test -z "$(systemctl --failed --no-legend)"
journalctl -o short -u snotifyd --no-pager >"$work/log"
finish
