/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the paths of a directory.  Run by the worker, with its own credentials and in the host's root.  Owns
 * nothing.  Must never miss a path because a process renames directories meanwhile: the inodes of the
 * directories above it tell whether a mount shows the directory, and names only make up the path. */

#include "worker/location/host-paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/ledger.h"
#include "common/ownership.h"
#include "worker/location/mountinfo.h"

typedef struct Search {
        HostMounts *mounts;
        const HostDirectory *directory;
        const HostMount *mount; /* of the directory */
        HostPathVisit visit;
        void *userdata;
} Search;

static bool is_same(const DirectoryId *id, uint64_t dev, uint64_t ino) {
        return id->dev == dev && id->ino == ino;
}

/* Returns the last n components of the path, with the slash before them, or NULL if it has fewer. */
static const char *last_components(const char *path, size_t n) {
        const char *at = path + strlen(path);

        while (n > 0 && at > path)
                n -= *--at == '/';
        return n > 0 ? NULL : at;
}

/* Visits the path that consists of the first point_length bytes of point, which lead to the mount's root; of
 * rest, which lies on the mount; and of a slash and the name. */
static int visit_path(const Search *search, const HostMount *mount, const char *point, size_t point_length,
        const char *rest) {
        size_t rest_length = strlen(rest), name_length = strlen(search->directory->name);
        char path[LEDGER_PATH_SIZE];
        HostPath found = {
                .directory = search->directory,
                .mount = mount,
                .path = path,
                .length = point_length + rest_length + 1 + name_length,
                .rest = point_length,
                .own = search->directory->own && point == search->directory->path,
        };

        if (found.length >= sizeof(path))
                return -ENAMETOOLONG;
        memcpy(path, point, point_length);
        memcpy(path + point_length, rest, rest_length);
        path[point_length + rest_length] = '/';
        memcpy(path + point_length + rest_length + 1, search->directory->name, name_length + 1);
        return search->visit(&found, search->userdata);
}

/* Visits directory->path, of which rest is the part that lies on the mount. */
static int visit_own(const Search *search, const HostMount *mount, const char *rest) {
        const char *path = search->directory->path;

        return visit_path(search, mount, path, (size_t)(rest - path), rest);
}

/* Visits the path by another mount.  rest is the directory's path from the root of that mount. */
static int visit_on_mount(const Search *search, const HostMount *mount, const char *rest) {
        return visit_path(search, mount, mount->point, strlen(mount->point), rest);
}

/* Visits the paths by all mounts whose root is the directory id.  The searched directory is this many levels
 * below it. */
