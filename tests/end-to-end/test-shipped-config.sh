#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the shipped conf/snotify.conf promises: below /tmp directories can be made, in /srv they can not, by whatever user,
# system call, ABI and spelling of the path.
source "$(dirname "$0")/lib.sh" alone

mount -t tmpfs -o mode=1777 tmpfs /srv || skip_all "cannot mount a tmpfs"       # so that only the rules can be what denies
cp "$SOURCE_ROOT/conf/snotify.conf" "$work/shipped.conf"
mkdir "$work/t" "$work/shared"
chmod 1777 "$work/t"
chown 0:60001 "$work/shared"
chmod 2770 "$work/shared"               # the user may write here as a member of a supplementary group
ln -s /srv "$work/t/to-srv"
ln -s "$work/t" /srv/to-tmp
daemon_start <"$work/shipped.conf"

EPERM=1
ENOSYS=38
declare -A launch=([root]=supervised [user]=supervised_user) uid=([root]=0 [user]=65534)

# makes WHO DIRECTORY NAME COMMAND...: the directory appears, and is the caller's.
makes() {
        local who=$1 made=$2/$3 status owner
        shift 3
        "${launch[$who]}" -- "$@"
        status=$?
        [ "$status" = 0 ] || { echo "exit status $status"; return 1; }
        owner=$(stat -c %F:%u:%a "$made") || return 1
        [ "$owner" = "directory:${uid[$who]}:755" ] || { echo "$made is $owner"; return 1; }
        rmdir "$made"
}

# refuses STATUS WHO DIRECTORY NAME COMMAND...: exits with STATUS, and no directory appears.
refuses() {
        local wanted=$1 who=$2 made=$3/$4 status
        shift 4
        "${launch[$who]}" -- "$@"
        status=$?
        [ "$status" = "$wanted" ] || { echo "exit status $status, not $wanted"; return 1; }
        [ ! -e "$made" ] || { echo "$made exists"; return 1; }
}

shell_denied() {
        local output
        output=$(refuses 1 "$1" "$2" a sh -c "${3//@/$2}" 2>&1) || { echo "$output"; return 1; }
        [[ $output == *"Operation not permitted"* ]] || { echo "message: $output"; return 1; }
}

shell_in() {
        local status=0 output
        output=$(makes "$1" "$2" a sh -c "${3//@/$2}" 2>&1) || status=1
        [ -z "$output" ] || { echo "$output"; return 1; }
        return $status
}

t=$work/t
for who in root user; do
        name=snotify-a.$$.$RANDOM
        check "$who: mkdir /tmp/a" makes $who /tmp $name mkdir "/tmp/$name"
        for form in 'mkdir @/a' 'cd @ && mkdir a' 'cd @ && mkdir ./a/' 'mkdir -p @/a' 'cd @ && mkdir ../t/a'; do
                check "$who: below /tmp: $form" shell_in $who "$t" "$form"
        done
        for form in 'mkdir @/a' 'cd @ && mkdir a' 'cd @ && mkdir ./a/' 'mkdir -p @/a' 'cd / && mkdir srv/a'; do
                check "$who: in /srv: $form" shell_denied $who /srv "$form"
        done

        for form in mkdir mkdirat mkdirat-dirfd mkdir-cwd int80-mkdir int80-mkdirat-dirfd; do
                check "$who: $form below /tmp" makes $who "$t" a "$bin/mkdir-as" $form "$t" a
                check "$who: $form in /srv" refuses $EPERM $who /srv a "$bin/mkdir-as" $form /srv a
        done
        for form in x32-mkdir x32-mkdirat; do
                check "$who: $form below /tmp is no system call" refuses $ENOSYS $who "$t" a "$bin/mkdir-as" $form "$t" a
                check "$who: $form in /srv is none" refuses $ENOSYS $who /srv a "$bin/mkdir-as" $form /srv a
        done
        for form in mkdir mkdirat mkdir-cwd; do
                if [ ! -e "$bin/abi32" ]; then
                        skip "$who: 32-bit program: $form" "the compiler makes no 32-bit programs"
                        continue
                fi
                check "$who: 32-bit program: $form below /tmp" makes $who "$t" a "$bin/abi32" $form "$t" a
                check "$who: 32-bit program: $form in /srv" refuses $EPERM $who /srv a "$bin/abi32" $form /srv a
        done

        check "$who: /tmp/../srv/a" refuses $EPERM $who /srv a "$bin/mkdir-as" mkdir /tmp/../srv a
        check "$who: a symbolic link in /tmp to /srv" refuses $EPERM $who /srv a "$bin/mkdir-as" mkdir "$t/to-srv" a
        check "$who: that link as dirfd" refuses $EPERM $who /srv a "$bin/mkdir-as" mkdirat-dirfd "$t/to-srv" a
        check "$who: that link as working directory" refuses $EPERM $who /srv a "$bin/mkdir-as" mkdir-cwd "$t/to-srv" a
        check "$who: a dirfd of /tmp and ../srv" refuses $EPERM $who /srv a "$bin/mkdir-as" mkdirat-dirfd /tmp ../srv/a
        check "$who: a symbolic link in /srv to /tmp" makes $who "$t" a "$bin/mkdir-as" mkdir /srv/to-tmp a
done

check "the user: by a supplementary group" supervised_user -- "$bin/mkdir-as" mkdir "$work/shared" a
check "... and the directory is the group's" test "$(stat -c %u:%g:%a "$work/shared/a")" = 65534:60001:2755

# Denials are recorded, one each, and nothing else is: log = denied.
denials=$((2 * (5 + 6 + 5)))
[ ! -e "$bin/abi32" ] || denials=$((denials + 2 * 3))
denials_are() {
        [ "$(grep -c '^denied mkdir' "$work/log")" = "$1" ]
}
check "each denial is recorded" wait_for denials_are $denials
check "with the rule or its absence" logged "denied mkdir(\"/srv/a\") by"
check "... said" logged "(profile default: no rule covers it)"
check "an allowed call is not" fails_with 1 grep -q '^allowed' "$work/log"

stop_and_finish
