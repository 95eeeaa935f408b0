/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes paths apart.  Run by the worker.  Pure functions. */

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
        /* With "/." the link before it is an intermediate one: fs.protected_symlinks is about trailing ones
         * alone, and natively the parent is never that. */
        if (start > 0)
                ret->directory[start++] = '.';
        ret->directory[start] = '\0';
        /* There is no name to be looked up, but the caller must be allowed to search the directory. */
        if (ret->last != LAST_NORM && start == 0)
                (void)strcpy(ret->directory, ".");
        ret->target_path_is_known = false;
        ret->target_path[0] = '\0';
}
