/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A user who may not search a directory must not learn what is in it.  A supervisor may search it, and its
 * errors can leak: EEXIST, or the error of a rule where the target's own call fails with EACCES.
 *
 *      secrets FD DIRECTORY   DIRECTORY is open as FD, is the working directory, and contains dir/, file and
 *                             link -> dir; the user may not search it
 *
 * Prints each call for an existing name that does not fail as a call for a missing name does, and exits
 * with 1. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const there[] = {"dir", "file", "link", "dangling", "dir/inner", "dir/new", "file/new",
        "link/new", "link/inner", "dir/..", "dir/../new", "dir/.", "dir/"};

static int error_of(int dir_fd, const char *path) {
        return mkdirat(dir_fd, path, 0755) < 0 ? errno : 0;
}

/* Does a call tell whether path exists in the directory that before leads to? */
static int is_leaked(int dir_fd, const char *before, const char *path) {
        char name[4096], missing[4096];
        int error, expected;

        (void)snprintf(name, sizeof(name), "%s%s", before, path);
        (void)snprintf(
                missing, sizeof(missing), "%snothing%s", before, strchr(path, '/') ? strchr(path, '/') : "");
        error = error_of(dir_fd, name);
        expected = error_of(dir_fd, missing);
        if (error == expected && error == EACCES)
                return 0;
        (void)printf("%s: %d, %s: %d\n", name, error, missing, expected);
        return 1;
}

int main(int argc, char **argv) {
        char before[4000];
        int failures = 0;

        if (argc != 3)
                return 255;
        for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
                (void)snprintf(before, sizeof(before), "%s/", argv[2]);
                failures += is_leaked(AT_FDCWD, before, there[i]);
                (void)snprintf(before, sizeof(before), "%s/../%s/", argv[2], strrchr(argv[2], '/') + 1);
                failures += is_leaked(AT_FDCWD, before, there[i]);
                (void)snprintf(before, sizeof(before), "/proc/self/fd/%s/", argv[1]);
                failures += is_leaked(AT_FDCWD, before, there[i]);
                failures += is_leaked(AT_FDCWD, "/proc/self/cwd/", there[i]);
                failures += is_leaked(AT_FDCWD, "", there[i]);
                failures += is_leaked(AT_FDCWD, "./", there[i]);
                failures += is_leaked(atoi(argv[1]), "", there[i]);
        }
        return failures > 0;
}
