#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A worker, a helper or a vetting child that was taken over makes a system call which it does not need: it dies, the journal says
# so, and nothing is made.  The daemon is the real one, but for what ./traitor.c links around three of its functions.  Nor have
# they capabilities that they do not need.
source "$(dirname "$0")/../end-to-end/lib.sh" alone
: "${TRAITOR:?}"

SNOTIFYD=$TRAITOR
tree=$work/tree
mkdir -m 777 "$tree"
daemon_start <<'CONF'
[profile default]
default = allow
log = none
CONF
EIO=5 launcher_fails=125

everybody=(execve execveat ptrace socket mount fsopen bpf io_uring module keyctl userfaultfd perf memfd unshare clone3 steal
        write-memory unlink rename chmod map-code make-code other-abi i386 no-such-call thread signal signal-by-descriptor signal-by-owner signal-by-socket terminal
        open-for-writing open-for-both open-and-create open-and-empty open-handle-for-writing open-without-name mount-namespace
        keep-capabilities limit listen)
not_worker=(open-by-handle read-memory fork user user-namespace chroot capabilities pidfd filter)
[ -n "$SANITIZED" ] || not_worker+=(write)

# By everything that was said since.
logged_times() {
        [ "$(tail -n +"$1" "$work/log" | grep -c -- "$2")" = "$3" ]
}

forbidden="killed by SIGSYS: it made a system call that its own filter forbids"
made() {
        local path=$tree/$1
        shift
        "$@" && [ -d "$path" ] && rmdir "$path"
}
worker_dies() {
        local from
        from=$(($(wc -l <"$work/log") + 1))
        fails_with $EIO supervised -- "$bin/mkdir-as" mkdir "$tree" "worker-$1" || return
        wait_for logged_times $from "a worker of session .* was $forbidden" 3 || return
        wait_for logged_times $from "^trouble with .*: EIO (workers died over it)" 1 || return
        [ ! -e "$tree/worker-$1" ]
}
helper_dies() {
        local from
        from=$(($(wc -l <"$work/log") + 1))
        fails_with $EIO supervised_user -- unshare -Ur "$bin/mkdir-as" mkdir "$tree" "helper-$1" || return
        wait_for logged_times $from "^trouble with .*: EIO (helpers died over it)" 1 || return
        [ ! -e "$tree/helper-$1" ]
}
vetting_dies() {
        local from
        from=$(($(wc -l <"$work/log") + 1))
        fails_with $launcher_fails supervised --label "vetting-$1" -- mkdir "$tree/vetting-$1" || return
        # The launcher asks three times.
        wait_for logged_times $from "a vetting child was $forbidden" 3 || return
        [ ! -e "$tree/vetting-$1" ]
}

check "a worker that makes a call which is on its list goes on" \
        made worker-getpid supervised -- mkdir "$tree/worker-getpid"
for call in "${everybody[@]}"; do
        check "... $call: it dies" worker_dies "$call"
done

check "a vetting child" made vetting-getpid supervised --label vetting-getpid -- mkdir "$tree/vetting-getpid"
for call in "${everybody[@]}" "${not_worker[@]}"; do
        check "... $call: it dies" vetting_dies "$call"
done

if as_user unshare -Ur true 2>/dev/null; then
        check "a helper" made helper-getpid supervised_user -- unshare -Ur mkdir "$tree/helper-getpid"
        for call in "${everybody[@]}" "${not_worker[@]}"; do
                check "... $call: it dies" helper_dies "$call"
        done
else
        skip "a helper" "the user may not make a user namespace here"
fi

### Capabilities.
bits() {
        local bit mask=0
        for bit; do
                mask=$((mask | 1 << bit))
        done
        echo $mask
}
dac_override=1 dac_read_search=2 kill=5 setgid=6 setuid=7 sys_chroot=18 sys_ptrace=19 sys_admin=21 sys_resource=24
raised=$(bits $dac_read_search $sys_ptrace)
of_worker=$((raised | $(bits $dac_override $setgid $setuid $sys_admin $sys_chroot $sys_resource)))
needed=$((of_worker | $(bits $kill)))
# has_no_more PID FIELD MASK
has_no_more() {
        local has
        has=0x$(awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status") || return
        ((!(has & ~$3))) || { echo "$2 of $1 is $has"; return 1; }
}
find_process() {
        process=$(pgrep -x "$1")
}

check "the daemon has no more capabilities than its workers need" has_no_more $daemon_pid CapPrm $needed
check "... nor could get them" has_no_more $daemon_pid CapBnd $needed
check "... and uses none of them" has_no_more $daemon_pid CapEff 0
supervised_user -- sh -c 'mkdir "$1"; exec sleep 60' sh "$tree/caller" &
sleeper=$!
wait_for test -d "$tree/caller"
process=none
wait_for find_process snotifyd-worker
check "a worker uses no more than it needs to read its caller" has_no_more "$process" CapEff $raised
check "... and cannot have more than its other steps need" has_no_more "$process" CapPrm $of_worker
kill $sleeper
wait $sleeper 2>/dev/null

visit() {
        python3 -c 'import socket, sys, time
visitor = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
visitor.connect(sys.argv[1])
time.sleep(1)' "$socket" &
        wait_for find_process snotifyd-vet
}
looks_at() {
        setpriv --inh-caps=-all --bounding-set=-all readlink "/proc/$1/fd/0" >"$work/fd"
}
setpriv --inh-caps=-all --bounding-set=-all sleep 60 &
sleeper=$!
check "root without capabilities looks into a process of the same kind" wait_for looks_at $sleeper
kill $sleeper
wait $sleeper 2>/dev/null
process=none
visit
check "a vetting child has no capability" has_no_more "$process" CapPrm 0
check "... and root without capabilities does not look into it" fails_with 1 looks_at "$process"

process=none
wait_for find_process snotifyd-accept
check "the acceptor has one capability" has_no_more "$process" CapPrm $(bits $sys_ptrace)
check "... and root without capabilities does not look into it" fails_with 1 looks_at "$process"

check "other sessions go on" made after supervised_user -- mkdir "$tree/after"
daemon_stop
check "the daemon ends well" test $? = 0

### The acceptor, which no launcher can tell anything: the environment does.
acceptor_dies() {
        local from status
        from=$(($(wc -l <"$work/log") + 1))
        TREASON=$1 daemon_start <"$work/kept"
        fails_with $launcher_fails supervised -- mkdir "$tree/acceptor-$1"
        status=$?
        wait_for logged_in "$from" "the process that accepts launchers was $forbidden" || status=1
        daemon_stop
        [ $status = 0 ] && [ ! -e "$tree/acceptor-$1" ]
}
logged_in() {
        tail -n +"$1" "$work/log" | grep -q -- "$2"
}
cp "$work/conf" "$work/kept"
for call in execve ptrace socket mount open-by-handle read-memory fork user user-namespace capabilities steal; do
        check "an acceptor that makes a call which is not on its list dies: $call" acceptor_dies "$call"
done
TREASON=getpid daemon_start <"$work/kept"
check "... one that makes one that is goes on" supervised -- true
daemon_stop
check "the daemon ends well" test $? = 0
finish
