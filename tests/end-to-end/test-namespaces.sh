#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Workloads in their own namespaces and root directories.  A denied directory stays denied by whatever name they reach it, and the record
# names its path on the host; an allowed one is created as natively.  (test-fidelity.sh compares everything else.)
source "$(dirname "$0")/lib.sh" alone

export LC_ALL=C
# So that unprivileged users find the programs.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
tree=$work/tree
place=$tree/open/place
user="setpriv --reuid=65534 --regid=65534 --groups=65534,60001"

mkdir -p "$tree"/{open,shut/sub,open/root/shut,open/root/free,empty}
chmod 777 "$tree"/{open,shut,shut/sub,open/root,open/root/shut,open/root/free}
daemon_start <<CONF
[profile default]
default = deny
log = all

[rule open]
path = $tree/open/
action = allow

[rule shut]
path = $tree/shut/
action = deny

# A path as a program in another root directory sees it.
[rule seen]
path = /shut/
action = deny
CONF

# prepare_place OWNER: prepares the directory in which the calls are made, the same for each run.
prepare_place() {
        rm -rf "$place"
        mkdir -p "$place"/{dir/exists,private,unwritable}
        ln -s dir "$place/link"
        chown -hR "$1" "$place"
        chown 0:0 "$place"/{private,unwritable}
        chmod 700 "$place/private"
        mkdir -m 2777 "$place/of-group" && chown :60001 "$place/of-group" && chmod 2777 "$place/of-group"
}

# transcribe OWNER COMMAND...: prints the command's output, its exit status, and what is in the directory afterwards.
transcribe() {
        prepare_place "$1"
        shift
        cd "$place" || return
        "$@" 2>&1
        echo "exit status $?"
        cd /
        find "$place" -printf '%P %y %m %U:%G\n' | sort
}

# like_native user|root MADE COMMAND...: natively the command creates the directory MADE (unless that is "-"), and supervised it does the
# same.  The array outside is a command that runs the launcher.
outside=()
like_native() {
        local owner=65534:65534 become=$user made=$2
        [ "$1" = user ] || { owner=0:0; become=; }
        shift 2
        # shellcheck disable=SC2086
        {
                transcribe $owner $become "${outside[@]}" "$@" >"$work/native"
                transcribe $owner $become "${outside[@]}" "$SNOTIFY_RUN" --socket "$socket" -- "$@" >"$work/supervised"
        }
        diff -U1 "$work/native" "$work/supervised" || return 1
        [ "$made" = - ] || grep -q "^$made d" "$work/native" || { echo "natively:"; cat "$work/native"; return 1; }
}

