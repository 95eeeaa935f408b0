# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the machine is.

# In a chroot PID 1 has another root directory than we.
is_chroot() {
        [ -d /proc/1/root/ ] && ! [ /proc/1/root/ -ef / ]
}

# For a test: skips all of it.
skip_all() {
        echo "1..0 # SKIP $*"
        exit 0
}

# For a test that starts the daemon: it judges the paths of the host, which is where PID 1 is.  In a chroot the kernel makes no user
# namespace for anybody, which shows where PID 1 cannot be looked at.
skip_without_host() {
        [ "$(id -u)" = 0 ] || skip_all "needs root"
        ! is_chroot || skip_all "this is a chroot, which has not the paths of the host"
        unshare --user true 2>/dev/null || skip_all "cannot make a user namespace here, as in a chroot"
}
