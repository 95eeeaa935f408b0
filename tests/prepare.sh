# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the commands in tests/ do first, in the checkout:
#
#   source tests/prepare.sh
#   prepare_privileges            root, with the capabilities that the daemon needs
#   prepare_checkout              is it writable?
#   prepare_packages PACKAGE...   installs those that are missing
#   prepare_build DIR OPTION...   configures DIR with meson, whatever is there already; for what it compiles, see ninja(1)
#
# Where a command cannot run, it says why in one sentence and exits 77, which `meson test` takes for "skipped".

# shellcheck source=tests/packages.sh
source tests/packages.sh
# shellcheck source=tests/end-to-end/host.sh
source tests/end-to-end/host.sh

cannot_run() {
        echo "${0##*/}: $*" >&2
        exit 77
}

# Those that snotifyd cannot do without, by their numbers in capabilities(7).
prepare_privileges() {
        local entry effective lacking=()
        [ "$(id -u)" = 0 ] || cannot_run "run as root: snotifyd acts for all users"
        effective=0x$(sed -n 's/^CapEff:\t//p' /proc/self/status)
        for entry in dac_override:1 dac_read_search:2 kill:5 setgid:6 setuid:7 sys_chroot:18 sys_ptrace:19 sys_admin:21; do
                (((effective >> ${entry#*:}) & 1)) || lacking+=("cap_${entry%:*}")
        done
        [ ${#lacking[@]} = 0 ] || cannot_run "run as root with all capabilities: snotifyd needs ${lacking[*]}, which this root lacks"
}

# Permissions say nothing to root, nor of how it is mounted.
prepare_checkout() {
        { : >.writable && rm .writable; } 2>/dev/null || cannot_run "cannot write to $PWD, where it builds: run it in a writable copy"
}

# Shows what a command says only if it fails.
quietly() {
        local log status=0
        log=$(mktemp)
        "$@" >"$log" 2>&1 </dev/null || status=$?
        [ $status = 0 ] || cat "$log" >&2
        rm -f "$log"
        return $status
}

prepare_packages() {
        local package missing=()
        for package; do
                dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
        done
        [ ${#missing[@]} -gt 0 ] || return 0
        command -v apt-get >/dev/null || cannot_run "installs Debian's packages, but there is no apt-get; missing: ${missing[*]}"
        echo "Installing: ${missing[*]}"
        quietly apt-get update -q || cannot_run "cannot update the list of packages; missing: ${missing[*]}"
        DEBIAN_FRONTEND=noninteractive quietly apt-get install -q -y --no-install-recommends "${missing[@]}" ||
                cannot_run "cannot install packages; missing: ${missing[*]}"
}

# What cannot be had is named, and is no error.  They may come from elsewhere than Debian.
prepare_large_packages() {
        local entry cluster=/etc/postgresql-common/createcluster.conf
        for entry in "${packages_to_supervise[@]}"; do
                ! compgen -G "${entry%:*}" >/dev/null || continue
                # Its programs are wanted, not a server that runs from now on.
                if [[ $entry == *:postgresql && ! -e $cluster ]]; then
                        mkdir -p "${cluster%/*}"
                        echo "create_main_cluster = false" >"$cluster"
                fi
                (prepare_packages "${entry##*:}") || echo "Not installed: ${entry##*:}"
        done
}

# A build directory remembers where its source was, which compiler there was, and which meson.
prepare_build() {
        local dir=$1
        shift
        if [ -e "$dir/build.ninja" ] && grep -qF "\"source\": \"$PWD\"" "$dir/meson-info/meson-info.json" &&
                meson setup --reconfigure "$dir" "$@" >/dev/null 2>&1; then
                return
        fi
        rm -rf "$dir"
        quietly meson setup "$dir" "$@"
}
