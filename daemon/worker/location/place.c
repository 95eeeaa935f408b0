/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the host's paths of the pinned parent.  Run by the worker.  Owns nothing.  Must never trust the path
 * that the target passed: the rules judge where the directory that the worker holds is now. */

#include "worker/location/place.h"

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
#include "worker/location/mountinfo.h"
#include "worker/location/object.h"
#include "worker/location/overlay.h"

/* Appends "/" and name to the path of a directory in ret, which is length bytes long. */
static int append_name(
        char ret[static LEDGER_PATH_SIZE], size_t length, const char *name, size_t *ret_length) {
        size_t name_length = strlen(name);

        if (length == 1)
                length = 0; /* the path is "/" */
        if (length + 1 + name_length >= LEDGER_PATH_SIZE)
                return -ENAMETOOLONG;
        ret[length++] = '/';
        memcpy(ret + length, name, name_length + 1);
        *ret_length = length + name_length;
        return 0;
}

/* Reads the path of the working directory.  Returns as place_read(). */
static int read_working_directory(char ret[static LEDGER_ARGUMENT_SIZE], size_t *ret_length) {
        /* Not through libc: its getcwd() turns the kernel's "(unreachable)..." into ENOENT. */
        long n = syscall(SYS_getcwd, ret, LEDGER_ARGUMENT_SIZE);

        if (n < 0)
                return errno == ENOENT ? PLACE_DELETED : -errno;
        if (ret[0] != '/')
                return PLACE_ELSEWHERE;
        *ret_length = (size_t)n - 1; /* n includes the NUL */
        return 0;
}

int place_read(const char *name, char ret[static LEDGER_PATH_SIZE], size_t *ret_length) {
        size_t length = 0;
        int r;

        r = read_working_directory(ret, &length);
        return r != 0 ? r : append_name(ret, length, name, ret_length);
}

static DirectoryId directory_id_of(const LedgerObject *object) {
        return (DirectoryId){
                .dev = mounts_device(object->dev_major, object->dev_minor),
                .ino = object->ino,
                .mount_id = object->mount_id,
        };
}

/* Visits the paths of the name in the working directory, which is object.  own: see HostDirectory. reverted:
 * see place_visit(). */
static int visit_entered(HostMounts *mounts, const LedgerObject *object, const char *name, bool own,
        bool reverted, HostPathVisit visit, void *userdata) {
        char path[LEDGER_ARGUMENT_SIZE];
        const HostDirectory directory = {
                .id = directory_id_of(object), .path = path, .name = name, .own = own};
        size_t length = 0;
        int r;

        r = read_working_directory(path, &length);
        if (r != 0)
                return r;
        if (length == 1)
                path[0] = '\0'; /* the path is "/" */
        if (!reverted && !host_paths_has_one(mounts, &directory))
                return PLACE_SHARED;
        return host_paths_visit(mounts, &directory, visit, userdata);
}

/* Visits the paths of the name in a directory that is not the working directory.  path is the path of the
 * name, and length its length; the function cuts it. */
static int visit_unentered(HostMounts *mounts, const LedgerObject *object, const char *name,
        char path[static LEDGER_PATH_SIZE], size_t length, HostPathVisit visit, void *userdata) {
        const HostDirectory directory = {
                .id = directory_id_of(object), .path = path, .name = name, .own = true};

        path[length - strlen(name) - 1] = '\0';
        return host_paths_visit_by_text(mounts, &directory, visit, userdata);
}

int place_visit(HostMounts *mounts, const Parent *parent, const char *name, bool reverted,
        HostPathVisit visit, void *userdata) {
        return visit_entered(mounts, &parent->object, name, true, reverted, visit, userdata);
}

/* The kernel appends " (deleted)" to the path of a directory that was removed, and of a directory that its
 * file system does not find by its name any more.  But the name of a directory can end so, too.  Returns
 * PLACE_DELETED, PLACE_ELSEWHERE if neither path nor removal is certain, or 0 for any other path. */
static int check_deleted(int parent_fd, const char *path) {
        static const char mark[] = " (deleted)";
        size_t length = strlen(path);
        struct statx stx;

        if (length < sizeof(mark) || strcmp(path + length - (sizeof(mark) - 1), mark) != 0)
                return 0;
        if (statx(parent_fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_NLINK, &stx) <
                0)
                return PLACE_ELSEWHERE;
        return stx.stx_nlink == 0 ? PLACE_DELETED : PLACE_ELSEWHERE;
}

