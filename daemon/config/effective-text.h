/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The effective text: a whole configuration as one text, which the daemon stores for the next daemon.  It
 * holds all files, without comments, and has numbers in place of the names of users and groups.  Its lines
 * may be longer than those of a file. */

#include <stddef.h>

#include "config/inifile.h"
#include "config/sections.h"

/* Writes the sections.  Returns 0 and the caller's text, or -ENOMEM. */
int effective_text_write(const Sections *sections, char **ret);

/* Reads a text of effective_text_write().  Returns as inifile_read(), but never INIFILE_UNREADABLE. */
int effective_text_read(const char *text, size_t size, const IniEvents *events, void *userdata);
