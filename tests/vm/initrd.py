#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the initrd of a virtual machine: initrd.py TREE KERNEL-RELEASE INIT >INITRD

TREE is a Debian tree with the kernel's modules and kmod; INIT is the static program that is built from init.c."""
import lzma
import os
import subprocess
import sys

tree, release, init = sys.argv[1:]
FILE = 0o100755
archive = bytearray()
count = 0


def add(name, content=b"", mode=FILE):
    """In the format "newc" of cpio(5)."""
    global count
    count += 1
    path = name.encode() + b"\0"
    fields = [count, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0]
    for part in ("070701" + "".join(f"{field:08x}" for field in fields)).encode() + path, content:
        archive.extend(part)
        archive.extend(b"\0" * (-len(archive) % 4))


def modules():
    """The paths of the modules that are needed to boot, in the order in which they are loaded."""
    paths = []
    for name in ["virtio_pci", "virtio_blk", "virtio_console", "virtio_rng", "ext4"]:
        command = ["chroot", tree, "modprobe", "-S", release, "--show-depends", name]
        for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
            words = line.split()
            if words[0] == "insmod" and words[1] not in paths:
                paths.append(words[1])
    return paths


names = []
for module in modules():
    with open(tree + module, "rb") as file:
        code = file.read()
    if module.endswith(".xz"):
        code = lzma.decompress(code)
    names.append("/" + os.path.basename(module).removesuffix(".xz"))
    add(names[-1][1:], code)
add("modules", "".join(name + "\n" for name in names).encode())
with open(init, "rb") as file:
    add("init", file.read())
add("TRAILER!!!", mode=0)
sys.stdout.buffer.write(archive)
