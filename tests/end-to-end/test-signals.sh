#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Signals, debuggers and the cgroup freezer stop or interrupt a target before and during its calls: each call takes effect once, and its
# result and its record agree with that.
source "$(dirname "$0")/lib.sh" alone

SYS_mkdir=83
SYS_ppoll=271
calls=$(fewer 100000)
# Long enough to stop the target meanwhile.
delay=3s
[ -z "${SNOTIFY_TEST_FEWER-}" ] || delay=8s

mkdir "$work/signals" "$work/slow" "$work/long"
mount -t tmpfs -o mode=755 tmpfs "$work/signals" || skip_all "cannot mount"
trap 'umount "$work/signals"; cleanup' EXIT
daemon_start <<CONF
[limits]
records-per-second = 1000000

[profile default]
default = allow
log = all

[rule slow]
path = $work/slow/
action = allow
delay = $delay

[rule long]
path = $work/long/
action = allow
delay = 60s

[profile counted]
default = allow
log = none
CONF

msec() {
        echo $(($(date +%s%N) / 1000000))
}

### Many signals.

# signal_storm ARG...: runs that program, and sets $result to its output.
signal_storm() {
        result=$(supervised --profile="$profile" -- "$bin/signal-storm" "$work/signals" "$@")
        echo "# $*: $result"
}

# result_is PATTERN
result_is() {
        # shellcheck disable=SC2053
        [[ $result == $1 ]] || { echo "$result"; return 1; }
}

# The session's totals, in the record of its end, are the results that the callers got.
totals_agree() {
        wait_for last_ended && grep '^session .* ended' "$work/log" | tail -n 1 |
                grep -F " ended: $(count made) allowed, 0 denied, 0 failed" || { tail -n 3 "$work/log"; return 1; }
}
last_ended() {
        [ "$(grep -c '^session .* ended' "$work/log")" = "$(grep -c '^session .* started' "$work/log")" ]
}

profile=counted
signal_storm 1 "$calls" 100 restart
check "a signal every 100 us, with SA_RESTART: $calls calls succeed" result_is "made $calls EINTR 0 EEXIST 0 other 0 wrong 0 *"
check "... under more than 1000 signals" test "$(count signals)" -gt 1000
check "... and the session's totals agree" totals_agree

each=$(fewer 2500)
signal_storm 4 "$each" 100 restart
check "... and so do those of 4 threads" result_is "made $((4 * each)) EINTR 0 EEXIST 0 other 0 wrong 0 *"
check "... and the session's totals agree" totals_agree

# How many calls are interrupted before a worker has received them depends on the load of the machine: up to 20 rounds.
for ((round = 0; round < 20; round++)); do
        signal_storm 8 "$(fewer 1000)" 1000 interrupt
        [[ $result == *" EEXIST 0 other 0 wrong 0 "* ]] && totals_agree >/dev/null || break
        [ "$(count interrupted)" -ge 100 ] || break
        [ -z "${SANITIZED-}${SNOTIFY_TEST_FEWER-}" ] || break
done
check "a signal every 1 ms, 8 threads, without SA_RESTART: no call fails with EEXIST for a directory that it has created itself" result_is "* EEXIST 0 other 0 wrong 0 *"
check "... and the session's totals agree" totals_agree
is_idle() {
        local load
        read -r load _ </proc/loadavg
        [ "${load%.*}" -le "$(nproc)" ]
}
if [ -z "${SANITIZED-}${SNOTIFY_TEST_FEWER-}" ] && { [ "$(count interrupted)" -lt 100 ] || is_idle; }; then
        check "... less than 1 % of the calls fail with EINTR" test "$(count interrupted)" -lt 100
else
        skip "... less than 1 % of the calls fail with EINTR" "the build is sanitized, or the machine is emulated or busy: $(count interrupted) of 10000 did"
fi

