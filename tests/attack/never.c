/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls that sound as if they made a directory, of which the filter knows nothing: here, as natively, they
 * must not.  A kernel in which one of them does begins to fail this test.
 *
 *      never PATH EMPTY_DIRECTORY   PATH's parent exists, PATH doesn't.  Says which call made a directory,
 *                                   and exits with 1. */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int made(const char *call, const char *path) {
        struct stat st;

        if (lstat(path, &st) < 0)
                return 0;
        (void)printf("%s made %s\n", call, S_ISDIR(st.st_mode) ? "a directory" : "something");
        return S_ISDIR(st.st_mode) ? 1 : unlink(path) < 0;
}

int main(int argc, char **argv) {
        static const int flags[] = {O_DIRECTORY | O_CREAT, O_DIRECTORY | O_CREAT | O_EXCL,
                O_TMPFILE | O_RDWR | O_CREAT, O_PATH | O_DIRECTORY | O_CREAT};
        int failures = 0;

        if (argc != 3)
                return 255;
        (void)mknod(argv[1], S_IFDIR | 0755, 0);
        failures += made("mknod", argv[1]);
        (void)mknodat(AT_FDCWD, argv[1], S_IFDIR | S_IFREG | 0755, 0);
        failures += made("mknodat", argv[1]);
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
                const struct open_how how = {.flags = (unsigned)flags[i], .mode = S_IFDIR | 0755};

                (void)close(open(argv[1], flags[i], 0755));
                failures += made("open", argv[1]);
                (void)close(open(argv[1], flags[i], S_IFDIR | 0755));
                failures += made("open with S_IFDIR", argv[1]);
                (void)close((int)syscall(SYS_openat2, AT_FDCWD, argv[1], &how, sizeof(how)));
                failures += made("openat2", argv[1]);
        }
        (void)!link(argv[2], argv[1]);
        failures += made("link", argv[1]);
        return failures > 0;
}
