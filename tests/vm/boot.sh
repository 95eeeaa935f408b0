#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Boots a virtual machine without KVM, and returns when it is off:
#
#   boot.sh KERNEL TREE.ext4 TESTS.ext4 OUTPUT CONSOLE [ARGUMENT...]
#
# KERNEL is a directory with vmlinuz and initrd.  The disks stay as they are: what the machine writes is thrown away.  What
# /tests/start in there prints goes to the file OUTPUT, what the kernel and systemd print to the file CONSOLE.  ARGUMENTs go to the
# kernel's command line.
set -euo pipefail
kernel=$1 tree=$2 tests=$3 output=$4 console=$5
shift 5

# Without tsc= the kernel trusts no clock but the emulated HPET, and expedited RCU makes the emulated processors wait less for each other.
# -cx16: with cmpxchg16b Linux 6.12 crashes in most boots under this emulation.
exec qemu-system-x86_64 -accel tcg,thread=multi -cpu max,-cx16,-la57 -smp 2 -m 2048 -display none -nodefaults -no-reboot \
        -kernel "$kernel/vmlinuz" -initrd "$kernel/initrd" \
        -append "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on no_timer_check systemd.unit=tests.target systemd.show_status=no nowatchdog \
tsc=reliable clocksource=tsc rcupdate.rcu_expedited=1 $*" \
        -drive "file=$tree,format=raw,if=virtio,snapshot=on" -drive "file=$tests,format=raw,if=virtio,snapshot=on" \
        -device virtio-rng-pci -device virtio-serial-pci -chardev "file,id=output,path=$output" \
        -device virtserialport,chardev=output,name=output -serial "file:$console" </dev/null
