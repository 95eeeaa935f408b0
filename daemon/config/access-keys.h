/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compiles the keys users= and groups= of a profile. */

#include "config/sections.h"

/* Where the section has the key (PROFILE_USERS or PROFILE_GROUPS): restricts the section's profile to the
 * users or groups that the key lists, reports those that are unknown, and replaces the key's value by their
 * numbers. Waits for the name service, except for a section of an effective text, which holds numbers.
 * Returns 0 or -ENOMEM. */
int access_keys_compile(Sections *sections, Section *section, unsigned key);
