/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells whether a user other than root and the one that this process runs as can change a file. */

#include <sys/stat.h>

typedef enum TrustKind {
        TRUST_FILE,      /* a file, or a directory of which every file is read: no other user may add one */
        TRUST_DIRECTORY, /* a directory in which a file is looked up by name: other users may add files, as
                            in /tmp, but not replace this one */
} TrustKind;

/* Returns NULL where no other user can change the file; otherwise what is wrong and the remedy (static text,
 * to be followed by a space and the path).  status is that of the opened file, which a symbolic link cannot
 * exchange. */
const char *trust_fault(const struct stat *status, TrustKind kind);
