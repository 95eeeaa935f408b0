#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# snotify-run as a user sees it: exit statuses, messages, and what the workload inherits.  Whatever fails, and whatever answers in the
# daemon's place, no workload runs unsupervised.
source "$(dirname "$0")/lib.sh" alone

# refuses TEXT COMMAND...: exit status 125, one line of output that contains TEXT, and the workload, which would touch $ran, has not run.
ran=$work/user/ran
mkdir -m 777 "$work/user"
refuses() {
        local text=$1 output
        shift
        output=$("$@" 2>&1)
        [ $? = 125 ] || { echo "exit status is not 125; output: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
        [ "$(wc -l <<<"$output")" = 1 ] || { echo "more than one line: $output"; return 1; }
        [ ! -e "$ran" ] || { echo "the workload has run"; rm "$ran"; return 1; }
}

run_with_socket() {
        "$SNOTIFY_RUN" --socket "$1" -- touch "$ran"
}
export -f run_with_socket
export SNOTIFY_RUN ran

### No daemon.
check "without a daemon the launcher says so, and runs nothing" refuses \
        "cannot connect to $socket: No such file or directory; is snotifyd running? systemctl enable --now snotifyd.socket" \
        supervised -- touch "$ran"
check "no process listens on the socket" refuses "Connection refused; is snotifyd running?" bash -c \
        'python3 -c "import socket,sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(sys.argv[1])" "$0"; run_with_socket "$0"' \
        "$work/dead"
check "the socket's path is another file" refuses "cannot connect to /etc/passwd: Connection refused" \
        "$SNOTIFY_RUN" --socket /etc/passwd -- touch "$ran"
check "the socket is of another type" refuses "is this the socket of snotifyd?" python3 -c '
import socket, subprocess, sys
path = sys.argv[1] + "/stream"
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(path)
server.listen(1)
sys.exit(subprocess.run([sys.argv[2], "--socket", path, "--", "touch", sys.argv[3]]).returncode)
' "$work" "$SNOTIFY_RUN" "$ran"
cat >"$work/stopped.py" <<'PY'
"""stopped.py PATH COMMAND...: stops COMMAND while it waits in connect(2), lets it continue, and closes the socket that it waits for."""
import os, signal, socket, subprocess, sys, time
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind(sys.argv[1])
server.listen(0)
first = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
first.connect(sys.argv[1])  # now the queue is full
child = subprocess.Popen(sys.argv[2:])


def waits():
    with open(f"/proc/{child.pid}/syscall") as call, open(f"/proc/{child.pid}/stat") as stat:
        number, state = call.read().split()[0], stat.read().rsplit(")")[1].split()[0]
    return number in ("42", "203") and state == "S"  # x86-64 and others


while not waits():
    time.sleep(0.01)
os.kill(child.pid, signal.SIGSTOP)
os.waitpid(child.pid, os.WUNTRACED)
os.kill(child.pid, signal.SIGCONT)
server.close()
sys.exit(child.wait())
PY
check "a launcher that is stopped and continued while it waits for the daemon keeps waiting" refuses "Connection refused; is snotifyd running?" \
        timeout 20 python3 "$work/stopped.py" "$work/full" "$SNOTIFY_RUN" --socket "$work/full" -- touch "$ran"
check "the socket's path is too long" refuses "the socket's path is too long" \
        "$SNOTIFY_RUN" --socket "/tmp/$(printf 'n%.0s' {1..120})" -- touch "$ran"

gone() {
        [[ ! -e /proc/$1/stat || $(cut -d' ' -f3 "/proc/$1/stat") == Z ]]
}

### A fake daemon exits or misbehaves at each step of the handshake.
# fake_daemon STEP TEXT: the launcher refuses with TEXT when the fake daemon does that.
fake_daemon() {
        local step=$1 text=$2 path=$work/fake-daemon.$1 pid status
        python3 "$SOURCE_ROOT/tests/end-to-end/fake-daemon.py" "$path" "$step" &
        pid=$!
        wait_for is_listening "$path" || { kill "$pid"; echo "the fake daemon did not start"; return 1; }
        refuses "$text" as_user "$SNOTIFY_RUN" --socket "$path" -- touch "$ran"
        status=$?
        wait_for gone "$pid" || { kill -KILL "$pid"; echo "the fake daemon still waits for the launcher"; status=1; }
        wait "$pid" 2>/dev/null
        return "$status"
}

silence="snotifyd closed the connection unexpectedly; see journalctl -u snotifyd"
for how in killed closed; do
        check "the daemon is $how before it accepts" fake_daemon $how-before-accept "snotify-run: "
        check "the daemon is $how after it has accepted" fake_daemon $how-after-accept "snotify-run: "
        check "the daemon is $how after the hello" fake_daemon $how-after-hello "snotify-run: "
        check "the daemon is $how after the welcome" fake_daemon $how-after-welcome ""
        check "the daemon is $how after the listener" fake_daemon $how-after-listener "$silence"
        check "the daemon is $how while the knock is pending" fake_daemon $how-before-receiving "$silence"
        check "the daemon is $how after the knock" fake_daemon $how-after-knock "$silence"
done
for step in garbage garbage-long short wrong-magic wrong-version wrong-count large-count endless-text; do
        check "the daemon's reply is malformed: $step" fake_daemon $step \
                "snotify-run and snotifyd are of different versions; restart snotifyd after an upgrade"
done
check "the daemon's reply is empty" fake_daemon empty-message "snotify-run: " # the launcher asks once more
check "the daemon refuses at once" fake_daemon refused "snotifyd refuses: not on a Sunday"
check "the daemon refuses after the listener" fake_daemon refuses-after-listener "snotifyd refuses: not with that listener"
check "the daemon refuses after the knock" fake_daemon refuses-after-knock "snotifyd refuses: not with that knock"
check "the reply has neither a verdict nor a filter" fake_daemon no-verdict "snotify-run: "
for step in no-filter bad-filter jumping-filter; do
        check "the kernel refuses the filter: $step" fake_daemon $step "this kernel refuses the filter: Invalid argument"
done
for step in idle-filter errno-filter success-filter; do
        check "the filter does not notify the daemon: $step" fake_daemon $step "something other than snotifyd answers in its place"
done
killed_by_filter() {
        local output
        output=$(fake_daemon killing-filter "" 2>&1)
        [[ $output == "exit status is not 125"* ]] && [ ! -e "$ran" ] || { echo "$output"; return 1; }
}
check "the filter kills the launcher: nothing runs" killed_by_filter
for step in answers-nothing answers-one answers-late-nonce answers-error continues; do
        check "the answer to the knock is wrong: $step" fake_daemon $step "something other than snotifyd answers in its place"
done
check "the answer to the knock is that of the kernel when the listener is closed" fake_daemon answers-enosys "snotify-run: "
speaks_the_protocol() {
        ! fake_daemon "$1" "" >/dev/null 2>&1 && [ -e "$ran" ] && rm "$ran"
}
check "the test itself: a fake daemon that does everything right gets the workload" \
        speaks_the_protocol answers-well
check "when the daemon is killed before its welcome, the launcher asks the next one" speaks_the_protocol answers-the-second

### The daemon is killed while a launcher waits for it.
cat >"$work/launcher.conf" <<'CONF'
[profile default]
default = allow
log = all

[profile certain]
users = 65534
groups = 60001

[profile other]
default = allow
log = all
CONF
daemon_start <"$work/launcher.conf"
kill -STOP "$daemon_pid"
supervised -- touch "$ran" >"$work/waiting" 2>&1 &
waiting=$!
is_connected() {
        [ "$(grep -c "$socket\$" /proc/net/unix)" -gt 1 ]
}
wait_for is_connected
kill -KILL "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
wait $waiting
check "the daemon is killed before it accepts the connection: exit status 125" test $? = 125
check "... the launcher says why" grep -q "^snotify-run: cannot connect" "$work/waiting"
check "... and nothing runs" test ! -e "$ran"

daemon_start <"$work/launcher.conf"

### The socket's file.
"$bin/other-kernel" no-chmod "$SNOTIFYD" --config "$work/conf" --socket "$work/other" --log-target=stderr 2>>"$work/log" &
other=$!
check "a daemon that cannot change the socket's mode starts" wait_for is_listening "$work/other"
check "... its socket is open to all users" test "$(stat -c %a "$work/other")" = 666
kill $other
wait $other
check "... and it removes the socket when it exits" test ! -e "$work/other"
"$SNOTIFYD" --config "$work/conf" --socket "$work/other" --log-target=stderr 2>>"$work/log" &
other=$!
wait_for is_listening "$work/other"
rm "$work/other"
touch "$work/other"
kill $other
wait $other
check "a daemon that exits does not remove a file that has replaced its socket" test -e "$work/other"
check "... nor does a daemon that starts: it says that the address is in use" says 1 "cannot listen on $work/other: Address already in use" \
        "$SNOTIFYD" --config "$work/conf" --socket "$work/other" --log-target=stderr
check "... and the file is still there" test -f "$work/other"
rm -f "$work/other"

### Kernels that are too old.
for kind in no-wait-killable no-seccomp; do
        check "the kernel is too old ($kind): the launcher refuses" refuses "snotify needs Linux 5.19 or later" \
                "$bin/other-kernel" $kind "$SNOTIFY_RUN" --socket "$socket" -- touch "$ran"
        check "... and the daemon does not start" says 1 "snotify" \
                "$bin/other-kernel" $kind "$SNOTIFYD" --config "$work/conf" --socket "$work/other" --log-target=stderr
done

### The daemon refuses.
check "the profile does not exist" refuses "there is no profile nowhere" supervised --profile nowhere -- touch "$ran"
check "the profile's name is too long" refuses "the profile's name is too long" \
        supervised --profile "$(printf 'n%.0s' {1..60})" -- touch "$ran"
check "the label is too long" refuses "the label is too long" \
        supervised --label "$(printf 'n%.0s' {1..100})" -- touch "$ran"
chmod 600 "$socket"
check "the user has no access to the socket" refuses "Permission denied; does this user have access to it?" \
        supervised_user -- touch "$ran"
chmod 666 "$socket"
for who in supervised supervised_user; do
        check "a supervised process cannot begin a further session ($who)" refuses "supervised already" $who -- "$SNOTIFY_RUN" --socket "$socket" -- touch "$ran"
done
check "the test itself: this workload, which must not run above, runs" supervised_user -- sh -c "touch $ran && rm $ran"

### Exit statuses.
check "snotify-run exits with the workload's exit status" fails_with 7 supervised -- sh -c 'exit 7'
check "... also with 125" fails_with 125 supervised -- sh -c 'exit 125'
check "... and 128 and more for the signal that ended it" fails_with 143 supervised -- sh -c 'kill -TERM $$'
check "exit status 127 for a command that does not exist" says 127 "cannot execute /nowhere" supervised -- /nowhere
check "exit status 127 for a command that is not in PATH" says 127 "cannot execute nowhere: No such file" supervised nowhere
check "exit status 126 for a file that is not executable" says 126 "Permission denied" supervised -- /etc/passwd
check "exit status 125 without a command" refuses "no command given" sh -c '"$@" 2>&1 | head -1; exit 125' sh "$SNOTIFY_RUN" --socket "$socket"
check "... with a hint at --help" says 125 "Try 'snotify-run --help'" supervised
check "exit status 125 for an unknown option" says 125 "Try 'snotify-run --help'" supervised --nonsense
check "--help" says 0 "Usage: snotify-run" supervised --help
check "--version" says 0 "snotify-run 0" supervised --version
check "options after the command are the command's" says 0 "GNU coreutils" supervised echo --version
check "the workload has the launcher's standard input and output" test "$(echo through | supervised -- cat)" = through

### What the workload inherits.
# The output of $inner, run by env with $signals, is the same natively and supervised.
same() {
        local native supervised
        native=$(env "${signals[@]}" "${inner[@]}" 2>&1)
        supervised=$(env "${signals[@]}" "$SNOTIFY_RUN" --socket "$socket" -- "${inner[@]}" 2>&1)
        [ "$native" = "$supervised" ] || { echo "native: $native"; echo "supervised: $supervised"; return 1; }
        [ -n "$native" ]
}

signals=(--ignore-signal=HUP --ignore-signal=PIPE --block-signal=USR2 --block-signal=ALRM --default-signal=CHLD)
inner=(grep -E '^(Sig(Pnd|Blk|Ign|Cgt)|ShdPnd|Cap|Umask|Groups|Uid|Gid|NoNewPrivs):' /proc/self/status)
check "the workload inherits signal mask and dispositions, capabilities, umask and ids" same
signals=()
inner=(sh -c 'cat /proc/self/limits /proc/self/oom_score_adj /proc/self/cgroup; pwd; nice')
check "... limits, control group and working directory" same
inner=(sh -c 'for fd in /proc/$$/fd/*; do echo "${fd##*/} $(readlink "$fd" | sed "s/\[.*//")"; done')
check "... and file descriptors" same
with_more_fds() {
        same 7</dev/null 33<>/dev/zero
}
check "... of which the open ones stay open" with_more_fds

# Does sleep(1) sleep already?  Before, the dynamic linker opens libraries.
is_sleeping() {
        [[ "$(cat "/proc/$1/comm") $(cat "/proc/$1/syscall")" =~ ^sleep\ (35|230)\  ]]
}
open_when_closed() {
        local pid
        case $closed in
        0) "$@" sleep 1000 0<&- & ;;
        1) "$@" sleep 1000 1>&- & ;;
        2) "$@" sleep 1000 2>&- & ;;
        *) "$@" sleep 1000 0<&- 1>&- 2>&- & ;;
        esac
        pid=$!
        wait_for is_sleeping "$pid" || echo "it does not run"
        (cd "/proc/$pid/fd" && stat -c '%N' -- *) | sed 's/\[.*//'
        kill "$pid"
        wait "$pid"
}
closed_as_natively() {
        local closed=$1 native supervised
        native=$(open_when_closed 2>&1)
        supervised=$(open_when_closed "$SNOTIFY_RUN" --socket "$socket" 2>&1)
        [ "$native" = "$supervised" ] || { echo "native: $native"; echo "supervised: $supervised"; return 1; }
}
for closed in 0 1 2 "0 to 2"; do
        check "... and the closed ones stay closed: $closed" closed_as_natively "$closed"
