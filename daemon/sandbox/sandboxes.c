/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds the sandboxes: which calls each kind of child needs.  Run by the daemon once, at start.  Owns
 * nothing.  Must never allow a call because of what a child might need one day. */

#include "sandbox/sandboxes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "common/notify.h"
#include "common/ownership.h"
#include "sandbox/bpf-program.h"
#include "sandbox/rules.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* __O_TMPFILE in the kernel; libc's adds O_DIRECTORY, which on its own does no harm. */
#define TMPFILE 020000000

/* The processes that a rule is for. */
enum {
        VERIFIER = 1U << 0,
        WORKER = 1U << 1,
        HELPER = 1U << 2,
        ACCEPTOR = 1U << 3,
        ALL = VERIFIER | WORKER | HELPER | ACCEPTOR,
};

#define ALLOW(processes, name, ...)                                                                         \
        {                                                                                                   \
                SCMP_SYS(name), SCMP_ACT_ALLOW, (processes), {                                              \
                        __VA_ARGS__                                                                         \
                }                                                                                           \
        }

static const SeccompRule rules[] = {
        /* With any arguments.  The kernel remembers that it always allows these, and runs no program for
         * them (Linux 5.11). */

        /* Memory, time and signals. */
        ALLOW(ALL, brk),
        ALLOW(ALL, munmap),
        ALLOW(ALL, mremap),
        ALLOW(ALL, madvise),
        ALLOW(ALL, clock_gettime), /* where the kernel does not trust the processor's clock */
        ALLOW(ALL, restart_syscall),
        ALLOW(ALL, exit_group),
        ALLOW(ALL, rt_sigprocmask), /* abort(3) makes these and tgkill() */
        ALLOW(ALL, rt_sigaction),
        ALLOW(ALL, rt_sigreturn),
        ALLOW(ALL, getpid),
        ALLOW(ALL, gettid),
        ALLOW(WORKER, clock_nanosleep),
        /* Messages. */
        ALLOW(ALL, poll),
        ALLOW(ALL, ppoll),
        ALLOW(ALL, sendmsg),
        ALLOW(ALL, recvmsg),
        ALLOW(WORKER | HELPER | ACCEPTOR, recvfrom),
        ALLOW(WORKER, sendmmsg),
        ALLOW(WORKER, connect), /* to a journald that was restarted */
        ALLOW(ACCEPTOR, accept4),
        ALLOW(VERIFIER | ACCEPTOR, getsockopt),
        /* Files. */
        ALLOW(WORKER | HELPER,
                openat2), /* resolves paths; its flags are in memory, where no filter sees them */
        ALLOW(ALL, close),
        ALLOW(ALL, fstatfs),
        ALLOW(WORKER | HELPER, mkdirat),
#ifdef TEST_OPERATIONS
        ALLOW(WORKER | HELPER, unlinkat),
#endif
        ALLOW(ACCEPTOR, shutdown),
        ALLOW(VERIFIER, readlink),
#ifndef __NR_readlink
        ALLOW(VERIFIER, readlinkat), /* what readlink(3) calls on an architecture without readlink() */
#endif
        ALLOW(WORKER | HELPER, readlinkat),
        ALLOW(WORKER | HELPER | ACCEPTOR, fstat),
        ALLOW(WORKER | HELPER | ACCEPTOR, newfstatat),
        ALLOW(ALL, statx),
        ALLOW(ALL, read),
        ALLOW(WORKER | HELPER, getcwd),
        ALLOW(WORKER | HELPER, fchdir),
        ALLOW(WORKER, pread64),
        ALLOW(WORKER, lseek),
        ALLOW(WORKER, write),
        ALLOW(WORKER, writev),
        ALLOW(WORKER, name_to_handle_at),
        /* Reading targets, and acting with their credentials. */
        ALLOW(WORKER, process_vm_readv),
        ALLOW(WORKER, chroot),
        ALLOW(WORKER, umask),
        ALLOW(WORKER, capget),
        ALLOW(WORKER, capset),
        ALLOW(WORKER, setgroups),
        ALLOW(WORKER, setfsgid),
        ALLOW(WORKER | HELPER, setfsuid), /* setfsuid(-1) also reads it */
        /* Helpers. */
        ALLOW(WORKER, setresgid),
        ALLOW(WORKER, setresuid),
        ALLOW(WORKER, set_robust_list), /* fork(3) */
        ALLOW(WORKER, close_range),
        ALLOW(WORKER | HELPER, getppid),
        ALLOW(ACCEPTOR, pidfd_open),
        ALLOW(WORKER, pidfd_open),
        ALLOW(WORKER, wait4),
#ifdef SANITIZED
        ALLOW(ALL, futex),
        ALLOW(ALL, sched_yield),
        ALLOW(ALL, sigaltstack),
        ALLOW(ALL, open), /* from here on, for the report of a fault */
        ALLOW(ALL, readlink),
        ALLOW(ALL, stat),
        ALLOW(ALL, access),
        ALLOW(ALL, write),
#endif

        /* With these arguments alone. */

        ALLOW(WORKER | HELPER, mmap, ARGUMENT_LACKS(2, PROT_EXEC)),
        ALLOW(ACCEPTOR, mmap, ARGUMENT_LACKS(2, PROT_EXEC), ARGUMENT_HAS(3, MAP_ANONYMOUS)),
        ALLOW(VERIFIER, mmap, ARGUMENT_LACKS(2, PROT_EXEC), ARGUMENT_HAS(3, MAP_ANONYMOUS)),
        ALLOW(ALL, openat, ARGUMENT_LACKS(2, O_ACCMODE | O_CREAT | O_TRUNC | TMPFILE)),
        ALLOW(WORKER, open_by_handle_at, ARGUMENT_LACKS(2, O_ACCMODE | O_CREAT | O_TRUNC | TMPFILE)),
        ALLOW(ALL, tgkill, ARGUMENT_IS(2, SIGABRT)),
        /* Other commands of ioctl() and fcntl() make the kernel signal any process. */
        ALLOW(VERIFIER | WORKER, ioctl, ARGUMENT_IS(1, SECCOMP_IOCTL_NOTIF_ID_VALID)),
        ALLOW(VERIFIER | WORKER, ioctl, ARGUMENT_IS(1, SECCOMP_IOCTL_NOTIF_SET_FLAGS)),
        ALLOW(VERIFIER | WORKER, ioctl, ARGUMENT_IS(1, SECCOMP_IOCTL_NOTIF_RECV)),
        ALLOW(WORKER, ioctl, ARGUMENT_IS(1, SECCOMP_IOCTL_NOTIF_SEND)),
        ALLOW(WORKER, ioctl, ARGUMENT_IS(1, SIOCOUTQ)),
        ALLOW(WORKER | HELPER | ACCEPTOR, fcntl, ARGUMENT_IS(1, F_DUPFD_CLOEXEC)),
        ALLOW(WORKER | HELPER, fcntl, ARGUMENT_IS(1, F_GETFL)),
        ALLOW(WORKER, fcntl, ARGUMENT_IS(1, F_SETLK)),
        /* Runs the programs that the worker has descriptors of, and can neither load nor open others. */
        ALLOW(WORKER, bpf, ARGUMENT_IS(0, BPF_PROG_TEST_RUN)),
        /* The acceptor. */
        ALLOW(VERIFIER | ACCEPTOR, setsockopt, ARGUMENT_IS(1, SOL_SOCKET), ARGUMENT_IS(2, SO_PASSRIGHTS)),
        ALLOW(ACCEPTOR, setsockopt, ARGUMENT_IS(1, SOL_SOCKET), ARGUMENT_IS(2, SO_PASSCRED)),
        ALLOW(ACCEPTOR, ioctl, ARGUMENT_IS(1, NS_GET_PARENT)),
        ALLOW(ACCEPTOR, ioctl, ARGUMENT_IS(1, NS_GET_OWNER_UID)),
        /* Helpers. */
        ALLOW(WORKER, socketpair, ARGUMENT_IS(0, AF_UNIX)),
        ALLOW(WORKER, clone, ARGUMENT_IS(0, CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD)),
        ALLOW(WORKER, prctl, ARGUMENT_IS(0, PR_SET_NAME)),
        ALLOW(WORKER, prctl, ARGUMENT_IS(0, PR_SET_PDEATHSIG)),
        ALLOW(WORKER, prctl, ARGUMENT_IS(0, PR_SET_KEEPCAPS)),
        ALLOW(WORKER, prctl, ARGUMENT_IS(0, PR_SET_DUMPABLE)),
        ALLOW(WORKER, prctl, ARGUMENT_IS(0, PR_SET_NO_NEW_PRIVS)),
        ALLOW(WORKER, seccomp, ARGUMENT_IS(0, SECCOMP_SET_MODE_FILTER),
                ARGUMENT_IS(1, SECCOMP_FILTER_FLAG_SPEC_ALLOW)),
        ALLOW(WORKER, setns, ARGUMENT_IS(1, CLONE_NEWUSER)),
        ALLOW(WORKER, prlimit64, ARGUMENT_IS(1, RLIMIT_LOCKS)),
#ifdef SANITIZED
        ALLOW(VERIFIER | ACCEPTOR, mmap, ARGUMENT_LACKS(2, PROT_EXEC)),
        ALLOW(VERIFIER | ACCEPTOR, ioctl, ARGUMENT_IS(1, TCGETS)),
        ALLOW(ALL, mprotect, ARGUMENT_LACKS(2, PROT_EXEC)),
        /* Without it, a report has addresses instead of names: the program that finds names cannot start. */
        {SCMP_SYS(pipe2), SCMP_ACT_ERRNO(EPERM), ALL, {}},
#endif
};

static int build(unsigned process, Sandbox *ret) {
        _cleanup_(seccomp_release_p) scmp_filter_ctx context = NULL;
        int r;

        r = bpf_program_begin(
                &MACHINE_NATIVE->abis[0], 1, SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_PROCESS, &context);
        if (r >= 0) /* a tree, because the kernel runs the program for each call number when it is installed
                     */
                r = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        if (r >= 0)
                r = bpf_program_add(context, rules, sizeof(rules) / sizeof(rules[0]), process);
        return r < 0 ? r : bpf_program_export(context, ret);
}

int sandboxes_build(Sandboxes *ret) {
        int r;

        r = build(ACCEPTOR, &ret->acceptor);
        if (r >= 0)
                r = build(VERIFIER, &ret->verifier);
        if (r >= 0)
                r = build(WORKER, &ret->worker);
        if (r >= 0)
                r = build(HELPER, &ret->helper);
        return r;
}
