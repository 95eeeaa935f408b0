#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Rogue launchers: whatever they send or do not send, the daemon refuses them or closes the connection, nothing of them is left, and
# other launchers and sessions are hardly affected.
#
#   ROGUES=1000     1000 connections in the test of what is left, instead of 20000
source "$(dirname "$0")/../end-to-end/lib.sh" alone
source "$(dirname "$0")/clients.sh"

rogues=${ROGUES:-20000} hangs=32
[ -z "$SANITIZED" ] || rogues=1000 hangs=6

### Each way to go wrong.
start "handshake-timeout = 1s"
# rogue KIND ANSWER: a launcher that goes wrong in that way gets that answer, and a refusal is recorded.
rogue() {
        local output
        output=$(cd "$work" && timeout 20 "$bin/rogue-launcher" "$socket" "$1" </dev/null 2>&1)
        [ "$output" = "$2" ] || { echo "the daemon's answer: $output"; return 1; }
        [ "$2" = closed ] || logged ", uid 0: ${2#refused: }"
}
while IFS=: read -r kind text; do
        check "a launcher that goes wrong ($kind) is ${text:+refused}${text:-dropped}" rogue "$kind" "${text:+refused: }${text:-closed}"
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
# From Linux 6.16 on the kernel does not deliver a greeting with descriptors.
early_fds() {
        rogue early-fds "refused: the greeting came with file descriptors that do not belong there" ||
                rogue early-fds "refused: no greeting within 1 s; see handshake-timeout= in snotify.conf(5)"
}
check "a launcher that sends descriptors with its greeting is refused" early_fds
check "no directory was created for them" test ! -e "$work/rogue-launcher"
for step in greeting listener knock; do
        check "a launcher that leaves before the $step is recorded" logged "the connection ended before the $step came"
done

### A launcher fills the file system in which launchers prove themselves.
mkfifo "$work/hold"
"$bin/rogue-launcher" "$socket" fill <"$work/hold" >"$work/fill" &
rogue=$!
exec 9>"$work/hold"
check "a launcher creates as many directories as fit" wait_for grep -q "No space left" "$work/fill"
check "... other launchers of the same user still begin sessions" ten_launches supervised
check "... and so do those of other users" ten_launches supervised_user
exec 9>&-
wait $rogue
rm "$work/hold"
no_children() {
        # shellcheck disable=SC2009 # pgrep cannot leave out a name
        ! ps -o comm= --ppid "$daemon_pid" | grep -qv 'snotifyd-worker\|snotifyd-accept'
}
check "... and no process of it is left" wait_for no_children

### A program of another user takes over the connection: its process has the pid that connected.
# lends OWNER PROFILE ANSWER: the answer to a connection for that profile that a set-user-ID program of OWNER takes over.
lends() {
        local output
        cp "$bin/rogue-launcher" "$work/set-id"
        chown "$1" "$work/set-id"
        chmod 4755 "$work/set-id"
        output=$(as_user timeout 20 "$bin/rogue-launcher" "$socket" lend "$2" "$work/set-id" </dev/null 2>&1)
        rm "$work/set-id"
        [ "$output" = "$3" ] || { echo "the daemon's answer: $output"; return 1; }
}
check "a user's own program may take over a connection" lends 65534 certain in
check "... a set-user-ID program of another user may not" lends 60124 certain \
        "refused: the launcher connected as user 65534 and has become user 60124 since"
check "... nor may one that has given up the user's groups" lends 0 grouped \
        "refused: profile grouped is not for user 65534; see users= and groups= in its [profile grouped] section"
check "... although the user's groups may use the profile" supervised_user --profile grouped -- true

### A descriptor that hangs the process that closes it.
# The names of the daemon's children; zombies are "defunct".
children() {
        ps -o comm= --ppid "$daemon_pid" | sort
}
verifiers_are() {
        [ "$(children | grep -c snotifyd-verify)" = "$1" ]
}
if ! "$bin/rogue-launcher" "$socket" flush </dev/null >"$work/flush" 2>&1; then
        skip "a descriptor that hangs the process that closes it" "$(tail -n 1 "$work/flush")"
else
        mkfifo "$work/hold"
        "$bin/rogue-launcher" "$socket" flush <"$work/hold" >"$work/flush" &
        rogue=$!
        exec 9>"$work/hold"
        check "a descriptor that hangs the process that closes it is refused" wait_for grep -q "is not a seccomp listener" "$work/flush"
        check "... the verifier hangs, and that is recorded" logged "sent something that hangs; snotifyd killed its verifier"
        check "... and it cannot be killed" verifiers_are 1
        check "... another user's launcher begins a session" supervised_user -- mkdir "$ran"
        check "... whose call succeeds" rmdir "$ran"
        check "... and one of the same user is refused" wait_for refuses "user 0 gets no session while something that it sent hangs in snotifyd; see LIMITS in snotifyd(8)" \
                supervised -- mkdir "$ran"
        exec 9>&-
        wait $rogue
        check "... once the descriptor does not hang any more, no verifier is left" wait_for verifiers_are 0
        check "... and that user gets sessions again" wait_for supervised -- true
