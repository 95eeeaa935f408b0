/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads /etc/subuid.  Run by the daemon when it loads a configuration.  Owns nothing.  Must never truncate a
 * number that does not fit. */

#include "handshake/subordinate-ids.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ownership.h"

#define LINE_SIZE 256U
#define OWNER_SIZE 64U

/* A line of /etc/subuid. */
typedef struct Line {
        char owner[OWNER_SIZE];
        SubordinateRange range;
        bool is_found; /* the owner is: range.owner */
} Line;

static bool parse_number(const char *text, uint32_t *ret) {
        unsigned long long number;
        char *end;

        if (!isdigit((unsigned char)*text))
                return false;
        errno = 0;
        number = strtoull(text, &end, 10);
        if (*end != '\0' || errno != 0 || number >= UINT32_MAX)
                return false;
        *ret = (uint32_t)number;
        return true;
}

/* OWNER:START:COUNT, where OWNER is a name or a number. */
static bool parse_line(char *text, Line *ret) {
        char *rest = text, *owner = strsep(&rest, ":"), *start = strsep(&rest, ":"), *count = rest;

        *ret = (Line){};
        if (!start || !count || owner[0] == '\0' || strlen(owner) >= sizeof(ret->owner) ||
                !parse_number(start, &ret->range.start) || !parse_number(count, &ret->range.count))
                return false;
        (void)strcpy(ret->owner, owner);
        ret->is_found = parse_number(owner, &ret->range.owner);
        return true;
}

/* Returns false at the end of the file.  text is empty where a line does not fit. */
static bool read_line(FILE *file, char text[static LINE_SIZE]) {
        size_t length;
        int c;

        if (!fgets(text, LINE_SIZE, file))
                return false;
        length = strlen(text);
        if (length > 0 && text[length - 1] == '\n') {
                text[length - 1] = '\0';
                return true;
        }
        if (feof(file))
                return true;
        do
                c = getc(file);
        while (c != '\n' && c != EOF);
        text[0] = '\0';
        return true;
}

static int read_lines(FILE *file, Line **lines, size_t *n_lines) {
        char text[LINE_SIZE];
        Line line;

        while (*n_lines < SUBORDINATE_IDS_MAX && read_line(file, text)) {
                Line *more;

                if (!parse_line(text, &line))
                        continue;
                more = reallocarray(*lines, *n_lines + 1, sizeof(line));
                if (!more)
                        return -ENOMEM;
                *lines = more;
                more[(*n_lines)++] = line;
        }
        return 0;
}

static int compare_lines(const void *a, const void *b) {
        const Line *one = a, *other = b;

        return strcmp(one->owner, other->owner);
}

/* Fills in the owner of all lines with this user's name. */
static void find_lines(Line *lines, size_t n_lines, const struct passwd *user) {
        Line key = {}, *line;

        if (strlen(user->pw_name) >= sizeof(key.owner))
                return;
        (void)strcpy(key.owner, user->pw_name);
        line = bsearch(&key, lines, n_lines, sizeof(key), compare_lines);
        if (!line)
                return;
        while (line > lines && compare_lines(line - 1, &key) == 0)
                line--;
        for (; line < lines + n_lines && compare_lines(line, &key) == 0; line++)
                if (!line->is_found) {
                        line->range.owner = user->pw_uid;
                        line->is_found = true;
                }
}

/* Refuses a FIFO or a device, which would keep the daemon waiting. */
static int open_file(const char *path, FILE **ret) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        *ret = fdopen(fd, "re");
        if (!*ret)
                return -errno;
        (void)TAKE_FD(fd);
        return 0;
}

static int find_owners(const char *passwd_path, Line *lines, size_t n_lines) {
        _cleanup_fclose_ FILE *file = NULL;
        const struct passwd *user;
        int r;

        r = open_file(passwd_path, &file);
        if (r < 0)
                return r;
        qsort(lines, n_lines, sizeof(*lines), compare_lines);
        while ((user = fgetpwent(file)))
                find_lines(lines, n_lines, user);
        return 0;
}

int subordinate_ids_read(const char *subuid_path, const char *passwd_path, SubordinateIds *ret) {
        _cleanup_free_ Line *lines = NULL;
        _cleanup_fclose_ FILE *file = NULL;
        SubordinateIds ids = {};
        size_t n_lines = 0;
        int r;

        r = open_file(subuid_path, &file);
        if (r == -ENOENT) {
                *ret = ids;
                return 0;
        }
        if (r >= 0)
                r = read_lines(file, &lines, &n_lines);
        if (r >= 0 && n_lines > 0)
                r = find_owners(passwd_path, lines, n_lines);
        if (r < 0)
                return r;
        ids.ranges = calloc(n_lines + 1, sizeof(*ids.ranges));
        if (!ids.ranges)
                return -ENOMEM;
        for (size_t i = 0; i < n_lines; i++)
                if (lines[i].is_found && lines[i].range.owner != 0)
                        ids.ranges[ids.n_ranges++] = lines[i].range;
        *ret = ids;
        return 0;
}

void subordinate_ids_done(SubordinateIds *ids) {
        free(ids->ranges);
        *ids = (SubordinateIds){};
}

uint32_t subordinate_ids_find_owner(const SubordinateIds *ids, uint32_t uid) {
        for (size_t i = 0; i < ids->n_ranges; i++)
                if (uid >= ids->ranges[i].start && uid - ids->ranges[i].start < ids->ranges[i].count)
                        return ids->ranges[i].owner;
        return uid;
}