# denied user|root PATH REASON COMMAND...: the command fails with EPERM, the record names the host's PATH, and that does not exist.
# A directory that the host does not have is recorded as "(private)" and the path that the program sees.
denied() {
        local become=$user path=${2#(private)} reason=$3 recorded=${2//[()]/\\&} output
        [ "$1" = user ] || become=
        shift 3
        prepare_place 65534:65534
        # shellcheck disable=SC2086
        output=$($become "${outside[@]}" "$SNOTIFY_RUN" --socket "$socket" -- "$@" 2>&1) &&
                { echo "it succeeded: $output"; return 1; }
        [[ $output == *": Operation not permitted"* ]] || { echo "no EPERM: $output"; return 1; }
        wait_for grep -E "^denied mkdir(at)?\(\"$recorded\"\) .*\($reason\)\$" "$work/log" >/dev/null ||
                { echo "no record of $recorded ($reason):"; tail -n 3 "$work/log"; return 1; }
        [ ! -e "$path" ] || { echo "$path was created"; return 1; }
}

# possible COMMAND...: does it work for an unprivileged user, without snotify?
possible() {
        # shellcheck disable=SC2086
        $user "$@" >/dev/null 2>&1
}

### User namespaces.
if possible unshare -Ur true; then
        check "in a user namespace: a denied directory is denied" denied user "$tree/shut/user" "rule shut" unshare -Ur mkdir "$tree/shut/user"
        check "... and in a nested one" denied user "$tree/shut/nested" "rule shut" \
                unshare -Ur unshare -Ur sh -c "cd $tree/open/place && mkdir ../../shut/nested"
        outside=(unshare -Ur)
        check "... and when the launcher is in one" denied user "$tree/shut/launcher" "rule shut" mkdir "$tree/shut/launcher"
        outside=()
else
        skip "user namespaces" "an unprivileged user cannot create one here"
fi

### Mount namespaces.
# binds WHO ENTER: reaches the denied tree by other names, through mounts that the host does not see.
binds() {
        local who=$1 enter=$2
        # shellcheck disable=SC2086
        {
                check "$enter: a denied directory that is bind-mounted on an allowed path is denied" denied "$who" "$tree/shut/$who-bound" "rule shut" \
                        $enter sh -c "mount --bind $tree/shut $place/dir && mkdir $place/dir/$who-bound"
                check "... also as the working directory" denied "$who" "$tree/shut/$who-cwd" "rule shut" \
                        $enter sh -c "mount --bind $tree/shut $place/dir && cd $place/dir && mkdir $who-cwd"
                check "... also when a directory below it is bind-mounted" denied "$who" "$tree/shut/sub/$who-sub" "rule shut" \
                        $enter sh -c "mount --bind $tree/shut/sub $place/dir && mkdir $place/dir/$who-sub"
                check "... also when it is bind-mounted below a tmpfs" denied "$who" "$tree/shut/sub/$who-tmpfs" "rule shut" \
                        $enter sh -c "mount -t tmpfs tmpfs $place/dir && mkdir $place/dir/b &&
                                mount --bind $tree/shut $place/dir/b && mkdir $place/dir/b/sub/$who-tmpfs"
                check "$enter: an allowed directory that is bind-mounted on a denied path is denied by that path" \
                        denied "$who" "$place/dir/$who-view" "rule shut" \
                        $enter sh -c "mount --bind $place/dir $tree/shut/sub && mkdir $tree/shut/sub/$who-view"
                check "$enter: a tmpfs that is mounted on a denied path is denied by that path" denied "$who" "(private)$tree/shut/sub/$who-private" "rule shut" \
                        $enter sh -c "mount -t tmpfs tmpfs $tree/shut/sub && mkdir $tree/shut/sub/$who-private"
                check "$enter: calls succeed as natively when an allowed directory is bind-mounted on a path without a rule" like_native "$who" dir/new \
                        $enter sh -c "mount --bind $place $tree/empty && cd $tree/empty && mkdir dir/new of-group/new private/x; exit 0"
                check "$enter: calls in a tmpfs of its own succeed as natively" like_native "$who" - $enter sh -c \
                        "mount -t tmpfs tmpfs $tree/empty && cd $tree/empty && umask 027 && mkdir -p a/b/c a/b/c && mkdir -m 2750 d &&
                         find . -printf '%p %y %m %U:%G\n' | sort"
                check "... with the right mode and owner" grep -qx './a/b/c d 750 0:0' "$work/supervised"
                check "... and the host does not see them" test -z "$(ls -A "$tree/empty")"
        }
}
if possible unshare -Urm mount -t tmpfs tmpfs "$tree/empty"; then
        binds user "unshare -Urm"
else
        skip "mount namespaces of a user" "an unprivileged user cannot mount in one here"
fi
binds root "unshare -m"

overlay="mount -t overlay -o userxattr,lowerdir=$place/dir,upperdir=$place/of-group,workdir=$place/work overlay $place/dir"
prepare_place 65534:65534
if possible unshare -Urm sh -c "mkdir $place/work && $overlay"; then
        check "a directory in the user's own overlay is denied, as it has no place on the host" \
                denied user "(private)$place/dir/over" "on a file system that has no place on the host; see private= in snotify.conf\(5\)" \
                unshare -Urm sh -c "mkdir $place/work && $overlay && mkdir $place/dir/over"
else
        skip "a directory in the user's own overlay" "an unprivileged user cannot mount one here"
fi

### A file system of which the host has mounted only parts, as with btrfs subvolumes.
if possible unshare -Urm true; then
        mkdir "$tree"/{whole,open/part,open/other-part,shut/part}
        mount -t tmpfs tmpfs "$tree/whole"
        for part in open/part open/other-part shut/part; do
                mkdir -p "$tree/whole/${part%/*}"
                mkdir -m 777 "$tree/whole/$part"
                mount --bind "$tree/whole/$part" "$tree/$part"
        done
        umount "$tree/whole"

        for part in part other-part; do
                # shellcheck disable=SC2086
                check "a mount namespace, and a file system of which the host has mounted parts ($part): the call succeeds" $user "$SNOTIFY_RUN" --socket "$socket" -- \
                        unshare -Urm mkdir "$tree/open/$part/new"
                check "... by the host's path" logged "allowed mkdir(\"$tree/open/$part/new\")"
                check "... and the directory is the user's" test "$(stat -c %a:%u:%g "$tree/open/$part/new")" = 755:65534:65534
        done
        check "... and a call for a denied part is denied" denied user "$tree/shut/part/new" "rule shut" \
                unshare -Urm sh -c "mount --bind $tree/shut/part $place/dir && mkdir $place/dir/new"
        umount "$tree"/{open/part,open/other-part,shut/part}
else
        skip "a file system of which the host has mounted parts" "an unprivileged user cannot mount here"
fi

### A PID namespace with its own /proc.
if possible unshare -Urpf --mount-proc true; then
        for path in cwd thread-cwd dev-fd fd root; do
                # shellcheck disable=SC2016
                case $path in
                cwd) by=/proc/self/cwd ;;
                thread-cwd) by=/proc/thread-self/cwd ;;
                dev-fd) by=/dev/fd/9 ;;
                fd) by=/proc/self/fd/9 ;;
                root) by='/proc/self/root$PWD' ;;
                esac
                check "unshare -Urpf --mount-proc: a denied directory is denied through $by" denied user "$tree/shut/by-$path" "rule shut" unshare -Urpf --mount-proc \
                        sh -c "cd $tree/shut; exec 9<.; mkdir $by/by-$path"
        done
