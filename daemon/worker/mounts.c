/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds mounts.  Run by the worker, raised, in the host's root.  Owns nothing.  Must never take a path for a
 * mount: what is mounted above it may hide it. */

#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/ownership.h"

typedef struct Mount {
        uint64_t id;
        char device[MOUNTS_DEVICE_SIZE];
        char *root;  /* of the mount in its file system */
        char *point; /* relative to the root of who reads the list */
} Mount;

/* Blanks, newlines and backslashes are written as \ooo. */
static void unescape(char *text) {
        char *to = text;
        unsigned code;

        for (const char *from = text; *from != '\0'; from++)
                if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3 &&
                        sscanf(from + 1, "%3o", &code) == 1) {
                        *to++ = (char)code;
                        from += 3;
                } else
                        *to++ = *from;
        *to = '\0';
}

static char *next_field(char **line) {
        char *field;

        do
                field = strsep(line, " ");
        while (field && *field == '\0');
        return field;
}

/* Takes a line apart, in place.  Returns false where it is none of ours. */
static bool parse_line(char *line, Mount *ret) {
        const char *id = next_field(&line), *parent = next_field(&line), *device = next_field(&line);

        ret->root = next_field(&line);
        ret->point = next_field(&line);
        if (!parent || !ret->point || strlen(device) >= sizeof(ret->device) ||
                sscanf(id, "%" SCNu64, &ret->id) != 1)
                return false;
        (void)strcpy(ret->device, device);
        unescape(ret->root);
        unescape(ret->point);
        return true;
}

static int open_list(int mountinfo_fd, FILE **ret) {
        int fd = fcntl(mountinfo_fd, F_DUPFD_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        *ret = fdopen(fd, "re");
        if (!*ret) {
                fd_close(fd);
                return -ENOMEM;
        }
        rewind(*ret);
        return 0;
}

int mounts_find_device(int mountinfo_fd, uint64_t mount_id, char ret[static MOUNTS_DEVICE_SIZE]) {
        _cleanup_fclose_ FILE *list = NULL;
        _cleanup_free_ char *line = NULL;
        size_t room = 0;
        Mount mount;
        int r;

        r = open_list(mountinfo_fd, &list);
        if (r < 0)
                return r;
        while (getline(&line, &room, list) >= 0)
                if (parse_line(line, &mount) && mount.id == mount_id) {
                        memcpy(ret, mount.device, MOUNTS_DEVICE_SIZE);
                        return 0;
                }
        return MOUNTS_NONE;
}

/* Opens the mount's root, if that is what is found at its mount point. */
static int open_mount(const Mount *mount, int *ret_fd) {
        _cleanup_close_ int fd = open(mount->point, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
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

/* Those that show the file system whole, or the others. */
static int visit_some(
        FILE *list, const char *device, bool whole, bool *ret_found, MountsVisit visit, void *userdata) {
        _cleanup_free_ char *line = NULL;
        size_t room = 0;
        Mount mount;

        rewind(list);
        while (getline(&line, &room, list) >= 0) {
                _cleanup_close_ int mount_fd = -EBADF;
                int r;

                if (!parse_line(line, &mount) || strcmp(mount.device, device) != 0)
                        continue;
                *ret_found = true;
                if ((strcmp(mount.root, "/") == 0) != whole || open_mount(&mount, &mount_fd) < 0)
                        continue;
                r = visit(mount_fd, userdata);
                if (r != -EXDEV)
                        return r;
        }
        return -EXDEV;
}

int mounts_visit_device(int mountinfo_fd, const char *device, MountsVisit visit, void *userdata) {
        _cleanup_fclose_ FILE *list = NULL;
        bool found = false;
        int r;

        r = open_list(mountinfo_fd, &list);
        if (r < 0)
                return r;
        r = visit_some(list, device, true, &found, visit, userdata);
        if (r != -EXDEV)
                return r;
        if (!found)
                return MOUNTS_NONE;
        return visit_some(list, device, false, &found, visit, userdata);
}
