/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Subordinate user IDs (subuid(5)): which user owns a uid that was lent to it. */

#include <stddef.h>
#include <stdint.h>

/* Ranges beyond that are ignored. */
#define SUBORDINATE_IDS_MAX 16384U

typedef struct SubordinateRange {
        uint32_t start, count;
        uint32_t owner;
} SubordinateRange;

/* All zero: none. */
typedef struct SubordinateIds {
        SubordinateRange *ranges;
        size_t n_ranges;
} SubordinateIds;

/* Reads a file like /etc/subuid.  A line that is malformed, or too long, lends nothing, as for newuidmap(1).
 * Nor does one of root: with it root maps uids into containers, also those of ordinary users, which must not
 * count as root for that.
 * Owners are looked up in a file like /etc/passwd: no name service is asked, so that this never waits for
 * one. Returns 0, also where there is no such file, or a negative errno.  subordinate_ids_done() frees what
 * it has. */
int subordinate_ids_read(const char *subuid_path, const char *passwd_path, SubordinateIds *ret);
void subordinate_ids_done(SubordinateIds *ids);

/* Returns the owner of uid, or uid itself where that is lent to no user. */
uint32_t subordinate_ids_find_owner(const SubordinateIds *ids, uint32_t uid);
