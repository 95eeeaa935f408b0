/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* debugger seize|attach PID: stops a process as debuggers do, waits until it has stopped, prints its system
 * call and the result ("?" if the call has not returned yet), and lets the process continue. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
        struct user_regs_struct registers;
        int status;
        pid_t pid;
        long r;

        if (argc != 3)
                return 2;
        pid = atoi(argv[2]);
        r = ptrace(strcmp(argv[1], "seize") == 0 ? PTRACE_SEIZE : PTRACE_ATTACH, pid, NULL, NULL);
        if (r == 0 && strcmp(argv[1], "seize") == 0)
                r = ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
        if (r < 0 || waitpid(pid, &status, __WALL) < 0 || !WIFSTOPPED(status) ||
                ptrace(PTRACE_GETREGS, pid, NULL, &registers) < 0) {
                perror("cannot stop it");
                return 1;
        }
        if ((long)registers.rax == -ENOSYS)
                printf("%lld ?\n", (long long)registers.orig_rax);
        else
                printf("%lld %lld\n", (long long)registers.orig_rax, (long long)registers.rax);
        return ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0;
}
