# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
#
# The Debian packages that building, testing and the demo need.

packages_to_build=(gcc libc6-dev meson ninja-build pkgconf libsystemd-dev libseccomp-dev libcap-dev libinih-dev)
packages_to_test=(clang libbpf-dev libclang-rt-dev clang-format clang-tidy shellcheck codespell libcmocka-dev libfuse3-dev systemd dbus util-linux strace acl man-db mandoc python3
        git procps mount bubblewrap uidmap dosfstools e2fsprogs xfsprogs btrfs-progs bindfs rsync unzip python3-venv cmake)
# Large ones, which a test can do without: FILE:PACKAGE, where the existence of FILE shows that the programs are there.
large_packages=(/usr/bin/go:golang-go /usr/bin/java:default-jre-headless /usr/bin/npm:npm
        '/usr/lib/postgresql/*/bin/initdb:postgresql' /usr/bin/aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu
        /usr/aarch64-linux-gnu/include/stdio.h:libc6-dev-arm64-cross /usr/bin/qemu-aarch64:qemu-user)
packages_for_machines=(qemu-system-x86 mmdebstrap)
packages_to_cover=(llvm)
packages_to_demo=(git python3 python3-venv)
