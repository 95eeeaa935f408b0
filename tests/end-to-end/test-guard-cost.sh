#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the guard costs: the time of its programs beside that of mkdir() itself, the verifier's instructions, whether a program
# was ever missed, and the kernel's memory.  Times are printed and not judged.

source "$(dirname "$0")/lib.sh"

grep -qw bpf /sys/kernel/security/lsm 2>/dev/null || skip_all "the kernel has no BPF LSM in its list of security modules"
[ -f /sys/fs/cgroup/cgroup.procs ] || skip_all "no cgroup v2 at /sys/fs/cgroup: the kernel's memory cannot be told"

programs=$(dirname "$0")/guard-programs.py
place=$work/place
mkdir "$place"
mount -t tmpfs cost "$place"
group=/sys/fs/cgroup/snotify-guard-cost
clean_up_cost() {
        sysctl -qw kernel.bpf_stats_enabled=0
        umount -l "$place"
        echo "$BASHPID" >/sys/fs/cgroup/cgroup.procs
        cleanup
        rmdir "$group" 2>/dev/null
}
trap clean_up_cost EXIT
echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
mkdir "$group"
rm -rf /sys/fs/bpf/snotify

N=400
cost() {
        "$bin/guard-cost" "$place" "$N" "$1"
}
show() {
        printf '# %-46s %7s ns\n' "$1" "$2"
}
show "mkdir, no guard, no filter" "$(cost 0)"
show "mkdir, no guard, a stranger's filter" "$(cost 1)"

# In a group of its own: what stays charged to it when its processes are gone are the guard's programs and maps.
echo "$BASHPID" >"$group/cgroup.procs"
daemon_start <<CONF
[profile default]
default = allow
guard = require
CONF
echo "$BASHPID" >/sys/fs/cgroup/cgroup.procs

sysctl -qw kernel.bpf_stats_enabled=1
show "mkdir, guard loaded, no filter" "$(cost 0)"
show "mkdir, guard loaded, a stranger's filter" "$(cost 1)"
sysctl -qw kernel.bpf_stats_enabled=0
sysctl -qw kernel.bpf_stats_enabled=1
check "a session runs under the guard" supervised -- "$bin/guard-cost" "$place" "$N" 0
show "mkdir, in a session" "$(supervised -- "$bin/guard-cost" "$place" "$N" 0)"
python3 "$programs" /sys/fs/bpf/snotify >"$work/programs"
echo "# program, verified instructions, missed, runs, ns"
sed 's/^/# /' "$work/programs"

# Judged by the kernel's verifier: what a later change may add is seen here.
gate() {
        awk -v name="$1" -v most="$2" '$1 ~ name { n++; if ($2 > most) exit 1 } END { exit n == 0 }' "$work/programs"
}
check "the programs are there, and have run" awk '/hook_mkdir/ { ran = $4 } END { exit !(ran > 0) }' "$work/programs"
check "the verifier looks at no more than 40,000 instructions of a hook" gate hook_ 40000
check "the verifier looks at no more than 40,000 instructions of another program" gate guard_ 40000
check "no hook was missed" awk '/hook_/ && $3 > 0 { bad = 1 } END { exit bad }' "$work/programs"

daemon_stop
memory=$(awk '$1 == "kernel" { print $2 }' "$group/memory.stat")
echo "# the kernel's memory for the guard: $memory bytes"
check "the guard needs less than 512 KiB of the kernel's memory" test "${memory:-999999}" -lt 524288
finish
