# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For the attacks on the guard.  After lib.sh:
#
#   source "$(dirname "$0")/guard.sh"
#   guard_start <<'CONF'        starts the daemon with these rules; $tree is an empty tmpfs with a directory open/, in which a rule
#   ...                         allows everything, and shut/, in which a rule denies everything
#   CONF
#
# Profiles: default requires the guard, private and free, too; unguarded has the same rules without it.  Skips the whole test where
# the guard cannot stand; in a virtual machine of tests/vm that has it, fails instead.

tree=${work:?}/tree

guard_cleanup() {
        [ -z "${hole_pid-}" ] || kill "$hole_pid"
        umount --recursive --lazy "$tree"
        cleanup
}

guard_configuration() {
        cat <<CONF
[profile default]
default = allow
log = none
guard = require

[profile private]
default = allow
log = none
guard = require
private = allow

[profile free]
default = allow
log = none
guard = require

[profile unguarded]
default = allow
log = none
guard = off

[rule open]
profile = default private unguarded
path = $tree/open/
action = allow

[rule shut]
profile = default private unguarded
path = $tree/shut/
action = deny
CONF
        cat
}

guard_start() {
        local said
        mkdir -p "$tree"
        mount -t tmpfs -o mode=777 tmpfs "$tree" || skip_all "cannot mount a tmpfs"
        trap guard_cleanup EXIT
        mkdir -m 777 "$tree"/{open,shut}
        guard_configuration >"$work/rules"
        daemon_start <"$work/rules"
        said=$(supervised true 2>&1) && return
        [ "${SNOTIFY_TEST_GUARD-}" != require ] || { echo "Bail out! there is no guard: $said"; cat "$work/log"; exit 1; }
        skip_all "there is no guard here: $said"
}

# unguarded COMMAND..., unguarded_user COMMAND...: in a session where no hook is asked.
unguarded() {
        supervised --profile unguarded -- "$@"
}

unguarded_user() {
        supervised_user --profile unguarded -- "$@"
}

# Are there no directories in the denied one?
nothing_shut() {
        local found
        found=$(find "$tree/shut" -mindepth 1)
        [ -z "$found" ] || { echo "created: $found"; return 1; }
}

# empty: forgets what an attack has created.
empty() {
        find "$tree/open" "$tree/shut" -mindepth 1 -depth -exec rm -rf {} +
}

# Attacks print "WAY: RESULT" for each of their ways.  ways RESULT FILE...: prints the ways with that result.
ways() {
        local result=$1
        shift
        sed -n "s/^\([a-z0-9-]*\): $result\$/\1/p" "$@" | sort
}

# all RESULT FILE: has each way this result?
all() {
        ! grep -vE "^[a-z0-9-]+: ($1)\$" "$2" && [ -s "$2" ]
}
