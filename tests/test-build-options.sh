#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a packager can choose: each option of meson does what it says, and what cannot be built says so.
set -u
: "${SOURCE_ROOT:?}"
command -v meson >/dev/null || { echo "1..0 # SKIP needs meson"; exit 0; }

work=$(mktemp -d /tmp/snotify-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
unset CFLAGS CPPFLAGS LDFLAGS
n=0
failures=0

check() {
        local what=$1 output
        shift
        n=$((n + 1))
        if output=$("$@" 2>&1); then
                echo "ok $n - $what"
        else
                failures=1
                echo "not ok $n - $what"
                printf '%s\n' "$output" | tail -n 20 | sed 's/^/# /'
        fi
}

# configure NAME OPTION...: the build directory is $work/NAME.
configure() {
        local name=$1
        shift
        meson setup "$work/$name" "$SOURCE_ROOT" -Dtests=disabled "$@" >"$work/$name.log" 2>&1 || { cat "$work/$name.log"; return 1; }
}

# refused NAME MESSAGE OPTION...
refused() {
        local name=$1 message=$2
        shift 2
        ! configure "$name" "$@" && grep -qF "$message" "$work/$name.log"
}

compiled_with() {
        grep -q -- "$2" "$work/$1/compile_commands.json"
}

cat >"$work/elsewhere.ini" <<'INI'
[binaries]
c = 'cc'
pkgconfig = 'pkg-config'
[host_machine]
system = 'linux'
cpu_family = 's390x'
cpu = 's390x'
endian = 'big'
INI
check "an architecture that is not supported is named, with those that are" \
        refused elsewhere "cannot be built for the architecture s390x; it supports: x86_64" --cross-file "$work/elsewhere.ini"

check "it can be configured for elsewhere, without tests, with a dynamic launcher" \
        configure other --prefix=/opt/snotify -Dsysconfdir=/opt/etc -Dunitdir=/opt/units -Dstatic-launcher=disabled
check "... and be built" ninja -C "$work/other" --quiet
no_tests() {
        [ "$(meson introspect --tests "$work/other")" = '[]' ] && [ ! -e "$work/other/tests" ]
}
check "... where no test is built" no_tests
dynamic() {
        readelf --program-headers "$work/other/launcher/snotify-run" | grep -q INTERP
}
check "... and the launcher is linked dynamically" dynamic

check "it can be installed there" env DESTDIR="$work/root" meson install -C "$work/other" --no-rebuild
root=$work/root
check "... with its units in unitdir" test -s "$root/opt/units/snotifyd.service" -a -s "$root/opt/units/snotifyd.socket"
check "... its configuration in sysconfdir" test -s "$root/opt/etc/snotify.conf" -a -d "$root/opt/etc/snotify.conf.d"
nothing_else() {
        local elsewhere
        elsewhere=$(cd "$root" && find . ! -type d ! -path './opt/*')
        [ -z "$elsewhere" ] || { echo "$elsewhere"; return 1; }
}
check "... and nothing outside of those" nothing_else
names_sysconfdir() {
        local file
        for file in "$root"/opt/etc/snotify.conf "$root"/opt/snotify/share/man/man?/* "$root"/opt/snotify/lib/systemd/catalog/*; do
                grep -q '/opt/etc/snotify\.conf' "$file" || { echo "not named in $file"; return 1; }
        done
        ! grep -rnE '(^|[^t])/etc/snotify\.conf' "$root"
}
check "... where what is installed names the configuration" names_sysconfdir
reads_sysconfdir() {
        "$root/opt/snotify/sbin/snotifyd" --help | grep -qF 'in /opt/etc/snotify.conf allow it.' || return 1
        ! "$root/opt/snotify/sbin/snotifyd" --check-config >"$work/said" 2>&1
        cat "$work/said"
        grep -q '^/opt/etc/snotify\.conf: ' "$work/said"
}
[ -e /opt/etc/snotify.conf ] || check "... and the daemon reads it" reads_sysconfdir

check "_FORTIFY_SOURCE is 2 where nothing else is said" configure plain
check "... in each file" compiled_with plain '-D_FORTIFY_SOURCE=2'
fortified() {
        CFLAGS='-O2 -D_FORTIFY_SOURCE=3' configure fortified && compiled_with fortified '-D_FORTIFY_SOURCE=3' &&
                ! compiled_with fortified '-D_FORTIFY_SOURCE=2'
}
check "a level in CFLAGS is left alone, and no other is given" fortified

check "a sanitized launcher cannot be static, and that is said" \
        refused sanitized "use -Dstatic-launcher=disabled" -Dstatic-launcher=enabled -Db_sanitize=address

echo "1..$n"
exit $failures