fi
before_hangs=$(grep -c "sent something that hangs" "$work/log")
logged_times() {
        [ "$(grep -c -- "$1" "$work/log")" = "$2" ]
}

### A user with many uids sends such a descriptor over many connections.
printf '65534:100000:65536\n' >"$work/subuid"
if [ -s "$work/flush" ] && grep -q "is not a seccomp listener" "$work/flush"; then
        [ -e /etc/subuid ] || touch /etc/subuid
        mount --bind "$work/subuid" /etc/subuid
        kill -HUP "$daemon_pid"
        logged "policy generation 2"
        "$bin/rogue-launcher" "$socket" hang $hangs 65534 {100001..100008} <"$work/hold" >"$work/hangs" 2>&1 &
        rogue=$!
        exec 9>"$work/hold"
        check "$((9 * hangs)) such descriptors from nine uids of one user are answered" wait_for grep -q "^all" "$work/hangs"
        check "... root's launchers still begin sessions" ten_launches supervised
        check "... and so do those of other users" ten_launches "${other[@]}" "$SNOTIFY_RUN" --socket "$socket"
        check "... four verifiers hang" wait_for logged_times "sent something that hangs" $((before_hangs + 4))
        check "... and no more than four" wait_for verifiers_are 4
        check "... a launcher of that user is refused" wait_for refuses "user 65534 gets no session while something that it sent hangs in snotifyd" \
                supervised_user -- mkdir "$ran"
        check "... also with another of the user's uids" refuses "user 65534 gets no session" \
                setpriv --reuid=100009 --regid=100009 --clear-groups "$SNOTIFY_RUN" --socket "$socket" -- mkdir "$ran"
        check "... and those of other users are not" ten_launches "${other[@]}" "$SNOTIFY_RUN" --socket "$socket"
        exec 9>&-
        wait $rogue
        check "... once the descriptor does not hang any more, no verifier is left" wait_for verifiers_are 0
        check "... and that user gets sessions again" wait_for supervised_user -- true
else
        skip "descriptors that hang, from many uids" "there is no FUSE here"
fi

### Many rogue launchers.
fds() {
        find "/proc/$daemon_pid/fd" -mindepth 1 | wc -l
}
# Not the PSS, which depends on how many processes share a page.
memory() {
        awk '/^Anonymous:/ { print $2 }' "/proc/$daemon_pid/smaps_rollup"
}
load_start
"$bin/rogue-launcher" "$socket" mixed 1000 4
wait_for verifiers_are 0
fds_before=$(fds) children_before=$(children) memory_before=$(memory)
throughput sleep 0.5
alone=$(<"$work/throughput")
check "$rogues rogue launchers of all kinds are answered" throughput timeout 600 "$bin/rogue-launcher" "$socket" mixed $((rogues / 5)) 2
beside=$(<"$work/throughput")
check_throughput "$alone" "$beside"
check "... and nothing is left of them: no verifier" wait_for verifiers_are 0
children_are() {
        [ "$(children)" = "$1" ]
}
check "... the daemon has the same children as before" wait_for children_are "$children_before"
check "... as many file descriptors" test "$(fds)" = "$fds_before"
if [ -n "$SANITIZED" ]; then
        skip "... and as much memory" "a sanitizer does not reuse freed memory"
else
        check "... and as much memory: $(memory) KiB, $memory_before before" test "$(memory)" -le $((memory_before + 64))
fi
load_stop
daemon_stop
check "the daemon exits with status 0" test $? = 0

### The acceptor is killed.
start "connections-per-user = 32"
acceptor=$(pgrep -x snotifyd-accept)
kill -KILL "$acceptor"
check "the acceptor is killed: launchers begin sessions" ten_launches supervised
check "... and that is recorded" logged "the process that accepts launchers was killed by SIGKILL; starting another"
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
check "... also a launcher whose connection was waiting" test $? = 0

### A process connects and leaves, as fast as it can.
head -c 8 /dev/zero >"$work/flooded"
chmod 666 "$work/flooded"
flooded() {
        od -An -t u8 "$work/flooded" | tr -d ' '
}
# Starts ten sessions, and writes to $work/least how many of these connections there were during the shortest start.
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
as_user "$bin/rogue-launcher" "$socket" flood "$work/flooded" &
flood=$!
has_flooded() {
        [ "$(flooded)" -gt 5000 ]
}
check "a process connects and leaves more than 5000 times" wait_for has_flooded
check "... meanwhile launchers begin sessions" start_in_flood
check "... and do not wait for all of its connections: for $(<"$work/least")" test "$(<"$work/least")" -lt 2500
kill $flood
wait $flood 2>/dev/null
check "... not each of its connections is recorded" logged "more launchers were refused and not recorded"
daemon_stop
check "the daemon exits with status 0" test $? = 0

