#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""store.py NOTIFY SOCKET DAEMON [ARG...]: runs the daemon and keeps its file descriptors, as systemd does.  Takes commands, a
line each, and answers each with a line:

ids              the ids of the sessions in the store
names            the names of everything else in it
ledger ID        a path by which the ledger of that session can be opened
forget NAME      loses the descriptors of that name
write NAME FILE  replaces the descriptor of that name by one of a copy of the file, with the same seals
restart          kills the daemon and its workers, and starts it again with the contents of the store; prints its pid
status           the status that the daemon has sent last"""

import array
import fcntl
import os
import signal
import socket
import sys
import threading

# The descriptors of the store go to numbers from this one on, and twice as many are fewer than systemd permits its services.
ENOUGH = 500
store = {}  # the fds by name
status = ""


def listen(server):
    global status
    while True:
        message, control, _, _ = server.recvmsg(4096, socket.CMSG_SPACE(16))
        fds = array.array("i")
        for _, _, data in control:
            fds.frombytes(data)
        lines = dict(line.split("=", 1) for line in message.decode().splitlines())
        name = lines.get("FDNAME")
        status = lines.get("STATUS", status)
        if "FDSTORE" in lines:
            store[name] = list(fds)
            continue
        for fd in list(fds) + (store.pop(name, []) if "FDSTOREREMOVE" in lines else []):  # the former is a barrier's
            os.close(fd)


def start(address, listening, command):
    fds = [("socket", listening.fileno())] + [(name, fd) for name, pair in store.items() for fd in pair]
    pid = os.fork()
    if pid > 0:
        return pid
    os.setpgid(0, 0)
    for i, (_, fd) in enumerate(fds):
        os.dup2(fd, ENOUGH + i)
    for i in range(len(fds)):
        os.dup2(ENOUGH + i, 3 + i)
    os.closerange(3 + len(fds), 2 * ENOUGH)
    os.environ.update(NOTIFY_SOCKET=address, LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
    os.environ["LISTEN_FDNAMES"] = ":".join(name for name, _ in fds)
    os.execvp(command[0], command)


def ledger(name):
    paths = [f"/proc/{os.getpid()}/fd/{fd}" for fd in store[name]]
    return next(path for path in paths if "memfd" in os.readlink(path))


def main(address, socket_address, *command):
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(address)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(socket_address)
    listening.listen()
    threading.Thread(target=listen, args=(server,), daemon=True).start()
    pid = start(address, listening, command)
    for line in sys.stdin:
        match line.split():
            case ["ids"]:
                answer = " ".join(name.removeprefix("session-") for name in store if name.startswith("session-"))
            case ["names"]:
                answer = " ".join(sorted(name for name in store if not name.startswith("session-")))
            case ["ledger", name]:
                answer = ledger("session-" + name)
            case ["forget", name]:
                for fd in store.pop(name):
                    os.close(fd)
                answer = "forgotten"
            case ["write", name, path]:
                old = store[name][0]
                new = os.memfd_create("replaced", os.MFD_ALLOW_SEALING)
                os.write(new, open(path, "rb").read())
                fcntl.fcntl(new, fcntl.F_ADD_SEALS, fcntl.fcntl(old, fcntl.F_GET_SEALS))
                store[name] = [new]
                os.close(old)
                answer = "written"
            case ["status"]:
                answer = status
            case ["restart"]:
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                pid = start(address, listening, command)
                answer = str(pid)
        print(answer, flush=True)
    os.killpg(pid, signal.SIGKILL)


main(*sys.argv[1:])
