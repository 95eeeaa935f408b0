#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The configuration is read again and again while sessions make directories: each call is judged by one of two, none waits for it,
# and nothing is left behind.
#
#   RELOADS=1000    as many; less, and it takes less time
source "$(dirname "$0")/lib.sh" alone

RELOADS=${RELOADS:-200}
mount -t tmpfs -o mode=755 tmpfs /run || skip_all "cannot mount"
mkdir "$work/room"
mount -t tmpfs -o mode=777 tmpfs "$work/room" || skip_all "cannot mount"
trap 'umount "$work/room"; cleanup' EXIT
journal() {
        python3 "$SOURCE_ROOT/tests/end-to-end/fake-journal.py" "$@"
}
journal serve "$work/records" &
wait_for test -S /run/systemd/journal/socket || { echo "Bail out! no journal"; exit 1; }

# policy NAME ALLOWED DENIED
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

fds=$(count_fds)
mkdir -m 777 "$work/room/A" "$work/room/B"
: >"$work/board"
pids=()
for number in {0..3}; do
        supervised -- "$bin/kills" try "$work/board" "$work/room" "$number" 8000 2>>"$work/err" &
        pids+=("$!")
done
for ((i = 0; i < RELOADS; i += 2)); do
        policy two B A && reload && policy one A B && reload || break
done
check "$RELOADS reloads under the calls of four sessions" test "$i" -ge "$RELOADS"
# They are taken up one after the other, and several as one where more have come meanwhile.
printf '\n[profile settled]\n' >>"$work/conf"
reload
check "the last of them comes into force" wait_for supervised --profile=settled -- true

echo "[nonsense" >"$work/conf"
reload
check "a broken file is refused, and the journal says why" recorded 'conf:1: '
check "... and what stays in force" recorded "the configuration was not reloaded: policy generation [0-9]* stays in force"
"$bin/kills" over "$work/board"
failed=0
for pid in "${pids[@]}"; do
        wait "$pid" || failed=$((failed + 1))
done
result=$("$bin/kills" show "$work/board")
echo "# $result"
check "all calls end, and are allowed or denied" test "$failed" = 0 -a ! -s "$work/err"
[[ $result =~ calls\ ([0-9]+)\ .*longest\ ([0-9]+) ]]
check "none hangs" test "${BASH_REMATCH[2]}" -lt 10000000
is_agreed() {
        said=$(journal reloads "$work/records") || { echo "$said"; return 1; }
}
all_ended() {
        [ "$(grep -c '"MESSAGE": "session .* ended' "$work/records")" = 5 ]
}
check "the sessions end" wait_for all_ended
check "each call was judged by one policy as a whole" is_agreed
said=$(journal reloads "$work/records")
echo "# $said"
check "... and is recorded" test "${said##* }" -ge "${BASH_REMATCH[1]}"
check "the policy that is left is the last good one" \
        supervised -- sh -c "mkdir '$work/room/A/last' && ! mkdir '$work/room/B/last' 2>/dev/null"
check "no process is left, and none that nobody waits for" wait_for has_no_children
check "no file descriptor is left" wait_for has_fds "$fds"
check "no worker died" fails_with 1 grep 'a worker' "$work/records"
daemon_stop
check "the daemon exits with status 0" test $? = 0
check "it did not write to stderr" test ! -s "$work/log"
finish
