#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A directory that several mounts of the host show has as many paths: a rule that denies any of them denies it, a rule that allows one
# allows it where none denies, by whatever path or from whatever mount namespace the program comes.
source "$(dirname "$0")/lib.sh" alone

export LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
tree=$work/tree
a=$tree/a b=$tree/b c=$tree/c elsewhere=$tree/elsewhere
mkdir -p "$tree"/{a,b,c,elsewhere,busy}
chmod 777 "$tree"/{a,b,c,elsewhere,busy}

# What each profile does with paths below a and b is in its name; the rest has the default.
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

# run PROFILE COMMAND...
run() {
        "$SNOTIFY_RUN" --socket "$socket" --profile "$1" -- "${@:2}"
}

# made PATH COMMAND...: the command makes the directory PATH.
made() {
        local path=$1
        shift
        "$@" || return 1
        [ -d "$path" ] || { echo "$path was not made"; return 1; }
        rmdir "$path"
}

# refused PATH COMMAND...: it fails, and PATH is not there.
refused() {
        local path=$1
        shift
        ! "$@" || { echo "it succeeded"; return 1; }
        [ ! -e "$path" ] || { echo "$path was made"; rmdir "$path"; return 1; }
}

# Records of the path NAME is in, by the rule.
decided() {
        wait_for grep -qE "^$1 mkdir(at)?\(\"$2\"\) .*\($3\)\$" "$work/log" || { echo "no record: $1 $2 ($3)"; tail -n 3 "$work/log"; return 1; }
}

n=0
# paths WHAT FROM_A FROM_B: FROM_A/ and FROM_B/ are one directory, below a and b.
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
                check "$as: a rule that denies the other path denies" refused "$x/new-$n" run deny-b "${wrap[@]}"
                check "... by that rule, and the record says which path" decided denied "$y/new-$n" "rule deny-b"
                check "... and denies what another rule allows" refused "$x/new-$n" run deny-b-allow-a "${wrap[@]}"
                check "... a rule that allows the other path allows" made "$x/new-$n" run allow-b "${wrap[@]}"
                check "... by that rule" decided allowed "$y/new-$n" "rule allow-b"
        done
        check "$what: by that other path itself it is denied" refused "$x/new" run deny-b mkdir "$y/new"
        check "... and allowed" made "$x/new" run allow-b mkdir "$y/new"
}

### Bind mounts, as fstab has them.
mkdir -m 777 "$a/data"
mount --bind "$a" "$b"
paths "a bind mount" "$a/data" "$b/data"
check "two rules that allow it: the record names the path that was used" run allow-both mkdir "$b/data/used"
check "..." decided allowed "$b/data/used" "rule both-b"
check "... or the first" made "$a/data/first" run allow-both unshare -m sh -c "mount --bind $b/data $elsewhere && mkdir $elsewhere/first"
check "..." decided allowed "$a/data/first" "rule both-a"
rmdir "$b/data/used"
now=$(date +%s%N)
check "the longest delay of the rules that allow it holds" made "$a/data/slow" run slow mkdir "$a/data/slow"
check "..." test $(($(date +%s%N) - now)) -ge 300000000
umount "$b"

mkdir -m 777 "$a/data/sub"
mkdir "$b/deep"
mount --bind "$a/data/sub" "$b/deep"
paths "a bind mount of a directory" "$a/data/sub" "$b/deep"
# What has another mount in it, and what is beside.
check "... beside it nothing is denied" made "$a/data/beside" run deny-b mkdir "$a/data/beside"
check "... nor its name alone" made "$a/data/sub2" run deny-b mkdir "$a/data/sub2"
umount "$b/deep"
check "... nor after it is gone" made "$a/data/sub/gone" run deny-b mkdir "$a/data/sub/gone"

mkdir -m 777 "$a/with blank" "$b/back\\slash"
mount --bind "$a/with blank" "$b/back\\slash"
check "a mount point that is written with escapes" refused "$a/with blank/x" run deny-b mkdir "$a/with blank/x"
umount "$b/back\\slash"
mkdir -m 777 "$a/..dots" "$b/..dots"
mount --bind "$a/..dots" "$b/..dots"
check "names that begin with two dots" refused "$a/..dots/x" run deny-b mkdir "$a/..dots/x"
umount "$b/..dots"

### A bind mount of a bind mount, and the way down from one that shows less.
mount --bind "$a" "$c"
mount --bind "$c/data/sub" "$b/deep"
paths "a nested bind mount" "$c/data/sub" "$b/deep"
paths "what a bind mount shows is shown by the whole" "$a/data/sub" "$b/deep"
umount "$b/deep" "$c"
mount --bind "$a/data" "$c"
mount --bind "$a" "$b"
paths "a mount that shows more" "$c/sub" "$b/data/sub"
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

### Where the user may not go: above the directory, and to the mount.
mkdir -m 700 "$a/private" "$b/private"
mkdir -m 777 "$a/private/d" "$b/private/d"
mount --bind "$a/private/d" "$b/private/d"
# from DIRECTORY PROFILE: the user's working directory is one that he could not reach.
from() {
        cd "$1" && as_user "$SNOTIFY_RUN" --socket "$socket" --profile "$2" -- mkdir x
}
check "a user in a directory that he could not reach: denied by the other path" refused "$a/private/d/x" from "$a/private/d" deny-b
check "... allowed by it" made "$a/private/d/x" from "$a/private/d" allow-b
check "... and the other way round" refused "$a/private/d/x" from "$b/private/d" deny-b-allow-a
umount "$b/private/d"
rm -r "$a/private" "$b/private"

