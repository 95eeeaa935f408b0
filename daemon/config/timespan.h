/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Time spans in the notation of systemd.time(7). */

#include <stdint.h>

/* Parses one or more numbers with units, such as "2s", "500ms", "1min 30s" or "1.5h"; a number without a
 * unit is in seconds.  The units are us, ms, s, m or min, h, and their longer names.  Returns 0, -EINVAL
 * (text is not a time span) or -ERANGE (the span does not fit). */
int timespan_parse(const char *text, uint64_t *ret_usec);
