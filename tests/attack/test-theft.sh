#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A workload attacks the supervision itself: it tries to get the listener, to get access to snotify's processes or to kill them, to
# override the filter, and to take away the resources that supervision needs.
source "$(dirname "$0")/../end-to-end/lib.sh" alone

tree=$work/tree
mkdir -m 777 "$tree" "$tree"/{open,shut}
daemon_start <<CONF
[profile default]
default = allow
errno = EXDEV
log = none

[rule shut]
path = $tree/shut/
action = deny
CONF

EXDEV=18 EBUSY=16 ENOSYS=38 EIDRM=43
rounds=$(fewer 1000)
[ -z "$SANITIZED" ] || rounds=100
namespaces=
! as_user unshare -Ur true 2>/dev/null || namespaces=yes
without_capabilities=(setpriv --inh-caps=-all --bounding-set=-all)

denied() {
        "$@"
        [ $? = "$EXDEV" ] || { echo "the error is not EXDEV"; return 1; }
        [ -z "$(ls -A "$tree/shut")" ] || { echo "a denied directory was created"; return 1; }
}

### The listener, and access to the processes that hold it.
check "a workload does not inherit a listener" supervised_user -- "$bin/steal-listener" search
check "... nor when the launcher leaves it other descriptors open" supervised_user -- "$bin/steal-listener" search 5</ 6</dev/null

# Meanwhile other sessions, of root, begin and end, and with them verifiers and workers.
launch() {
        until [ -e "$work/enough" ]; do
                supervised -- "$bin/mkdir-as" mkdir "$tree/open" "$tree/nothing"
        done
}
launch &
launcher=$!
check "a workload gets no access to the daemon, its workers and verifiers" supervised_user -- "$bin/steal-listener" open "$rounds" "$tree/open"
check "... and cannot kill them" supervised_user -- "$bin/steal-listener" kill "$rounds" "$tree/open/"
if [ "$namespaces" ]; then
        check "... and gets no access to helpers that act for it" supervised_user -- unshare -Ur "$bin/steal-listener" open $((rounds / 2)) "$tree/open"
        check "... at no moment of their lives" supervised_user -- unshare -Ur "$bin/steal-listener" seize "$rounds" "$tree/open"
        check "... nor does root without capabilities" \
                supervised -- "${without_capabilities[@]}" unshare -U "$bin/steal-listener" seize "$rounds" "$tree/open"
else
        skip "access to helpers" "an unprivileged user cannot create a user namespace here"
fi
touch "$work/enough"
wait $launcher

# A launcher, too, holds the listener for a moment.  Here it waits for a daemon that does not answer.
python3 -c 'import os, socket, sys, time
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
server.listen()
time.sleep(60)' "$work/silent" &
silent=$!
wait_for is_listening "$work/silent"
has_socket() {
        find "/proc/$1/fd" -lname 'socket:*' | grep -q .
}
setpriv --reuid=65534 --regid=65534 --clear-groups "$SNOTIFY_RUN" --socket "$work/silent" -- true 2>/dev/null &
launcher=$!
setpriv --reuid=65534 --regid=65534 --clear-groups sleep 60 &
sleeper=$!
check "a user has access to a process of their own" wait_for as_user find "/proc/$sleeper/fd" -mindepth 1
check "a launcher whose program the user may read waits for the daemon" wait_for has_socket $launcher
check "... and the user has no access to it" fails_with 1 as_user find "/proc/$launcher/fd" -mindepth 1
kill $launcher $sleeper $silent
wait $launcher $sleeper $silent 2>/dev/null

### Further filters and tracers.
while read -r kind error; do
        check "with a further filter ($kind) a denied call fails" fails_with "$error" supervised_user -- "$bin/filters" "$kind" "$tree/shut/filter"
        check "... and nothing is created" test -z "$(ls -A "$tree/shut")"
done <<KINDS
allow $EXDEV
errno $EIDRM
trace $EXDEV
notify $ENOSYS
listener $EBUSY
KINDS
for kind in retrace turn; do
        check "a tracer changes another call into mkdir ($kind): natively it creates the directory" "$bin/filters" $kind "$tree/open/$kind"
        check "... supervised it is denied" denied supervised_user -- "$bin/filters" $kind "$tree/shut/$kind"
done

check_no_trouble

### Resources.
if [ "$namespaces" ]; then
        # A workload that kills all of its helpers gets no answer but errors.
        for _ in 1 2 3 4 5; do
                supervised_user -- unshare -Ur "$bin/steal-listener" kill 3 "$tree/shut" >/dev/null 2>&1
        done
        check "a workload that kills its helpers creates nothing that is denied" test -z "$(ls -A "$tree/shut")"
        check "... and the daemon still serves new sessions" supervised_user -- unshare -Ur mkdir "$tree/open/after"
fi

# The user has as many processes as RLIMIT_NPROC allows, and the workload can open no file.  The kernel counts all processes of a uid,
# so that this one must be the test's own.
cat >"$work/fill.py" <<'PY'
import os, resource, sys
def mkdir(path):
    try:
        os.mkdir(path)
        return "created"
    except OSError as error:
        return str(error.errno)
resource.setrlimit(resource.RLIMIT_NPROC, (20, 20))
os.setresgid(60123, 60123, 60123)
os.setresuid(60123, 60123, 60123)
children = []
keep, end = os.pipe()
try:
    for _ in range(100):
        pid = os.fork()
        if pid == 0:
            os.close(end)
            os.read(keep, 1)
            os._exit(0)
except BlockingIOError:
    print("full", end=" ")
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
print(mkdir(sys.argv[1] + "/open/full"), mkdir(sys.argv[1] + "/shut/full"))
PY
check "a workload that can have no more processes and descriptors is judged as any other" \
        test "$(supervised -- python3 "$work/fill.py" "$tree")" = "full created $EXDEV"

# Only root has access to a process that is not dumpable.
cat >"$work/hide.py" <<'PY'
import ctypes, os, sys
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
for place in "open", "shut":
    try:
        os.mkdir(sys.argv[1] + "/" + place + "/hidden")
        print("created")
    except OSError as error:
        print(error.errno)
PY
check "a workload that is not dumpable is judged as any other" \
        test "$(supervised_user -- python3 "$work/hide.py" "$tree" | xargs)" = "created $EXDEV"

stop_and_finish