### What is hidden.
mount --bind "$a" "$b"
mount -t tmpfs tmpfs "$b"
check "a mount that another one covers shows nothing: it does not deny" made "$a/data/x" run deny-b mkdir "$a/data/x"
check "... nor allow" refused "$a/data/x" run allow-b mkdir "$a/data/x"
umount "$b"
mount -t tmpfs tmpfs "$b/data"
check "a path that leads below another mount does not allow" refused "$a/data/x" run allow-b mkdir "$a/data/x"
check "... but denies" refused "$a/data/x" run deny-b mkdir "$a/data/x"
umount "$b/data" "$b"

### Removed, renamed.
mkdir -m 777 "$a/moved"
mount --bind "$a/moved" "$b/deep"
check "a directory that is bound elsewhere is renamed: at once it is the same one" refused "$a/other/x" run deny-b sh -c \
        "mkdir $a/data/x && rmdir $a/data/x && mv $a/moved $a/other && mkdir $a/other/x"
check "... and allowed" made "$a/other/y" run allow-b mkdir "$a/other/y"
mkdir -m 777 "$a/moved"
check "... what has its old name is not" made "$a/moved/x" run deny-b mkdir "$a/moved/x"
check "... nor allowed" refused "$a/moved/x" run allow-b mkdir "$a/moved/x"
rmdir "$a/moved" "$a/other"
check "... it is removed: nothing can be made" fails_with 2 run deny-b "$bin/mkdir-as" mkdir-cwd "$b/deep" x
check "... and others are not denied" made "$a/data/x" run deny-b mkdir "$a/data/x"
umount "$b/deep"

### The whole directory tree once more, to look below mounts.
top=$(findmnt -nT "$tree" -o TARGET) # where /tmp is a mount, the root directory's does not show what is there
again_a=$c/${a#"$top"} again_b=$c/${b#"$top"}
mount --bind "$top" "$c"
mount -t tmpfs tmpfs "$b"
check "another mount of /: what is denied is denied by this name, too" refused "$again_a/data/x" run deny-b mkdir "$again_b/deep/x"
check "... and allowed" made "$a/data/x" run deny-b-allow-a mkdir "$again_a/data/x"
umount "$b" "$c"

### btrfs: subvolumes by themselves, and with the top level.
if grep -qw btrfs /proc/filesystems && command -v mkfs.btrfs >/dev/null && truncate -s 256M "$work/disk" &&
        mkfs.btrfs -q "$work/disk" >/dev/null 2>&1 && mkdir "$work/top" && mount -o loop "$work/disk" "$work/top" 2>/dev/null; then
        device=$(findmnt -no SOURCE "$work/top")
        btrfs -q subvolume create "$work/top/one"
        btrfs -q subvolume create "$work/top/two"
        mkdir -m 777 "$work/top/one/d"
        mount -o subvol=one "$device" "$a"
        mount -o subvol=two "$device" "$b"
        mkdir -m 777 "$b/d"
        check "btrfs: subvolumes are apart" made "$a/d/x" run deny-b mkdir "$a/d/x"
        check "... also in a mount namespace" made "$a/d/x" run deny-b unshare -m mkdir "$a/d/x"
        check "... the top level shows them" refused "$b/d/x" run deny-b mkdir "$work/top/two/d/x"
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
        skip "btrfs" "it cannot be mounted here"
fi

### As ostree has it: the root directory and /var are parts of one file system that is mounted as a whole, too.
mkdir "$tree/sysroot"
mount -t tmpfs tmpfs "$tree/sysroot"
mkdir -p "$tree/sysroot/deploy/1" "$tree/sysroot/os/var/lib"
chmod 777 "$tree/sysroot/os/var/lib"
mount --bind "$tree/sysroot/deploy/1" "$a"
mount --bind "$tree/sysroot/os/var" "$b"
paths "a part of a file system that is mounted elsewhere" "$tree/sysroot/os/var/lib" "$b/lib"
umount "$b" "$a" "$tree/sysroot"

### No file handles.
mkdir "$tree"/{lower,upper,over}
if mount -t overlay -o "lowerdir=$a,upperdir=$tree/upper,workdir=$tree/over" overlay "$c" 2>/dev/null; then
        mount --bind "$c/data" "$b/deep"
        check "an overlay of the host's: denied by the other path" refused "$c/data/x" run deny-b mkdir "$c/data/x"
        check "... allowed by it" made "$c/data/x" run allow-b mkdir "$c/data/x"
        check "... the other way round" refused "$c/data/x" run deny-b mkdir "$b/deep/x"
        umount "$b/deep" "$c"
else
        skip "an overlay of the host's" "it cannot be mounted here"
fi

### A mount that is new counts for each call that begins 20 ms later, and so does that one is gone; also where the worker has no rest.
changes() {
        run deny-b sh -c "$bin/steady-load $tree/busy $tree/nowhere 0 >/dev/null 2>&1 & busy=\$!
                for round in 1 2 3 4 5; do
                        mount --bind $a $b && sleep 0.02
                        mkdir $a/data/x 2>/dev/null && echo \"round \$round: made, though \$(findmnt -no SOURCE $b) is on $b\" && rmdir $a/data/x
                        umount $b && sleep 0.02
                        mkdir $a/data/x && rmdir $a/data/x || echo \"round \$round: denied, though nothing is on $b\"
                done
                kill \$busy; wait \$busy"
}
check "host mounts come and go while a worker is busy" test -z "$(changes 2>&1)"

check_no_trouble
stop_and_finish