static int visit_mounts_rooted_at(const Search *search, const DirectoryId *id, size_t level) {
        const char *rest = last_components(search->directory->path, level);
        const HostMount *rows;
        size_t n;
        int r = 0;

        if (!rest)
                return -ESTALE;
        rows = host_mounts_of(search->mounts, search->mount->device, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                if (&rows[i] != search->mount && rows[i].saw == HOST_MOUNT_SHOWN &&
                        is_same(id, rows[i].root_dev, rows[i].root_ino))
                        r = visit_on_mount(search, &rows[i], rest);
        return r;
}

/* Looks at each directory from the working directory up to the root of its mount, and visits the paths by
 * other mounts whose root it is.  *ret_levels is the number of levels.  Returns 0, -EXDEV if another mount
 * is in between or the kernel refuses the worker a look, or another negative errno. */
static int visit_upwards(const Search *search, size_t *ret_levels) {
        const HostMount *mount = search->mount;
        DirectoryId id = search->directory->id;
        char above[PATH_MAX] = "";
        size_t level = 0;
        int r;

        for (;; level++) {
                r = visit_mounts_rooted_at(search, &id, level);
                if (r != 0)
                        return r;
                if (is_same(&id, mount->root_dev, mount->root_ino) && mount->saw == HOST_MOUNT_SHOWN)
                        break;
                if (3 * level + 4 > sizeof(above))
                        return -ENAMETOOLONG;
                memcpy(above + 3 * level, "../", 4);
                r = directory_id_read(AT_FDCWD, above, 0, &id);
                if (r < 0)
                        return r == -ENOMEM ? r : -EXDEV;
                if (id.mount_id != mount->id)
                        return -EXDEV;
        }
        *ret_levels = level;
        return 0;
}

static bool is_strictly_above(const HostMount *mount, const HostMount *other) {
        return !mount->apart && strlen(mount->root) < strlen(other->root) &&
               host_mounts_is_below(other->root, mount->root);
}

/* Visits the paths by other mounts, which it finds by the paths of their roots in the list.  path is the
 * directory's path in its file system.  all: takes every mount that shows path.  Else it takes only those
 * that visit_upwards() cannot find. */
static int visit_by_text(const Search *search, const char *path, bool all) {
        const HostMount *rows;
        size_t n;
        int r = 0;

        rows = host_mounts_of(search->mounts, search->mount->device, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                const HostMount *row = &rows[i];

                if (row == search->mount || row->apart || !host_mounts_is_below(path, row->root))
                        continue;
                if (row->saw == HOST_MOUNT_BARRED ||
                        (row->saw == HOST_MOUNT_SHOWN && (all || is_strictly_above(row, search->mount))))
                        r = visit_on_mount(search, row, path + strlen(row->root));
        }
        return r;
}

/* The same, for a directory whose path from the root of its mount is rest. */
static int visit_rest(const Search *search, const char *rest, bool all) {
        char path[2 * PATH_MAX];
        size_t root_length = strlen(search->mount->root), rest_length = strlen(rest);

        if (search->mount->apart)
                return 0;
        if (root_length + rest_length >= sizeof(path))
                return -ENAMETOOLONG;
        memcpy(path, search->mount->root, root_length);
        memcpy(path + root_length, rest, rest_length + 1);
        return visit_by_text(search, path, all);
}

/* Finds the part of the directory's path that lies on its mount.  On the way it visits paths, and returns,
 * as visit_upwards().  After -EXDEV *ret is valid, too: it relies on the mount point in the list. */
static int find_rest(const Search *search, const char **ret) {
        const char *path = search->directory->path;
        size_t levels = 0;
        int r;

        r = search->mount->has_relatives ? visit_upwards(search, &levels) : -EXDEV;
        if (r == 0)
                *ret = last_components(path, levels);
        else if (r == -EXDEV) {
                if (!host_mounts_is_below(path, search->mount->point))
                        return -ESTALE;
                *ret = path + strlen(search->mount->point);
        }
        return r;
}

/* Visits all paths except directory->path if that is the target's own. */
static int visit_others(const Search *search) {
        const char *rest = "";
        int found, r = 0;

        found = find_rest(search, &rest);
        if (found != 0 && found != -EXDEV)
                return found;
        if (!search->directory->own)
                r = visit_own(search, search->mount, rest);
        if (r == 0 && search->mount->has_relatives)
                r = visit_rest(search, rest, found == -EXDEV);
        return r;
}

/* Opens the directory that path leads to on this mount alone.  path starts at the root of the mount; it is
 * empty or begins with a slash. */
static int open_on_mount(const HostMount *mount, const char *path, int *ret_fd) {
        const struct open_how how = {
                .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_BENEATH,
        };
        _cleanup_close_ int mount_fd = -EBADF;
        int r;

        r = host_mount_open(mount, O_PATH, &mount_fd);
        if (r < 0)
                return r;
        if (path[0] == '\0') {
                *ret_fd = TAKE_FD(mount_fd);
                return 0;
        }
        r = (int)syscall(SYS_openat2, mount_fd, path + 1, &how, sizeof(how));
        if (r < 0)
                return -errno;
        *ret_fd = r;
        return 0;
}

/* Does path lead, on this mount alone, to the directory with these numbers? */
static bool mount_shows(const HostMount *mount, const char *path, uint64_t dev, uint64_t ino) {
        _cleanup_close_ int fd = -EBADF;
        DirectoryId id;

        return open_on_mount(mount, path, &fd) == 0 && directory_id_read(fd, "", AT_EMPTY_PATH, &id) == 0 &&
               id.mount_id == mount->id && is_same(&id, dev, ino);
}

/* Does the list still have the right path of the mount's root?  Looks for the root at that path on each
 * mount that shows more of the file system: the kernel does not report a change when the root, or a
 * directory above it, is renamed. */
static bool is_root_path_true(HostMounts *mounts, const HostMount *mount) {
        const HostMount *rows;
        size_t n;

        rows = host_mounts_of(mounts, mount->device, &n);
        for (size_t i = 0; i < n; i++) {
                if (!is_strictly_above(&rows[i], mount) || rows[i].saw == HOST_MOUNT_COVERED)
                        continue;
                if (mount->saw != HOST_MOUNT_SHOWN ||
                        !mount_shows(&rows[i], mount->root + strlen(rows[i].root), mount->root_dev,
                                mount->root_ino))
                        return false;
        }
        return true;
}

/* Finds the mount, and looks at its relatives if it has any. */
static const HostMount *find_mount(HostMounts *mounts, uint64_t id) {
        const HostMount *mount = host_mounts_find(mounts, id);

        if (mount && mount->has_relatives)
                host_mounts_identify(mounts, mount->device);
        return mount;
}

/* The same, but reads the list again first if it is out of date.  *ret is NULL if the list does not have the
 * mount.  Returns 0 or a negative errno. */
static int find_true_mount(HostMounts *mounts, uint64_t id, const HostMount **ret) {
        const HostMount *mount = find_mount(mounts, id);
        int r = 0;

        if (!mount || (mount->has_relatives && !is_root_path_true(mounts, mount))) {
                r = host_mounts_reload(mounts);
                mount = find_mount(mounts, id);
        }
        *ret = mount;
        return r;
}

/* Is the directory on the mount of the worker's root?  The kernel leaves that mount out of the list if the
 * root directory is not the root of the mount, as after chroot(2). */
static bool is_unlisted_root(const HostDirectory *directory) {
        DirectoryId root;

        return directory_id_read(AT_FDCWD, "/", 0, &root) == 0 && root.mount_id == directory->id.mount_id;
}

bool host_paths_has_one(const HostMounts *mounts, const HostDirectory *directory) {
        const HostMount *mount = host_mounts_find(mounts, directory->id.mount_id);

        return mount && !mount->has_relatives;
}

int host_paths_visit(
        HostMounts *mounts, const HostDirectory *directory, HostPathVisit visit, void *userdata) {
        const char *end = directory->path + strlen(directory->path);
        Search search = {.mounts = mounts, .directory = directory, .visit = visit, .userdata = userdata};
        int r;

        r = find_true_mount(mounts, directory->id.mount_id, &search.mount);
        if (r < 0)
                return r;
        if (!search.mount && !is_unlisted_root(directory))
                return -ESTALE;
        if (directory->own || !search.mount) {
                r = visit_own(&search, search.mount, end);
                if (r != 0 || !search.mount || !search.mount->has_relatives)
                        return r;
        }
        return visit_others(&search);
}

int host_paths_visit_by_text(
        HostMounts *mounts, const HostDirectory *directory, HostPathVisit visit, void *userdata) {
        Search search = {.mounts = mounts, .directory = directory, .visit = visit, .userdata = userdata};
        const char *path = directory->path;
        int r;

        search.mount = host_mounts_find(mounts, directory->id.mount_id);
        r = visit_own(&search, NULL, path + strlen(path));
        if (r != 0 || !search.mount || !search.mount->has_relatives)
                return r;
        if (!host_mounts_is_below(path, search.mount->point))
                return -ESTALE;
        host_mounts_identify(mounts, search.mount->device);
        return visit_rest(&search, path + strlen(search.mount->point), true);
}

bool host_path_is_shown(const HostPath *path) {
        const DirectoryId *id = &path->directory->id;
        char rest[LEDGER_PATH_SIZE];
        size_t length = path->length - path->rest - 1 - strlen(path->directory->name);

        if (!path->mount)
                return false;
        memcpy(rest, path->path + path->rest, length);
        rest[length] = '\0';
        return mount_shows(path->mount, rest, id->dev, id->ino);
}
