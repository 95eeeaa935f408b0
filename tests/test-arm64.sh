#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon, the launcher and the unit tests can be built for arm64, with a cross compiler. Those unit tests that need nothing that
# qemu lacks also pass there.
set -u
: "${SOURCE_ROOT:?}"

skip_all() {
        echo "1..0 # SKIP $*"
        exit 0
}
for tool in meson aarch64-linux-gnu-gcc apt-get dpkg-deb; do
        command -v "$tool" >/dev/null || skip_all "needs $tool"
done

work=$(mktemp -d /tmp/snotify-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
unset CC CFLAGS CPPFLAGS LDFLAGS
n=0
failures=0

result() {
        n=$((n + 1))
        [ "$1" = ok ] || failures=1
        echo "$1 $n - $2"
}

check() {
        local what=$1 output
        shift
        if output=$("$@" 2>&1); then
                result ok "$what"
        else
                result "not ok" "$what"
                printf '%s\n' "$output" | tail -n 30 | sed 's/^/# /'
                return 1
        fi
}

# The libraries, from where this machine has its packages.  They are unpacked and not installed: the machine's packages and its
# list of architectures stay as they are.
root=$work/root
mkdir -p "$root" "$work"/apt/{lists,cache/archives}/partial
: >"$work/apt/status"
apt() {
        apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root -o Dir::Etc::Preferences=/dev/null \
                -o Dir::State::Lists="$work/apt/lists" -o Dir::State::status="$work/apt/status" -o Dir::Cache="$work/apt/cache" "$@"
}
{
        apt update &&
                apt install --yes --no-install-recommends --download-only \
                        libsystemd-dev libseccomp-dev libcap-dev libinih-dev libcmocka-dev
} >"$work/apt.log" 2>&1 </dev/null || skip_all "cannot download the libraries for arm64: $(grep '^[EW]:' "$work/apt.log" | head -n 1)"
for package in "$work"/apt/cache/archives/*.deb; do
        dpkg-deb --extract "$package" "$root" || exit 1
done

libraries=$root/usr/lib/aarch64-linux-gnu
cat >"$work/arm64.ini" <<INI
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
[properties]
sys_root = '$root'
pkg_config_libdir = '$libraries/pkgconfig'
[built-in options]
c_args = ['-isystem', '$root/usr/include', '-isystem', '$root/usr/include/aarch64-linux-gnu']
c_link_args = ['-L$libraries', '-L$root/lib/aarch64-linux-gnu', '-Wl,-rpath-link,$libraries:$root/lib/aarch64-linux-gnu']
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
INI
configure() {
        meson setup "$work/build" "$SOURCE_ROOT" --werror --cross-file "$work/arm64.ini" -Dtests=enabled
}
# Not the other tests' programs: they make calls and read registers that only x86-64 has.
programs=(daemon/snotifyd launcher/snotify-run)
for source in "$SOURCE_ROOT"/tests/unit/test-*.c; do
        source=${source##*/}
        [ "$source" != test-guard.c ] || continue # the guard's programs are for x86-64
        programs+=("tests/unit/${source%.c}")
done
if check "it can be configured" configure &&
        check "the daemon, the launcher and the unit tests can be built" ninja -C "$work/build" --quiet -k 0 "${programs[@]}"; then
        is_for_arm64() {
                [[ $(readelf --file-header "$work/build/$1") == *Machine:*AArch64* ]]
        }
        check "the daemon is a program for arm64" is_for_arm64 daemon/snotifyd
        check "the launcher is a program for arm64" is_for_arm64 launcher/snotify-run
fi

# Qemu has no seccomp, no ptrace(2) and no /proc of the emulated process: tests that need one of these are not among them.
emulated=(calls config escape handover-queue handshake identities mountinfo operation policy protocol rate-limit report session-table
        store subordinate-ids task-facts worker-pool)
passes() {
        [ "$status" = 0 ] || { echo "$output"; return 1; }
}
if command -v qemu-aarch64 >/dev/null; then
        for name in "${emulated[@]}"; do
                output=$(qemu-aarch64 -L "$root" -E LD_LIBRARY_PATH="$libraries:$root/lib/aarch64-linux-gnu" "$work/build/tests/unit/test-$name" 2>&1)
                status=$?
                if [ "$status" = 77 ]; then
                        result ok "the unit test $name passes in qemu # SKIP ${output##*SKIP }"
                else
                        check "the unit test $name passes in qemu" passes
                fi
        done
else
        result ok "the unit tests pass in qemu # SKIP needs qemu-aarch64"
fi
echo "1..$n"
exit $failures