else
        skip "a PID namespace with its own /proc" "an unprivileged user cannot create one here"
fi

### Other root directories.
root=$tree/open/root
cat >"$work/root.py" <<'PY'
import os, sys
os.chroot(sys.argv[1])
os.chdir(sys.argv[2])
if len(sys.argv) > 4:
    os.setresuid(*[int(sys.argv[4])] * 3)
try:
    os.mkdir(sys.argv[3])
except OSError as error:
    sys.exit(str(error).replace("[Errno 1] Operation not permitted", ": Operation not permitted"))
PY
in_chroot() {
        supervised -- python3 "$work/root.py" "$@"
}
check "chroot: a directory that is allowed by its path on the host is created" in_chroot "$root" / /free/new
check "... and recorded with that path" logged "allowed mkdir(\"$root/free/new\")"
check "... with the right mode and owner" test "$(stat -c %a:%u:%g "$root/free/new")" = 755:0:0
check "chroot, a user: the same" in_chroot "$root" /free by-user 65534
check "... with the right mode and owner" test "$(stat -c %a:%u:%g "$root/free/by-user")" = 755:65534:0
check "chroot: a directory that is denied by its path on the host is denied" denied root "$tree/shut/by-root" "rule shut" \
        python3 "$work/root.py" "$tree/shut" / /by-root
check "chroot: a directory that is denied by the path that the program sees is denied" denied root "$root/shut/by-root" "rule seen" \
        python3 "$work/root.py" "$root" / /shut/by-root
check "... also by a relative path" denied root "$root/shut/relative" "rule seen" python3 "$work/root.py" "$root" /shut relative
check "... also for a user" denied root "$root/shut/by-user" "rule seen" python3 "$work/root.py" "$root" /free ../shut/by-user 65534
check "chroot: \"..\" does not lead out" in_chroot "$root" / ../../../../free/up
check "... the directory is created inside" test -d "$root/free/up"

