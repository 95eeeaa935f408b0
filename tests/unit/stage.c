/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sets the stage for the tests of workers: the targets, the ledger, and the tracing. */

#include "stage.h"

#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/ownership.h"
#include "sandbox/filter.h"
#include "sandbox/sandboxes.h"

static int install_filter(void) {
        static Filters filters;
        Filter *filter = &filters.by_namespaces[ACTION_ALLOW];
        struct sock_fprog program = {.filter = filter->instructions};

        CHECK_INT(filters_build(&filters), 0);
        program.len = (unsigned short)filter->n_instructions;
        return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
}

static void write_map(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

        CHECK(fd >= 0);
        CHECK_INT(write(fd, text, strlen(text)), strlen(text));
}

static void enter_user_namespace(uid_t uid) {
        char map[64];

        CHECK_INT(prctl(PR_SET_DUMPABLE, 1), 0); /* its own /proc files are root's else */
        CHECK_INT(unshare(CLONE_NEWUSER), 0);
        (void)snprintf(map, sizeof(map), "0 %u 1", uid);
        write_map("/proc/self/uid_map", map);
        write_map("/proc/self/setgroups", "deny");
        write_map("/proc/self/gid_map", map);
}

static void become_user(const Stage *stage) {
        const uid_t uid = stage->workload->uid;
        const gid_t groups[] = {uid + 1, uid + 2};

        if (stage->workload->jailed) {
                CHECK_INT(chroot(stage->dir), 0);
                CHECK_INT(chdir("/"), 0);
        }
        CHECK_INT(setgroups(COUNT(groups), groups), 0);
        CHECK_INT(setresgid(uid, uid, uid), 0);
        CHECK_INT(setresuid(uid, uid, uid), 0);
        if (stage->workload->foreign)
                enter_user_namespace(uid);
}

static void make_call(const Stage *stage, int socket_fd, bool twin) {
        const Workload *workload = stage->workload;
        const char *path = twin ? stage->twin_path : stage->path;
        StageResult result = {.twin = twin};

        if (workload->knocks)
                result.value = syscall(SYS_mkdirat, PROTOCOL_KNOCK_DIRFD, protocol_knock_path(1), 0);
        else if (workload->removes)
                result.value = rmdir(path);
        else if (!workload->jailed)
                result.value = mkdir(path, STAGE_MODE);
        else {
                int dir_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

                result.value = mkdirat(dir_fd, strrchr(path, '/') + 1, STAGE_MODE);
        }
        result.error = result.value < 0 ? errno : 0;
        CHECK_INT(send(socket_fd, &result, sizeof(result), 0), sizeof(result));
}

__attribute__((noreturn)) static void be_target(const Stage *stage, int socket_fd) {
        int listener_fd = install_filter();
        bool is_twin = false;
        char byte;

        CHECK(listener_fd >= 0);
        CHECK_INT(send(socket_fd, &listener_fd, sizeof(listener_fd), 0), sizeof(listener_fd));
        CHECK_INT(recv(socket_fd, &byte, 1, 0), 1);
        fd_close(listener_fd);
        if (stage->workload->uid != 0)
                become_user(stage);
        (void)umask(STAGE_UMASK);
        CHECK_INT(recv(socket_fd, &byte, 1, 0), 1);
        if (stage->workload->twin)
                is_twin = harness_fork() == 0;
        make_call(stage, socket_fd, is_twin);
        /* Lives on until it is killed: without a target a worker leaves by itself. */
        harness_stay();
}

static void wait_readable(int fd) {
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};

        assert_int_equal(poll(&pollfd, 1, PATIENCE_SEC * 1000), 1);
        assert_true(pollfd.revents & POLLIN);
}

static void take_listener(Stage *stage) {
        int pidfd = (int)syscall(SYS_pidfd_open, stage->target, 0), number;

        wait_readable(stage->target_fd);
        assert_int_equal(recv(stage->target_fd, &number, sizeof(number), 0), sizeof(number));
        stage->listener_fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
        assert_true(stage->listener_fd >= 0);
        fd_close(pidfd);
        assert_int_equal(send(stage->target_fd, "", 1, 0), 1);
}

static void start_target(Stage *stage) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        stage->target_fd = fds[0];
        stage->target = harness_fork();
        assert_true(stage->target >= 0);
        if (stage->target == 0) {
                fd_close(fds[0]);
                be_target(stage, fds[1]);
        }
        fd_close(fds[1]);
        take_listener(stage);
}

