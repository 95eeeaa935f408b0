#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Who restricts himself with landlock(7) is not helped past his own rules: what he could not make natively is not made, nor what
# those that come from him could not.  What he could make is refused too, for nobody can read his rules.
source "$(dirname "$0")/lib.sh" alone

tree=$work/tree
mkdir -m 777 "$tree" "$tree"/{in,out}
cd "$tree" || exit 1
"$bin/landlock" in plain true 2>/dev/null || skip_all "this kernel has no Landlock, or it is off"

daemon_start <<CONF
[profile default]
default = allow
errno = EXDEV
log = all

[rule never]
path = $tree/in/never
action = deny
CONF

cleared() {
        rm -rf in/* out/* result
}

# mkdir's answers, in order, with "made" for none.
answers() {
        local path
        for path; do
                mkdir "$path" 2>&1 && echo made
        done | sed 's/.*: //' | paste -sd,
}
export -f answers
export LC_ALL=C

# says EXPECTED COMMAND...: its output.
says() {
        local expected=$1 output
        shift
        output=$("$@" 2>&1)
        [ "$output" = "$expected" ] || { echo "not \"$expected\" but \"$output\""; return 1; }
}

no=Permission\ denied
restrict() {
        "$bin/landlock" in "$1" bash -c 'answers in/a out/a'
}
check "natively: what the rules allow is made, the rest is not" says "made,$no" restrict plain
cleared

for who in supervised supervised_user; do
        for step in plain lower raise; do
                check "$who, $step: nothing is made for a restricted process" \
                        says "$no,$no" $who -- "$bin/landlock" in $step bash -c 'answers in/a out/a'
                check "... really" test -z "$(find in out -mindepth 1)"
        done
        check "$who: nor for its children and theirs" says "$no,$no" \
                $who -- "$bin/landlock" in plain bash -c '(bash -c "answers in/a out/a"; true); true'
        check "$who: nor for a child that it foists on its parent" says "$no,$no" \
                $who -- bash -c "$bin/landlock in clone-parent bash -c 'answers in/a out/a >result.part; mv result.part result'
                        until [ -e result ]; do sleep 0.01; done; cat result"
        cleared
        check "$who: it may restrict itself again" says "$no,$no" \
                $who -- "$bin/landlock" in plain "$bin/landlock" in plain bash -c 'answers in/a out/a'
        check "$who: who was there before, and who comes after, is free" says "made,made" \
                $who -- bash -c "$bin/landlock in plain true; answers in/a out/a"
        cleared
        check "$who: as is who only tried" says "made,made" \
                $who -- "$bin/landlock" in fail bash -c 'answers in/a out/a'
        check "$who: what exists, exists; where nothing is, nothing is" says "File exists,No such file or directory" \
                $who -- "$bin/landlock" in plain bash -c 'answers in/a out/nothing/b'
        check "$who: the administrator's rules come first" says "Invalid cross-device link" \
                $who -- "$bin/landlock" in plain bash -c 'answers in/never'
        cleared
done
check "it is reported" logged "denied mkdir(\"$tree/out/a\") by mkdir["
check "... with the reason" logged "EACCES (it has restricted itself with landlock(7), whose rules snotifyd can not apply)"

# The mark is the process's, and that there are marks stands in the ledger.
mkfifo -m 666 go
supervised -- "$bin/landlock" in plain bash -c 'read -r <go; answers in/a out/a >result' &
workload=$!
wait_for grep -q bash "/proc/$workload/comm"
kill -HUP "$daemon_pid"
check "another worker" logged "policy generation 2"
echo >go
wait $workload
check "... knows it, too" says "$no,$no" cat result
cleared

check "a restricted launcher is refused: the program is not started" \
        fails_with 125 "$bin/landlock" / plain "$SNOTIFY_RUN" --socket "$socket" -- touch started
check "... really" test ! -e started
check "... and it is said why" logged "the launcher is restricted by landlock(7) or another security module"

check "no call was trouble" fails_with 1 grep '^trouble' "$work/log"
daemon_stop
check "the daemon ends well" test $? = 0
finish