done
# If the launcher's connection got the number of standard error, its message would go to the daemon.
says_nothing() {
        fails_with 125 supervised --profile nowhere -- touch "$ran" 2>&- && [ ! -e "$ran" ]
}
check "a launcher that cannot report its error runs nothing either" says_nothing

# with_few LIMIT COMMAND...: with that many file descriptors at most, of which 3 are open.
with_few() (
        local limit=$1
        shift
        ulimit -n "$limit"
        "$@"
)
for limit in 4 5; do
        # A dynamically linked launcher needs one more for its libraries.
        if ! with_few "$limit" "$SNOTIFY_RUN" --version >/dev/null 2>&1; then
                skip "a limit of $limit file descriptors: the launcher refuses" "the launcher is linked dynamically"
                continue
        fi
        check "a limit of $limit file descriptors: the launcher refuses" refuses "may open $limit file descriptors, and needs 6; raise the limit with ulimit -n" \
                with_few $limit supervised -- touch "$ran"
done
check "... 6 are enough" with_few 6 supervised -- true
with_more_open() {
        with_few 8 supervised -- touch "$ran" 3</dev/null 4</dev/null 5</dev/null
}
check "... unless others are open" refuses "may open 8 file descriptors, and needs 9;" with_more_open

environment() {
        local output
        output=$(env -i A=1 SNOTIFY_SESSION=forged "$SNOTIFY_RUN" --socket "$socket" -- /usr/bin/env | sort)
        [[ $output =~ ^"A=1"$'\n'"SNOTIFY_SESSION="[0-9a-f]{16}$ ]] || { echo "$output"; return 1; }
        logged "session ${output##*=} started"
}
check "the workload has the launcher's environment, and the session's id in SNOTIFY_SESSION" environment

