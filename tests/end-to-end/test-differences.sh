#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What differs without the guard is what DIFFERENCES in snotifyd(8) lists; with the guard, see test-guard-differences.sh.  Landlock and
# signals have tests of their own; control groups are in test-systemd.sh, file systems that only the program sees in test-namespaces.sh.
source "$(dirname "$0")/lib.sh" alone

# So that unprivileged users find the programs.
PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mkdir -m 777 "$work/tree"
cd "$work/tree" || exit 1
cp "$SOURCE_ROOT/tests/end-to-end/differences.py" "$work/bin/"
daemon_start <<CONF
[limits]
call-timeout = 1h

[profile default]
guard = off
default = allow

[rule fuse]
path = $work/fuse/denied
action = deny

[rule fuse-tree]
path = $work/fuse/tree/
action = deny

[rule vfat]
path = $work/vfat/denied
action = deny

[rule vfat-tree]
path = $work/vfat/tree/
action = deny

[profile open]
guard = off
default = allow

[profile whole]
guard = off
default = allow

[rule fuse-whole]
profile = whole
path = $work/fuse/
action = deny

[rule vfat-whole]
profile = whole
path = $work/vfat/
action = deny
CONF
trap 'fsfreeze --unfreeze "$work/frozen" 2>/dev/null; umount -l "$work"/*/ 2>/dev/null; cleanup' EXIT

# differs WHO THING NATIVE SUPERVISED [OPTION]: differences.py prints NATIVE natively, and SUPERVISED supervised (with that option of
# snotify-run).  WHO is root or user.
differs() {
        local native=() launch=supervised
        [ "$1" = root ] || { native=(as_user) launch=supervised_user; }
        says "$3" "${native[@]}" python3 "$bin/differences.py" "$2" || { echo "natively"; return 1; }
        find . -mindepth 1 -delete
        says "$4" "$launch" ${5+"$5"} -- python3 "$bin/differences.py" "$2"
        local status=$?
        find . -mindepth 1 -delete
        return "$status"
}
says() {
        local expected=$1 output
        shift
        output=$("$@" 2>&1)
        [[ ,$expected, == *",$output,"* ]] || { echo "not \"$expected\" but \"$output\""; return 1; }
}

# differs_if WHO WHAT THING NATIVE SUPERVISED: checks that if the native result is the expected one here.
differs_if() {
        local native
        native=$(python3 "$bin/differences.py" "$3" 2>&1)
        find . -mindepth 1 -delete
        if [ "$native" = "$4" ]; then
                check "$2" differs "$1" "$3" "$4" "$5"
        else
                skip "$2" "natively it is \"$native\" here"
        fi
}

for who in root user; do
        check "$who: io_uring does not exist" differs $who io_uring EFAULT,EPERM ENOSYS
        check "$who: the ioctl that creates a btrfs subvolume fails with EPERM" differs $who subvolume ENOTTY,EBADF,EINVAL EPERM
        check "$who: x32 calls do not exist" differs $who x32 0,ENOSYS ENOSYS
        check "$who: a directory with a path of 5000 bytes can be created if the profile denies nothing" differs $who deep made made --profile=open
        check "$who: ... and fails with ENAMETOOLONG if it denies something" differs $who deep made ENAMETOOLONG
        check "$who: /proc/PID/status shows the filter" differs $who seccomp 0 2
        check "$who: the environment has SNOTIFY_SESSION" differs $who session unset set
        check "$who: a second supervisor by seccomp notification fails with EBUSY" differs $who second-listener 0 EBUSY
        check "$who: seccomp's strict mode fails with EINVAL" differs $who strict 0 EINVAL
        check "$who: a tracer's own filter for the call has no effect" differs $who trace-filter ENOSYS 0
        differs_if $who "$who: a path in memfd_secret(2) memory fails with EFAULT" secret 0 EFAULT
done
check "the call with the long path is recorded" logged "ENAMETOOLONG (the directory's path is too long to be judged)"
check "root: no_new_privs is not set" differs root no-new-privs 0 0
check "user: no_new_privs is set" differs user no-new-privs 0 1
differs_if root "fanotify(7) reports the worker" maker itself another
differs_if root "a filter that has the kernel log the call has no effect" log-filter logged silent

