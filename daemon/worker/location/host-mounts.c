/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads and indexes the host's mounts.  Run by the worker.  Owns the fd of mountinfo and the table.  Must
 * never hold a mount, or a file on it, open: the host could not unmount it. */

#include "worker/location/host-mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "worker/location/mountinfo.h"

/* In bytes.  A mount's line has about 200, and the kernel allows 100000 mounts (fs.mount-max in sysctl). */
#define LIST_SIZE (16U << 10)
#define LIST_SIZE_MAX (64U << 20)

/* The kernel does not report a change when a directory above a mount point, or above a mount's root, is
 * renamed.  While the worker uses the paths of mounts, it reads the list again when it is this old. */
#define AGE_MAX_USEC 1000000U

struct HostMounts {
        int list_fd;
        bool stale; /* the list has changed since it was read */
        bool used;  /* host_mounts_identify() was called since the list was read */
        bool has_automounter;
        uint64_t looked_usec; /* the last look for a change, CLOCK_MONOTONIC */
        uint64_t read_usec;   /* at or before the last reading of the list, CLOCK_MONOTONIC */

        char *text; /* the strings of all rows */
        HostMount *rows;
        uint32_t *by_id; /* the indices of the rows, in the order of mount ids */
        size_t n;
};

bool host_mounts_is_below(const char *path, const char *directory) {
        size_t length = strlen(directory);

        return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static HostMountKind find_kind(const char *type) {
        if (strcmp(type, "fuse") == 0 || strcmp(type, "fuseblk") == 0 || strncmp(type, "fuse.", 5) == 0 ||
                strncmp(type, "fuseblk.", 8) == 0 || strcmp(type, "virtiofs") == 0)
                return HOST_MOUNT_FUSE;
        if (strcmp(type, "autofs") == 0)
                return HOST_MOUNT_AUTOFS;
        if (strcmp(type, "tmpfs") == 0)
                return HOST_MOUNT_TMPFS;
        if (strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0)
                return HOST_MOUNT_INERT;
        return HOST_MOUNT_ORDINARY;
}

/* Is one of the components ".."?  A component may also be a name that begins with two dots. */
static bool has_dot_dot(const char *text) {
        for (text = strstr(text, "/.."); text; text = strstr(text + 1, "/.."))
                if (text[3] == '/' || text[3] == '\0')
                        return true;
        return false;
}

/* The kernel appends "//deleted" to a removed directory.  It writes ".." for a root outside of the cgroup
 * namespace.  File systems without paths write something else ("net:[4026531840]"). */
static bool is_path(const char *text) {
        return text[0] == '/' && !strstr(text, "//") && !has_dot_dot(text);
}

static const char *without_slash(const char *path) {
        return strcmp(path, "/") == 0 ? "" : path;
}

static HostMount make_row(const Mount *mount) {
        return (HostMount){
                .id = mount->id,
                .device = mount->device,
                .kind = find_kind(mount->type),
                .apart = !is_path(mount->root) || !is_path(mount->point),
                .above = HOST_MOUNT_NONE,
                .root = without_slash(mount->root),
                .point = without_slash(mount->point),
        };
}

/* Orders paths so that all paths below a directory directly follow it: '/' comes before all other bytes. */
static int compare_paths(const char *a, const char *b) {
        while (*a == *b && *a != '\0') {
                a++;
                b++;
        }
        if (*a == *b)
                return 0;
        if (*a == '\0' || *b == '\0')
                return *a == '\0' ? -1 : 1;
        if (*a == '/' || *b == '/')
                return *a == '/' ? -1 : 1;
        return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static int compare_numbers(uint64_t a, uint64_t b) {
        return a < b ? -1 : a > b;
}

static int compare_rows(const void *left, const void *right) {
        const HostMount *a = left, *b = right;
        int order = compare_numbers(a->device, b->device);

        if (order == 0)
                order = compare_paths(a->root, b->root);
        if (order == 0)
                order = compare_paths(a->point, b->point);
        return order != 0 ? order : compare_numbers(a->id, b->id);
}

static int compare_ids(const void *left, const void *right, void *rows) {
        const uint32_t *a = left, *b = right;

        return compare_numbers(((HostMount *)rows)[*a].id, ((HostMount *)rows)[*b].id);
}

/* Can the mount show a directory that another mount shows? */
static bool can_have_relatives(const HostMount *row) {
        return !row->apart && row->saw != HOST_MOUNT_FILE;
}

/* Sets above and has_relatives in the rows of one file system, which are sorted: a mount's row follows the
 * rows of the mounts that show its root. */
static void relate_rows(HostMounts *mounts, size_t first, size_t end) {
        HostMount *rows = mounts->rows;
        uint32_t previous = HOST_MOUNT_NONE;

        for (size_t i = first; i < end; i++)
                rows[i].has_relatives = false;
        for (size_t i = first; i < end; i++) {
                uint32_t above = previous;

                if (!can_have_relatives(&rows[i]))
                        continue;
                while (above != HOST_MOUNT_NONE && !host_mounts_is_below(rows[i].root, rows[above].root))
                        above = rows[above].above;
                rows[i].above = above;
                if (above != HOST_MOUNT_NONE)
                        rows[i].has_relatives = rows[above].has_relatives = true;
                previous = (uint32_t)i;
        }
}

static size_t end_of(const HostMounts *mounts, size_t first) {
        size_t end = first;

        while (end < mounts->n && mounts->rows[end].device == mounts->rows[first].device)
                end++;
        return end;
}

static int double_text(char **text, size_t *size) {
        char *larger;

        if (*size >= LIST_SIZE_MAX)
                return -EFBIG;
        larger = realloc(*text, 2 * *size);
        if (!larger)
                return -ENOMEM;
        *text = larger;
        *size *= 2;
        return 0;
}

/* Reads the list from its start.  The kernel lists each mount that exists during the whole reading exactly
 * once, although others may come and go.  It reports every mount that the reading misses as a change. */
static int read_list(int fd, char **ret) {
        size_t length = 0, size = LIST_SIZE;
        _cleanup_free_ char *text = malloc(size);
        ssize_t n = 1;

        if (!text)
                return -ENOMEM;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        while (n != 0) {
                int r = size - length <= 1 ? double_text(&text, &size) : 0;

                if (r < 0)
                        return r;
                n = read(fd, text + length, size - length - 1);
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0)
                        length += (size_t)n;
        }
        text[length] = '\0';
        *ret = TAKE_PTR(text);
        return 0;
}

static size_t count_lines(const char *text) {
        size_t n = 1;

        for (; *text != '\0'; text++)
                n += *text == '\n';
        return n;
}

static size_t parse_list(char *text, HostMount *rows, bool *ret_has_automounter) {
        size_t n = 0;
        Mount mount;
        char *line;

        *ret_has_automounter = false;
        while ((line = strsep(&text, "\n")))
                if (mounts_parse(line, &mount)) {
                        rows[n] = make_row(&mount);
                        *ret_has_automounter |= rows[n++].kind == HOST_MOUNT_AUTOFS &&
                                                mounts_automounter(mount.options) != 1;
                }
        return n;
}

static void sort_rows(HostMounts *mounts) {
        qsort(mounts->rows, mounts->n, sizeof(*mounts->rows), compare_rows);
        for (size_t first = 0, end; first < mounts->n; first = end) {
                end = end_of(mounts, first);
                relate_rows(mounts, first, end);
        }
        for (size_t i = 0; i < mounts->n; i++)
                mounts->by_id[i] = (uint32_t)i;
        qsort_r(mounts->by_id, mounts->n, sizeof(*mounts->by_id), compare_ids, mounts->rows);
}

int host_mounts_reload(HostMounts *mounts) {
        _cleanup_free_ HostMount *rows = NULL;
        _cleanup_free_ uint32_t *by_id = NULL;
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r;

        mounts->stale = true;
        r = read_list(mounts->list_fd, &text);
        if (!text)
                return r;
        n = count_lines(text);
        rows = calloc(n, sizeof(*rows));
        by_id = calloc(n, sizeof(*by_id));
        if (!rows || !by_id)
                return -ENOMEM;
        free(mounts->text);
        free(mounts->rows);
        free(mounts->by_id);
        mounts->text = TAKE_PTR(text);
        mounts->rows = TAKE_PTR(rows);
        mounts->by_id = TAKE_PTR(by_id);
        mounts->n = parse_list(mounts->text, mounts->rows, &mounts->has_automounter);
        sort_rows(mounts);
        mounts->read_usec = mounts->looked_usec;
        mounts->stale = mounts->used = false;
        return 0;
}

/* Has the list changed since the last call?  The kernel reports each change once (mounts_poll() in
 * fs/proc_namespace.c). */
static bool has_changed(const HostMounts *mounts) {
        struct pollfd fd = {.fd = mounts->list_fd, .events = POLLPRI};

        return poll(&fd, 1, 0) < 0 || (fd.revents & (POLLPRI | POLLERR | POLLNVAL));
}

int host_mounts_update(HostMounts *mounts) {
        if (has_changed(mounts))
                mounts->stale = true;
        return mounts->stale ? host_mounts_reload(mounts) : 0;
}

int host_mounts_refresh(HostMounts *mounts, uint64_t now_usec) {
        if (!mounts->stale && now_usec - mounts->looked_usec < HOST_MOUNTS_LOOK_USEC)
                return 0;
        mounts->looked_usec = now_usec;
        if (has_changed(mounts))
                mounts->stale = true;
        if (mounts->used && now_usec - mounts->read_usec >= AGE_MAX_USEC)
                mounts->stale = true;
        return mounts->stale ? host_mounts_reload(mounts) : 0;
}

int host_mounts_new(int mountinfo_fd, HostMounts **ret) {
        HostMounts *mounts = calloc(1, sizeof(*mounts));
        int r;

        if (!mounts) {
                fd_close(mountinfo_fd);
                return -ENOMEM;
        }
        mounts->list_fd = mountinfo_fd;
        r = host_mounts_reload(mounts);
        if (r < 0) {
                host_mounts_free(mounts);
                return r;
        }
        *ret = mounts;
        return 0;
}

HostMounts *host_mounts_free(HostMounts *mounts) {
        if (!mounts)
                return NULL;
        fd_close(mounts->list_fd);
        free(mounts->text);
        free(mounts->rows);
        free(mounts->by_id);
        free(mounts);
        return NULL;
}

bool host_mounts_have_automounter(const HostMounts *mounts) {
        return mounts->has_automounter;
}

const HostMount *host_mounts_find(const HostMounts *mounts, uint64_t id) {
        size_t low = 0, high = mounts->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const HostMount *row = &mounts->rows[mounts->by_id[middle]];

                if (row->id == id)
                        return row;
                if (row->id < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

HostMount *host_mounts_of(HostMounts *mounts, uint64_t device, size_t *ret_n) {
        size_t low = 0, high = mounts->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (mounts->rows[middle].device < device)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_n = low < mounts->n && mounts->rows[low].device == device ? end_of(mounts, low) - low : 0;
        return mounts->rows + low;
}

static const char *point_of(const HostMount *mount) {
        return mount->point[0] == '\0' ? "/" : mount->point;
}

int host_mount_open(const HostMount *mount, int flags, int *ret_fd) {
        _cleanup_close_ int fd = open(point_of(mount), flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct statx stx;

        if (fd < 0)
                return -errno;
        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) < 0)
                return -errno;
        if (stx.stx_mnt_id != mount->id)
                return -EXDEV;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Does not wait for the server of a file system and does not trigger an automount. */
static HostMountRoot look_at_root(HostMount *row) {
        struct statx stx;

        if (statx(AT_FDCWD, point_of(row), AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC,
                    STATX_TYPE | STATX_INO | STATX_MNT_ID, &stx) < 0)
                return errno == ENOENT || errno == ENOTDIR ? HOST_MOUNT_COVERED : HOST_MOUNT_BARRED;
        if (stx.stx_mnt_id != row->id)
                return HOST_MOUNT_COVERED;
        if (!S_ISDIR(stx.stx_mode))
                return HOST_MOUNT_FILE;
        row->root_dev = mounts_device(stx.stx_dev_major, stx.stx_dev_minor);
        row->root_ino = stx.stx_ino;
        return HOST_MOUNT_SHOWN;
}

void host_mounts_identify(HostMounts *mounts, uint64_t device) {
        HostMount *rows;
        size_t n;

        mounts->used = true;
        rows = host_mounts_of(mounts, device, &n);
        for (size_t i = 0; i < n; i++)
                if (rows[i].saw == HOST_MOUNT_UNSEEN && rows[i].has_relatives)
                        rows[i].saw = look_at_root(&rows[i]);
        relate_rows(mounts, (size_t)(rows - mounts->rows), (size_t)(rows - mounts->rows) + n);
}
