#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A workload forges its own entry in a copy of /proc: the links there, of another process, must not give it access to what that process
# has.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

tree=$work/tree
mkdir -m 755 "$tree"
mkdir -m 777 "$tree"/{forge,forge/that,private}
mkdir -m 700 "$tree/closed"
mkdir -m 777 "$tree/closed/inner"
mkfifo -m 666 "$tree/forge/fifo"
daemon_start <<CONF
[profile default]
default = allow
errno = EXDEV
log = none

[profile opposite]
default = deny
errno = EXDEV
CONF
EACCES=13
! as_user unshare -Urm true 2>/dev/null || namespaces=yes

# Processes of root, to which no user has access.
(cd "$tree/closed/inner" && exec sleep 1000 7</ 8<.) &
victim=$!
unshare -m sh -ec "mount -t tmpfs -o mode=777 tmpfs $tree/private; cd $tree/private; exec sleep 1000" &
service=$!
is_sleeping() {
        [ "$(cat "/proc/$1/comm")" = sleep ]
}
wait_for is_sleeping $victim
wait_for is_sleeping $service

nothing_created() {
        [ -z "$(find "$tree/closed/inner" "/proc/$service/cwd/" -mindepth 1)" ] || { echo "a directory was created"; return 1; }
}

# Shows that the forgery works: root, which has access, creates the directory by the forged path.
misleads() {
        local path
        coproc FORGER { "$@" "$bin/forger" show "$victim" "$tree/forge" cwd/x; }
        read -r path <&"${FORGER[0]}"
        mkdir "$path" && rmdir "$tree/closed/inner/x"
        local status=$?
        eval "exec ${FORGER[1]}>&-"
        wait "$FORGER_PID"
        return "$status"
}

# forgery NAME COMMAND...: COMMAND runs the attack as a user without access to the victim.
forgery() {
        local name=$1 how fd
        shift
        local supervised=("$@" "$SNOTIFY_RUN" --socket "$socket")
        check "$name: the forged path leads a process with access to everything to the victim's directory" misleads "$@"
        for how in entry thread cwd; do
                check "$name, $how: natively the call for a directory in a closed one fails" \
                        fails_with $EACCES "$@" "$bin/forger" $how $victim "$tree/forge" cwd/x
                check "... and supervised" fails_with $EACCES "${supervised[@]}" -- "$bin/forger" $how $victim "$tree/forge" cwd/x
                check "... and by the victim's root directory" fails_with $EACCES "${supervised[@]}" -- \
                        "$bin/forger" $how $victim "$tree/forge" "root$tree/closed/inner/x"
                check "... and by a descriptor of the victim" \
                        fails_with $EACCES "${supervised[@]}" -- "$bin/forger" $how $victim "$tree/forge" fd/8/x
                check "... and in the private tmpfs of a service" \
                        fails_with $EACCES "${supervised[@]}" --profile opposite -- "$bin/forger" $how $service "$tree/forge" cwd/x
                check "... and nothing is created" nothing_created
                for fd in 7 99; do
                        "$@" "$bin/forger" $how $victim "$tree/forge" fd/$fd
                        check "... the error tells no more than natively whether the victim has descriptor $fd open" \
                                fails_with $? "${supervised[@]}" -- "$bin/forger" $how $victim "$tree/forge" fd/$fd
                done
        done
        check "$name: the worker does not wait for a forged status file that never ends" \
                timeout 20 "${supervised[@]}" -- "$bin/forger" fifo $victim "$tree/forge" "cwd/$checks"
}
cd "$tree/forge" || exit 1
if [ "${namespaces-}" ]; then
        forgery "a user" setpriv --reuid=65534 --regid=65534 --groups=65534,60001
else
        skip "a user" "an unprivileged user cannot create a user namespace here"
fi
forgery "root with no capability but CAP_SYS_ADMIN" setpriv --bounding-set=-all,+sys_admin --inh-caps=-all

kill $victim $service
wait $victim $service 2>/dev/null
check_no_trouble
stop_and_finish
