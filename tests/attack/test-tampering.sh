#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A worker that was taken over writes what it likes into all that it can reach, and then the daemon is started anew.  Its session
# remains what it was.  Other sessions do not notice, the daemon lives, and the session itself gets answers.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

rounds=40

cat >"$work/conf" <<CONF
[profile default]
default = allow
log = all

[profile guarded]
default = deny
CONF
mkfifo "$work/orders" "$work/answers"
python3 "$SOURCE_ROOT/tests/end-to-end/store.py" "$work/notify" "$socket" "$SNOTIFYD" --config "$work/conf" --log-target=stderr \
        <"$work/orders" >"$work/answers" 2>>"$work/log" &
exec {orders}>"$work/orders" {answers}<"$work/answers"
wait_for is_listening "$socket" || { echo "Bail out! the daemon did not start: $(cat "$work/log")"; exit 1; }

order() {
        echo "$*" >&"$orders"
        read -r -t 30 answer <&"$answers" || { echo "Bail out! no answer to: $*"; exit 1; }
}

# begin NAME [OPTION...]: starts a session, which makes each directory that it is told.
declare -A pids to from id
begin() {
        local to_fd from_fd
        mkfifo "$work/to-$1" "$work/from-$1"
        supervised --label "$1" "${@:2}" -- bash -c 'while read -r path; do mkdir "$path" && echo made || echo failed; done' \
                <"$work/to-$1" >"$work/from-$1" 2>/dev/null &
        pids[$1]=$!
        exec {to_fd}>"$work/to-$1" {from_fd}<"$work/from-$1"
        to[$1]=$to_fd from[$1]=$from_fd
        wait_for has_begun "$1" || { echo "Bail out! no session"; exit 1; }
}

has_begun() {
        id[$1]=$(sed -n "s/^session \([0-9a-f]*\) started: .*, label $1\$/\1/p" "$work/log")
        [ "${id[$1]}" ]
}

ask() {
        local said
        echo "$work/$1-$EPOCHREALTIME" >&"${to[$1]}"
        read -r -t 20 said <&"${from[$1]}" || { echo "no answer"; return 1; }
        [ "$said" = "$2" ] || { echo "it says: $said"; return 1; }
}

ravage() {
        order ledger "${id[$1]}"
        "$bin/ravage" all "$answer" "$2"
}

# Every memory that a worker of a session, or another child of the daemon, has open or mapped.
reach() {
        local process
        for process in $(pgrep '^snotifyd-'); do
                find "/proc/$process/fd" "/proc/$process/map_files" -lname '*memfd:*' 2>/dev/null
        done
}

# overwrite FROM TO: in all of that; makes n how often.
overwrite() {
        local file
        n=0
        for file in $(reach); do
                n=$((n + $("$bin/ravage" text "$file" "$1" "$2")))
        done
}

# Does nobody but the daemon have the identities?
identities_are_out_of_reach() {
        local file
        reach >"$work/reach"
        [ -s "$work/reach" ] || { echo "there is no worker"; return 1; }
        while read -r file; do
                ! readlink "$file" | grep identities || { echo "$file"; return 1; }
        done <"$work/reach"
        daemon=$(pgrep -ox snotifyd)
        find "/proc/$daemon/fd" -lname '*memfd:snotify-identities*' | grep -q . || { echo "the daemon has none"; return 1; }
        ! grep identities "/proc/$daemon/maps"
}

is_stored() {
        order ids
        [ "$(wc -w <<<"$answer")" = "$1" ]
}

lacks() {
        ! LC_ALL=C grep -aoP "$1" "$work/log" | cut -b -100 | head -n 5 | grep ''
}

begin bystander
begin captive --profile guarded
order restart
check "a session survives a restart" ask bystander made
check "... and so does one that is denied everything" ask captive failed

check "no worker has the identities open or mapped" identities_are_out_of_reach
ask captive failed
overwrite guarded default
echo "# the name of its profile was overwritten $n times"
order restart
check "one that has the name of another profile wherever its worker can write is still denied everything" ask captive failed
# What a record says of a session is of the identity, too.
ask captive failed
overwrite captive forger
order restart
ask captive failed
exec {to[captive]}>&-
wait "${pids[captive]}"
# A record may be there twice, where a worker was killed while it sent it.
of_guarded() {
        grep -F "$work/captive-" "$work/log" >"$work/captive" || { echo "no record"; return 1; }
        ! grep -v 'profile guarded: no rule covers it' "$work/captive"
}
check "... with that in its records" of_guarded
check "... to the end" logged "session ${id[captive]} ended: 0 allowed, 5 denied"

begin nameless
order forget identities
order restart
check "one without an identity is not taken up" logged "cannot take up session ${id[nameless]}: its identity is not in the store"
check "... and fails" ask nameless failed
exec {to[nameless]}>&- {to[bystander]}>&-
wait "${pids[nameless]}" "${pids[bystander]}"
check "... and is not in the store any more" wait_for is_stored 0
begin neighbour
order restart
check "one that begins then is" ask neighbour made

begin victim
for ((seed = 1; seed <= rounds; seed++)); do
        ravage victim "$seed"
        order restart
        ask victim made && ask neighbour made || { echo "# with seed $seed"; break; }
done
check "whatever is in its ledger, a session goes on, and the other one does" test "$seed" -gt "$rounds"
check "no worker has died of it" lacks "a worker of .*|.*Sanitizer.*|.*runtime error.*"
check "nor has one given up" lacks "a worker had to give up.*"
check "the records are lines" lacks '.*[\x00-\x1f\x7f].*'
finish
