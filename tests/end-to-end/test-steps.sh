#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For a supervised call the kernel asks a file system the same as for a native one, and nothing else.  Here it is a FUSE server that
# prints each request, and refuses FUSE_ACCESS, which mkdir(2) does not need.
source "$(dirname "$0")/lib.sh" alone

# So that unprivileged users find the programs.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mkdir -m 777 "$work/all" "$work/own"
"$bin/steps-fs" "$work/all" >>"$work/all.steps" 2>&1 &
servers=($!)
trap 'umount -l "$work/all" "$work/own" 2>/dev/null; kill "${servers[@]}" 2>/dev/null; cleanup' EXIT
wait_for grep -q mounted "$work/all.steps" || skip_all "no FUSE here: $(cat "$work/all.steps")"
"$bin/steps-fs" "$work/own" 65534 >>"$work/own.steps" 2>&1 &
servers+=($!)
wait_for grep -q mounted "$work/own.steps"

daemon_start <<CONF
[profile default]
default = allow
log = all

[profile denied]
default = allow
log = all

[rule denied]
profile = denied
path = $work/all/d1/new
action = deny
CONF

cat >"$bin/create.py" <<'PYTHON'
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
mount, how, path = sys.argv[1:]
if how == "fd":
    result = libc.mkdirat(os.open(mount, os.O_PATH | os.O_DIRECTORY), path.encode(), 0o755)
else:
    result = libc.mkdir(os.path.join(mount, path).encode(), 0o755)
print("0" if result == 0 else errno.errorcode[ctypes.get_errno()])
PYTHON

# steps MOUNT HOW PATH COMMAND...: prints the result of one call and the requests that the server got.  @ in PATH becomes a number that is
# new each time, so that the kernel has no name in its cache.
run=0
steps() {
        local mount=$1 how=$2 path=$3
        shift 3
        run=$((run + 1))
        : >"$work/$mount.steps"
        { "$@" python3 "$bin/create.py" "$work/$mount" "$how" "${path//@/$run}" 2>&1; cat "$work/$mount.steps"; } | sed 's/[0-9]//g'
}
# same WHO MOUNT HOW PATH [STEP]: both are the same natively and supervised, and STEP is among the requests.
same() {
        local native=(env) launch=supervised
        [ "$1" = root ] || { native=(as_user) launch=supervised_user; }
        steps "$2" "$3" "$4" "${native[@]}" >"$work/native"
        run=$((run + 1))
        steps "$2" "$3" "$4" "$launch" -- >"$work/supervised"
        diff -U5 "$work/native" "$work/supervised" || return 1
        [ -z "${5-}" ] || grep -qx "$5" "$work/supervised" || { cat "$work/supervised"; return 1; }
}

for who in root user; do
        check "$who: an absolute path" same $who all path new@ "mkdir new"
        check "$who: an absolute path, three directories deep" same $who all path d@/d@/d@/new@ "mkdir new"
        check "$who: relative to a descriptor" same $who all fd new@ "mkdir new"
        check "$who: relative to a descriptor, two directories deep" same $who all fd d@/d@/new@ "mkdir new"
        check "$who: a path that exists" same $who all path old@ EEXIST
        check "$who: a path below one that does not exist" same $who all path none@/new ENOENT
done
for how in path fd; do
        check "a mount that only its user may enter ($how)" same user own $how new@ "mkdir new"
        check "a mount that only its user may enter, two directories deep ($how)" same user own $how d@/d@/new@ "mkdir new"
done
recorded() {
        wait_for grep -q "^allowed mkdir(\"$work/$1/$2\")" "$work/log"
}
check "the record still names the path" recorded all "d[0-9]*/d[0-9]*/d[0-9]*/new[0-9]*"
check "... also on a mount that only its user may enter" recorded own "d[0-9]*/d[0-9]*/new[0-9]*"
check "a call on FUSE is denied by a rule" fails_with 0 bash -c \
        "[ \"\$('$SNOTIFY_RUN' --socket '$socket' --profile=denied -- python3 '$bin/create.py' '$work/all' path d1/new)\" = EPERM ]"
finish
