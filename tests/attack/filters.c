/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process may put more filters on itself, and what these say of a call competes with what the supervisor's
 * says; and a tracer can turn one call into another after the filters of some kernels have looked.
 *
 *      filters KIND PATH   calls mkdir on PATH, and exits with the errno, under a further filter that says
 *                          of the call
 *
 *      allow               nothing
 *      errno               EIDRM
 *      trace               that a tracer decides; there is none, so that it fails with ENOSYS
 *      notify              that a supervisor decides; there is none, for the filter has no listener
 *      listener            the same, and wants a listener: exits with the errno of that
 *      retrace             nothing, but is traced: makes another call, which a tracer turns into mkdir, as
 * it is asked by the filter turn                the same at the entry of the call */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static int install(long nr, uint32_t action, unsigned flags) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, action),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof(instructions) / sizeof(instructions[0]), instructions};

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -1;
        return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* What the tracer is to turn into mkdir. */
static int call_harmless(const char *path) {
        return syscall(SYS_getpriority, path, 0755) < 0 ? errno : 0;
}

static int traced(const char *kind, const char *path) {
        if (strcmp(kind, "retrace") == 0 && install(SYS_getpriority, SECCOMP_RET_TRACE, 0) < 0)
                return 255;
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                return 255;
        (void)raise(SIGSTOP);
        return call_harmless(path);
}

/* At each stop at the entry of a call. */
static void turn(pid_t pid) {
        struct user_regs_struct registers;

        if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) < 0 || registers.orig_rax != SYS_getpriority)
                return;
        registers.orig_rax = SYS_mkdir;
        (void)ptrace(PTRACE_SETREGS, pid, NULL, &registers);
}

static int trace(const char *kind, const char *path) {
        int request = strcmp(kind, "turn") == 0 ? PTRACE_SYSCALL : PTRACE_CONT, status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(traced(kind, path));
        if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
                return 255;
        (void)ptrace(PTRACE_SETOPTIONS, pid, NULL,
                PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
        for (;;) {
                if (ptrace((enum __ptrace_request)request, pid, NULL, NULL) < 0 ||
                        waitpid(pid, &status, 0) != pid)
                        return 255;
                if (WIFEXITED(status))
                        return WEXITSTATUS(status);
                if (WIFSTOPPED(status))
                        turn(pid);
        }
}

int main(int argc, char **argv) {
        int fd = 0;

        if (argc != 3)
                return 255;
        if (strcmp(argv[1], "retrace") == 0 || strcmp(argv[1], "turn") == 0)
                return trace(argv[1], argv[2]);
        if (strcmp(argv[1], "allow") == 0)
                fd = install(SYS_mkdir, SECCOMP_RET_ALLOW, 0);
        else if (strcmp(argv[1], "errno") == 0)
                fd = install(SYS_mkdir, SECCOMP_RET_ERRNO | EIDRM, 0);
        else if (strcmp(argv[1], "trace") == 0)
                fd = install(SYS_mkdir, SECCOMP_RET_TRACE, 0);
        else if (strcmp(argv[1], "notify") == 0)
                fd = install(SYS_mkdir, SECCOMP_RET_USER_NOTIF, 0);
        else
                fd = install(SYS_mkdir, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
        if (fd < 0)
                return errno;
        return syscall(SYS_mkdir, argv[2], 0755) < 0 ? errno : 0;
}
