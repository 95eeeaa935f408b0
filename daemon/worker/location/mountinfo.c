/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parses mountinfo files.  Run by the worker.  Owns nothing.  Must never identify a mount by its mount
 * point: another mount may hide it there. */

#include "worker/location/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/ownership.h"

/* The kernel writes blanks, newlines and backslashes as \ooo (mangle_path() in fs/seq_file.c). */
static void unescape(char *text) {
        char *to = text;

        for (const char *from = text; *from != '\0'; from++)
                if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
                        *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
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

/* Reads a decimal number at *text and advances *text past it. */
static bool take_number(const char **text, uint64_t max, uint64_t *ret) {
        char *end;

        if (**text < '0' || **text > '9')
                return false;
        errno = 0;
        *ret = strtoull(*text, &end, 10);
        *text = end;
        return errno == 0 && *ret <= max;
}

static bool parse_device(const char *text, uint64_t *ret) {
        uint64_t major, minor;

        if (!take_number(&text, UINT32_MAX, &major) || *text++ != ':' ||
                !take_number(&text, UINT32_MAX, &minor) || *text != '\0')
                return false;
        *ret = mounts_device((uint32_t)major, (uint32_t)minor);
        return true;
}

static const char *next_or_empty(char **line) {
        const char *field = next_field(line);

        return field ? field : "";
}

/* A number of optional fields comes first.  After them come "-", type, source and options. */
static void parse_rest(char *line, Mount *ret) {
        const char *field;

        do
                field = next_field(&line);
        while (field && strcmp(field, "-") != 0);
        ret->type = next_or_empty(&line);
        (void)next_field(&line); /* the source */
        ret->options = next_or_empty(&line);
}

bool mounts_parse(char *line, Mount *ret) {
        const char *id = next_field(&line), *parent = next_field(&line), *device = next_field(&line);
        char *root = next_field(&line), *point = next_field(&line);

        if (!parent || !point || !take_number(&id, UINT64_MAX, &ret->id) || *id != '\0' ||
                !parse_device(device, &ret->device))
                return false;
        unescape(root);
        unescape(point);
        ret->root = root;
        ret->point = point;
        parse_rest(line, ret);
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

/* The kernel writes pgrp= in autofs_show_options() (fs/autofs/inode.c). */
pid_t mounts_automounter(const char *options) {
        const char *found = strstr(options, ",pgrp=");
        uint64_t number;

        if (!found)
                return 0;
        found += strlen(",pgrp=");
        return take_number(&found, INT32_MAX, &number) ? (pid_t)number : 0;
}

int mounts_have_automounter(int mountinfo_fd, pid_t group) {
        _cleanup_fclose_ FILE *list = NULL;
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        Mount mount;
        int r;

        r = open_list(mountinfo_fd, &list);
        if (r < 0)
                return r;
        while (getline(&line, &size, list) >= 0) {
                line[strcspn(line, "\n")] = '\0';
                if (mounts_parse(line, &mount) && strcmp(mount.type, "autofs") == 0 &&
                        mounts_automounter(mount.options) == group)
                        return 1;
        }
        return 0;
}

typedef struct Search {
        uint64_t id;
        uint64_t *device;
        char *root;
        size_t size;
} Search;

static int take(const Mount *mount, const Search *search) {
        if (search->device)
                *search->device = mount->device;
        if (search->root && snprintf(search->root, search->size, "%s", mount->root) >= (int)search->size)
                return -ENAMETOOLONG;
        return 0;
}

static int find(int mountinfo_fd, const Search *search) {
        _cleanup_fclose_ FILE *list = NULL;
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        Mount mount;
        int r;

        r = open_list(mountinfo_fd, &list);
        if (r < 0)
                return r;
        /* getline() returns -1 both on error and at the end: only errno differs. */
        for (errno = 0; getline(&line, &size, list) >= 0; errno = 0) {
                line[strcspn(line, "\n")] = '\0';
                if (mounts_parse(line, &mount) && mount.id == search->id)
                        return take(&mount, search);
        }
        return errno != 0 ? -errno : MOUNTS_NONE;
}

int mounts_find_device(int mountinfo_fd, uint64_t mount_id, uint64_t *ret) {
        return find(mountinfo_fd, &(Search){.id = mount_id, .device = ret});
}

int mounts_find_root(int mountinfo_fd, uint64_t mount_id, char *ret, size_t size) {
        return find(mountinfo_fd, &(Search){.id = mount_id, .root = ret, .size = size});
}
