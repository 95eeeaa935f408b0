/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The path of a rule: absolute and normalised.  With a trailing slash it covers everything below that
 * directory, but not the directory itself; without one it covers exactly that path.  A component "*" stands
 * for any one component. */

#include <stdbool.h>
#include <stdint.h>

typedef struct PathComponent {
        const char *start; /* inside the path; not NUL-terminated */
        uint32_t length;
        uint32_t hash; /* FNV-1a */
} PathComponent;

/* Can a rule have this path?  If not, *ret_why (static text) says why: the path is not absolute, has an
 * empty, "." or ".." component, has a component with "*" and other bytes, or is longer than PATH_MAX - 1. */
bool rule_path_is_valid(const char *path, const char **ret_why);

/* Does the path, which is valid, end in a slash? */
bool rule_path_is_directory(const char *path);

/* Takes the component at *position, which must not be the end of the path, and moves *position behind it and
 * its slash.  Also for paths that are judged.  Inline, for a look-up does little else. */
static inline PathComponent path_component_take(const char **position) {
        PathComponent component = {.start = *position, .hash = 2166136261U};
        const char *p = *position;

        for (; *p != '\0' && *p != '/'; p++)
                component.hash = (component.hash ^ (uint8_t)*p) * 16777619U;
        component.length = (uint32_t)(p - component.start);
        *position = *p == '/' ? p + 1 : p;
        return component;
}

bool path_component_is_wildcard(const PathComponent *component);
