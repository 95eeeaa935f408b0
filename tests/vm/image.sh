#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes what the virtual machines of test-vm.sh boot: Debian 12's stock kernel, the newest kernel of its backports, and a disk with a
# Debian tree.  Packages come from where this machine's apt has them from; nothing is installed on it.
#
#   image.sh DIRECTORY INIT       INIT is the program that is built from init.c
#
# DIRECTORY gets "kernels" (words: RELEASE VERSION, a line for each kernel), and for each kernel RELEASE/{vmlinuz,initrd,config}; and
# tree.ext4.  What is there already and is not outdated stays.  Exits with 77, and says why, if a package cannot be had.
set -euo pipefail
mkdir -p "$1"
directory=$(realpath "$1") init=$(realpath "$2") here=$(dirname "$(realpath "$0")")
codename=bookworm
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=(systemd systemd-sysv dbus kmod udev procps mount util-linux iproute2 python3-minimal python3 fuse3 bindfs acl attr
        bubblewrap uidmap e2fsprogs btrfs-progs xfsprogs dosfstools libinih1 libseccomp2 libcap2 libcap2-bin libbpf1 bpftool
        apparmor podman netavark crun fuse-overlayfs keyutils)

cannot_run() {
        echo "$*"
        exit 77
}
[ "$(dpkg --print-architecture)" = amd64 ] || cannot_run "needs a machine of the architecture amd64"

cd "$directory"
rm -rf new.*
trap 'rm -rf "$directory"/new.*' EXIT

# This machine's sources of the release, or the usual ones.
sources() {
        # shellcheck disable=SC2016 # apt's variables
        apt-get indextargets --format '$(LABEL) $(REPO_URI) $(SUITE) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
                awk -v codename=$codename -v keyring=$keyring '
                        $1 ~ /^Debian(-Security)?$/ && $4 ~ "^" codename "(-security|-updates)?$" && $5 == "main" {
                                print "deb [signed-by=" keyring "] " $2 " " $4 " main" }' | sort -u >new.sources
        grep -q " $codename main$" new.sources || printf "deb [signed-by=$keyring] %s main\n" "http://deb.debian.org/debian $codename" \
                "http://deb.debian.org/debian-security $codename-security" >new.sources
        cat new.sources
}

# own_apt SUITE COMMAND...: apt with nothing of this machine's but its configuration (proxies, for example).
own_apt() {
        local root=$directory/apt.$1 tool=$2
        shift 2
        "$tool" -q -o Dir::Etc::SourceList="$root/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::Preferences=/dev/null \
                -o Dir::Etc::PreferencesParts=/dev/null -o Dir::State::Lists="$root/lists" -o Dir::Cache="$root/cache" \
                -o Dir::State::Status=/dev/null -o APT::Sandbox::User=root -o Acquire::Retries=3 -o APT::Architecture=amd64 \
                -o APT::Architectures=amd64 "$@"
}

apt_root() {
        mkdir -p "apt.$1/lists/partial" "apt.$1/cache/archives/partial"
        cat >"apt.$1/sources.list"
        own_apt "$1" apt-get update >new.log 2>&1 && ! grep -q '^[EW]: .*Failed' new.log
}

# Prints the names of the suite's kernel packages, the best one first.
kernels_of() {
        if [ "$1" = stable ]; then
                own_apt stable apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: //p'
        else
                own_apt "$1" apt-cache pkgnames linux-image- | grep -xE 'linux-image-[0-9.]+\+[a-z0-9.]+-amd64(-unsigned)?' |
                        sed 's/-unsigned$/ &/' | sort -k1,1Vr -k2 | tr -d ' '
        fi
}

# find_kernel SUITE: prints the package's name and version.
find_kernel() {
        local package
        for package in $(kernels_of "$1"); do
                own_apt "$1" apt-get download --print-uris "$package" >new.log 2>&1 || continue
                echo "$package $(own_apt "$1" apt-cache show --no-all-versions "$package" | sed -n 's/^Version: //p')"
                return
        done
        return 1
}

