#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A workload mounts what it likes in its own mount namespace, so that a denied directory gets an allowed path: another root, copies of
# mounts, file systems of its own.  See test-namespaces.sh for workloads with namespaces that do not attack.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

tree=$work/tree
mkdir -m 777 "$tree" "$tree"/{open,open/fuse,open/over,shut,shut/over,new-root,upper,work}
daemon_start <<CONF
[profile default]
default = deny
errno = EXDEV

[profile private]
default = deny
errno = EXDEV
private = allow

[rule open]
profile = default private
path = $tree/open/
action = allow

[rule new-root]
path = /x
action = allow

[rule shut]
profile = default private
path = $tree/shut/
action = deny

[profile all]
default = allow
CONF
EXDEV=18 EPERM=1 EROFS=30
! is_guarded || guarded=yes

# attack NAME RUN COMMAND...: RUN COMMAND creates the denied directory natively; supervised it must not.
attack() {
        local name=$1 as=$2
        shift 2
        check "$name: natively the call succeeds" "$as" "$@"
        check "... and creates the denied directory" rmdir "$tree/shut/x"
        check "... supervised it is denied" fails_with $EXDEV "$as" "$SNOTIFY_RUN" --socket "$socket" -- "$@"
        check "... and creates nothing" test ! -e "$tree/shut/x"
}

attack_by_mounts() {
        local name=$1 as=$2
        shift 2
        attack "$name makes the denied directory its root" "$as" "$@" "$bin/pivot" root "$tree/shut" -
        attack "$name makes a root in which the denied directory has an allowed path" "$as" \
                "$@" "$bin/pivot" renamed "$tree/shut" "$tree/new-root" "$tree/open"
        attack "$name uses a copy of the mount that is mounted nowhere" "$as" "$@" "$bin/pivot" detached "$tree/shut" -
        attack "$name covers the denied directory with another mount" "$as" "$@" "$bin/pivot" covered "$tree/shut" -
}
attack_by_mounts root env unshare -m
attack "root, in the host's mount namespace, uses a copy of the mount that is mounted nowhere" env "$bin/pivot" detached "$tree/shut" -
if ! as_user unshare -Urm mount -t tmpfs tmpfs "$tree/new-root" 2>/dev/null; then
        skip "a user's mounts" "an unprivileged user cannot mount here"
else
        attack_by_mounts "a user" as_user unshare -Urm
fi

lying_fs=(unshare -Urm "$bin/lying-fs" "$tree/open/fuse")
create_on_it() {
        "$@" "${lying_fs[@]}" "$tree/open" "$tree/shut" "$bin/mkdir-as" mkdir "$tree/open/fuse" x
}
create_by_link() {
        as_user "${lying_fs[@]}" "$1" "$2" "$bin/naive-supervisor" resolve shut "$bin/mkdir-as" mkdir "$tree/open/fuse/link" x
}
if ! create_on_it as_user >"$work/lying-fs" 2>&1; then
        skip "a FUSE file system of the user" "an unprivileged user cannot mount one here: $(tail -n 1 "$work/lying-fs")"
else
        check "a FUSE file system of the user, on an allowed path: natively its server gets the mkdir" grep -qx MKDIR "$work/lying-fs"
        create_on_it supervised_user -- >"$work/lying-fs" 2>&1
        check "... supervised the call is denied" test $? = $EPERM
        check "... and the record says that the file system has no place on the host" logged "on a file system that has no place on the host"
        check "... and its server gets no mkdir" fails_with 1 grep MKDIR "$work/lying-fs"

        create_on_it supervised_user --profile all -- >"$work/lying-fs" 2>&1
        check "... with a profile that denies nothing its server gets the mkdir" grep -qx MKDIR "$work/lying-fs"

        create_on_it supervised_user --profile private -- >"$work/lying-fs" 2>&1
        check "... and with private = allow, too" grep -qx MKDIR "$work/lying-fs"

        # A supervisor may read the link an even or an odd number of times: try both orders of its targets.
        for targets in "$tree/open $tree/shut" "$tree/shut $tree/open"; do
                # shellcheck disable=SC2086
                create_by_link $targets >"$work/link" 2>&1
                # shellcheck disable=SC2086
                supervised_user -- "${lying_fs[@]}" $targets "$bin/mkdir-as" mkdir "$tree/open/fuse/link" "y" >>"$work/link" 2>&1
        done
        check "a link that changes at each reading: a supervisor that resolves the path twice creates the denied directory" test -d "$tree/shut/x"
        check "... snotify does not" test ! -e "$tree/shut/y"
        # The guard refuses what was not judged, also where that would have been allowed.
        [ "${guarded-}" = yes ] || check "... and creates the allowed one, which it has judged" test -d "$tree/open/y"
fi

# overlay RUN... UPPER DIRECTORY: mounts an overlay with that upper directory on DIRECTORY, and creates DIRECTORY/z.
overlay() {
        local upper=${*: -2:1} directory=${*: -1}
        "${@:1:$#-2}" unshare -Urm sh -c "mount -t overlay -o userxattr,lowerdir=$tree/open,upperdir=$upper,workdir=$tree/work \
                overlay $directory && exec $bin/mkdir-as mkdir $directory z"
}
none_created() {
        [ -z "$(find "$tree" -name z)" ] || { echo "it was created:"; find "$tree" -name z; return 1; }
}
private=(supervised_user --profile private --)
if ! overlay as_user "$tree/upper" "$tree/open/over" 2>/dev/null || ! rmdir "$tree/upper/z"; then
        skip "an overlay of the user" "an unprivileged user cannot mount one here"
else
        overlay_error=$EPERM
        # The guard already refuses the directories in which an overlay works, so that it is read-only.
        [ -z "${guarded-}" ] || overlay_error=$EROFS
        check "a call in the user's overlay on an allowed path is denied" fails_with $overlay_error overlay supervised_user -- "$tree/upper" "$tree/open/over"
        check "... and creates nothing" none_created
        check "... with private = allow it is allowed" overlay "${private[@]}" "$tree/upper" "$tree/open/over"
        check "... and the directory is in the upper directory, as natively" rmdir "$tree/upper/z"
        check "... but in an overlay on a path that a rule denies it is denied" \
                fails_with $EXDEV overlay "${private[@]}" "$tree/upper" "$tree/shut/over"
        check "... and creates nothing" none_created
        check "... and so is a call for a denied directory of the host" \
                fails_with $EXDEV "${private[@]}" "$bin/mkdir-as" mkdir "$tree/shut" z
        check "... and it creates nothing" none_created
        check "private = allow is a way round the rules, as snotify.conf(5) says: the call in the overlay succeeds" overlay "${private[@]}" "$tree/shut" "$tree/open/over"
        check "... and creates a directory in the denied one, which is the upper directory" rmdir "$tree/shut/z"
fi

check_no_trouble
stop_and_finish
