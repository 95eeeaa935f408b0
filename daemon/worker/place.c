/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names the pinned parent.  Run by the worker.  Owns nothing.  Must never take a path for a place: what is
 * judged is where the directory that we hold is now. */

#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/ownership.h"
#include "mounts.h"

int place_read(const char *name, char ret[static LEDGER_PATH_SIZE], size_t *ret_length) {
        size_t name_length = strlen(name), length;
        long n;

        /* The system call, for libc's getcwd() turns "(unreachable)..." into ENOENT. */
        n = syscall(SYS_getcwd, ret, LEDGER_ARGUMENT_SIZE);
        if (n < 0)
                return errno == ENOENT ? PLACE_DELETED : -errno;
        if (ret[0] != '/')
                return PLACE_ELSEWHERE;

        length = (size_t)n - 1; /* it counts the NUL */
        if (length == 1)
                length = 0; /* the root */
        if (length + 1 + name_length >= LEDGER_PATH_SIZE)
                return -ENAMETOOLONG;
        ret[length++] = '/';
        memcpy(ret + length, name, name_length + 1);
        *ret_length = length + name_length;
        return 0;
}

/* Not in linux/magic.h. */
#define MQUEUE_MAGIC 0x19800202
#define FUSE_CTL_MAGIC 0x65735543

/* The file systems in which no directory has the operation that creates one, for nobody. */
static bool type_is_inert(long type) {
        switch ((unsigned long)type) {
        case PROC_SUPER_MAGIC:
        case SYSFS_MAGIC:
        case DEVPTS_SUPER_MAGIC:
        case DEBUGFS_MAGIC:
        case SECURITYFS_MAGIC:
        case SELINUX_MAGIC:
        case SMACK_MAGIC:
        case EFIVARFS_MAGIC:
        case PSTOREFS_MAGIC:
        case BINFMTFS_MAGIC:
        case MQUEUE_MAGIC:
        case FUSE_CTL_MAGIC:
                return true;
        default:
                return false;
        }
}

bool place_is_inert(void) {
        struct statfs fs;

        return statfs(".", &fs) == 0 && type_is_inert(fs.f_type);
}

/* What a file system without a place on the host is to us. */
static int unseen_kind(void) {
        struct statfs fs;

        if (statfs(".", &fs) < 0)
                return PLACE_ELSEWHERE;
        return fs.f_type == TMPFS_MAGIC   ? PLACE_PRIVATE
               : type_is_inert(fs.f_type) ? PLACE_INERT
                                          : PLACE_ELSEWHERE;
}

/* The working directory, to be found from a mount of the host's. */
typedef struct Search {
        union {
                struct file_handle handle;
                char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
        } here;
        int handle_error; /* what there is instead of a handle, or 0 */
        const char *name;
        char *path;
        size_t *ret_length;
} Search;

/* Goes to the directory by the mount, and reads its place.  Returns as place_read_on_host(), but -EXDEV
 * where the mount doesn't show it. */
static int search_mount(int mount_fd, Search *search) {
        _cleanup_close_ int host_fd = -EBADF;
        int r;

        if (search->handle_error == EOPNOTSUPP || search->handle_error == EOVERFLOW)
                return -EXDEV;
        if (search->handle_error != 0)
                return -search->handle_error;
        host_fd = open_by_handle_at(mount_fd, &search->here.handle, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (host_fd < 0)
                return errno == ESTALE || errno == EOPNOTSUPP ? -EXDEV : -errno;
        if (fchdir(host_fd) < 0)
                return -errno;
        r = place_read(search->name, search->path, search->ret_length);
        return r == PLACE_ELSEWHERE ? -EXDEV : r;
}

/* Opens the root of a mount, if that is what is found at its mount point. */
static int open_mount(const HostMount *mount, int *ret_fd) {
        _cleanup_close_ int fd = open(mount->point[0] == '\0' ? "/" : mount->point,
                O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        struct statx stx;

        if (fd < 0)
                return -errno;
        if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0)
                return -errno;
        if (stx.stx_mnt_id != mount->id)
                return -EXDEV;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Asks each of the host's mounts of the file system.  Returns as search_mount(), or MOUNTS_NONE. */
static int search_mounts(HostMounts *mounts, uint64_t device, Search *search) {
        size_t n;
        const HostMount *rows = host_mounts_of(mounts, device, &n);

        for (size_t i = 0; i < n; i++) {
                _cleanup_close_ int mount_fd = -EBADF;
                int r;

                if (open_mount(&rows[i], &mount_fd) < 0)
                        continue;
                r = search_mount(mount_fd, search);
                if (r != -EXDEV)
                        return r;
        }
        return n == 0 ? MOUNTS_NONE : -EXDEV;
}

/* Searches the host's mounts of the working directory's file system.  Returns as search_mounts(). */
static int search_host(Target *target, HostMounts *mounts, Search *search) {
        _cleanup_close_ int own_fd = -EBADF;
        struct statx stx;
        uint64_t device;
        int mount_id, r;

        if (statx(AT_FDCWD, ".", 0, STATX_MNT_ID, &stx) < 0)
                return -errno;
        r = target_open_file(target, "mountinfo", &own_fd);
        if (r != 0)
                return r < 0 ? r : -ESRCH;
        r = mounts_find_device(own_fd, stx.stx_mnt_id, &device);
        if (r < 0)
                return r;
        /* The list ends at the target's root, and has no mounts that are detached.  What stat says is as
         * good, except on btrfs, where it is nobody's. */
        if (r == MOUNTS_NONE)
                device = mounts_device(stx.stx_dev_major, stx.stx_dev_minor);

        search->here.handle.handle_bytes = MAX_HANDLE_SZ;
        if (name_to_handle_at(AT_FDCWD, ".", &search->here.handle, &mount_id, 0) < 0)
                search->handle_error = errno;
        return search_mounts(mounts, device, search);
}

int place_read_on_host(Target *target, HostMounts *mounts, const char *name,
        char ret[static LEDGER_PATH_SIZE], size_t *ret_length) {
        _cleanup_close_ int parent_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        Search search = {.name = name, .path = ret, .ret_length = ret_length};
        int r;

        if (parent_fd < 0)
                return -errno;
        r = search_host(target, mounts, &search);
        /* Back to the target's own mount of it, which may be read-only where the host's is not. */
        if (fchdir(parent_fd) < 0)
                return -errno;
        if (r == MOUNTS_NONE)
                return unseen_kind();
        if (r == -EXDEV)
                return unseen_kind() == PLACE_INERT ? PLACE_INERT : PLACE_ELSEWHERE;
        return r;
}
