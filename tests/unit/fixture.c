/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fixture of the tests of workers: the targets, the ledger, and the tracing. */

#include "fixture.h"

#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/ownership.h"
#include "reader/load.h"
#include "sandbox/filter.h"
#include "sandbox/sandboxes.h"

static int install_filter(void) {
        static Filters filters;
        Filter *filter = &filters.by_way[FILTER_ACTING][ACTION_ALLOW];
        struct sock_fprog program = {.filter = filter->instructions};

        CHECK_INT(filters_build(false, &filters), 0);
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

static void become_user(const Fixture *fixture) {
        const uid_t uid = fixture->workload->uid;
        const gid_t groups[] = {uid + 1, uid + 2};

        if (fixture->workload->chrooted) {
                CHECK_INT(chroot(fixture->dir), 0);
                CHECK_INT(chdir("/"), 0);
        }
        CHECK_INT(setgroups(COUNT(groups), groups), 0);
        CHECK_INT(setresgid(uid, uid, uid), 0);
        CHECK_INT(setresuid(uid, uid, uid), 0);
        if (fixture->workload->in_user_namespace)
                enter_user_namespace(uid);
}

static void make_call(const Fixture *fixture, int socket_fd, bool from_child) {
        const Workload *workload = fixture->workload;
        const char *path = from_child ? fixture->child_path : fixture->path;
        static const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
        FixtureResult result = {.from_child = from_child};

        if (workload->knocks)
                result.value = syscall(SYS_mkdirat, PROTOCOL_KNOCK_DIRFD, protocol_knock_path(1), 0);
        else if (workload->removes)
                result.value = rmdir(path);
        else if (workload->limits)
                result.value = syscall(SYS_prlimit64, 0, RLIMIT_LOCKS, &unlimited, NULL);
        else if (!workload->chrooted)
                result.value = mkdir(workload->is_relative ? strrchr(path, '/') + 1 : path, FIXTURE_MODE);
        else {
                int dir_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

                result.value = mkdirat(dir_fd, strrchr(path, '/') + 1, FIXTURE_MODE);
        }
        result.error = result.value < 0 ? errno : 0;
        CHECK_INT(send(socket_fd, &result, sizeof(result), 0), sizeof(result));
}

/* From another root directory. */
static void make_call_below(const Fixture *fixture, int socket_fd) {
        Fixture moved = *fixture;

        CHECK_INT(chroot(fixture->dir), 0);
        (void)strcpy(moved.path, strrchr(fixture->path, '/'));
        make_call(&moved, socket_fd, false);
}

__attribute__((noreturn)) static void be_target(const Fixture *fixture, int socket_fd) {
        int listener_fd = install_filter();
        bool is_child = false;
        char byte;

        CHECK(listener_fd >= 0);
        CHECK_INT(send(socket_fd, &listener_fd, sizeof(listener_fd), 0), sizeof(listener_fd));
        CHECK_INT(recv(socket_fd, &byte, 1, 0), 1);
        fd_close(listener_fd);
        if (fixture->workload->uid != 0)
                become_user(fixture);
        (void)umask(FIXTURE_UMASK);
        if (fixture->workload->is_relative)
                CHECK_INT(chdir(fixture->dir), 0);
        CHECK_INT(recv(socket_fd, &byte, 1, 0), 1);
        if (fixture->workload->forks)
                is_child = harness_fork() == 0;
        make_call(fixture, socket_fd, is_child);
        if (fixture->workload->repeats) {
                CHECK_INT(rmdir(fixture->path), 0);
                CHECK_INT(recv(socket_fd, &byte, 1, 0), 1);
                if (fixture->workload->moves)
                        make_call_below(fixture, socket_fd);
                else
                        make_call(fixture, socket_fd, is_child);
        }
        /* Lives on until it is killed: without a target a worker leaves by itself. */
        harness_stay();
}

static void wait_readable(int fd) {
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};

        assert_int_equal(poll(&pollfd, 1, PATIENCE_SEC * 1000), 1);
        assert_true(pollfd.revents & POLLIN);
}

static void take_listener(Fixture *fixture) {
        int pidfd = (int)syscall(SYS_pidfd_open, fixture->target, 0), number;

        wait_readable(fixture->target_fd);
        assert_int_equal(recv(fixture->target_fd, &number, sizeof(number), 0), sizeof(number));
        fixture->listener_fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
        assert_true(fixture->listener_fd >= 0);
        fd_close(pidfd);
        assert_int_equal(send(fixture->target_fd, "", 1, 0), 1);
}

static void start_target(Fixture *fixture) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        fixture->target_fd = fds[0];
        fixture->target = harness_fork();
        assert_true(fixture->target >= 0);
        if (fixture->target == 0) {
                fd_close(fds[0]);
                be_target(fixture, fds[1]);
        }
        fd_close(fds[1]);
        take_listener(fixture);
}

