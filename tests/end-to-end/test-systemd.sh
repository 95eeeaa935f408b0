#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The installed units in a real systemd with a real journald: socket activation, records, reload, restart, crash, stop.
source "$(dirname "$0")/../end-to-end/box.sh"
journalctl --update-catalog

says() {
        local status=$1 text=$2 output
        shift 2
        output=$("$@" 2>&1)
        [ $? = "$status" ] || { echo "exit status is not $status; output: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
}

### The units.
silent() {
        local output
        output=$("$@" 2>&1) && [ -z "$output" ] || { echo "$output"; return 1; }
}
man=yes
command -v man >/dev/null || man=no
check "systemd-analyze verify is silent" silent systemd-analyze --man=$man verify snotifyd.service snotifyd.socket
check "systemd-analyze security is at most 3.0" systemd-analyze security --no-pager --threshold=30 snotifyd.service
echo "# $(systemd-analyze security --no-pager snotifyd.service | grep -o 'Overall exposure.*')"
check "snotify-run is installed with mode 0711" test "$(stat -c %a:%u $snotify_run)" = 711:0
check "the shipped configuration passes" /usr/sbin/snotifyd --check-config

### Through the socket.
systemctl start snotifyd.socket
check "the socket waits" test "$(systemctl is-active snotifyd.socket)" = active -a "$(property ActiveState)" = inactive
check "a workload starts the daemon, and is allowed what the shipped configuration allows" \
        $snotify_run -- mkdir /tmp/a
check "... and denied what it does not" says 1 "Operation not permitted" $snotify_run -- mkdir /srv/a
check "... really" test -d /tmp/a -a ! -e /srv/a
check "the daemon runs" test "$(property ActiveState):$(property SubState)" = active:running
check "a denial is in the journal" wait_for synced 'denied mkdir("/srv/a")'
check "journalctl -x explains it" says 0 "A supervised program may not make this directory" \
        journalctl --no-pager -x -u snotifyd MESSAGE_ID=6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c01
check "... and says which file to edit" says 0 "/etc/snotify.conf.d/" \
        journalctl --no-pager -x -u snotifyd MESSAGE_ID=6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c01

if as_user unshare -Ur true 2>/dev/null; then
        check "a user makes directories in a user namespace, without delay" timeout 5 setpriv --reuid=65534 --regid=65534 \
                --clear-groups $snotify_run -- unshare -Ur sh -c 'for n in 1 2 3 4 5 6 7 8; do mkdir /tmp/n$n || exit; done'
else
        skip "a user makes directories in a user namespace" "he may not make one here"
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
mkdir -p /srv/open/shut
chmod 777 /srv/open /srv/open/shut
check "systemctl reload" systemctl reload snotifyd
check "the daemon has loaded it" wait_for synced "policy generation 2"

### Records: as root and as a user, one for each decision.
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
records() {
        local name=$1 uid=$2 session path
        shift 2
        session=$("$@" $snotify_run --label of-the-test -- sh "$work/workload" "$bin" "$name" "$tricky") ||
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
                "denied mkdirat - EPERM /srv/no -" \
                "denied mkdir shut EPERM $path -" \
                "denied mkdir shut EPERM $path -" <"$work/json"
}
check "records of root's calls" records of-root 0
check "records of a user's calls" records of-user 65534 as_user
check "... who owns what was made" test "$(stat -c %u /srv/open/of-user/below)" = 65534

### Status.
check "systemctl status has a line" says 0 "; calls allowed: " systemctl status --no-pager snotifyd
check "... with the counts" wait_for status_has "0 sessions; calls allowed: 13, denied: 9, failed: 4; policy generation 2"

### A session that runs on.
coproc session { $snotify_run -- sh -c 'echo $SNOTIFY_SESSION; while read -r path; do mkdir "$path" 2>&1; echo "status $?"; done'; }
session_in=${session[1]} session_out=${session[0]}
read -r -t 20 -u "$session_out" id

# ask PATH TEXT: a mkdir of the running session; TEXT is in what it says.
ask() {
        local line output=
        echo "$1" >&"$session_in"
        while read -r -t 20 -u "$session_out" line; do
                output+=$line$'\n'
                [[ $line != status* ]] || break
        done
        [[ $output == *"$2"* ]] || { echo "it says: $output"; return 1; }
}
takes_part() {
        wait_for synced "$1" || return 1
        journalctl --sync
        journalctl -o json --all -u snotifyd SNOTIFY_SESSION="$id" | grep -q "$1"
}
check "a session that goes on" ask /srv/open/one "status 0"

sed -i 's,^path = /srv/open/$,path = /srv/other/,' /etc/snotify.conf
check "a reload" systemctl reload snotifyd
wait_for synced "policy generation 3"
check "... holds for a session that runs" ask /srv/open/two "Operation not permitted"
echo 'nonsense' >>/etc/snotify.conf
check "a reload of a broken file fails" fails_with 1 systemctl reload snotifyd
check "... says where" wait_for synced "/etc/snotify.conf:12: "
check "... and the daemon goes on" ask /srv/open/three "Operation not permitted"
systemctl kill -s HUP --kill-who=main snotifyd
check "where the daemon is told nevertheless, STATUS says so" wait_for status_has \
        "The configuration on disk is broken, keeping the last good one"
check "... and the old rules stay" ask /srv/open/four "Operation not permitted"
check "a daemon does not start with it" fails_with 1 /usr/sbin/snotifyd --check-config
sed -i '$d; s,^path = /srv/other/$,path = /srv/open/,' /etc/snotify.conf
check "a reload of the mended file" systemctl reload snotifyd
wait_for synced "policy generation 4"
check "... lifts that" wait_for status_has "1 session;"
no_complaint() {
        ! status_has broken
}
check "... and STATUS says no more" wait_for no_complaint
check "... and the rules hold" ask /srv/open/five "status 0"

### Restart and crash.
main=$(property MainPID)
check "systemctl restart" systemctl restart snotifyd
none_killed() {
        journalctl --sync
        ! journalctl -o cat -u snotifyd _PID=1 | grep 'Killing process'
}
check "... sees the workers off" none_killed
check "... makes another process" test "$(property MainPID)" != "$main"
check "... and the session goes on" ask /srv/open/after-restart "status 0"
check "... with the same id" takes_part after-restart

main=$(property MainPID)
systemctl kill -s KILL --kill-who=main snotifyd
check "the daemon is killed: the session's call waits for the next one" ask /srv/open/after-kill "status 0"
check "... with the same id" takes_part after-kill
# The worker may have answered, which lives on until the next daemon finds it.
is_another() {
        [ "$(property MainPID)" != "$main" ] && [ "$(property NRestarts)" = 1 ]
}
check "... which is another process" wait_for is_another
check "... and serves new sessions" $snotify_run -- mkdir /srv/open/new

systemctl kill -s KILL --kill-who=all snotifyd
check "all its processes are killed: the same" ask /srv/open/after-kill-all "status 0"

### The memory of what a session makes.
# make.py: says what its session is; makes as many directories as each line of its input says, and says how that went.
cat >"$work/make.py" <<'PY'
import collections, os, sys
print(os.environ["SNOTIFY_SESSION"], flush=True)
n = 0
for line in sys.stdin:
    results = collections.Counter()
    for n in range(n + 1, n + 1 + int(line)):
        try:
            os.mkdir("/srv/open/memory/%d" % n)
            results["made"] += 1
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
        coproc maker { exec $snotify_run -- python3 "$work/make.py"; }
        read -r -t 60 session <&"${maker[0]}"
        bounded=$cgroup/session-$session
        check "a session that makes many directories" make_some made 1000
        check "... has a cgroup for its workers" test -n "$(cat "$bounded/cgroup.procs")"
        check "... to which they are charged" test "$(cat "$bounded/memory.current")" -gt 200000
        check "... with a bound" test "$(cat "$bounded/memory.max")" = 335544320
        echo 8M >"$bounded/memory.max"
        systemctl reload snotifyd # which makes a new worker
        check "where that is reached it gets an error" make_some "Cannot allocate memory made" 10000
        check "... and the journal says why" wait_for synced "its session has as much memory in directories as it may"
        check "... and other sessions go on" $snotify_run -- mkdir /srv/open/other
        echo 64M >"$bounded/memory.max"
        systemctl reload snotifyd
        check "with a higher one, so does this one" make_some made 1000
        making=$maker_PID
        exec {maker[1]}>&-
        wait "$making"
        cgroup_is_gone() {
                [ ! -e "$bounded" ]
        }
        check "the cgroup goes with the session" wait_for cgroup_is_gone
        umount /srv/open/memory
else
        skip "the memory of what a session makes" "the memory controller is not to be had here"
fi

### Stop.
check "systemctl stop" systemctl stop snotifyd.socket snotifyd.service
check "... ends it well" test "$(property ActiveState):$(property Result)" = inactive:success
check "... says of the session that ran what becomes of it" takes_part "session $id left to systemd: "
check "... and how many there were" wait_for synced "running sessions left to systemd: 1; a restart takes them up, and a stop loses them"
check "... which journalctl -x explains" says 0 "systemctl stop" journalctl --no-pager -x -u snotifyd MESSAGE_ID=6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c0f
check "... leaves no socket" test ! -e /run/snotify/socket
check "... nor a process" fails_with 1 pgrep 'snotifyd'
check "... and the session that ran gets ENOSYS" ask /srv/open/after-stop "Function not implemented"
check "a workload does not start then" fails_with 125 $snotify_run -- touch "$work/ran"
check "... really" test ! -e "$work/ran"

check "nothing of it is an error of systemd's" silent sh -c \
        'journalctl -q -o cat -u snotifyd _PID=1 | grep -iE "failed to|invalid|unknown|ignor|timed out|watchdog|core-dump"; :'
journalctl -o short -u snotifyd --no-pager >"$work/log"
finish