int place_read_unentered(Target *target, int parent_fd, const char *name, char ret[static LEDGER_PATH_SIZE],
        size_t *ret_length) {
        int r = worker_proc_read_path(target_proc(target), parent_fd, ret, LEDGER_ARGUMENT_SIZE);

        if (r < 0)
                return r;
        r = ret[0] == '/' ? check_deleted(parent_fd, ret) : PLACE_ELSEWHERE;
        return r != 0 ? r : append_name(ret, strlen(ret), name, ret_length);
}

/* The same, but returns PLACE_ELSEWHERE unless the path is certainly the host's: unless the directory is on
 * a mount of the host that shows the whole file system.  No directory can be moved out of such a mount. */
static int read_unentered_on_host(Target *target, const HostMounts *mounts, int fd, uint64_t mount_id,
        const char *name, char ret[static LEDGER_PATH_SIZE], size_t *ret_length) {
        const HostMount *mount = host_mounts_find(mounts, mount_id);
        int r;

        if (!mount || mount->root[0] != '\0')
                return PLACE_ELSEWHERE;
        r = place_read_unentered(target, fd, name, ret, ret_length);
        if (r != 0)
                return r;
        return host_mounts_is_below(ret, mount->point) ? 0 : PLACE_ELSEWHERE;
}

/* Missing in linux/magic.h. */
#define MQUEUE_MAGIC 0x19800202
#define FUSE_CTL_MAGIC 0x65735543

/* Is this the type of a file system that has no operation to create a directory, whichever process asks? */
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

bool place_is_inert(int fd) {
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && type_is_inert(fs.f_type);
}

/* Returns the result for a parent whose file system has no path on the host. */
static int result_off_host(const Parent *parent) {
        struct statfs fs;

        if (parent->is_fuse || fstatfs(parent->fd, &fs) < 0)
                return PLACE_ELSEWHERE;
        return fs.f_type == TMPFS_MAGIC   ? PLACE_PRIVATE
               : type_is_inert(fs.f_type) ? PLACE_INERT
                                          : PLACE_ELSEWHERE;
}

/* The search for the parent on the host's mounts. */
typedef struct Search {
        Target *target;
        HostMounts *mounts;
        const Parent *parent;
        union {
                struct file_handle handle;
                char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
        } parent_handle;
        int handle_error; /* the positive errno with which the kernel refused the handle; 0: it is valid */
        bool is_overlay;  /* there is a path instead of a handle */
        char overlay_path[LEDGER_ARGUMENT_SIZE];
        const char *name;

        /* The result: the directory on the host's mount. */
        LedgerObject host;
        bool entered;                /* it is the working directory; path is not used */
        char path[LEDGER_PATH_SIZE]; /* of the name in it */
        size_t length;
} Search;

/* Opens the directory on one mount.  Returns 0 with the caller's fd, -EXDEV if the mount does not show the
 * directory, or another negative errno. */