### Profiles for certain users and groups.
supervised_group() {
        setpriv --reuid=65533 --regid=60009 --groups=7,60001,8 "$SNOTIFY_RUN" --socket "$socket" "$@"
}
supervised_main_group() {
        setpriv --reuid=65533 --regid=60001 --clear-groups "$SNOTIFY_RUN" --socket "$socket" "$@"
}
supervised_other_user() {
        setpriv --reuid=65533 --regid=60009 --groups=7,8 "$SNOTIFY_RUN" --socket "$socket" "$@"
}
check "a profile with users= and groups=: a user of users= may use it" supervised_user --profile certain -- true
check "... and a user with a supplementary group of groups=" supervised_group --profile certain -- true
check "... and a user with a primary group of groups=" supervised_main_group --profile certain -- true
check "... and another user may not" \
        says 125 "snotifyd refuses: profile certain is not for user 65533; see users= and groups= in its [profile certain] section" \
        supervised_other_user --profile certain -- touch "$work/other-user"
check "... whose workload does not run" test ! -e "$work/other-user"
check "... nor may root, which is not in users=" says 125 "profile certain is not for user 0" supervised --profile certain -- true
check "... and the refusal is recorded" logged "refused a session to pid"
check "a profile without users= and groups= is for all users" supervised_other_user --profile other -- true

