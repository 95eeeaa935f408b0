/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns the list of calls that each kind of child needs into BPF programs, with libseccomp.  Run by the
 * daemon once, at start.  Owns nothing. */

#include "sandbox/sandboxes.h"

#include <errno.h>
#include <fcntl.h>
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

#include "common/notify.h"
#include "common/ownership.h"
#include "sandbox/bpf-program.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* Whose list a call is on. */
enum {
        VETTING = 1U << 0,
        WORKER = 1U << 1,
        HELPER = 1U << 2,
        ACCEPTOR = 1U << 3,
        ALL = VETTING | WORKER | HELPER | ACCEPTOR,
};

/* With any arguments: the kernel remembers that and runs no program for these (Linux 5.11). */
static const struct {
        int nr;
        unsigned whose;
} calls[] = {
        /* Memory, time and signals. */
        {SCMP_SYS(brk), ALL},
        {SCMP_SYS(munmap), ALL},
        {SCMP_SYS(mremap), ALL},
        {SCMP_SYS(madvise), ALL},
        {SCMP_SYS(clock_gettime), ALL}, /* where the processor's clock is not to be trusted */
        {SCMP_SYS(restart_syscall), ALL},
        {SCMP_SYS(exit_group), ALL},
        {SCMP_SYS(rt_sigprocmask), ALL}, /* these and tgkill() are abort(3) */
        {SCMP_SYS(rt_sigaction), ALL},
        {SCMP_SYS(rt_sigreturn), ALL},
        {SCMP_SYS(getpid), ALL},
        {SCMP_SYS(gettid), ALL},
        {SCMP_SYS(clock_nanosleep), WORKER},
        /* Messages. */
        {SCMP_SYS(poll), ALL},
        {SCMP_SYS(ppoll), ALL},
        {SCMP_SYS(sendmsg), ALL},
        {SCMP_SYS(recvmsg), ALL},
        {SCMP_SYS(recvfrom), WORKER | HELPER | ACCEPTOR},
        {SCMP_SYS(sendmmsg), WORKER},
        {SCMP_SYS(connect), WORKER}, /* to the journal, anew */
        {SCMP_SYS(accept4), ACCEPTOR},
        {SCMP_SYS(getsockopt), VETTING | ACCEPTOR},
        /* Files. */
        {SCMP_SYS(openat2), WORKER | HELPER}, /* its flags are in memory; paths cannot be resolved without */
        {SCMP_SYS(close), ALL},
        {SCMP_SYS(fstatfs), ALL},
        {SCMP_SYS(mkdirat), WORKER | HELPER},
        {SCMP_SYS(shutdown), ACCEPTOR},
        {SCMP_SYS(readlink), VETTING},
        {SCMP_SYS(readlinkat), WORKER | HELPER},
        {SCMP_SYS(fstat), WORKER | HELPER | ACCEPTOR},
        {SCMP_SYS(newfstatat), WORKER | HELPER | ACCEPTOR},
        {SCMP_SYS(statx), ALL},
        {SCMP_SYS(read), ALL},
        {SCMP_SYS(getcwd), WORKER | HELPER},
        {SCMP_SYS(fchdir), WORKER | HELPER},
        {SCMP_SYS(pread64), WORKER},
        {SCMP_SYS(lseek), WORKER},
        {SCMP_SYS(write), WORKER},
        {SCMP_SYS(writev), WORKER},
        {SCMP_SYS(name_to_handle_at), WORKER},
        /* Targets, and being one. */
        {SCMP_SYS(process_vm_readv), WORKER},
        {SCMP_SYS(chroot), WORKER},
        {SCMP_SYS(umask), WORKER},
        {SCMP_SYS(capget), WORKER},
        {SCMP_SYS(capset), WORKER},
        {SCMP_SYS(setgroups), WORKER},
        {SCMP_SYS(setfsgid), WORKER},
        {SCMP_SYS(setfsuid), WORKER | HELPER}, /* which is how to ask for it, too */
        /* Helpers. */
        {SCMP_SYS(setresgid), WORKER},
        {SCMP_SYS(setresuid), WORKER},
        {SCMP_SYS(set_robust_list), WORKER}, /* fork(3) */
        {SCMP_SYS(close_range), WORKER},
        {SCMP_SYS(getppid), WORKER | HELPER},
        {SCMP_SYS(pidfd_open), ACCEPTOR},
        {SCMP_SYS(pidfd_open), WORKER},
        {SCMP_SYS(wait4), WORKER},
#ifdef SANITIZED
        {SCMP_SYS(futex), ALL},
        {SCMP_SYS(sched_yield), ALL},
        {SCMP_SYS(sigaltstack), ALL},
        {SCMP_SYS(open), ALL}, /* from here on, for its report */
        {SCMP_SYS(readlink), ALL},
        {SCMP_SYS(stat), ALL},
        {SCMP_SYS(access), ALL},
        {SCMP_SYS(write), ALL},
#endif
};

