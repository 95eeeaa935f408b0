# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the commands in tests/ do first, in the root directory of the checkout:
#
#   source tests/prepare.sh
#   prepare_privileges            checks for root, with the capabilities that the daemon needs
#   prepare_checkout              checks that the checkout is writable
#   prepare_packages PACKAGE...   installs those that are missing
#   prepare_filters               finds out whether the kernel installs seccomp filters
#   prepare_build DIR OPTION...   configures the build directory DIR with meson, whether or not it exists
#
# If a command cannot run here, it says why in one sentence and exits with 77, which `meson test` takes for "skipped".

# shellcheck source=tests/packages.sh
source tests/packages.sh
# shellcheck source=tests/end-to-end/host.sh
source tests/end-to-end/host.sh

cannot_run() {
        echo "${0##*/}: $*" >&2
        exit 77
}

# The capabilities that snotifyd needs, by their numbers in capabilities(7).
prepare_privileges() {
        local entry effective lacking=()
        [ "$(id -u)" = 0 ] || cannot_run "run as root: snotifyd acts for all users"
        effective=0x$(sed -n 's/^CapEff:\t//p' /proc/self/status)
        for entry in dac_override:1 dac_read_search:2 kill:5 setgid:6 setuid:7 sys_chroot:18 sys_ptrace:19 sys_admin:21; do
                (((effective >> ${entry#*:}) & 1)) || lacking+=("cap_${entry%:*}")
        done
        [ ${#lacking[@]} = 0 ] || cannot_run "run as root with all capabilities: snotifyd needs ${lacking[*]}, which this root lacks"
}

# Try it: the file mode says nothing about what root may do, or whether the file system is read-only.
prepare_checkout() {
        { : >.writable && rm .writable; } 2>/dev/null || cannot_run "cannot write to $PWD, where it builds: run it in a writable copy"
}

# quietly COMMAND...: shows the command's output only if it fails.
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

# A package that cannot be installed is named, and is no error.  Its programs may also come from elsewhere than Debian.
prepare_large_packages() {
        local entry cluster=/etc/postgresql-common/createcluster.conf
        for entry in "${large_packages[@]}"; do
                ! compgen -G "${entry%:*}" >/dev/null || continue
                # The tests need its programs, and no server that runs from now on.
                if [[ $entry == *:postgresql && ! -e $cluster ]]; then
                        mkdir -p "${cluster%/*}"
                        echo "create_main_cluster = false" >"$cluster"
                fi
                (prepare_packages "${entry##*:}") || echo "Not installed: ${entry##*:}"
        done
}

# Linux 6.18 can lock up when a thousand BPF programs are freed at once: from then on, until it is booted again, each process hangs that
# installs a filter, and cannot be killed.  One that tries is left behind, and tests that need filters skip, as $SNOTIFY_NO_FILTERS says.
prepare_filters() {
        local pid n
        unset SNOTIFY_NO_FILTERS
        python3 -c 'import ctypes
allow = ctypes.create_string_buffer(bytes((6, 0, 0, 0, 0, 0, 0xff, 0x7f)), 8)   # BPF_RET, SECCOMP_RET_ALLOW
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
libc = ctypes.CDLL(None)
libc.prctl(38, 1, 0, 0, 0)   # PR_SET_NO_NEW_PRIVS
libc.prctl(22, 2, ctypes.byref(Program(1, ctypes.addressof(allow))))   # PR_SET_SECCOMP, SECCOMP_MODE_FILTER' </dev/null >/dev/null 2>&1 &
        pid=$!
        for ((n = 0; n < 300; n++)); do
                kill -0 $pid 2>/dev/null || break
                sleep 0.1
        done
        if kill -0 $pid 2>/dev/null; then
                export SNOTIFY_NO_FILTERS="this kernel has locked up: a process that installs a seccomp filter hangs; boot the machine"
                echo "$SNOTIFY_NO_FILTERS"
        else
                wait $pid || :
        fi
}

# Configures it anew if it belongs to another checkout, compiler or meson.
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
