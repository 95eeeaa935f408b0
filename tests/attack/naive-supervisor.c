/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* naive-supervisor KIND WORD COMMAND...: runs a command under a supervisor with a well-known weakness.  An
 * attack must succeed against it; otherwise the attack proves nothing when it fails against snotifyd.  Each
 * kind traps mkdir(2) and mkdirat(2) by their x86-64 numbers and nothing else.  KIND is
 *
 *      refuse    the filter refuses both calls; WORD is ignored
 *      continue  a supervisor reads the path, refuses it if WORD is in it, and otherwise lets the kernel
 *                continue the call
 *      resolve   a supervisor resolves the parent directory, refuses the call if WORD is in the real path,
 *                and otherwise creates the directory by the path that it was given */

#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096U

__attribute__((noreturn)) static void fail(const char *what) {
        perror(what);
        exit(255);
}

static int install(uint32_t action, unsigned flags) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 1, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, action),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof(instructions) / sizeof(instructions[0]), instructions};
        long fd;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                fail("naive-supervisor:  no_new_privs");
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
        if (fd < 0)
                fail("naive-supervisor:  seccomp");
        return (int)fd;
}

/* The tests' paths end on the page on which they begin. */
static int read_path(const struct seccomp_notif *request, char *ret_path) {
        uint64_t address = request->data.args[request->data.nr == SYS_mkdirat ? 1 : 0];
        struct iovec local = {ret_path, PAGE - address % PAGE};
        struct iovec remote = {(void *)(uintptr_t)address, local.iov_len};

        memset(ret_path, 0, PAGE + 1);
        return process_vm_readv((pid_t)request->pid, &local, 1, &remote, 1, 0) < 0 ? EFAULT : 0;
}

/* The path must be absolute and have a parent.  Returns an errno. */
static int make_by_path(const char *path, const char *word) {
        char parent[PAGE + 1], real[PATH_MAX];

        if (!strchr(path, '/'))
                return EINVAL;
        (void)strcpy(parent, path);
        *strrchr(parent, '/') = '\0';
        if (!realpath(parent, real))
                return errno;
        if (strstr(real, word))
                return EPERM;
        return mkdir(path, 0755) < 0 ? errno : 0;
}

static void answer(int listener_fd, const char *kind, const char *word) {
        struct seccomp_notif request = {};
        struct seccomp_notif_resp response = {};
        char path[PAGE + 1];
        int error;

        if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
                return;
        response.id = request.id;
        error = read_path(&request, path);
        if (error == 0 && strcmp(kind, "resolve") == 0)
                error = make_by_path(path, word);
        else if (error == 0 && strstr(path, word))
                error = EPERM;
        else if (error == 0)
                response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        response.error = -error;
        (void)ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static void become(int socket_fd, char **command) {
        int listener_fd = install(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);

        if (write(socket_fd, &listener_fd, sizeof(listener_fd)) != sizeof(listener_fd) ||
                read(socket_fd, &listener_fd, 1) != 1)
                fail("naive-supervisor:  hand over");
        (void)execvp(command[0], command);
        fail(command[0]);
}

static int supervise(const char *kind, const char *word, char **command) {
        int ends[2], listener_fd, pid_fd, status;
        struct pollfd fd = {.events = POLLIN};
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                fail("naive-supervisor:  socketpair");
        pid = fork();
        if (pid == 0)
                become(ends[1], command);
        pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (read(ends[0], &listener_fd, sizeof(listener_fd)) != sizeof(listener_fd))
                fail("naive-supervisor:  listener");
        fd.fd = (int)syscall(SYS_pidfd_getfd, pid_fd, listener_fd, 0);
        if (fd.fd < 0 || write(ends[0], "", 1) != 1)
                fail("naive-supervisor:  take over");
        for (;;) {
                if (poll(&fd, 1, 10) > 0 && (fd.revents & POLLIN))
                        answer(fd.fd, kind, word);
                else if (waitpid(pid, &status, WNOHANG) == pid)
                        return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
        }
}

int main(int argc, char **argv) {
        if (argc < 4)
                return 255;
        if (strcmp(argv[1], "refuse") != 0)
                return supervise(argv[1], argv[2], argv + 3);
        (void)install(SECCOMP_RET_ERRNO | EPERM, 0);
        (void)execvp(argv[3], argv + 3);
        fail(argv[3]);
}