### Older kernels deliver descriptors that are sent with the greeting.
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
"$bin/rogue-launcher" "$work/older" crowd 1 0 <"$work/hold" >"$work/holder" &
holder=$!
exec 9>"$work/hold"
wait_for grep -q refused "$work/holder"
early_fds_are_refused() {
        local n output
        for n in {1..20}; do
                output=$(timeout 20 "$bin/rogue-launcher" "$work/older" early-fds </dev/null 2>&1)
                [[ $output == "refused: user 0 has as many connections as a user may, 1;"* ]] || { echo "the daemon's answer: $output"; return 1; }
        done
}
check "descriptors sent with the greeting, over too many connections: each connection is refused" early_fds_are_refused
exec 9>&-
wait $holder
in_older() {
        "$SNOTIFY_RUN" --socket "$work/older" -- true
}
no_connection_is_kept() {
        [ "$(acceptor_fds)" = "$n_fds" ] && ! pgrep -P "$older" -x snotifyd-verify
}
check "... and the acceptor has closed all descriptors" wait_for no_connection_is_kept
check "... and launchers begin sessions" in_older
kill $older
wait $older
check "the daemon exits with status 0" test $? = 0

### A user sends many of them, some of which hang the process that drops them.  A low limit of descriptors makes the acceptor full soon.
rm "$work/older"
printf '[limits]\nhandshake-timeout = 1s\n[profile default]\ndefault = allow\n' >"$work/conf"
before=$(grep -c "sent something that hangs" "$work/log")
# Stands in for systemd, and writes what the daemon tells it to $work/status.
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
# acceptors_are N: there are so many acceptors; the last one accepts, and the others hang.
acceptors_are() {
        [ "$(pgrep -c -P "$older" snotifyd-accept)" = "$1" ]
}
# pile NUMBER UID...: runs rogue-launcher's pile in the background.
pilers=()
pile() {
        "$bin/rogue-launcher" "$work/older" pile "$@" </dev/null >"$work/pile" 2>&1 &
        pilers+=($!)
}
status_says() {
        grep "^STATUS=" "$work/status" | tail -n 1 | grep -q "^$1"
}
in_older_soon() {
        timeout 20 "$SNOTIFY_RUN" --socket "$work/older" -- true
}
if ! grep -q "is not a seccomp listener" "$work/flush"; then
        skip "many descriptors, some of which hang the process that drops them" "there is no FUSE here"
else
        pile 400 65534
        check "400 connections send descriptors with the greeting, some of which hang the process that drops them" wait_for grep -q all "$work/pile"
        check "... hang four verifiers" wait_for logged_times "sent something that hangs" $((before + 4))
        check "... and other launchers begin sessions" in_older_soon
        kill -KILL "$(pgrep -P $older -x snotifyd-accept)"
        check "the acceptor, which holds the others, is killed and hangs: launchers begin sessions" in_older_soon
        check "... the old one still hangs" acceptors_are 2
        check "... and that is recorded" logged "which accepted launchers, does not end"
        pile 1000 65534
        check "the acceptor has as many descriptors as it can: launchers begin sessions" in_older_soon
        check "... because another acceptor has taken its place" wait_for acceptors_are 3
        check "... and that is recorded" logged "connections of user 65534 with file descriptors that were sent unasked"
        check "... and the user's own launcher is refused" refuses "user 65534 gets no session while something that it sent hangs in snotifyd" \
                as_user "$SNOTIFY_RUN" --socket "$work/older" -- mkdir "$ran"
        pile 10000 65534
        check "eight acceptors hang and the last one is full: no more are started" wait_for logged "no launcher is accepted: 8 processes that accepted launchers hang"
        check "... there are nine" acceptors_are 9
        check "... and systemctl status would say so" wait_for status_says "STATUS=no launcher is accepted, because processes that accepted launchers hang; "
        timeout 60 "$SNOTIFY_RUN" --socket "$work/older" -- true &
        waiting=$!
        kill "${pilers[@]}"
        wait $waiting
        check "when the user's processes are killed, a waiting launcher begins its session" test $? = 0
        check "... that is recorded" logged "launchers are accepted again"
        wait "${pilers[@]}"
        check "... systemctl status would not say so any more" wait_for status_says "STATUS=[0-9]* session"
        check "... one acceptor is left" wait_for acceptors_are 1
        check "... and the user's own launchers begin sessions again" wait_for as_user "$SNOTIFY_RUN" --socket "$work/older" -- true
fi
kill $older
wait $older
check "the daemon exits with status 0" test $? = 0
kill $receiver
wait $receiver 2>/dev/null

### Launchers outside and inside of the daemon's PID namespace.
printf '[profile default]\ndefault = allow\n' >"$work/conf"
unshare --pid --fork --kill-child --mount-proc "$SNOTIFYD" --config "$work/conf" --socket "$work/inner" --log-target=stderr 2>>"$work/log" &
inner=$!
wait_for is_listening "$work/inner"
check "a launcher from outside of the daemon's PID namespace is refused" refuses "snotifyd does not see this process" \
        "$SNOTIFY_RUN" --socket "$work/inner" -- mkdir "$ran"
in_there() {
        nsenter --target "$(pgrep -P "$inner")" --pid --mount "$SNOTIFY_RUN" --socket "$work/inner" -- true
}
check "... one inside of it begins a session" in_there
kill "$(pgrep -P $inner)"
wait $inner
check "the daemon exits with status 0" test $? = 0
finish
