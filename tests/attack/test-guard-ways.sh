#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The guard in the kernel against calls that no worker has judged: each attack creates a denied directory natively, or in a session
# without the guard; in a session with it, it does not.
#
# Not "alone": the guard is for a daemon in the initial PID namespace.
source "$(dirname "$0")/../end-to-end/lib.sh"
source "$(dirname "$0")/guard.sh"
guard_start </dev/null
EPERM=1 EBUSY=16

# ---- io_uring ----

# ring NAME RUN...: RUN runs the attack in a session.
ring() {
        local name=$1
        shift
        check "$name: nothing passes" "$@" "$bin/guard-rings" "$tree/shut"
        "$@" "$bin/guard-rings" "$tree/shut" >"$work/said" 2>&1
        check "... each way fails with EPERM" all EPERM "$work/said"
        check "... and creates nothing" nothing_shut
        "$@" "$bin/guard-rings" "$tree/open" >"$work/said" 2>&1
        check "... also where a rule allows it, for no worker can judge it" all EPERM "$work/said"
        empty
}

if ! as_user "$bin/guard-rings" "$tree/shut" >"$work/native" 2>&1; then
        skip "io_uring" "$(tail -n 1 "$work/native")"
else
        check "io_uring: natively each way creates a directory" all created "$work/native"
        check "... a denied one" test "$(find "$tree/shut" -mindepth 1 | wc -l)" = "$(wc -l <"$work/native")"
        empty
        ring "io_uring, of a user" supervised_user --
        ring "io_uring, of root" supervised --
        ring "io_uring, under 200 more filters" supervised_user -- "$bin/guard-chain" run 200
        if as_user unshare -Ur true 2>/dev/null; then
                ring "io_uring, in a user namespace" supervised_user -- unshare -Ur
                ring "io_uring, in a user namespace, with private = allow" supervised_user --profile private -- unshare -Ur
        else
                skip "io_uring, in a user namespace" "an unprivileged user cannot create one here"
        fi
        check "a ring from before the session: the launcher does not start the command" \
                fails_with 125 "$bin/uring" lend "$SNOTIFY_RUN" --socket "$socket" -- "$bin/uring" borrow "$tree/shut/lent"
        check "... and creates nothing" nothing_shut
fi

# ---- overlays of the workload ----

overlay_ways="open create truncate chmod utimes xattr unlink rename link symlink mknod mkdir ring ring-personality ring-mkdir int80"

prepare_overlay() {
        local way
        empty
        rm -rf "$tree/lower" "$tree/merged"
        mkdir -m 777 "$tree"/{lower,merged,shut/upper,shut/work}
        for way in $overlay_ways; do
                mkdir -p "$tree/lower/$way/dir"
                echo text >"$tree/lower/$way/dir/file"
        done
        chown -R 65534:65534 "$tree/lower"
}
# The upper directory is a denied one.
mount_overlay="mount -t overlay -o userxattr,lowerdir=$tree/lower,upperdir=$tree/shut/upper,workdir=$tree/shut/work overlay $tree/merged"

# What is in the denied directory, but for what prepare_overlay() has created.
none_copied_up() {
        local found
        found=$(find "$tree/shut" -mindepth 2 -type d ! -path "$tree/shut/work/work")
        [ -z "$found" ] || { echo "created: $found"; return 1; }
}

# overlay within RUN..., overlay before RUN...: RUN runs a command in a session, which mounts the overlay itself, or starts in it.
overlay() {
        local when=$1 attack="$bin/guard-overlays $tree/merged $tree/open/allowed"
        shift
        if [ "$when" = within ]; then
                "$@" unshare -Urm sh -c "$mount_overlay && exec $attack"
        else
                as_user unshare -Urm sh -c "$mount_overlay && exec ${*:-env} $attack"
        fi
}
launcher="$SNOTIFY_RUN --socket $socket"

prepare_overlay
if ! overlay within as_user >"$work/native" 2>&1; then
        skip "overlays of the workload" "an unprivileged user cannot mount one here: $(tail -n 1 "$work/native")"
else
        check "an overlay: natively each way changes something in a lower directory" \
                test -z "$(grep -v ': done$' "$work/native" | grep -v '^xattr: EOPNOTSUPP$')"
        check "... and creates directories in the denied one" test "$(find "$tree/shut/upper" -name dir | wc -l)" -ge 15
        prepare_overlay
        overlay within unguarded_user >"$work/said" 2>&1
        check "... and so it does in a session without the guard" test "$(find "$tree/shut/upper" -name dir | wc -l)" -ge 10

        prepare_overlay
        overlay before "$launcher --" >"$work/said" 2>&1
        check "an overlay from before the session: nothing is copied up" none_copied_up
        check "... while what the rules allow is created" grep -qx 'allowed: done' "$work/said"
        sed -i '/^allowed:/d' "$work/said"
        check "... and each way fails with EPERM" all EPERM "$work/said"
        check "... and a record names the overlay and the key that helps" logged "private = allow"

        prepare_overlay
        overlay within supervised_user -- >"$work/said" 2>&1
        check "an overlay that the workload mounts: nothing is copied up" none_copied_up
        check "... nor does the mount create a directory" test ! -e "$tree/shut/work/work"
        sed -i '/^allowed:/d' "$work/said"
        check "... so that the kernel mounts it read-only" all "EROFS|EPERM" "$work/said"

        prepare_overlay
        overlay within supervised_user --profile private -- >"$work/said" 2>&1
        check "... with private = allow it may, but through a ring" test "$(ways 'done' "$work/said" | wc -l)" -ge 14
        prepare_overlay
        overlay within supervised_user --profile free -- >"$work/said" 2>&1
        check "... and so where the profile denies nothing" test "$(ways 'done' "$work/said" | wc -l)" -ge 14
        empty
