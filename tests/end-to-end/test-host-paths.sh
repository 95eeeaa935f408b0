#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A directory that several mounts of the host show has several paths.  A rule that denies any of them denies the directory; a rule that
# allows one of them allows it if no rule denies it.  It does not matter by which path, or from which mount namespace, a call names it.
source "$(dirname "$0")/lib.sh" alone

export LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
tree=$work/tree
a=$tree/a b=$tree/b c=$tree/c elsewhere=$tree/elsewhere
mkdir -p "$tree"/{a,b,c,elsewhere,busy}
chmod 777 "$tree"/{a,b,c,elsewhere,busy}

# The name of each profile says what it does with paths below a and b; all others get the default.
daemon_start <<CONF
[profile deny-b]
default = allow
log = all
[rule deny-b]
profile = deny-b deny-b-allow-a
path = $b/
action = deny

[profile allow-b]
default = deny
log = all
[rule allow-b]
profile = allow-b
path = $b/
action = allow

[profile deny-b-allow-a]
default = deny
log = all
[rule allow-a]
profile = deny-b-allow-a
path = $a/
action = allow

[profile allow-both]
default = deny
log = all
[rule both-a]
profile = allow-both
path = $a/
action = allow
[rule both-b]
profile = allow-both
path = $b/
action = allow

[profile default]
default = allow

[profile slow]
default = deny
log = all
[rule slow-a]
profile = slow
path = $a/
action = allow
[rule slow-b]
profile = slow
path = $b/
action = allow
delay = 300ms
CONF

# run PROFILE COMMAND...: runs the command supervised.
run() {
        "$SNOTIFY_RUN" --socket "$socket" --profile "$1" -- "${@:2}"
}

# created PATH COMMAND...: the command creates the directory PATH.
created() {
        local path=$1
        shift
        "$@" || return 1
        [ -d "$path" ] || { echo "$path was not created"; return 1; }
        rmdir "$path"
}

# refused PATH COMMAND...: the command fails, and PATH does not exist.
refused() {
        local path=$1
        shift
        ! "$@" || { echo "it succeeded"; return 1; }
        [ ! -e "$path" ] || { echo "$path was created"; rmdir "$path"; return 1; }
}

# decided VERDICT PATH RULE: there is such a record.
decided() {
        wait_for grep -qE "^$1 mkdir(at)?\(\"$2\"\) .*\($3\)\$" "$work/log" || { echo "no record: $1 $2 ($3)"; tail -n 3 "$work/log"; return 1; }
}

n=0
# paths WHAT FROM_A FROM_B: runs the checks for a directory whose paths are FROM_A, below a, and FROM_B, below b.
paths() {
        local what=$1 x=$2 y=$3 as way
        local -a ways=(direct unshare bind chroot)
        command -v bwrap >/dev/null && ways+=(bwrap)
        for way in "${ways[@]}"; do
                local -a wrap=()
                local to=
                n=$((n + 1))
                case $way in
                direct) ;;
                unshare) wrap=(unshare -m) ;;
                bind) wrap=(unshare -m sh -c "mount --bind $x $elsewhere && exec mkdir $elsewhere/new-$n") to=- ;;
                chroot) wrap=(chroot /) ;;
                bwrap) wrap=(bwrap --unshare-all --dev-bind / / --bind "$x" "$elsewhere" mkdir "$elsewhere/new-$n") to=- ;;
                esac
                [ -n "$to" ] || wrap+=(mkdir "$x/new-$n")
                as="$what, $way"
                check "$as: a rule that denies the other path denies the call" refused "$x/new-$n" run deny-b "${wrap[@]}"
                check "... and is in the record, with that path" decided denied "$y/new-$n" "rule deny-b"
                check "... also if another rule allows the call's own path" refused "$x/new-$n" run deny-b-allow-a "${wrap[@]}"
                check "$as: a rule that allows the other path allows the call" created "$x/new-$n" run allow-b "${wrap[@]}"
                check "... and is in the record" decided allowed "$y/new-$n" "rule allow-b"
        done
        check "$what: a call for the other path is denied by the rule for it" refused "$x/new" run deny-b mkdir "$y/new"
        check "... and allowed by a rule that allows it" created "$x/new" run allow-b mkdir "$y/new"
}

### Bind mounts, as in fstab(5).
mkdir -m 777 "$a/data"
mount --bind "$a" "$b"
paths "a bind mount" "$a/data" "$b/data"
check "two rules allow the directory: the call succeeds" run allow-both mkdir "$b/data/used"
check "... and the record has the path that the call used" decided allowed "$b/data/used" "rule both-b"
check "... and from another mount namespace" created "$a/data/first" run allow-both unshare -m sh -c "mount --bind $b/data $elsewhere && mkdir $elsewhere/first"
check "... with the first of the host's paths in the record" decided allowed "$a/data/first" "rule both-a"
rmdir "$b/data/used"
now=$(date +%s%N)
check "two rules allow the directory, one with a delay: the call succeeds" created "$a/data/slow" run slow mkdir "$a/data/slow"
check "... after that delay" test $(($(date +%s%N) - now)) -ge 300000000
umount "$b"

