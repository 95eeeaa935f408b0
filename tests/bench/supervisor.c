/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Supervisors that promise nothing.  Each runs in a process that the main process has forked. */

#include "supervisor.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/notify.h"

static int install_filter(SupervisorKind kind) {
        static struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 1, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = {sizeof(instructions) / sizeof(instructions[0]), instructions};
        unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;

        if (kind == SUPERVISOR_BARE) {
                flags |= SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
                instructions[2].jt = 1; /* mkdirat() is not supervised: see workload.c */
        }
        return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* Parent and child share their descriptors until the exec, so that the listener need not be passed. */
static int start_target(SupervisorKind kind, char *const *argv) {
        int ends[2], listener_fd;

        if (pipe2(ends, O_CLOEXEC) < 0)
                err(1, "pipe");
        switch (syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL)) {
        case -1:
                err(1, "clone");
        case 0:
                listener_fd = install_filter(kind);
                if (listener_fd < 0)
                        err(1, "seccomp");
                if (write(ends[1], &listener_fd, sizeof(listener_fd)) != sizeof(listener_fd))
                        err(1, "write");
                (void)execv(argv[0], argv);
                err(1, "%s", argv[0]);
        default:
                if (read(ends[0], &listener_fd, sizeof(listener_fd)) != sizeof(listener_fd))
                        errx(1, "the target did not start");
                return listener_fd;
        }
}

/* Reads the target's path as the manual page does: opens its memory for each call, and checks the id before
 * and after. */
static int read_path(int listener_fd, const struct seccomp_notif *notif, char *ret, size_t size) {
        char name[64];
        ssize_t n;
        int fd, r;

        (void)snprintf(name, sizeof(name), "/proc/%u/mem", notif->pid);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = notify_check_id(listener_fd, notif->id);
        if (r != 0) {
                (void)close(fd);
                return -ESRCH;
        }
        n = pread(fd, ret, size, (off_t)notif->data.args[notif->data.nr == SYS_mkdirat]);
        (void)close(fd);
        if (n <= 0 || notify_check_id(listener_fd, notif->id) != 0)
                return -ESRCH;
        return memchr(ret, '\0', (size_t)n) ? 0 : -EINVAL;
}

static int make_directory(int listener_fd, const struct seccomp_notif *notif) {
        char path[PATH_MAX];

        if (read_path(listener_fd, notif, path, sizeof(path)) < 0)
                return EINVAL;
        if (path[0] != '/')
                return EOPNOTSUPP;
        return mkdir(path, (mode_t)notif->data.args[1]) < 0 ? errno : 0;
}

void supervisor_run(SupervisorKind kind, char *const *argv) {
        int listener_fd = start_target(kind, argv);
        NotifyRequest request;
        NotifyReply reply;

        if (kind == SUPERVISOR_BARE)
                (void)notify_set_sync_wake_up(listener_fd, true);
        for (;;) {
                memset(&request, 0, sizeof(request));
                if (notify_receive(listener_fd, &request) != 0)
                        exit(0); /* the target has exited */
                notify_reply(&reply, request.notif.id, 0,
                        kind == SUPERVISOR_BARE ? 0 : make_directory(listener_fd, &request.notif));
                (void)notify_send(listener_fd, &reply);
        }
}
