#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A worker can see more than the workload.  Neither the errors that it reports nor the links of /proc may give the workload access to it.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

# So that unprivileged users find the helpers.
PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
tree=$work/tree
mkdir -m 777 "$tree" "$tree"/{open,shut,root,root/{proc,bin,place}}
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
# secret MODE PLACE COMMAND...: creates a directory of root's with that mode in PLACE; the command's user learns nothing of what is in it.
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
        return "$status"
}
for mode in 700 744; do
        for place in open shut; do
                check "what is in a directory of root's (mode $mode, in $place) stays secret natively" secret $mode $place as_user
                check "... and supervised" secret $mode $place supervised_user --
                check "... and with a profile that denies everything" secret $mode $place supervised_user --profile opposite --
                if [ "$namespaces" ]; then
                        check "... and for root of a user namespace" secret $mode $place supervised_user -- unshare -Ur
                        check "... and in a mount namespace, too" secret $mode $place supervised_user -- unshare -Urm
                fi
        done
done
check "the test notices when it does not stay secret: root can see it" fails_with 1 secret 700 open supervised --

### Links of /proc.
like_native() {
        "$@" "$bin/proc-self" "$tree/open" >"$work/native" 2>&1
        echo "exit status $?" >>"$work/native"
        "$@" "$SNOTIFY_RUN" --socket "$socket" -- "$bin/proc-self" "$tree/open" >"$work/supervised" 2>&1
        echo "exit status $?" >>"$work/supervised"
        diff "$work/native" "$work/supervised" || return 1
        grep -qx 'exit status 0' "$work/native" && grep -q 'fd/40/x: 0' "$work/native" || { head "$work/native"; return 1; }
}
leads_astray() {
        cd "$tree/root/place" || return
        as_user "$bin/naive-supervisor" resolve shut "$bin/proc-self" "$tree/open" >"$work/naive"
        find "$tree" -name x -delete
        grep -qx '/proc/self/cwd/x: 0, but not here' "$work/naive"
}
check "a supervisor that follows links in /proc/self reaches its own working directory" leads_astray
check "... snotify reaches the caller's own: root" like_native env
check "... a user" like_native as_user
if [ "$namespaces" ]; then
        check "... a user in a user namespace" like_native as_user unshare -Ur
        # From a mount namespace of its own, the host's path of a directory is found by its file handle.
        if [ "$(stat -f -c %T /)" = overlayfs ]; then
                skip "... with a /proc of its own" "the root directory is on an overlay, which has no file handles"
        else
                check "... with a /proc of its own" like_native as_user unshare -Urpf --mount-proc
        fi
fi

### The entries of workers in /proc, which the kernel opens to the worker itself.
cat >"$work/entries.py" <<'PY'
import errno, os, sys
def error_of(path, dir_fd=None):
    try:
        os.mkdir(path, dir_fd=dir_fd)
        os.rmdir("x")
        return "created"
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
    # Ignore a process that ended meanwhile.
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
# So that there is a worker in the native run, too: of another session.
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
        wait "$session"
        rmdir "$tree/open/started"
        diff "$work/entries.native" "$work/entries.supervised" && return "$status"
}
check "a call for a worker's descriptors in /proc fails as natively: a user" entries as_user
check "... always with EACCES" fails_with 1 grep -v 'fd.* EACCES$' "$work/entries.native"
check "... root without capabilities" entries setpriv --bounding-set=-all --inh-caps=-all

# A workload whose root directory is not the host's.
cp "$bin/proc-self" "$tree/root/bin/"
mount --bind /proc "$tree/root/proc"
like_native_in_root() {
        "$@" chroot "$tree/root" /bin/proc-self /place >"$work/native" 2>&1
        supervised -- "$@" chroot "$tree/root" /bin/proc-self /place >"$work/supervised" 2>&1
        diff "$work/native" "$work/supervised" || return 1
        grep -q 'fd/40/x: 0' "$work/native" || { head "$work/native"; return 1; }
}
check "links of /proc lead to the caller's own when its root directory is another one" like_native_in_root env
check "... and without capabilities" like_native_in_root setpriv --inh-caps=-all --bounding-set=-all,+sys_chroot
check "no directory is left behind" test -z "$(find "$tree" -name x)"
umount "$tree/root/proc"

check_no_trouble
stop_and_finish
