/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks up users and groups.  Run by the daemon's child that loads the configuration and by --check-config:
 * the daemon itself must never wait for a name service.  Owns nothing. */

#include "config/accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The greatest number, (uid_t)-1, means "no change" to setresuid(2), so no account can have it. */
int accounts_parse_id(const char *text, uint32_t *ret) {
        unsigned long long number;
        char *end;

        if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
                return -EINVAL;
        errno = 0;
        number = strtoull(text, &end, 10);
        if (errno != 0 || number >= UINT32_MAX)
                return -ENOENT;
        *ret = (uint32_t)number;
        return 0;
}

/* Which errno the functions leave where there is no such account differs between systems (getpwnam(3)). */
static int lookup_error(void) {
        switch (errno) {
        case ENOMEM:
                return -ENOMEM;
        case EINTR:
        case EIO:
        case EMFILE:
        case ENFILE:
                return -EAGAIN;
        default:
                return -ENOENT;
        }
}

int accounts_find_user(const char *text, uid_t *ret) {
        const struct passwd *found;
        int r;

        r = accounts_parse_id(text, ret);
        if (r != -EINVAL)
                return r;
        errno = 0;
        found = getpwnam(text);
        if (!found)
                return lookup_error();
        *ret = found->pw_uid;
        return 0;
}

int accounts_find_group(const char *text, gid_t *ret) {
        const struct group *found;
        int r;

        r = accounts_parse_id(text, ret);
        if (r != -EINVAL)
                return r;
        errno = 0;
        found = getgrnam(text);
        if (!found)
                return lookup_error();
        *ret = found->gr_gid;
        return 0;
}
