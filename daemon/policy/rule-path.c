/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks and divides the paths of rules.  Pure functions, run by the daemon and its workers. */

#include "policy/rule-path.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

static const char *component_fault(const char *start, size_t length) {
        if (length == 0)
                return "has an empty component";
        if (length == 1 && start[0] == '.')
                return "has a '.' component";
        if (length == 2 && start[0] == '.' && start[1] == '.')
                return "has a '..' component";
        if (length > 1 && memchr(start, '*', length))
                return "has '*' next to other bytes; '*' stands for one whole component";
        return NULL;
}

static const char *path_fault(const char *path) {
        if (path[0] != '/')
                return "is not absolute; it must begin with '/'";
        static_assert(PATH_MAX == 4096, "the sentence below says what PATH_MAX is");
        if (strlen(path) > PATH_MAX - 1)
                return "is longer than 4095 bytes";
        for (const char *p = path + 1; *p != '\0';) {
                size_t length = strcspn(p, "/");
                const char *fault = component_fault(p, length);

                if (fault)
                        return fault;
                p += length;
                if (*p == '/')
                        p++;
        }
        return NULL;
}

bool rule_path_is_valid(const char *path, const char **ret_why) {
        const char *fault = path_fault(path);

        if (fault)
                *ret_why = fault;
        return !fault;
}

bool rule_path_is_directory(const char *path) {
        return path[strlen(path) - 1] == '/';
}

bool path_component_is_wildcard(const PathComponent *component) {
        return component->length == 1 && *component->start == '*';
}