### A daemon whose own standard input, output and error are closed.
"$SNOTIFYD" --config "$work/conf" --socket "$work/closed" <&- >&- 2>&- &
closed_pid=$!
# No file that it opens later may get their numbers: what is written to standard error would go there.
std_of() {
        readlink "/proc/$1/fd/"{0,1,2} | sort -u
}
wait_for is_listening "$work/closed"
check "a daemon that starts without standard input, output and error opens /dev/null" test "$(std_of $closed_pid)" = /dev/null
"$SNOTIFY_RUN" --socket "$work/closed" -- sh -c 'mkdir "$0" && exec sleep 1000' "$work/user/closed" &
workload=$!
worker_has_null() {
        local worker
        worker=$(pgrep -o -P "$closed_pid") && [ "$(std_of "$worker")" = /dev/null ]
}
check "... and its workers have it, too" wait_for worker_has_null
check "... a session runs" wait_for is_sleeping $workload
check "... and its call creates the directory" test -d "$work/user/closed"
kill $workload
kill $closed_pid
wait $closed_pid
check "... and the daemon exits with status 0" test $? = 0

### With hidepid= a process without capabilities sees the processes of its own user alone; some of the daemon's children have none.
if mount -o remount,hidepid=invisible,gid=60009 /proc 2>/dev/null && ! as_user test -e /proc/1; then
        check "/proc is mounted with hidepid=: a user's call succeeds" supervised_user -- mkdir "$work/user/hidepid"
        check "... and root's call" supervised -- mkdir "$work/user/hidepid-root"
        mount -o remount,hidepid=off,gid=0 /proc
else
        skip "/proc with hidepid=" "it cannot be remounted here"
fi

check "a session with --profile and --label runs" supervised --profile other --label 'of a label' -- true
check "... and its record names both" logged "profile other, label of a label"

stop_and_finish
