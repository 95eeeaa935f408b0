#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The guard: which way a session gets, what its records and the daemon say of that, and that it does not fall: its sessions stay
# guarded when the daemon is killed, is killed and started again, or is stopped, and leave nothing behind.
source "$(dirname "$0")/lib.sh" alone

pins=/sys/fs/bpf/snotify

write_conf() {
        cat <<CONF
[profile default]
default = allow
log = all

[rule forbidden]
path = $work/tree/forbidden/
action = deny

[profile acting]
default = allow
guard = off
log = all

[profile strict]
default = allow
guard = require
log = all
CONF
}

mkdir -p "$work/tree/forbidden"
daemon_start < <(write_conf)
missing=$(sed -n 's/^there is no guard: \(.*\); workers perform .*/\1/p' "$work/log")
if [ -n "$missing" ]; then
        check "without a guard sessions act" supervised -- mkdir "$work/tree/acting"
        check "... and a profile that requires it gives none" \
                says 125 "profile strict requires the guard, which there is not: $missing" supervised --profile strict -- true
        check "... which is recorded" logged "profile strict requires the guard"
        skip "what the guard does" "there is no guard: $missing"
        stop_and_finish
fi

started_as() { # PROFILE WORDS
        grep -qE "^session [0-9a-f]{16} started: $2pid [0-9]+, uid 0, profile $1\$" "$work/log"
}

### Which way.
check "a session is guarded" supervised -- mkdir "$work/tree/a"
check "... as its record says" started_as default "guarded, "
check "... its directory is there" test -d "$work/tree/a"
check "... a denied one is not" says 1 "Operation not permitted" supervised -- mkdir "$work/tree/forbidden/a"
check "... nor is it there" test ! -e "$work/tree/forbidden/a"
check "guard = off: it acts" supervised --profile acting -- mkdir "$work/tree/b"
check "... as its record says" started_as acting ""
check "guard = require: it is guarded" supervised --profile strict -- mkdir "$work/tree/c"
check "... as its record says" started_as strict "guarded, "

### io_uring, which no filter sees.
errno() { # NUMBER COMMAND...: the command fails with this errno as its exit status
        fails_with "$@"
}
uring_works() {
        "$bin/uring" make "$work/tree/native"
}
if uring_works 2>/dev/null; then
        check "a ring is refused what no worker has judged" errno 1 supervised -- "$bin/uring" make "$work/tree/ring"
        check "... and creates nothing" test ! -e "$work/tree/ring"
        check "... which is recorded" logged "tree/ring on "
        check "... with the reason" logged "asked for through io_uring, which no rule can judge"
        check "without the guard there is no ring" errno 38 supervised --profile acting -- "$bin/uring" make "$work/tree/ring"
        has_ring=yes
else
        skip "what a ring creates" "the kernel gives no ring"
        has_ring=
fi

### A session whose daemon goes away.  The workload waits for a word, tries, and says how it went.
cat >"$work/workload" <<'SH'
#!/bin/bash
# workload DIRECTORY FIFO ANSWERS: for each word that it reads, tries to create DIRECTORY/WORD.
while read -r word <"$2"; do
        case $word in
        ring-*) "${0%/*}/bin/uring" make "$1/$word" ;;
        *) mkdir "$1/$word" 2>"$3.err" ;;
        esac
        echo "$word $? $(cat "$3.err" 2>/dev/null)" >>"$3"
        [ "$word" != end ] || exit 0
done
SH
chmod 755 "$work/workload"

workloads=()
workload_start() { # NAME
        mkfifo "$work/$1.fifo"
        # Held open, or the workload would read the end of file.
        sleep infinity <>"$work/$1.fifo" &
        supervised -- "$work/workload" "$work/tree" "$work/$1.fifo" "$work/$1.answers" 2>/dev/null &
        workloads+=($!)
}
ask() { # NAME WORD EXPECTED
        echo "$2" >"$work/$1.fifo"
        wait_for grep -q "^$2 " "$work/$1.answers" || { echo "no answer"; cat "$work/log"; return 1; }
        grep -q "^$2 $3" "$work/$1.answers" || { cat "$work/$1.answers"; return 1; }
}

workload_start one
check "a session of a daemon that lives works" ask one before 0
kill -9 "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
daemon_pid=
no_worker() {
        ! pgrep -x snotifyd-worker >/dev/null
}
check "... its workers end with the daemon" wait_for no_worker
check "... and then nothing is created" ask one after "1 .*Function not implemented"
[ -z "$has_ring" ] || check "... not through a ring, either" ask one ring-after 1
check "... indeed" test ! -e "$work/tree/after" -a ! -e "$work/tree/ring-after"
check "programs without a session notice nothing" mkdir "$work/tree/stranger"

daemon_start < <(write_conf)
check "the next daemon finds the session guarded" logged "sessions that the guard finds running: 1"
[ -z "$has_ring" ] || check "... which stays so" ask one ring-again 1
check "... while others begin" supervised -- mkdir "$work/tree/next"
workload_start two
check "... and go on" ask two early 0
ask one end 1 >/dev/null

### A stop, and the next start.
daemon_stop
check "a stop with a session ends well" test $? = 0
[ -z "$has_ring" ] || check "... which stays guarded" ask two ring-stopped 1
ask two end 1 >/dev/null
wait "${workloads[@]}" 2>/dev/null
: >"$work/log"
daemon_start < <(write_conf)
check "sessions that have ended are cleaned" fails_with 1 grep "guard finds running" "$work/log"
check "... and all works" supervised -- mkdir "$work/tree/last"
is_one() {
        [ $# = 1 ]
}
check "the guard stands once" is_one "$pins"/*

### More processes than a session can have permits.
many() {
        # shellcheck disable=SC2016
        supervised -- bash -c 'for ((n = 0; n < 1200; n++)); do mkdir "$1/many-$n" || exit 1; done' - "$work/tree"
}
check "1200 processes of a session create directories" many

### A guard that a snotifyd of another version has left.
workload_start three
check "a further session works" ask three first 0
kill -9 "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
check "... and its workers end" wait_for no_worker
mv "$pins"/* "$pins/77-0000000000000001"
daemon_start < <(write_conf)
check "a guard of another version is found, with a session" logged "of these, guarded by another version of snotifyd: 1"
check "... and stays" test -d "$pins/77-0000000000000001"
[ -z "$has_ring" ] || check "... with all that it forbids" ask three ring-left 1
check "... beside it there is one of this version, which allows" supervised -- mkdir "$work/tree/beside"
check "... and denies" says 1 "Operation not permitted" supervised -- mkdir "$work/tree/forbidden/beside"
ask three end 1 >/dev/null
wait "${workloads[2]}" 2>/dev/null
daemon_stop
daemon_start < <(write_conf)
check "... where its session has ended, it is removed" test ! -e "$pins/77-0000000000000001"
check "... and the guard stands once" is_one "$pins"/*
stop_and_finish
