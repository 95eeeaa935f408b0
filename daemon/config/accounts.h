/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Users and groups as administrators write them: by name, or by number, whether or not there is such an
 * account. */

#include <stdint.h>
#include <sys/types.h>

/* Returns 0 and the ID, -EINVAL where the text is not a number, or -ENOENT where no account can have this
 * number.  Asks no name service. */
int accounts_parse_id(const char *text, uint32_t *ret);

/* Return 0 and the ID, -ENOENT (there is no such user or group, or no account can have this number), -EAGAIN
 * (the name service cannot be asked now) or -ENOMEM.  May wait for the name service, as getpwnam(3) and
 * getgrnam(3) do. */
int accounts_find_user(const char *text, uid_t *ret);
int accounts_find_group(const char *text, gid_t *ret);
