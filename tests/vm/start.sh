#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the tests in a virtual machine of test-vm.sh, which has put this here as /tests/start.  For each test a line of TAP.
set -u
cd /tests || exit
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
for port in /sys/class/virtio-ports/*; do
        [ "$(cat "$port/name")" != output ] || exec >"/dev/${port##*/}" 2>&1
done

# INSIDE: the tests that install the product and use its units do so in this machine.
export INSIDE=yes SOURCE_ROOT=/tests BUILD_ROOT=/tests SANITIZED='' SNOTIFYD=/usr/sbin/snotifyd SNOTIFY_RUN=/usr/bin/snotify-run
export HELPERS COMPROMISED_SNOTIFYD=/tests/compromised-snotifyd SLOW_NAMES_LIBRARY=/tests/slow-names.so SNOTIFY_TEST_GUARD
HELPERS=$(echo /tests/helpers/*)
read -r SNOTIFY_TEST_GUARD <guard
# For how long a test may run, and when no further one begins, in seconds.
limit=7200 enough=100000
[ -e all ] || {
        read -r limit enough <limits
        export SNOTIFY_TEST_FEWER=20 KILLS=30 DEATHS=5 RELOADS=10 RESTARTS=4
        # An emulated processor takes half a minute for one.
        export SNOTIFY_TEST_CONTEXTS='root|a user with a supplementary group|unshare -Ur|with rules, a user'
}
ip link set lo up
echo "# Linux $(uname -rv), security modules: $(cat /sys/kernel/security/lsm)"

# As an administrator installs it, and as a test finds it.
install_product() {
        systemctl stop snotifyd.socket snotifyd.service 2>/dev/null
        rm -rf /etc/snotify.conf /etc/snotify.conf.d /etc/systemd/system/snotifyd.* /srv/* /tmp/*
        tar -C installed -c . | tar -C / -x --keep-directory-symlink
        systemctl daemon-reload
        systemctl reset-failed
}

n=0
while read -r suite name; do
        n=$((n + 1))
        uptime=$(cut -d. -f1 /proc/uptime)
        [ "$uptime" -lt "$enough" ] || { echo "ok $n - $name # SKIP this machine has run for $uptime s"; continue; }
        install_product >/dev/null 2>&1
        before=$SECONDS status=0
        echo "# $name"
        timeout --kill-after=10 "$limit" bash "tests/$suite/test-$name.sh" >/run/output 2>&1 </dev/null || status=$?
        checks=$(grep -c '^ok ' /run/output)
        skipped=$(grep -c '^ok .* # SKIP' /run/output)
        if reason=$(grep -m1 -oP '^1\.\.0 # SKIP \K.*' /run/output); then
                echo "ok $n - $name # SKIP $reason"
        elif [ $status = 0 ] && grep -qx "1\.\.$checks" /run/output && [ "$checks" -gt 0 ]; then
                echo "ok $n - $name: $((checks - skipped)) checks, $skipped skipped, in $((SECONDS - before)) s"
        elif [ $status = 124 ] && ! grep -q '^not ok' /run/output; then
                echo "ok $n - $name # SKIP $checks checks took $((SECONDS - before)) s, and the rest longer than a test may take"
                tail -n 3 /run/output | sed 's/^/# /'
        else
                echo "not ok $n - $name: exit status $status after $((SECONDS - before)) s"
                grep -v '^ok ' /run/output | tail -n 100 | sed 's/^/# /'
        fi
done <list
echo "1..$n"
