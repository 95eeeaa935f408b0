#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A worker that was taken over writes what it likes into its session's ledger, and then the daemon is started anew.  Other sessions
# don't notice, the daemon lives, and the session itself gets answers.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

rounds=40

cat >"$work/conf" <<CONF
[profile default]
default = allow
log = all
CONF
mkfifo "$work/orders" "$work/answers"
python3 "$(dirname "$0")/store.py" "$work/notify" "$socket" "$SNOTIFYD" --config "$work/conf" --log-target=stderr \
        <"$work/orders" >"$work/answers" 2>>"$work/log" &
exec {orders}>"$work/orders" {answers}<"$work/answers"
wait_for is_listening "$socket" || { echo "Bail out! the daemon did not start: $(cat "$work/log")"; exit 1; }

order() {
        echo "$*" >&"$orders"
        read -r -t 30 answer <&"$answers" || { echo "Bail out! no answer to: $*"; exit 1; }
}

# Starts a session, which makes each directory that it is told.
declare -A pids to from id
begin() {
        local to_fd from_fd
        mkfifo "$work/to-$1" "$work/from-$1"
        supervised --label "$1" -- bash -c 'while read -r path; do mkdir "$path" && echo made || echo failed; done' \
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
        order ledger "${id[$2]}"
        "$bin/ravage" "$1" "$answer" "$3"
}

lacks() {
        ! LC_ALL=C grep -aoP "$1" "$work/log" | cut -b -100 | head -n 5 | grep ''
}

begin bystander
begin impostor
order restart
check "a session survives a restart" ask bystander made
check "... and so does the other" ask impostor made

ravage id impostor "${id[bystander]}"
order restart
check "one that has another's id in its ledger is not taken up" logged "cannot take up session ${id[impostor]}: Bad message"
check "... and fails" ask impostor failed
check "... the other one goes on" ask bystander made
exec {to[impostor]}>&-
wait "${pids[impostor]}"
order restart
check "... also when the one is over, after another restart" ask bystander made

begin victim
for ((seed = 1; seed <= rounds; seed++)); do
        ravage all victim "$seed"
        order restart
        ask victim made && ask bystander made || { echo "# with seed $seed"; break; }
done
check "whatever is in its ledger, a session goes on, and the other one does" test "$seed" -gt "$rounds"
check "no worker has died of it" lacks "a worker of .*|.*Sanitizer.*|.*runtime error.*"
check "nor has one given up" lacks "a worker had to give up.*"
check "the records are lines" lacks '.*[\x00-\x1f\x7f].*'
finish
