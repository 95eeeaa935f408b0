/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Performs calls.  Run by the worker, as the target.  Owns nothing.  Must never follow a symbolic link in
 * the last component and never touch anything but that name in the working directory. */

#include "act.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* What mkdir(2) uses of its mode.  The kernel drops the other bits too; dropping them here lets
 * RestrictSUIDSGID= forbid them. */
#define MKDIR_MODE 01777U

int act_look(const char *name) {
        struct stat st;

        return fstatat(AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 ? errno : 0;
}

void act_start(const char *name, uint32_t owner, ActStart *ret) {
        struct timespec now;

        /* The coarse clock is the one that inodes are stamped with: never later than a stamp that comes
         * after it. */
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
        *ret = (ActStart){
                .absent = act_look(name) == ENOENT,
                .sec = now.tv_sec,
                .nsec = now.tv_nsec,
                .owner = owner,
        };
}

int act_perform(Act act, const char *name, uint32_t mode) {
        switch (act) {
        case ACT_MKDIR:
                return mkdirat(AT_FDCWD, name, mode & MKDIR_MODE) < 0 ? errno : 0;
        case ACT_RESTRICT:
                break;
        }
        return ENOSYS;
}

/* Was this made after start, by its owner?  A file system without birth times is given the benefit of the
 * doubt. */
static bool made_since(const struct statx *stx, const ActStart *start) {
        if (!start->absent || stx->stx_uid != start->owner || !S_ISDIR(stx->stx_mode))
                return false;
        if (!(stx->stx_mask & STATX_BTIME))
                return true;
        if (stx->stx_btime.tv_sec != start->sec)
                return stx->stx_btime.tv_sec > start->sec;
        return stx->stx_btime.tv_nsec >= start->nsec;
}

int act_perform_again(Act act, const char *name, uint32_t mode, const ActStart *start) {
        struct statx stx;
        int error;

        /* First this, for it is atomic: a dead worker's deputy may be at it still. */
        error = act_perform(act, name, mode);
        if (error != EEXIST || statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                                       STATX_BASIC_STATS | STATX_BTIME, &stx) < 0)
                return error;
        return made_since(&stx, start) ? 0 : EEXIST;
}