static int reader_fd; /* 0: workers ask /proc */

const char *fixture_use_reader(void) {
        static char reason[256] = "it is not built";

#ifdef HAS_READER
        return reader_load(reason, sizeof(reason), &reader_fd) < 0 ? reason : NULL;
#else
        return reason;
#endif
}

void fixture_set_up(const Workload *workload, Fixture *ret) {
        *ret = (Fixture){.workload = workload,
                .dir = "/tmp/snotify-test-XXXXXX",
                .ledger_fd = -EBADF,
                .reader_fd = reader_fd};
        assert_non_null(mkdtemp(ret->dir));
        assert_int_equal(chmod(ret->dir, 0777), 0);
        (void)snprintf(ret->path, sizeof(ret->path), "%s/made", ret->dir);
        (void)snprintf(ret->child_path, sizeof(ret->child_path), "%s/child", ret->dir);
        ret->daemon_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        ret->host_root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ret->record_fd = memfd_create("records", MFD_CLOEXEC);
        assert_true(ret->daemon_fd >= 0 && ret->host_root_fd >= 0 && ret->record_fd >= 0);
        start_target(ret);
}

void fixture_kill_target(Fixture *fixture) {
        harness_kill(fixture->target);
        fixture->target = 0;
}

void fixture_tear_down(Fixture *fixture) {
        if (fixture->target_fd <= 0)
                return;
        fixture_kill_target(fixture);
        (void)rmdir(fixture->path);
        (void)rmdir(fixture->child_path);
        (void)rmdir(fixture->dir);
        fd_close(fixture->listener_fd);
        fd_close(fixture->ledger_fd);
        fd_close(fixture->daemon_fd);
        fd_close(fixture->host_root_fd);
        fd_close(fixture->target_fd);
        fd_close(fixture->record_fd);
        ledger_unmap(fixture->ledger);
        *fixture = (Fixture){};
}

static void fixture_clear_slot(Fixture *fixture) {
        slot_clear(ledger_slot(fixture->ledger, 0));
        assert_true(ledger_pass(fixture->ledger, 0, SLOT_WAITING, SLOT_FREE));
}

void fixture_call(Fixture *fixture) {
        NotifyRequest knock = {};

        assert_int_equal(send(fixture->target_fd, "", 1, 0), 1);
        wait_readable(fixture->listener_fd);
        if (fixture->workload->knocks) /* as the verifier does */
                assert_int_equal(notify_receive(fixture->listener_fd, &knock), 0);
        assert_int_equal(ledger_new(1, &knock, FIXTURE_KNOCK_ANSWER, &fixture->ledger_fd), 0);
        assert_int_equal(ledger_map(fixture->ledger_fd, &fixture->ledger), 0);
        if (!fixture->workload->knocks)
                fixture_clear_slot(fixture);
}

void fixture_call_again(const Fixture *fixture) {
        assert_int_equal(send(fixture->target_fd, "", 1, 0), 1);
}

bool fixture_has_call(const Fixture *fixture) {
        struct pollfd fd = {.fd = fixture->listener_fd, .events = POLLIN};

        return poll(&fd, 1, 0) > 0 && (fd.revents & POLLIN);
}

bool fixture_has_result(const Fixture *fixture) {
        struct pollfd pollfd = {.fd = fixture->target_fd, .events = POLLIN};

        return poll(&pollfd, 1, 0) == 1 && pollfd.revents & POLLIN;
}

FixtureResult fixture_result(const Fixture *fixture) {
        FixtureResult result;

        wait_readable(fixture->target_fd);
        assert_int_equal(recv(fixture->target_fd, &result, sizeof(result), 0), sizeof(result));
        return result;
}

static const Profile *add_profile(Policy *policy, const char *name, FixturePolicy kind) {
        static const Action fallbacks[] = {
                [FIXTURE_ALLOW] = ACTION_ALLOW,
                [FIXTURE_KEEP] = ACTION_ALLOW,
                [FIXTURE_PARTLY] = ACTION_ALLOW,
                [FIXTURE_AUDIT] = ACTION_AUDIT, /* of the others, ACTION_DENY */
        };
        const char *existing;
        Profile *profile;

        CHECK_INT(policy_add_profile(policy, name, fallbacks[kind], EPERM, POLICY_LOG_ALL, &profile), 0);
        if (kind == FIXTURE_DELAY)
                CHECK_INT(profile_add_rule(profile,
                                  &(const Rule){"slow", "/", ACTION_ALLOW, UINT64_C(86400) * 1000000},
                                  &existing),
                        0);
        if (kind == FIXTURE_PARTLY)
                CHECK_INT(profile_add_rule(
                                  profile, &(const Rule){"other", "/nowhere/", ACTION_DENY}, &existing),
                        0);
#ifdef TEST_OPERATIONS
        if (kind == FIXTURE_KEEP)
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
        FixturePolicy policy;
        RejectReason reason; /* of the rejecting worker */
        bool is_traced;
} Role;

