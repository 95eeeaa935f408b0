/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Splits paths.  Run by the worker.  Pure functions. */

#include "worker/location/location.h"

#include <string.h>

static LastKind last_kind(const char *name) {
        if (name[0] == '\0')
                return LAST_ROOT;
        if (strcmp(name, ".") == 0)
                return LAST_DOT;
        return strcmp(name, "..") == 0 ? LAST_DOTDOT : LAST_NORM;
}

void location_split(const char *path, size_t length, Location *ret) {
        size_t end = length, start;

        while (end > 0 && path[end - 1] == '/')
                end--;
        ret->has_trailing_slash = end < length;
        start = end;
        while (start > 0 && path[start - 1] != '/')
                start--;
        memcpy(ret->name, path + start, end - start);
        ret->name[end - start] = '\0';
        ret->last = last_kind(ret->name);
        if (ret->last != LAST_NORM)
                (void)strcpy(ret->name, ".");
        if (ret->last == LAST_ROOT)
                start = 1;

        memcpy(ret->directory, path, start);
        /* In the target's path, a symbolic link to the parent is never the last component.  "/." keeps it so
         * in the worker's path: the sysctl fs.protected_symlinks restricts only a link that is the last. */
        if (start > 0)
                ret->directory[start++] = '.';
        ret->directory[start] = '\0';
        /* No name is looked up, but the kernel still checks that the target may search the directory. */
        if (ret->last != LAST_NORM && start == 0)
                (void)strcpy(ret->directory, ".");
        ret->target_path_is_known = false;
        ret->target_path[0] = '\0';
}
