/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A task may have thousands of filters; a guard that looks for the session's own among them must look at
 * them all.
 *
 *      guard-chain N TREE   installs N filters that allow everything, creates TREE/open/chain, and
 *                           TREE/shut/ring through a ring, and TREE/shut/chain
 *      guard-chain run N COMMAND...   runs a command under so many
 *
 * Prints "WAY: created", or an error, and how many filters there are.  Exits with 0. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard-ring.h"

static char path[4096];

static const char *path_of(const char *tree, const char *rest) {
        (void)snprintf(path, sizeof(path), "%s/%s", tree, rest);
        return path;
}

static void tell(const char *way, int error) {
        (void)printf("%s: %s\n", way, error == 0 ? "created" : strerrorname_np(error));
}

static unsigned long stack_filters(unsigned long n) {
        struct sock_filter instructions[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
        struct sock_fprog program = {1, instructions};
        unsigned long i;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                exit(255);
        for (i = 0; i < n; i++)
                if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
                        break;
        return i;
}

int main(int argc, char **argv) {
        Ring ring;
        int error;

        if (argc > 3 && strcmp(argv[1], "run") == 0) {
                (void)stack_filters(strtoul(argv[2], NULL, 10));
                (void)execvp(argv[3], argv + 3);
                return 255;
        }
        if (argc != 3)
                return 255;
        (void)printf("filters: %lu\n", stack_filters(strtoul(argv[1], NULL, 10)));
        tell("open", mkdir(path_of(argv[2], "open/chain"), 0755) < 0 ? errno : 0);
        error = ring_open(0, &ring);
        if (error == 0)
                error = ring_mkdir(&ring, path_of(argv[2], "shut/ring"), 0, 0);
        tell("ring", error);
        tell("shut", mkdir(path_of(argv[2], "shut/chain"), 0755) < 0 ? errno : 0);
        return 0;
}
