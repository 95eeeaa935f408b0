#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""journal.py SESSION UID [EXPECTATION...]: compares the records of a session, as `journalctl -o json` prints them on stdin, with the
expected ones, for test-systemd.sh.

An EXPECTATION is "VERDICT CALL RULE ERRNO PATH ARGUMENT", in shell words; "-" stands for no rule, for an unknown path, and for an
argument that is the path itself.  There must be one record for each, in that order, with every documented field, and no others."""

import json
import re
import shlex
import sys

KINDS = {  # verdict: MESSAGE_ID, PRIORITY
    "denied": ("6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c01", "4"),
    "allowed": ("6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c02", "6"),
    "failed": ("6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c03", "6"),
}
problems = []


def problem(text):
    problems.append(text)


def text(value):
    """journalctl prints a field that is not printable text as an array of bytes, and one that is there twice as an array of values."""
    if isinstance(value, list) and value and all(isinstance(byte, int) for byte in value):
        return bytes(value).decode("utf-8", "surrogateescape")
    return value


def check(record, expectation, session, uid):
    verdict, call, rule, error, path, argument = shlex.split(expectation)
    rule = "" if rule == "-" else rule
    expected = {
        "MESSAGE_ID": KINDS[verdict][0],
        "PRIORITY": KINDS[verdict][1],
        "SYSLOG_IDENTIFIER": "snotifyd",
        "SNOTIFY_SESSION": session,
        "SNOTIFY_PROFILE": "default",
        "SNOTIFY_LABEL": "of-the-test",
        "SNOTIFY_RULE": rule,
        "SNOTIFY_VERDICT": verdict,
        "SNOTIFY_CALL": call,
        "SNOTIFY_PATH": None if path == "-" else path,
        "SNOTIFY_ARGUMENT": None if argument == "-" else argument,
        "SNOTIFY_MODE": "0755",
        "SNOTIFY_ERRNO": error,
        "SNOTIFY_UID": uid,
    }
    for field, value in expected.items():
        if record.get(field) != value:
            problem(f"{field} is {record.get(field)!r}, not {value!r}")
    for field, pattern in {"OBJECT_PID": r"[1-9]\d*", "SNOTIFY_REQUEST": r"[0-9a-f]{16}", "SNOTIFY_USEC": r"\d+",
                           "SNOTIFY_GENERATION": r"[1-9]\d*", "SNOTIFY_COMM": r"(?s).+"}.items():
        if not re.fullmatch(pattern, record.get(field) or ""):
            problem(f"{field} is {record.get(field)!r}")
    message = record["MESSAGE"]
    if not isinstance(message, str) or any(ord(c) < 32 for c in message) or not message.startswith(f"{verdict} {call}("):
        problem(f"MESSAGE is {message!r}")


def main(session, uid, *expectations):
    records = [{k: text(v) for k, v in json.loads(line).items()} for line in sys.stdin]
    ours = [record for record in records if record.get("SNOTIFY_SESSION") == session]
    decisions = [record for record in ours if "SNOTIFY_VERDICT" in record]
    if len({record.get("SNOTIFY_REQUEST") for record in decisions}) != len(decisions):
        problem("two calls have the same number")
    if len(decisions) != len(expectations):
        problem(f"{len(decisions)} decisions, not {len(expectations)}")
    for number, (record, expectation) in enumerate(zip(decisions, expectations), 1):
        before = len(problems)
        check(record, expectation, session, uid)
        problems[before:] = [f"record {number} ({expectation}): {one}" for one in problems[before:]]
    for record in records:
        if "forged" in (record.get("MESSAGE"), record.get("SNOTIFY_RULE"), record.get("FORGED")):
            problem(f"a forged record or field: {record}")
    rest = [record["MESSAGE"] for record in ours if "SNOTIFY_VERDICT" not in record]
    if [message.split(":")[0].replace(session, "ID") for message in rest] != ["session ID started", "session ID ended"]:
        problem(f"records of the session: {rest}")
    print("\n".join(problems))
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
