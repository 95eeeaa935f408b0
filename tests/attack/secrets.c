/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may not search a directory does not learn what is in it.  A supervisor may search it, and its errors
 * can tell: EEXIST, or "denied" where the target's own call would have failed before.
 *
 *      secrets FD DIRECTORY   DIRECTORY, which is open as FD and the working directory, has dir/, file, and
 *                             link -> dir, and may not be searched
 *
 * Ends with 1, and says where, if a call for what is there fails in another way than one for what isn't. */

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

/* Is path, below before, told from the same with other names? */
static int told(int dir_fd, const char *before, const char *path) {
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
                failures += told(AT_FDCWD, before, there[i]);
                (void)snprintf(before, sizeof(before), "%s/../%s/", argv[2], strrchr(argv[2], '/') + 1);
                failures += told(AT_FDCWD, before, there[i]);
                (void)snprintf(before, sizeof(before), "/proc/self/fd/%s/", argv[1]);
                failures += told(AT_FDCWD, before, there[i]);
                failures += told(AT_FDCWD, "/proc/self/cwd/", there[i]);
                failures += told(AT_FDCWD, "", there[i]);
                failures += told(AT_FDCWD, "./", there[i]);
                failures += told(atoi(argv[1]), "", there[i]);
        }
        return failures > 0;
}
