# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# For tests of launchers that the daemon refuses, and of how little others notice of them: sourced after lib.sh.

ran=$work/user/ran
mkdir -m 777 "$work/user"

start() {
        daemon_start <<CONF
[limits]
$(printf '%s\n' "$@")
[profile default]
default = allow
[profile certain]
users = 65534
[profile grouped]
groups = 60001
CONF
}

other=(setpriv --reuid=60124 --regid=60124 --clear-groups)
# refuses TEXT COMMAND...: exit status 125, TEXT in the output, and the workload, which would create $ran, has not run.
refuses() {
        local text=$1 output
        shift
        output=$("$@" 2>&1)
        [ $? = 125 ] || { echo "exit status is not 125; output: $output"; rm -rf "$ran"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
        [ ! -e "$ran" ] || { echo "the workload has run"; rm -rf "$ran"; return 1; }
}

# policy_is N: the last daemon has loaded so many policies.
policy_is() {
        [ "$(tac "$work/log" | grep -m 1 -o "policy generation .*")" = "policy generation $1" ]
}

# Starts a session that creates directories as fast as it can, and counts them in $work/made.
load_start() {
        mkdir -p "$work/busy"
        head -c 8 /dev/zero >"$work/made"
        "$SNOTIFY_RUN" --socket "$socket" -- python3 -c '
import mmap, os, sys
os.chdir(sys.argv[1])
with open("../made", "r+b") as file:
    made = mmap.mmap(file.fileno(), 8)
n = 0
while True:
    os.mkdir(str(os.getpid()))
    os.rmdir(str(os.getpid()))
    n += 1
    made[:8] = n.to_bytes(8, "little")
' "$work/busy" &
        worker=$!
        wait_for made_some
}
made() {
        od -An -t u8 "$work/made" | tr -d ' '
}
made_some() {
        [ "$(made)" -gt 1000 ]
}
# A sanitized build and an emulated processor are too slow to compare: there once is enough.
compared=yes
[ -z "$SANITIZED${SNOTIFY_TEST_FEWER-}" ] || compared=

# throughput COMMAND...: runs the command five times, and writes to $work/throughput how many directories that session has created per
# second meanwhile: the best of the five, because of other load on the machine.
throughput() {
        local before start rate best=0
        for _ in 1 ${compared:+2 3 4 5}; do
                before=$(made) start=${EPOCHREALTIME/./}
                "$@" || return 1
                rate=$((($(made) - before) * 1000000 / (${EPOCHREALTIME/./} - start)))
                best=$((rate > best ? rate : best))
        done
        echo "$best" >"$work/throughput"
}
# check_throughput BEFORE NOW
check_throughput() {
        if [ -z "$compared" ]; then
                skip "... another session keeps a quarter of its throughput" "this is too slow for that"
        else
                check "... another session keeps a quarter of its throughput: $1, $2 per second" test $(($2 * 4)) -gt "$1"
        fi
}
load_stop() {
        kill "$worker"
        wait "$worker" 2>/dev/null
}

# ten_launches COMMAND...: ten launchers in a row succeed.
ten_launches() {
        local n
        for n in {1..10}; do
                "$@" -- true || return 1
        done
}
