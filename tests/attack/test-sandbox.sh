#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A compromised worker, helper, verifier or acceptor makes a system call that it does not need: its own filter kills it, the
# journal says so, and no directory is created.  The daemon is the real one, except for the wrappers in ./compromised-snotifyd.c.  And
# none of these processes has a capability that it does not need.
source "$(dirname "$0")/../end-to-end/lib.sh" alone
: "${COMPROMISED_SNOTIFYD:?}"

SNOTIFYD=$COMPROMISED_SNOTIFYD
tree=$work/tree
mkdir -m 777 "$tree"
# A guarded session needs no helpers.
daemon_start <<'CONF'
[profile default]
default = allow
log = none

[profile acting]
default = allow
guard = off
log = none
CONF
EIO=5 launcher_fails=125

forbidden_to_all=(execve execveat ptrace socket mount fsopen bpf io_uring module keyctl userfaultfd perf memfd unshare clone3 steal
        write-memory unlink rename chmod map-code make-code other-abi i386 no-such-call thread signal signal-by-descriptor signal-by-owner signal-by-socket terminal
        open-for-writing open-for-both open-and-create open-and-empty open-handle-for-writing open-without-name mount-namespace
        keep-capabilities limit listen)
allowed_to_worker=(open-by-handle read-memory fork user user-namespace chroot capabilities pidfd filter)
[ -n "$SANITIZED" ] || allowed_to_worker+=(write)

# logged_times LINE PATTERN N: the log has so many lines of that pattern from line LINE on.
logged_times() {
        [ "$(tail -n +"$1" "$work/log" | grep -c -- "$2")" = "$3" ]
}

forbidden="killed by SIGSYS: it made a system call that its sandbox forbids"
# created NAME COMMAND...: the command creates that directory.
created() {
        local path=$tree/$1
        shift
        "$@" && [ -d "$path" ] && rmdir "$path"
}
worker_dies() {
        local from
        from=$(($(wc -l <"$work/log") + 1))
        fails_with "$EIO" supervised -- "$bin/mkdir-as" mkdir "$tree" "worker-$1" || return
        wait_for logged_times "$from" "a worker of session .* was $forbidden" 3 || return
        wait_for logged_times "$from" "^trouble with .*: EIO (three workers died over it)" 1 || return
        [ ! -e "$tree/worker-$1" ]
}
helper_dies() {
        local from
        from=$(($(wc -l <"$work/log") + 1))
        fails_with "$EIO" supervised_user --profile acting -- unshare -Ur "$bin/mkdir-as" mkdir "$tree" "helper-$1" || return
        wait_for logged_times "$from" "^trouble with .*: EIO (helpers died over it)" 1 || return
        [ ! -e "$tree/helper-$1" ]
}
verifier_dies() {
        local from
        from=$(($(wc -l <"$work/log") + 1))
        fails_with "$launcher_fails" supervised --label "handshake-$1" -- mkdir "$tree/handshake-$1" || return
        # The launcher asks three times.
        wait_for logged_times "$from" "a verifier was $forbidden" 3 || return
        [ ! -e "$tree/handshake-$1" ]
}

check "a worker that makes a call which its filter allows is unaffected" \
        created worker-getpid supervised -- mkdir "$tree/worker-getpid"
for call in "${forbidden_to_all[@]}"; do
        check "a worker that makes a forbidden call dies: $call" worker_dies "$call"
done

check "a verifier that makes a call which its filter allows is unaffected" \
        created handshake-getpid supervised --label handshake-getpid -- mkdir "$tree/handshake-getpid"
for call in "${forbidden_to_all[@]}" "${allowed_to_worker[@]}"; do
        check "a verifier that makes a forbidden call dies: $call" verifier_dies "$call"
done

if as_user unshare -Ur true 2>/dev/null; then
        check "a helper that makes a call which its filter allows is unaffected" \
                created helper-getpid supervised_user --profile acting -- unshare -Ur mkdir "$tree/helper-getpid"
        for call in "${forbidden_to_all[@]}" "${allowed_to_worker[@]}"; do
                check "a helper that makes a forbidden call dies: $call" helper_dies "$call"
        done
else
        skip "a compromised helper" "an unprivileged user cannot create a user namespace here"
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
effective_of_worker=$(bits $dac_read_search $sys_ptrace)
permitted_of_worker=$((effective_of_worker | $(bits $dac_override $setgid $setuid $sys_admin $sys_chroot $sys_resource)))
needed=$((permitted_of_worker | $(bits $kill)))
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
check "... nor can gain more" has_no_more $daemon_pid CapBnd $needed
check "... and has none of them in effect" has_no_more $daemon_pid CapEff 0
supervised_user -- sh -c 'mkdir "$1"; exec sleep 60' sh "$tree/caller" &
sleeper=$!
wait_for test -d "$tree/caller"
process=none
wait_for find_process snotifyd-worker
check "a worker has only those in effect that it needs to read about its caller" has_no_more "$process" CapEff "$effective_of_worker"
check "... and cannot raise more than its other steps need" has_no_more "$process" CapPrm $permitted_of_worker
kill $sleeper
wait $sleeper 2>/dev/null

connect_silently() {
        python3 -c 'import socket, sys, time
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect(sys.argv[1])
time.sleep(1)' "$socket" &
        wait_for find_process snotifyd-verify
}
# Reads a link in /proc that takes access to the process.
has_access() {
        setpriv --inh-caps=-all --bounding-set=-all readlink "/proc/$1/fd/0" >"$work/fd"
}
setpriv --inh-caps=-all --bounding-set=-all sleep 60 &
sleeper=$!
check "root without capabilities has access to a process of root without capabilities" wait_for has_access $sleeper
kill $sleeper
wait $sleeper 2>/dev/null
process=none
connect_silently
check "a verifier has no capability" has_no_more "$process" CapPrm 0
check "... and root without capabilities has no access to it" fails_with 1 has_access "$process"

process=none
wait_for find_process snotifyd-accept
check "the acceptor has only CAP_SYS_PTRACE" has_no_more "$process" CapPrm "$(bits $sys_ptrace)"
check "... and root without capabilities has no access to it" fails_with 1 has_access "$process"

check "the daemon still serves new sessions" created after supervised_user -- mkdir "$tree/after"
daemon_stop
check "the daemon exits with status 0" test $? = 0

### The acceptor reads nothing from launchers: the environment tells it which call to make.
acceptor_dies() {
        local from status
        from=$(($(wc -l <"$work/log") + 1))
        COMPROMISED_CALL=$1 daemon_start <"$work/kept"
        fails_with "$launcher_fails" supervised -- mkdir "$tree/acceptor-$1"
        status=$?
        wait_for logged_in "$from" "the process that accepts launchers was $forbidden" || status=1
        daemon_stop
        [ "$status" = 0 ] && [ ! -e "$tree/acceptor-$1" ]
}
logged_in() {
        tail -n +"$1" "$work/log" | grep -q -- "$2"
}
cp "$work/conf" "$work/kept"
for call in execve ptrace socket mount open-by-handle read-memory fork user user-namespace capabilities steal; do
        check "an acceptor that makes a forbidden call dies: $call" acceptor_dies "$call"
done
COMPROMISED_CALL=getpid daemon_start <"$work/kept"
check "an acceptor that makes a call which its filter allows is unaffected" supervised -- true
stop_and_finish
