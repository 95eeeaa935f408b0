/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Users and groups as administrators write them: by name, or by number, whether there is one or not. */

#include <stdint.h>
#include <sys/types.h>

/* Returns 0 and the number that the text is, -EINVAL where it is none, or -ENOENT where it is one that
 * nobody can have.  Asks nobody. */
int accounts_parse_id(const char *text, uint32_t *ret);

/* Return 0, -ENOENT (there is no such user or group, or the number is none that one can have), -EAGAIN (the
 * system's databases can't be asked now) or -ENOMEM.  May wait for what getpwnam(3), getgrnam(3) ask. */
int accounts_find_user(const char *text, uid_t *ret);
int accounts_find_group(const char *text, gid_t *ret);
