/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at owners and modes for the reader of the configuration.  Owns nothing. */

#include "config/trust.h"

#include <stddef.h>
#include <unistd.h>

const char *trust_fault(const struct stat *status, TrustKind kind) {
        if (status->st_uid != 0 && status->st_uid != geteuid())
                return "belongs to another user, who can change it; chown root";
        /* Nobody renames or removes another's file in a directory with the sticky bit.  The group's bits are
         * also the most that an access control list gives (acl(5)). */
        if (status->st_mode & (S_IWGRP | S_IWOTH) && !(kind == TRUST_DIRECTORY && status->st_mode & S_ISVTX))
                return "is writable by others; chmod go-w";
        return NULL;
}
