#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copies of /proc in which an entry lies: nobody is let in by the links of another process.
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

# Root's processes, which no user may look into.
(cd "$tree/closed/inner" && exec sleep 1000 7</ 8<.) &
victim=$!
unshare -m sh -ec "mount -t tmpfs -o mode=777 tmpfs $tree/private; cd $tree/private; exec sleep 1000" &
service=$!
is_sleeping() {
        [ "$(cat "/proc/$1/comm")" = sleep ]
}
wait_for is_sleeping $victim
wait_for is_sleeping $service

nothing_made() {
        [ -z "$(find "$tree/closed/inner" "/proc/$service/cwd/" -mindepth 1)" ] || { echo "it is made"; return 1; }
}

# The forgery is in place: root, whom the kernel lets in, makes the directory by the path that is to mislead.
misleads() {
        local path
        coproc FORGER { "$@" "$bin/forger" show $victim "$tree/forge" cwd/x; }
        read -r path <&"${FORGER[0]}"
        mkdir "$path" && rmdir "$tree/closed/inner/x"
        local status=$?
        eval "exec ${FORGER[1]}>&-"
        wait $FORGER_PID
        return $status
}

# forgery NAME COMMAND...: run by the command, the caller of the calls is who must not be let in.
forgery() {
        local name=$1 how fd
        shift
        local supervised=("$@" "$SNOTIFY_RUN" --socket "$socket")
        check "$name: who may look into all processes is misled" misleads "$@"
        for how in entry thread cwd; do
                check "$name, $how: natively a directory below a closed one is not made" \
                        fails_with $EACCES "$@" "$bin/forger" $how $victim "$tree/forge" cwd/x
                check "... nor supervised" fails_with $EACCES "${supervised[@]}" -- "$bin/forger" $how $victim "$tree/forge" cwd/x
                check "... nor by its root" fails_with $EACCES "${supervised[@]}" -- \
                        "$bin/forger" $how $victim "$tree/forge" "root$tree/closed/inner/x"
                check "... nor by a descriptor" \
                        fails_with $EACCES "${supervised[@]}" -- "$bin/forger" $how $victim "$tree/forge" fd/8/x
                check "... nor in a tmpfs of a service's own" \
                        fails_with $EACCES "${supervised[@]}" --profile opposite -- "$bin/forger" $how $service "$tree/forge" cwd/x
                check "... really" nothing_made
                for fd in 7 99; do
                        "$@" "$bin/forger" $how $victim "$tree/forge" fd/$fd
                        check "... is descriptor $fd open? supervised no more is told than natively" \
                                fails_with $? "${supervised[@]}" -- "$bin/forger" $how $victim "$tree/forge" fd/$fd
                done
        done
        check "$name: a status that never ends is not waited for" \
                timeout 20 "${supervised[@]}" -- "$bin/forger" fifo $victim "$tree/forge" "cwd/$checks"
}
cd "$tree/forge" || exit 1
if [ "${namespaces-}" ]; then
        forgery "a user" setpriv --reuid=65534 --regid=65534 --groups=65534,60001
else
        skip "a user" "the user may not make a user namespace here"
fi
forgery "root without capabilities but for mounting" setpriv --bounding-set=-all,+sys_admin --inh-caps=-all

kill $victim $service
wait $victim $service 2>/dev/null
check "no worker died" fails_with 1 grep 'a worker' "$work/log"
check "no call was trouble" fails_with 1 grep '^trouble' "$work/log"
daemon_stop
check "the daemon ends well" test $? = 0
finish
