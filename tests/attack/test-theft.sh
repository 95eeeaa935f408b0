#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The supervisor itself under attack: what it holds, its processes, its place among filters, and what it needs to work.
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
rounds=1000
[ -z "$SANITIZED" ] || rounds=100
namespaces=
! as_user unshare -Ur true 2>/dev/null || namespaces=yes
without_capabilities=(setpriv --inh-caps=-all --bounding-set=-all)

denied() {
        "$@"
        [ $? = $EXDEV ] || { echo "no EXDEV"; return 1; }
        [ -z "$(ls -A "$tree/shut")" ] || { echo "made"; return 1; }
}

### What it holds.
check "a workload has no listener among its own" supervised_user -- "$bin/thief" search
check "... nor where the launcher left it others" supervised_user -- "$bin/thief" search 5</ 6</dev/null

# Other sessions of root's come and go meanwhile, and with them vetting children and workers.
launch() {
        until [ -e "$work/enough" ]; do
                supervised -- "$bin/mkdir-as" mkdir "$tree/open" "$tree/nothing"
        done
}
launch &
launcher=$!
check "nothing is got from the daemon, the workers and vetting children" supervised_user -- "$bin/thief" rob $rounds "$tree/open"
check "... nor killed" supervised_user -- "$bin/thief" kill $rounds "$tree/open/"
if [ "$namespaces" ]; then
        check "... nor from helpers" supervised_user -- unshare -Ur "$bin/thief" rob $((rounds / 2)) "$tree/open"
        check "... in whatever moment" supervised_user -- unshare -Ur "$bin/thief" seize $rounds "$tree/open"
        check "... nor by root without capabilities" \
                supervised -- "${without_capabilities[@]}" unshare -U "$bin/thief" seize $rounds "$tree/open"
else
        skip "helpers" "the user may not make a user namespace here"
fi
touch "$work/enough"
wait $launcher

# A launcher has the listener for a moment, too; here it waits for a daemon that does not answer.
python3 -c 'import os, socket, sys, time
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
server.listen()
time.sleep(60)' "$work/mute" &
mute=$!
wait_for is_listening "$work/mute"
has_socket() {
        find "/proc/$1/fd" -lname 'socket:*' | grep -q .
}
setpriv --reuid=65534 --regid=65534 --clear-groups "$SNOTIFY_RUN" --socket "$work/mute" -- true 2>/dev/null &
launcher=$!
setpriv --reuid=65534 --regid=65534 --clear-groups sleep 60 &
sleeper=$!
check "the user looks into his processes" wait_for as_user find "/proc/$sleeper/fd" -mindepth 1
check "... but not into a launcher, not even into one whose program he may read" wait_for has_socket $launcher
check "... really" fails_with 1 as_user find "/proc/$launcher/fd" -mindepth 1
kill $launcher $sleeper $mute
wait $launcher $sleeper $mute 2>/dev/null

### Its place among filters.
while read -r kind error; do
        check "a further filter, $kind" fails_with "$error" supervised_user -- "$bin/filters" "$kind" "$tree/shut/filter"
        check "... makes nothing" test -z "$(ls -A "$tree/shut")"
done <<KINDS
allow $EXDEV
errno $EIDRM
trace $EXDEV
notify $ENOSYS
listener $EBUSY
KINDS
for kind in retrace turn; do
        check "another call that a tracer turns into mkdir, $kind: natively" "$bin/filters" $kind "$tree/open/$kind"
        check "... supervised" denied supervised_user -- "$bin/filters" $kind "$tree/shut/$kind"
done

check "no worker died" fails_with 1 grep 'a worker' "$work/log"
check "no call was trouble" fails_with 1 grep '^trouble' "$work/log"

### What it needs to work.
if [ "$namespaces" ]; then
        # Whoever kills all of them gets no call done.
        for round in 1 2 3 4 5; do
                supervised_user -- unshare -Ur "$bin/thief" kill 3 "$tree/shut" >/dev/null 2>&1
        done
        check "helpers that are killed make nothing that is denied" test -z "$(ls -A "$tree/shut")"
        check "... and the daemon goes on" supervised_user -- unshare -Ur mkdir "$tree/open/after"
fi

# The user's processes are as many as he may have, and no file can be opened: a user of his own, for others count too.
cat >"$work/fill.py" <<'PY'
import os, resource, sys
def mkdir(path):
    try:
        os.mkdir(path)
        return "made"
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
check "with neither processes nor fds left it is as ever" \
        test "$(supervised -- python3 "$work/fill.py" "$tree")" = "full made $EXDEV"

# Who is not dumpable, or has changed his ids, is not to be looked into by his own user.
cat >"$work/hide.py" <<'PY'
import ctypes, os, sys
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
for place in "open", "shut":
    try:
        os.mkdir(sys.argv[1] + "/" + place + "/hidden")
        print("made")
    except OSError as error:
        print(error.errno)
PY
check "who is not dumpable is judged as ever" \
        test "$(supervised_user -- python3 "$work/hide.py" "$tree" | xargs)" = "made $EXDEV"

daemon_stop
check "the daemon ends well" test $? = 0
finish
