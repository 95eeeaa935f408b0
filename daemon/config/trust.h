/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether others than root, and the user that this process runs as, can change a file. */

#include <sys/stat.h>

/* The kinds of places where a file of the configuration can be. */
typedef enum TrustKind {
        TRUST_FILE,      /* also a directory whose every file counts */
        TRUST_DIRECTORY, /* one where files are looked up by name; others may be able to add some, as in /tmp
                          */
} TrustKind;

/* Returns NULL where nobody else can; else what is wrong and how to mend it (static text), to be followed by
 * a blank and the path.  status is of the opened file, so that no link leads astray. */
const char *trust_fault(const struct stat *status, TrustKind kind);
