#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A compromised worker overwrites all the memory that it can reach, and then the daemon is restarted.  The session keeps its profile
# and its identity, and its calls are answered; other sessions are unaffected; the daemon does not crash.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

rounds=$((2 + $(fewer 38)))

cat >"$work/conf" <<CONF
[profile default]
default = allow
log = all

[profile guarded]
default = deny
CONF
mkfifo "$work/commands" "$work/answers"
python3 "$SOURCE_ROOT/tests/end-to-end/store.py" "$work/notify" "$socket" "$SNOTIFYD" --config "$work/conf" --log-target=stderr \
        <"$work/commands" >"$work/answers" 2>>"$work/log" &
exec {commands}>"$work/commands" {answers}<"$work/answers"
wait_for is_listening "$socket" || { echo "Bail out! the daemon did not start: $(cat "$work/log")"; exit 1; }

store() {
        echo "$*" >&"$commands"
        read -r -t 30 answer <&"$answers" || { echo "Bail out! no answer to: $*"; exit 1; }
}

# begin NAME [OPTION...]: starts a session, which creates a directory each time that it is asked.
declare -A pids to from id
begin() {
        local to_fd from_fd
        mkfifo "$work/to-$1" "$work/from-$1"
        supervised --label "$1" "${@:2}" -- bash -c 'while read -r path; do mkdir "$path" && echo created || echo failed; done' \
                <"$work/to-$1" >"$work/from-$1" 2>/dev/null &
        pids[$1]=$!
        exec {to_fd}>"$work/to-$1" {from_fd}<"$work/from-$1"
        to[$1]=$to_fd from[$1]=$from_fd
        wait_for has_begun "$1" || { echo "Bail out! the session did not begin"; exit 1; }
}

has_begun() {
        id[$1]=$(sed -n "s/^session \([0-9a-f]*\) started: .*, label $1\$/\1/p" "$work/log")
        [ "${id[$1]}" ]
}

# asked NAME RESULT: asks the session for a directory; RESULT is "created" or "failed".
asked() {
        local said
        echo "$work/$1-$EPOCHREALTIME" >&"${to[$1]}"
        read -r -t 20 said <&"${from[$1]}" || { echo "no answer"; return 1; }
        [ "$said" = "$2" ] || { echo "it says: $said"; return 1; }
}

# randomize NAME SEED: fills the ledger of a session with random bytes.
randomize() {
        store ledger "${id[$1]}"
        "$bin/tamper-ledger" randomize "$answer" "$2"
}

# Prints the memory files that the daemon's children have open or mapped.
reachable_memory() {
        local process
        for process in $(pgrep '^snotifyd-'); do
                find "/proc/$process/fd" "/proc/$process/map_files" -lname '*memfd:*' 2>/dev/null
        done
}

# overwrite FROM TO: replaces that text in all of it; sets n to how often.
overwrite() {
        local file times
        n=0
        for file in $(reachable_memory); do
                # A worker that is idle for long ends, and its files are gone.
                times=$("$bin/tamper-ledger" replace "$file" "$1" "$2") && n=$((n + times))
        done
}

# Is the daemon the only process that has the identities of the sessions open, and are they mapped nowhere?
identities_are_out_of_reach() {
        local file
        asked untouched created || return
        reachable_memory >"$work/reachable"
        [ -s "$work/reachable" ] || { echo "no worker has any memory open"; return 1; }
        while read -r file; do
                ! readlink "$file" | grep identities || { echo "$file"; return 1; }
        done <"$work/reachable"
        daemon=$(pgrep -ox snotifyd)
        find "/proc/$daemon/fd" -lname '*memfd:snotify-identities*' | grep -q . || { echo "the daemon has no identities open"; return 1; }
        ! grep identities "/proc/$daemon/maps"
}

is_stored() {
        store ids
        [ "$(wc -w <<<"$answer")" = "$1" ]
}

lacks() {
        ! LC_ALL=C grep -aoP "$1" "$work/log" | cut -b -100 | head -n 5 | grep ''
}

begin untouched
begin restricted --profile guarded
store restart
check "a session survives a restart" asked untouched created
check "... and so does one whose profile denies everything" asked restricted failed

check "no worker has the identities of sessions open or mapped" identities_are_out_of_reach
asked restricted failed
overwrite guarded default
echo "# the name of its profile was overwritten $n times"
store restart
check "a session is denied everything even when its worker has overwritten the name of its profile" asked restricted failed
# The label in the records, too, comes from the identity.
asked restricted failed
overwrite restricted forged
store restart
asked restricted failed
fd=${to[restricted]}
exec {fd}>&-
wait "${pids[restricted]}"
# A record may be there twice if a worker was killed while it sent it.
records_are_right() {
        grep -F "$work/restricted-" "$work/log" >"$work/restricted" || { echo "no record"; return 1; }
        # A guarded call may take so long that its record says "unknown" instead.
        ! grep -v 'profile guarded: no rule covers it\|what came of it is not known yet' "$work/restricted"
}
check "... and its records name that profile" records_are_right
check "... and so does the record of its end" logged "session ${id[restricted]} ended: 0 allowed, 5 denied"

begin forgotten
store forget identities
store restart
check "after a restart the daemon does not take over a session without an identity" logged "cannot take over session ${id[forgotten]}: its identity is missing in the store"
check "... its calls fail" asked forgotten failed
for session in forgotten untouched; do
        fd=${to[$session]}
        exec {fd}>&-
done
wait "${pids[forgotten]}" "${pids[untouched]}"
check "... and it is removed from the store" wait_for is_stored 0
begin newcomer
store restart
check "a session that begins afterwards is taken up" asked newcomer created

begin victim
for ((seed = 1; seed <= rounds; seed++)); do
        randomize victim "$seed"
        store restart
        asked victim created && asked newcomer created || { echo "# with seed $seed"; break; }
done
check "after $rounds random ledgers the session still gets answers, and so does another one" test "$seed" -gt "$rounds"
check "no worker died" lacks "a worker of .*|.*Sanitizer.*|.*runtime error.*"
check "no worker gave up" lacks "a worker had to give up.*"
check "no record contains a control character" lacks '.*[\x00-\x1f\x7f].*'
finish
