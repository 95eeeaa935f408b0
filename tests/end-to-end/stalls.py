#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""stalls.py DISTURBANCES FILE...: prints how long calls waited after each disturbance of the daemon.

DISTURBANCES has lines "KIND USEC", in CLOCK_REALTIME; the other files are the output of steady-load.c.  A slow call that ended between
a disturbance and the next one had waited for the new daemon."""

import collections
import re
import statistics
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    disturbances = [(line.split()[0], int(line.split()[1])) for line in file]
slow = []
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as file:
        slow += [(int(match[1]), int(match[2])) for match in re.finditer(r"^slow (\d+) (\d+)$", file.read(), re.M)]

first, last = collections.defaultdict(list), collections.defaultdict(list)
for (kind, at), (_, following) in zip(disturbances, disturbances[1:] + [("", 1 << 63)]):
    ends = [end - at for begin, end in slow if begin < following and at < end < following]
    if ends:
        first[kind].append(min(ends) / 1000)
        last[kind].append(max(ends) / 1000)
for kind in first:
    print(f"{kind}, {sum(disturbance[0] == kind for disturbance in disturbances)} times: the first call was answered after"
          f" {statistics.median(first[kind]):.0f} ms, at most {max(first[kind]):.0f};"
          f" the last one after {statistics.median(last[kind]):.0f} ms, at most {max(last[kind]):.0f}")
