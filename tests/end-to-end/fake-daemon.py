#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fake-daemon.py SOCKET STEP: stands in for snotifyd and fails at one step of the handshake, for test-launcher.sh.

Speaks the protocol of daemon/common/protocol.h with one launcher, then exits; if STEP begins with "killed-", by SIGKILL."""

import fcntl
import os
import select
import signal
import socket
import struct
import sys

MAGIC, VERSION, WELCOME, REFUSED = 0x59464E53, 3, 1, 2
SESSION, NONCE = 0x0123456789ABCDEF, 0x1122334455667788
ANSWER = (NONCE & 0x3FFFFFFF) + 1
NOTIF_RECV, NOTIF_SEND = 0xC0502100, 0xC0182101
ALLOW, ERRNO, KILL_PROCESS, USER_NOTIF = 0x7FFF0000, 0x00050000, 0x80000000, 0x7FC00000


def instruction(code, k, jt=0, jf=0):
    return struct.pack("HBBI", code, jt, jf, k)


def verdict_for_mkdirat(action):
    return [instruction(0x20, 0), instruction(0x15, 258, 0, 1), instruction(0x06, action), instruction(0x06, ALLOW)]


def reply(verdict, text=b"", filter_=(), magic=MAGIC, version=VERSION, n=None, error=0):
    head = struct.pack("IIIiQQ512sII", magic, version, verdict, error, SESSION, NONCE, text,
                       len(filter_) if n is None else n, 0)
    return head + b"".join(filter_)


GOOD = verdict_for_mkdirat(USER_NOTIF)
REPLIES = {
    "garbage": os.urandom(600),
    "garbage-long": os.urandom(8192),
    "short": reply(WELCOME)[:100],
    "empty-message": b"",
    "wrong-magic": reply(WELCOME, filter_=GOOD, magic=1),
    "wrong-version": reply(WELCOME, filter_=GOOD, version=VERSION + 1),
    "wrong-count": reply(WELCOME, filter_=GOOD, n=3),
    "large-count": reply(WELCOME, n=0xFFFFFFFF),
    "endless-text": reply(WELCOME, text=b"x" * 512, filter_=GOOD),
    "no-verdict": reply(0),
    "refused": reply(REFUSED, text=b"not on a Sunday", error=1),
    "no-filter": reply(WELCOME),
    "bad-filter": reply(WELCOME, filter_=[instruction(0xFFFF, 0)]),
    "jumping-filter": reply(WELCOME, filter_=[instruction(0x05, 1000), instruction(0x06, ALLOW)]),
    "idle-filter": reply(WELCOME, filter_=[instruction(0x06, ALLOW)]),
    "errno-filter": reply(WELCOME, filter_=verdict_for_mkdirat(ERRNO | 17)),
    "success-filter": reply(WELCOME, filter_=verdict_for_mkdirat(ERRNO)),
    "killing-filter": reply(WELCOME, filter_=verdict_for_mkdirat(KILL_PROCESS)),
}
ANSWERS = {  # value, error, flags
    "answers-nothing": (0, 0, 0),
    "answers-one": (1, 0, 0),
    "answers-late-nonce": (ANSWER - 1, 0, 0),
    "answers-error": (0, -17, 0),
    "answers-enosys": (0, -38, 0),
    "continues": (0, 0, 1),
    "answers-well": (ANSWER, 0, 0),
}


def main(path, step):
    kill = step.startswith("killed-")

    def leave():
        if kill:
            os.kill(os.getpid(), signal.SIGKILL)
        sys.exit(0)

    def leave_if(where):
        if step in (f"killed-{where}", f"closed-{where}"):
            leave()

    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(path)
    os.chmod(path, 0o666)
    server.listen(1)
    select.select([server], [], [])  # until the launcher has connected
    leave_if("before-accept")
    client, _ = server.accept()
    if step == "answers-the-second":
        client.close()
        client, _ = server.accept()
        step = "answers-well"
    leave_if("after-accept")
    client.recv(4096)
    leave_if("after-hello")
    client.send(REPLIES.get(step, reply(WELCOME, filter_=GOOD)))
    if step in REPLIES:
        client.recv(1)  # until the launcher has closed the connection
        leave()
    leave_if("after-welcome")
    message, fds, _, _ = socket.recv_fds(client, 4096, 1)
    if not fds:
        sys.exit("no listener was sent")
    leave_if("after-listener")
    if step == "refuses-after-listener":
        client.send(reply(REFUSED, text=b"not with that listener", error=1))
        leave()
    select.select(fds, [], [])
    leave_if("before-receiving")
    request = bytearray(80)
    fcntl.ioctl(fds[0], NOTIF_RECV, request)
    leave_if("after-knock")
    if step == "refuses-after-knock":
        client.send(reply(REFUSED, text=b"not with that knock", error=1))
        leave()
    value, error, flags = ANSWERS[step]
    fcntl.ioctl(fds[0], NOTIF_SEND, bytearray(struct.pack("QqiI", struct.unpack_from("Q", request)[0], value, error, flags)))
    if step not in ("answers-well", "answers-enosys"):  # after these the launcher sends nothing
        client.recv(1)


main(*sys.argv[1:])
