/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Subordinate user IDs, see subuid(5): the uids that are lent to users, and to which user each is. */

#include <stddef.h>
#include <stdint.h>

/* Further ranges are ignored. */
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

/* Reads a file like /etc/subuid.  A line that is malformed or too long is ignored, as by newuidmap(1).  So
 * is one whose owner is root: with such a line root maps uids into containers, those of ordinary users too,
 * which must not count as root because of that.
 *
 * Owners are looked up in a file like /etc/passwd.  No name service is asked, because it may not answer.
 * Returns 0, also where there is no such file, or a negative errno.  subordinate_ids_done() frees what it
 * has. */
int subordinate_ids_read(const char *subuid_path, const char *passwd_path, SubordinateIds *ret);
void subordinate_ids_done(SubordinateIds *ids);

/* Returns the owner of uid, or uid itself where it is not lent to a user. */
uint32_t subordinate_ids_find_owner(const SubordinateIds *ids, uint32_t uid);
