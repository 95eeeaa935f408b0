#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A process that restricts itself with landlock(7) must not get past its own rules with snotify's help, and neither must its descendants.
# A directory that its rules allow is refused, too, because no other process can read these rules.
source "$(dirname "$0")/lib.sh" alone

tree=$work/tree
mkdir -m 777 "$tree" "$tree"/{in,out}
cd "$tree" || exit 1
"$bin/landlock" in plain true 2>/dev/null || skip_all "this kernel has no Landlock, or it is off"

daemon_start <<CONF
[profile default]
guard = off
default = allow
errno = EXDEV
log = all

[rule denied]
path = $tree/in/denied
action = deny
CONF

cleared() {
        rm -rf in/* out/* result
}

# answers PATH...: prints the error of mkdir for each, or "created".
answers() {
        local path
        for path; do
                mkdir "$path" 2>&1 && echo created
        done | sed 's/.*: //' | paste -sd,
}
export -f answers
export LC_ALL=C

# says EXPECTED COMMAND...: the command prints that.
says() {
        local expected=$1 output
        shift
        output=$("$@" 2>&1)
        [ "$output" = "$expected" ] || { echo "not \"$expected\" but \"$output\""; return 1; }
}

# same_limits PREFIX ARG...: setting RLIMIT_LOCKS, by which snotifyd recognizes restricted processes, has the same results as natively.
# $before is a command that the supervised session runs first.
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
check "natively a restricted process creates what its rules allow, and nothing else" says "created,$no" restrict plain
cleared

for who in supervised supervised_user; do
        for step in plain lower raise; do
                check "$who, $step: a restricted process can create nothing" \
                        says "$no,$no" $who -- "$bin/landlock" in $step bash -c 'answers in/a out/a'
                check "... and nothing is created" test -z "$(find in out -mindepth 1)"
        done
        check "$who: nor can its children and grandchildren" says "$no,$no" \
                $who -- "$bin/landlock" in plain bash -c '(bash -c "answers in/a out/a"; true); true'
        check "$who: nor can a child whose parent is the restricted process's own parent (CLONE_PARENT)" says "$no,$no" \
                $who -- bash -c "$bin/landlock in clone-parent bash -c 'answers in/a out/a >result.part; mv result.part result'
                        until [ -e result ]; do sleep 0.01; done; cat result"
        cleared
        check "$who: nor can a process that restricts itself twice" says "$no,$no" \
                $who -- "$bin/landlock" in plain "$bin/landlock" in plain bash -c 'answers in/a out/a'
        check "$who: the session's other processes are unaffected" says "created,created" \
                $who -- bash -c "$bin/landlock in plain true; answers in/a out/a"
        cleared
        check "$who: a process that calls landlock_restrict_self(2) without a ruleset is not restricted" says "created,created" \
                $who -- "$bin/landlock" in nothing bash -c 'answers in/a out/a'
        cleared
        check "$who: a process whose landlock_restrict_self(2) fails counts as restricted, as the ruleset could have been replaced meanwhile" \
                says "$no,$no" $who -- "$bin/landlock" in fail bash -c 'answers in/a out/a'
        cleared
        mkdir in/a
        check "$who: a restricted process gets EEXIST and ENOENT as natively" says "File exists,No such file or directory" \
                $who -- "$bin/landlock" in plain bash -c 'answers in/a out/nothing/b'
        check "$who: a rule's error takes precedence" says "Invalid cross-device link" \
                $who -- "$bin/landlock" in plain bash -c 'answers in/denied'
        cleared
done

no_restricted=true one_restricted="$bin/landlock in plain true"
for who in supervised supervised_user; do
        before=$no_restricted check "$who: setrlimit and prlimit of RLIMIT_LOCKS are as natively" same_limits $who other
done
before=$one_restricted check "... for a user also in a session with restricted processes" same_limits supervised_user other
check "no record of these calls reports trouble" fails_with 1 grep '^trouble.* by limits' "$work/log"
before=$one_restricted
if (($((16#$(sed -n 's/^CapEff:\t//p' /proc/self/status))) >> 24 & 1)); then
        check "... but not for root with CAP_SYS_RESOURCE, which could hide a restricted process" fails_with 1 same_limits supervised other
        check "... it cannot set the limit of a restricted process" grep -q '^prlimit64, as it is: -1 EPERM, old soft 7 hard 7' "$work/supervised"
        check "... nor raise its own" grep -q '^setrlimit, raised: -1 EPERM' "$work/supervised"
        check "... but set it as it is" grep -q '^setrlimit, as it is: 0 0' "$work/supervised"
        check "... which is recorded" logged "EPERM (RLIMIT_LOCKS shows which processes landlock(7) restricts: it stays as it is)"
else
        check "... and for root without CAP_SYS_RESOURCE" same_limits supervised other
        skip "... but not for root with CAP_SYS_RESOURCE" "root does not have it here"
fi

# If a process wins this race it executes the command, which then creates what Landlock refuses natively.
check "a descriptor that becomes a ruleset after snotifyd has looked at it: no restricted process goes unnoticed" \
        fails_with 3 supervised_user -- "$bin/landlock" in flip bash -c 'answers out/a'
cleared
check "no_new_privs that is set after snotifyd has looked: the same" \
        fails_with 3 supervised -- "$bin/landlock" in sync bash -c 'answers out/a'
check "... and nothing is created" test -z "$(find in out -mindepth 1)"

check "a restricted process's call is recorded" logged "denied mkdir(\"$tree/out/a\") by mkdir["
check "... with the reason" logged "EACCES (it has restricted itself with landlock(7), whose rules snotifyd cannot apply)"

# The mark is a limit of the process, and the ledger says that the session has marked processes.
mkfifo -m 666 go
supervised -- "$bin/landlock" in plain bash -c 'read -r <go; answers in/a out/a >result' &
workload=$!
wait_for grep -q bash "/proc/$workload/comm"
kill -HUP "$daemon_pid"
check "a reload starts another worker" logged "policy generation 2"
echo >go
wait $workload
check "... which recognizes the restricted process, too" says "$no,$no" cat result
cleared

check "a restricted launcher is refused" \
        fails_with 125 "$bin/landlock" / plain "$SNOTIFY_RUN" --socket "$socket" -- touch started
check "... its command does not run" test ! -e started
check "... and the journal says why" logged "the launcher is restricted by landlock(7) or another security module"

check "no other record reports trouble" fails_with 1 grep '^trouble with [^sp]' "$work/log"
stop_and_finish
