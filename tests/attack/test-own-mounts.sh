#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names that are arranged: roots, copies of mounts, and file systems of the workload's own.  See test-namespaces.sh for the plain ones.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

tree=$work/tree
mkdir -m 777 "$tree" "$tree"/{open,open/fuse,open/over,shut,shut/over,stage,upper,work}
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

[rule stage]
path = /x
action = allow

[rule shut]
profile = default private
path = $tree/shut/
action = deny

[profile all]
default = allow
CONF
EXDEV=18 EPERM=1

# attack NAME RUN COMMAND...: natively RUN COMMAND makes the denied directory, and here does not.
attack() {
        local name=$1 as=$2
        shift 2
        check "$name: natively" $as "$@"
        check "... it is made" rmdir "$tree/shut/x"
        check "... supervised it is refused" fails_with $EXDEV $as "$SNOTIFY_RUN" --socket "$socket" -- "$@"
        check "... really" test ! -e "$tree/shut/x"
}

stage() {
        local name=$1 as=$2
        shift 2
        attack "$name, the denied tree as its root" "$as" "$@" "$bin/pivot" root "$tree/shut" -
        attack "$name, a root with the denied tree by an allowed name" "$as" \
                "$@" "$bin/pivot" stage "$tree/shut" "$tree/stage" "$tree/open"
        attack "$name, a copy of its mount that is mounted nowhere" "$as" "$@" "$bin/pivot" detached "$tree/shut" -
        attack "$name, the denied tree out of sight" "$as" "$@" "$bin/pivot" covered "$tree/shut" -
}
stage root env unshare -m
attack "root of the host's mounts, a copy that is mounted nowhere" env "$bin/pivot" detached "$tree/shut" -
if ! as_user unshare -Urm mount -t tmpfs tmpfs "$tree/stage" 2>/dev/null; then
        skip "a user's mounts" "the user may not mount here"
else
        stage "a user" as_user unshare -Urm
fi

liar=(unshare -Urm "$bin/liar" "$tree/open/fuse")
lies() {
        "$@" "${liar[@]}" "$tree/open" "$tree/shut" "$bin/mkdir-as" mkdir "$tree/open/fuse" x
}
link() {
        as_user "${liar[@]}" "$1" "$2" "$bin/naive" resolve shut "$bin/mkdir-as" mkdir "$tree/open/fuse/link" x
}
if ! lies as_user >"$work/lies" 2>&1; then
        skip "a file system of the user's" "the user may not mount one here: $(tail -n 1 "$work/lies")"
else
        check "a file system of the user's on an allowed path: natively it is asked" grep -qx MKDIR "$work/lies"
        lies supervised_user -- >"$work/lies" 2>&1
        check "... supervised it is refused" test $? = $EPERM
        check "... because it has no place on the host" logged "on a file system that has no place on the host"
        check "... and not asked" fails_with 1 grep MKDIR "$work/lies"

        lies supervised_user --profile all -- >"$work/lies" 2>&1
        check "... where nothing is denied it is asked" grep -qx MKDIR "$work/lies"

        lies supervised_user --profile private -- >"$work/lies" 2>&1
        check "... with private=allow, too" grep -qx MKDIR "$work/lies"

        # How often a link is read is the supervisor's matter: each has to meet both lies.
        for targets in "$tree/open $tree/shut" "$tree/shut $tree/open"; do
                # shellcheck disable=SC2086
                link $targets >"$work/link" 2>&1
                # shellcheck disable=SC2086
                supervised_user -- "${liar[@]}" $targets "$bin/mkdir-as" mkdir "$tree/open/fuse/link" "y" >>"$work/link" 2>&1
        done
        check "its link leads elsewhere each time: who looks twice loses" test -d "$tree/shut/x"
        check "... who looks once does not" test ! -e "$tree/shut/y"
        check "... and makes what he saw" test -d "$tree/open/y"
fi

# overlay RUN... UPPER DIRECTORY: makes DIRECTORY/z in an overlay that is mounted there.
overlay() {
        local upper=${*: -2:1} directory=${*: -1}
        "${@:1:$#-2}" unshare -Urm sh -c "mount -t overlay -o userxattr,lowerdir=$tree/open,upperdir=$upper,workdir=$tree/work \
                overlay $directory && exec $bin/mkdir-as mkdir $directory z"
}
none_made() {
        [ -z "$(find "$tree" -name z)" ] || { echo "it is made:"; find "$tree" -name z; return 1; }
}
private=(supervised_user --profile private --)
if ! overlay as_user "$tree/upper" "$tree/open/over" 2>/dev/null || ! rmdir "$tree/upper/z"; then
        skip "an overlay of the user's" "the user may not mount one here"
else
        check "an overlay on an allowed path is refused" fails_with $EPERM overlay supervised_user -- "$tree/upper" "$tree/open/over"
        check "... really" none_made
        check "... with private=allow it is not" overlay "${private[@]}" "$tree/upper" "$tree/open/over"
        check "... and the directory is where it would be natively" rmdir "$tree/upper/z"
        check "... but on a path that a rule denies it is" fails_with $EXDEV overlay "${private[@]}" "$tree/upper" "$tree/shut/over"
        check "... really" none_made
        check "... and so is what else the host sees" fails_with $EXDEV "${private[@]}" "$bin/mkdir-as" mkdir "$tree/shut" z
        check "... really" none_made
        check "private=allow is a way round, as snotify.conf(5) says" overlay "${private[@]}" "$tree/shut" "$tree/open/over"
        check "... to what an upper directory shows" rmdir "$tree/shut/z"
fi

check "no worker died" fails_with 1 grep 'a worker' "$work/log"
check "no call was trouble" fails_with 1 grep '^trouble' "$work/log"
daemon_stop
check "the daemon ends well" test $? = 0
finish
