/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Identifies directories.  Run by the worker and by helpers.  Owns nothing.  Must never identify a directory
 * by its name, by the number of a descriptor or by its mount. */

#include "worker/location/object.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/ownership.h"

static_assert(LEDGER_HANDLE_SIZE == MAX_HANDLE_SZ, "a handle must fit");

typedef union Handle {
        struct file_handle head;
        char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
} Handle;

int object_read(int fd, LedgerObject *ret) {
        const int flags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
        struct statx stx = {};

        *ret = (LedgerObject){};
        if (statx(fd, "", flags, STATX_TYPE | STATX_INO | STATX_BTIME | STATX_MNT_ID, &stx) < 0) {
                /* To a process of another user, FUSE tells the device alone, and only if the process asks
                 * for no field at all (fuse_getattr() in fs/fuse/dir.c).  The mount id comes with it. */
                if (errno != EACCES || statx(fd, "", flags, 0, &stx) < 0)
                        return -errno;
                stx = (struct statx){.stx_mnt_id = stx.stx_mnt_id,
                        .stx_dev_major = stx.stx_dev_major,
                        .stx_dev_minor = stx.stx_dev_minor};
        } else if (!S_ISDIR(stx.stx_mode))
                return -ENOTDIR;
        ret->dev_major = stx.stx_dev_major;
        ret->dev_minor = stx.stx_dev_minor;
        ret->ino = stx.stx_ino;
        ret->mount_id = stx.stx_mnt_id;
        if (stx.stx_mask & STATX_BTIME) {
                ret->born_sec = stx.stx_btime.tv_sec;
                ret->born_nsec = stx.stx_btime.tv_nsec;
        }
        return 0;
}

void object_read_handle(int fd, LedgerObject *object) {
        Handle handle = {.head = {.handle_bytes = MAX_HANDLE_SZ}};
        int mount_id;

        if (name_to_handle_at(fd, "", &handle.head, &mount_id, AT_EMPTY_PATH) < 0)
                return;
        object->handle_type = handle.head.handle_type;
        object->handle_size = handle.head.handle_bytes;
        memcpy(object->handle, handle.head.f_handle, handle.head.handle_bytes);
}

static bool same_handle(const LedgerObject *a, const LedgerObject *b) {
        if (a->handle_size == 0 || b->handle_size == 0)
                return true;
        return a->handle_type == b->handle_type && a->handle_size == b->handle_size &&
               a->handle_size <= LEDGER_HANDLE_SIZE && memcmp(a->handle, b->handle, a->handle_size) == 0;
}

bool object_equal(const LedgerObject *a, const LedgerObject *b) {
        return a->ino != 0 && a->ino == b->ino && a->dev_major == b->dev_major &&
               a->dev_minor == b->dev_minor && a->born_sec == b->born_sec && a->born_nsec == b->born_nsec &&
               same_handle(a, b);
}

int object_open(int mount_fd, const LedgerObject *object, int *ret_fd) {
        Handle handle = {.head = {.handle_bytes = object->handle_size, .handle_type = object->handle_type}};
        _cleanup_close_ int fd = -EBADF;
        LedgerObject found;
        int r;

        if (object->handle_size == 0 || object->handle_size > LEDGER_HANDLE_SIZE)
                return -ESTALE;
        memcpy(handle.head.f_handle, object->handle, object->handle_size);
        fd = open_by_handle_at(mount_fd, &handle.head, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = object_read(fd, &found);
        if (r < 0)
                return r;
        if (!object_equal(&found, object))
                return -ESTALE;
        *ret_fd = TAKE_FD(fd);
        return 0;
}
