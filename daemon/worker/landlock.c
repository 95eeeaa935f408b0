/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Marks processes that restrict themselves with landlock(7).  Run by the worker, raised.  Owns nothing. Must
 * never take a mark away. */

#include "landlock.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/ownership.h"

/* Just below what everybody has. */
#define MARK (RLIM_INFINITY - 1)

/* How long it may take to set one. */
#define PATIENCE_MSEC 1000

/* It fails without one of these (landlock_restrict_self(2)). */
static bool may_restrict_itself(const TargetStatus *status) {
        return status->no_new_privs || (status->identity.capabilities >> CAP_SYS_ADMIN & 1);
}

static int set_mark(pid_t tgid) {
        static const struct rlimit mark = {MARK, MARK};

        return prlimit(tgid, RLIMIT_LOCKS, &mark, NULL) < 0 ? -errno : 0;
}

/* Whoever can stop it is the target's user, who must not keep us here. */
static void wait_or_kill(pid_t pid) {
        struct pollfd fd = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

        if (fd.fd < 0 || poll(&fd, 1, PATIENCE_MSEC) <= 0)
                (void)kill(pid, SIGKILL);
        fd_close(fd.fd);
}

static int be_user_and_mark(const TargetStatus *status) {
        if (setgroups(0, NULL) < 0 || setresgid(status->gids[1], status->gids[1], status->gids[1]) < 0 ||
                setresuid(status->uids[1], status->uids[1], status->uids[1]) < 0 ||
                prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return -errno;
        return set_mark(status->tgid);
}

/* Without CAP_SYS_RESOURCE, which a container may not have, only a process of the same user may. */
static int set_mark_as_user(const TargetStatus *status) {
        pid_t pid = child_fork("snotifyd-deputy", NULL, 0);
        int exit_status, r;

        if (pid < 0)
                return (int)pid;
        if (pid == 0)
                _exit(-be_user_and_mark(status));
        wait_or_kill(pid);
        do
                r = (int)waitpid(pid, &exit_status, 0);
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        return WIFEXITED(exit_status) ? -WEXITSTATUS(exit_status) : -EPIPE;
}

/* From proc_pid_limits(5): "Max file locks", the soft limit, the hard one.  What can't be read is a mark. */
static bool limits_are_marked(const char *text) {
        static const char name[] = "\nMax file locks", unlimited[] = "unlimited";
        const char *limit = strstr(text, name);

        if (!limit)
                return true;
        limit += strlen(name);
        limit += strspn(limit, " ");
        limit += strcspn(limit, " ");
        limit += strspn(limit, " ");
        return strncmp(limit, unlimited, strlen(unlimited)) != 0;
}

int landlock_is_marked(Target *target) {
        _cleanup_close_ int fd = -EBADF;
        char text[4096];
        ssize_t n;
        int r;

        r = target_open_file(target, "limits", &fd);
        if (r != 0)
                return r < 0 ? r : -ESRCH;
        n = read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return -errno;
        if (n == 0)
                return -ESRCH;
        text[n] = '\0';
        return limits_are_marked(text);
}

int landlock_mark(Target *target, const TargetStatus *status, int fd) {
        int r;

        r = target_has_ruleset(target, fd);
        if (r <= 0 || !may_restrict_itself(status))
                return r < 0 ? r : 0;
        r = landlock_is_marked(target);
        if (r != 0)
                return r < 0 ? r : 0;
        r = set_mark(status->tgid);
        return r == -EPERM ? set_mark_as_user(status) : r;
}
