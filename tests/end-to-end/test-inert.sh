#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In file systems where no process can create a directory the kernel's own error comes before the rules: with everything denied
# mkdir gives there what it gives without supervision.
source "$(dirname "$0")/lib.sh" alone

# What the user may run.
PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
EXDEV=18
mkdir -m 777 "$work/tree" "$work/fs" "$work/view"
daemon_start <<CONF
[profile default]
default = deny
errno = EXDEV

[profile by-rules]
default = allow
errno = EXDEV

[rule all]
profile = by-rules
path = /*/
action = deny
CONF

# error_of COMMAND... DIRECTORY NAME: the errno of a mkdir, or what else becomes of it.
error_of() {
        "${@:1:$#-2}" "$bin/mkdir-as" mkdir "${@: -2}"
        echo $?
}

# same WHO DIRECTORY NAME [COMMAND...]: by the command
same() {
        local as=() directory=$2 name=$3 profile native supervised
        [ "$1" = root ] || as=(setpriv --reuid=65534 --regid=65534 --groups=65534,60001)
        native=$(error_of "${as[@]}" "${@:4}" "$directory" "$name")
        [ "$native" -gt 0 ] && [ "$native" != $EXDEV ] || { echo "natively $native"; return 1; }
        for profile in default by-rules; do
                supervised=$(error_of "${as[@]}" "$SNOTIFY_RUN" --socket "$socket" --profile $profile -- "${@:4}" "$directory" "$name")
                [ "$supervised" = "$native" ] || { echo "natively $native, with profile $profile $supervised"; return 1; }
        done
}

check "everything is denied" fails_with $EXDEV supervised -- "$bin/mkdir-as" mkdir "$work/tree" x
check "... by the rules, too" fails_with $EXDEV supervised --profile by-rules -- "$bin/mkdir-as" mkdir "$work/tree" x
for who in root user; do
        for directory in /proc /proc/self /proc/self/fd /proc/self/task /proc/sys /proc/sys/kernel /proc/tty /sys /sys/kernel; do
                check "$who: $directory/x" same $who $directory x
        done
done
check "nobody searches the descriptors of another process" same user "/proc/$daemon_pid/fd" x

while read -r type source; do
        mkdir "$work/fs/$type"
        if ! mount -t "$type" "$source" "$work/fs/$type" 2>"$work/why"; then
                skip "$type" "cannot mount it here: $(tail -n 1 "$work/why")"
                continue
        fi
        check "root: $type" same root "$work/fs/$type" x
        check "a user: $type" same user "$work/fs/$type" x
        umount "$work/fs/$type"
done <<TYPES
proc proc
sysfs sysfs
devpts devpts
mqueue mqueue
debugfs debugfs
securityfs securityfs
selinuxfs selinuxfs
smackfs smackfs
efivarfs efivarfs
pstore pstore
binfmt_misc binfmt_misc
fusectl fusectl
TYPES

# Only the program sees these.
check "a /proc of its own" same root /proc x unshare -pf --mount-proc
check "a /proc of its own, elsewhere" same root "$work/view" x \
        unshare -m sh -c 'mount --bind /proc "$1" && shift && exec "$@"' sh "$work/view"
if as_user unshare -Urpf --mount-proc true 2>/dev/null; then
        check "a user's own /proc" same user /proc x unshare -Urpf --mount-proc
else
        skip "a user's own /proc" "the user may not make one here"
fi

# Directories of a process that has died since.
cat >"$work/bin/dead.py" <<'PY'
import errno, os, signal
def error_of(name, dir_fd):
    try:
        os.mkdir(name, dir_fd=dir_fd)
        return "made"
    except OSError as error:
        return errno.errorcode[error.errno]
for directory in "", "/fd", "/fdinfo", "/task", "/ns", "/attr":
    pid = os.fork()
    if pid == 0:
        signal.pause()
    fd = os.open(f"/proc/{pid}{directory}", os.O_PATH)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    print(directory, [error_of(name, fd) for name in ("x", "0", ".", "..", "../x", "x/x")])
PY
same_when_dead() {
        "$@" python3 "$bin/dead.py" >"$work/native" 2>&1
        "${as[@]}" "$SNOTIFY_RUN" --socket "$socket" -- "${@:${#as[@]}+1}" python3 "$bin/dead.py" >"$work/supervised" 2>&1
        grep -q ESRCH "$work/native" && diff "$work/native" "$work/supervised"
}
as=()
check "root: in what was a process" same_when_dead
check "root, unshare -Ur: in what was a process" same_when_dead unshare -Ur
as=(setpriv --reuid=65534 --regid=65534 --groups=65534,60001)
check "a user: in what was a process" same_when_dead "${as[@]}"

# Not among them: a directory can be created there.
mount -t tmpfs tmpfs "$work/fs"
check "what is no such file system is denied" fails_with $EXDEV supervised -- "$bin/mkdir-as" mkdir "$work/fs" x
umount "$work/fs"

check_no_trouble
stop_and_finish