static int open_on_mount(const HostMount *mount, int mount_fd, Search *search, int *ret_fd) {
        if (search->is_overlay)
                return overlay_open(mount, mount_fd, search->overlay_path, search->parent, ret_fd);
        if (search->handle_error == EOPNOTSUPP || search->handle_error == EOVERFLOW)
                return -EXDEV;
        if (search->handle_error != 0)
                return -search->handle_error;
        *ret_fd =
                open_by_handle_at(mount_fd, &search->parent_handle.handle, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (*ret_fd < 0)
                return errno == ESTALE || errno == EOPNOTSUPP ? -EXDEV : -errno;
        return 0;
}

/* Finds the directory on one mount, and enters it if the kernel lets it.  Returns 0, PLACE_DELETED, -EXDEV
 * if the mount does not show the directory, or another negative errno. */
static int search_mount(const HostMount *mount, int mount_fd, Search *search) {
        _cleanup_close_ int host_fd = -EBADF;
        int r;

        r = open_on_mount(mount, mount_fd, search, &host_fd);
        if (r < 0)
                return r;
        r = object_read(host_fd, &search->host);
        if (r < 0)
                return r;
        search->entered = !search->parent->is_fuse && fchdir(host_fd) == 0;
        r = search->entered ? read_working_directory(search->path, &search->length)
                            : read_unentered_on_host(search->target, search->mounts, host_fd,
                                      search->host.mount_id, search->name, search->path, &search->length);
        return r == PLACE_ELSEWHERE ? -EXDEV : r;
}

/* Searches all mounts of the file system on the host.  Returns as search_mount(), or MOUNTS_NONE if there is
 * no such mount. */
static int search_mounts(uint64_t device, Search *search) {
        size_t n;
        const HostMount *rows = host_mounts_of(search->mounts, device, &n);

        for (size_t i = 0; i < n; i++) {
                _cleanup_close_ int mount_fd = -EBADF;
                int r;

                if (host_mount_open(&rows[i], O_RDONLY | O_NONBLOCK, &mount_fd) < 0)
                        continue;
                r = search_mount(&rows[i], mount_fd, search);
                if (r != -EXDEV)
                        return r;
        }
        return n == 0 ? MOUNTS_NONE : -EXDEV;
}

/* Where the host has the overlay its directories have a place there, whatever the target calls them. */
static int search_overlay(uint64_t device, int mountinfo_fd, Search *search) {
        int r = overlay_read_path(search->target, search->parent, mountinfo_fd, search->overlay_path,
                sizeof(search->overlay_path));

        search->is_overlay = r == 0;
        return r == 0 || r == -EXDEV ? search_mounts(device, search) : r;
}

/* Searches all mounts of the parent's file system on the host.  Returns as search_mounts(). */
static int search_host(Search *search) {
        const LedgerObject *object = &search->parent->object;
        _cleanup_close_ int own_fd = -EBADF;
        uint64_t device;
        int mount_id, r;

        r = target_open_file(search->target, "mountinfo", &own_fd);
        if (r != 0)
                return r < 0 ? r : -ESRCH;
        r = mounts_find_device(own_fd, object->mount_id, &device);
        if (r < 0)
                return r;
        /* The target's list has only the mounts below its root, and no detached ones.  The device number of
         * statx(2) is as good, except on btrfs, where no file system in the list has that number. */
        if (r == MOUNTS_NONE)
                device = mounts_device(object->dev_major, object->dev_minor);

        search->parent_handle.handle.handle_bytes = MAX_HANDLE_SZ;
        if (name_to_handle_at(
                    search->parent->fd, "", &search->parent_handle.handle, &mount_id, AT_EMPTY_PATH) < 0)
                search->handle_error = errno;
        return search->handle_error == EOPNOTSUPP && overlay_has(search->parent->fd)
                       ? search_overlay(device, own_fd, search)
                       : search_mounts(device, search);
}

/* Finds the parent on the host, and visits the paths of the name in it.  Returns as search_mounts(),
 * visit_entered() or visit_unentered(). */
static int search_and_visit(Search *search, HostPathVisit visit, void *userdata) {
        int r = search_host(search);

        if (r != 0)
                return r;
        if (search->entered)
                return visit_entered(
                        search->mounts, &search->host, search->name, false, true, visit, userdata);
        return visit_unentered(
                search->mounts, &search->host, search->name, search->path, search->length, visit, userdata);
}

bool place_is_told_by_link(const HostMounts *mounts, const Parent *parent) {
        const HostMount *mount = host_mounts_find(mounts, parent->object.mount_id);

        return mount && mount->root[0] == '\0' && !mount->has_relatives;
}

int place_visit_by_link(Target *target, HostMounts *mounts, const Parent *parent, const char *name,
        HostPathVisit visit, void *userdata) {
        char path[LEDGER_PATH_SIZE];
        size_t length = 0;
        int r = read_unentered_on_host(
                target, mounts, parent->fd, parent->object.mount_id, name, path, &length);

        return r != 0 ? r : visit_unentered(mounts, &parent->object, name, path, length, visit, userdata);
}

int place_visit_on_host(Target *target, HostMounts *mounts, const Parent *parent, const char *name,
        HostPathVisit visit, void *userdata) {
        Search search = {.target = target, .mounts = mounts, .parent = parent, .name = name};
        int r;

        r = search_and_visit(&search, visit, userdata);
        /* Return to the target's mount of the parent: it may be read-only although the host's is not. */
        if (parent->entered && fchdir(parent->fd) < 0)
                return -errno;
        if (r == MOUNTS_NONE)
                return result_off_host(parent);
        if (r == -EXDEV)
                return result_off_host(parent) == PLACE_INERT ? PLACE_INERT : PLACE_ELSEWHERE;
        return r;
}

int place_open_object(HostMounts *mounts, const LedgerObject *object, int *ret_fd) {
        const HostMount *mount = host_mounts_find(mounts, object->mount_id), *rows;
        size_t n;

        rows = host_mounts_of(
                mounts, mount ? mount->device : mounts_device(object->dev_major, object->dev_minor), &n);
        for (size_t i = 0; i < n; i++) {
                _cleanup_close_ int mount_fd = -EBADF;
                int r;

                if (host_mount_open(&rows[i], O_RDONLY | O_NONBLOCK, &mount_fd) < 0)
                        continue;
                r = object_open(mount_fd, object, ret_fd);
                if (r != -ESTALE && r != -EOPNOTSUPP)
                        return r;
        }
        return -ESTALE;
}