#define INT(at, value)                                                                                      \
        { (at), SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value) }
#define WITHOUT(at, flag)                                                                                   \
        { (at), SCMP_CMP_MASKED_EQ, (flag), 0 }
#define WITH(at, flag)                                                                                      \
        { (at), SCMP_CMP_MASKED_EQ, (flag), (flag) }

/* __O_TMPFILE in the kernel; libc's adds O_DIRECTORY, which on its own does no harm. */
#define TMPFILE 020000000

/* With these arguments alone. */
static const struct {
        int nr;
        unsigned whose;
        unsigned n_arguments;
        struct scmp_arg_cmp arguments[2];
} restricted_calls[] = {
        {SCMP_SYS(mmap), WORKER | HELPER, 1, {WITHOUT(2, PROT_EXEC)}},
        {SCMP_SYS(mmap), ACCEPTOR, 2, {WITHOUT(2, PROT_EXEC), WITH(3, MAP_ANONYMOUS)}},
        {SCMP_SYS(mmap), VETTING, 2, {WITHOUT(2, PROT_EXEC), WITH(3, MAP_ANONYMOUS)}},
        {SCMP_SYS(openat), ALL, 1, {WITHOUT(2, O_ACCMODE | O_CREAT | O_TRUNC | TMPFILE)}},
        {SCMP_SYS(open_by_handle_at), WORKER, 1, {WITHOUT(2, O_ACCMODE | O_CREAT | O_TRUNC | TMPFILE)}},
        {SCMP_SYS(tgkill), ALL, 1, {INT(2, SIGABRT)}},
        /* Other commands of these two have the kernel signal any process. */
        {SCMP_SYS(ioctl), VETTING | WORKER, 1, {INT(1, SECCOMP_IOCTL_NOTIF_ID_VALID)}},
        {SCMP_SYS(ioctl), VETTING | WORKER, 1, {INT(1, SECCOMP_IOCTL_NOTIF_SET_FLAGS)}},
        {SCMP_SYS(ioctl), VETTING | WORKER, 1, {INT(1, SECCOMP_IOCTL_NOTIF_RECV)}},
        {SCMP_SYS(ioctl), WORKER, 1, {INT(1, SECCOMP_IOCTL_NOTIF_SEND)}},
        {SCMP_SYS(ioctl), WORKER, 1, {INT(1, SIOCOUTQ)}},
        {SCMP_SYS(fcntl), WORKER | HELPER, 1, {INT(1, F_DUPFD_CLOEXEC)}},
        {SCMP_SYS(fcntl), WORKER | HELPER, 1, {INT(1, F_GETFL)}},
        {SCMP_SYS(fcntl), WORKER, 1, {INT(1, F_SETLK)}},
        /* The acceptor. */
        {SCMP_SYS(setsockopt), VETTING | ACCEPTOR, 2, {INT(1, SOL_SOCKET), INT(2, SO_PASSRIGHTS)}},
        {SCMP_SYS(setsockopt), ACCEPTOR, 2, {INT(1, SOL_SOCKET), INT(2, SO_PASSCRED)}},
        {SCMP_SYS(ioctl), ACCEPTOR, 1, {INT(1, NS_GET_PARENT)}},
        {SCMP_SYS(ioctl), ACCEPTOR, 1, {INT(1, NS_GET_OWNER_UID)}},
        /* Helpers. */
        {SCMP_SYS(socketpair), WORKER, 1, {INT(0, AF_UNIX)}},
        {SCMP_SYS(clone), WORKER, 1, {INT(0, CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD)}},
        {SCMP_SYS(prctl), WORKER, 1, {INT(0, PR_SET_NAME)}},
        {SCMP_SYS(prctl), WORKER, 1, {INT(0, PR_SET_PDEATHSIG)}},
        {SCMP_SYS(prctl), WORKER, 1, {INT(0, PR_SET_KEEPCAPS)}},
        {SCMP_SYS(prctl), WORKER, 1, {INT(0, PR_SET_DUMPABLE)}},
        {SCMP_SYS(prctl), WORKER, 1, {INT(0, PR_SET_NO_NEW_PRIVS)}},
        {SCMP_SYS(seccomp), WORKER, 2,
                {INT(0, SECCOMP_SET_MODE_FILTER), INT(1, SECCOMP_FILTER_FLAG_SPEC_ALLOW)}},
        {SCMP_SYS(setns), WORKER, 1, {INT(1, CLONE_NEWUSER)}},
        {SCMP_SYS(prlimit64), WORKER, 1, {INT(1, RLIMIT_LOCKS)}},
#ifdef SANITIZED
        {SCMP_SYS(mmap), VETTING | ACCEPTOR, 1, {WITHOUT(2, PROT_EXEC)}},
        {SCMP_SYS(ioctl), VETTING | ACCEPTOR, 1, {INT(1, TCGETS)}},
        {SCMP_SYS(mprotect), ALL, 1, {WITHOUT(2, PROT_EXEC)}},
#endif
};

