#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ways to make a directory without the two native calls: past a filter that knows those alone, but not past this one.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

tree=$work/tree
mkdir -m 777 "$tree" "$tree/shut" "$tree/empty"
daemon_start <<CONF
[profile default]
default = allow
errno = EXDEV

[rule shut]
path = $tree/shut/
action = deny
CONF

EPERM=1 EXDEV=18 ENOSYS=38

# attack NAME ERRNO COMMAND...: with COMMAND, which makes shut/new, a naive filter is passed, for root and for the user, but here there
# is that error.  What is before a "--" is not supervised.
attack() {
        local name=$1 error=$2 who before=()
        shift 2
        [[ " $* " != *" -- "* ]] || while [ "$1" != -- ]; do before+=("$1"); shift; done
        [ "$1" != -- ] || shift
        for who in "" as_user; do
                rm -rf "$tree/shut/new"
                check "$name${who:+, as a user}: a naive filter" $who "${before[@]}" "$bin/naive" refuse - "$@"
                check "... is passed" test -d "$tree/shut/new"
                rmdir "$tree/shut/new" 2>/dev/null
                check "... this one is not" fails_with "$error" $who "${before[@]}" "$SNOTIFY_RUN" --socket "$socket" -- "$@"
                check "... really" test ! -e "$tree/shut/new"
        done
}

check "the naive filter is one" fails_with $EPERM "$bin/naive" refuse - "$bin/mkdir-as" mkdir "$tree/shut" new
check "... for both calls" fails_with $EPERM "$bin/naive" refuse - "$bin/mkdir-as" mkdirat "$tree/shut" new

uring=$bin/uring
if "$uring" make "$tree/empty/native"; then
        attack "a ring" $ENOSYS "$uring" make "$tree/shut/new"
        # Its requests could be taken by a kernel thread: then no call is made that could be refused.
        attack "a ring from before" 125 "$uring" lend -- "$uring" borrow "$tree/shut/new"
        attack "a ring from before that the kernel polls" 125 "$uring" lend-polled -- "$uring" wait "$tree/shut/new"
        said=$("$uring" lend "$SNOTIFY_RUN" --socket "$socket" -- true 2>&1)
        check "... and it is said why" test "${said%%;*}" = \
                "snotify-run: file descriptor ${said//[^0-9]/} is an io_uring, by which the command could create directories unseen"
else
        skip "io_uring" "it is off, or cannot make directories here"
fi

if "$bin/mkdir-as" int80-mkdir "$tree/empty" int80; then
        attack "int 0x80, mkdir" $EXDEV "$bin/mkdir-as" int80-mkdir "$tree/shut" new
        attack "int 0x80, mkdirat" $EXDEV "$bin/mkdir-as" int80-mkdirat-dirfd "$tree/shut" new
        if [ -e "$bin/abi32" ]; then
                attack "a 32-bit program, mkdir" $EXDEV "$bin/abi32" mkdir "$tree/shut" new
                attack "a 32-bit program, mkdirat" $EXDEV "$bin/abi32" mkdirat "$tree/shut" new
        else
                skip "a 32-bit program" "the compiler makes none"
        fi
else
        skip "int 0x80" "this kernel has no 32-bit calls"
fi

for form in x32-mkdir x32-mkdirat; do
        if "$bin/mkdir-as" $form "$tree/empty" $form; then
                attack "$form" $ENOSYS "$bin/mkdir-as" $form "$tree/shut" new
        else
                check "$form: the kernel has none, and the filter says the same" \
                        fails_with $ENOSYS supervised -- "$bin/mkdir-as" $form "$tree/shut" new
        fi
done

volume() {
        truncate -s 128M "$work/image" && mkfs.btrfs -q "$work/image" && mount -o loop "$work/image" "$tree/shut" &&
                chown 65534:65534 "$tree/shut"
}
if ! command -v mkfs.btrfs >/dev/null; then
        skip "subvolumes" "there is no mkfs.btrfs"
elif ! volume >"$work/volume.log" 2>&1; then
        skip "subvolumes" "$(tail -n 1 "$work/volume.log")"
else
        for form in create create-v2 snapshot snapshot-v2 create,high snapshot-v2,high create,int80; do
                attack "a subvolume, $form" $EPERM "$bin/subvolume" $form "$tree/shut" new
        done
        umount "$tree/shut"
fi

for who in "" as_user; do
        check "calls that only sound like it${who:+, as a user}: natively" $who "$bin/never" "$tree/empty/never" "$tree/empty"
        check "... supervised" $who "$SNOTIFY_RUN" --socket "$socket" -- "$bin/never" "$tree/empty/never" "$tree/empty"
done

check "no call was trouble" fails_with 1 grep '^trouble' "$work/log"
daemon_stop
check "the daemon ends well" test $? = 0
finish
