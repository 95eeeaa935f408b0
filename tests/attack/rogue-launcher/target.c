/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Processes with a filter. */

#include "target.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/message.h"
#include "connection.h"

int target_install_filter(void) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof(instructions) / sizeof(instructions[0]), instructions};
        long fd;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                fail("no_new_privs");
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
        if (fd < 0)
                fail("seccomp");
        return (int)fd;
}

void target_knock(uint64_t nonce) {
        (void)syscall(SYS_mkdirat, PROTOCOL_KNOCK_DIRFD, protocol_knock_path(nonce), 0);
}

pid_t target_fork(int *ret_socket_fd) {
        uint64_t nonce = 0;
        int ends[2], fd;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                fail("socketpair");
        pid = fork();
        if (pid < 0)
                fail("fork");
        if (pid == 0) {
                (void)close(ends[0]);
                (void)close(connection_fd);
                fd = target_install_filter();
                if (message_send(ends[1], "", 1, fd) < 0)
                        _exit(255);
                (void)close(fd);
                if (recv(ends[1], &nonce, sizeof(nonce), 0) == sizeof(nonce))
                        target_knock(nonce);
                _exit(0);
        }
        (void)close(ends[1]);
        *ret_socket_fd = ends[0];
        return pid;
}

int target_take_listener(int target_fd) {
        struct pollfd fd = {.fd = target_fd, .events = POLLIN};
        int listener_fd = -1;
        char byte;

        (void)poll(&fd, 1, PATIENCE_MSEC);
        (void)message_receive(target_fd, &byte, 1, &listener_fd);
        return listener_fd;
}
