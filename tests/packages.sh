# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
#
# The Debian packages that building, testing and the demo need.

packages_to_build=(gcc libc6-dev meson ninja-build pkgconf libsystemd-dev libseccomp-dev libcap-dev libinih-dev)
packages_to_test=(clang libclang-rt-dev clang-format libcmocka-dev libfuse3-dev systemd dbus util-linux strace acl mandoc python3
        git procps mount bubblewrap uidmap e2fsprogs xfsprogs btrfs-progs bindfs rsync unzip python3-venv cmake)
# Large, and a test does without what is not there: a file that says that it is, and the package.
packages_to_supervise=(/usr/bin/go:golang-go /usr/bin/java:default-jre-headless /usr/bin/npm:npm
        '/usr/lib/postgresql/*/bin/initdb:postgresql')
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

# What can not be had is named, and is no error.  They may come from elsewhere than Debian.
packages_install_large() {
        local entry cluster=/etc/postgresql-common/createcluster.conf
        for entry in "${packages_to_supervise[@]}"; do
                ! compgen -G "${entry%:*}" >/dev/null || continue
                # Its programs are wanted, not a server that runs from now on.
                if [[ $entry == *:postgresql && ! -e $cluster ]]; then
                        mkdir -p "${cluster%/*}"
                        echo "create_main_cluster = false" >"$cluster"
                fi
                packages_install "${entry##*:}" || echo "Not installed: ${entry##*:}"
        done
}
