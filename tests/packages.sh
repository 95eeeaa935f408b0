# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
#
# The Debian packages that building, testing and the demo need.

packages_to_build=(gcc libc6-dev meson ninja-build pkgconf libsystemd-dev libseccomp-dev libcap-dev libinih-dev)
packages_to_test=(clang libclang-rt-dev clang-format libcmocka-dev systemd dbus util-linux strace acl mandoc python3
        git procps mount bubblewrap uidmap e2fsprogs xfsprogs btrfs-progs bindfs)
packages_to_demo=(git tar python3 python3-venv)

packages_install() {
        local package missing=()
        for package; do
                dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
        done
        [ ${#missing[@]} -gt 0 ] || return 0
        echo "Installing: ${missing[*]}"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}
