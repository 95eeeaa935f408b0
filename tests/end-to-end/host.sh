# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What kind of machine this is.

# Is this a chroot?  Then PID 1 has another root directory; if that cannot be seen, or is the same one, the kernel refuses user
# namespaces even to root.
is_chroot() {
        local said
        [ ! -d /proc/1/root/ ] || [ /proc/1/root/ -ef / ] || return 0
        said=$(LC_ALL=C unshare --user true 2>&1) || :
        [[ $said == *"not permitted"* ]]
}

# skip_all REASON: skips the whole test.
skip_all() {
        echo "1..0 # SKIP $*"
        exit 0
}

# For a test that starts the daemon, which judges paths by the root directory of PID 1.
skip_without_host() {
        [ "$(id -u)" = 0 ] || skip_all "needs root"
        ! is_chroot || skip_all "this is a chroot, whose paths are not the host's"
        [ -z "${SNOTIFY_NO_FILTERS-}" ] || skip_all "$SNOTIFY_NO_FILTERS"
}
