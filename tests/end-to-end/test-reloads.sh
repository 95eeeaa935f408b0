#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon reloads its configuration again and again while sessions create directories: each call is judged by one policy as a whole,
# none waits for the reload, and nothing is left behind.
#
#   RELOADS=1000    1000 reloads instead of 200
source "$(dirname "$0")/lib.sh" alone

RELOADS=${RELOADS:-200}
# How long a load generator rests at most after a call, in microseconds.  On an emulated processor the journal of this test needs more of it.
rest=8000
[ -z "${SNOTIFY_TEST_FEWER-}" ] || rest=80000
mount -t tmpfs -o mode=755 tmpfs /run || skip_all "cannot mount"
mkdir "$work/room"
mount -t tmpfs -o mode=777 tmpfs "$work/room" || skip_all "cannot mount"
trap 'umount "$work/room"; cleanup' EXIT
journal() {
        python3 "$SOURCE_ROOT/tests/end-to-end/fake-journal.py" "$@"
}
journal serve "$work/records" &
wait_for test -S /run/systemd/journal/socket || { echo "Bail out! no journal"; exit 1; }

# policy NAME ALLOWED DENIED: writes a configuration that allows what is in the one directory, and denies what is in the other.
policy() {
        cat >"$work/conf.new" <<CONF
[limits]
records-per-second = 1000000

[profile default]
default = deny
log = all

[rule $1-$2]
path = $work/room/$2/
action = allow

[rule $1-$3]
path = $work/room/$3/
action = deny
CONF
        mv "$work/conf.new" "$work/conf"
}

policy one A B
"$SNOTIFYD" --config "$work/conf" --socket "$socket" --log-target=journal 2>"$work/log" &
daemon_pid=$!
wait_for is_listening "$socket" || { echo "Bail out! the daemon did not start: $(cat "$work/log")"; exit 1; }

# Has the daemon taken the signal?
is_taken() {
        local key pending
        while read -r key pending && [ "$key" != ShdPnd: ]; do :; done <"/proc/$daemon_pid/status"
        ((!(16#${pending:-1} & 1)))
}

reload() {
        kill -HUP "$daemon_pid" && wait_for is_taken
}

recorded() {
        wait_for grep -q "$1" "$work/records" || { grep -v SNOTIFY_VERDICT "$work/records"; return 1; }
}

all_ended() {
        [ "$(grep -c '"MESSAGE": "session .* ended' "$work/records")" = "$1" ]
}

# One session first: a daemon that listens may still be starting its acceptor, and some descriptors are opened once when they are needed.
supervised -- true
wait_for all_ended 1
wait_for has_no_children
n_fds=$(count_fds)
mkdir -m 777 "$work/room/A" "$work/room/B"
: >"$work/shared"
pids=()
for number in {0..3}; do
        supervised -- "$bin/kills" try "$work/shared" "$work/room" "$number" "$rest" 2>>"$work/err" &
        pids+=("$!")
done
for ((i = 0; i < RELOADS; i += 2)); do
        policy two B A && reload && policy one A B && reload || break
done
check "the daemon takes $RELOADS reloads under the load of four sessions" test "$i" -ge "$RELOADS"
# The daemon performs one reload at a time; requests that arrive meanwhile become one more.
printf '\n[profile settled]\n' >>"$work/conf"
reload
check "the last reload takes effect" wait_for supervised --profile=settled -- true

echo "[nonsense" >"$work/conf"
reload
check "a broken configuration is refused, and the journal says why" recorded 'conf:1: '
check "... and which policy stays in force" recorded "the configuration was not reloaded: policy generation [0-9]* stays in force"
"$bin/kills" over "$work/shared"
failed=0
for pid in "${pids[@]}"; do
        wait "$pid" || failed=$((failed + 1))
done
result=$("$bin/kills" show "$work/shared")
echo "# $result"
check "each call was allowed or denied" test "$failed" = 0 -a ! -s "$work/err"
[[ $result =~ calls\ ([0-9]+)\ .*longest\ ([0-9]+) ]]
check "no call took 10 s or more" test "${BASH_REMATCH[2]}" -lt 10000000
is_agreed() {
        said=$(journal reloads "$work/records") || { echo "$said"; return 1; }
}
check "the sessions end" wait_for all_ended 6
check "each call was judged by one policy as a whole" is_agreed
said=$(journal reloads "$work/records")
echo "# $said"
check "... and recorded" test "${said##* }" -ge "${BASH_REMATCH[1]}"
check "the policy in force is the last valid one" \
        supervised -- sh -c "mkdir '$work/room/A/last' && ! mkdir '$work/room/B/last' 2>/dev/null"
check "no child process is left, not even a zombie" wait_for has_no_children
check "the daemon has as many file descriptors open as before" wait_for has_fds "$n_fds"
check "no worker died" fails_with 1 grep 'a worker' "$work/records"
daemon_stop
check "the daemon exits with status 0" test $? = 0
check "the daemon has written nothing to standard error" test ! -s "$work/log"
finish
