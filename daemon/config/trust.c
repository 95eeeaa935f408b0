/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks owner and mode of the files of a configuration.  Pure functions. */

#include "config/trust.h"

#include <stddef.h>
#include <unistd.h>

const char *trust_fault(const struct stat *status, TrustKind kind) {
        if (status->st_uid != 0 && status->st_uid != geteuid())
                return "belongs to another user, who can change it; chown root";
        /* In a directory with the sticky bit no user can rename or remove the file of another.  The group's
         * bits are also the mask of an access control list, so that no ACL can give more (acl(5)). */
        if (status->st_mode & (S_IWGRP | S_IWOTH) && !(kind == TRUST_DIRECTORY && status->st_mode & S_ISVTX))
                return "is writable by others; chmod go-w";
        return NULL;
}
