/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tries the guard.  Run by the process that loads the guard, which has no other child.  Must never wait for
 * ever: a guard that does not work may leave the child in any state. */

#include "guard/self-test.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/message.h"
#include "common/notify.h"
#include "common/ownership.h"
#include "ebpf/trial.h"

#define PATIENCE_MSEC 10000
#define NAME "probe"

/* What the child calls mkdirat() for, in this order, and what the permit says. */
typedef struct Attempt {
        bool has_permit;
        int error;    /* of the permit */
        int expected; /* what mkdirat() gives */
        const char *complaint;
} Attempt;

static const Attempt attempts[] = {
        {false, 0, -EPERM, "lets a directory be created that no permit names"},
        {true, -EROFS, -EROFS, "does not give the error of a permit"},
        {true, 0, 0, "does not let a directory be created that a permit names"},
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

typedef struct Trial {
        const Guard *guard;
        int socket_fd;
        int dir_fd;
        int listener_fd;
} Trial;

/* The child. */
static int call(int socket_fd, int dir_fd) {
        int listener_fd = trial_install_filter(), result = listener_fd < 0 ? listener_fd : 0;

        if (message_send(socket_fd, &result, sizeof(result), listener_fd) < 0 || listener_fd < 0)
                return EXIT_FAILURE;
        fd_close(listener_fd);
        for (size_t i = 0; i < ATTEMPTS; i++) {
                result = mkdirat(dir_fd, NAME, 0700) < 0 ? -errno : 0;
                if (message_send(socket_fd, &result, sizeof(result), -EBADF) < 0)
                        return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}

static bool is_readable(int fd) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

        return poll(&poll_fd, 1, PATIENCE_MSEC) == 1 && poll_fd.revents & POLLIN;
}

static int leave_permit(const Trial *trial, uint64_t id, int error) {
        GuardPermitRequest request = {
                .id = id,
                .listener_fd = trial->listener_fd,
                .parent_fd = trial->dir_fd,
                .error = error,
                .name_length = sizeof(NAME) - 1,
                .name = NAME,
        };

        return guard_run_permit(trial->guard, &request);
}

/* Lets the kernel continue the child's next call.  Returns the call's result in *ret_result, and NULL or a
 * complaint. */
static const char *attempt_run(const Trial *trial, const Attempt *attempt, int *ret_result) {
        NotifyRequest request = {};
        NotifyReply reply;

        if (!is_readable(trial->listener_fd) || notify_receive(trial->listener_fd, &request) != 0)
                return "is not reached by calls";
        if (attempt->has_permit && leave_permit(trial, request.notif.id, attempt->error) < 0)
                return "takes no permits";
        notify_continue(&reply, request.notif.id);
        if (notify_send(trial->listener_fd, &reply) != 0 || !is_readable(trial->socket_fd) ||
                message_receive(trial->socket_fd, ret_result, sizeof(*ret_result), NULL) !=
                        sizeof(*ret_result))
                return "does not let calls return";
        return NULL;
}

static const char *run_attempts(const Trial *trial) {
        const char *complaint;
        int result = 0;

        for (size_t i = 0; i < ATTEMPTS; i++) {
                complaint = attempt_run(trial, &attempts[i], &result);
                if (!complaint && result != attempts[i].expected)
                        complaint = attempts[i].complaint;
                if (complaint)
                        return complaint;
        }
        return NULL;
}

static const char *guard_child(Trial *trial) {
        const char *complaint;
        int result = -EPIPE;

        if (!is_readable(trial->socket_fd) ||
                message_receive(trial->socket_fd, &result, sizeof(result), &trial->listener_fd) < 0 ||
                trial->listener_fd < 0)
                return "cannot be tried: its trial could install no filter";
        if (guard_learn_listeners(trial->guard, trial->listener_fd) < 0)
                return "cannot tell listeners from other files";
        if (guard_enter_session(trial->guard, trial->listener_fd, 0, 0) < 0)
                return "takes no sessions";
        complaint = run_attempts(trial);
        if (guard_remove_session(trial->guard, trial->listener_fd) < 0 && !complaint)
                complaint = "does not let sessions go";
        return complaint;
}

/* A file system that is mounted nowhere, so that no other process sees the trial. */
static int open_tmpfs(void) {
        _cleanup_close_ int context_fd = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
        _cleanup_close_ int mount_fd = -EBADF;
        int fd;

        if (context_fd < 0 || syscall(SYS_fsconfig, context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        mount_fd = (int)syscall(SYS_fsmount, context_fd, FSMOUNT_CLOEXEC, 0);
        if (mount_fd < 0)
                return -errno;
        fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* The child closes the parent's end: only then does a parent that dies end the child's waiting. */
static pid_t fork_child(int sockets[2], int dir_fd) {
        pid_t pid = fork();

        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                fd_close(sockets[0]);
                _exit(call(sockets[1], dir_fd));
        }
        sockets[1] = fd_close(sockets[1]);
        return pid;
}

const char *guard_self_test(const Guard *guard) {
        _cleanup_close_ int dir_fd = open_tmpfs();
        Trial trial = {.guard = guard, .dir_fd = dir_fd, .listener_fd = -EBADF};
        const char *complaint;
        int sockets[2];
        pid_t pid;

        if (dir_fd < 0)
                return "cannot be tried: snotifyd cannot create a tmpfs";
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
                return "cannot be tried: there are no sockets";
        pid = fork_child(sockets, dir_fd);
        trial.socket_fd = sockets[0];
        complaint = pid < 0 ? "cannot be tried: its trial cannot be forked" : guard_child(&trial);
        fd_close(trial.listener_fd);
        fd_close(sockets[0]);
        if (pid > 0) {
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
        }
        return complaint;
}
