# SPDX-License-Identifier: LGPL-2.1-or-later
"""guard-programs.py DIRECTORY: prints a line for each BPF program that is pinned there: its name, how many instructions the
verifier has looked at, how often it was missed because it was running already, how often it ran, and its average time in
nanoseconds (where kernel.bpf_stats_enabled is 1)."""

import ctypes
import os
import sys

BPF_OBJ_GET = 7
BPF_PROG_GET_FD_BY_ID = 13
NR_BPF = 321  # x86_64


class GetByPath(ctypes.Structure):
    _fields_ = [("path", ctypes.c_uint64), ("fd", ctypes.c_uint32), ("flags", ctypes.c_uint32)]


class GetById(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32), ("next_id", ctypes.c_uint32), ("flags", ctypes.c_uint32)]


def bpf(command, attributes):
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(NR_BPF, command, ctypes.byref(attributes), ctypes.sizeof(attributes))


def open_pinned(path):
    name = ctypes.create_string_buffer(os.fsencode(path))
    return bpf(BPF_OBJ_GET, GetByPath(ctypes.addressof(name), 0, 0))


def facts_of(fd):
    if fd < 0:
        return {}
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as file:
        facts = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    os.close(fd)
    return facts


def main():
    for folder, _, names in sorted(os.walk(sys.argv[1])):
        for name in sorted(names):
            facts = facts_of(open_pinned(os.path.join(folder, name)))
            if "link_type" in facts:
                facts = facts_of(bpf(BPF_PROG_GET_FD_BY_ID, GetById(int(facts["prog_id"]), 0, 0)))
            if "recursion_misses" not in facts:
                continue
            runs = int(facts["run_cnt"])
            print(name, facts.get("verified_insns", "0").strip(), facts["recursion_misses"].strip(), runs,
                  int(facts["run_time_ns"]) // runs if runs else 0)


main()
