#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""For test-differences.sh:

differences.py THING...             prints what a program sees of its supervision
differences.py environment WORD...  prints how much smaller its environment must be if those words run it"""

import ctypes
import errno
import fcntl
import mmap
import os
import resource
import select
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
X32 = 0x40000000
MKDIR = 83
SYMLINK = 88


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


def install_filter(flags, *instructions):
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    buffer = ctypes.create_string_buffer(program)
    fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(instructions), ctypes.addressof(buffer)))
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    return call(317, 1, flags, ctypes.addressof(fprog))


def second_listener():
    """A filter that allows everything, with a listener."""
    return install_filter(8, (0x06, 0, 0, 0x7FFF0000))


def filter_calls(action, *numbers):
    """Installs a further filter with that action for some calls."""
    load, jump_if_equal, ret = 0x20, 0x15, 0x06
    for number in numbers:
        install_filter(0, (load, 0, 0, 0), (jump_if_equal, 0, 1, number), (ret, 0, 0, action), (ret, 0, 0, 0x7FFF0000))


def trace_filter():
    """What mkdir(2) returns after SECCOMP_RET_TRACE, without a tracer."""
    filter_calls(0x7FF00000, MKDIR)
    return call(MKDIR, ctypes.addressof(ctypes.create_string_buffer(b"traced")), 0o755)


def log_filter():
    """Whether the kernel logs a mkdir(2) after SECCOMP_RET_LOG.  A symlink(2) is logged after it in any case."""
    try:
        log = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)  # NETLINK_AUDIT
        log.bind((0, 1))  # AUDIT_NLGRP_READLOG
    except OSError:
        return "unknown"
    name = os.urandom(7).hex()  # the log has the process ids of another namespace
    libc.prctl(15, name.encode(), 0, 0, 0)  # PR_SET_NAME
    filter_calls(0x7FFC0000, MKDIR, SYMLINK)
    os.mkdir("filtered")
    os.symlink("filtered", "marker")
    seen = "silent"
    while select.select([log], [], [], 5)[0]:
        record = log.recv(8192)
        if f'comm="{name}"'.encode() not in record or struct.unpack_from("IH", record)[1] != 1326:  # AUDIT_SECCOMP
            continue
        if f" syscall={SYMLINK} ".encode() in record:
            return seen
        seen = "logged"
    return "unknown"


def strict_mode():
    """SECCOMP_MODE_STRICT, which kills a process that calls exit_group(2)."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if libc.prctl(22, 1, 0, 0, 0) == 0 else ctypes.get_errno())
    status = os.waitpid(pid, 0)[1]
    return "0" if os.WIFSIGNALED(status) else errno.errorcode[os.WEXITSTATUS(status)]


def secret_path():
    """Creates a directory whose path is in memory that only this process can read."""
    fd = libc.syscall(447, 0)  # memfd_secret(2)
    if fd < 0:
        return "unknown"
    os.ftruncate(fd, mmap.PAGESIZE)
    memory = mmap.mmap(fd, mmap.PAGESIZE)
    memory.write(b"secret\0")
    return call(MKDIR, ctypes.addressof(ctypes.c_char.from_buffer(memory)), 0o755)


def encrypted():
    """Creates a directory in one that is encrypted with a key in the session keyring (fscrypt's first version)."""
    descriptor = b"snotify!"
    key = struct.pack("I64sI", 0, os.urandom(64), 64)
    libc.syscall(250, 1, None)  # keyctl(2): KEYCTL_JOIN_SESSION_KEYRING
    if libc.syscall(248, b"logon", b"fscrypt:" + descriptor.hex().encode(), key, len(key), -3) < 0:  # add_key(2)
        return "unknown"
    os.mkdir("vault")
    vault = os.open("vault", os.O_RDONLY)
    try:
        # FS_IOC_SET_ENCRYPTION_POLICY: version 1, AES-256-XTS and AES-256-CTS
        fcntl.ioctl(vault, 0x800C6613, struct.pack("BBBB8s", 0, 1, 4, 0, descriptor))
    except OSError:
        return "unknown"
    try:
        os.mkdir("vault/encrypted")
    except OSError as error:
        return errno.errorcode[error.errno]
    return "made"


def fits(command, length):
    """Can the command execute a program with an environment that is so many bytes longer?"""
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))  # a quarter is for arguments and environment
        os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
        words = [*command, "/bin/true"]
        try:
            os.execve(words[0], words, {"A": "a" * 100000, "B": "b" * 100000, "C": "c" * length})
        except OSError:
            os._exit(126)
    return os.waitpid(pid, 0)[1] == 0


def environment(command):
    least, most = 0, 100000
    while least < most:
        middle = (least + most + 1) // 2
        if fits(command, middle):
            least = middle
        else:
            most = middle - 1
    return least


def environment_lost(launcher):
    """How much smaller the environment is that a program can have, and how much of that is due to the launcher's own command
    line."""
    words = sum(len(word) + 1 + 8 for word in launcher)
    name = len(launcher[0]) - len("/bin/true")
    lost = environment([]) - environment(launcher)
    return "as documented" if lost == max(41, words + name) else f"{lost} bytes, {words + name} of them for the command line"


def maker():
    """Which process fanotify reports as the one that created a directory."""
    fd = libc.fanotify_init(0x200 | 0x400, os.O_RDONLY)  # FAN_REPORT_FID | FAN_REPORT_DIR_FID
    if fd < 0 or libc.fanotify_mark(fd, 1, ctypes.c_uint64(0x40000100), -100, b".") < 0:  # FAN_CREATE | FAN_ONDIR
        return "unknown"
    os.mkdir("watched")
    pid = struct.unpack_from("IBBHQii", os.read(fd, 4096))[6]
    return "itself" if pid == os.getpid() else "another"


def socket_file():
    """Binds a socket to a name."""
    socket.socket(socket.AF_UNIX).bind("socket")
    return "made"


def message_queue():
    """Creates a message queue, which is a file of the kernel's own file system."""
    name = f"/differences-{os.getpid()}".encode()
    if libc.mq_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600, None) < 0:
        return errno.errorcode[ctypes.get_errno()]
    libc.mq_unlink(name)
    return "made"


def undumpable():
    """Creates a directory through a link of /proc/self in a user namespace of its own, where no process can look at it."""
    if libc.unshare(0x10000000) < 0:  # CLONE_NEWUSER
        return "unknown"
    libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    libc.prctl(24, 19, 0, 0, 0)  # PR_CAPBSET_DROP: CAP_SYS_PTRACE
    try:
        os.mkdir("/proc/self/cwd/undumpable")
    except OSError as error:
        return errno.errorcode[error.errno]
    return "made"


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
    "trace-filter": trace_filter,
    "log-filter": log_filter,
    "strict": strict_mode,
    "secret": secret_path,
    "encrypted": encrypted,
    "socket": socket_file,
    "message-queue": message_queue,
    "undumpable": undumpable,
}
if sys.argv[1] == "environment":
    print(environment_lost(sys.argv[2:]))
else:
    print(*(THINGS[thing]() for thing in sys.argv[1:]))
