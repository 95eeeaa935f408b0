#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Strangers at the socket: whatever they say, send or leave unsaid, each is refused or dropped, nothing of them stays, and those who
# run or come meanwhile notice little.  And the limits on those who are no strangers.
#
# $STRANGERS: how many connections are made to see what stays.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

strangers=${STRANGERS:-20000}
burst=300 crowd=300 hangs=32
[ -z "$SANITIZED" ] || strangers=1000 burst=40 crowd=50 hangs=6
ran=$work/user/ran
mkdir -m 777 "$work/user"

start() {
        daemon_start <<CONF
[limits]
$(printf '%s\n' "$@")
[profile default]
default = allow
[profile certain]
users = 65534
[profile grouped]
groups = 60001
CONF
}

# refuses TEXT COMMAND...: exit status 125, with TEXT, and the workload, which would make $ran, has not run.
other=(setpriv --reuid=60124 --regid=60124 --clear-groups)
refuses() {
        local text=$1 output
        shift
        output=$("$@" 2>&1)
        [ $? = 125 ] || { echo "exit status is not 125; output: $output"; rm -rf "$ran"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
        [ ! -e "$ran" ] || { echo "the workload has run"; rm -rf "$ran"; return 1; }
}

# As many policies have been loaded since the last daemon started.
policy_is() {
        [ "$(tac "$work/log" | grep -m 1 -o "policy generation .*")" = "policy generation $1" ]
}

# A session that makes directories as fast as it can, and counts them in $work/made.
work_start() {
        mkdir -p "$work/busy"
        head -c 8 /dev/zero >"$work/made"
        "$SNOTIFY_RUN" --socket "$socket" -- python3 -c '
import mmap, os, sys
os.chdir(sys.argv[1])
with open("../made", "r+b") as file:
    made = mmap.mmap(file.fileno(), 8)
n = 0
while True:
    os.mkdir(str(os.getpid()))
    os.rmdir(str(os.getpid()))
    n += 1
    made[:8] = n.to_bytes(8, "little")
' "$work/busy" &
        worker=$!
        wait_for made_some
}
made() {
        od -An -t u8 "$work/made" | tr -d ' '
}
made_some() {
        [ "$(made)" -gt 1000 ]
}
# pace COMMAND...: runs it five times, and leaves how many were made per second meanwhile in $work/pace: the best of the five, for
# others use the machine, too.
pace() {
        local before start pace best=0
        for _ in 1 2 3 4 5; do
                before=$(made) start=${EPOCHREALTIME/./}
                "$@" || return 1
                pace=$((($(made) - before) * 1000000 / (${EPOCHREALTIME/./} - start)))
                best=$((pace > best ? pace : best))
        done
        echo "$best" >"$work/pace"
}
# check_pace BEFORE NOW
check_pace() {
        if [ -n "$SANITIZED" ]; then
                skip "... a session keeps its pace" "the sanitizers take nearly all of the time"
        else
                check "... a session keeps its pace: $1, $2 per second" test $(($2 * 4)) -gt "$1"
        fi
}
work_stop() {
        kill $worker
        wait $worker 2>/dev/null
}

### Each kind.
start "handshake-timeout = 1s"
stranger() {
        local output
        output=$(cd "$work" && timeout 20 "$bin/stranger" "$socket" "$1" </dev/null 2>&1)
        [ "$output" = "$2" ] || { echo "it is told: $output"; return 1; }
        [ "$2" = closed ] || logged ", uid 0: ${2#refused: }"
}
while IFS=: read -r kind text; do
        check "$kind" stranger "$kind" "${text:+refused: }${text:-closed}"
done <<KINDS
nothing:no greeting within 1 s; see handshake-timeout= in snotify.conf(5)
byte:this is no greeting of snotify-run
empty:the connection ended before the greeting came
short:the greeting has the wrong size
long:the greeting has the wrong size
version:snotify-run and snotifyd are of different versions; restart snotifyd after an upgrade
endless-name:the profile's name is empty or too long
not-permitted:profile certain is not for user 0; see users= and groups= in its [profile certain] section
twice:the message with the listener is malformed
no-fd:the message with the listener holds no file descriptor
2-fds:the listener came with file descriptors that do not belong there
200-fds:the listener came with file descriptors that do not belong there
pipe:the file descriptor that was sent is not a seccomp listener
memfd:the file descriptor that was sent is not a seccomp listener
socket:the file descriptor that was sent is not a seccomp listener
connection:the file descriptor that was sent is not a seccomp listener
directory:the file descriptor that was sent is not a seccomp listener
another:the listener is not the launcher's own, or its first call was not the knock
dead:the process that was to be supervised died
wrong-nonce:the listener is not the launcher's own, or its first call was not the knock
another-call:the listener is not the launcher's own, or its first call was not the knock
silence:no knock within 1 s; see handshake-timeout= in snotify.conf(5)
leave-connected:
leave-greeting:
leave-welcome:
leave-listener:
leave-knock:
KINDS
# From Linux 6.16 on the kernel lets nobody send them, and the greeting with them never comes.
early_fds() {
        stranger early-fds "refused: the greeting came with file descriptors that do not belong there" ||
                stranger early-fds "refused: no greeting within 1 s; see handshake-timeout= in snotify.conf(5)"
}
check "early-fds" early_fds
check "nothing was made for them" test ! -e "$work/stranger"
for step in greeting listener knock; do
        check "who leaves is recorded: before the $step" logged "the connection ended before the $step came"
done

### One that leaves no room where launchers prove themselves.
come() {
        local n
        for n in {1..10}; do
                "$@" -- true || return 1
        done
}
mkfifo "$work/hold"
"$bin/stranger" "$socket" litter <"$work/hold" >"$work/litter" &
stranger=$!
exec 9>"$work/hold"
check "who creates all that fits where it has to prove itself" wait_for grep -q "No space left" "$work/litter"
check "... is in nobody's way" come supervised
check "... other users' neither" come supervised_user
exec 9>&-
wait $stranger
rm "$work/hold"
no_children() {
        # shellcheck disable=SC2009 # pgrep cannot leave out a name
        ! ps -o comm= --ppid "$daemon_pid" | grep -qv 'snotifyd-worker\|snotifyd-accept'
}
check "... and nothing stays of it" wait_for no_children

### A connection that another user's program takes over: it has the pid of the one that connected.
# lends WHAT OWNER PROFILE ANSWER
lends() {
        local output
        cp "$bin/stranger" "$work/set-id"
        chown "$1" "$work/set-id"
        chmod 4755 "$work/set-id"
        output=$(as_user timeout 20 "$bin/stranger" "$socket" lend "$2" "$work/set-id" </dev/null 2>&1)
        rm "$work/set-id"
        [ "$output" = "$3" ] || { echo "it is told: $output"; return 1; }
}
check "a user's own program may knock for it" lends 65534 certain in
check "... a set-user-ID program may not" lends 60124 certain \
        "refused: the launcher connected as user 65534 and has become user 60124 since"
check "... nor one that has other groups then" lends 0 grouped \
        "refused: profile grouped is not for user 65534; see users= and groups= in its [profile grouped] section"
check "... though the groups were those of the profile" supervised_user --profile grouped -- true

### A file that hangs whoever closes it.
# By name; those that nobody has waited for are "defunct".
children() {
        ps -o comm= --ppid "$daemon_pid" | sort
}
verifiers_are() {
        [ "$(children | grep -c snotifyd-verify)" = "$1" ]
}
if ! "$bin/stranger" "$socket" flush </dev/null >"$work/flush" 2>&1; then
        skip "a file that hangs when it is closed" "$(tail -n 1 "$work/flush")"
else
        mkfifo "$work/hold"
        "$bin/stranger" "$socket" flush <"$work/hold" >"$work/flush" &
        stranger=$!
        exec 9>"$work/hold"
        check "a file that hangs when it is closed is refused" wait_for grep -q "is not a seccomp listener" "$work/flush"
        check "... is seen to hang" logged "sent something that hangs; snotifyd killed its verifier"
        check "... and hangs, killed or not" verifiers_are 1
        check "... and others get in" supervised_user -- mkdir "$ran"
        check "... really" rmdir "$ran"
        check "... but not its user" wait_for refuses "user 0 gets no session while something that it sent hangs in snotifyd; see LIMITS in snotifyd(8)" \
                supervised -- mkdir "$ran"
        exec 9>&-
        wait $stranger
        check "... and nothing stays once it lets go" wait_for verifiers_are 0
        check "... so that it does" wait_for supervised -- true
fi
before_hangs=$(grep -c "sent something that hangs" "$work/log")
logged_times() {
        [ "$(grep -c -- "$1" "$work/log")" = "$2" ]
}

### A user with many uids, each of whose connections passes such a file.
printf '65534:100000:65536\n' >"$work/subuid"
if [ -s "$work/flush" ] && grep -q "is not a seccomp listener" "$work/flush"; then
        [ -e /etc/subuid ] || touch /etc/subuid
        mount --bind "$work/subuid" /etc/subuid
        kill -HUP "$daemon_pid"
        logged "policy generation 2"
        "$bin/stranger" "$socket" hang $hangs 65534 {100001..100008} <"$work/hold" >"$work/hangs" 2>&1 &
        stranger=$!
        exec 9>"$work/hold"
        check "$((9 * hangs)) files that hang, from nine uids of a user's" wait_for grep -q "^all" "$work/hangs"
        check "... are heard, and others get in" come supervised
        check "... other users, too" come "${other[@]}" "$SNOTIFY_RUN" --socket "$socket"
        check "... four children hang" wait_for logged_times "sent something that hangs" $((before_hangs + 4))
        check "... and no more" wait_for verifiers_are 4
        check "... the user gets no session" wait_for refuses "user 65534 gets no session while something that it sent hangs in snotifyd" \
                supervised_user -- mkdir "$ran"
        check "... nor has it one by another uid" refuses "user 65534 gets no session" \
                setpriv --reuid=100009 --regid=100009 --clear-groups "$SNOTIFY_RUN" --socket "$socket" -- mkdir "$ran"
        check "... other users have" come "${other[@]}" "$SNOTIFY_RUN" --socket "$socket"
        exec 9>&-
        wait $stranger
        check "... and nothing stays once it lets go" wait_for verifiers_are 0
        check "... and the user has sessions again" wait_for supervised_user -- true
else
        skip "files that hang, from many uids" "this machine has no FUSE"
fi

### Many of them.
fds() {
        find "/proc/$daemon_pid/fd" -mindepth 1 | wc -l
}
# Not Pss, which changes with whoever else has a page.
memory() {
        awk '/^Anonymous:/ { print $2 }' "/proc/$daemon_pid/smaps_rollup"
}
work_start
"$bin/stranger" "$socket" mixed 1000 4
wait_for verifiers_are 0
fds_before=$(fds) children_before=$(children) memory_before=$(memory)
pace sleep 0.5
alone=$(<"$work/pace")
check "$strangers strangers of all kinds are seen to" pace timeout 600 "$bin/stranger" "$socket" mixed $((strangers / 5)) 2
beside=$(<"$work/pace")
check_pace "$alone" "$beside"
check "... and nothing is left of them: no verifier" wait_for verifiers_are 0
children_are() {
        [ "$(children)" = "$1" ]
}
check "... but those that were there" wait_for children_are "$children_before"
check "... no file descriptor" test "$(fds)" = "$fds_before"
if [ -n "$SANITIZED" ]; then
        skip "... no memory" "the sanitizers keep what is freed"
else
        check "... no memory: $(memory) KiB, $memory_before before" test "$(memory)" -le $((memory_before + 64))
fi
work_stop
daemon_stop
check "the daemon ends well" test $? = 0

### Too many connections of one user.
start "handshake-timeout = 1min" "connections-per-user = 32"
work_start
pace come supervised
alone=$(<"$work/pace")
rm -f "$work/hold" && mkfifo "$work/hold"
as_user "$bin/stranger" "$socket" crowd $crowd $((crowd - 32)) <"$work/hold" >"$work/crowd" &
crowder=$!
exec 9>"$work/hold"
check "$crowd connections of a user's: those above the limit are refused" wait_for grep -qx "$((crowd - 32)) refused" "$work/crowd"
check "... with the reason" logged "uid 65534: user 65534 has as many connections as a user may, 32; see connections-per-user= in snotify.conf(5)"
check "... another user gets in" pace come supervised
beside=$(<"$work/pace")
check_pace "$alone" "$beside"
check "... the user himself does not, for as long as he waits" \
        refuses "snotifyd refuses: user 65534 has as many connections as a user may, 32" supervised_user -- mkdir "$ran"
held_by_others=()
for uid in 60125 60126 60127; do
        mkfifo "$work/hold-$uid"
        setpriv --reuid=$uid --regid=$uid --clear-groups "$bin/stranger" "$socket" crowd 32 0 <"$work/hold-$uid" >/dev/null &
        held_by_others+=($!)
done
exec 6>"$work/hold-60125" 7>"$work/hold-60126" 8>"$work/hold-60127"
check "... when four users have as many as they may, another one still gets in" come supervised
exec 6>&- 7>&- 8>&-
wait "${held_by_others[@]}"
exec 9>&-
wait $crowder
check "... and all that while the others held what they had" grep -qx "32 open" "$work/crowd"
printf '[profile default]\ndefault = allow\n' >"$work/conf"
kill -HUP "$daemon_pid"
wait_for policy_is 2
check "a burst of one user's programs simply works" \
        as_user sh -c "seq $burst | xargs -P 100 -n 1 $SNOTIFY_RUN --socket $socket -- true"
work_stop

### The process that accepts them is killed.
acceptor=$(pgrep -x snotifyd-accept)
kill -KILL "$acceptor"
check "the process that accepts launchers is killed: they get in" come supervised
check "... which is recorded" logged "the process that accepts launchers was killed by SIGKILL; starting another"
acceptor=$(pgrep -x snotifyd-accept)
kill -STOP "$acceptor"
supervised -- true &
waiting=$!
is_connected() {
        [ "$(grep -c "$socket\$" /proc/net/unix)" -gt 1 ]
}
wait_for is_connected
kill -KILL "$acceptor"
wait $waiting
check "... one that waits for it meanwhile, too" test $? = 0

### One that connects and leaves, as fast as it can.
head -c 8 /dev/zero >"$work/flooded"
chmod 666 "$work/flooded"
flooded() {
        od -An -t u8 "$work/flooded" | tr -d ' '
}
# Leaves in $work/least how many of these connections came, at least, while one of ten others began.
start_in_flood() {
        local n before least=1000000
        for n in {1..10}; do
                before=$(flooded)
                supervised -- true || return 1
                n=$(($(flooded) - before))
                least=$((n < least ? n : least))
        done
        echo "$least" >"$work/least"
}
as_user "$bin/stranger" "$socket" flood "$work/flooded" &
flooder=$!
has_flooded() {
        [ "$(flooded)" -gt 5000 ]
}
check "a process that connects and leaves, again and again" wait_for has_flooded
check "... others get in" start_in_flood
check "... and are not behind all of its connections: $(<"$work/least")" test "$(<"$work/least")" -lt 2500
kill $flooder
wait $flooder 2>/dev/null
check "... of which not all are recorded" logged "more launchers were refused and not recorded"
daemon_stop
check "the daemon ends well" test $? = 0

### Too many sessions.
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
        check "session $n of the user's" wait_for has_sessions "$n"
done
check "... the next is one too many" refuses "snotifyd refuses: user 65534 has as many sessions as a user may, 2; see sessions-per-user= in snotify.conf(5)" \
        supervised_user -- mkdir "$ran"
hold "${other[@]}"
check "... but another user has one" wait_for has_sessions 3
check "... the next is one too many of all" refuses "snotifyd refuses: there are as many sessions as there may be, 3; see sessions= in snotify.conf(5)" \
        supervised -- mkdir "$ran"
check "... which the journal shows" logged "uid 0: there are as many sessions as there may be, 3"
kill "${held[0]}"
check "when one ends" wait_for has_sessions 2
check "... there is room" supervised -- true
printf '[limits]\nsessions = 2\n[profile default]\ndefault = allow\n' >"$work/conf"
kill -HUP "$daemon_pid"
check "a reload lowers the limit" logged "policy generation 2"
check "... for those to come" refuses "as many sessions as there may be, 2" supervised -- mkdir "$ran"
check "... and ends none" has_sessions 2
kill "${held[@]}" 2>/dev/null
wait "${held[@]}" 2>/dev/null
check "when all end" wait_for has_sessions 0
printf '[limits]\nsessions-per-user = 3\n[profile default]\ndefault = allow\n' >"$work/conf"
kill -HUP "$daemon_pid"
logged "policy generation 3"
held=()
hold "${user[@]}"
check "a session of a user's" wait_for has_sessions 1
"${user[@]}" unshare --user sleep 60 &
owner=$!
in_namespace() {
        [ "$(readlink /proc/"$owner"/ns/user)" != "$(readlink /proc/self/ns/user)" ]
}
wait_for in_namespace
echo "0 200000 65536" >/proc/$owner/uid_map && echo "0 200000 65536" >/proc/$owner/gid_map
hold nsenter --target $owner --user --setuid 5 --setgid 5
check "... one of a uid in its user namespace" wait_for has_sessions 2
hold setpriv --reuid=100001 --regid=100001 --clear-groups
check "... one of a uid that /etc/subuid lends it" wait_for has_sessions 3
check "... the next is one too many" refuses "user 65534 has as many sessions as a user may, 3" supervised_user -- mkdir "$ran"
check "... by any uid" refuses "user 65534 has as many sessions as a user may, 3" \
        setpriv --reuid=100002 --regid=100002 --clear-groups "$SNOTIFY_RUN" --socket "$socket" -- mkdir "$ran"
check "... but another user has one" come "${other[@]}" "$SNOTIFY_RUN" --socket "$socket"
kill "${held[@]}" $owner 2>/dev/null
wait "${held[@]}" $owner 2>/dev/null
daemon_stop
check "the daemon ends well" test $? = 0

### Too many records.
# make NUMBER: so many calls, by four at a time.
make() {
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
daemon_start <<'CONF'
[limits]
records-per-second = 100
[profile default]
default = allow
log = all
CONF
mkdir "$work/many"
check "5000 calls of a session that may make 100 records in a second" make 5000
check "... end" logged " ended: 5000 allowed, 0 denied, 0 failed; "
recorded=$(grep -c '^allowed mkdir' "$work/log")
said=$(sum '.* made ([0-9]+) more calls, which are not recorded; see records-per-second= in snotify.conf\(5\)')
check "some have records: $recorded" test "$recorded" -ge 100
check "... fewer than the limit and the time allow: $said have none" test "$said" -gt 1000
check "... and both are all of them" test $((recorded + said)) = 5000
check "... as the record of its end says" logged "; $said of them not recorded"

sed -i 's/^records-per-second.*/records-per-second = 1/' "$work/conf"
kill -HUP "$daemon_pid"
logged "policy generation 2"
for ((n = 0; n < 300; n++)); do
        "$bin/stranger" "$socket" byte
done >/dev/null
check "nor do refused strangers fill the journal" logged "more launchers were refused and not recorded; see records-per-second= in snotify.conf(5)"
all_are_told() {
        [ $(($(grep -c "this is no greeting" "$work/log") + $(sum '^([0-9]+) more launchers.*'))) = 300 ]
}
check "... but all are counted" wait_for all_are_told
daemon_stop
check "the daemon ends well" test $? = 0

### A kernel that lets descriptors come before they are welcome.
printf '[limits]\nconnections-per-user = 1\n[profile default]\ndefault = allow\n' >"$work/conf"
"$bin/other-kernel" no-passrights "$SNOTIFYD" --config "$work/conf" --socket "$work/older" --log-target=stderr 2>>"$work/log" &
older=$!
wait_for is_listening "$work/older"
acceptor_fds() {
        find "/proc/$(pgrep -P $older -x snotifyd-accept)/fd" -mindepth 1 | wc -l
}
rm -f "$work/hold" && mkfifo "$work/hold"
wait_for pgrep -P $older -x snotifyd-accept >/dev/null
n_fds=$(acceptor_fds)
"$bin/stranger" "$work/older" crowd 1 0 <"$work/hold" >"$work/crowd" &
crowder=$!
exec 9>"$work/hold"
wait_for grep -q refused "$work/crowd"
early_fds_are_refused() {
        local n output
        for n in {1..20}; do
                output=$(timeout 20 "$bin/stranger" "$work/older" early-fds </dev/null 2>&1)
                [[ $output == "refused: user 0 has as many connections as a user may, 1;"* ]] || { echo "it is told: $output"; return 1; }
        done
}
check "descriptors that come too early, over connections that are too many" early_fds_are_refused
exec 9>&-
wait $crowder
in_older() {
        "$SNOTIFY_RUN" --socket "$work/older" -- true
}
no_connection_is_kept() {
        [ "$(acceptor_fds)" = "$n_fds" ] && ! pgrep -P "$older" -x snotifyd-verify
}
check "... none of these is kept" wait_for no_connection_is_kept
check "... and others get in" in_older
kill $older
wait $older
check "the daemon ends well" test $? = 0

### And a user who piles them up, of whom some hang the process that drops them.  The fewer descriptors the daemon may have, the
### sooner its acceptor is full.
rm "$work/older"
printf '[limits]\nhandshake-timeout = 1s\n[profile default]\ndefault = allow\n' >"$work/conf"
before=$(grep -c "sent something that hangs" "$work/log")
# Stands in for systemd, and keeps what it is told.
python3 -c '
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
with open(sys.argv[2], "a", errors="replace") as status:
    while True:
        print(receiver.recv(65536).decode(errors="replace"), file=status, flush=True)
' "$work/notify" "$work/status" &
receiver=$!
wait_for test -S "$work/notify"
(ulimit -n 1024 && NOTIFY_SOCKET=$work/notify exec "$bin/other-kernel" no-passrights "$SNOTIFYD" --config "$work/conf" --socket "$work/older" --log-target=stderr) 2>>"$work/log" &
older=$!
wait_for is_listening "$work/older"
# So many processes that accepted launchers are there; the last one accepts.
hang_accepting() {
        [ "$(pgrep -c -P "$older" snotifyd-accept)" = "$1" ]
}
# pile NUMBER UID...: in the background, until it is killed.
pilers=()
pile() {
        "$bin/stranger" "$work/older" pile "$@" </dev/null >"$work/pile" 2>&1 &
        pilers+=($!)
}
status_says() {
        grep "^STATUS=" "$work/status" | tail -n 1 | grep -q "^$1"
}
in_older_soon() {
        timeout 20 "$SNOTIFY_RUN" --socket "$work/older" -- true
}
if ! grep -q "is not a seccomp listener" "$work/flush"; then
        skip "descriptors that pile up, and hang who drops them" "this machine has no FUSE"
else
        pile 400 65534
        check "400 connections with descriptors that come too early, some of which hang" wait_for grep -q all "$work/pile"
        check "... hang four verifiers" wait_for logged_times "sent something that hangs" $((before + 4))
        check "... and others get in" in_older_soon
        kill -KILL "$(pgrep -P $older -x snotifyd-accept)"
        check "the process that holds the others is killed, and hangs: others get in" in_older_soon
        check "... it still hangs" hang_accepting 2
        check "... which is recorded" logged "which accepted launchers, does not end"
        pile 1000 65534
        check "the process that accepts is full of them: others get in" in_older_soon
        check "... for another has taken its place" wait_for hang_accepting 3
        check "... which is recorded" logged "connections of user 65534 with file descriptors that were sent unasked"
        check "... and the user gets no session" refuses "user 65534 gets no session while something that it sent hangs in snotifyd" \
                as_user "$SNOTIFY_RUN" --socket "$work/older" -- mkdir "$ran"
        pile 10000 65534
        check "eight of them are full, and the last: no more are started" wait_for logged "no launcher is accepted: 8 processes that accepted launchers hang"
        check "... nine are there" hang_accepting 9
        check "... and systemctl status would say so" wait_for status_says "STATUS=no launcher is accepted, because processes that accepted launchers hang; "
        timeout 60 "$SNOTIFY_RUN" --socket "$work/older" -- true &
        waiting=$!
        kill "${pilers[@]}"
        wait $waiting
        check "when the user's processes end: a launcher that waited gets in" test $? = 0
        check "... which is recorded" logged "launchers are accepted again"
        wait "${pilers[@]}"
        check "... and systemctl status would no longer say so" wait_for status_says "STATUS=[0-9]* session"
        check "... and one process accepts" wait_for hang_accepting 1
        check "... the user himself, too" wait_for as_user "$SNOTIFY_RUN" --socket "$work/older" -- true
fi
kill $older
wait $older
check "the daemon ends well" test $? = 0
kill $receiver
wait $receiver 2>/dev/null

### A launcher that the daemon does not see, and one that it sees.
printf '[profile default]\ndefault = allow\n' >"$work/conf"
unshare --pid --fork --kill-child --mount-proc "$SNOTIFYD" --config "$work/conf" --socket "$work/inner" --log-target=stderr 2>>"$work/log" &
inner=$!
wait_for is_listening "$work/inner"
check "a launcher from outside of the daemon's PID namespace is refused" refuses "snotifyd does not see this process" \
        "$SNOTIFY_RUN" --socket "$work/inner" -- mkdir "$ran"
in_there() {
        nsenter --target "$(pgrep -P "$inner")" --pid --mount "$SNOTIFY_RUN" --socket "$work/inner" -- true
}
check "... one inside is not" in_there
kill "$(pgrep -P $inner)"
wait $inner
check "the daemon ends well" test $? = 0
finish
