# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For tests of the installed units under a real systemd with a real journald:
#
#   source "$(dirname "$0")/../end-to-end/box.sh"
#
# Outside of the box, this installs the build into a new directory, boots tests/systemd-in-a-box, runs the test again in there, and
# exits with its status.  In the box, whose root file system is a throw-away view of the machine's own, it sources lib.sh and installs
# the build; the units are loaded, but not started.

source "$(dirname "${BASH_SOURCE[0]}")/host.sh"

# The directory is below /var/lib, because the box has its own /tmp.
box_run() {
        local reason outside_dir script variable passed=()
        skip_without_host
        for reason in "needs systemd:test -x /lib/systemd/systemd" \
                "needs unshare and nsenter:command -v unshare nsenter setpriv" "needs dbus:command -v dbus-daemon" \
                "needs a cgroup2 mount:findmnt -nft cgroup2" "needs to create namespaces:unshare --mount --pid --fork true" \
                "needs meson:command -v meson"; do
                ${reason#*:} >/dev/null 2>&1 || skip_all "${reason%%:*}"
        done

        outside_dir=$(mktemp -d /var/lib/snotify-test.XXXXXX)
        # shellcheck disable=SC2064
        trap "rm -rf '$outside_dir'" EXIT
        chmod 755 "$outside_dir"
        DESTDIR=$outside_dir/installed meson install -C "$BUILD_ROOT" --no-rebuild --quiet >"$outside_dir/install.log" 2>&1 ||
                { echo "Bail out! meson install: $(tail -3 "$outside_dir/install.log")"; exit 1; }
        mkdir "$outside_dir/helpers"
        # shellcheck disable=SC2086
        cp $HELPERS "$outside_dir/helpers/"
        script=$(realpath "$0")
        script=$outside_dir/tests/${script##*/tests/}
        mkdir -p "$outside_dir/tests/end-to-end" "${script%/*}"
        cp "$SOURCE_ROOT"/tests/end-to-end/{host.sh,lib.sh,box.sh,*.py} "$outside_dir/tests/end-to-end/"
        cp "$0" "$script"
        for variable in "${!SNOTIFY_@}"; do
                passed+=("$variable=${!variable}")
        done
        cd "$outside_dir" || exit 1
        BOX=snotify-test-${outside_dir##*.} BOX_BIND=$outside_dir "$SOURCE_ROOT/tests/systemd-in-a-box" run \
                env "${passed[@]}" INSIDE=yes SANITIZED="${SANITIZED-}" SOURCE_ROOT="$outside_dir" BUILD_ROOT="$outside_dir" \
                SNOTIFYD=/usr/sbin/snotifyd SNOTIFY_RUN="$outside_dir/installed/usr/bin/snotify-run" \
                HELPERS="$(echo "$outside_dir"/helpers/*)" bash "$script" "$@"
        exit $?
}
[ -n "${INSIDE-}" ] || box_run "$@"

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tar -C "$SOURCE_ROOT/installed" -c . | tar -C / -x --keep-directory-symlink ||
        { echo "Bail out! cannot install in the box"; exit 1; }
[ -z "${SANITIZED-}" ] || {
        # LeakSanitizer needs ptrace(2), which the unit forbids.
        mkdir -p /etc/systemd/system/snotifyd.service.d
        printf '[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n' >/etc/systemd/system/snotifyd.service.d/sanitized.conf
}
# A higher priority, so that journald loses no records on a busy machine, which is not what these tests are about.
renice -n -15 -p "$(systemctl show -P MainPID systemd-journald)" >/dev/null
systemctl daemon-reload
# The installed launcher, whose file users may execute and not read.
# shellcheck disable=SC2034 # for the test that sources this
snotify_run=/usr/bin/snotify-run
trap 'cleanup; systemctl stop snotifyd.socket snotifyd.service' EXIT

property() {
        systemctl show -P "$1" snotifyd.service
}

# synced TEXT: does a message in the journal contain the text?
synced() {
        journalctl --sync && journalctl -o cat -u snotifyd | grep -qF -- "$1"
}

status_has() {
        [[ $(property StatusText) == *"$1"* ]]
}

# Prints how many file descriptors of sessions are in systemd's store.  A daemon has some others there, unless it was never started.
stored_fds() {
        local n
        n=$(($(property NFileDescriptorStore) - stored_always))
        echo $((n < 0 ? 0 : n))
}
stored_always=2 # the identities of sessions, and the configuration

# stored N: are there so many?
stored() {
        [ "$(stored_fds)" = "$1" ]
}

# Have all sessions ended, and left nothing in the store?
no_sessions() {
        status_has "0 sessions;" && stored 0
}

# Are the daemon and its acceptor the only processes of snotifyd, and are there no zombies?
alone() {
        [ "$(pgrep '^snotifyd' | wc -l)" = 2 ] && [ "$(property MainPID)" = "$(pgrep -x 'snotifyd')" ] && pgrep -x 'snotifyd-accept' &&
                ! pgrep -r Z
}