# Prints the nice value of the program and that of its worker.
cat >"$bin/priorities" <<'SH'
mkdir nice
for pid in $$ $(pgrep -n -x snotifyd-worker); do
        cut -d' ' -f19 "/proc/$pid/stat"
done | paste -sd' '
rmdir nice
SH
own=$(cut -d' ' -f19 /proc/self/stat)
check "a worker has the daemon's nice value, not the target's" says "$((own + 5)) $own" supervised -- nice -n 5 sh "$bin/priorities"

### A program's environment can be a little smaller: by SNOTIFY_SESSION, or by the launcher's own command line.

label=$(printf 'x%.0s' {1..79})
environment() {
        says "as documented" python3 "$bin/differences.py" environment "$@"
}
check "the largest environment is as much smaller as documented" environment "$SNOTIFY_RUN" --socket "$socket" --
check "... with a long command line" environment "$SNOTIFY_RUN" --socket "$socket" --label "$label" --
cd "$bin" && ln snotify-run s && ln -s "$socket" t
check "... with a short one" environment ./s --so=t
cd "$work/tree" || exit 1

### A user cannot gain privileges by set-user-ID programs.

cat >"$bin/map-users" <<'SH'
#!/bin/sh
mkfifo ready go
unshare --user sh -c 'echo >ready; read -r _ <go' &
read -r _ <ready
newuidmap $! 0 65534 1 1 100000 10 2>/dev/null && echo mapped || echo refused
echo >go
wait
rm ready go
SH
chmod 755 "$bin/map-users"
echo "nobody:100000:65536" >"$work/subuid"
# shellcheck disable=SC2015
if [ -e /etc/subuid ] && mount --bind "$work/subuid" /etc/subuid && [ "$(as_user map-users)" = mapped ]; then
        check "user: newuidmap(1) has no effect" says refused supervised_user -- map-users
else
        skip "user: newuidmap(1)" "it cannot be used here"
fi
mountpoint -q /etc/subuid && umount /etc/subuid

### File systems.

# on_image OPTIONS DIRECTORY MKFS...: creates a file system and mounts it on the directory.
on_image() {
        local options=$1 directory=$2
        shift 2
        mkdir "$directory"
        truncate -s 32M "$directory.image"
        "$@" "$directory.image" >/dev/null 2>&1 && mount -o "loop$options" "$directory.image" "$directory" 2>/dev/null
}

if on_image "" "$work/encrypted" mkfs.ext4 -q -O encrypt; then
        cd "$work/encrypted" || exit 1
        rmdir lost+found
        differs_if root "a directory that is encrypted with a key of the session keyring (fscrypt v1) cannot be used" encrypted made ENOKEY
        cd "$work/tree" || exit 1
        umount "$work/encrypted"
else
        skip "a directory that is encrypted with a key of the session keyring" "an ext4 with encryption cannot be mounted here"
fi

# serve DIRECTORY: mounts a FUSE file system, whose server writes its requests to DIRECTORY.asked.
serve() {
        mkdir "$1" "$1.backing"
        fuse-maker "$1" "$1.backing" >"$1.asked" 2>&1 &
        wait_for mountpoint -q "$1"
}

# asked_by COMMAND...: runs mkdir by the command, and prints whether the server was told that process ("itself") or "another".
asked_by() {
        local pid
        # shellcheck disable=SC2016
        pid=$("$@" sh -c 'echo $$; exec mkdir "$1"' sh "$work/fuse/asked") || return
        grep -qx "asked by $pid" "$work/fuse.asked" && echo itself || echo another
        rmdir "$work/fuse.backing/asked"
        : >"$work/fuse.asked"
}

# spelled DIRECTORY MADE: a rule denies a name as the program spells it; the file system takes another spelling for the same name.
spelled() {
        local directory=$1 made=$2
        rm -rf "${made:?}"/{denied,tree}
        mkdir -p "$made/tree"
        supervised -- mkdir "$directory/denied" 2>/dev/null && { echo "a denied name was created"; return 1; }
        supervised -- mkdir "$directory/tree/x" 2>/dev/null && { echo "a name below a denied one was created"; return 1; }
        supervised -- mkdir "$directory/denied." && [ -d "$made/denied" ] || { echo "another spelling was not created"; return 1; }
}

