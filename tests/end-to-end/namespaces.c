/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namespaces CALL WHAT: creates or enters namespaces.  CALL is unshare, clone, clone3 or setns (to the
 * namespace in which the program already is), or one of these with "int80-" before it.  WHAT is user, mnt,
 * both, net or none; or, for setns, any: the user namespace, without naming its kind.  The exit status is
 * the errno.
 *
 *      namespaces sandbox COMMAND...   as browsers do: COMMAND in a user namespace of its own, or else,
 * where there is none to be had, without; says which, on stderr */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { I386_CLONE = 120, I386_UNSHARE = 310, I386_SETNS = 346, I386_CLONE3 = 435 };

static long int80(long nr, uint64_t a, uint64_t b) {
        long result = nr;

        __asm__ volatile("int $0x80"
                         : "+a"(result)
                         : "b"(a), "c"(b), "d"(0L), "S"(0L), "D"(0L)
                         : "memory", "r8", "r9", "r10", "r11");
        if (result >= 0)
                return result;
        errno = (int)-result;
        return -1;
}

static uint64_t flags_of(const char *what) {
        if (strcmp(what, "user") == 0)
                return CLONE_NEWUSER;
        if (strcmp(what, "mnt") == 0)
                return CLONE_NEWNS;
        if (strcmp(what, "both") == 0)
                return CLONE_NEWUSER | CLONE_NEWNS;
        return strcmp(what, "net") == 0 ? CLONE_NEWNET : 0;
}

static int open_namespace(const char *what) {
        char path[64];

        (void)snprintf(path, sizeof(path), "/proc/self/ns/%s", strcmp(what, "any") == 0 ? "user" : what);
        return open(path, O_RDONLY | O_CLOEXEC);
}

/* Memory with an address of 32 bits. */
static struct clone_args *low_arguments(uint64_t flags) {
        struct clone_args *low =
                mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

        if (low == MAP_FAILED)
                exit(255);
        *low = (struct clone_args){.flags = flags, .exit_signal = SIGCHLD};
        return low;
}

static long make(const char *call, int with_int80, uint64_t flags, const char *what) {
        if (strcmp(call, "unshare") == 0)
                return with_int80 ? int80(I386_UNSHARE, flags, 0) : syscall(SYS_unshare, flags);
        if (strcmp(call, "setns") == 0)
                return with_int80 ? int80(I386_SETNS, (uint64_t)open_namespace(what), flags)
                                  : syscall(SYS_setns, open_namespace(what), flags);
        if (strcmp(call, "clone") == 0)
                return with_int80 ? int80(I386_CLONE, flags | SIGCHLD, 0)
                                  : syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
        if (strcmp(call, "clone3") != 0)
                exit(255);
        return with_int80 ? int80(I386_CLONE3, (uintptr_t)low_arguments(flags), sizeof(struct clone_args))
                          : syscall(SYS_clone3, low_arguments(flags), sizeof(struct clone_args));
}

static int run_in_sandbox(char **command) {
        long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
        int status = 0;

        if (pid < 0) {
                (void)fprintf(stderr, "no sandbox: %s\n", strerror(errno));
                pid = fork();
        } else if (pid > 0)
                (void)fputs("sandbox\n", stderr);
        if (pid == 0) {
                (void)execvp(command[0], command);
                _exit(127);
        }
        if (pid < 0 || waitpid((pid_t)pid, &status, 0) < 0 || !WIFEXITED(status))
                return 255;
        return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
        const char *call;
        int with_int80;
        long r;

        if (argc < 3)
                return 255;
        if (strcmp(argv[1], "sandbox") == 0)
                return run_in_sandbox(argv + 2);
        with_int80 = strncmp(argv[1], "int80-", 6) == 0;
        call = argv[1] + (with_int80 ? 6 : 0);
        r = make(call, with_int80, flags_of(argv[2]), argv[2]);
        if (r < 0)
                return errno;
        if (r == 0 && strncmp(call, "clone", 5) == 0)
                _exit(0); /* the child */
        while (r > 0 && waitpid((pid_t)r, NULL, 0) < 0 && errno == EINTR)
                ;
        return 0;
}
