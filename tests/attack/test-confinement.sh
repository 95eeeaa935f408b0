#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A worker, a deputy or a vetting child that was taken over makes a system call which it does not need: it dies, the journal says
# so, and nothing is made.  The daemon is the real one, but for what ./traitor.c links around three of its functions.
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
        write-memory unlink rename chmod map-code make-code other-abi i386 no-such-call thread signal mount-namespace keep-capabilities
        limit listen)
not_worker=(open-by-handle read-memory fork user user-namespace chroot capabilities terminal filter)
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
deputy_dies() {
        local from
        from=$(($(wc -l <"$work/log") + 1))
        fails_with $EIO supervised_user -- unshare -Ur "$bin/mkdir-as" mkdir "$tree" "deputy-$1" || return
        wait_for logged_times $from "^trouble with .*: EIO (deputies died over it)" 1 || return
        [ ! -e "$tree/deputy-$1" ]
}
vetting_dies() {
        local from
        from=$(($(wc -l <"$work/log") + 1))
        fails_with $launcher_fails supervised --label "vetting-$1" -- mkdir "$tree/vetting-$1" || return
        wait_for logged_times $from "a vetting child was $forbidden" 1 || return
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
        check "a deputy" made deputy-getpid supervised_user -- unshare -Ur mkdir "$tree/deputy-getpid"
        for call in "${everybody[@]}" "${not_worker[@]}"; do
                check "... $call: it dies" deputy_dies "$call"
        done
else
        skip "a deputy" "the user may not make a user namespace here"
fi

check "other sessions go on" made after supervised_user -- mkdir "$tree/after"
daemon_stop
check "the daemon ends well" test $? = 0
finish
