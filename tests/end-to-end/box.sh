# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For tests of the installed units in a real systemd with a real journald:
#
#   source "$(dirname "$0")/../end-to-end/box.sh"
#
# Outside, this installs the build into a directory of its own, boots tests/systemd-in-a-box and runs the test once more, inside,
# where the root file system is a throw-away view of the machine's own; and ends as that does.  Inside, it sources lib.sh and
# installs the build; the units are loaded and not started.

source "$(dirname "${BASH_SOURCE[0]}")/host.sh"

# Below /var/lib, for the box has a /tmp of its own.
box_run() {
        local reason stage script variable passed=()
        skip_without_host
        for reason in "needs systemd:test -x /lib/systemd/systemd" \
                "needs unshare and nsenter:command -v unshare nsenter setpriv" "needs dbus:command -v dbus-daemon" \
                "needs a cgroup2 mount:findmnt -nft cgroup2" "needs to make namespaces:unshare --mount --pid --fork true" \
                "needs meson:command -v meson"; do
                ${reason#*:} >/dev/null 2>&1 || skip_all "${reason%%:*}"
        done

        stage=$(mktemp -d /var/lib/snotify-test.XXXXXX)
        # shellcheck disable=SC2064
        trap "rm -rf '$stage'" EXIT
        chmod 755 "$stage"
        DESTDIR=$stage/installed meson install -C "$BUILD_ROOT" --no-rebuild --quiet >"$stage/install.log" 2>&1 ||
                { echo "Bail out! meson install: $(tail -3 "$stage/install.log")"; exit 1; }
        mkdir "$stage/helpers"
        # shellcheck disable=SC2086
        cp $HELPERS "$stage/helpers/"
        script=$(realpath "$0")
        script=$stage/tests/${script##*/tests/}
        mkdir -p "$stage/tests/end-to-end" "${script%/*}"
        cp "$SOURCE_ROOT"/tests/end-to-end/{host.sh,lib.sh,box.sh,*.py} "$stage/tests/end-to-end/"
        cp "$0" "$script"
        for variable in "${!SNOTIFY_@}"; do
                passed+=("$variable=${!variable}")
        done
        cd "$stage" || exit 1
        BOX=snotify-test-${stage##*.} BOX_BIND=$stage "$SOURCE_ROOT/tests/systemd-in-a-box" run \
                env "${passed[@]}" INSIDE=yes SANITIZED="${SANITIZED-}" SOURCE_ROOT="$stage" BUILD_ROOT="$stage" \
                SNOTIFYD=/usr/sbin/snotifyd SNOTIFY_RUN="$stage/installed/usr/bin/snotify-run" \
                HELPERS="$(echo "$stage"/helpers/*)" bash "$script" "$@"
        exit $?
}
[ -n "${INSIDE-}" ] || box_run "$@"

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tar -C "$SOURCE_ROOT/installed" -c . | tar -C / -x --keep-directory-symlink ||
        { echo "Bail out! cannot install in the box"; exit 1; }
[ -z "${SANITIZED-}" ] || {
        # What looks for leaks wants to trace, which the unit forbids.
        mkdir -p /etc/systemd/system/snotifyd.service.d
        printf '[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n' >/etc/systemd/system/snotifyd.service.d/sanitized.conf
}
# On a busy machine too it takes what is sent to it: what is lost otherwise is another matter.
renice -n -15 -p "$(systemctl show -P MainPID systemd-journald)" >/dev/null
systemctl daemon-reload
# As the installed one is, of which the user may not see the text.
# shellcheck disable=SC2034 # for the test that sources this
snotify_run=/usr/bin/snotify-run
trap 'cleanup; systemctl stop snotifyd.socket snotifyd.service' EXIT

property() {
        systemctl show -P "$1" snotifyd.service
}

# Is there such a message in the journal?
synced() {
        journalctl --sync && journalctl -o cat -u snotifyd | grep -qF -- "$1"
}

status_has() {
        [[ $(property StatusText) == *"$1"* ]]
}

# Prints how many file descriptors of sessions are in the store: all but those that a daemon always has there, of which there may be
# none before it was started.
stored_fds() {
        local n
        n=$(($(property NFileDescriptorStore) - stored_always))
        echo $((n < 0 ? 0 : n))
}
stored_always=2 # the identities of sessions, and the configuration

# Are there so many?
stored() {
        [ "$(stored_fds)" = "$1" ]
}

# The sessions have ended, and left nothing in the store.
no_sessions() {
        status_has "0 sessions;" && stored 0
}

# The daemon is the only process of its kind, but for the one that accepts launchers.
alone() {
        [ "$(pgrep '^snotifyd' | wc -l)" = 2 ] && [ "$(property MainPID)" = "$(pgrep -x 'snotifyd')" ] && pgrep -x 'snotifyd-accept' &&
                ! pgrep -r Z
}
