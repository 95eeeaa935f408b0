/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tries system calls that sound as if they created a directory, and that the filter does not trap: on Linux
 * none of them does.  If one does on a future kernel, the test that runs this program fails there.
 *
 *      similar-calls PATH EMPTY_DIRECTORY   PATH does not exist, its parent does.  Prints which call created
 *                                           a directory, and exits with 1. */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int created(const char *call, const char *path) {
        struct stat st;

        if (lstat(path, &st) < 0)
                return 0;
        (void)printf("%s created %s\n", call, S_ISDIR(st.st_mode) ? "a directory" : "something");
        return S_ISDIR(st.st_mode) ? 1 : unlink(path) < 0;
}

int main(int argc, char **argv) {
        static const int flags[] = {O_DIRECTORY | O_CREAT, O_DIRECTORY | O_CREAT | O_EXCL,
                O_TMPFILE | O_RDWR | O_CREAT, O_PATH | O_DIRECTORY | O_CREAT};
        int failures = 0;

        if (argc != 3)
                return 255;
        (void)mknod(argv[1], S_IFDIR | 0755, 0);
        failures += created("mknod", argv[1]);
        (void)mknodat(AT_FDCWD, argv[1], S_IFDIR | S_IFREG | 0755, 0);
        failures += created("mknodat", argv[1]);
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
                const struct open_how how = {.flags = (unsigned)flags[i], .mode = S_IFDIR | 0755};

                (void)close(open(argv[1], flags[i], 0755));
                failures += created("open", argv[1]);
                (void)close(open(argv[1], flags[i], S_IFDIR | 0755));
                failures += created("open with S_IFDIR", argv[1]);
                (void)close((int)syscall(SYS_openat2, AT_FDCWD, argv[1], &how, sizeof(how)));
                failures += created("openat2", argv[1]);
        }
        (void)!link(argv[2], argv[1]);
        failures += created("link", argv[1]);
        return failures > 0;
}
