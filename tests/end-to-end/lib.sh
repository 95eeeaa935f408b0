# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For the end-to-end tests: a daemon of the build tree on a private socket, and TAP.
#
#   source "$(dirname "$0")/lib.sh" [alone]
#   daemon_start <<'CONF'           the configuration
#   ...
#   CONF
#   check "what must hold" COMMAND...
#   finish
#
# From meson: $SNOTIFYD, $SNOTIFY_RUN, $HELPERS, $SOURCE_ROOT, $BUILD_ROOT.  Must run as root.  $work is an empty directory of the
# test's own; the daemon's records are in $work/log; $work/bin has snotify-run and the C helpers, for users who may not look into
# the build tree.
#
# "alone": the test, its daemon and its workloads are the only ones in a PID and a mount namespace.  What it mounts and starts goes
# when it ends, however it ends, and what it counts in /proc is its own.

set -u
: "${SNOTIFYD:?}" "${SNOTIFY_RUN:?}" "${HELPERS:?}" "${SOURCE_ROOT:?}" "${BUILD_ROOT:?}"

source "$(dirname "${BASH_SOURCE[0]}")/host.sh"
skip_without_host

if [ "${1-}" = alone ] && [ -z "${SNOTIFY_TEST_ALONE-}" ]; then
        unshare --mount --pid --fork true 2>/dev/null || skip_all "cannot make a mount and a PID namespace here"
        SNOTIFY_TEST_ALONE=yes exec unshare --mount --pid --fork --kill-child --mount-proc bash "$0"
fi
unset SNOTIFY_TEST_ALONE

# Debian 13's /tmp is a tmpfs without set-user-ID programs and devices.
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

# A name of a daemon that was killed is not enough.
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

# Runs a command as an unprivileged user with a supplementary group.
as_user() {
        setpriv --reuid=65534 --regid=65534 --groups=65534,60001 "$@"
}

supervised_user() {
        as_user "$SNOTIFY_RUN" --socket "$socket" "$@"
}

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

# A check that cannot be made here.
skip() {
        checks=$((checks + 1))
        echo "ok $checks - $1 # SKIP $2"
}

fails_with() {
        local status=$1
        shift
        "$@"
        [ $? = "$status" ] || { echo "exit status is not $status"; return 1; }
}

logged() {
        wait_for grep -qF -- "$1" "$work/log" || { echo "no record: $1"; cat "$work/log"; return 1; }
}

# What the daemon has open, and forked.
count_fds() {
        local fds=("/proc/$daemon_pid/fd/"*)
        echo ${#fds[@]}
}

has_fds() {
        [ "$(count_fds)" = "$1" ] || { ls -l "/proc/$daemon_pid/fd"; return 1; }
}

# The pids of the daemon's children, but for the one that accepts launchers, which is there as long as the daemon.  Returns whether
# there is one.
daemon_children() {
        ps -o pid=,comm= --ppid "$daemon_pid" | awk '$2 != "snotifyd-accept" { print $1; n++ } END { exit !n }'
}

has_no_children() {
        ! daemon_children
}

finish() {
        echo "1..$checks"
        [ "$failures" = 0 ] || { echo "# the daemon's records:"; tail -n 40 "$work/log" | sed 's/^/# /'; }
        exit $((failures > 0))
}
