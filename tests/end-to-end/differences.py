#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""differences.py THING...: what a program can see of its supervision, for test-differences.sh."""

import ctypes
import errno
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
X32 = 0x40000000


def call(number, *args):
    ctypes.set_errno(0)
    result = libc.syscall(*(ctypes.c_long(n) for n in (number, *args)))
    return "0" if result >= 0 else errno.errorcode[ctypes.get_errno()]


def status(name):
    with open("/proc/self/status") as lines:
        return next(line.split()[1] for line in lines if line.startswith(name + ":"))


def deep():
    """Makes a directory whose path is longer than any path that a call can take."""
    here = os.open(".", os.O_RDONLY)
    try:
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        os.fchdir(here)
    return "made"


def second_listener():
    """A filter that allows everything, with a listener."""
    program = struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)
    buffer = ctypes.create_string_buffer(program)
    fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 1, ctypes.addressof(buffer)))
    libc.prctl(38, 1, 0, 0, 0)
    return call(317, 1, 8, ctypes.addressof(fprog))


def maker():
    """Who made a directory, by fanotify's word."""
    fd = libc.fanotify_init(0x200 | 0x400, os.O_RDONLY)  # FAN_REPORT_FID | FAN_REPORT_DIR_FID
    if fd < 0 or libc.fanotify_mark(fd, 1, ctypes.c_uint64(0x40000100), -100, b".") < 0:  # FAN_CREATE | FAN_ONDIR
        return "unknown"
    os.mkdir("watched")
    pid = struct.unpack_from("IBBHQii", os.read(fd, 4096))[6]
    return "itself" if pid == os.getpid() else "another"


THINGS = {
    "io_uring": lambda: call(425, 1, 0),
    "subvolume": lambda: call(16, 0, 0x5000940E, 0),
    "x32": lambda: call(X32 | 39),
    "no-new-privs": lambda: status("NoNewPrivs"),
    "seccomp": lambda: status("Seccomp"),
    "session": lambda: "set" if "SNOTIFY_SESSION" in os.environ else "unset",
    "deep": deep,
    "second-listener": second_listener,
    "maker": maker,
}
print(*(THINGS[thing]() for thing in sys.argv[1:]))
