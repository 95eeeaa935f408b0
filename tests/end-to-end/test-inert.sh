#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In file systems in which no process can create a directory the kernel's own error comes before the rules: even with everything denied
# a call fails there as it does natively.
source "$(dirname "$0")/lib.sh" alone

# So that unprivileged users find the programs.
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

# error_of COMMAND... DIRECTORY NAME: prints the errno of a mkdir that the command runs.
error_of() {
        "${@:1:$#-2}" "$bin/mkdir-as" mkdir "${@: -2}"
        echo $?
}

# same WHO DIRECTORY NAME [COMMAND...]: the call, run by the command, has the same error natively and with both profiles.
same() {
        local as=() directory=$2 name=$3 profile native supervised
        [ "$1" = root ] || as=(setpriv --reuid=65534 --regid=65534 --groups="65534,60001")
        native=$(error_of "${as[@]}" "${@:4}" "$directory" "$name")
        [ "$native" -gt 0 ] && [ "$native" != "$EXDEV" ] || { echo "natively $native"; return 1; }
        for profile in default by-rules; do
                supervised=$(error_of "${as[@]}" "$SNOTIFY_RUN" --socket "$socket" --profile "$profile" -- "${@:4}" "$directory" "$name")
                [ "$supervised" = "$native" ] || { echo "natively $native, with profile $profile $supervised"; return 1; }
        done
}

check "elsewhere everything is denied by the profile's default" fails_with $EXDEV supervised -- "$bin/mkdir-as" mkdir "$work/tree" x
check "... and by the other profile's rule" fails_with $EXDEV supervised --profile by-rules -- "$bin/mkdir-as" mkdir "$work/tree" x
for who in root user; do
        for directory in /proc /proc/self /proc/self/fd /proc/self/task /proc/sys /proc/sys/kernel /proc/tty /sys /sys/kernel; do
                check "$who: mkdir $directory/x fails as natively" same $who $directory x
        done
done
check "a user: mkdir in another user's /proc/PID/fd fails as natively" same user "/proc/$daemon_pid/fd" x

while read -r type source; do
        mkdir "$work/fs/$type"
        if ! mount -t "$type" "$source" "$work/fs/$type" 2>"$work/why"; then
                skip "mkdir on $type" "it cannot be mounted here: $(tail -n 1 "$work/why")"
                continue
        fi
        check "root: mkdir on $type fails as natively" same root "$work/fs/$type" x
        check "a user: mkdir on $type fails as natively" same user "$work/fs/$type" x
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

# File systems that only the program sees.
check "root: mkdir in the /proc of its own PID namespace fails as natively" same root /proc x unshare -pf --mount-proc
check "root: mkdir in /proc mounted on another path fails as natively" same root "$work/view" x \
        unshare -m sh -c 'mount --bind /proc "$1" && shift && exec "$@"' sh "$work/view"
if as_user unshare -Urpf --mount-proc true 2>/dev/null; then
        check "a user: mkdir in the /proc of its own PID namespace fails as natively" same user /proc x unshare -Urpf --mount-proc
else
        skip "a user: mkdir in the /proc of its own PID namespace" "an unprivileged user cannot create one here"
fi

# Directories of a process that has died after they were opened.
cat >"$work/bin/dead.py" <<'PY'
import errno, os, signal
def error_of(name, dir_fd):
    try:
        os.mkdir(name, dir_fd=dir_fd)
        return "created"
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
check "root: mkdir in the /proc directory of a dead process fails as natively" same_when_dead
check "root in a user namespace: the same" same_when_dead unshare -Ur
as=(setpriv --reuid=65534 --regid=65534 --groups="65534,60001")
check "a user: the same" same_when_dead "${as[@]}"

# The opposite: on a tmpfs a directory can be created.
mount -t tmpfs tmpfs "$work/fs"
check "on a file system in which directories can be created the rules decide" fails_with $EXDEV supervised -- "$bin/mkdir-as" mkdir "$work/fs" x
umount "$work/fs"

check_no_trouble
stop_and_finish
