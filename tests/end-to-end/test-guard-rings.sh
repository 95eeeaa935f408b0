#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where the guard stands a workload may use io_uring(7): all works as natively, but no ring creates a directory.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/guard.sh"

tree=$work/tree
mkdir -m 777 "$tree"
guarded_start <<CONF
[profile default]
default = allow
guard = require

[profile off]
default = allow
guard = off
CONF

in_tree() {
        find "$tree" -mindepth 1 -delete
        "$@"
        local status=$?
        find "$tree" -mindepth 1 -delete
        return "$status"
}
# alike LAUNCH ARG...: all operations of a ring have the results that they have natively, but a new directory fails with EPERM.
alike() {
        local launch=$1 as=()
        shift
        [ "$launch" = supervised ] || as=(as_user)
        in_tree "${as[@]}" "$bin/rings" "$tree" "$@" >"$work/native" || return
        in_tree "$launch" -- "$bin/rings" "$tree" "$@" >"$work/guarded" || return
        grep -qx 'mkdirat: done' "$work/native" || { cat "$work/native"; return 1; }
        sed -i 's/^mkdirat: done$/mkdirat: EPERM/' "$work/native"
        diff "$work/native" "$work/guarded"
}

in_tree "$bin/rings" "$tree" >"$work/native" 2>&1 || skip_all "no io_uring here: $(cat "$work/native")"
for launch in supervised supervised_user; do
        check "$launch: files and names through a ring as natively; a new directory fails with EPERM" alike "$launch"
        check "$launch: ... through a ring that the kernel polls" alike "$launch" poll
done
check "a record names the way" logged "io_uring"
check "without the guard there is no io_uring" says 77 "Function not implemented" supervised --profile=off -- "$bin/rings" "$tree"

if command -v fio >/dev/null; then
        job=(fio --name=guarded --ioengine=io_uring --rw=randrw --bs=4k --size=1M --verify=crc32c --fallocate=none --directory="$tree" --output-format=terse)
        check "natively fio(1) works through a ring" in_tree "${job[@]}"
        check "... and guarded, too" in_tree supervised -- "${job[@]}"
else
        skip "fio(1)" "it is not installed"
fi

check_no_trouble
stop_and_finish
