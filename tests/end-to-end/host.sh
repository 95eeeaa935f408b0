# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the machine is.

# In a chroot PID 1 has another root directory than we; and where that cannot be looked at, or is the same in another place, the
# kernel refuses user namespaces to root, too.
is_chroot() {
        local said
        [ ! -d /proc/1/root/ ] || [ /proc/1/root/ -ef / ] || return 0
        said=$(LC_ALL=C unshare --user true 2>&1) || :
        [[ $said == *"not permitted"* ]]
}

# For a test: skips all of it.
skip_all() {
        echo "1..0 # SKIP $*"
        exit 0
}

# For a test that starts the daemon: it judges the paths of the host, which is where PID 1 is.
skip_without_host() {
        [ "$(id -u)" = 0 ] || skip_all "needs root"
        ! is_chroot || skip_all "this is a chroot, which has not the paths of the host"
}