__attribute__((noreturn)) static void be_worker(const Fixture *fixture, const Role *role) {
        static const Limits no_patience = {.records_per_second = 1000};
        static Sandboxes sandboxes;
        WorkerArguments arguments = {
                .listener_fd = fixture->listener_fd,
                .ledger_fd = fixture->ledger_fd,
                .daemon_fd = fixture->daemon_fd,
                .host_root_fd = fixture->host_root_fd,
                .cgroup_fd = -EBADF,
                .reader_fd = fixture->reader_fd > 0 ? fixture->reader_fd : -EBADF,
                .number = role->number,
                .session = {.session_id = 1, .profile = "default"},
                .sandbox = &sandboxes.worker,
                .helper_sandbox = &sandboxes.helper,
                .executor = fixture->executor ? fixture->executor : &executor_acting,
                .guard = fixture->guard,
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
                role->policy == FIXTURE_NO_PROFILE ? NULL : add_profile(policy, "default", role->policy);
        CHECK_INT(dup2(fixture->record_fd, STDERR_FILENO), STDERR_FILENO);
        CHECK_INT(report_new(REPORT_TO_STDERR, &report), 0);
        arguments.report = report;
        if (role->is_traced) {
                CHECK_INT(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
                (void)raise(SIGSTOP);
        }
        _exit(rejects ? reject_run(&arguments, role->reason) : worker_run(&arguments));
}

/* As the daemon does it: nothing takes a worker's place while a helper process of its is still at work. */
static void wait_for_helpers(const Fixture *fixture, uint32_t number) {
        const struct timespec nap = {.tv_nsec = 1000000};

        for (int i = 0; ledger_lock_holder(fixture->ledger_fd, number) != 0; i++) {
                if (i == PATIENCE_SEC * 1000)
                        fail_msg("a helper process outlives its worker");
                (void)nanosleep(&nap, NULL);
        }
}

static pid_t start_worker(const Fixture *fixture, const Role *role) {
        sigset_t mask, ours;
        pid_t pid;

        wait_for_helpers(fixture, role->number);
        if (role->number != LEDGER_REJECTING)
                atomic_store(&ledger_header(fixture->ledger)->receiver, role->number);
        /* As the daemon does it: SIGTERM is blocked from the first. */
        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigprocmask(SIG_SETMASK, &mask, &ours);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                be_worker(fixture, role);
        (void)sigprocmask(SIG_SETMASK, &ours, NULL);
        return pid;
}

static pid_t trace_worker(const Fixture *fixture, Role role) {
        pid_t pid;
        int status;

        role.is_traced = true;
        pid = start_worker(fixture, &role);
        assert_true(harness_wait(pid, 0, &status));
        assert_true(WIFSTOPPED(status));
        assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
        return pid;
}

pid_t fixture_start_worker(const Fixture *fixture, uint32_t number, FixturePolicy policy) {
        const Role role = {.number = number, .policy = policy};

        return start_worker(fixture, &role);
}

pid_t fixture_trace_worker(const Fixture *fixture, FixturePolicy policy) {
        return trace_worker(fixture, (Role){.policy = policy});
}

pid_t fixture_start_rejecting(const Fixture *fixture, RejectReason reason) {
        const Role role = {.number = LEDGER_REJECTING, .reason = reason};

        return start_worker(fixture, &role);
}

pid_t fixture_trace_rejecting(const Fixture *fixture, RejectReason reason) {
        return trace_worker(fixture, (Role){.number = LEDGER_REJECTING, .reason = reason});
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

void worker_left(const Fixture *fixture, pid_t worker) {
        int status;

        if (!harness_wait(worker, 0, &status))
                fail_msg("a worker doesn't leave");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != WORKER_EXIT_IDLE)
                fail_msg("a worker left with status %#x: %s", (unsigned)status, fixture_records(fixture));
}

const char *fixture_records(const Fixture *fixture) {
        static char text[16384];
        ssize_t n = pread(fixture->record_fd, text, sizeof(text) - 1, 0);

        assert_true(n >= 0);
        text[n] = '\0';
        return text;
}

unsigned fixture_count(const Fixture *fixture) {
        DIR *dir = opendir(fixture->dir);
        unsigned count = 0;

        assert_non_null(dir);
        for (const struct dirent *entry; (entry = readdir(dir));)
                count += entry->d_name[0] != '.';
        (void)closedir(dir);
        return count;
}
