/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mkdir(2) and mkdirat(2).  Run by the worker and by helpers, as the target.  Owns nothing.  Must never
 * follow a symbolic link in the last component, and never touch anything but that name in the parent. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "worker/operation/operation.h"

/* What mkdir(2) uses of its mode.  The kernel drops the other bits, too; without them RestrictSUIDSGID= can
 * forbid them. */
#define MKDIR_MODE 01777U

static int look(const OperationCall *call) {
        struct stat st;

        return fstatat(call->at[0].parent_fd, call->at[0].name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) <
                               0
                       ? -errno
                       : 0;
}

/* As with a security module, what exists exists: `mkdir -p` walks over directories that it must not
 * create. */
static void check(const OperationCall *call, Outcome *ret) {
        int r = look(call);

        *ret = outcome_error(r == -ENOENT ? 0 : r == 0 ? EEXIST : -r);
}

static void note(const OperationCall *call) {
        if (call->may_look)
                call->intent->locations[0].sight = look(call) == -ENOENT ? INTENT_ABSENT : INTENT_PRESENT;
}

static void perform(const OperationCall *call, Outcome *ret) {
        int r = mkdirat(call->at[0].parent_fd, call->at[0].name, call->arguments->mode & MKDIR_MODE);

        *ret = outcome_error(r < 0 ? errno : 0);
}

/* Did the owner create this after the intent was begun?  On a file system without times of birth the answer
 * is yes. */
static bool created_since(const struct statx *stx, const Intent *intent) {
        if (stx->stx_uid != intent->owner || !S_ISDIR(stx->stx_mode))
                return false;
        if (!(stx->stx_mask & STATX_BTIME))
                return true;
        if (stx->stx_btime.tv_sec != intent->begun_sec)
                return stx->stx_btime.tv_sec > intent->begun_sec;
        return stx->stx_btime.tv_nsec >= intent->begun_nsec;
}

/* What is there counts as created by the call if it is a directory of its owner, was not there before, and
 * is not older than the intent.  Whether the owner created it by other means meanwhile cannot be told. */
static int find_out(const OperationCall *call, OperationFinding *ret, Outcome *ret_outcome) {
        struct statx stx;

        *ret = call->intent->locations[0].sight == INTENT_ABSENT ? OPERATION_NOT_DONE : OPERATION_UNTOLD;
        if (*ret == OPERATION_UNTOLD)
                return 0;
        if (statx(call->at[0].parent_fd, call->at[0].name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                    STATX_BASIC_STATS | STATX_BTIME, &stx) < 0)
                return errno == ENOENT ? 0 : -errno;
        *ret = OPERATION_DONE;
        *ret_outcome = outcome_error(created_since(&stx, call->intent) ? 0 : EEXIST);
        return 0;
}

const Operation operation_mkdir = {
        .kind = OPERATION_MKDIR,
        .word = "mkdir",
        .success = "created",
        .n_locations = 1,
        .last_errors = {[LAST_ROOT] = EEXIST, [LAST_DOT] = EEXIST, [LAST_DOTDOT] = EEXIST},
        .check = check,
        .note = note,
        .perform = perform,
        .find_out = find_out,
};
