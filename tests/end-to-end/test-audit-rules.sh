#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a profile audits is performed, and recorded as what would have been denied; and what is then denied is what was recorded.
source "$(dirname "$0")/lib.sh" alone

# rules PROFILE ACTION: three rules of that action, for directories of a tree, and one that always allows.
rules() {
        cat <<CONF
[rule $1-objects]
profile = $1
path = $work/tree/*/objects/
action = $2

[rule $1-refs]
profile = $1
path = $work/tree/repository/.git/refs/
action = $2

[rule $1-docs]
profile = $1
path = $work/tree/docs
action = $2

[rule $1-out]
profile = $1
path = $work/tree/out/
action = allow
CONF
}

configuration() {
        local profile other
        for profile in rules default; do
                other=$([ $profile = rules ] && echo allow)
                printf '[profile %s-audited]\ndefault = %s\n[profile %s-denied]\ndefault = %s\n' \
                        $profile "${other:-audit}" $profile "${other:-deny}"
                rules $profile-audited audit
                rules $profile-denied deny
        done
        cat <<CONF
[profile mixed]
default = allow
[rule mixed-audited]
profile = mixed
path = $work/mixed/
action = audit
[rule mixed-denied]
profile = mixed
path = $work/mixed/denied/
action = deny

[profile private]
default = allow
private = audit
[rule private-denied]
profile = private
path = /nowhere/
action = audit
CONF
}
daemon_start < <(configuration)

### Audited and denied, the same program: what is denied is part of what was recorded.
source=$work/source
mkdir -p "$source"/{docs,objects/one/two,src/objects/deep,out/a/b}
touch "$source/src/file"
tar -C "$source" -cf "$work/source.tar" .

programs=(tar cp python3 mkdir)
if command -v git >/dev/null; then
        programs+=(git)
else
        skip "git" "there is none here"
fi
run_git() {
        git init -q "$work/tree/repository"
}
run_tar() {
        tar -C "$work/tree" -xf "$work/source.tar"
}
run_cp() {
        cp -r "$source" "$work/tree/copy"
}
run_python3() {
        python3 -c 'import os, sys
for name in "docs", "out/x/y", "p/objects/q", "r":
    try: os.makedirs(os.path.join(sys.argv[1], name))
    except PermissionError: pass' "$work/tree"
}
run_mkdir() {
        mkdir -p "$work/tree/"{docs,a/objects/b,out/c} "$work/tree"
}
export -f run_git run_tar run_cp run_python3 run_mkdir
export work source

# decisions WORDS: prints path and reason of each record that begins so, without the profile's name.
decisions() {
        sed -nE "s/^$1 mkdir(at)?\(\"([^\"]*)\"\) .* \(((rule|profile) (rules|default)-(audited|denied)([-:].*))\)\$/\2 \4\7/p" "$work/log"
}

# judged PROFILE PROGRAM: runs it in a new tree.
judged() {
        rm -rf "$work/tree"
        mkdir "$work/tree"
        : >"$work/log"
        supervised --profile="$1" -- bash -c "run_$2" >/dev/null 2>&1
        wait_for grep -q '^session [0-9a-f]* ended' "$work/log"
}

is_part() {
        comm -13 "$1" "$2" >"$work/rest"
        [ ! -s "$work/rest" ] || { cat "$work/rest"; return 1; }
}

# Each path that was audited, alone, under the rules that deny.
each_is_denied() {
        local path reason
        while read -r path reason; do
                rm -rf "$work/tree"
                mkdir -p "${path%/*}"
                : >"$work/log"
                supervised --profile="$1" -- mkdir "$path" 2>/dev/null && { echo "$path was created"; return 1; }
                wait_for grep -q '^session [0-9a-f]* ended' "$work/log"
                [ "$(decisions denied)" = "$path $reason" ] || { echo "not \"$path $reason\":"; cat "$work/log"; return 1; }
        done <"$2"
}

for profile in rules default; do
        for program in "${programs[@]}"; do
                rm -rf "$work/tree"
                mkdir "$work/tree"
                "run_$program"
                find "$work/tree" -printf '%P %y\n' | sort >"$work/native"
                judged $profile-audited "$program"
                find "$work/tree" -printf '%P %y\n' | sort >"$work/audited-tree"
                decisions 'would deny' | sort >"$work/audited"
                check "$program, audited by $profile, does the same as without supervision" cmp "$work/native" "$work/audited-tree"
                check "... what would be denied is recorded" test -s "$work/audited"
                check "... and nothing is denied" fails_with 1 grep '^denied' "$work/log"
                check "... the end of the session says how much" \
                        grep -q "^session .* ended: .*, $(wc -l <"$work/audited") would be denied, " "$work/log"
                sort -u -o "$work/audited" "$work/audited"
                judged $profile-denied "$program"
                decisions denied | sort -u >"$work/denied"
                check "... what is denied then is part of that" is_part "$work/audited" "$work/denied"
                check "... and is something" test -s "$work/denied"
                check "... each path of it is denied by the same rule" each_is_denied $profile-denied "$work/audited"
        done
done

### What the kernel says before it comes to the rules is no denial.
mkdir -p "$work/mixed/there"
: >"$work/log"
supervised --profile=mixed -- mkdir -p "$work/mixed/there/."
supervised --profile=mixed -- mkdir "$work/mixed/there" "$work/mixed/nowhere/x" 2>/dev/null
wait_for grep -q '^session [0-9a-f]* ended' "$work/log"
check "a directory that exists is not audited, nor is one whose parent does not exist" fails_with 1 grep 'would deny' "$work/log"
chmod 755 "$work/mixed"
check "a user's mkdir where he may not write fails as natively" fails_with 1 supervised_user --profile=mixed -- mkdir "$work/mixed/by-user"
if grep -q '^session .* started: guarded' "$work/log"; then
        check "... and is a failure: the kernel asks the guard after its own checks" logged "ended: 0 allowed, 0 denied, 1 failed"
        check "... and is not audited" fails_with 1 grep by-user "$work/log"
else
        check "... and is audited: the rule would have come first" \
                logged "would deny mkdir(\"$work/mixed/by-user\") by mkdir"
        check "... with the error that it got" grep -q 'by-user.*: EACCES (rule mixed-audited)' "$work/log"
fi

### Beside each other.
mkdir "$work/mixed/denied"
check "what another rule denies is denied" fails_with 1 supervised --profile=mixed -- mkdir "$work/mixed/denied/x"
check "... and recorded as denied" logged "denied mkdir(\"$work/mixed/denied/x\")"

### A file system that the host does not see.
in_private() {
        supervised --profile=private -- unshare --mount sh -c "mount -t ramfs none '$work/mixed' && mkdir '$work/mixed/x'"
}
if unshare --mount mount -t ramfs none "$work/mixed" 2>/dev/null; then
        check "private = audit lets a directory be created there" in_private
        check "... and names the key" \
                logged "would deny mkdir(\"(private)$work/mixed/x\") by mkdir"
        check "... as the reason" grep -q '(private).*: created (.*see private= in snotify.conf(5))' "$work/log"
else
        skip "private = audit" "ramfs cannot be mounted here"
fi
check_no_trouble
stop_and_finish
