#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""stopped-reader.py KIND GO TO COMMAND...: runs COMMAND with a pipe, socket or terminal as its standard error, and reads that only
once the file GO exists; then copies it to the file TO.  With the KIND "none" it is a pipe without a reader.  Prints "changed" if the
command has changed the flags of the open file description, which other processes share.  Writes the command's pid to TO.pid, and exits
with the command's status."""

import fcntl
import os
import pty
import select
import socket
import subprocess
import sys
import time
import tty

kind, go, to, *command = sys.argv[1:]
if kind == "socket":
    ours, theirs = (end.detach() for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM))
elif kind == "terminal":
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
else:
    ours, theirs = os.pipe()
if kind == "none":
    os.close(ours)
before = fcntl.fcntl(theirs, fcntl.F_GETFL)
with subprocess.Popen(command, stderr=theirs) as process:
    with open(to + ".pid", "w", encoding="ascii") as file:
        print(process.pid, file=file)
    while not os.path.exists(go) and process.poll() is None:
        time.sleep(0.01)
    if fcntl.fcntl(theirs, fcntl.F_GETFL) != before:
        print("changed")
    os.close(theirs)
    with open(to, "ab", buffering=0) as file:
        while kind != "none":
            try:
                # A terminal has no end of file while another process has it open.
                if not select.select([ours], [], [], 0.1)[0]:
                    if process.poll() is not None:
                        break
                    continue
                data = os.read(ours, 65536)
            except OSError:
                break
            if not data:
                break
            file.write(data)
sys.exit(process.returncode)