mkdir -m 777 "$a/data/sub"
mkdir "$b/deep"
mount --bind "$a/data/sub" "$b/deep"
paths "a bind mount of a directory" "$a/data/sub" "$b/deep"
# Directories that contain the mount point's other path, or are beside it.
check "... a directory beside it is not denied" created "$a/data/beside" run deny-b mkdir "$a/data/beside"
check "... nor is one whose name merely begins with the same letters" created "$a/data/sub2" run deny-b mkdir "$a/data/sub2"
umount "$b/deep"
check "... nor is the directory itself once the bind mount is gone" created "$a/data/sub/gone" run deny-b mkdir "$a/data/sub/gone"

mkdir -m 777 "$a/with blank" "$b/back\\slash"
mount --bind "$a/with blank" "$b/back\\slash"
check "a mount point whose name mountinfo writes with escapes: the rule denies" refused "$a/with blank/x" run deny-b mkdir "$a/with blank/x"
umount "$b/back\\slash"
mkdir -m 777 "$a/..dots" "$b/..dots"
mount --bind "$a/..dots" "$b/..dots"
check "a mount point whose name begins with two dots: the rule denies" refused "$a/..dots/x" run deny-b mkdir "$a/..dots/x"
umount "$b/..dots"

### Bind mounts of bind mounts, and mounts that show a part of what another one shows.
mount --bind "$a" "$c"
mount --bind "$c/data/sub" "$b/deep"
paths "a nested bind mount" "$c/data/sub" "$b/deep"
paths "a bind mount, reached through the mount of the whole" "$a/data/sub" "$b/deep"
umount "$b/deep" "$c"
mount --bind "$a/data" "$c"
mount --bind "$a" "$b"
paths "a mount that shows more than the other" "$c/sub" "$b/data/sub"
umount "$b" "$c"

### A file system that is mounted twice, listed in either order.
for order in "$a $b" "$b $a"; do
        # shellcheck disable=SC2086
        set -- $order
        mount -t tmpfs tmpfs "$1"
        mount --bind "$1" "$2"
        mkdir -m 777 "$a/d"
        paths "mounted twice, ${1##*/} first" "$a/d" "$b/d"
        umount "$b" "$a"
done

### The user may search neither the parents of the directory nor those of its mount.
mkdir -m 700 "$a/private" "$b/private"
mkdir -m 777 "$a/private/d" "$b/private/d"
mount --bind "$a/private/d" "$b/private/d"
# from DIRECTORY PROFILE: a call in a working directory that the user could not enter.
from() {
        cd "$1" && as_user "$SNOTIFY_RUN" --socket "$socket" --profile "$2" -- mkdir x
}
check "a user calls in a directory that they could not enter: denied by the other path" refused "$a/private/d/x" from "$a/private/d" deny-b
check "... allowed by the other path" created "$a/private/d/x" from "$a/private/d" allow-b
check "... and the other way round" refused "$a/private/d/x" from "$b/private/d" deny-b-allow-a
umount "$b/private/d"
rm -r "$a/private" "$b/private"

### Mounts that other mounts hide.
mount --bind "$a" "$b"
mount -t tmpfs tmpfs "$b"
check "a rule for a path of a mount that another one covers does not deny" created "$a/data/x" run deny-b mkdir "$a/data/x"
check "... nor allow" refused "$a/data/x" run allow-b mkdir "$a/data/x"
umount "$b"
mount -t tmpfs tmpfs "$b/data"
check "a rule for a path that leads into another mount does not allow" refused "$a/data/x" run allow-b mkdir "$a/data/x"
check "... but denies" refused "$a/data/x" run deny-b mkdir "$a/data/x"
umount "$b/data" "$b"

### Renamed and removed directories.
mkdir -m 777 "$a/moved"
mount --bind "$a/moved" "$b/deep"
check "a directory that is bind-mounted elsewhere is renamed: a call right after it is denied by the other path" refused "$a/other/x" run deny-b sh -c \
        "mkdir $a/data/x && rmdir $a/data/x && mv $a/moved $a/other && mkdir $a/other/x"
check "... and allowed by it" created "$a/other/y" run allow-b mkdir "$a/other/y"
mkdir -m 777 "$a/moved"
check "... a new directory with the old name is not denied" created "$a/moved/x" run deny-b mkdir "$a/moved/x"
check "... nor allowed" refused "$a/moved/x" run allow-b mkdir "$a/moved/x"
rmdir "$a/moved" "$a/other"
check "the directory is removed: a call in its bind mount fails with ENOENT" fails_with 2 run deny-b "$bin/mkdir-as" mkdir-cwd "$b/deep" x
check "... and others are not denied" created "$a/data/x" run deny-b mkdir "$a/data/x"
umount "$b/deep"

