/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/sandbox/sandboxes.c: an interpreter runs the sandboxes' programs here.  test-sandbox.sh in
 * tests/attack/ has the kernel run them, in a compromised daemon. */

#include "harness.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "bpf.h"
#include "common/abi.h"
#include "common/notify.h"
#include "sandbox/sandboxes.h"

#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_PROCESS
#define HIGH 0xdeadbeef00000000

static Sandboxes sandboxes;

/* By the letter that the rows below have for each. */
static const struct {
        char letter;
        const Sandbox *sandbox;
} processes[] = {
        {'a', &sandboxes.acceptor},
        {'v', &sandboxes.verifier},
        {'w', &sandboxes.worker},
        {'h', &sandboxes.helper},
};

/* The processes that are allowed the call; it kills all others. */
static const struct {
        const char *name;
        const char *allowed;
        uint64_t args[4];
} decisions[] = {
        {"exit_group", "avwh", {}},
        {"read", "avwh", {}},
        {"mkdirat", "wh", {}},
        {"openat2", "wh", {}},
        {"accept4", "a", {}},
        {"process_vm_readv", "w", {}},
        {"setresuid", "w", {}},
        {"connect", "w", {}},
        /* by their arguments; the kernel takes an int from the lower half of a register */
        {"openat", "avwh", {0, 0, O_RDONLY | O_DIRECTORY | O_PATH | O_CLOEXEC}},
        {"openat", "avwh", {0, 0, HIGH | O_RDONLY}},
        {"openat", "", {0, 0, O_WRONLY}},
        {"openat", "", {0, 0, O_RDWR}},
        {"openat", "", {0, 0, HIGH | O_CREAT}},
        {"openat", "", {0, 0, O_TRUNC}},
        {"openat", "", {0, 0, O_TMPFILE}},
        {"open_by_handle_at", "w", {0, 0, O_PATH}},
        {"open_by_handle_at", "", {0, 0, O_RDWR}},
        {"mmap", "avwh", {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS}},
        {"mmap", "", {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}},
        {"tgkill", "avwh", {1, 1, SIGABRT}},
        {"tgkill", "", {1, 1, SIGKILL}},
        {"ioctl", "vw", {3, SECCOMP_IOCTL_NOTIF_RECV}},
        {"ioctl", "vw", {3, HIGH | SECCOMP_IOCTL_NOTIF_RECV}},
        {"ioctl", "w", {3, SECCOMP_IOCTL_NOTIF_SEND}},
        {"ioctl", "", {3, SECCOMP_IOCTL_NOTIF_ADDFD}},
        {"ioctl", "", {3, FIOSETOWN}},
        {"ioctl", "", {3, TIOCSTI}},
        {"fcntl", "w", {3, F_SETLK}},
        {"fcntl", "", {3, F_SETOWN}},
        {"fcntl", "", {3, F_SETFL}},
        {"socketpair", "w", {AF_UNIX}},
        {"socketpair", "", {AF_INET}},
        {"clone", "w", {CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD}},
        {"clone", "", {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND}},
        {"clone", "", {CLONE_NEWUSER | SIGCHLD}},
        {"setns", "w", {3, CLONE_NEWUSER}},
        {"setns", "", {3, 0}},
        {"setns", "", {3, CLONE_NEWNS}},
        {"prctl", "w", {PR_SET_NO_NEW_PRIVS}},
        {"prctl", "", {PR_CAP_AMBIENT}},
        {"prctl", "", {PR_SET_PTRACER}},
        {"seccomp", "w", {SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW}},
        {"seccomp", "", {SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER}},
        {"prlimit64", "w", {0, RLIMIT_LOCKS}},
        {"prlimit64", "", {0, RLIMIT_NOFILE}},
        {"setsockopt", "av", {3, SOL_SOCKET, 83}}, /* SO_PASSRIGHTS */
        {"setsockopt", "", {3, SOL_SOCKET, SO_RCVBUFFORCE}},
        /* never */
        {"execve", "", {}},
        {"execveat", "", {}},
        {"ptrace", "", {}},
        {"process_vm_writev", "", {}},
        {"pidfd_getfd", "", {}},
        {"pidfd_send_signal", "", {}},
        {"kill", "", {}},
        {"socket", "", {}},
        {"bind", "", {}},
        {"listen", "", {}},
        {"mount", "", {}},
        {"fsopen", "", {}},
        {"open_tree", "", {}},
        {"move_mount", "", {}},
        {"unshare", "", {}},
        {"clone3", "", {}},
        {"bpf", "", {}},
        {"perf_event_open", "", {}},
        {"userfaultfd", "", {}},
        {"io_uring_setup", "", {}},
        {"init_module", "", {}},
        {"finit_module", "", {}},
        {"keyctl", "", {}},
        {"memfd_create", "", {}},
        {"unlinkat", "", {}},
        {"renameat2", "", {}},
        {"linkat", "", {}},
        {"symlinkat", "", {}},
        {"fchmodat", "", {}},
        {"fchownat", "", {}},
        {"mkdir", "", {}},
        {"landlock_restrict_self", "", {}},
};