void stage_set(const Workload *workload, Stage *ret) {
        *ret = (Stage){.workload = workload, .dir = "/tmp/snotify-test-XXXXXX", .ledger_fd = -EBADF};
        assert_non_null(mkdtemp(ret->dir));
        assert_int_equal(chmod(ret->dir, 0777), 0);
        (void)snprintf(ret->path, sizeof(ret->path), "%s/made", ret->dir);
        (void)snprintf(ret->twin_path, sizeof(ret->twin_path), "%s/twin", ret->dir);
        ret->daemon_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        ret->host_root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ret->record_fd = memfd_create("records", MFD_CLOEXEC);
        assert_true(ret->daemon_fd >= 0 && ret->host_root_fd >= 0 && ret->record_fd >= 0);
        start_target(ret);
}

void stage_kill_target(Stage *stage) {
        harness_kill(stage->target);
        stage->target = 0;
}

void stage_strike(Stage *stage) {
        if (stage->target_fd <= 0)
                return;
        stage_kill_target(stage);
        (void)rmdir(stage->path);
        (void)rmdir(stage->twin_path);
        (void)rmdir(stage->dir);
        fd_close(stage->listener_fd);
        fd_close(stage->ledger_fd);
        fd_close(stage->daemon_fd);
        fd_close(stage->host_root_fd);
        fd_close(stage->target_fd);
        fd_close(stage->record_fd);
        ledger_unmap(stage->ledger);
        *stage = (Stage){};
}

static void stage_clear_slot(Stage *stage) {
        slot_clear(ledger_slot(stage->ledger, 0));
        assert_true(ledger_pass(stage->ledger, 0, SLOT_WAITING, SLOT_FREE));
}

void stage_call(Stage *stage) {
        NotifyRequest knock = {};

        assert_int_equal(send(stage->target_fd, "", 1, 0), 1);
        wait_readable(stage->listener_fd);
        if (stage->workload->knocks) /* as the verifier does */
                assert_int_equal(notify_receive(stage->listener_fd, &knock), 0);
        assert_int_equal(ledger_new(1, &knock, STAGE_KNOCK_ANSWER, &stage->ledger_fd), 0);
        assert_int_equal(ledger_map(stage->ledger_fd, &stage->ledger), 0);
        if (!stage->workload->knocks)
                stage_clear_slot(stage);
}

bool stage_has_call(const Stage *stage) {
        struct pollfd fd = {.fd = stage->listener_fd, .events = POLLIN};

        return poll(&fd, 1, 0) > 0 && (fd.revents & POLLIN);
}

bool stage_has_result(const Stage *stage) {
        struct pollfd pollfd = {.fd = stage->target_fd, .events = POLLIN};

        return poll(&pollfd, 1, 0) == 1 && pollfd.revents & POLLIN;
}

StageResult stage_result(const Stage *stage) {
        StageResult result;

        wait_readable(stage->target_fd);
        assert_int_equal(recv(stage->target_fd, &result, sizeof(result), 0), sizeof(result));
        return result;
}

static const Profile *add_profile(Policy *policy, const char *name, StagePolicy kind) {
        const char *existing;
        Profile *profile;

        CHECK_INT(policy_add_profile(policy, name,
                          kind == STAGE_ALLOW || kind == STAGE_KEEP ? ACTION_ALLOW : ACTION_DENY, EPERM,
                          POLICY_LOG_ALL, &profile),
                0);
        if (kind == STAGE_DELAY)
                CHECK_INT(profile_add_rule(profile,
                                  &(const Rule){"slow", "/", ACTION_ALLOW, UINT64_C(86400) * 1000000},
                                  &existing),
                        0);
#ifdef TEST_OPERATIONS
        if (kind == STAGE_KEEP)
                CHECK_INT(
                        profile_add_rule(profile,
                                &(const Rule){"keep", "/", ACTION_DENY, .operations = 1U << OPERATION_RMDIR},
                                &existing),
                        0);
#endif
        return profile;
}

/* What a child that becomes a worker is to be. */
typedef struct Role {
        uint32_t number;
        StagePolicy policy;
        RejectReason reason; /* of the rejecting worker */
        bool is_traced;
} Role;

