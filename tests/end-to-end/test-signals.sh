#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Signals, debuggers and the freezer, while calls begin and in the middle of them: each call has one effect, which is what its
# caller and the records are told.
source "$(dirname "$0")/lib.sh" alone

SYS_mkdir=83
SYS_ppoll=271
calls=100000

mkdir "$work/storm" "$work/slow" "$work/long"
mount -t tmpfs -o mode=755 tmpfs "$work/storm" || skip_all "cannot mount"
trap 'umount "$work/storm"; cleanup' EXIT
daemon_start <<CONF
[limits]
records-per-second = 1000000

[profile default]
default = allow
log = all

[rule slow]
path = $work/slow/
action = allow
delay = 3s

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

no_workers() {
        ! daemon_children
}

### Storms.

# storm ARG...: $result is what it says.
storm() {
        result=$(supervised --profile="$profile" -- "$bin/signal-storm" "$work/storm" "$@")
        echo "# $*: $result"
}

# count NAME: how many calls ended so.
count() {
        local words="$result "
        words=${words#*"$1 "}
        echo "${words%% *}"
}

# result_is PATTERN
result_is() {
        # shellcheck disable=SC2053
        [[ $result == $1 ]] || { echo "$result"; return 1; }
}

# What was performed is what was reported to the caller: a session's totals are in the record of its end.
totals_agree() {
        wait_for last_ended && grep '^session .* ended' "$work/log" | tail -n 1 |
                grep -F " ended: $(count made) allowed, 0 denied, 0 failed" || { tail -n 3 "$work/log"; return 1; }
}
last_ended() {
        [ "$(grep -c '^session .* ended' "$work/log")" = "$(grep -c '^session .* started' "$work/log")" ]
}

profile=counted
storm 1 $calls 100 restart
check "a timer each 100 us, SA_RESTART: $calls calls succeed" result_is "made $calls EINTR 0 EEXIST 0 other 0 wrong 0 *"
check "... under signals" test "$(count signals)" -gt 1000
check "... and so says the session's end" totals_agree

storm 4 2500 100 restart
check "... and those of 4 threads" result_is "made 10000 EINTR 0 EEXIST 0 other 0 wrong 0 *"
check "... and so says the session's end" totals_agree

# How many are interrupted before they are received is a matter of how long that takes, hence of what else the machine does.
for ((round = 0; round < 20; round++)); do
        storm 8 1000 1000 interrupt
        [[ $result == *" EEXIST 0 other 0 wrong 0 "* ]] && totals_agree >/dev/null || break
        [ "$(count interrupted)" -ge 100 ] || break
        [ -z "${SANITIZED-}" ] || break
done
check "a timer each 1 ms, 8 threads, no SA_RESTART: no false EEXIST" result_is "* EEXIST 0 other 0 wrong 0 *"
check "... and so says the session's end" totals_agree
if [ -z "${SANITIZED-}" ]; then
        check "... EINTR in less than 1 %" test "$(count interrupted)" -lt 100
else
        skip "... EINTR in less than 1 %" "the build is sanitized"
fi

profile=default
storm 1 5000 100 interrupt
check "a timer each 100 us, no SA_RESTART: no false EEXIST" result_is "* EEXIST 0 other 0 wrong 0 *"
check "... and so says the session's end" totals_agree
recorded_once() {
        grep -F "allowed mkdir(\"$work/storm/" "$work/log" | sed 's/").*//' | sort >"$work/made"
        [ "$(wc -l <"$work/made")" = "$(count made)" ] && [ -z "$(uniq -d "$work/made")" ] || { wc -l "$work/made"; return 1; }
}
check "... and each has one record" recorded_once

### In mid-call: the worker has received the call, and waits for the rule's delay to be over.

# begin DIRECTORY/NAME: $workload is the process.
begin() {
        "$SNOTIFY_RUN" --socket "$socket" -- mkdir "$work/$1" &
        workload=$!
        wait_for received 1
}

# received N: that many calls more are in their delay.  Until a call is received all that follows would only make it begin anew.
# To the outside its caller is the same before and after, but its worker polls nothing then.
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

# one_call NAME: it is made, which is recorded once.
one_call() {
        wait_for has_record "$1"
        [ -d "$work/$1" ] && [ "$(grep -cF "mkdir(\"$work/$1\")" "$work/log")" = 1 ] &&
                grep -qF "allowed mkdir(\"$work/$1\") by mkdir[" "$work/log" ||
                { ls -ld "$work/$1"; grep -F "$work/$1" "$work/log"; return 1; }
}

## Who is killed.

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

wait_for no_workers
for signal in KILL TERM; do
        begin "long/$signal"
        check "a call is in progress" test $? = 0
        kill_workload $signal
        check "SIG$signal in mid-call: the target dies at once" died_at_once $signal
        check "... and the call is given up" wait_for no_workers
        check "... unperformed, which has no record" fails_with 1 has_record "long/$signal"
done

"$SNOTIFY_RUN" --socket "$socket" -- "$bin/signal-storm" "$work/long" 4 1 100000000 restart &
workload=$!
wait_for received 4
check "four threads are in a call each" test $? = 0
kill_workload KILL
check "SIGKILL: the target dies at once" died_at_once KILL
check "... and the calls are given up" wait_for no_workers

# In a session that goes on.
mkfifo "$work/end"
# shellcheck disable=SC2016
"$SNOTIFY_RUN" --socket "$socket" -- sh -c 'mkdir "$0/long/sibling" & echo $! >"$0/sibling"; read -r _ <"$0/end"' "$work" &
session=$!
wait_for test -s "$work/sibling"
sibling=$(cat "$work/sibling")
wait_for received 1
check "a call is in progress" test $? = 0
kill -KILL "$sibling"
check "SIGKILL in mid-call: the sibling is gone" wait_for has_state "$sibling" Z
check "... and its call is given up" wait_for no_workers
check "... unperformed, which has no record" fails_with 1 has_record long/sibling
exec 9>"$work/end"
exec 9>&-
wait $session
check "nothing was made for the dead" test -z "$(ls "$work/long")"

## Who is stopped; all at the same time.

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

# cgroup_of FILE_SYSTEM OPTIONS: where this test's own could be.
cgroup_of() {
        local mount
        mount=$(findmnt --noheadings --first-only --output TARGET --types "$1" --options "$2") && echo "$mount/${work##*/}"
}
declare -A cgroup=([2]=$(cgroup_of cgroup2 rw) [1]=$(cgroup_of cgroup rw,freezer)) has_freezer
declare -A file=([2]=cgroup.freeze [1]=freezer.state) freeze=([2]=1 [1]=FROZEN) thaw=([2]=0 [1]=THAWED)
trap 'rmdir "${cgroup[@]}" 2>/dev/null; umount "$work/storm"; cleanup' EXIT

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

# The signals come from when the call was received for sure.
"$SNOTIFY_RUN" --socket "$socket" -- "$bin/signal-storm" "$work/slow" 1 1 500000 interrupt >"$work/handled.out" &
handled=$!

check "SIGSTOP in mid-call: the target stops" wait_for has_state $stopped T
check "... when one directory was made" one_call slow/stopped
kill -CONT $stopped
wait $stopped
check "... and is told so once it goes on" test $? = 0

# mkdir() has returned 0.
is_after_mkdir() {
        [ "$(cat "$1")" = "$SYS_mkdir 0" ] || { cat "$1"; return 1; }
}
for how in seize attach; do
        wait "${debugger[$how]}"
        check "a debugger in mid-call ($how): the target stops" test $? = 0
        check "... and the debugger sees the call's end" is_after_mkdir "$work/$how.out"
        wait "${target[$how]}"
        check "... the target goes on" test $? = 0
        check "... and one directory was made" one_call slow/$how
done

for version in 2 1; do
        if [ -z "${has_freezer[$version]-}" ]; then
                skip "the freezer of cgroup v$version in mid-call" "it can not be used here"
                continue
        fi
        check "the freezer of cgroup v$version in mid-call: the target freezes" wait_for is_frozen $version
        check "... when one directory was made" one_call slow/freezer-$version
        kill -0 "${target[freezer-$version]}"
        check "... which it does not know yet" test $? = 0
        echo "${thaw[$version]}" >"${cgroup[$version]}/${file[$version]}"
        wait "${target[freezer-$version]}"
        check "... and is told so once it goes on" test $? = 0
done

wait $handled
result=$(cat "$work/handled.out")
echo "# $result"
check "signals in mid-call with a handler and no SA_RESTART: the call succeeds" \
        result_is "made 1 EINTR 0 EEXIST 0 other 0 wrong 0 *"
check "... and the handler has run" test "$(count signals)" -gt 0

check "no worker stays" wait_for no_workers
check "no worker died" fails_with 1 grep 'a worker' "$work/log"
stop_and_finish
