# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For the end-to-end tests and the attacks: starts the daemon of the build tree on a private socket, and prints TAP.
#
#   source "$(dirname "$0")/lib.sh" [alone]
#   daemon_start <<'CONF'           the configuration
#   ...
#   CONF
#   check "what must hold" COMMAND...
#   stop_and_finish
#
# The output of a COMMAND is shown if it fails.  A description that begins with "..." continues the one before it.
#
# meson sets $SNOTIFYD, $SNOTIFY_RUN, $HELPERS, $SOURCE_ROOT and $BUILD_ROOT.  A test must run as root.  $work is a new directory that
# is removed when the test ends.  The daemon's records are in $work/log.  $work/bin ($bin) has copies of snotify-run and of the helpers
# that are written in C, because unprivileged users may have no access to the build tree.
#
# "alone" runs the test in its own PID and mount namespace: when it ends, for whatever reason, the kernel kills the processes that it
# has started and removes its mounts, and it finds no processes but its own in /proc.

set -u
: "${SNOTIFYD:?}" "${SNOTIFY_RUN:?}" "${HELPERS:?}" "${SOURCE_ROOT:?}" "${BUILD_ROOT:?}"

source "$(dirname "${BASH_SOURCE[0]}")/host.sh"
skip_without_host

if [ "${1-}" = alone ] && [ -z "${SNOTIFY_TEST_ALONE-}" ]; then
        unshare --mount --pid --fork true 2>/dev/null || skip_all "cannot create a mount and a PID namespace here"
        SNOTIFY_TEST_ALONE=yes exec unshare --mount --pid --fork --kill-child --mount-proc bash "$0"
fi
unset SNOTIFY_TEST_ALONE

# On Debian 13 /tmp is a tmpfs that ignores set-user-ID bits and device nodes.
if [ "${1-}" = alone ] && findmnt -nT /tmp -o OPTIONS | grep -qE 'nosuid|nodev|noexec'; then
        mount -o remount,bind,suid,dev,exec "$(findmnt -nT /tmp -o TARGET)"
fi

umask 022
work=$(mktemp -d /tmp/snotify-test.XXXXXX)
chmod 755 "$work"
mkdir "$work/bin"
cp "$SNOTIFY_RUN" "$work/bin/"
for helper in $HELPERS; do
        cp "$helper" "$work/bin/"
done
SNOTIFY_RUN=$work/bin/snotify-run
# shellcheck disable=SC2034 # for the test that sources this
bin=$work/bin
socket=$work/socket
daemon_pid=
checks=0
failures=0

cleanup() {
        [ -z "$daemon_pid" ] || daemon_stop
        rm -rf "$work"
}
trap cleanup EXIT

# Reads the configuration from stdin.
daemon_start() {
        cat >"$work/conf"
        "$SNOTIFYD" --config "$work/conf" --socket "$socket" --log-target=stderr 2>>"$work/log" &
        daemon_pid=$!
        wait_for is_listening "$socket" || { echo "Bail out! the daemon did not start: $(cat "$work/log")"; exit 1; }
}

# Does a process listen on that socket?  The file alone says nothing: a daemon that was killed leaves it behind.
is_listening() {
        grep -q " 00010000 .* $1\$" /proc/net/unix
}

# Returns the daemon's exit status.
daemon_stop() {
        local pid=$daemon_pid
        daemon_pid=
        kill -TERM "$pid" 2>/dev/null
        wait "$pid"
}

# Repeats COMMAND until it succeeds, for ten seconds at most.
wait_for() {
        local n
        for ((n = 0; n < 1000; n++)); do
                "$@" && return 0
                sleep 0.01
        done
        return 1
}

supervised() {
        "$SNOTIFY_RUN" --socket "$socket" "$@"
}

# Does the kernel's guard stand for the sessions of the daemon?
is_guarded() {
        supervised true && grep -q '^session .* started: guarded' "$work/log"
}

# Runs a command as an unprivileged user with a supplementary group.
as_user() {
        setpriv --reuid=65534 --regid=65534 --groups=65534,60001 "$@"
}

supervised_user() {
        as_user "$SNOTIFY_RUN" --socket "$socket" "$@"
}

# check DESCRIPTION COMMAND...: reports whether the command succeeds.
check() {
        local what=$1 output
        shift
        checks=$((checks + 1))
        if output=$("$@" 2>&1); then
                echo "ok $checks - $what"
        else
                failures=$((failures + 1))
                echo "not ok $checks - $what"
                printf '%s\n' "$output" | sed 's/^/# /'
        fi
}

# skip DESCRIPTION REASON: reports that something cannot be checked here.
skip() {
        checks=$((checks + 1))
        echo "ok $checks - $1 # SKIP $2"
}

# fails_with STATUS COMMAND...: the command has that exit status.
fails_with() {
        local status=$1
        shift
        "$@"
        [ $? = "$status" ] || { echo "exit status is not $status"; return 1; }
}

# says STATUS TEXT COMMAND...: the command has that exit status, and its output contains TEXT.
says() {
        local status=$1 text=$2 output
        shift 2
        output=$("$@" 2>&1)
        [ $? = "$status" ] || { echo "exit status is not $status; output: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
}

# fewer N: prints N, or on an emulated machine, where $SNOTIFY_TEST_FEWER is set, that part of it.
fewer() {
        echo $(($1 / ${SNOTIFY_TEST_FEWER:-1}))
}

# count NAME: prints the number after NAME in $result, which is words of "NAME NUMBER".
count() {
        local words="${result-} "
        words=${words#*"$1 "}
        echo "${words%% *}"
}

# logged TEXT: waits until a record contains the text.
logged() {
        wait_for grep -qF -- "$1" "$work/log" || { echo "no record: $1"; cat "$work/log"; return 1; }
}

# Prints how many descriptors the daemon has open.
count_fds() {
        local fds=("/proc/$daemon_pid/fd/"*)
        echo ${#fds[@]}
}

has_fds() {
        [ "$(count_fds)" = "$1" ] || { ls -l "/proc/$daemon_pid/fd"; return 1; }
}

# Prints the pids of the daemon's children, except for the acceptor, which lives as long as the daemon.  Fails if there are none.
daemon_children() {
        ps -o pid=,comm= --ppid "$daemon_pid" | awk '$2 != "snotifyd-accept" { print $1; n++ } END { exit !n }'
}

has_no_children() {
        ! daemon_children
}

# In a test that disturbs no worker: nothing has gone wrong so far.
check_no_trouble() {
        check "no worker died" fails_with 1 grep 'a worker' "$work/log"
        check "no record reports trouble" fails_with 1 grep '^trouble' "$work/log"
}

finish() {
        echo "1..$checks"
        [ "$failures" = 0 ] || { echo "# the daemon's records:"; tail -n 40 "$work/log" | sed 's/^/# /'; }
        exit $((failures > 0))
}

stop_and_finish() {
        daemon_stop
        check "the daemon exits with status 0" test $? = 0
        finish
}
