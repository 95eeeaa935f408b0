/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stop-helpers N: starts N processes, one after the other, each of which restricts itself with landlock(7).
 * For each of them the worker forks a helper, which takes on the process's user; from then on that user may
 * send it signals.  This program stops it at that moment: the helper has one of the next pids.  Prints how
 * many helpers were stopped.  Must run in a PID namespace in which no other program forks. */

#include <linux/landlock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* More than a new worker and a helper process take. */
#define PIDS 8

static pid_t fork_restricted(int go_fd) {
        const struct landlock_ruleset_attr rules = {.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_DIR};
        pid_t pid = fork();
        char byte;

        if (pid != 0)
                return pid;
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (void)!read(go_fd, &byte, 1);
        (void)syscall(SYS_landlock_restrict_self,
                syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0), 0);
        _exit(0);
}

/* Tries for one to two seconds.  Returns the pid of the process that it stopped, or 0. */
static pid_t stop_next(pid_t last) {
        for (time_t end = time(NULL) + 2; time(NULL) < end;)
                for (pid_t pid = last + 1; pid <= last + PIDS; pid++)
                        if (kill(pid, SIGSTOP) == 0)
                                return pid;
        return 0;
}

int main(int argc, char **argv) {
        int n = argc == 2 ? atoi(argv[1]) : 0, stopped = 0;

        for (int i = 0; i < n; i++) {
                int go[2];
                pid_t pid;

                if (pipe(go) < 0 || (pid = fork_restricted(go[0])) < 0)
                        return 1;
                (void)!write(go[1], "", 1);
                stopped += stop_next(pid) != 0;
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                (void)close(go[0]);
                (void)close(go[1]);
        }
        (void)printf("%d\n", stopped);
        return 0;
}
