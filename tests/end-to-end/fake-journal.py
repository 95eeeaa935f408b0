# SPDX-License-Identifier: LGPL-2.1-or-later
"""fake-journal.py serve FILE: stands in for journald, and appends each record to FILE as a line of JSON.
fake-journal.py fill: fills the queue of a stopped fake journal with datagrams that are no records.
fake-journal.py reloads FILE: prints how many policies were loaded and how many decisions recorded, and checks that a single policy made
each decision.  The name of a rule tells its policy and a directory, as in "one-A"; policy "one" allows directories in A, "two" in B.
fake-journal.py check FILE SESSION PATH...: checks that each PATH has one record, or two equal ones, of that session, and no others."""

import json
import os
import re
import socket
import struct
import sys

ADDRESS = "/run/systemd/journal/socket"


def parse(record):
    fields = {}
    while record:
        name, record = record.split(b"\n", 1)
        (size,) = struct.unpack_from("<Q", record)
        fields[name.decode()] = record[8 : 8 + size].decode()
        assert record[8 + size : 9 + size] == b"\n"
        record = record[9 + size :]
    return fields


def serve(file):
    os.makedirs(os.path.dirname(ADDRESS))
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind(ADDRESS)
    with open(file, "a") as out:
        while True:
            record = journal.recv(1 << 17)
            if record != b"junk":
                out.write(json.dumps(parse(record)) + "\n")
                out.flush()


def fill():
    sent = 0
    while True:
        # The socket's own buffer may be full before the journal's queue is.
        junk = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        junk.setblocking(False)
        junk.connect(ADDRESS)
        before = sent
        try:
            while True:
                junk.send(b"junk")
                sent += 1
        except BlockingIOError:
            if sent == before:
                return


def check(file, session, paths):
    found, lost = {}, None
    with open(file) as lines:
        for record in map(json.loads, lines):
            if record.get("SNOTIFY_SESSION") != session:
                continue
            lost = record.get("SNOTIFY_LOST", lost)
            if "SNOTIFY_VERDICT" not in record:
                continue
            del record["SNOTIFY_USEC"]
            found.setdefault(record["SNOTIFY_PATH"], []).append(record)
    problems = [f"unexpected: {path}" for path in found if path not in paths]
    for path in paths:
        records = found.get(path, [])
        if not 1 <= len(records) <= 2:
            problems.append(f"{len(records)} records of {path}")
        elif any(record != records[0] for record in records) or records[0]["SNOTIFY_VERDICT"] != "allowed":
            problems.append(f"the records differ or are wrong: {records}")
    # The record of the session's end may be missing: the daemon does not wait again for a journal that it has waited for in vain.
    if lost not in (None, "0"):
        problems.append(f"the record of the session's end counts {lost} lost records")
    sys.exit("\n".join(problems) or 0)


def reloads(file):
    # A daemon that has waited in vain for a busy journal does not wait again, and says how many records that has cost.
    policies, decisions, problems, unannounced, lost = {}, 0, [], [], 0
    with open(file) as lines:
        for record in map(json.loads, lines):
            if "SNOTIFY_VERDICT" not in record:
                if "SNOTIFY_GENERATION" in record:
                    policies[record["SNOTIFY_GENERATION"]] = None
                if found := re.match(r"records lost before this one, .*: (\d+)$", record["MESSAGE"]):
                    lost += int(found.group(1))
                continue
            decisions += 1
            if "-" not in record["SNOTIFY_RULE"]:
                problems.append(f"no rule of these policies: {record}")
                continue
            policy, directory = record["SNOTIFY_RULE"].split("-")
            generation = record["SNOTIFY_GENERATION"]
            if generation not in policies:
                unannounced.append(f"generation {generation} has no record of having been loaded: {record}")
            elif policies[generation] not in (None, policy):
                problems.append(f"generation {generation} has decisions of both policies: {record}")
            policies[generation] = policy
            verdict = "allowed" if (policy, directory) in (("one", "A"), ("two", "B")) else "denied"
            if record["SNOTIFY_VERDICT"] != verdict or record["SNOTIFY_PATH"].split("/")[-2] != directory:
                problems.append(f"not {verdict}: {record}")
    problems += unannounced[lost:]
    print("lost", lost, "loads", len(policies), "decisions", decisions)
    sys.exit("\n".join(problems[:20]) or 0)


match sys.argv[1:]:
    case ["serve", file]:
        serve(file)
    case ["fill"]:
        fill()
    case ["reloads", file]:
        reloads(file)
    case ["check", file, session, *paths]:
        check(file, session, paths)
