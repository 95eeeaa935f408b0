/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A session whose supervisor is gone: its calls fail with ENOSYS, and its tasks may install a filter with a
 * listener of their own, whose verdict counts more than that failure.  A thread of the workload then lets
 * the kernel continue the calls.
 *
 *      guard-orphan TREE   creates TREE/open/first, and waits until that call fails with ENOSYS
 *
 * Then it tries the same call, with the same registers, and other ones, and prints "WAY: created" or an
 * error for each.  Exits with 0, or with 255 and a reason. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guard-ring.h"

#define WAIT_MSEC 60000U

static char path[4096];
static int listener_fd = -1;

__attribute__((noreturn)) static void fail(const char *what) {
        (void)printf("%s: %s\n", what, strerror(errno));
        (void)fflush(stdout);
        _exit(255);
}

static void tell(const char *way, int error) {
        (void)printf("%s: %s\n", way, error == 0 ? "created" : strerrorname_np(error));
        (void)fflush(stdout);
}

/* Nothing that this thread does needs an answer of its own. */
__attribute__((noreturn)) static void *let_continue(void *argument) {
        struct seccomp_notif request;
        struct seccomp_notif_resp response;

        (void)argument;
        for (;;) {
                memset(&request, 0, sizeof(request));
                if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
                        continue;
                response = (struct seccomp_notif_resp){
                        .id = request.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
                (void)ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
        }
}

/* Of mkdir(2) alone; no_new_privs is set since the session's begin, or this process has CAP_SYS_ADMIN. */
static int install(void) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof(instructions) / sizeof(instructions[0]), instructions};

        return (int)syscall(
                SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static int make(void) {
        return syscall(SYS_mkdir, path, 0755, 0, 0, 0, 0) < 0 ? errno : 0;
}

static void wait_for_the_end(void) {
        static const struct timespec moment = {.tv_nsec = 1000000};

        for (unsigned i = 0; i < WAIT_MSEC; i++) {
                int error = make();

                if (error == ENOSYS)
                        return;
                if (error != 0 || rmdir(path) < 0)
                        fail("the allowed call");
                if (i == 0)
                        tell("first", 0);
                (void)nanosleep(&moment, NULL);
        }
        errno = ETIME;
        fail("the end of the supervisor");
}

static void try_ring(const char *tree) {
        Ring ring;
        int error = ring_open(0, &ring);

        (void)snprintf(path, sizeof(path), "%s/shut/ring", tree);
        if (error == 0)
                error = ring_mkdir(&ring, path, 0, 0);
        tell("ring", error);
}

int main(int argc, char **argv) {
        pthread_t thread;

        if (argc != 2)
                return 255;
        (void)snprintf(path, sizeof(path), "%s/open/first", argv[1]);
        wait_for_the_end();
        listener_fd = install();
        if (listener_fd < 0)
                fail("a listener of its own");
        if (pthread_create(&thread, NULL, let_continue, NULL) != 0)
                fail("a thread");
        tell("same", make());
        (void)rmdir(path);
        (void)snprintf(path, sizeof(path), "%s/shut/first", argv[1]);
        tell("shut", make());
        try_ring(argv[1]);
        return 0;
}