# denied_whole DIRECTORY: with a rule that denies the whole file system no spelling helps.
denied_whole() {
        local directory=$1 name
        for name in denied denied. tree/x tree./x other; do
                ! supervised --profile=whole -- mkdir "$directory/$name" 2>/dev/null || { echo "$name"; return 1; }
        done
}

if [ -e /dev/fuse ] && [ -e "$bin/fuse-maker" ] && serve "$work/fuse"; then
        check "natively a FUSE server is told the calling process" says itself asked_by env
        check "... and supervised another one" says another asked_by supervised --
        check "FUSE: another spelling of a denied name, which the file system takes for the same, is created" spelled "$work/fuse" "$work/fuse.backing"
        check "... and so is a name below another spelling of a denied directory" supervised -- mkdir "$work/fuse/tree./x"
        check "... but not if a rule denies the whole file system" denied_whole "$work/fuse"
        umount "$work/fuse"
else
        skip "names and processes on FUSE" "no /dev/fuse, or built without libfuse3"
fi
if on_image "" "$work/vfat" mkfs.vfat; then
        check "vfat: another spelling of a denied name, which the file system takes for the same, is created" spelled "$work/vfat" "$work/vfat"
        check "... but not if a rule denies the whole file system" denied_whole "$work/vfat"
        umount "$work/vfat"
else
        skip "names on vfat" "it cannot be mounted here"
fi

### While 15 calls of a session wait for a frozen file system, its further calls wait, too.

frozen_workers() {
        grep -lx 'Name:.snotifyd-worker' /proc/[0-9]*/status 2>/dev/null | xargs grep -l '^State:.D' | wc -l
}
frozen_workers_are() {
        [ "$(frozen_workers)" = "$1" ]
}
cat >"$work/freeze.sh" <<'SH'
cd "$1" || exit 1
for n in {1..15}; do
        mkdir "frozen/$n" &
done
until [ -e all-wait ]; do sleep 0.01; done
mkdir elsewhere && wait
SH
if on_image "" "$work/frozen" mkfs.ext4 -q && fsfreeze --freeze "$work/frozen" 2>/dev/null; then
        supervised -- bash "$work/freeze.sh" "$work" &
        freezer=$!
        check "15 calls wait for a frozen file system" wait_for frozen_workers_are 15
        : >"$work/all-wait"
        check "... a call of another session does not wait" supervised -- mkdir "$work/tree/other-session"
        check "... a further call of the same session does" test ! -e "$work/elsewhere"
        fsfreeze --unfreeze "$work/frozen"
        wait $freezer
        check "... until it is thawed" test $? = 0 -a -d "$work/elsewhere" -a -d "$work/frozen/15"
        rmdir "$work/tree/other-session"
        umount "$work/frozen"
else
        skip "a frozen file system" "ext4 cannot be mounted and frozen here"
fi

# traced OPTIONS: prints how many mkdir(2) strace shows.
traced() {
        local options=$1
        # shellcheck disable=SC2086
        supervised -- strace -f $options -e trace=mkdir -o "$work/trace" mkdir "traced$RANDOM" && grep -c '^[0-9]* *mkdir(' "$work/trace"
}
### The promises do not hold against root, not even without capabilities.

check "root without capabilities can send signals to the daemon" \
        supervised -- setpriv --bounding-set=-all --inh-caps=-all sh -c "kill -0 $daemon_pid"
check "... a user cannot" fails_with 1 supervised_user -- sh -c "kill -0 $daemon_pid"

### strace(1).

if strace -o /dev/null true 2>/dev/null; then
        check "strace --seccomp-bpf does not show the call" says 0 traced --seccomp-bpf
        check "... and strace does" says 1 traced ""
else
        skip "strace" "it is not installed, or cannot trace here"
fi

stop_and_finish
