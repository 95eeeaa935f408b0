# SPDX-License-Identifier: LGPL-2.1-or-later
"""guard-programs.py DIRECTORY: prints a line for each BPF program that is pinned there: its name, how many instructions the
verifier has looked at, how often it was missed because it was running already, how often it ran, and its average time in
nanoseconds (where kernel.bpf_stats_enabled is 1)."""

import ctypes
import os
import sys

BPF_OBJ_GET = 7
NR_BPF = 321  # x86_64


class Attributes(ctypes.Structure):
    _fields_ = [("path", ctypes.c_uint64), ("fd", ctypes.c_uint32), ("flags", ctypes.c_uint32)]


def open_pinned(path):
    name = ctypes.create_string_buffer(os.fsencode(path))
    attributes = Attributes(ctypes.addressof(name), 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(NR_BPF, BPF_OBJ_GET, ctypes.byref(attributes), ctypes.sizeof(attributes))


def facts_of(fd):
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def main():
    directory = sys.argv[1]
    for folder, _, names in sorted(os.walk(directory)):
        for name in sorted(names):
            fd = open_pinned(os.path.join(folder, name))
            if fd < 0:
                continue
            facts = facts_of(fd)
            os.close(fd)
            if "prog_tag" not in facts or "link_type" in facts:
                continue
            runs = int(facts["run_cnt"])
            print(name, facts.get("verified_insns", "0").strip(), facts["recursion_misses"].strip(), runs,
                  int(facts["run_time_ns"]) // runs if runs else 0)


main()
