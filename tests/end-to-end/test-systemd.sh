#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The installed units in a real systemd with a real journald: socket activation, records, reload, restart, crash, stop.
source "$(dirname "$0")/../end-to-end/box.sh"
journalctl --update-catalog

### The installed files.
silent() {
        local output
        output=$("$@" 2>&1) && [ -z "$output" ] || { echo "$output"; return 1; }
}
man=yes
command -v man >/dev/null || man=no
check "systemd-analyze verify has no complaint about the units" silent systemd-analyze --man=$man verify snotifyd.service snotifyd.socket
check "the exposure of the service (systemd-analyze security) is at most 3.0" systemd-analyze security --no-pager --threshold=30 snotifyd.service
echo "# $(systemd-analyze security --no-pager snotifyd.service | grep -o 'Overall exposure.*')"
check "snotify-run is installed with mode 0711" test "$(stat -c %a:%u $snotify_run)" = 711:0
check "the shipped configuration is valid" /usr/sbin/snotifyd --check-config

### Socket activation.
systemctl start snotifyd.socket
check "the socket listens, and the daemon does not run yet" test "$(systemctl is-active snotifyd.socket)" = active -a "$(property ActiveState)" = inactive
check "a launcher starts the daemon; its workload's call is allowed by the shipped configuration" \
        $snotify_run -- mkdir /tmp/a
check "... and another one is denied" says 1 "Operation not permitted" $snotify_run -- mkdir /srv/a
check "... only the first directory exists" test -d /tmp/a -a ! -e /srv/a
check "the service is running" test "$(property ActiveState):$(property SubState)" = active:running
check "a denial is in the journal" wait_for synced 'denied mkdir("/srv/a")'
check "journalctl -x explains it" says 0 "A supervised program may not create this directory" \
        journalctl --no-pager -x -u snotifyd MESSAGE_ID=6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c01
check "... and says which file to edit" says 0 "/etc/snotify.conf.d/" \
        journalctl --no-pager -x -u snotifyd MESSAGE_ID=6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c01

if as_user unshare -Ur true 2>/dev/null; then
        check "a user creates directories in a user namespace, without delay" timeout 5 setpriv --reuid=65534 --regid=65534 \
                --clear-groups $snotify_run -- unshare -Ur sh -c 'for n in 1 2 3 4 5 6 7 8; do mkdir /tmp/n$n || exit; done'
else
        skip "a user creates directories in a user namespace" "an unprivileged user cannot create one here"
fi

### Reload.
cat >/etc/snotify.conf <<'CONF'
[profile default]
default = deny
log = all

[rule open]
path = /srv/open/
action = allow

[rule shut]
path = /srv/open/shut/
action = deny
CONF
# The service bounds the memory of sessions whose directories its workers create.
mkdir -p /etc/snotify.conf.d /srv/open/shut
printf '[profile acting]\ndefault = allow\nguard = off\n' >/etc/snotify.conf.d/acting.conf
chmod 777 /srv/open /srv/open/shut
check "systemctl reload succeeds" systemctl reload snotifyd
check "... and the daemon has loaded the new configuration" wait_for synced "policy generation 2"

### Records, of root's and a user's calls: one for each decision.
tricky=$'x\nSNOTIFY_VERDICT=allowed\nMESSAGE=forged\n\nFORGED=forged\nSNOTIFY_RULE=forged'
cp "$bin/mkdir-as" "$bin/"$'m\nFORGED=forged'
cat >"$work/workload" <<'W'
echo "$SNOTIFY_SESSION"
cd /srv/open
"$1/mkdir-as" mkdir /srv/open "$2"
"$1/mkdir-as" mkdir /srv/open "$2"
"$1/mkdir-as" mkdirat-dirfd /srv/open "$2/below"
"$1/mkdir-as" mkdir-cwd /srv/open/shut no
"$1/mkdir-as" mkdir /srv/open/nothing x
"$1/mkdir-as" mkdirat /srv no
"$1/mkdir-as" mkdir /srv/open/shut "$3"
"$1/m
FORGED=forged" mkdir /srv/open/shut "$3"
exit 0
W
# With the guard the kernel says first that a user may not write to /srv.
guarded=
status_has "no guard" || guarded=yes
records() {
        local name=$1 uid=$2 session path elsewhere="denied mkdirat - EPERM /srv/no -"
        shift 2
        [ -z "$guarded" ] || [ "$uid" = 0 ] || elsewhere="failed mkdirat - EACCES /srv/no -"
        session=$("$@" "$snotify_run" --label of-the-test -- sh "$work/workload" "$bin" "$name" "$tricky") ||
                { echo "exit status $?"; return 1; }
        wait_for synced "session $session ended" || { echo "session $session has not ended"; return 1; }
        path="'/srv/open/shut/$tricky'"
        journalctl -u snotifyd -o json --all >"$work/json"
        python3 "$SOURCE_ROOT/tests/end-to-end/journal.py" "$session" "$uid" \
                "allowed mkdir open 0 /srv/open/$name -" \
                "failed mkdir open EEXIST /srv/open/$name -" \
                "allowed mkdirat open 0 /srv/open/$name/below $name/below" \
                "denied mkdir shut EPERM /srv/open/shut/no no" \
                "failed mkdir - ENOENT - /srv/open/nothing/x" \
                "$elsewhere" \
                "denied mkdir shut EPERM $path -" \
                "denied mkdir shut EPERM $path -" <"$work/json"
}
check "the records of root's calls are as documented" records of-root 0
check "... and those of a user's calls" records of-user 65534 as_user
check "... and the user owns the new directories" test "$(stat -c %u /srv/open/of-user/below)" = 65534

