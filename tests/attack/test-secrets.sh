#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the worker may see and the workload may not: neither errors nor links of /proc show it, nor lead there.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

# What the user may run.
PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
tree=$work/tree
mkdir -m 777 "$tree" "$tree"/{open,shut,jail,jail/{proc,bin,place}}
daemon_start <<CONF
[profile default]
default = allow
errno = EXDEV
log = none

[profile opposite]
default = deny
errno = EXDEV

[rule shut]
path = $tree/shut/
action = deny
CONF
namespaces=
! as_user unshare -Urm true 2>/dev/null || namespaces=yes

### Errors.
# secret MODE PLACE COMMAND...: what is in a directory of root's there, with that mode, is none of the command's user's business.
secret() {
        local private=$tree/$2/private
        mkdir -m 700 "$private"
        mkdir -p "$private/dir/inner"
        touch "$private/file"
        ln -s dir "$private/link"
        ln -s nowhere "$private/dangling"
        chmod "$1" "$private"
        shift 2
        (cd "$private" && exec 9<. && "$@" "$bin/secrets" 9 "$private")
        local status=$?
        rm -r "$private"
        return $status
}
for mode in 700 744; do
        for place in open shut; do
                check "a directory of root's, mode $mode, in $place: natively nothing is told" secret $mode $place as_user
                check "... supervised" secret $mode $place supervised_user --
                check "... by the profile that denies all" secret $mode $place supervised_user --profile opposite --
                if [ "$namespaces" ]; then
                        check "... in a user namespace, as its root" secret $mode $place supervised_user -- unshare -Ur
                        check "... and in a mount namespace" secret $mode $place supervised_user -- unshare -Urm
                fi
        done
done
check "... root is told" fails_with 1 secret 700 open supervised --

### Links of /proc.
like_native() {
        "$@" "$bin/self" "$tree/open" >"$work/native" 2>&1
        echo "exit status $?" >>"$work/native"
        "$@" "$SNOTIFY_RUN" --socket "$socket" -- "$bin/self" "$tree/open" >"$work/supervised" 2>&1
        echo "exit status $?" >>"$work/supervised"
        diff "$work/native" "$work/supervised" || return 1
        grep -qx 'exit status 0' "$work/native" && grep -q 'fd/40/x: 0' "$work/native" || { head "$work/native"; return 1; }
}
astray() {
        cd "$tree/jail/place" || return
        as_user "$bin/naive" resolve shut "$bin/self" "$tree/open" >"$work/astray"
        find "$tree" -name x -delete
        grep -qx '/proc/self/cwd/x: 0, but not here' "$work/astray"
}
check "links of /proc lead a supervisor that follows them to its own" astray
check "... this one to the caller's own: root" like_native env
check "... the user" like_native as_user
if [ "$namespaces" ]; then
        check "... in a user namespace" like_native as_user unshare -Ur
        # From a mount namespace of its own, the host's path of a directory is found by its file handle.
        if [ "$(stat -f -c %T /)" = overlayfs ]; then
                skip "... with a /proc of its own" "the root directory is on an overlay, which has no file handles"
        else
                check "... with a /proc of its own" like_native as_user unshare -Urpf --mount-proc
        fi
fi

### The entries of the daemon's own processes in /proc, which the kernel lets each into itself.
cat >"$work/entries.py" <<'PY'
import errno, os, sys
def error_of(path, dir_fd=None):
    try:
        os.mkdir(path, dir_fd=dir_fd)
        os.rmdir("x")
        return "made"
    except OSError as error:
        return errno.errorcode[error.errno]
def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as comm:
            return comm.read()
    except OSError:
        return ""
found = {}
def note_all(pid):
    told = []
    def note(what, *call):
        told.append((what, error_of(*call)))
    for directory in "fd", "fdinfo", "task/PID/fd", "task/PID/fdinfo":
        entry = f"/proc/{pid}/{directory.replace('PID', pid)}"
        fd = os.open(entry, os.O_PATH)
        if os.path.islink("to-entry"):
            os.unlink("to-entry")
        os.symlink(entry, "to-entry")
        for n in list(range(32)) + [999, "..", "../../self/cwd/x", "../../../self/cwd/x", "."]:
            for path in str(n), f"{n}/x":
                note(f"{directory} by path", f"{entry}/{path}")
                note(f"{directory} by dirfd", path, fd)
                note(f"{directory} by link", f"to-entry/{path}")
                note(f"{directory} by another way", f"/proc/self/../{entry.removeprefix('/proc')}/./{path}")
        os.close(fd)
    # What a process told that ended meanwhile is of no interest.
    if name_of(pid).startswith("snotifyd-worker"):
        for what, error in told:
            found.setdefault(what, set()).add(error)
for pid in filter(str.isdigit, os.listdir("/proc")):
    if name_of(pid).startswith("snotifyd-worker"):
        try:
            note_all(pid)
        except FileNotFoundError:
            pass
os.unlink("to-entry")
for what, errors in sorted(found.items()):
    print(what, *sorted(errors))
sys.exit(0 if found else 1)
PY
# A worker is there natively, too, of another session.
mkfifo "$work/hold"
exec 6<>"$work/hold"
entries() {
        rm -f "$work/started"
        (cd "$tree/open" && supervised_user -- sh -c 'mkdir started && echo started && read -r end' <"$work/hold" >"$work/started") &
        local session=$!
        wait_for test -s "$work/started"
        (cd "$tree/open" && "$@" python3 "$work/entries.py") >"$work/entries.native" 2>&1
        local status=$?
        (cd "$tree/open" && "$@" "$SNOTIFY_RUN" --socket "$socket" -- python3 "$work/entries.py") >"$work/entries.supervised" 2>&1
        echo >&6
        wait $session
        rmdir "$tree/open/started"
        diff "$work/entries.native" "$work/entries.supervised" && return $status
}
check "who asks for descriptors of a worker is told what natively is told: a user" entries as_user
check "... really nothing" fails_with 1 grep -v 'fd.* EACCES$' "$work/entries.native"
check "... root without capabilities" entries setpriv --bounding-set=-all --inh-caps=-all

# In a root of its own.
cp "$bin/self" "$tree/jail/bin/"
mount --bind /proc "$tree/jail/proc"
like_native_jailed() {
        "$@" chroot "$tree/jail" /bin/self /place >"$work/native" 2>&1
        supervised -- "$@" chroot "$tree/jail" /bin/self /place >"$work/supervised" 2>&1
        diff "$work/native" "$work/supervised" || return 1
        grep -q 'fd/40/x: 0' "$work/native" || { head "$work/native"; return 1; }
}
check "... in a root of its own" like_native_jailed env
check "... without capabilities" like_native_jailed setpriv --inh-caps=-all --bounding-set=-all,+sys_chroot
check "... nothing is left" test -z "$(find "$tree" -name x)"
umount "$tree/jail/proc"

check "no worker died" fails_with 1 grep 'a worker' "$work/log"
check "no call was trouble" fails_with 1 grep '^trouble' "$work/log"
daemon_stop
check "the daemon ends well" test $? = 0
finish