### The root file system, mounted a second time to see what is below mounts.
top=$(findmnt -nT "$tree" -o TARGET) # if /tmp is a mount, the mount of / does not show what is in it
again_a=$c/${a#"$top"} again_b=$c/${b#"$top"}
mount --bind "$top" "$c"
mount -t tmpfs tmpfs "$b"
check "a second mount of /: a rule for the first path denies a call by the second" refused "$again_a/data/x" run deny-b mkdir "$again_b/deep/x"
check "... and one that allows it allows it" created "$a/data/x" run deny-b-allow-a mkdir "$again_a/data/x"
umount "$b" "$c"

### btrfs: subvolumes, mounted separately, and with the top level.
if grep -qw btrfs /proc/filesystems && command -v mkfs.btrfs >/dev/null && truncate -s 256M "$work/disk" &&
        mkfs.btrfs -q "$work/disk" >/dev/null 2>&1 && mkdir "$work/top" && mount -o loop "$work/disk" "$work/top" 2>/dev/null; then
        device=$(findmnt -no SOURCE "$work/top")
        btrfs -q subvolume create "$work/top/one"
        btrfs -q subvolume create "$work/top/two"
        mkdir -m 777 "$work/top/one/d"
        mount -o subvol=one "$device" "$a"
        mount -o subvol=two "$device" "$b"
        mkdir -m 777 "$b/d"
        check "btrfs: a rule for one subvolume does not deny calls in another" created "$a/d/x" run deny-b mkdir "$a/d/x"
        check "... also in a mount namespace" created "$a/d/x" run deny-b unshare -m mkdir "$a/d/x"
        check "... but it denies calls in that subvolume through the top level" refused "$b/d/x" run deny-b mkdir "$work/top/two/d/x"
        umount "$b"
        mount -o subvol=one "$device" "$b"
        paths "btrfs: a subvolume twice" "$a/d" "$b/d"
        umount "$a"
        paths "btrfs: the top level" "$work/top/one/d" "$b/d"
        umount "$b"
        mount --bind "$work/top/one/d" "$b/deep"
        paths "btrfs: a bind mount" "$work/top/one/d" "$b/deep"
        umount "$b/deep" "$work/top"
else
        skip "btrfs subvolumes" "btrfs cannot be mounted here"
fi

### As with ostree: / and /var are parts of a file system that is also mounted as a whole.
mkdir "$tree/sysroot"
mount -t tmpfs tmpfs "$tree/sysroot"
mkdir -p "$tree/sysroot/deploy/1" "$tree/sysroot/os/var/lib"
chmod 777 "$tree/sysroot/os/var/lib"
mount --bind "$tree/sysroot/deploy/1" "$a"
mount --bind "$tree/sysroot/os/var" "$b"
paths "a part of a file system that is mounted elsewhere" "$tree/sysroot/os/var/lib" "$b/lib"
umount "$b" "$a" "$tree/sysroot"

### A file system without file handles.
mkdir "$tree"/{lower,upper,over}
if mount -t overlay -o "lowerdir=$a,upperdir=$tree/upper,workdir=$tree/over" overlay "$c" 2>/dev/null; then
        mount --bind "$c/data" "$b/deep"
        check "an overlay of the host: denied by the other path" refused "$c/data/x" run deny-b mkdir "$c/data/x"
        check "... allowed by the other path" created "$c/data/x" run allow-b mkdir "$c/data/x"
        check "... and the other way round" refused "$c/data/x" run deny-b mkdir "$b/deep/x"
        umount "$b/deep" "$c"
else
        skip "an overlay of the host" "it cannot be mounted here"
fi

### A new mount counts for each call that begins 20 ms later, and so does an unmount; also for a worker that is never idle.
changes() {
        run deny-b sh -c "$bin/steady-load $tree/busy $tree/nowhere 0 >/dev/null 2>&1 & busy=\$!
                for round in 1 2 3 4 5; do
                        mount --bind $a $b && sleep 0.02
                        mkdir $a/data/x 2>/dev/null && echo \"round \$round: created, though \$(findmnt -no SOURCE $b) is on $b\" && rmdir $a/data/x
                        umount $b && sleep 0.02
                        mkdir $a/data/x && rmdir $a/data/x || echo \"round \$round: denied, though nothing is on $b\"
                done
                kill \$busy; wait \$busy"
}
check "the host mounts and unmounts while a worker is busy: each call is judged by the mounts of the moment" test -z "$(changes 2>&1)"

check_no_trouble
stop_and_finish
