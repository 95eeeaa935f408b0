/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* rmdir(2), as a second operation: it shows what a further call takes.  Compiled into tests alone; no filter
 * of the product traps it. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ownership.h"
#include "worker/location/object.h"
#include "worker/operation/operation.h"

static int open_object(const OperationCall *call, LedgerObject *ret) {
        _cleanup_close_ int fd =
                openat(call->at[0].parent_fd, call->at[0].name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return object_read(fd, ret);
}

static void check(const OperationCall *call, Outcome *ret) {
        struct stat st;
        int r = fstatat(call->at[0].parent_fd, call->at[0].name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);

        *ret = outcome_error(r < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR);
}

static void note(const OperationCall *call) {
        int r = call->may_look ? open_object(call, &call->intent->locations[0].object) : -EACCES;

        call->intent->locations[0].sight = r == 0         ? INTENT_PRESENT
                                           : r == -ENOENT ? INTENT_ABSENT
                                                          : INTENT_UNSEEN;
}

static void perform(const OperationCall *call, Outcome *ret) {
        int r = unlinkat(call->at[0].parent_fd, call->at[0].name, AT_REMOVEDIR);

        *ret = outcome_error(r < 0 ? errno : 0);
}

/* A name that no longer means the same directory was removed.  Whether that was done by another process
 * meanwhile cannot be told. */
static int find_out(const OperationCall *call, OperationFinding *ret, Outcome *ret_outcome) {
        LedgerObject object;
        int r;

        *ret = OPERATION_UNTOLD;
        if (call->intent->locations[0].sight != INTENT_PRESENT)
                return 0;
        r = open_object(call, &object);
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                return r;
        *ret = r == 0 && object_equal(&object, &call->intent->locations[0].object) ? OPERATION_NOT_DONE
                                                                                   : OPERATION_DONE;
        *ret_outcome = outcome_error(0);
        return 0;
}

const Operation operation_rmdir = {
        .kind = OPERATION_RMDIR,
        .word = "rmdir",
        .success = "removed",
        .n_locations = 1,
        .last_errors = {[LAST_ROOT] = EBUSY, [LAST_DOT] = EINVAL, [LAST_DOTDOT] = ENOTEMPTY},
        .check = check,
        .note = note,
        .perform = perform,
        .find_out = find_out,
};
