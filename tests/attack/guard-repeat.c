/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the same call, with the same registers, again and again, for a minute at most.
 *
 *      guard-repeat allowed CALLS PATH   creates PATH and removes it, until that fails: exits with the errno
 *      guard-repeat denied CALLS PATH    tries to create PATH, and exits with 255 when it has
 *
 * Prints "created" at the first success, and an error at the end. */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
        bool is_allowed = argc == 4 && strcmp(argv[1], "allowed") == 0, said = false;
        time_t end = time(NULL) + 60;
        int error = 0;

        if (argc != 4)
                return 255;
        for (unsigned long n = strtoul(argv[2], NULL, 10); n > 0 && time(NULL) < end; n--) {
                error = syscall(SYS_mkdir, argv[3], 0755, 0, 0, 0, 0) < 0 ? errno : 0;
                if (error == 0 && !is_allowed)
                        return 255;
                if (error == 0 && !said) {
                        (void)puts("created");
                        (void)fflush(stdout);
                        said = true;
                }
                if (is_allowed && (error != 0 || rmdir(argv[3]) < 0))
                        break;
        }
        (void)puts(error == 0 ? "no error" : strerrorname_np(error));
        return error;
}
