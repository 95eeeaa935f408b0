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

# same_limits PREFIX ARG...: setting the limit that shows restricted processes has the same results as natively.  What runs
# before the supervised one, in its session, is $before.
same_limits() {
        local native=() launch=$1
        shift
        [ "$launch" = supervised ] || native=(as_user)
        "${native[@]}" "$bin/limits" "$@" >"$work/native" || return
        $launch -- bash -c "$before; exec $bin/limits $*" >"$work/supervised" || return
        diff "$work/native" "$work/supervised" && grep -q '^int80-prlimit64, lower: ' "$work/native"
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
        check "$who: as is a process that called with no descriptor" says "made,made" \
                $who -- "$bin/landlock" in nothing bash -c 'answers in/a out/a'
        cleared
        check "$who: one that fails to restrict itself counts as restricted: what it failed with could have changed meanwhile" \
                says "$no,$no" $who -- "$bin/landlock" in fail bash -c 'answers in/a out/a'
        cleared
        mkdir in/a
        check "$who: what exists, exists; where nothing is, nothing is" says "File exists,No such file or directory" \
                $who -- "$bin/landlock" in plain bash -c 'answers in/a out/nothing/b'
        check "$who: the administrator's rules come first" says "Invalid cross-device link" \
                $who -- "$bin/landlock" in plain bash -c 'answers in/never'
        cleared
done

no_one=true some_one="$bin/landlock in plain true"
for who in supervised supervised_user; do
        before=$no_one check "$who: setrlimit and prlimit of RLIMIT_LOCKS are as natively" same_limits $who other
done
before=$some_one check "... for a user also where the session has restricted processes" same_limits supervised_user other
check "none of these was trouble" fails_with 1 grep '^trouble.* by limits' "$work/log"
before=$some_one
if (($((16#$(sed -n 's/^CapEff:\t//p' /proc/self/status))) >> 24 & 1)); then
        check "with CAP_SYS_RESOURCE, which could take the mark off: not so" fails_with 1 same_limits supervised other
        check "... from others" grep -q '^prlimit64, as it is: -1 EPERM, old soft 7 hard 7' "$work/supervised"
        check "... nor from itself" grep -q '^setrlimit, raised: -1 EPERM' "$work/supervised"
        check "... where there is one" grep -q '^setrlimit, as it is: 0 0' "$work/supervised"
        check "... which is recorded" logged "EPERM (RLIMIT_LOCKS shows which processes landlock(7) restricts: it stays as it is)"
else
        check "... for root, without CAP_SYS_RESOURCE, too" same_limits supervised other
        skip "with CAP_SYS_RESOURCE, which could take the mark off" "root does not have it here"
fi

# Who wins becomes the command, which then makes what is natively refused.
check "a descriptor that is no ruleset when it is looked at: no process is restricted and not known to be" \
        fails_with 3 supervised_user -- "$bin/landlock" in flip bash -c 'answers out/a'
cleared
check "no_new_privs that is set when it was looked at: the same" \
        fails_with 3 supervised -- "$bin/landlock" in sync bash -c 'answers out/a'
check "... really" test -z "$(find in out -mindepth 1)"

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

check "no other call was trouble" fails_with 1 grep '^trouble with [^sp]' "$work/log"
stop_and_finish
