/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Performs calls.  Run by the worker and by helpers, as the target.  Owns nothing.  Must never follow a
 * symbolic link in the last component and never touch anything but that name in the parent. */

#include "worker/operation/operation.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* What mkdir(2) uses of its mode.  The kernel drops the other bits too; dropping them here lets
 * RestrictSUIDSGID= forbid them. */
#define MKDIR_MODE 01777U

int act_look(int parent_fd, const char *name) {
        struct stat st;

        return fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 ? errno : 0;
}

void act_prepare(int parent_fd, const char *name, uint32_t owner, bool may_look, Intent *intent) {
        struct timespec now;

        /* The coarse clock is the one that inodes are stamped with: never later than a stamp that comes
         * after it. */
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
        intent->begun_sec = now.tv_sec;
        intent->begun_nsec = now.tv_nsec;
        intent->owner = owner;
        intent->locations[0].sight = !may_look                             ? INTENT_UNSEEN
                                     : act_look(parent_fd, name) == ENOENT ? INTENT_ABSENT
                                                                           : INTENT_PRESENT;
}

int act_perform(OperationKind act, int parent_fd, const char *name, uint32_t mode, Intent *intent) {
        if (act != OPERATION_MKDIR)
                return ENOSYS;
        intent_set_state(intent, INTENT_BEGUN);
        intent->error = mkdirat(parent_fd, name, mode & MKDIR_MODE) < 0 ? errno : 0;
        intent_set_state(intent, INTENT_DONE);
        return intent->error;
}

/* Was this created after the intent was begun, by its owner?  A file system without birth times is given the
 * benefit of the doubt. */
static bool created_since(const struct statx *stx, const Intent *intent) {
        if (stx->stx_uid != intent->owner || !S_ISDIR(stx->stx_mode))
                return false;
        if (!(stx->stx_mask & STATX_BTIME))
                return true;
        if (stx->stx_btime.tv_sec != intent->begun_sec)
                return stx->stx_btime.tv_sec > intent->begun_sec;
        return stx->stx_btime.tv_nsec >= intent->begun_nsec;
}

int act_find(int parent_fd, const char *name, const Intent *intent) {
        struct statx stx;

        if (intent->locations[0].sight != INTENT_ABSENT)
                return ENOENT;
        if (statx(parent_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME,
                    &stx) < 0)
                return errno;
        return created_since(&stx, intent) ? 0 : EEXIST;
}
