# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154 # variables of lib.sh
#
# For the tests of the guard, after lib.sh.

# guarded_start: as daemon_start.  The default profile of the configuration must say "guard = require".  Skips the whole test where the
# kernel cannot have a guard.
guarded_start() {
        local reason
        daemon_start
        reason=$(supervised -- true 2>&1) && return
        [ "${SNOTIFY_TEST_GUARD-}" != require ] || { echo "Bail out! there is no guard: $reason"; exit 1; }
        skip_all "${reason#snotify-run: }"
}

# prints TEXT[,TEXT...] COMMAND...: the command's output is one of these.
prints() {
        local expected=$1 output
        shift
        output=$("$@" 2>&1)
        [[ ,$expected, == *",$output,"* ]] || { echo "not \"$expected\" but \"$output\""; return 1; }
}

# errno_of COMMAND...: prints what the command says of its error, or "made".
errno_of() {
        { LC_ALL=C "$@" 2>&1 && echo made; } | sed 's/.*: //'
}
export -f errno_of

# asleep PID: waits until the process sleeps uninterruptibly.
asleep() {
        wait_for grep -qs "^State:.D" "/proc/$1/status" || { cat "/proc/$1/status"; return 1; }
}