static void check(size_t row, const struct seccomp_data *data, const char *allowed) {
        for (size_t i = 0; i < COUNT(processes); i++) {
                uint32_t expected = strchr(allowed, processes[i].letter) ? ALLOW : KILL;
                uint32_t got = bpf_run(processes[i].sandbox, data);

                if (got != expected)
                        fail_msg("row %zu, process %c: %#x", row, processes[i].letter, got);
        }
}

static void test_decisions(void **state) {
        unsigned n = 0;

        (void)state;
        for (size_t i = 0; i < COUNT(decisions); i++) {
                struct seccomp_data data = {.arch = abi_audit_archs[MACHINE_NATIVE->abis[0]],
                        .nr = seccomp_syscall_resolve_name(decisions[i].name)};

                assert_int_not_equal(data.nr, __NR_SCMP_ERROR);
                if (data.nr < 0) /* mkdir() is not on each machine */
                        continue;
                memcpy(data.args, decisions[i].args, sizeof(decisions[i].args));
                check(i, &data, decisions[i].allowed);
                n++;
        }
        assert_true(n >= COUNT(decisions) - 1);
}

/* What libc calls for readlink(3), which a verifier needs to recognize a listener. */
static void test_readlink(void **state) {
        int number = seccomp_syscall_resolve_name("readlink");
        const struct seccomp_data data = {.arch = abi_audit_archs[MACHINE_NATIVE->abis[0]],
                .nr = number >= 0 ? number : seccomp_syscall_resolve_name("readlinkat")};

        (void)state;
        assert_int_equal(bpf_run(&sandboxes.verifier, &data), ALLOW);
}

/* The daemon's processes call by the machine's own ABI alone. */
static void test_other_abis(void **state) {
        (void)state;
        for (int number = 0; number < 600; number++) {
                struct seccomp_data data = {.nr = number};

                check(0, &data, "");
                for (Abi abi = 0; abi < ABI_COUNT; abi++) {
                        data.arch = abi_audit_archs[abi];
                        if (abi != MACHINE_NATIVE->abis[0])
                                check(abi, &data, "");
                }
                data = (struct seccomp_data){.arch = AUDIT_ARCH_X86_64, .nr = 0x40000000 | number}; /* x32 */
                check(ABI_COUNT, &data, "");
        }
}

/* A call that the sandboxes do not know, of a later kernel. */
static void test_unknown_calls(void **state) {
        struct seccomp_data data = {.arch = abi_audit_archs[MACHINE_NATIVE->abis[0]]};

        (void)state;
        for (data.nr = 1000; data.nr < 2000; data.nr++)
                check(0, &data, "");
        data.nr = -1;
        check(0, &data, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_decisions),
                cmocka_unit_test(test_readlink),
                cmocka_unit_test(test_other_abis),
                cmocka_unit_test(test_unknown_calls),
        };

        harness_init();
        if (sandboxes_build(&sandboxes) < 0)
                return EXIT_FAILURE;
        return cmocka_run_group_tests_name("sandboxes", tests, NULL, NULL);
}
