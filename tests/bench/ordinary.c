/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An ordinary program, with libc: writes to stdout the time (a struct timespec of CLOCK_MONOTONIC) at which
 * its main() began. */

#include <time.h>
#include <unistd.h>

int main(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return write(STDOUT_FILENO, &now, sizeof(now)) == sizeof(now) ? 0 : 1;
}
