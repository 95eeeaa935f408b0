/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names the pinned parent.  Run by the worker.  Owns nothing.  Must never take a path for a place: what is
 * judged is where the directory that we hold is now. */

#include "place.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int place_read(const char *name, char ret[static LEDGER_PATH_SIZE], size_t *ret_length) {
        size_t name_length = strlen(name), length;
        long n;

        /* The system call, for libc's getcwd() turns "(unreachable)..." into ENOENT. */
        n = syscall(SYS_getcwd, ret, LEDGER_ARGUMENT_SIZE);
        if (n < 0)
                return errno == ENOENT ? PLACE_DELETED : -errno;
        if (ret[0] != '/')
                return PLACE_ELSEWHERE;

        length = (size_t)n - 1; /* it counts the NUL */
        if (length == 1)
                length = 0; /* the root */
        if (length + 1 + name_length >= LEDGER_PATH_SIZE)
                return -ENAMETOOLONG;
        ret[length++] = '/';
        memcpy(ret + length, name, name_length + 1);
        *ret_length = length + name_length;
        return 0;
}