### Status.
check "systemctl status shows the number of calls" says 0 "; calls allowed: " systemctl status --no-pager snotifyd
totals="denied: 9, failed: 4"
[ -z "$guarded" ] || totals="denied: 8, failed: 5"
check "... and of sessions, and the policy in force" wait_for status_has "0 sessions; calls allowed: 13, $totals; policy generation 2"

### Reloads while a session runs.
coproc session { $snotify_run -- sh -c 'echo $SNOTIFY_SESSION; while read -r path; do mkdir "$path" 2>&1; echo "status $?"; done'; }
session_in=${session[1]} session_out=${session[0]}
read -r -t 20 -u "$session_out" id

# ask PATH TEXT: asks the session for a directory; its answer contains TEXT.
ask() {
        local line output=
        echo "$1" >&"$session_in"
        while read -r -t 20 -u "$session_out" line; do
                output+=$line$'\n'
                [[ $line != status* ]] || break
        done
        [[ $output == *"$2"* ]] || { echo "it says: $output"; return 1; }
}
# recorded_by_session TEXT: waits for a record of that session.
recorded_by_session() {
        wait_for synced "$1" || return 1
        journalctl --sync
        journalctl -o json --all -u snotifyd SNOTIFY_SESSION="$id" | grep -q "$1"
}
check "a session creates a directory" ask /srv/open/one "status 0"

sed -i 's,^path = /srv/open/$,path = /srv/other/,' /etc/snotify.conf
check "a reload succeeds" systemctl reload snotifyd
wait_for synced "policy generation 3"
check "... and takes effect for the running session" ask /srv/open/two "Operation not permitted"
echo 'nonsense' >>/etc/snotify.conf
check "a reload of a broken file fails" fails_with 1 systemctl reload snotifyd
check "... the journal says where the error is" wait_for synced "/etc/snotify.conf:12: "
check "... and the old rules hold" ask /srv/open/three "Operation not permitted"
systemctl kill -s HUP --kill-who=main snotifyd
check "... if the daemon gets SIGHUP nevertheless, the service's status says so" wait_for status_has \
        "The configuration on disk is broken, keeping the last good one"
check "... and the old rules hold" ask /srv/open/four "Operation not permitted"
check "... --check-config refuses the file" fails_with 1 /usr/sbin/snotifyd --check-config
sed -i '$d; s,^path = /srv/other/$,path = /srv/open/,' /etc/snotify.conf
check "a reload of the repaired file succeeds" systemctl reload snotifyd
wait_for synced "policy generation 4"
check "... the status is normal again" wait_for status_has "1 session;"
no_complaint() {
        ! status_has broken
}
check "... and mentions no error" wait_for no_complaint
check "... and the new rules hold" ask /srv/open/five "status 0"

### Restart and crash.
main=$(property MainPID)
check "systemctl restart succeeds" systemctl restart snotifyd
none_killed() {
        journalctl --sync
        ! journalctl -o cat -u snotifyd _PID=1 | grep 'Killing process'
}
check "... systemd has to kill no process" none_killed
check "... the daemon is another process" test "$(property MainPID)" != "$main"
check "... the session's next call succeeds" ask /srv/open/after-restart "status 0"
check "... and is recorded with the session's id" recorded_by_session after-restart

