/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From the sections of all files to a policy. */

#include "config/sections.h"
#include "policy/policy.h"

/* Compiles the sections into policy, which is new, and reports every error; where names the configuration in
 * messages about the whole.  Replaces the users and groups in sections by their numbers.  May wait for the
 * name service (access-keys.h).  Returns 0, also where errors were reported, or -ENOMEM. */
int config_compile(Sections *sections, const char *where, Policy *policy);
