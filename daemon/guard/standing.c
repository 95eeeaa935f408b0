/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the guards that stand in the kernel.  Run by the process that loads the guard.  Owns nothing.  Must
 * never remove one that has sessions. */

#include "guard/standing.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/ownership.h"
#include "guard/guard.h"

DEFINE_CLEANUP(Guard, guard_free)

/* Returns how many sessions a guard has, without those whose processes are all gone, or a negative errno.
 * What it asks for is the same in each version. */
static int count_sessions(int all_fd, const char *name) {
        _cleanup_close_ int dir_fd = pins_open_dir(all_fd, name);
        _cleanup_(guard_free_p) Guard *guard = NULL;
        int fds[GUARD_FDS], r;

        if (dir_fd < 0)
                return dir_fd;
        for (size_t i = 0; i < GUARD_FDS; i++)
                fds[i] = i == GUARD_FD_CLEAN ? pins_get(dir_fd, pins[i].name) : -EBADF;
        r = guard_new(fds, &guard);
        return r < 0 ? r : guard_clean_sessions(guard);
}

static bool is_whole(int all_fd, const char *name) {
        _cleanup_close_ int dir_fd = pins_open_dir(all_fd, name);
        _cleanup_(guard_free_p) Guard *guard = NULL;

        return dir_fd >= 0 && pins_open_guard(dir_fd, false, &guard) >= 0;
}

/* Its own programs are the best ones, those of its version are good. */
static void consider(int all_fd, const char *own_name, const char *name, StandingGuards *guards) {
        uint32_t version = pins_read_version(name);
        bool is_own = strcmp(name, own_name) == 0;
        int n;

        if (version == 0) {
                (void)pins_remove(all_fd, name); /* not finished, by a daemon that was killed */
                return;
        }
        n = count_sessions(all_fd, name);
        if (n > 0) {
                guards->n_sessions += (uint32_t)n;
                if (version != GUARD_VERSION)
                        guards->n_foreign += (uint32_t)n;
        }
        if (version == GUARD_VERSION && (is_own || n > 0) && is_whole(all_fd, name)) {
                if (guards->name[0] == '\0' || n > 0)
                        memcpy(guards->name, name, strlen(name) + 1);
        } else if (n <= 0)
                (void)pins_remove(all_fd, name);
}

int standing_guards_find(int all_fd, const char *own_name, StandingGuards *ret) {
        char names[PINS_GUARDS_MAX][PINS_NAME_SIZE];
        int n = pins_list(all_fd, names); /* first, because some of them are removed meanwhile */

        *ret = (StandingGuards){};
        for (int i = 0; i < n; i++)
                consider(all_fd, own_name, names[i], ret);
        return n < 0 ? n : 0;
}
