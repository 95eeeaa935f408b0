#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The main test of fidelity: a program cannot tell whether it is supervised.  With everything allowed, the calls of transcript/table.c
# have the same results, errors, owners, modes, ACLs, links and order of times natively and under snotify-run.  The whole table is run
# twice in each context of THE LIST below: a new case is one line there, and a new context one line here.  If it is set,
# $SNOTIFY_TEST_CONTEXTS is a regular expression for the names of the contexts to run.
source "$(dirname "$0")/lib.sh" alone

export LC_ALL=C
# So that unprivileged users find the helpers, and the commands that this test writes for the contexts.
PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
transcript=$bin/transcript
places=$work/places
export TRANSCRIPT=$transcript PLACES=$places ELSEWHERE=$work/elsewhere
calls_least=90

unmount_all() {
        local mounts
        mounts=$(cut -d' ' -f2 /proc/self/mounts | grep "^$work/" | tac)
        # shellcheck disable=SC2086
        [ -z "$mounts" ] || umount -l $mounts
}
trap 'cd /; unmount_all; cleanup' EXIT

# prepare DIRECTORY: creates the tree in it, and what it needs to become a root directory.
prepare() {
        mkdir -p "$1"/{tree,tmp,dev}
        cp "$transcript" "$1/"
        ln -s /proc/self/fd "$1/dev/fd"
}

### Contexts.
# A context may set these variables:
#   place     the directory with the tree; usually on a tmpfs, which is fastest
#   program   the copy of transcript that runs
#   finds     the path of the tree for that program, if not the working directory
#   through   the command that runs the launcher
#   profile   the session's profile
#   least     how many calls there must be
#   except    a pattern for what may be missing
#   known     the only difference, as it is supervised

# transcribe FILE ID COMMAND...: writes the transcript of the table to FILE, in a new tree that belongs to ID.
transcribe() {
        local file=$1 id=$2
        shift 2
        cd "$place/tree" || exit 1
        "$transcript" prepare "$id" "$id" "$places" >"$file"
        # shellcheck disable=SC2086
        "$@" "$program" run $finds >>"$file" 2>&1 || echo "exit status $?" >>"$file"
        "$transcript" survey >>"$file" 2>&1
        "$transcript" clear
        cd /
}

complete() {
        local calls=$1
        [ "$calls" -ge "$least" ] || { echo "only $calls calls, $least wanted"; return 1; }
        ! grep -aE '^(CANNOT|WITHOUT|exit status)|NO DIRECTORY|NOT ordered|made, and' "$work/native" |
                grep -avE "${except-^\$}"
}

same() {
        diff -aU0 "$work/native" "$work/supervised"
}

