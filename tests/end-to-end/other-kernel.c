/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* other-kernel KIND COMMAND...: runs a command as if on another kernel, on which
 *
 *      no-seccomp           seccomp(2) always fails with EINVAL
 *      no-wait-killable     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is unknown (before Linux 5.19)
 *      no-passrights        SO_PASSRIGHTS is unknown (before Linux 6.16)
 *      no-chmod             the mode of a file cannot be changed by its path
 *      large-notifications  SECCOMP_GET_NOTIF_SIZES reports structures of 4096 bytes
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noreturn)) static void fail(const char *what) {
        perror(what);
        exit(255);
}

/* Applies action to seccomp() where its argument's lower half has one of bits, or, with equal, is bits. */
static int install(unsigned argument, uint32_t bits, int equal, uint32_t action, unsigned flags) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * argument),
                BPF_JUMP(BPF_JMP | (equal ? BPF_JEQ : BPF_JSET) | BPF_K, bits, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, action),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof(instructions) / sizeof(instructions[0]), instructions};
        long fd;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                fail("no_new_privs");
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
        if (fd < 0)
                fail("seccomp");
        return (int)fd;
}

static void forbid_passrights(void) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * 2),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 83, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof(instructions) / sizeof(instructions[0]), instructions};

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
                fail("seccomp");
}

static void forbid_chmod(void) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chmod, 1, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fchmodat, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof(instructions) / sizeof(instructions[0]), instructions};

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
                fail("seccomp");
}

static void answer_sizes(int listener_fd) {
        struct seccomp_notif_sizes sizes = {4096, 4096, 64};
        struct seccomp_notif request = {};
        struct seccomp_notif_resp response = {};
        struct iovec local = {&sizes, sizeof(sizes)}, remote = {.iov_len = sizeof(sizes)};

        if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
                return;
        remote.iov_base = (void *)(uintptr_t)request.data.args[2];
        response.id = request.id;
        if (process_vm_writev((pid_t)request.pid, &local, 1, &remote, 1, 0) < 0)
                response.error = -EFAULT;
        (void)ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/* The listener is closed on exec, so that only this process holds it. */
static int supervise(int listener_fd, char **command) {
        struct pollfd fds = {.fd = listener_fd, .events = POLLIN};
        pid_t pid = fork();
        int status;

        if (pid < 0)
                fail("fork");
        if (pid == 0) {
                (void)execvp(command[0], command);
                fail(command[0]);
        }
        for (;;) {
                if (poll(&fds, 1, 10) > 0 && (fds.revents & POLLIN))
                        answer_sizes(listener_fd);
                if (waitpid(pid, &status, WNOHANG) == pid)
                        return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
        }
}

int main(int argc, char **argv) {
        if (argc < 3)
                return 255;
        if (strcmp(argv[1], "large-notifications") == 0)
                return supervise(install(0, SECCOMP_GET_NOTIF_SIZES, 1, SECCOMP_RET_USER_NOTIF,
                                         SECCOMP_FILTER_FLAG_NEW_LISTENER),
                        argv + 2);
        if (strcmp(argv[1], "no-seccomp") == 0) {
                (void)install(0, UINT32_MAX, 0, SECCOMP_RET_ERRNO | EINVAL, 0);
                /* 0 has no bits to match.  No program here uses SECCOMP_SET_MODE_STRICT, which is 0. */
        } else if (strcmp(argv[1], "no-wait-killable") == 0)
                (void)install(1, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, 0, SECCOMP_RET_ERRNO | EINVAL, 0);
        else if (strcmp(argv[1], "no-passrights") == 0)
                forbid_passrights();
        else if (strcmp(argv[1], "no-chmod") == 0)
                forbid_chmod();
        else
                return 255;
        (void)execvp(argv[2], argv + 2);
        fail(argv[2]);
}
