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

static int act_mkdir(const char *name, uint32_t mode) {
        return mkdirat(AT_FDCWD, name, mode & MKDIR_MODE) < 0 ? errno : 0;
}

/* With nothing between the look and the call that takes time: what somebody else makes there can't be told
 * from ours, should we die. */
static int begin_mkdir(const char *name, uint32_t mode, uint32_t owner, Deed *deed) {
        struct timespec now;

        /* The coarse clock is the one that inodes are stamped with: never later than a stamp that comes
         * after it. */
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
        deed->begun_sec = now.tv_sec;
        deed->begun_nsec = now.tv_nsec;
        deed->owner = owner;
        deed->absent = act_look(name) == ENOENT;
        deed_set_state(deed, DEED_BEGUN);
        deed->error = act_mkdir(name, mode);
        deed_set_state(deed, DEED_DONE);
        return deed->error;
}

/* Was this made after the deed was begun, by its owner?  A file system without birth times is given the
 * benefit of the doubt. */
static bool made_since(const struct statx *stx, const Deed *deed) {
        if (!deed->absent || stx->stx_uid != deed->owner || !S_ISDIR(stx->stx_mode))
                return false;
        if (!(stx->stx_mask & STATX_BTIME))
                return true;
        if (stx->stx_btime.tv_sec != deed->begun_sec)
                return stx->stx_btime.tv_sec > deed->begun_sec;
        return stx->stx_btime.tv_nsec >= deed->begun_nsec;
}

static int finish_mkdir(const char *name, uint32_t mode, uint32_t owner, Deed *deed) {
        struct statx stx;

        if (statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME,
                    &stx) < 0)
                return begin_mkdir(name, mode, owner, deed);
        deed->error = made_since(&stx, deed) ? 0 : EEXIST;
        deed_set_state(deed, DEED_DONE);
        return deed->error;
}

int act_perform(Act act, const char *name, uint32_t mode, uint32_t owner, Deed *deed) {
        if (act != ACT_MKDIR)
                return ENOSYS;
        switch (deed_state(deed)) {
        case DEED_NOT_BEGUN:
                return begin_mkdir(name, mode, owner, deed);
        case DEED_BEGUN:
                return finish_mkdir(name, mode, owner, deed);
        case DEED_DONE:
                break;
        }
        return deed->error;
}
