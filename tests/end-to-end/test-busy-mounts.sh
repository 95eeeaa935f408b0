#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Between two calls a worker keeps no mount busy: not that of the directory in which a program creates one directory after the
# other, neither by a relative path, nor below a descriptor.
source "$(dirname "$0")/lib.sh" alone
command -v python3 >/dev/null || skip_all "needs python3"

mkdir "$work/mnt"
mount -t tmpfs tmpfs "$work/mnt" || skip_all "cannot mount a tmpfs"
chmod 777 "$work/mnt"
trap 'umount -l "$work/mnt" 2>/dev/null; cleanup' EXIT

daemon_start <<CONF
[profile default]
default = allow
log = all

[rule denied]
path = $work/mnt/denied
action = deny
CONF

# Says over a pipe when it has left the directory, and goes on when it is told to.
cat >"$work/creator.py" <<'PY'
import os, sys

directory = sys.argv[1]
for round in range(3):
    os.chdir(directory)
    for n in range(20):
        os.mkdir("one")
        os.rmdir("one")
        try:
            os.mkdir("denied")
        except PermissionError:
            pass
    fd = os.open(".", os.O_PATH)
    for n in range(20):
        os.mkdir("two", dir_fd=fd)
        os.rmdir("two", dir_fd=fd)
    os.close(fd)
    os.chdir("/")
    print("left", flush=True)
    sys.stdin.readline()
PY
mkfifo "$work/go" "$work/left"
"$SNOTIFY_RUN" --socket="$socket" -- python3 "$work/creator.py" "$work/mnt" <"$work/go" >"$work/left" 2>"$work/creator.log" &
creator=$!
exec 8>"$work/go" 9<"$work/left"

left() {
        local line
        read -r -t 60 line <&9 && [ "$line" = left ] || { cat "$work/creator.log"; return 1; }
}
has_worker() {
        pgrep -P "$daemon_pid" snotifyd-worker >/dev/null
}
for round in 1 2 3; do
        check "round $round: a program creates directories, and leaves" left
        check "... while its worker waits for its next call" has_worker
        check "... the mount is not busy" umount "$work/mnt"
        mount -t tmpfs tmpfs "$work/mnt"
        chmod 777 "$work/mnt"
        echo go >&8
done
wait "$creator"
status=$?
check "the program could create them all" [ "$status" = 0 ]
check "... and the rule held each time" [ "$(grep -c '^denied mkdir' "$work/log")" = 60 ]
stop_and_finish