main=$(property MainPID)
systemctl kill -s KILL --kill-who=main snotifyd
check "the daemon is killed: the session's next call succeeds" ask /srv/open/after-kill "status 0"
check "... and is recorded with the session's id" recorded_by_session after-kill
# A worker may have answered that call: it lives until the next daemon finds it.
is_another() {
        [ "$(property MainPID)" != "$main" ] && [ "$(property NRestarts)" = 1 ]
}
check "... another daemon is started" wait_for is_another
check "... and serves new sessions" $snotify_run -- mkdir /srv/open/new

systemctl kill -s KILL --kill-who=all snotifyd
check "the daemon and its workers are killed: the session's next call succeeds" ask /srv/open/after-kill-all "status 0"

### The memory of a session's directories, on a tmpfs.
# make.py: prints its session's id; then creates as many directories as each line of its input says, and prints the results.
cat >"$work/make.py" <<'PY'
import collections, os, sys
print(os.environ["SNOTIFY_SESSION"], flush=True)
n = 0
for line in sys.stdin:
    results = collections.Counter()
    for n in range(n + 1, n + 1 + int(line)):
        try:
            os.mkdir("/srv/open/memory/%d" % n)
            results["created"] += 1
        except OSError as error:
            results[error.strerror] += 1
    print(*sorted(results), flush=True)
PY
cgroup=/sys/fs/cgroup$(property ControlGroup)
make_some() {
        local answer
        echo "$2" >&"${maker[1]}" && read -r -t 60 answer <&"${maker[0]}"
        [ "$answer" = "$1" ] || { echo "not \"$1\" but \"$answer\""; return 1; }
}
if grep -qw memory "$cgroup/cgroup.controllers"; then
        mkdir /srv/open/memory
        mount -t tmpfs tmpfs /srv/open/memory
        coproc maker { exec $snotify_run --profile=acting -- python3 "$work/make.py"; }
        read -r -t 60 session <&"${maker[0]}"
        bounded=$cgroup/session-$session
        check "a session creates 1000 directories on a tmpfs" make_some created 1000
        check "... its workers are in a cgroup of the session" test -n "$(cat "$bounded/cgroup.procs")"
        check "... to which the directories' memory is charged" test "$(cat "$bounded/memory.current")" -gt 200000
        check "... and which has a memory limit" test "$(cat "$bounded/memory.max")" = 335544320
        echo 8M >"$bounded/memory.max"
        systemctl reload snotifyd # for a new worker
        check "at the limit the calls fail with ENOMEM" make_some "Cannot allocate memory created" 10000
        check "... and the journal says why" wait_for synced "its session has as much memory in directories as it may"
        check "... and the calls of other sessions succeed" $snotify_run -- mkdir /srv/open/other
        echo 64M >"$bounded/memory.max"
        systemctl reload snotifyd
        check "with a higher limit those of this session succeed again" make_some created 1000
        # shellcheck disable=SC2154 # set by coproc
        making=$maker_PID
        fd=${maker[1]}
        exec {fd}>&-
        wait "$making"
        cgroup_is_gone() {
                [ ! -e "$bounded" ]
        }
        check "the cgroup is removed when the session has ended" wait_for cgroup_is_gone
        umount /srv/open/memory
else
        skip "the memory of a session's directories" "cgroup2 has no memory controller here"
fi

### Stop.
check "systemctl stop succeeds" systemctl stop snotifyd.socket snotifyd.service
check "... the service's result is success" test "$(property ActiveState):$(property Result)" = inactive:success
check "... a record says that the session is left to systemd" recorded_by_session "session $id left to systemd: "
check "... and another one how many are" wait_for synced "running sessions left to systemd: 1; a restart takes them over, and a stop loses them"
check "... which journalctl -x explains" says 0 "systemctl stop" journalctl --no-pager -x -u snotifyd MESSAGE_ID=6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c0f
check "... no socket is left" test ! -e /run/snotify/socket
check "... and no process" fails_with 1 pgrep 'snotifyd'
check "... and the session's next call fails with ENOSYS" ask /srv/open/after-stop "Function not implemented"
check "a launcher fails while the service is stopped" fails_with 125 $snotify_run -- touch "$work/ran"
check "... and does not run its command" test ! -e "$work/ran"

check "systemd has reported no error of the service" silent sh -c \
        'journalctl -q -o cat -u snotifyd _PID=1 | grep -iE "failed to|invalid|unknown|ignor|timed out|watchdog|core-dump"; :'
journalctl -o short -u snotifyd --no-pager >"$work/log"
finish
