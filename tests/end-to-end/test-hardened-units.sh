#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# snotify-run in units with sandboxing options of systemd.exec(5), as described under IN A HARDENED UNIT in snotify-run(1).
source "$(dirname "$0")/../end-to-end/box.sh"

cat >/etc/snotify.conf <<'CONF'
[profile default]
default = deny
log = all

[rule tmp]
path = /tmp/
action = allow

[rule state]
path = /var/lib/private/webd/
action = allow

[rule cache]
path = /var/cache/private/webd/
action = allow

[rule logs]
path = /var/log/private/webd/
action = allow

[rule runtime]
path = /run/webd/
action = allow

[rule plain-state]
path = /var/lib/plain/
action = allow

[rule out]
path = /srv/out/
action = allow
CONF
# tmpfs mounts stand in for a machine's own file systems: the box's root is an overlay, in which file handles do not work.
install -d -m 700 /var/{lib,cache,log}/private
for place in /srv /var/{lib,cache,log}/private; do
        mount -t tmpfs -o "mode=$(stat -c %a "$place")" tmpfs "$place"
done
mkdir /srv/out
systemctl start snotifyd.socket

# The workload creates this file if it runs.
ran=/srv/out/ran

# in_unit PROPERTY... -- COMMAND...: runs the command supervised in a unit with these properties.  Returns its exit status.
in_unit() {
        local properties=()
        while [ "$1" != -- ]; do
                properties+=("--property=$1")
                shift
        done
        shift
        # LeakSanitizer needs more system calls.
        [ -z "${SANITIZED-}" ] || properties+=(--setenv=ASAN_OPTIONS=detect_leaks=0)
        systemd-run --quiet --wait --pipe --collect --service-type=exec "${properties[@]}" "$snotify_run" -- "$@"
}

refuses() {
        local text=$1 output
        shift
        output=$(in_unit "$@" -- touch "$ran" 2>&1)
        [ $? = 125 ] || { echo "exit status is not 125; output: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
        [ ! -e "$ran" ] || { echo "the workload has run"; rm "$ran"; return 1; }
}

# creates PATH RECORDED PROPERTY...: mkdir PATH succeeds in such a unit, and the path in its record matches RECORDED.
creates() {
        local path=$1 recorded=$2
        shift 2
        in_unit "$@" -- mkdir "$path" || { echo "exit status $?"; return 1; }
        wait_for in_journal "^allowed mkdir\\(\"$recorded\"\\) by " || { journalctl -o cat -u snotifyd -n 5; return 1; }
}
in_journal() {
        journalctl --sync && journalctl -o cat -u snotifyd | grep -qE -- "$1"
}

### What snotify-run needs.
killed_silently() {
        ! in_unit "$@" -- touch "$ran" && [ ! -e "$ran" ]
}
check "SystemCallFilter=@system-service kills the launcher, and the workload does not run" killed_silently SystemCallFilter=@system-service
check "... the daemon records why" wait_for in_journal \
        '^refused a session to pid .*; if SIGSYS killed snotify-run, its unit.s SystemCallFilter= lacks seccomp: see snotify-run\(1\)$'
check "... with SystemCallErrorNumber= the launcher says why" refuses "does SystemCallFilter= in its unit lack seccomp? see snotify-run(1)" \
        SystemCallFilter=@system-service SystemCallErrorNumber=EPERM
check "... with seccomp in SystemCallFilter= the call succeeds" creates /tmp/filter /tmp/filter SystemCallFilter=@system-service SystemCallFilter=seccomp
check "RestrictAddressFamilies= without AF_UNIX: the launcher says what is missing" refuses "RestrictAddressFamilies= in its unit must name AF_UNIX" \
        "RestrictAddressFamilies=AF_INET AF_INET6"
check "... with AF_UNIX the call succeeds" creates /tmp/families /tmp/families "RestrictAddressFamilies=AF_INET AF_UNIX"
check "TemporaryFileSystem=/run: the launcher says that there is no socket" refuses "cannot connect to /run/snotify/socket: No such file or directory" TemporaryFileSystem=/run
check "... with BindReadOnlyPaths=/run/snotify the call succeeds" creates /tmp/run /tmp/run TemporaryFileSystem=/run BindReadOnlyPaths=/run/snotify
check "InaccessiblePaths=/run/snotify: the launcher says that it cannot connect" refuses "cannot connect to /run/snotify/socket: " InaccessiblePaths=/run/snotify
check "LimitNOFILE=5: the launcher says how many descriptors it needs" refuses "file descriptors, and needs 6;" LimitNOFILE=5

### The path that rules and records see.
check "PrivateTmp=: the path is below the unit's own directory in /tmp" creates /tmp/private "/tmp/systemd-private-[^/]*/tmp/private" PrivateTmp=yes
check "... also for a user" creates /var/tmp/../../tmp/user "/tmp/systemd-private-[^/]*/tmp/user" PrivateTmp=yes User=nobody
check "StateDirectory=: the path is the same" creates /var/lib/plain/a /var/lib/plain/a StateDirectory=plain
check "DynamicUser=, StateDirectory=: the path is in /var/lib/private" creates /var/lib/webd/a /var/lib/private/webd/a DynamicUser=yes StateDirectory=webd
check "DynamicUser=, CacheDirectory=: the path is in /var/cache/private" creates /var/cache/webd/a /var/cache/private/webd/a DynamicUser=yes CacheDirectory=webd
check "DynamicUser=, LogsDirectory=: the path is in /var/log/private" creates /var/log/webd/a /var/log/private/webd/a DynamicUser=yes LogsDirectory=webd
check "DynamicUser=, RuntimeDirectory=: the path is the same" creates /run/webd/a /run/webd/a DynamicUser=yes RuntimeDirectory=webd
check "ProtectSystem=strict, ReadWritePaths=: the path is the same" creates /srv/out/strict /srv/out/strict ProtectSystem=strict ReadWritePaths=/srv/out
check "BindPaths=: the path is that of the source" creates /mnt/bound /srv/out/bound ProtectSystem=strict BindPaths=/srv/out:/mnt
check "ProtectHome=tmpfs: the record has the path that the unit sees, as (private)" creates /home/a "\\(private\\)/home/a" ProtectHome=tmpfs

### All options together.
check "a unit with all these options and more: the call succeeds" creates /var/lib/webd/all /var/lib/private/webd/all DynamicUser=yes StateDirectory=webd \
        ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes PrivateUsers=yes PrivateNetwork=yes \
        ProtectKernelTunables=yes ProtectKernelModules=yes ProtectKernelLogs=yes ProtectControlGroups=yes ProtectClock=yes \
        ProtectHostname=yes ProtectProc=invisible ProcSubset=pid CapabilityBoundingSet= NoNewPrivileges=yes RestrictNamespaces=yes \
        RestrictRealtime=yes RestrictSUIDSGID=yes LockPersonality=yes MemoryDenyWriteExecute=yes SystemCallArchitectures=native \
        RestrictAddressFamilies=AF_UNIX SystemCallFilter=@system-service "SystemCallFilter=~@privileged @resources" \
        SystemCallFilter=seccomp TemporaryFileSystem=/run BindReadOnlyPaths=/run/snotify UMask=0077
denied_elsewhere() {
        ! in_unit DynamicUser=yes ReadWritePaths=/srv -- mkdir /srv/no && [ ! -e /srv/no ]
}
check "a call for another directory is denied" denied_elsewhere
journalctl -o short -u snotifyd --no-pager >"$work/log"
finish
