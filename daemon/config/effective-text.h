/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A whole configuration as one text, which the daemon keeps for its successors: all files in one, without
 * comments, and with numbers in place of the names of users and groups.  Unlike files its lines have no
 * limit. */

#include <stddef.h>

#include "config/inifile.h"
#include "config/sections.h"

/* Returns 0 and the caller's text, or -ENOMEM. */
int effective_text_write(const Sections *sections, char **ret);

/* Reads it again.  Returns as inifile_read(), but never INIFILE_UNREADABLE. */
int effective_text_read(const char *text, size_t size, const IniEvents *events, void *userdata);
