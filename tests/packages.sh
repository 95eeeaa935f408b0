# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
#
# The Debian packages that building, testing and the demo need.

packages_to_build=(gcc libc6-dev meson ninja-build pkgconf libsystemd-dev libseccomp-dev libcap-dev libinih-dev)
packages_to_test=(clang libclang-rt-dev clang-format shellcheck codespell libcmocka-dev libfuse3-dev systemd dbus util-linux strace acl man-db mandoc python3
        git procps mount bubblewrap uidmap dosfstools e2fsprogs xfsprogs btrfs-progs bindfs rsync unzip python3-venv cmake)
# Large, and a test does without what is not there: a file that says that it is, and the package.
packages_to_supervise=(/usr/bin/go:golang-go /usr/bin/java:default-jre-headless /usr/bin/npm:npm
        '/usr/lib/postgresql/*/bin/initdb:postgresql')
packages_to_demo=(git python3 python3-venv)
