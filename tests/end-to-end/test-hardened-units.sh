#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# snotify-run in units that systemd.exec(5) restricts: what snotify-run(1) says under IN A HARDENED UNIT.
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
# On what a machine has there: the box's own root is an overlay, in which a directory cannot be found again by its file handle.
mkdir -p -m 700 /var/lib/private /var/cache/private /var/log/private
for place in /srv /var/{lib,cache,log}/private; do
        mount -t tmpfs -o "mode=$(stat -c %a $place)" tmpfs $place
done
mkdir /srv/out
systemctl start snotifyd.socket

# Where a workload would leave a trace.
ran=/srv/out/ran

# in_unit PROPERTY... -- COMMAND...: runs that supervised in a unit with these properties.  Returns its exit status.
in_unit() {
        local properties=()
        while [ "$1" != -- ]; do
                properties+=("--property=$1")
                shift
        done
        shift
        # What looks for leaks wants more system calls.
        [ -z "${SANITIZED-}" ] || properties+=(--setenv=ASAN_OPTIONS=detect_leaks=0)
        systemd-run --quiet --wait --pipe --collect --service-type=exec "${properties[@]}" $snotify_run -- "$@"
}

refuses() {
        local text=$1 output
        shift
        output=$(in_unit "$@" -- touch $ran 2>&1)
        [ $? = 125 ] || { echo "exit status is not 125; output: $output"; return 1; }
        [[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }
        [ ! -e $ran ] || { echo "the workload has run"; rm $ran; return 1; }
}

# makes PATH RECORDED PROPERTY...: mkdir PATH in such a unit works, and is recorded as RECORDED, a regular expression.
makes() {
        local path=$1 recorded=$2
        shift 2
        in_unit "$@" -- mkdir "$path" || { echo "exit status $?"; return 1; }
        wait_for in_journal "^allowed mkdir\\(\"$recorded\"\\) by " || { journalctl -o cat -u snotifyd -n 5; return 1; }
}
in_journal() {
        journalctl --sync && journalctl -o cat -u snotifyd | grep -qE -- "$1"
}

### What it needs.
killed_silently() {
        in_unit "$@" -- touch $ran
        [ $? != 0 ] && [ ! -e $ran ]
}
check "SystemCallFilter=@system-service: nothing runs" killed_silently SystemCallFilter=@system-service
check "... which the daemon explains" wait_for in_journal \
        '^refused a session to pid .*; if SIGSYS killed snotify-run, its unit.s SystemCallFilter= lacks seccomp: see snotify-run\(1\)$'
check "... with an errno snotify-run does" refuses "does SystemCallFilter= in its unit lack seccomp? see snotify-run(1)" \
        SystemCallFilter=@system-service SystemCallErrorNumber=EPERM
check "... with seccomp added it works" makes /tmp/filter /tmp/filter SystemCallFilter=@system-service SystemCallFilter=seccomp
check "RestrictAddressFamilies= without AF_UNIX" refuses "RestrictAddressFamilies= in its unit must name AF_UNIX" \
        "RestrictAddressFamilies=AF_INET AF_INET6"
check "... with it" makes /tmp/families /tmp/families "RestrictAddressFamilies=AF_INET AF_UNIX"
check "a /run of its own" refuses "cannot connect to /run/snotify/socket: No such file or directory" TemporaryFileSystem=/run
check "... with the daemon's directory" makes /tmp/run /tmp/run TemporaryFileSystem=/run BindReadOnlyPaths=/run/snotify
check "an inaccessible /run/snotify" refuses "cannot connect to /run/snotify/socket: " InaccessiblePaths=/run/snotify
check "LimitNOFILE=5" refuses "file descriptors, and needs 6;" LimitNOFILE=5

### What the rules see.
check "PrivateTmp=" makes /tmp/private "/tmp/systemd-private-[^/]*/tmp/private" PrivateTmp=yes
check "... as a user" makes /var/tmp/../../tmp/user "/tmp/systemd-private-[^/]*/tmp/user" PrivateTmp=yes User=nobody
check "StateDirectory=" makes /var/lib/plain/a /var/lib/plain/a StateDirectory=plain
check "DynamicUser=, StateDirectory=" makes /var/lib/webd/a /var/lib/private/webd/a DynamicUser=yes StateDirectory=webd
check "DynamicUser=, CacheDirectory=" makes /var/cache/webd/a /var/cache/private/webd/a DynamicUser=yes CacheDirectory=webd
check "DynamicUser=, LogsDirectory=" makes /var/log/webd/a /var/log/private/webd/a DynamicUser=yes LogsDirectory=webd
check "DynamicUser=, RuntimeDirectory=" makes /run/webd/a /run/webd/a DynamicUser=yes RuntimeDirectory=webd
check "ProtectSystem=strict, ReadWritePaths=" makes /srv/out/strict /srv/out/strict ProtectSystem=strict ReadWritePaths=/srv/out
check "BindPaths=" makes /mnt/bound /srv/out/bound ProtectSystem=strict BindPaths=/srv/out:/mnt
check "a tmpfs of the unit's" makes /home/a "\\(private\\)/home/a" ProtectHome=tmpfs

### All of it at once.
check "a unit that is hardened in every way" makes /var/lib/webd/all /var/lib/private/webd/all DynamicUser=yes StateDirectory=webd \
        ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes PrivateUsers=yes PrivateNetwork=yes \
        ProtectKernelTunables=yes ProtectKernelModules=yes ProtectKernelLogs=yes ProtectControlGroups=yes ProtectClock=yes \
        ProtectHostname=yes ProtectProc=invisible ProcSubset=pid CapabilityBoundingSet= NoNewPrivileges=yes RestrictNamespaces=yes \
        RestrictRealtime=yes RestrictSUIDSGID=yes LockPersonality=yes MemoryDenyWriteExecute=yes SystemCallArchitectures=native \
        RestrictAddressFamilies=AF_UNIX SystemCallFilter=@system-service "SystemCallFilter=~@privileged @resources" \
        SystemCallFilter=seccomp TemporaryFileSystem=/run BindReadOnlyPaths=/run/snotify UMask=0077
denied_elsewhere() {
        ! in_unit DynamicUser=yes ReadWritePaths=/srv -- mkdir /srv/no && [ ! -e /srv/no ]
}
check "... and no other one is let do more" denied_elsewhere
journalctl -o short -u snotifyd --no-pager >"$work/log"
finish