### Bubblewrap.
wrap=(bwrap --unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc)
if ! command -v bwrap >/dev/null; then
        skip "bwrap" "there is no bwrap"
elif ! possible "${wrap[@]}" true; then
        skip "bwrap" "an unprivileged user cannot use it here"
else
        calls='umask 027; mkdir new dir/new link/by-link of-group/new private/x unwritable/x dir/exists; exit 0'
        check "bwrap --bind: calls have the same results as natively" like_native user new "${wrap[@]}" --bind "$place" "$place" --chdir "$place" sh -c "$calls"
        check "bwrap --bind on another path: the same" like_native user new \
                "${wrap[@]}" --bind "$place" "$tree/empty" --chdir "$tree/empty" sh -c "$calls"
        check "bwrap --tmpfs: the same" like_native user - "${wrap[@]}" --tmpfs "$place" --chdir "$place" \
                sh -c 'umask 027; mkdir -p a/b; mkdir /dev/shm/a /proc/self/cwd/c; find . /dev/shm -printf "%p %y %m %U:%G\n" | sort'
        check "... with the right mode and owner" grep -qx './a/b d 750 65534:65534' "$work/supervised"
        check "bwrap --dir, and bwrap's own mount points: the same" like_native user - bwrap --unshare-all --ro-bind /usr /usr \
                --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --dir /a/b --tmpfs /c --bind "$place" /d/e \
                sh -c 'mkdir /a/b/x /c/x /d/e/x /y; cd /; find /a /c /d /y -printf "%p %y %m %U:%G\n" | sort'
        check "... with the right mode and owner" grep -q '^/d/e/x d 755 65534:65534' "$work/supervised"
        check "bwrap --bind of a denied directory on an allowed path: denied" denied user "$tree/shut/wrapped" "rule shut" \
                "${wrap[@]}" --bind "$tree/shut" "$place" mkdir "$place/wrapped"
        check "bwrap --bind of a directory below it: denied" denied user "$tree/shut/sub/wrapped" "rule shut" \
                "${wrap[@]}" --bind "$tree/shut/sub" "$place" mkdir "$place/wrapped"
        check "bwrap --bind of a denied directory on a path without a rule: denied" denied user "$tree/shut/sub/wrapped-too" "rule shut" \
                "${wrap[@]}" --bind "$tree/shut" /mnt mkdir /mnt/sub/wrapped-too
fi

### A root directory on FUSE, which only the processes of its user namespace may enter.
cat >"$bin/in-root.py" <<'PYTHON'
import errno, os, subprocess, sys
server, mount, host, name, place = sys.argv[1:]
served = subprocess.Popen([server, mount], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
if b"mounted" not in served.stdout.readline():
    sys.exit("no FUSE here")
host = os.open(host, os.O_PATH | os.O_DIRECTORY)
os.chroot(mount)
for path, fd in ((name, host), (place, None)):
    try:
        os.mkdir(path, dir_fd=fd)
        print("created")
    except OSError as error:
        print(errno.errorcode[error.errno])
served.kill()
PYTHON
in_root() {
        "$@" unshare --user --map-root-user --mount python3 "$bin/in-root.py" "$bin/errors-fs" "$tree/empty" "$tree/open" in-root /28 2>&1
}
if [ "$(in_root env | tr '\n' ' ')" != "created ENOSPC " ]; then
        skip "a root directory on FUSE" "it cannot be mounted here"
else
        rmdir "$tree/open/in-root"
        check "a root directory on FUSE: the host's directories can be reached by descriptor, as natively" test "$(in_root supervised -- | head -n 1)" = created
        check "... and the directory is created" rmdir "$tree/open/in-root"
        check "... and a directory on the FUSE file system is judged by the path that the program sees" logged 'denied mkdir("(private)/28")'
fi

check_no_trouble
stop_and_finish
