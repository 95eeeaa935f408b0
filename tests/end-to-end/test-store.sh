#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The file descriptors that systemd keeps for the daemon: never more than fit into the store, none of sessions that have ended; and the
# daemon does not take up a ledger of another version.
source "$(dirname "$0")/../end-to-end/box.sh"

# How many sessions there are at once, one after the other, and how many kills.
many=1000 churn=300 kills=30
[ -z "${SNOTIFY_TEST_FEWER-}" ] || many=30 churn=10 kills=8
cat >/etc/snotify.conf <<CONF
[limits]
sessions = $many
sessions-per-user = $many

[profile default]
default = deny

[rule open]
path = /srv/open/
action = allow
CONF
mkdir -p /srv/open
systemctl start snotifyd.socket

### Sessions begin and end.

churn() {
        local n
        for ((n = 0; n < churn; n++)); do
                $snotify_run -- mkdir "/srv/open/churn-$n" || return 1
        done
}
check "$churn sessions run, one after the other" churn
check "... they leave nothing in the store" wait_for stored 0
fds_of() {
        local fds=(/proc/"$(property MainPID)"/fd/*)
        echo ${#fds[@]}
}
check "... and no file descriptors in the daemon" test "$(fds_of)" -lt 25

### As many sessions as the limit permits.

mkfifo "$work/gate"
# Not all at once: the daemon limits the connections of a user.
stored_at_least() {
        [ "$(stored_fds)" -ge "$1" ]
}
for ((n = 0; n < many; n++)); do
        # shellcheck disable=SC2016
        $snotify_run -- sh -c 'read -r line <"$2"; exec mkdir "/srv/open/many-$1"' - "$n" "$work/gate" 2>>"$work/many" &
        ((n % 20)) || wait_for stored_at_least $((2 * (n - 10)))
done
check "$many sessions are in the store" wait_for stored $((2 * many))
check "... whose size permits more than them" test "$(property FileDescriptorStoreMax)" -gt $((2 * many + stored_always))
check "... and no launcher has complained" diff /dev/null "$work/many"
check "one more session is refused" fails_with 125 $snotify_run -- true
check "... and not put into the store" stored $((2 * many))
main=$(property MainPID)
systemctl kill -s KILL --kill-who=main snotifyd
is_replaced() {
        [ "$(property MainPID)" != "$main" ] && [ "$(property ActiveState)" = active ]
}
check "the daemon is killed, and another one starts" wait_for is_replaced
check "... which takes over all of them" wait_for synced "took over $many sessions from"
: >"$work/gate"
wait
check "... each can still create its directory" test "$(find /srv/open -name 'many-*' | wc -l)" = $many
check "... and they leave nothing in the store" wait_for stored 0

### The daemon is killed just when a session begins.

begin_and_kill() {
        local n
        for ((n = 0; n < kills; n++)); do
                main=$(property MainPID)
                # shellcheck disable=SC2016
                $snotify_run -- sh -c 'echo "$SNOTIFY_SESSION"' >>"$work/begun" 2>/dev/null &
                sleep "0.00$((n % 8))"
                [ "$main" = 0 ] || kill -KILL "$main" # systemctl would take too long
                wait $! || [ $? = 125 ] || return 1
                wait_for is_replaced || return 1
        done
}
check "the daemon is killed while a session begins, $kills times: the launcher runs its command or exits with 125" begin_and_kill
echo "# $(wc -l <"$work/begun") of the $kills sessions began"
# Not selected by the unit: journald does not know the unit of a process that is dead when it reads the record.
all_started() {
        local id
        journalctl --sync
        journalctl -q -o cat -t snotifyd >"$work/records"
        while read -r id; do
                grep -q "^session $id started" "$work/records" || { echo "no record of the start of $id"; return 1; }
        done <"$work/begun"
}
check "... each session that began has a record of that" all_started
check "... and they leave nothing in the store" wait_for stored 0

### A ledger of another version.

# ledger.py SESSION VERSION: writes that version into the session's ledger, which systemd has open.
cat >"$work/ledger.py" <<'PY'
import glob, os, struct, sys
session, version = sys.argv[1], int(sys.argv[2])
for path in glob.glob("/proc/1/fd/*"):
    if "memfd:snotify-ledger-" + session in os.readlink(path):
        with open(path, "r+b") as ledger:
            ledger.seek(8)
            ledger.write(struct.pack("=I", version))
            sys.exit()
sys.exit("there is no such ledger")
PY
# shellcheck disable=SC2016
loop='echo "$SNOTIFY_SESSION"; while read -r path; do mkdir "$path" 2>&1; echo "status $?"; done'
# begin NAME: starts a session, and sets in, out and id to its pipes and its id.
begin() {
        mkfifo "$work/$1.in" "$work/$1.out"
        $snotify_run -- sh -c "$loop" <"$work/$1.in" >"$work/$1.out" &
        exec {in}>"$work/$1.in" {out}<"$work/$1.out"
        read -r -t 20 -u "$out" id
}
begin one
one_in=$in one_out=$out one_id=$id
begin other
other_in=$in other_out=$out

# ask IN OUT PATH TEXT: asks a session for a directory; its answer contains TEXT.
ask() {
        local line output=
        echo "$3" >&"$1"
        while read -r -t 20 -u "$2" line; do
                output+=$line$'\n'
                [[ $line != status* ]] || break
        done
        [[ $output == *"$4"* ]] || { echo "it says: $output"; return 1; }
}
check "a session runs" ask "$one_in" "$one_out" /srv/open/one "status 0"
check "... and another one" ask "$other_in" "$other_out" /srv/open/other "status 0"
main=$(property MainPID)
kill -STOP "$main"
check "the ledger of the one gets another version" python3 "$work/ledger.py" "$one_id" 77
kill -KILL "$main"
wait_for is_replaced
check "the next daemon records that it does not take that session up" wait_for synced \
        "cannot take over session $one_id: its ledger is of another version of snotifyd; its calls fail with ENOSYS from now on"
check "... and how many it does not" wait_for synced "ended 1 session of the previous daemon: restart the programs"
check "... and its calls fail with ENOSYS" ask "$one_in" "$one_out" /srv/open/one-more "Function not implemented"
check "... but those of the other session succeed" ask "$other_in" "$other_out" /srv/open/other-more "status 0"
check "... of which alone something is in the store" stored 2
check "... and which was taken over" wait_for synced "took over 1 session from"
exec {one_in}>&- {other_in}>&-
check "the sessions end, and leave nothing in the store" wait_for stored 0

journalctl -o short -u snotifyd --no-pager >"$work/log"
finish
