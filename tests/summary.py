#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""summary.py BUILD_DIRECTORY...: prints from their test logs the reason of each skip, the name of each failed test, and
the totals.  Exits with 1 if a test failed or none ran."""

import json
import re
import sys

passed = failed = skipped = 0
for build in sys.argv[1:]:
    try:
        with open(f"{build}/meson-logs/testlog.json", encoding="utf-8") as log:
            tests = [json.loads(line) for line in log]
    except OSError:
        tests = []
    if not tests:
        failed += 1
        print(f"failed: {build}: no test ran")
    for test in tests:
        output = test.get("stdout") or ""
        # A skipped check within a test counts, too.
        for reason in re.findall(r"^(?:ok \d+ [^\n]*|1\.\.0 )# SKIP (.*)$", output, re.M | re.I):
            skipped += 1
            print(f"skipped: {build}: {test['name']}: {reason}")
        # Which kernels the virtual machines had, and what each ran.
        for machines in re.findall(r"^# (Linux [^\n]*)\n\Z", output, re.M):
            print(f"{build}: {test['name']}: {machines}")
        if test["result"] in ("OK", "EXPECTEDFAIL"):
            passed += 1
        elif test["result"] == "SKIP":
            if not re.search(r"# SKIP", output, re.I):
                skipped += 1
                print(f"skipped: {build}: {test['name']}: {output.strip().splitlines()[-1:]}")
        else:
            failed += 1
            print(f"failed: {build}: {test['name']}")

print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(1 if failed or not passed else 0)