profile=default
signal_storm 1 "$(fewer 5000)" 100 interrupt
check "a signal every 100 us, without SA_RESTART: no call fails with EEXIST for a directory that it has created itself" result_is "* EEXIST 0 other 0 wrong 0 *"
check "... and the session's totals agree" totals_agree
recorded_once() {
        grep -F "allowed mkdir(\"$work/signals/" "$work/log" | sed 's/").*//' | sort >"$work/made"
        [ "$(wc -l <"$work/made")" = "$(count made)" ] && [ -z "$(uniq -d "$work/made")" ] || { wc -l "$work/made"; return 1; }
}
check "... and each successful call has one record" recorded_once

### During a call: the worker has received it, and waits until the rule's delay is over.

# begin DIRECTORY/NAME: starts a call, and sets $workload to its process.
begin() {
        "$SNOTIFY_RUN" --socket "$socket" -- mkdir "$work/$1" &
        workload=$!
        wait_for received 1
}

# received N: that many further calls are in their delay.  The kernel restarts a call that is stopped or interrupted before a worker
# has received it, so that the checks below would prove nothing.  The caller looks the same before and after that, but the worker
# sleeps in ppoll(2) without descriptors afterwards.
delays=' '
received() {
        local pid nr fds nfds new=()
        for pid in $(daemon_children); do
                nr='' fds='' nfds=''
                { read -r nr fds nfds _ <"/proc/$pid/syscall"; } 2>/dev/null
                [ "$nr $fds $nfds" != "$SYS_ppoll 0x0 0x0" ] || [[ $delays == *" $pid "* ]] || new+=("$pid")
        done
        [ ${#new[@]} = "$1" ] && delays+="${new[*]} "
}

has_state() {
        [ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null)" = "$2" ]
}

has_record() {
        grep -qF "mkdir(\"$work/$1\")" "$work/log"
}

# one_call NAME: the directory exists, and has one record.
one_call() {
        wait_for has_record "$1"
        [ -d "$work/$1" ] && [ "$(grep -cF "mkdir(\"$work/$1\")" "$work/log")" = 1 ] &&
                grep -qF "allowed mkdir(\"$work/$1\") by mkdir[" "$work/log" ||
                { ls -ld "$work/$1"; grep -F "$work/$1" "$work/log"; return 1; }
}

## Targets that are killed.

# kill_workload SIGNAL
kill_workload() {
        local begin status
        begin=$(msec)
        kill "-$1" $workload
        wait $workload 2>/dev/null
        status=$?
        elapsed=$(($(msec) - begin))
        died_of=$(kill -l $status)
}

died_at_once() {
        [ "$died_of" = "$1" ] && [ "$elapsed" -lt 5000 ] || { echo "died of $died_of after $elapsed ms"; return 1; }
}

wait_for has_no_children
for signal in KILL TERM; do
        begin "long/$signal"
        check "a call is in progress" test $? = 0
        kill_workload $signal
        check "SIG$signal during a call: the target dies at once" died_at_once $signal
        check "... the worker gives the call up" wait_for has_no_children
        check "... and neither performs nor records it" fails_with 1 has_record "long/$signal"
done

"$SNOTIFY_RUN" --socket "$socket" -- "$bin/signal-storm" "$work/long" 4 1 100000000 restart &
workload=$!
wait_for received 4
check "four threads have a call in progress each" test $? = 0
kill_workload KILL
check "SIGKILL during their calls: the process dies at once" died_at_once KILL
check "... and the workers give the calls up" wait_for has_no_children

# The session goes on when one of its processes dies.
mkfifo "$work/end"
# shellcheck disable=SC2016
"$SNOTIFY_RUN" --socket "$socket" -- sh -c 'mkdir "$0/long/child" & echo $! >"$0/child"; read -r _ <"$0/end"' "$work" &
session=$!
wait_for test -s "$work/child"
child=$(cat "$work/child")
wait_for received 1
check "a call is in progress" test $? = 0
kill -KILL "$child"
check "SIGKILL during a call, in a session that goes on: the target dies" wait_for has_state "$child" Z
check "... the worker gives its call up" wait_for has_no_children
check "... and neither performs nor records it" fails_with 1 has_record long/child
exec 9>"$work/end"
exec 9>&-
wait $session
check "no directory was created for a dead target" test -z "$(ls "$work/long")"

## Targets that are stopped, all at the same time.

begin slow/stopped
check "a call is in progress" test $? = 0
stopped=$workload
kill -STOP $stopped

declare -A debugger target
for how in seize attach; do
        begin slow/$how
        target[$how]=$workload
        "$bin/debugger" $how $workload >"$work/$how.out" 2>&1 &
        debugger[$how]=$!
done

# cgroup_of FILE_SYSTEM OPTIONS: prints a path for a cgroup of this test.
cgroup_of() {
        local mount
        mount=$(findmnt --noheadings --first-only --output TARGET --types "$1" --options "$2") && echo "$mount/${work##*/}"
}
declare -A cgroup=([2]=$(cgroup_of cgroup2 rw) [1]=$(cgroup_of cgroup rw,freezer)) has_freezer
declare -A file=([2]=cgroup.freeze [1]=freezer.state) freeze=([2]=1 [1]=FROZEN) thaw=([2]=0 [1]=THAWED)
trap 'rmdir "${cgroup[@]}" 2>/dev/null; umount "$work/signals"; cleanup' EXIT

is_frozen() {
        grep -qx 'frozen 1' "${cgroup[$1]}/cgroup.events" 2>/dev/null || grep -qx FROZEN "${cgroup[$1]}/freezer.state" 2>/dev/null
}

for version in 2 1; do
        { [ -n "${cgroup[$version]}" ] && mkdir "${cgroup[$version]}" && [ -e "${cgroup[$version]}/${file[$version]}" ]; } \
                2>/dev/null || continue
        begin slow/freezer-$version
        target[freezer-$version]=$workload
        { echo $workload >"${cgroup[$version]}/cgroup.procs" &&
                echo "${freeze[$version]}" >"${cgroup[$version]}/${file[$version]}"; } 2>/dev/null || continue
        has_freezer[$version]=yes
done

# The first signal comes after 0.5 s, when a worker has received the call.
"$SNOTIFY_RUN" --socket "$socket" -- "$bin/signal-storm" "$work/slow" 1 1 500000 interrupt >"$work/handled.out" &
handled=$!

check "SIGSTOP during a call: the target stops" wait_for has_state $stopped T
check "... the directory is created once" one_call slow/stopped
kill -CONT $stopped
wait $stopped
check "... and once the target continues its call succeeds" test $? = 0

# mkdir() has returned 0.
is_after_mkdir() {
        [ "$(cat "$1")" = "$SYS_mkdir 0" ] || { cat "$1"; return 1; }
}
for how in seize attach; do
        wait "${debugger[$how]}"
        check "a debugger stops the target during a call ($how)" test $? = 0
        check "... and the debugger sees the call's end" is_after_mkdir "$work/$how.out"
        wait "${target[$how]}"
        check "... the target's call succeeds" test $? = 0
        check "... and the directory is created once" one_call slow/$how
done

for version in 2 1; do
        if [ -z "${has_freezer[$version]-}" ]; then
                skip "the freezer of cgroup v$version during a call" "it cannot be used here"
                continue
        fi
        check "the freezer of cgroup v$version during a call: the target freezes" wait_for is_frozen $version
        check "... the directory is created once" one_call slow/freezer-$version
        kill -0 "${target[freezer-$version]}"
        check "... while the target is still frozen" test $? = 0
        echo "${thaw[$version]}" >"${cgroup[$version]}/${file[$version]}"
        wait "${target[freezer-$version]}"
        check "... and once it is thawed its call succeeds" test $? = 0
done

wait $handled
result=$(cat "$work/handled.out")
echo "# $result"
check "a signal with a handler, without SA_RESTART, during a call: the call succeeds" \
        result_is "made 1 EINTR 0 EEXIST 0 other 0 wrong 0 *"
check "... and the handler has run" test "$(count signals)" -gt 0

check "no worker is left" wait_for has_no_children
check "no worker died" fails_with 1 grep 'a worker' "$work/log"
stop_and_finish
