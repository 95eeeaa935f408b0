#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ways to create a directory without the two native calls: a filter that traps those alone lets them pass, and snotify's does not.
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

# attack NAME ERRNO [BEFORE... --] COMMAND...: COMMAND creates shut/new in spite of a filter that traps the two native calls; supervised
# it fails with that error.  Each for root and for a user.  BEFORE runs unsupervised, and runs the rest.
attack() {
        local name=$1 error=$2 who before=()
        shift 2
        [[ " $* " != *" -- "* ]] || while [ "$1" != -- ]; do before+=("$1"); shift; done
        [ "$1" != -- ] || shift
        for who in "" as_user; do
                rm -rf "$tree/shut/new"
                check "$name${who:+, as a user}: under a naive filter the call succeeds" $who "${before[@]}" "$bin/naive-supervisor" refuse - "$@"
                check "... and creates the directory" test -d "$tree/shut/new"
                rmdir "$tree/shut/new" 2>/dev/null
                check "... under snotify's filter it fails" fails_with "$error" $who "${before[@]}" "$SNOTIFY_RUN" --socket "$socket" -- "$@"
                check "... and creates nothing" test ! -e "$tree/shut/new"
        done
}

check "the naive filter refuses mkdir(2)" fails_with $EPERM "$bin/naive-supervisor" refuse - "$bin/mkdir-as" mkdir "$tree/shut" new
check "... and mkdirat(2)" fails_with $EPERM "$bin/naive-supervisor" refuse - "$bin/mkdir-as" mkdirat "$tree/shut" new

uring=$bin/uring
if "$uring" make "$tree/empty/native"; then
        # The filter knows no rings, unless the guard judges what they do.
        ! is_guarded || ring_error=$EPERM
        attack "an io_uring of the workload's own" "${ring_error:-$ENOSYS}" "$uring" make "$tree/shut/new"
        # If a kernel thread polls the ring, the workload makes no system call that a filter could refuse: the launcher must not start it.
        attack "an io_uring from before the filter" 125 "$uring" lend -- "$uring" borrow "$tree/shut/new"
        attack "an io_uring from before the filter, polled by the kernel" 125 "$uring" lend-polled -- "$uring" wait "$tree/shut/new"
        said=$("$uring" lend "$SNOTIFY_RUN" --socket "$socket" -- true 2>&1)
        check "... and the launcher says why" test "${said%%;*}" = \
                "snotify-run: file descriptor ${said//[^0-9]/} is an io_uring, by which the command could create directories unseen"
else
        skip "io_uring" "this kernel has none, or it cannot create directories"
fi

if "$bin/mkdir-as" int80-mkdir "$tree/empty" int80; then
        attack "int 0x80, mkdir" $EXDEV "$bin/mkdir-as" int80-mkdir "$tree/shut" new
        attack "int 0x80, mkdirat" $EXDEV "$bin/mkdir-as" int80-mkdirat-dirfd "$tree/shut" new
        if [ -e "$bin/abi32" ]; then
                attack "a 32-bit program, mkdir" $EXDEV "$bin/abi32" mkdir "$tree/shut" new
                attack "a 32-bit program, mkdirat" $EXDEV "$bin/abi32" mkdirat "$tree/shut" new
        else
                skip "a 32-bit program" "the compiler cannot build one"
        fi
else
        skip "int 0x80" "this kernel has no 32-bit system calls"
fi

for form in x32-mkdir x32-mkdirat; do
        if "$bin/mkdir-as" $form "$tree/empty" $form; then
                attack "$form" $ENOSYS "$bin/mkdir-as" $form "$tree/shut" new
        else
                check "$form: this kernel has no x32 calls, and the filter gives the same error" \
                        fails_with $ENOSYS supervised -- "$bin/mkdir-as" $form "$tree/shut" new
        fi
done

volume() {
        truncate -s 128M "$work/image" && mkfs.btrfs -q "$work/image" && mount -o loop "$work/image" "$tree/shut" &&
                chown 65534:65534 "$tree/shut"
}
if ! command -v mkfs.btrfs >/dev/null; then
        skip "btrfs subvolumes" "there is no mkfs.btrfs"
elif ! volume >"$work/volume.log" 2>&1; then
        skip "btrfs subvolumes" "$(tail -n 1 "$work/volume.log")"
else
        for form in create create-v2 snapshot snapshot-v2 create,high snapshot-v2,high create,int80; do
                attack "a btrfs subvolume, $form" $EPERM "$bin/subvolume" $form "$tree/shut" new
        done
        umount "$tree/shut"
fi

for who in "" as_user; do
        check "calls that only sound like mkdir${who:+, as a user}: natively none creates a directory" $who "$bin/similar-calls" "$tree/empty/new" "$tree/empty"
        check "... nor supervised" $who "$SNOTIFY_RUN" --socket "$socket" -- "$bin/similar-calls" "$tree/empty/new" "$tree/empty"
done

check "no record reports trouble" fails_with 1 grep '^trouble' "$work/log"
stop_and_finish