# without ROW: removes from a transcript what concerns that row.
without() {
        local made=${1##*/}
        grep -avE "^mkdir ${1//./\\.} = |^\\./$made |^\\. [0-7]+ [0-9:]+ links "
}

# Is $known the only difference?
different() {
        local row=${known%% = *}
        grep -aqxF "mkdir $known" "$work/supervised" || { echo "it is not the known one"; same; return 1; }
        ! same || { echo "there is no difference any more"; return 1; }
        diff -aU0 <(without "$row" <"$work/native") <(without "$row" <"$work/supervised")
}

# context NAME root|user|user_of_root [COMMAND...]: runs the table in a context that the command sets up.  The calls and the tree are
# root's or the user's; with "user_of_root" the tree is the user's, and the command, run by root, becomes that user.
context() {
        local name=$1 who=$2 id=0 become=() calls
        [[ $name =~ ^(${SNOTIFY_TEST_CONTEXTS-.*})$ ]] || return
        local place=${place-} program=${program-} finds=${finds-} through=${through-} least=${least-} launch
        shift 2
        : "${place:=$work/place}" "${program:=$transcript}" "${least:=$calls_least}"
        launch=("$SNOTIFY_RUN" --socket "$socket" --profile="${profile-default}" --)
        [ "$who" = root ] || id=65534
        [ "$who" != user ] || become=(as_user)
        # shellcheck disable=SC2086
        if ! (cd "$place/tree" && "${become[@]}" $through "$@" "$program" try) >"$work/why" 2>&1; then
                skip "$name" "it cannot be set up here: $(tr '\n' ' ' <"$work/why")"
                return
        fi
        # shellcheck disable=SC2086
        {
                transcribe "$work/native" $id "${become[@]}" $through "$@"
                transcribe "$work/supervised" $id "${become[@]}" $through "${launch[@]}" "$@"
        }
        calls=$(grep -ac '^mkdir' "$work/native")
        grep -aoE '= -1 E[A-Z]+$' "$work/native" | sort -u >>"$work/errors-seen"
        check "$name: natively all $calls calls can be made" complete "$calls"
        if [ -n "${known-}" ]; then
                check "$name: supervised they have the same results, except for mkdir $known" different
        else
                check "$name: supervised they have the same results" same
        fi
}

# shellcheck disable=SC2054
becomes_user=(setpriv --reuid=65534 --regid=65534 --groups=65534,60001)

# Commands that set something up and then execute another command.
command_file() {
        { echo '#!/bin/sh -e'; cat; } >"$bin/$1"
        chmod 755 "$bin/$1"
}
command_file on-bind <<'SH'
mount --rbind "$PLACE" "$ELSEWHERE"
cd "$ELSEWHERE/tree"
exec "$@"
SH
# The survey from outside does not see what is on the tmpfs, so that this command makes one itself.
command_file on-tmpfs <<'SH'
mount -t tmpfs -o mode=755 tmpfs "$ELSEWHERE"
mkdir "$ELSEWHERE/tree"
cd "$ELSEWHERE/tree"
"$TRANSCRIPT" prepare 0 0 "$PLACES"
"$@"
exec "$TRANSCRIPT" survey
SH
command_file on-overlay <<'SH'
mount -t tmpfs -o mode=755 tmpfs "$ELSEWHERE"
cd "$ELSEWHERE"
mkdir lower upper work merged
mount -t overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work overlay merged
mkdir merged/tree
cd merged/tree
"$TRANSCRIPT" prepare 0 0 "$PLACES"
"$@"
exec "$TRANSCRIPT" survey
SH

# A tmpfs of a user namespace in which the caller's ids are not mapped: EOVERFLOW.
command_file on-users-tmpfs <<'SH'
setpriv --reuid=65534 --regid=65534 --clear-groups unshare -Urm sh -ec 'mount -t tmpfs -o mode=777 tmpfs "$ELSEWHERE"
        mkdir "$ELSEWHERE/tree"
        cd "$ELSEWHERE/tree"
        "$TRANSCRIPT" prepare 0 0 "$PLACES"
        exec sleep 1000' >"$ELSEWHERE.prepared" 2>&1 &
pid=$!
trap 'kill $pid' EXIT
until [ "$(cat /proc/$pid/comm)" = sleep ]; do sleep 0.01; done
nsenter --mount=/proc/$pid/ns/mnt sh -ec 'cd "$ELSEWHERE/tree"
        "$@"
        "$TRANSCRIPT" survey' sh "$@"
SH

# Gives the user ranges of subordinate ids.
have_ranges() {
        local login
        command -v newuidmap newgidmap >"$work/why" && login=$(getent passwd 65534 | cut -d: -f1) && [ -n "$login" ] &&
                echo "$login:100000:65535" >"$work/subuid" && echo "$login:200000:65535" >"$work/subgid" &&
                mount --bind "$work/subuid" /etc/subuid && mount --bind "$work/subgid" /etc/subgid
}

### File systems.
# on NAME COMMAND... DIRECTORY: runs three contexts on the file system that the command mounts there.
on() {
        local name=$1 place=$work/fs/${1//[^a-z0-9]/}
        shift
        [[ "on $name, root" =~ ^(${SNOTIFY_TEST_CONTEXTS-.*})$ ]] || return
        mkdir -p "$place"
        if "$@" "$place" >"$work/why" 2>&1 && mountpoint -q "$place"; then
                prepare "$place"
                context "on $name, root" root
                context "on $name, the user" user
                context "on $name, unshare -Ur" user unshare -Ur
                umount -l "$place"
        else
                skip "on $name" "it cannot be mounted here: $(tail -n 1 "$work/why")"
        fi
}
on_loop() {
        local size=$1 directory=${*: -1}
        truncate -s "$size" "$directory.img" && "${@:2:$#-2}" "$directory.img" && mount -o loop "$directory.img" "$directory" &&
                chmod 755 "$directory"
}
on_overlay() {
        mkdir "$1.layers"
        mount -t tmpfs tmpfs "$1.layers"
        mkdir "$1.layers"/{lower,upper,work}
        mount -t overlay -o "lowerdir=$1.layers/lower,upperdir=$1.layers/upper,workdir=$1.layers/work" overlay "$1"
}
on_fuse() {
        mkdir "$1.below"
        bindfs -o allow_other "$1.below" "$1"
}

### Directories in which mkdir fails with particular errors.
# loop NAME SIZE MKFS...: creates a file system of that size, and mounts it on $work/mnt/NAME.  The loop device goes with the mount.
loop() {
        local name=$1 size=$2
        shift 2
        mkdir -p "$work/mnt/$name"
        truncate -s "$size" "$work/$name.img" && "$@" "$work/$name.img" && mount -o loop "$work/$name.img" "$work/mnt/$name"
}
# set_up_place NAME COMMAND...: the command sets up $places/NAME.
set_up_place() {
        local name=$1
        shift
        mkdir -p "$places/$name"
        "$@" >"$work/why" 2>&1 && return
        skip "a directory with $name" "it cannot be set up here: $(tail -n 1 "$work/why")"
}
no_space() {
        loop full-disk 2M mkfs.ext4 -q -N 256 || return
        mkdir "$work/mnt/full-disk/exists"
        chmod 777 "$work/mnt/full-disk"
        dd if=/dev/zero of="$work/mnt/full-disk/file" bs=1024 conv=fsync 2>/dev/null
        local n=0
        while mkdir "$work/mnt/full-disk/$((n++))" 2>/dev/null; do :; done
        mount --bind "$work/mnt/full-disk" "$places/full-disk"
}
# Sets the number of links to the maximum, for which 65000 calls would be necessary otherwise.
many_links() {
        loop most-links 2M mkfs.ext2 -q || return
        mkdir "$work/mnt/most-links/exists"
        chmod 777 "$work/mnt/most-links"
        umount "$work/mnt/most-links"
        debugfs -w -R 'set_inode_field / links_count 65000' "$work/most-links.img" 2>/dev/null &&
                mount -o loop "$work/most-links.img" "$places/most-links"
}
quota() {
        loop quota 128M mkfs.btrfs -q || return
        mkdir -p "$work/mnt/quota"
        (cd "$work/mnt/quota" && btrfs quota enable . && btrfs subvolume create sub && mkdir sub/exists && chmod 777 sub &&
                btrfs qgroup limit -e 16K sub && mount --bind sub "$places/quota")
}
errors() {
        "$bin/errors-fs" "$places/errors" >"$work/errors-fs" 2>&1 &
        wait_for test -s "$work/errors-fs"
        cat "$work/errors-fs"
        mountpoint -q "$places/errors"
}

daemon_start <<'CONF'
[limits]
records-per-second = 1000000

[profile default]
default = allow
log = all

[profile with-denials]
default = allow
log = all

[rule nowhere]
profile = with-denials
path = /nothing-like-this/
action = deny
CONF
set_up_place full-disk no_space
set_up_place most-links many_links
set_up_place quota quota
set_up_place errors errors
place=$work/place
mkdir "$place"
mount -t tmpfs -o mode=755 tmpfs "$place"
prepare "$place"
mkdir "$ELSEWHERE"
export PLACE=$place
user_attributes=^\$
python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.test", b"")' "$place" 2>/dev/null || user_attributes='^WITHOUT the attribute'

echo "# fs.protected_symlinks is $(cat /proc/sys/fs/protected_symlinks) here, and that is what is tested: it is the machine's"

mkdir "$work/setuid-root" "$work/setuid-user"
cp "$transcript" "$work/setuid-root/" && chmod 4755 "$work/setuid-root/transcript"
cp "$transcript" "$work/setuid-user/" && chown 65534:65534 "$work/setuid-user/transcript" &&
        chmod 4755 "$work/setuid-user/transcript"

### Known differences.
# The links in /proc/self of a program that is not dumpable are open to itself, and to processes with CAP_SYS_PTRACE in its user
# namespace.  A helper acts in that namespace with the program's own capabilities and no more: EACCES.
undumpable="/proc/self/cwd/undumpable-by-proc = -1 EACCES"

### THE LIST.
# By user and privileges.
least=300 context "root" root
least=300 context "a user with a supplementary group" user
context "root without capabilities" root setpriv --bounding-set=-all --inh-caps=-all
context "root without CAP_DAC_*" root setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all
context "root became the user" user_of_root "${becomes_user[@]}"
program=$work/setuid-root/transcript context "root became the user, a set-user-ID program root" root "${becomes_user[@]}"
program=$work/setuid-root/transcript context "a set-user-ID program of root's, by root" root
program=$work/setuid-user/transcript context "a set-user-ID program of the user's, by root" user_of_root

# By kind of process and thread.
context "root, undumpable" root env AS="undumpable process"
context "a user, undumpable" user env AS="undumpable process"
context "root's thread with a cwd and umask of its own" root env AS="thread with a cwd and umask of its own"
context "a user's thread with a cwd and umask of its own" user env AS="thread with a cwd and umask of its own"
context "root's thread with a fsuid of its own" user_of_root env AS="thread with a fsuid of its own"
context "root's thread with ids of its own" user_of_root env AS="thread with ids of its own"
context "root's thread, its process is the user's" root env AS="thread of a process with other ids"

# Root directories.
program=/transcript finds=/tree
context "chroot, no /proc" root chroot "$place"
context "chroot to the user, no /proc" user_of_root chroot --userspec=65534:65534 --groups=60001 "$place"
context "unshare -Ur chroot, no /proc" user unshare -Ur chroot "$place"
mkdir "$place/proc" && mount -t proc proc "$place/proc"
context "chroot" root chroot "$place"
context "chroot to the user" user_of_root chroot --userspec=65534:65534 --groups=60001 "$place"
context "chroot, undumpable" root env AS="undumpable process" chroot "$place"
context "unshare -Ur chroot" user unshare -Ur chroot "$place"
umount "$place/proc" && rmdir "$place/proc"
unset program finds

# Mount namespaces.
context "unshare -m" root unshare -m
context "unshare -m, on a bind" root unshare -m on-bind
context "unshare -m, on a tmpfs" root unshare -m on-tmpfs
context "unshare -m to the user, on a bind" user_of_root unshare -m on-bind "${becomes_user[@]}"
context "unshare -Urm" user unshare -Urm
context "unshare -Urm, on a bind" user unshare -Urm on-bind
# Before Linux 6.6 a tmpfs has no attributes of users, in which such an overlay keeps those of files.
except=$user_attributes context "unshare -m, on an overlay" root unshare -m on-overlay
# No file can have an owner whose id is not mapped.
except='^WITHOUT (its owner|an ACL|the attribute)' context "unshare -Urm, on a tmpfs" user unshare -Urm on-tmpfs
except='^WITHOUT (its owner|an ACL|the attribute)' context "unshare -Urm, on an overlay" user unshare -Urm on-overlay

except='^CANNOT (lose|shut) my cwd' context "nsenter, on a tmpfs of the user's" root on-users-tmpfs

# User namespaces.
context "unshare -Ur" user unshare -Ur
context "unshare -Ur, undumpable" user unshare -Ur env AS="undumpable process"
context "unshare -Ur, a thread with a cwd and umask of its own" user unshare -Ur env AS="thread with a cwd and umask of its own"
known=$undumpable context "unshare -U, no map" user unshare -U
known=$undumpable context "unshare -U -c" user unshare -U -c
context "unshare -Ur unshare -Ur" user unshare -Ur unshare -Ur
context "unshare -Ur unshare -U -c" user unshare -Ur unshare -U -c
context "unshare -Ur unshare -Ur unshare -Ur" user unshare -Ur unshare -Ur unshare -Ur
context "unshare -Ur by root" root unshare -Ur
through="unshare -Ur" context "a launcher in unshare -Ur" user
# shellcheck disable=SC2054
ranges=(unshare --map-root-user --map-users=100000,1,65535 --map-groups=200000,1,65535)
if have_ranges; then
        context "newuidmap: ranges of ids" user_of_root "${becomes_user[@]}" "${ranges[@]}"
        except='^CANNOT (lose|shut) my cwd' context "newuidmap: ranges of ids, as one of them" \
                user_of_root "${becomes_user[@]}" "${ranges[@]}" setpriv --reuid=5 --regid=5 --clear-groups
        through=${ranges[*]} context "newuidmap: a launcher among ranges of ids" user
        umount /etc/subuid /etc/subgid
else
        skip "newuidmap: ranges of ids" "there is no newuidmap, no /etc/subuid, or no name for user 65534"
fi

# PID namespaces, with /proc.
context "unshare -pf --mount-proc" root unshare -pf --mount-proc
context "unshare -pf, and the host's /proc" root unshare -pf
context "unshare -pf --mount-proc to the user" user_of_root unshare -pf --mount-proc "${becomes_user[@]}"
context "unshare -Urpf --mount-proc" user unshare -Urpf --mount-proc
context "unshare -Urpf --mount-proc, undumpable" user unshare -Urpf --mount-proc env AS="undumpable process"
context "unshare -Urpf --mount-proc, on a bind" user unshare -Urpf --mount-proc on-bind

# Bubblewrap.
wrap=(bwrap --unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc)
known=$undumpable context "bwrap" user "${wrap[@]}" --bind "$place" "$place" --chdir "$place/tree"
known=$undumpable context "bwrap, bound elsewhere" user "${wrap[@]}" --bind "$place" "$ELSEWHERE" --chdir "$ELSEWHERE/tree"
known=$undumpable except='^CANNOT (lose|shut) my cwd' context "bwrap, read-only" user "${wrap[@]}" --chdir "$place/tree"
context "bwrap by root" root "${wrap[@]}" --bind "$place" "$place" --chdir "$place/tree"

# With rules, even for other directories, a worker checks an allowed call in more ways.
profile=with-denials context "with rules, a user" user
profile=with-denials context "with rules, unshare -Ur" user unshare -Ur
profile=with-denials context "with rules, unshare -m, on a bind" root unshare -m on-bind
profile=with-denials context "with rules, unshare -m, on a tmpfs" root unshare -m on-tmpfs
profile=with-denials program=/transcript finds=/tree context "with rules, chroot, no /proc" root chroot "$place"
profile=with-denials known=$undumpable context "with rules, bwrap, bound elsewhere" user \
        "${wrap[@]}" --bind "$place" "$ELSEWHERE" --chdir "$ELSEWHERE/tree"

# File systems.
mkdir "$work/on-tmp"
on "the file system of /tmp" mount --bind "$work/on-tmp"
on ext4 on_loop 32M mkfs.ext4 -q
on xfs on_loop 300M mkfs.xfs -q
on btrfs on_loop 128M mkfs.btrfs -q
on overlay on_overlay
except="^WITHOUT the attribute" on fuse on_fuse

all_errors_seen() {
        local error missing=
        for error in EACCES EBADF EDQUOT EEXIST EFAULT EINVAL ELOOP EMLINK ENAMETOOLONG ENOENT ENOMEM ENOSPC ENOTDIR EPERM EROFS; do
                grep -qx "= -1 $error" "$work/errors-seen" || missing+=" $error"
        done
        [ -z "$missing" ] || { echo "missing:$missing"; return 1; }
}
if mountpoint -q "$places/errors"; then
        check "each error that mkdir(2) documents was among the results" all_errors_seen
else
        skip "each error that mkdir(2) documents was among the results" "some need FUSE"
fi

### More known differences; others are in test-differences.sh.
# For a user the launcher must set no_new_privs: a set-user-ID program then runs with the user's own id.
cp "$(command -v mkdir)" "$work/setuid-root/mkdir" && chmod 4755 "$work/setuid-root/mkdir"
owner_of_new() {
        mkdir -m 777 "$work/new"
        "$@" "$work/setuid-root/mkdir" "$work/new/x"
        stat -c %u "$work/new/x"
        rm -r "$work/new"
}
check "natively a user's set-user-ID root program runs as root" test "$(owner_of_new as_user)" = 0
check "known difference: supervised it runs as the user" test "$(owner_of_new supervised_user --)" = 65534

daemon_stop
check "the daemon exits with status 0" test $? = 0
check_no_trouble
finish
