#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What can not be as it would be without supervision is as snotifyd(8) says under DIFFERENCES.  Landlock has a test of its own,
# signals have one; control groups are in test-systemd.sh, file systems that only the program sees in test-namespaces.sh.
source "$(dirname "$0")/lib.sh" alone

# What the user may run.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mkdir -m 777 "$work/tree"
cd "$work/tree" || exit 1
cp "$SOURCE_ROOT/tests/end-to-end/differences.py" "$work/bin/"
daemon_start <<'CONF'
[profile default]
default = allow
CONF

# differs WHO THING NATIVE SUPERVISED: WHO is root or user.
differs() {
        local native=() launch=supervised
        [ "$1" = root ] || { native=(as_user) launch=supervised_user; }
        says "$3" "${native[@]}" python3 "$bin/differences.py" "$2" || { echo "natively"; return 1; }
        find . -mindepth 1 -delete
        says "$4" $launch -- python3 "$bin/differences.py" "$2"
        local status=$?
        find . -mindepth 1 -delete
        return $status
}
says() {
        local expected=$1 output
        shift
        output=$("$@" 2>&1)
        [[ ,$expected, == *",$output,"* ]] || { echo "not \"$expected\" but \"$output\""; return 1; }
}

for who in root user; do
        check "$who: io_uring" differs $who io_uring EFAULT,EPERM ENOSYS
        check "$who: a btrfs subvolume, here of what has none" differs $who subvolume ENOTTY,EBADF,EINVAL EPERM
        check "$who: x32" differs $who x32 0,ENOSYS ENOSYS
        check "$who: a directory with a path of 5000 bytes" differs $who deep made ENAMETOOLONG
        check "$who: the status in /proc" differs $who seccomp 0 2
        check "$who: the session in the environment" differs $who session unset set
        check "$who: another supervisor by seccomp notification" differs $who second-listener 0 EBUSY
done
check "the long path is recorded" logged "ENAMETOOLONG (the directory's path is too long to be judged)"
check "root: no_new_privs" differs root no-new-privs 0 0
check "user: no_new_privs" differs user no-new-privs 0 1
if [ "$(python3 "$bin/differences.py" maker)" = itself ]; then
        rm -rf watched
        check "fanotify(7) names the worker" differs root maker itself another
else
        skip "fanotify(7) names the worker" "there is no fanotify for this file system"
fi

traced() {
        local options=$1
        # shellcheck disable=SC2086
        supervised -- strace -f $options -e trace=mkdir -o "$work/trace" mkdir "traced$RANDOM" && grep -c '^[0-9]* *mkdir(' "$work/trace"
}
if strace -o /dev/null true 2>/dev/null; then
        check "strace --seccomp-bpf does not show the call" says 0 traced --seccomp-bpf
        check "... and strace does" says 1 traced ""
else
        skip "strace" "there is none, or it may not trace"
fi

daemon_stop
check "the daemon ends well" test $? = 0
finish