__attribute__((noreturn)) static void be_worker(const Stage *stage, const Role *role) {
        static const Limits no_patience = {.records_per_second = 1000};
        static Sandboxes sandboxes;
        WorkerArguments arguments = {
                .listener_fd = stage->listener_fd,
                .ledger_fd = stage->ledger_fd,
                .daemon_fd = stage->daemon_fd,
                .host_root_fd = stage->host_root_fd,
                .cgroup_fd = -EBADF,
                .number = role->number,
                .session = {.session_id = 1, .profile = "default"},
                .sandbox = &sandboxes.worker,
                .helper_sandbox = &sandboxes.helper,
                .executor = stage->executor ? stage->executor : &executor_acting,
        };
        bool rejects = role->number == LEDGER_REJECTING;
        Policy *policy;
        Report *report;

        CHECK_INT(sandboxes_build(&sandboxes), 0);
        CHECK_INT(policy_new(1, &policy), 0);
        if (rejects)
                policy_set_limits(policy, &no_patience);
        arguments.policy = policy;
        arguments.profile =
                role->policy == STAGE_NO_PROFILE ? NULL : add_profile(policy, "default", role->policy);
        CHECK_INT(dup2(stage->record_fd, STDERR_FILENO), STDERR_FILENO);
        CHECK_INT(report_new(REPORT_TO_STDERR, &report), 0);
        arguments.report = report;
        if (role->is_traced) {
                CHECK_INT(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
                (void)raise(SIGSTOP);
        }
        _exit(rejects ? reject_run(&arguments, role->reason) : worker_run(&arguments));
}

/* As the daemon does it: nothing takes a worker's place while a helper process of its is still at work. */
static void wait_for_helpers(const Stage *stage, uint32_t number) {
        const struct timespec nap = {.tv_nsec = 1000000};

        for (int i = 0; ledger_lock_holder(stage->ledger_fd, number) != 0; i++) {
                if (i == PATIENCE_SEC * 1000)
                        fail_msg("a helper process outlives its worker");
                (void)nanosleep(&nap, NULL);
        }
}

static pid_t start_worker(const Stage *stage, const Role *role) {
        sigset_t mask, ours;
        pid_t pid;

        wait_for_helpers(stage, role->number);
        if (role->number != LEDGER_REJECTING)
                atomic_store(&ledger_header(stage->ledger)->receiver, role->number);
        /* As the daemon does it: SIGTERM is blocked from the first. */
        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigprocmask(SIG_SETMASK, &mask, &ours);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                be_worker(stage, role);
        (void)sigprocmask(SIG_SETMASK, &ours, NULL);
        return pid;
}

static pid_t trace_worker(const Stage *stage, Role role) {
        pid_t pid;
        int status;

        role.is_traced = true;
        pid = start_worker(stage, &role);
        assert_true(harness_wait(pid, 0, &status));
        assert_true(WIFSTOPPED(status));
        assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
        return pid;
}

pid_t stage_start_worker(const Stage *stage, uint32_t number, StagePolicy policy) {
        const Role role = {.number = number, .policy = policy};

        return start_worker(stage, &role);
}

pid_t stage_trace_worker(const Stage *stage, StagePolicy policy) {
        return trace_worker(stage, (Role){.policy = policy});
}

pid_t stage_start_rejecting(const Stage *stage, RejectReason reason) {
        const Role role = {.number = LEDGER_REJECTING, .reason = reason};

        return start_worker(stage, &role);
}

pid_t stage_trace_rejecting(const Stage *stage, RejectReason reason) {
        return trace_worker(stage, (Role){.number = LEDGER_REJECTING, .reason = reason});
}

bool worker_step(pid_t worker, Stop *ret) {
        int status = 0, signal = 0;
        struct __ptrace_syscall_info info; /* glibc's name for <linux/ptrace.h>'s */

        for (;;) {
                assert_int_equal(ptrace(PTRACE_SYSCALL, worker, NULL, signal), 0);
                if (!harness_wait(worker, 0, &status))
                        fail_msg("a traced worker hangs");
                if (!WIFSTOPPED(status))
                        return false;
                if (WSTOPSIG(status) == (SIGTRAP | 0x80))
                        break;
                signal = WSTOPSIG(status);
        }
        assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, worker, sizeof(info), &info) > 0);
        ret->entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
        if (ret->entry)
                ret->nr = (long)info.entry.nr; /* the exit that follows is of the same call */
        else
                ret->result = info.exit.rval;
        return true;
}

void worker_step_to(pid_t worker, long nr, bool entry) {
        Stop stop = {};

        do
                if (!worker_step(worker, &stop))
                        fail_msg("the worker ended before system call %ld", nr);
        while (stop.nr != nr || stop.entry != entry);
}

void worker_release(pid_t worker) {
        assert_int_equal(ptrace(PTRACE_DETACH, worker, NULL, NULL), 0);
}

void worker_left(const Stage *stage, pid_t worker) {
        int status;

        if (!harness_wait(worker, 0, &status))
                fail_msg("a worker doesn't leave");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != WORKER_EXIT_IDLE)
                fail_msg("a worker left with status %#x: %s", (unsigned)status, stage_records(stage));
}

const char *stage_records(const Stage *stage) {
        static char text[16384];
        ssize_t n = pread(stage->record_fd, text, sizeof(text) - 1, 0);

        assert_true(n >= 0);
        text[n] = '\0';
        return text;
}

unsigned stage_count(const Stage *stage) {
        DIR *dir = opendir(stage->dir);
        unsigned count = 0;

        assert_non_null(dir);
        for (const struct dirent *entry; (entry = readdir(dir));)
                count += entry->d_name[0] != '.';
        (void)closedir(dir);
        return count;
}
