/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Time spans as systemd.time(7) writes them. */

#include <stdint.h>

/* Reads one or more numbers with units, such as "2s", "500ms", "1min 30s", "1.5h"; a number without a unit
 * is in seconds. Units: us, ms, s, m or min, h, and their longer names.  Returns 0, -EINVAL (no time span)
 * or -ERANGE (does not fit). */
int timespan_parse(const char *text, uint64_t *ret_usec);
