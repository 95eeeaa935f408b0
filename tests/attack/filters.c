/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process may install further filters on itself, and the kernel takes the most restrictive verdict of all.
 * And a tracer can change one call into another; some kernels do not run the filters again afterwards.
 *
 *      filters KIND PATH   calls mkdir on PATH under a further filter, and exits with the errno.  That
 *                          filter's verdict on mkdir is, by KIND,
 *
 *      allow               to allow it
 *      errno               to fail with EIDRM
 *      trace               to let a tracer decide; there is none, so that the call fails with ENOSYS
 *      notify              to let a supervisor decide; there is none, as the filter has no listener
 *      listener            the same, but the filter asks for a listener: exits with the errno of that
 *      retrace             to allow it; the process makes another call, which a tracer changes into mkdir
 *                          when the filter tells it of that call
 *      turn                the same, but the tracer changes the call at its entry, without a filter */

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

/* The call that the tracer changes into mkdir. */
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

/* At each stop at a system call's entry. */
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
