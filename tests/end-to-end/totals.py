#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""totals.py FILE...: compares the journal, as `journalctl -o json` prints it on stdin, with what workloads have counted themselves.

A line "SESSION ALLOWED DENIED ..." in one of the files (see steady-load.c) counts the results of a session's calls.  The record of the
session's end must say the same, no record may be lost, and each call must have its record.  A record may be there twice, if a worker
was killed when it had just sent it."""

import collections
import json
import re
import sys

problems = []
starts = set()
ends = {}
decisions = collections.defaultdict(dict)  # session: {call: verdict}
again = 0

for line in sys.stdin:
    record = json.loads(line)
    session, message = record.get("SNOTIFY_SESSION"), str(record.get("MESSAGE"))
    if "SNOTIFY_VERDICT" in record:
        call, verdict = record["SNOTIFY_REQUEST"], record["SNOTIFY_VERDICT"]
        before = decisions[session].setdefault(call, verdict)
        if before is not verdict:
            again += 1
            if before != verdict:
                problems.append(f"session {session}: one call was {before} and {verdict}: {message}")
    elif re.match(r"session \w+ started", message):
        starts.add(session)
    elif re.match(r"session \w+ ended", message):
        end = {key: int(record[f"SNOTIFY_{key}"]) for key in ("ALLOWED", "DENIED", "FAILED", "SUPPRESSED", "LOST")}
        if ends.setdefault(session, end) != end:
            problems.append(f"session {session} ended with {ends[session]} and {end}")

sessions = calls = longest = 0
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = re.match(r"(\w{16}) (\d+) (\d+) (\d+)$", line)
            if not match:
                if not line.startswith("slow "):
                    problems.append(f"{path}: {line.strip()}")
                continue
            session, allowed, denied = match[1], int(match[2]), int(match[3])
            sessions, calls, longest = sessions + 1, calls + allowed + denied, max(longest, int(match[4]))
            if session not in starts:
                problems.append(f"session {session} has no record of its start")
            expected = {"ALLOWED": allowed, "DENIED": denied, "FAILED": 0, "SUPPRESSED": 0, "LOST": 0}
            if ends.get(session) != expected:
                problems.append(f"session {session} counted {expected}, its end record says {ends.get(session)}")
            recorded = collections.Counter(decisions[session].values())
            if recorded != +collections.Counter({"allowed": allowed, "denied": denied}):
                problems.append(f"session {session} counted {expected}, the journal has {dict(recorded)}")

print(f"{sessions} sessions, {calls} calls, the longest took {longest / 1000:.0f} ms, {again} records are there twice")
if not sessions:
    problems.append("no session has counted anything")
print("\n".join(problems[:40]))
sys.exit(1 if problems else 0)
