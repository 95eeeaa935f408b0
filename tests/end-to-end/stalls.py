#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""stalls.py BLOWS FILE...: says how long calls waited after each blow to the daemon.

BLOWS has lines "KIND USEC", of CLOCK_REALTIME; the other files what steady-load.c says.  Calls that were slow and ended after a blow,
and before the next, had waited for the new daemon: "first" is when the first of them was answered, "all" when the last was."""

import collections
import re
import statistics
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    blows = [(line.split()[0], int(line.split()[1])) for line in file]
slow = []
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as file:
        slow += [(int(match[1]), int(match[2])) for match in re.finditer(r"^slow (\d+) (\d+)$", file.read(), re.M)]

first, last = collections.defaultdict(list), collections.defaultdict(list)
for (kind, at), (_, following) in zip(blows, blows[1:] + [("", 1 << 63)]):
    ends = [end - at for begin, end in slow if begin < following and at < end < following]
    if ends:
        first[kind].append(min(ends) / 1000)
        last[kind].append(max(ends) / 1000)
for kind in first:
    print(f"{kind}, {sum(blow[0] == kind for blow in blows)} times: to the first answered call"
          f" {statistics.median(first[kind]):.0f} ms, at most {max(first[kind]):.0f};"
          f" to all sessions' {statistics.median(last[kind]):.0f} ms, at most {max(last[kind]):.0f}")