static int add_calls(scmp_filter_ctx rules, unsigned whose) {
        int r;

        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
                if (!(calls[i].whose & whose))
                        continue;
                r = seccomp_rule_add(rules, SCMP_ACT_ALLOW, calls[i].nr, 0);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_restricted_calls(scmp_filter_ctx rules, unsigned whose) {
        int r;

        for (size_t i = 0; i < sizeof(restricted_calls) / sizeof(restricted_calls[0]); i++) {
                if (!(restricted_calls[i].whose & whose))
                        continue;
                r = seccomp_rule_add_array(rules, SCMP_ACT_ALLOW, restricted_calls[i].nr,
                        restricted_calls[i].n_arguments, restricted_calls[i].arguments);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int build(unsigned whose, Sandbox *ret) {
        _cleanup_(seccomp_release_p) scmp_filter_ctx rules = seccomp_init(SCMP_ACT_KILL_PROCESS);
        int r;

        if (!rules)
                return -ENOMEM;
        r = seccomp_attr_set(rules, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        if (r >= 0) /* a tree: the kernel tries each call there is when the program is installed */
                r = seccomp_attr_set(rules, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        if (r >= 0)
                r = add_calls(rules, whose);
        if (r >= 0)
                r = add_restricted_calls(rules, whose);
#ifdef SANITIZED
        if (r >= 0) /* a report has no names then, for their finder can't be started */
                r = seccomp_rule_add(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(pipe2), 0);
#endif
        if (r >= 0)
                r = program_export(rules, ret->instructions, SANDBOX_MAX);
        if (r < 0)
                return r;
        ret->n_instructions = (uint32_t)r;
        return 0;
}

int sandboxes_build(Sandboxes *ret) {
        int r;

        r = build(ACCEPTOR, &ret->acceptor);
        if (r >= 0)
                r = build(VETTING, &ret->vetting);
        if (r >= 0)
                r = build(WORKER, &ret->worker);
        if (r >= 0)
                r = build(HELPER, &ret->helper);
        return r;
}