sources >new.list
if apt_root stable <new.list && awk '$NF == "main" && $(NF - 1) == "'$codename'" { $(NF - 1) = "'$codename'-backports"; print; exit }' \
        new.list | apt_root backports; then
        find_kernel stable >new.wanted || cannot_run "no package of Debian 12's kernel: $(tail -1 new.log)"
        find_kernel backports >>new.wanted || cannot_run "no package of its backports' kernel: $(tail -1 new.log)"
        printf '%s\n' "${packages[@]}" >>new.wanted
        cat "$init" "$here/image.sh" "$here/initrd.py" | sha256sum >>new.wanted
elif [ -e wanted ]; then
        cp wanted new.wanted
else
        cannot_run "cannot get the lists of Debian's packages: $(grep -m1 '^[EW]:' new.log || tail -1 new.log)"
fi
! cmp -s new.wanted wanted || exit 0
rm -f wanted

### The tree.
# mmdebstrap has its own configuration of apt: this machine's is added to it.
apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|Retries|ForceIPv4|AllowInsecure)' >new.conf || :
echo "# Making the Debian tree" >&2
mmdebstrap --quiet --variant=apt --mode=root --architectures=amd64 --include="$(IFS=,; echo "${packages[*]}")" --aptopt="$directory/new.conf" \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' $codename new.tree - <new.list >new.log 2>&1 ||
        cannot_run "cannot make a Debian tree: $(tail -1 new.log)"


### The kernels.  The machines have few devices, and most of the modules are for others.
for suite in stable backports; do
        read -r package version <&3
        mkdir "new.$suite"
        (cd "new.$suite" && own_apt $suite apt-get download "$package" >../new.log 2>&1) || cannot_run "cannot get $package: $(tail -1 new.log)"
        dpkg-deb -x "new.$suite"/*.deb "new.$suite"
        release=$(ls "new.$suite/lib/modules")
        (cd "new.$suite/lib/modules/$release/kernel" && rm -rf sound drivers/{ata,bluetooth,gpu,hid,hwmon,iio,infiniband,input,media,mmc,mtd,scsi,usb} \
                drivers/net/{can,ethernet,phy,usb,wireless} net/{bluetooth,mac80211,wireless})
        mkdir -p new.tree/usr/lib/modules
        cp -a "new.$suite/lib/modules/$release" new.tree/usr/lib/modules/
        chroot new.tree depmod "$release"
        rm -rf "$release"
        mkdir "$release"
        cp "new.$suite/boot/vmlinuz-$release" "$release/vmlinuz"
        cp "new.$suite/boot/config-$release" "$release/config"
        python3 "$here/initrd.py" new.tree "$release" "$init" >"$release/initrd"
        rm -rf "new.$suite"
        echo "$release $version" >>new.kernels
done 3<new.wanted

### What differs from a fresh installation: no network, no clock to set, no console to log in, and a disk that is thrown away.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
        getty@tty1.service ldconfig.service serial-getty@ttyS0.service systemd-hwdb-update.service systemd-journal-catalog-update.service \
        systemd-random-seed.service systemd-timesyncd.service systemd-udev-trigger.service systemd-update-done.service xfs_scrub_all.timer; do
        ln -sf /dev/null "new.tree/etc/systemd/system/$unit"
done
echo snotify-test >new.tree/etc/hostname
echo "127.0.0.1 localhost snotify-test" >new.tree/etc/hosts
: >new.tree/etc/fstab
systemd-id128 new >new.tree/etc/machine-id 2>/dev/null || echo 0123456789abcdef0123456789abcdef >new.tree/etc/machine-id
cat >new.tree/etc/systemd/system/tests.service <<'UNIT'
# The second disk has the tests, and says what to do.
[Unit]
Wants=basic.target dbus.service
After=basic.target dbus.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mkdir -p /tests && mount /dev/vdb /tests && exec bash /tests/start'
ExecStopPost=/bin/sh -c 'sync; echo b >/proc/sysrq-trigger'
StandardOutput=tty
TTYPath=/dev/ttyS0
OOMPolicy=continue
UNIT
cat >new.tree/etc/systemd/system/tests.target <<'UNIT'
[Unit]
Wants=tests.service
AllowIsolate=yes
UNIT
truncate -s 4G new.ext4
mke2fs -q -F -t ext4 -E lazy_itable_init=1 -d new.tree new.ext4
mv new.ext4 tree.ext4
mv new.kernels kernels
mv new.wanted wanted
