#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The shipped conf/snotify.conf does what it says: directories can be created below /tmp and not in /srv, by any user, with any system
# call, ABI and spelling of the path.
source "$(dirname "$0")/lib.sh" alone

mount -t tmpfs -o mode=1777 tmpfs /srv || skip_all "cannot mount a tmpfs"       # so that nothing but the rules can refuse a call
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

# creates WHO DIRECTORY NAME COMMAND...: the command creates the directory, which belongs to the caller.
creates() {
        local who=$1 made=$2/$3 status owner
        shift 3
        "${launch[$who]}" -- "$@"
        status=$?
        [ "$status" = 0 ] || { echo "exit status $status"; return 1; }
        owner=$(stat -c %F:%u:%a "$made") || return 1
        [ "$owner" = "directory:${uid[$who]}:755" ] || { echo "$made is $owner"; return 1; }
        rmdir "$made"
}

# refuses STATUS WHO DIRECTORY NAME COMMAND...: the command exits with STATUS, and creates no directory.
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
        output=$(creates "$1" "$2" a sh -c "${3//@/$2}" 2>&1) || status=1
        [ -z "$output" ] || { echo "$output"; return 1; }
        return "$status"
}

t=$work/t
for who in root user; do
        name=snotify-a.$$.$RANDOM
        check "$who: mkdir(1) in /tmp is allowed" creates $who /tmp $name mkdir "/tmp/$name"
        for form in 'mkdir @/a' 'cd @ && mkdir a' 'cd @ && mkdir ./a/' 'mkdir -p @/a' 'cd @ && mkdir ../t/a'; do
                check "$who: $form is allowed below /tmp" shell_in $who "$t" "$form"
        done
        for form in 'mkdir @/a' 'cd @ && mkdir a' 'cd @ && mkdir ./a/' 'mkdir -p @/a' 'cd / && mkdir srv/a'; do
                check "$who: $form is denied in /srv" shell_denied $who /srv "$form"
        done

        for form in mkdir mkdirat mkdirat-dirfd mkdir-cwd int80-mkdir int80-mkdirat-dirfd; do
                check "$who: $form is allowed below /tmp" creates $who "$t" a "$bin/mkdir-as" $form "$t" a
                check "$who: $form is denied in /srv" refuses $EPERM $who /srv a "$bin/mkdir-as" $form /srv a
        done
        for form in x32-mkdir x32-mkdirat; do
                check "$who: $form fails with ENOSYS below /tmp" refuses $ENOSYS $who "$t" a "$bin/mkdir-as" $form "$t" a
                check "$who: $form fails with ENOSYS in /srv" refuses $ENOSYS $who /srv a "$bin/mkdir-as" $form /srv a
        done
        for form in mkdir mkdirat mkdir-cwd; do
                if [ ! -e "$bin/abi32" ]; then
                        skip "$who: $form of a 32-bit program" "the compiler cannot build one"
                        continue
                fi
                check "$who: $form of a 32-bit program is allowed below /tmp" creates $who "$t" a "$bin/abi32" $form "$t" a
                check "$who: $form of a 32-bit program is denied in /srv" refuses $EPERM $who /srv a "$bin/abi32" $form /srv a
        done

        check "$who: /tmp/../srv/a is denied" refuses $EPERM $who /srv a "$bin/mkdir-as" mkdir /tmp/../srv a
        check "$who: a path through a symbolic link in /tmp to /srv is denied" refuses $EPERM $who /srv a "$bin/mkdir-as" mkdir "$t/to-srv" a
        check "$who: ... also with that link as the directory descriptor" refuses $EPERM $who /srv a "$bin/mkdir-as" mkdirat-dirfd "$t/to-srv" a
        check "$who: ... or as the working directory" refuses $EPERM $who /srv a "$bin/mkdir-as" mkdir-cwd "$t/to-srv" a
        check "$who: ../srv/a relative to a descriptor of /tmp is denied" refuses $EPERM $who /srv a "$bin/mkdir-as" mkdirat-dirfd /tmp ../srv/a
        check "$who: a path through a symbolic link in /srv to /tmp is allowed" creates $who "$t" a "$bin/mkdir-as" mkdir /srv/to-tmp a
done

check "the user's supplementary groups count: a directory in one that only a group may write to" supervised_user -- "$bin/mkdir-as" mkdir "$work/shared" a
check "... belongs to that group" test "$(stat -c %u:%g:%a "$work/shared/a")" = 65534:60001:2755

# log = denied: each denial has a record, and nothing else has.
denials=$((2 * (5 + 6 + 5)))
[ ! -e "$bin/abi32" ] || denials=$((denials + 2 * 3))
denials_are() {
        [ "$(grep -c '^denied mkdir' "$work/log")" = "$1" ]
}
check "each denial is recorded" wait_for denials_are $denials
check "... with the path" logged "denied mkdir(\"/srv/a\") by"
check "... and the reason" logged "(profile default: no rule covers it)"
check "allowed calls are not recorded" fails_with 1 grep -q '^allowed' "$work/log"

stop_and_finish