fi

# ---- permits of other calls, through a hole in the filter ----

"$bin/guard-hole" "$work/hole" &
hole_pid=$!
wait_for test -S "$work/hole"

if ! unguarded_user "$bin/guard-permits" "$work/hole" "$tree" >"$work/said" 2>&1; then
        skip "a hole in the filter" "cannot make one here: $(tail -n 1 "$work/said")"
else
        check "a hole in the filter: in a session without the guard each call passes it" all created "$work/said"
        check "... and denied directories are created" test "$(find "$tree/shut" -mindepth 1 | wc -l)" -ge 6
        empty
        for who in supervised supervised_user; do
                check "... with the guard no permit of another call is worth anything ($who)" "$who" "$bin/guard-permits" "$work/hole" "$tree"
                "$who" "$bin/guard-permits" "$work/hole" "$tree" >"$work/said" 2>&1
                check "... each call fails with EPERM" all EPERM "$work/said"
                check "... and creates nothing" nothing_shut
                empty
        done
fi

# ---- thousands of filters ----

check "2500 filters: natively they change nothing" as_user "$bin/guard-chain" 2500 "$tree"
check "... and the denied directories are created" test -d "$tree/shut/ring" -a -d "$tree/shut/chain"
empty
supervised_user "$bin/guard-chain" 2500 "$tree" >"$work/said" 2>&1
check "... in a session the guard looks at them all" grep -qx "filters: 2500" "$work/said"
check "... the allowed directory is created" grep -qx "open: created" "$work/said"
check "... the denied ones are not" test "$(ways EPERM "$work/said" | xargs)" = "ring shut"
check "... none of them" nothing_shut
empty

# ---- others ----

setpriv --reuid=65534 --regid=65534 --clear-groups "$SNOTIFY_RUN" --socket "$socket" "$bin/guard-repeat" denied 1000000 "$tree/shut/twin" >"$work/said" 2>&1 &
attacker=$!
check "an unsupervised process creates what a session is denied, all the time" as_user "$bin/guard-repeat" allowed 2000 "$tree/shut/twin"
check "... while the session tries to" kill "$attacker"
wait "$attacker"
check "another supervisor's session is not judged" as_user "$bin/naive-supervisor" continue never "$bin/mkdir-as" mkdir "$tree/shut" other
check "... nor its rings" as_user "$bin/naive-supervisor" continue never "$bin/guard-rings" "$tree/open"
check "... nor can there be another one inside of a session" fails_with $EBUSY supervised_user "$bin/filters" listener "$tree/shut/inside"
check "... where nothing is created" test ! -e "$tree/shut/inside"
empty

# ---- the same call after a reload ----

# The same registers all the time.
supervised_user "$bin/guard-repeat" allowed 1000000 "$tree/open/reloaded" >"$work/said" 2>&1 &
repeater=$!
wait_for grep -q '^created$' "$work/said"
guard_configuration </dev/null | sed '/rule open/,/rule shut/s/action = allow/action = deny/' >"$work/conf.new"
mv "$work/conf.new" "$work/conf"
kill -HUP "$daemon_pid"
wait "$repeater"
check "a call that was allowed before a reload is denied after it" test "$? $(tail -n 1 "$work/said")" = "$EPERM EPERM"
guard_configuration </dev/null >"$work/conf.new"
mv "$work/conf.new" "$work/conf"
kill -HUP "$daemon_pid"

# ---- a session whose daemon is gone ----

# orphan NAME SIGNAL: ends the daemon, with all of its workers.
orphan() {
        local name=$1 signal=$2 pids
        empty
        mkdir -m 777 "$work/other" "$work/other"/{open,shut} 2>/dev/null
        supervised_user "$bin/guard-orphan" "$tree" >"$work/guarded" 2>&1 &
        pids=$!
        unguarded_user "$bin/guard-orphan" "$work/other" >"$work/unguarded" 2>&1 &
        pids+=" $!"
        wait_for grep -q first "$work/guarded" && wait_for grep -q first "$work/unguarded"
        kill "-$signal" "$daemon_pid"
        wait "$daemon_pid" 2>/dev/null
        daemon_pid=
        # shellcheck disable=SC2086
        wait $pids # the numbers of two processes
        check "$name: in a session without the guard a listener of the workload's own lets its calls pass" \
                test "$(ways created "$work/unguarded" | xargs)" = "first same shut"
        check "... with the guard it does not" test "$(ways EPERM "$work/guarded" | xargs)" = "ring same shut"
        check "... nothing is created" nothing_shut
        rm -rf "$work/other"
}
orphan "the daemon is stopped" TERM
daemon_start <"$work/rules"
check "another daemon guards again" fails_with $EPERM supervised_user "$bin/mkdir-as" mkdir "$tree/shut" again
orphan "the daemon is killed" KILL

finish
