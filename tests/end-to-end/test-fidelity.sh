#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A program can not tell whether it is supervised: the calls of transcript.c give the same results, errors, owners, modes and ACLs
# native and, with everything allowed, under snotify-run, for root and for a user with supplementary groups, also as the root of
# namespaces of their own.
source "$(dirname "$0")/lib.sh" alone

tree=$work/tree

clear_away() {
        ! mountpoint -q "$tree/read-only" || umount "$tree/read-only"
        ! mountpoint -q "$tree/full" || umount "$tree/full"
        rm -rf "$tree"
}
trap 'clear_away; cleanup' EXIT

# The place of the calls, the same in each run.  furnish UID GID: it belongs to them, but for what says otherwise.
furnish() {
        local n from
        clear_away
        mkdir "$tree"
        cd "$tree" || exit 1
        mkdir -p dir/exists doomed doomed-too doomed-parent/child shut shut-behind setgid acl acl-minimal unwritable/exists \
                unsearchable/exists jail/dir jail/open read-only/exists full
        echo content >file
        mkfifo fifo
        ln -s dir link
        ln -s "$tree/dir" absolute-link
        ln -s file link-to-file
        ln -s nowhere dangling
        ln -s loop loop
        for n in {41..1}; do
                ((n == 1)) && from=dir || from=chain-$((n - 1))
                ln -s "$from" "chain-$n"
        done
        ln -s /dir jail/link
        ln -s "$tree/dir" jail/absolute-link
        ln -s /proc/self/cwd/dir proc-link
        ln -s /proc/self/fd/987 proc-link-to-fd
        chown -hR "$1:$2" .
        chmod 555 unwritable
        chmod 666 unsearchable
        chmod 777 jail/open

        mkdir -m 2775 setgid-foreign && chown "$1:60002" setgid-foreign && chmod 2777 setgid-foreign
        chown ":60001" setgid && chmod 2775 setgid
        mkdir -m 770 of-group && chown 0:60001 of-group
        mkdir -m 770 of-other-group && chown 0:60002 of-other-group
        mkdir -m 755 of-root of-user && chown 65534:65534 of-user
        mkdir -m 1777 sticky && chmod 1777 sticky
        ln -s ../dir sticky/link-of-root
        ln -s ../dir sticky/link-of-user && chown -h 65534:65534 sticky/link-of-user

        setfacl -d -m u::rwx,u:60003:rwx,g::r-x,m::rwx,o::- acl &&
                setfacl -d -m u::rwx,g::rx,o::rx acl-minimal &&
                mkdir -m 700 acl-for-user && setfacl -m u:65534:rwx acl-for-user || { echo "Bail out! no ACLs in /tmp"; exit 1; }
        mount --bind read-only read-only && mount -o remount,bind,ro read-only &&
                mount -t tmpfs -o mode=777,nr_inodes=2 tmpfs full && mkdir full/exists ||
                { echo "Bail out! cannot mount"; exit 1; }
}

# What all the calls together have left.
survey() {
        find . -printf '%p %y %m %U:%G links %n\n' | LC_ALL=C sort
        find . -type d -print0 | LC_ALL=C sort -z | xargs -0 getfacl -nsP
}

# transcribe FILE UID GID COMMAND...: in a fresh tree.
transcribe() {
        local file=$1
        furnish "$2" "$3"
        shift 3
        "$@" >"$file" 2>&1 || echo "exit status $?" >>"$file"
        survey >>"$file"
        cd /
}

same() {
        diff -U0 "$work/native.$1" "$work/supervised.$1"
}

complete() {
        local n
        n=$(grep -c '^mkdir' "$work/native.$1")
        [ "$n" -ge "$2" ] || { echo "only $n calls"; return 1; }
        ! grep -E '^(CANNOT|exit status)|NO DIRECTORY|made, and' "$work/native.$1"
}

# compare WHO SECTIONS MINIMUM: runs sections of the table twice.  WHO is root, user or what the user runs to be root
# somewhere.
compare() {
        local who=$1 minimum=$3 id=65534 native=(as_user) launch=supervised_user inside=() sections key=${1// /}.${2// /}
        read -ra sections <<<"$2"
        case $who in
        root) id=0 native=() launch=supervised ;;
        user) ;;
        *) read -ra inside <<<"$who" ;;
        esac
        transcribe "$work/native.$key" $id $id "${native[@]}" "${inside[@]}" "$bin/transcript" "${sections[@]}"
        transcribe "$work/supervised.$key" $id $id $launch -- "${inside[@]}" "$bin/transcript" "${sections[@]}"
        check "$who: the native transcript of \"$2\" is complete ($(grep -c '^mkdir' "$work/native.$key") calls)" \
                complete "$key" "$minimum"
        check "$who: the supervised one of \"$2\" is the same" same "$key"
}

# possible WHO: as there, natively.
possible() {
        local inside
        read -ra inside <<<"$1"
        as_user "${inside[@]}" true 2>/dev/null || { skip "$1" "the user may not do that here"; return 1; }
}

daemon_start <<'CONF'
[profile default]
default = allow
log = all
CONF

compare root "calls roots kernels" 220
compare user "calls kernels" 180
compare root proc 37
compare user proc 36
compare root special 5
compare user special 5
if possible "unshare -Ur"; then
        compare "unshare -Ur" "calls roots kernels" 200
        compare "unshare -Ur" proc 36
        compare "unshare -Ur unshare -Ur" "calls roots kernels" 200
fi
if possible "unshare -Urm"; then
        compare "unshare -Urm" calls 180
        compare "unshare -Urm" proc 36
        compare "unshare -Urm" "roots kernels" 24
fi

daemon_stop
check "the daemon ends well" test $? = 0
check "no call was trouble" fails_with 1 grep '^trouble' "$work/log"
finish
