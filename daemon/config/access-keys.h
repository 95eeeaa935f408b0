/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may use a profile, by name or number. */

#include "config/sections.h"

/* Restricts the section's profile, which it has, to those that the key (PROFILE_USERS or PROFILE_GROUPS)
 * lists, if the section has it; leaves their numbers as its value.  Reports who is unknown.  Waits for the
 * name service, but not where the section is of an effective text.  Returns 0 or -ENOMEM. */
int access_keys_compile(Sections *sections, Section *section, unsigned key);
