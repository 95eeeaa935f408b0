/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells directories apart.  Run by the worker.  Owns nothing.  Must never wait for a server of a file
 * system. */

#include "common/directory-id.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int directory_id_read(int dir_fd, const char *path, int flags, DirectoryId *ret) {
        struct statx stx;

        flags |= AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
        if (statx(dir_fd, path, flags, STATX_INO | STATX_MNT_ID, &stx) < 0)
                return -errno;
        if (!(stx.stx_mask & STATX_MNT_ID)) /* Linux 5.8 */
                return -EOPNOTSUPP;
        *ret = (DirectoryId){
                .dev = (uint64_t)stx.stx_dev_major << 32 | stx.stx_dev_minor,
                .ino = stx.stx_ino,
                .mount_id = stx.stx_mnt_id,
        };
        return 0;
}

int directory_id_of_fd(int fd, DirectoryId *ret) {
        return directory_id_read(fd, "", AT_EMPTY_PATH, ret);
}

bool directory_id_equal(const DirectoryId *a, const DirectoryId *b) {
        return a->ino == b->ino && a->dev == b->dev && a->mount_id == b->mount_id;
}
