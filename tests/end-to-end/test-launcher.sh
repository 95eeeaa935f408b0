#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# snotify-run as a user meets it: exit statuses, messages, what the workload inherits; and that whatever fails, and whoever
# answers in the daemon's place, no workload runs that is not supervised.
source "$(dirname "$0")/lib.sh" alone

says() {
        local status=$1 text=$2 output
        shift 2
        output=$("$@" 2>&1)
        [ $? = "$status" ] || { echo "exit status is not $status; output: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
}

# refuses TEXT COMMAND...: exit status 125, one line on stderr that has TEXT, and the workload, which would touch $ran, has not run.
ran=$work/user/ran
mkdir -m 777 "$work/user"
refuses() {
        local text=$1 output
        shift
        output=$("$@" 2>&1)
        [ $? = 125 ] || { echo "exit status is not 125; output: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
        [ "$(wc -l <<<"$output")" = 1 ] || { echo "more than a line: $output"; return 1; }
        [ ! -e "$ran" ] || { echo "the workload has run"; rm "$ran"; return 1; }
}

to() {
        "$SNOTIFY_RUN" --socket "$1" -- touch "$ran"
}
export -f to
export SNOTIFY_RUN ran

### No daemon.
check "without a daemon nothing runs" refuses \
        "cannot connect to $socket: No such file or directory; is snotifyd running? systemctl enable --now snotifyd.socket" \
        supervised -- touch "$ran"
check "a socket that nobody listens on" refuses "Connection refused; is snotifyd running?" bash -c \
        'python3 -c "import socket,sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(sys.argv[1])" "$0"; to "$0"' \
        "$work/dead"
check "a file that is no socket" refuses "cannot connect to /etc/passwd: Connection refused" \
        "$SNOTIFY_RUN" --socket /etc/passwd -- touch "$ran"
check "a socket of another type" refuses "is this the socket of snotifyd?" python3 -c '
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
first.connect(sys.argv[1])  # there is room for no other
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
check "stopped and continued while it waits for the daemon, it goes on waiting" refuses "Connection refused; is snotifyd running?" \
        timeout 20 python3 "$work/stopped.py" "$work/full" "$SNOTIFY_RUN" --socket "$work/full" -- touch "$ran"
check "a socket path that is too long" refuses "the socket's path is too long" \
        "$SNOTIFY_RUN" --socket "/tmp/$(printf 'n%.0s' {1..120})" -- touch "$ran"

gone() {
        [[ ! -e /proc/$1/stat || $(cut -d' ' -f3 "/proc/$1/stat") == Z ]]
}

### An impostor, who ends or goes wrong at each step.
impostor() {
        local step=$1 text=$2 path=$work/impostor.$1 pid status
        python3 "$SOURCE_ROOT/tests/end-to-end/fake-daemon.py" "$path" "$step" &
        pid=$!
        wait_for is_listening "$path" || { kill $pid; echo "the impostor did not start"; return 1; }
        refuses "$text" as_user "$SNOTIFY_RUN" --socket "$path" -- touch "$ran"
        status=$?
        wait_for gone $pid || { kill -KILL $pid; echo "the impostor waits for more"; status=1; }
        wait $pid 2>/dev/null
        return $status
}

silence="snotifyd closed the connection unexpectedly; see journalctl -u snotifyd"
for how in killed closed; do
        check "the daemon is $how before it accepts" impostor $how-before-accept "snotify-run: "
        check "the daemon is $how after it has accepted" impostor $how-after-accept "snotify-run: "
        check "the daemon is $how after the hello" impostor $how-after-hello "snotify-run: "
        check "the daemon is $how after the welcome" impostor $how-after-welcome ""
        check "the daemon is $how after the listener" impostor $how-after-listener "$silence"
        check "the daemon is $how when the knock is pending" impostor $how-before-receiving "$silence"
        check "the daemon is $how after the knock" impostor $how-after-knock "$silence"
done
for step in garbage garbage-long short wrong-magic wrong-version wrong-count large-count endless-text; do
        check "a reply that is wrong: $step" impostor $step \
                "snotify-run and snotifyd are of different versions; restart snotifyd after an upgrade"
done
check "an empty reply" impostor empty-message "snotify-run: " # it asks once more
check "a refusal" impostor refused "snotifyd refuses: not on a Sunday"
check "a refusal after the listener" impostor refuses-after-listener "snotifyd refuses: not with that listener"
check "a refusal after the knock" impostor refuses-after-knock "snotifyd refuses: not with that knock"
check "no verdict and no filter" impostor no-verdict "snotify-run: "
for step in no-filter bad-filter jumping-filter; do
        check "a filter that the kernel refuses: $step" impostor $step "this kernel refuses the filter: Invalid argument"
done
for step in idle-filter errno-filter success-filter; do
        check "a filter that does not notify: $step" impostor $step "something other than snotifyd answers in its place"
done
killed_by_filter() {
        local output
        output=$(impostor killing-filter "" 2>&1)
        [[ $output == "exit status is not 125"* ]] && [ ! -e "$ran" ] || { echo "$output"; return 1; }
}
check "a filter that kills" killed_by_filter
for step in answers-nothing answers-one answers-late-nonce answers-error continues; do
        check "a knock that is answered wrong: $step" impostor $step "something other than snotifyd answers in its place"
done
check "a knock that is answered as if nobody did" impostor answers-enosys "snotify-run: "
speaks_the_protocol() {
        ! impostor "$1" "" >/dev/null 2>&1 && [ -e "$ran" ] && rm "$ran"
}
check "an impostor who does all of it right gets the workload: the others were refused for what they did" \
        speaks_the_protocol answers-well
check "where the daemon is killed before its welcome the next one is asked" speaks_the_protocol answers-the-second

### A daemon that is killed while launchers wait for it.
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
check "the daemon is killed before it looks: exit status" test $? = 125
check "... message" grep -q "^snotify-run: cannot connect" "$work/waiting"
check "... and nothing ran" test ! -e "$ran"

daemon_start <"$work/launcher.conf"

### The socket's name.
"$bin/other-kernel" no-chmod "$SNOTIFYD" --config "$work/conf" --socket "$work/other" --log-target=stderr 2>>"$work/log" &
other=$!
check "a daemon that changes no file's mode" wait_for is_listening "$work/other"
check "... has a socket that any user may reach" test "$(stat -c %a "$work/other")" = 666
kill $other
wait $other
check "... and removes it when it ends" test ! -e "$work/other"
"$SNOTIFYD" --config "$work/conf" --socket "$work/other" --log-target=stderr 2>>"$work/log" &
other=$!
wait_for is_listening "$work/other"
rm "$work/other"
touch "$work/other"
kill $other
wait $other
check "a daemon that ends removes no other file of that name" test -e "$work/other"
check "... nor does one that starts" says 1 "cannot listen on $work/other: Address already in use" \
        "$SNOTIFYD" --config "$work/conf" --socket "$work/other" --log-target=stderr
check "... really" test -f "$work/other"
rm -f "$work/other"

### Kernels that are too old.
for kind in no-wait-killable no-seccomp; do
        check "an old kernel: $kind" refuses "snotify needs Linux 5.19 or later" \
                "$bin/other-kernel" $kind "$SNOTIFY_RUN" --socket "$socket" -- touch "$ran"
        check "... for the daemon" says 1 "snotify" \
                "$bin/other-kernel" $kind "$SNOTIFYD" --config "$work/conf" --socket "$work/other" --log-target=stderr
done

### The daemon refuses.
check "an unknown profile" refuses "there is no profile nowhere" supervised --profile nowhere -- touch "$ran"
check "a profile name that is too long" refuses "the profile's name is too long" \
        supervised --profile "$(printf 'n%.0s' {1..60})" -- touch "$ran"
check "a label that is too long" refuses "the label is too long" \
        supervised --label "$(printf 'n%.0s' {1..100})" -- touch "$ran"
chmod 600 "$socket"
check "a socket that the user may not reach" refuses "Permission denied; does this user have access to it?" \
        supervised_user -- touch "$ran"
chmod 666 "$socket"
for who in supervised supervised_user; do
        check "$who: nested" refuses "supervised already" $who -- "$SNOTIFY_RUN" --socket "$socket" -- touch "$ran"
done
check "a user's workload runs, of which all the others did not" supervised_user -- sh -c "touch $ran && rm $ran"

### Exit statuses.
check "the workload's exit status is passed on" fails_with 7 supervised -- sh -c 'exit 7'
check "... 125 too" fails_with 125 supervised -- sh -c 'exit 125'
check "... and the signal that ended it" fails_with 143 supervised -- sh -c 'kill -TERM $$'
check "127 for a command that is not found" says 127 "cannot execute /nowhere" supervised -- /nowhere
check "127 for one that is not in PATH" says 127 "cannot execute nowhere: No such file" supervised nowhere
check "126 for one that cannot be executed" says 126 "Permission denied" supervised -- /etc/passwd
check "125 without a command" refuses "no command given" sh -c '"$@" 2>&1 | head -1; exit 125' sh "$SNOTIFY_RUN" --socket "$socket"
check "125 without a command, and a hint" says 125 "Try 'snotify-run --help'" supervised
check "125 for an unknown option" says 125 "Try 'snotify-run --help'" supervised --nonsense
check "--help" says 0 "Usage: snotify-run" supervised --help
check "--version" says 0 "snotify-run 0" supervised --version
check "the command's options are its own" says 0 "GNU coreutils" supervised echo --version
check "standard input and output" test "$(echo through | supervised -- cat)" = through

### What the workload inherits.
# Native, and supervised: $inner under env with $signals.
same() {
        local native supervised
        native=$(env "${signals[@]}" "${inner[@]}" 2>&1)
        supervised=$(env "${signals[@]}" "$SNOTIFY_RUN" --socket "$socket" -- "${inner[@]}" 2>&1)
        [ "$native" = "$supervised" ] || { echo "native: $native"; echo "supervised: $supervised"; return 1; }
        [ -n "$native" ]
}

signals=(--ignore-signal=HUP --ignore-signal=PIPE --block-signal=USR2 --block-signal=ALRM --default-signal=CHLD)
inner=(grep -E '^(Sig(Pnd|Blk|Ign|Cgt)|ShdPnd|Cap|Umask|Groups|Uid|Gid|NoNewPrivs):' /proc/self/status)
check "signal mask and dispositions, capabilities, umask, ids" same
signals=()
inner=(sh -c 'cat /proc/self/limits /proc/self/oom_score_adj /proc/self/cgroup; pwd; nice')
check "limits, control group, working directory" same
inner=(sh -c 'for fd in /proc/$$/fd/*; do echo "${fd##*/} $(readlink "$fd" | sed "s/\[.*//")"; done')
check "file descriptors" same
with_more_fds() {
        same 7</dev/null 33<>/dev/zero
}
check "... those that were open stay open" with_more_fds

# Which of sleep's descriptors are open, once it sleeps: before, the dynamic linker opens libraries.
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
        wait_for is_sleeping $pid || echo "it does not run"
        (cd "/proc/$pid/fd" && stat -c '%N' -- *) | sed 's/\[.*//'
        kill $pid
        wait $pid
}
closed_as_natively() {
        local closed=$1 native supervised
        native=$(open_when_closed 2>&1)
        supervised=$(open_when_closed "$SNOTIFY_RUN" --socket "$socket" 2>&1)
        [ "$native" = "$supervised" ] || { echo "native: $native"; echo "supervised: $supervised"; return 1; }
}
for closed in 0 1 2 "0 to 2"; do
        check "... those that were closed stay closed: $closed" closed_as_natively "$closed"
done
# What it says of this would go to the daemon, if its connection were its standard error.
says_nothing() {
        fails_with 125 supervised --profile nowhere -- touch "$ran" 2>&- && [ ! -e "$ran" ]
}
check "where it cannot say why, nothing runs" says_nothing

# With 3 open by the shell.  A launcher that is linked dynamically needs one more to begin with.
with_few() (
        local limit=$1
        shift
        ulimit -n "$limit"
        "$@"
)
for limit in 4 5; do
        # A loader opens libraries.
        if ! with_few "$limit" "$SNOTIFY_RUN" --version >/dev/null 2>&1; then
                skip "with $limit file descriptors nothing runs" "the launcher is not static"
                continue
        fi
        check "with $limit file descriptors nothing runs" refuses "may open $limit file descriptors, and needs 6; raise the limit with ulimit -n" \
                with_few $limit supervised -- touch "$ran"
done
check "... with 6 it does" with_few 6 supervised -- true
with_more_open() {
        with_few 8 supervised -- touch "$ran" 3</dev/null 4</dev/null 5</dev/null
}
check "... unless others are open" refuses "may open 8 file descriptors, and needs 9;" with_more_open

environment() {
        local output
        output=$(env -i A=1 SNOTIFY_SESSION=forged "$SNOTIFY_RUN" --socket "$socket" -- /usr/bin/env | sort)
        [[ $output =~ ^A=1$'\n'SNOTIFY_SESSION=[0-9a-f]{16}$ ]] || { echo "$output"; return 1; }
        logged "session ${output##*=} started"
}
check "the environment, and SNOTIFY_SESSION, which is the session's id" environment

### Profiles that are not for everybody.
supervised_group() {
        setpriv --reuid=65533 --regid=60009 --groups=7,60001,8 "$SNOTIFY_RUN" --socket "$socket" "$@"
}
supervised_main_group() {
        setpriv --reuid=65533 --regid=60001 --clear-groups "$SNOTIFY_RUN" --socket "$socket" "$@"
}
supervised_stranger() {
        setpriv --reuid=65533 --regid=60009 --groups=7,8 "$SNOTIFY_RUN" --socket "$socket" "$@"
}
check "a profile for certain users is for one" supervised_user --profile certain -- true
check "... for one of its groups" supervised_group --profile certain -- true
check "... by the main group too" supervised_main_group --profile certain -- true
check "... and not for others: nothing runs" \
        says 125 "snotifyd refuses: profile certain is not for user 65533; see users= and groups= in its [profile certain] section" \
        supervised_stranger --profile certain -- touch "$work/stranger"
check "... really" test ! -e "$work/stranger"
check "... nor for root, who is not named" says 125 "profile certain is not for user 0" supervised --profile certain -- true
check "... which the journal shows" logged "refused a session to pid"
check "... other profiles are for all" supervised_stranger --profile other -- true

### A daemon whose own standard input, output and error are closed.
"$SNOTIFYD" --config "$work/conf" --socket "$work/closed" <&- >&- 2>&- &
closed_pid=$!
# What it opens later must not take their numbers: what is meant for stderr would go there.
std_of() {
        readlink "/proc/$1/fd/"{0,1,2} | sort -u
}
wait_for is_listening "$work/closed"
check "a daemon that has no standard input, output and error has /dev/null" test "$(std_of $closed_pid)" = /dev/null
"$SNOTIFY_RUN" --socket "$work/closed" -- sh -c 'mkdir "$0" && exec sleep 1000' "$work/user/closed" &
workload=$!
worker_has_null() {
        local worker
        worker=$(pgrep -o -P $closed_pid) && [ "$(std_of "$worker")" = /dev/null ]
}
check "... and so have its workers" wait_for worker_has_null
check "... and it serves" wait_for is_sleeping $workload
check "... as it should" test -d "$work/user/closed"
kill $workload
kill $closed_pid
wait $closed_pid
check "... and it ends well" test $? = 0

### A /proc that shows the daemon's children without capabilities the processes of their own user alone.
if mount -o remount,hidepid=invisible,gid=60009 /proc 2>/dev/null && ! as_user test -e /proc/1; then
        check "a /proc with hidepid=: a user's program" supervised_user -- mkdir "$work/user/hidepid"
        check "... and root's" supervised -- mkdir "$work/user/hidepid-root"
        mount -o remount,hidepid=off,gid=0 /proc
else
        skip "a /proc with hidepid=" "it cannot be mounted so"
fi

check "--profile and --label show in the record" supervised --profile other --label 'of a label' -- true
check "... of the session" logged "profile other, label of a label"

stop_and_finish
