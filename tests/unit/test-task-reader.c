/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests the readers of daemon/worker/target/ on tasks of every sort that wait in a call: three readers stand
 * side by side, and say the same.  One asks /proc; one runs a program in the kernel, where the kernel takes
 * it; the third has asked the kernel by system calls, most of them made by the task itself. */

#include "harness.h"

#include <dirent.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/message.h"
#include "common/notify.h"
#include "common/ownership.h"
#include "reader/load.h"
#include "reader/reader.h"
#include "worker/target/task-reader.h"

DEFINE_CLEANUP(TargetCache, target_cache_free)
DEFINE_CLEANUP(TaskReader, task_reader_free)

#define MANY_GROUPS 20000U

/* What a task says of itself, in memory that it shares with the test. */
typedef struct Report {
        pid_t pid;               /* as we number its process */
        pid_t own_tgid, own_tid; /* as its PID namespace numbers them */
        struct stat user_namespace;
        TaskFacts facts;
        gid_t groups[MANY_GROUPS];
} Report;

static Report *report;

/* ---- the call in which each task waits ---- */

/* The one call that the filter stops has this descriptor. */
#define CALL_DIRFD (-4711)

static int call_listener_fd = -EBADF;
static NotifyRequest call;

static int install_filter(void) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)CALL_DIRFD, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = {COUNT(instructions), instructions};
        int fd = (int)syscall(
                SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);

        CHECK(fd >= 0);
        return fd;
}

/* In the task. */
__attribute__((noreturn)) static void wait_in_call(void) {
        (void)syscall(SYS_mkdirat, CALL_DIRFD, "a path", 0700);
        harness_stay();
}

static void send_listener(int socket_fd) {
        int listener_fd = install_filter();

        CHECK_INT(message_send(socket_fd, "", 1, listener_fd), 0);
        fd_close(listener_fd);
        fd_close(socket_fd);
}

static void receive_call(int socket_fd) {
        struct pollfd fd = {.fd = socket_fd, .events = POLLIN};
        char byte;

        fd_close(call_listener_fd);
        assert_int_equal(poll(&fd, 1, PATIENCE_SEC * 1000), 1);
        assert_int_equal(message_receive(socket_fd, &byte, 1, &call_listener_fd), 1);
        fd.fd = call_listener_fd;
        assert_int_equal(poll(&fd, 1, PATIENCE_SEC * 1000), 1);
        call = (NotifyRequest){};
        assert_int_equal(notify_receive(call_listener_fd, &call), 0);
}

static TargetCache *new_cache(void) {
        TargetCache *cache = NULL;

        assert_int_equal(target_cache_new(&cache), 0);
        return cache;
}

static TaskReader *new_procfs_reader(void) {
        TaskReader *reader = NULL;

        assert_int_equal(procfs_task_reader_new(&reader), 0);
        return reader;
}

/* The program in the kernel; -EBADF: the kernel takes none. */
static int program_fd = -EBADF;
static int slash_fd = -EBADF;

/* Counts what it is asked for. */
typedef struct CountingReader {
        TaskReader reader;
        TaskReader *below;
        unsigned calls;
        unsigned counts[8];
} CountingReader;

static int counting_read(TaskReader *base, Target *target, unsigned sets, TaskFacts *facts) {
        CountingReader *reader = (CountingReader *)base;

        reader->calls++;
        for (unsigned i = 0; i < COUNT(reader->counts); i++)
                reader->counts[i] += sets >> i & 1;
        return reader->below->read(reader->below, target, sets, facts);
}

static void counting_free(TaskReader *base) {
        (void)base;
}

/* Where it asks /proc, it asks by way of *counting. */
static TaskReader *new_bpf_reader(CountingReader *counting, TaskReader *procfs_reader) {
        TaskReader *reader = NULL;

        *counting = (CountingReader){
                .reader = {.read = counting_read, .free = counting_free}, .below = procfs_reader};
        assert_int_equal(bpf_task_reader_new(program_fd, slash_fd, &counting->reader, &reader), 0);
        return reader;
}

static void begin_request(TaskReader *reader) {
        const Notification notification = {call_listener_fd, call.notif.id};
        static Notification kept;

        kept = notification;
        task_reader_begin(reader, &kept);
}

static Target *open_target(TargetCache *cache, pid_t tid) {
        Target *target = NULL;

        assert_int_equal(target_open(cache, tid, &target), 0);
        assert_int_equal(target_tid(target), tid);
        return target;
}

static uint64_t own_capabilities(void) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2];

        CHECK_INT(syscall(SYS_capget, &header, data), 0);
        return (uint64_t)data[1].effective << 32 | data[0].effective;
}

/* The ids are those of the user namespace that the task is in when it looks. */
static void report_ids(void) {
        TaskFacts *facts = &report->facts;
        int n = getgroups(MANY_GROUPS, report->groups);

        CHECK(n >= 0);
        facts->credentials.n_groups = (size_t)n;
        CHECK_INT(getresuid(&facts->uids[0], &facts->uids[1], &facts->uids[2]), 0);
        CHECK_INT(getresgid(&facts->gids[0], &facts->gids[1], &facts->gids[2]), 0);
        facts->credentials.fsuid = (uid_t)setfsuid((uid_t)-1);
        facts->credentials.fsgid = (gid_t)setfsgid((gid_t)-1);
}

static void report_rest(void) {
        TaskFacts *facts = &report->facts;
        struct rlimit limit;

        facts->credentials.umask = umask(0);
        (void)umask(facts->credentials.umask);
        facts->credentials.capabilities = own_capabilities();
        CHECK_INT(prctl(PR_GET_NAME, facts->comm), 0);
        CHECK_INT(directory_id_read(AT_FDCWD, "/", 0, &facts->root), 0);
        CHECK_INT(getrlimit(RLIMIT_LOCKS, &limit), 0);
        facts->locks_limit = limit.rlim_max;
        report->own_tgid = getpid();
        report->own_tid = (pid_t)syscall(SYS_gettid);
}

static void report_namespace(void) {
        CHECK_INT(stat("/proc/thread-self/ns/user", &report->user_namespace), 0);
}

static void prepare_plain(void) {
        report_ids();
        report_namespace();
        report_rest();
}

static void prepare_user(void) {
        const gid_t groups[] = {30, 10, 20};

        report_namespace();
        (void)umask(0123);
        CHECK_INT(prctl(PR_SET_NAME, "some\\\n(bo) dy"), 0);
        CHECK_INT(setgroups(COUNT(groups), groups), 0);
        CHECK_INT(setresgid(41, 42, 43), 0);
        (void)setfsgid(44);
        CHECK_INT(setresuid(51, 0, 53), 0);
        (void)setfsuid(54);
        report_ids();
        report_rest();
}

static void prepare_groups(unsigned n) {
        static gid_t groups[MANY_GROUPS];

        for (unsigned i = 0; i < n; i++)
                groups[i] = 1000000 + i;
        CHECK_INT(setgroups(n, groups), 0);
        prepare_plain();
}

/* The status text is longer than the reader's first buffer. */
static void prepare_many_groups(void) {
        prepare_groups(MANY_GROUPS);
}

static void prepare_some_groups(void) {
        prepare_groups(READER_GROUPS_MAX);
}

static void prepare_one_group_more(void) {
        prepare_groups(READER_GROUPS_MAX + 1);
}

static void prepare_no_capabilities(void) {
        CHECK_INT(setgroups(0, NULL), 0);
        CHECK_INT(setresgid(1000, 1000, 1000), 0);
        CHECK_INT(setresuid(1000, 1000, 1000), 0);
        prepare_plain();
}

static void prepare_user_namespace(void) {
        report_ids();
        CHECK_INT(unshare(CLONE_NEWUSER), 0);
        report_namespace();
        report_rest();
}

static void prepare_root(void) {
        report_ids();
        report_namespace();
        CHECK_INT(chroot("/usr"), 0);
        report_rest();
}

static void prepare_process_group(void) {
        CHECK_INT(setpgid(0, 0), 0);
        prepare_plain();
}

static void prepare_limits(void) {
        const struct rlimit limit = {1, RLIM_INFINITY - 1};

        CHECK_INT(setrlimit(RLIMIT_LOCKS, &limit), 0);
        prepare_plain();
}

/* The soft limit alone means nothing. */
static void prepare_soft_limit(void) {
        const struct rlimit limit = {1, RLIM_INFINITY};

        CHECK_INT(setrlimit(RLIMIT_LOCKS, &limit), 0);
        prepare_plain();
}

/* The target is a thread that has credentials and a root of its own. */
static void *run_thread(void *ready) {
        const gid_t group = 77;

        CHECK_INT(unshare(CLONE_FS), 0);
        report_namespace();
        CHECK_INT(chroot("/usr"), 0);
        CHECK_INT(prctl(PR_SET_NAME, "thread"), 0);
        CHECK_INT(syscall(SYS_setgroups, 1, &group), 0);
        CHECK_INT(syscall(SYS_setresuid, 5, 6, 7), 0);
        report_ids();
        report_rest();
        CHECK_INT(write(*(int *)ready, "", 1), 1);
        wait_in_call();
}

static void prepare_thread(void) {
        static int ready[2];
        pthread_t thread;
        char byte;

        CHECK_INT(pipe2(ready, O_CLOEXEC), 0);
        CHECK_INT(pthread_create(&thread, NULL, run_thread, &ready[1]), 0);
        CHECK_INT(read(ready[0], &byte, 1), 1);
}

typedef struct Kind {
        const char *name;
        void (*prepare)(void);
        int unshare_flags; /* what the kernel must allow */
        unsigned told;     /* what the program in the kernel tells */
        bool is_thread;
        bool in_pid_namespace;
} Kind;

#define TOLD (TASK_STATUS | TASK_USER_NAMESPACE | TASK_ROOT)

static const Kind kinds[] = {
        {"plain", prepare_plain, 0, TOLD, false, false},
        {"of a user", prepare_user, 0, TOLD, false, false},
        {"of many groups", prepare_many_groups, 0, 0, false, false},
        {"of some groups", prepare_some_groups, 0, TOLD, false, false},
        {"of one group more", prepare_one_group_more, 0, 0, false, false},
        {"without capabilities", prepare_no_capabilities, 0, TOLD, false, false},
        {"in a user namespace", prepare_user_namespace, CLONE_NEWUSER, 0, false, false},
        {"in another root", prepare_root, 0, TOLD & ~TASK_ROOT, false, false},
        {"in a process group of its own", prepare_process_group, 0, TOLD, false, false},
        {"with a hard limit", prepare_limits, 0, TOLD, false, false},
        {"with a soft limit", prepare_soft_limit, 0, TOLD, false, false},
        {"a thread", prepare_thread, 0, TOLD & ~TASK_ROOT, true, false},
        {"in a PID namespace", prepare_plain, CLONE_NEWPID, TOLD, false, true},
        {"a thread in a PID namespace", prepare_thread, CLONE_NEWPID, TOLD & ~TASK_ROOT, true, true},
};

#define PLAIN (&kinds[0])
#define OF_MANY_GROUPS (&kinds[2])

/* The child of this process is the first of a PID namespace. */
static void prepare_in_pid_namespace(const Kind *kind) {
        int ready[2];
        pid_t pid;
        char byte;

        CHECK_INT(unshare(CLONE_NEWPID), 0);
        CHECK_INT(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
                CHECK_INT(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
                kind->prepare();
                CHECK_INT(write(ready[1], "", 1), 1);
                if (!kind->is_thread)
                        wait_in_call();
                harness_stay();
        }
        CHECK_INT(read(ready[0], &byte, 1), 1);
        report->pid = pid;
}

static void prepare(const Kind *kind) {
        if (kind->in_pid_namespace)
                prepare_in_pid_namespace(kind);
        else {
                report->pid = getpid();
                kind->prepare();
        }
}

/* The one thread that the process has besides its first. */
static pid_t find_thread(pid_t pid) {
        struct dirent *entry;
        char path[64];
        pid_t tid = 0;
        DIR *dir;

        (void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
        dir = opendir(path);
        assert_non_null(dir);
        while (tid == 0 && (entry = readdir(dir)))
                if (entry->d_name[0] != '.' && atoi(entry->d_name) != pid)
                        tid = atoi(entry->d_name);
        (void)closedir(dir);
        return tid;
}

/* Adds to the report what the test itself may ask the kernel about the task. */
static void complete_report(const Kind *kind) {
        TaskFacts *facts = &report->facts;
        struct stat ours;

        facts->n_levels = kind->in_pid_namespace ? 2 : 1;
        facts->level_tgids[1] = report->own_tgid;
        facts->level_tids[1] = report->own_tid;
        facts->level_tgids[0] = facts->tgid = report->pid;
        facts->level_tids[0] = kind->is_thread ? find_thread(report->pid) : report->pid;
        facts->process_group = getpgid(report->pid);
        assert_int_equal(stat("/proc/self/ns/user", &ours), 0);
        facts->in_our_user_namespace =
                ours.st_ino == report->user_namespace.st_ino && ours.st_dev == report->user_namespace.st_dev;
}

__attribute__((noreturn)) static void be_task(const Kind *kind, int socket_fd, int ready_fd) {
        send_listener(socket_fd);
        prepare(kind);
        CHECK_INT(write(ready_fd, "", 1), 1);
        if (!kind->is_thread && !kind->in_pid_namespace)
                wait_in_call();
        harness_stay();
}

static pid_t start_task(const Kind *kind) {
        int sockets[2], ready[2];
        pid_t pid;
        char byte;

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = harness_fork();
        assert_true(pid >= 0);
        if (pid == 0)
                be_task(kind, sockets[1], ready[1]);
        fd_close(sockets[1]);
        fd_close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        receive_call(sockets[0]);
        fd_close(sockets[0]);
        fd_close(ready[0]);
        return pid;
}

/* Returns the child, whose end is the task's, or 0 where the kernel does not allow such a task. */
static pid_t start(const Kind *kind) {
        pid_t pid;

        if (kind->unshare_flags != 0 && !harness_can_unshare(kind->unshare_flags)) {
                print_message("skipped: %s\n", kind->name);
                return 0;
        }
        memset(report, 0, sizeof(*report));
        pid = start_task(kind);
        complete_report(kind);
        assert_int_equal(call.notif.pid, report->facts.level_tids[0]);
        return pid;
}

static pid_t task_of_report(void) {
        return report->facts.level_tids[0];
}

/* The second reader knows one task, that of the report. */

static void copy_status(TaskFacts *facts) {
        const TaskFacts *from = &report->facts;
        Credentials *to = &facts->credentials;

        credentials_clear_groups(to);
        for (size_t i = 0; i < from->credentials.n_groups; i++)
                assert_int_equal(credentials_add_group(to, report->groups[i]), 0);
        to->fsuid = from->credentials.fsuid;
        to->fsgid = from->credentials.fsgid;
        to->umask = from->credentials.umask;
        to->capabilities = from->credentials.capabilities;
        memcpy(facts->uids, from->uids, sizeof(facts->uids));
        memcpy(facts->gids, from->gids, sizeof(facts->gids));
        facts->tgid = from->tgid;
        memcpy(facts->comm, from->comm, sizeof(facts->comm));
        facts->n_levels = from->n_levels;
        memcpy(facts->level_tgids, from->level_tgids, sizeof(facts->level_tgids));
        memcpy(facts->level_tids, from->level_tids, sizeof(facts->level_tids));
}

static int report_read(TaskReader *reader, Target *target, unsigned sets, TaskFacts *facts) {
        (void)reader;
        assert_int_equal(target_tid(target), task_of_report());
        assert_int_equal(facts->known & sets, 0);
        if (sets & TASK_STATUS)
                copy_status(facts);
        if (sets & TASK_USER_NAMESPACE)
                facts->in_our_user_namespace = report->facts.in_our_user_namespace;
        if (sets & TASK_ROOT)
                facts->root = report->facts.root;
        if (sets & TASK_PROCESS_GROUP)
                facts->process_group = report->facts.process_group;
        if (sets & TASK_LIMITS)
                facts->locks_limit = report->facts.locks_limit;
        facts->known |= sets;
        return 0;
}

static TaskReader report_reader = {.read = report_read};

/* Two readers, compared. */

static void assert_same_credentials(const Credentials *a, const Credentials *b) {
        assert_int_equal(a->fsuid, b->fsuid);
        assert_int_equal(a->fsgid, b->fsgid);
        assert_int_equal(a->umask, b->umask);
        assert_true(a->capabilities == b->capabilities);
        assert_int_equal(a->n_groups, b->n_groups);
        for (size_t i = 0; i < a->n_groups; i++)
                assert_int_equal(a->groups[i], b->groups[i]);
}

static void assert_same_status(const TaskFacts *a, const TaskFacts *b) {
        assert_same_credentials(&a->credentials, &b->credentials);
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(a->uids[i], b->uids[i]);
                assert_int_equal(a->gids[i], b->gids[i]);
        }
        assert_int_equal(a->tgid, b->tgid);
        assert_string_equal(a->comm, b->comm);
        assert_int_equal(a->n_levels, b->n_levels);
        for (unsigned i = 0; i < a->n_levels; i++) {
                assert_int_equal(a->level_tgids[i], b->level_tgids[i]);
                assert_int_equal(a->level_tids[i], b->level_tids[i]);
        }
}

static void assert_same_facts(const TaskFacts *a, const TaskFacts *b, unsigned sets) {
        assert_true(task_facts_know(a, sets));
        assert_true(task_facts_know(b, sets));
        if (sets & TASK_STATUS)
                assert_same_status(a, b);
        if (sets & TASK_USER_NAMESPACE)
                assert_int_equal(a->in_our_user_namespace, b->in_our_user_namespace);
        if (sets & TASK_ROOT)
                assert_true(directory_id_equal(&a->root, &b->root));
        if (sets & TASK_PROCESS_GROUP)
                assert_int_equal(a->process_group, b->process_group);
        if (sets & TASK_LIMITS)
                assert_true(a->locks_limit == b->locks_limit);
}

static void compare_readers(TaskReader *one, TaskReader *other, Target *target, unsigned sets) {
        TaskFacts a, b;

        task_facts_init(&a);
        task_facts_init(&b);
        begin_request(one);
        begin_request(other);
        assert_int_equal(task_reader_read(one, target, sets, &a), 0);
        assert_int_equal(task_reader_read(other, target, sets, &b), 0);
        assert_same_facts(&a, &b, sets);
        task_facts_done(&a);
        task_facts_done(&b);
}

/* Everything at once, and each set by itself; of a target that is new, and of one that is kept. */
static void test_readers_agree(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        _cleanup_(task_reader_free_p) TaskReader *reader = new_procfs_reader();

        (void)state;
        for (size_t i = 0; i < COUNT(kinds); i++) {
                pid_t pid = start(&kinds[i]);

                if (pid == 0)
                        continue;
                print_message("a task: %s\n", kinds[i].name);
                for (unsigned n = 0; n < 3; n++) {
                        Target *target = open_target(cache, task_of_report());

                        compare_readers(reader, &report_reader, target, TASK_EVERYTHING);
                        for (unsigned set = 1; set & TASK_EVERYTHING; set <<= 1)
                                compare_readers(reader, &report_reader, target, set);
                }
                harness_kill(report->pid);
                harness_kill(pid);
        }
}

/* Facts that one task after the other is read into hold nothing of the one before. */
static void test_facts_are_reused(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        _cleanup_(task_reader_free_p) TaskReader *reader = new_procfs_reader();
        TaskFacts facts, expected;

        (void)state;
        task_facts_init(&facts);
        task_facts_init(&expected);
        for (size_t i = 0; i < COUNT(kinds); i++) {
                pid_t pid = start(&kinds[i]);
                Target *target;

                if (pid == 0)
                        continue;
                target = open_target(cache, task_of_report());
                task_facts_forget(&facts, TASK_EVERYTHING);
                task_facts_forget(&expected, TASK_EVERYTHING);
                assert_int_equal(task_reader_read(reader, target, TASK_EVERYTHING, &facts), 0);
                assert_int_equal(task_reader_read(&report_reader, target, TASK_EVERYTHING, &expected), 0);
                assert_same_facts(&facts, &expected, TASK_EVERYTHING);
                harness_kill(report->pid);
                harness_kill(pid);
        }
        task_facts_done(&facts);
        task_facts_done(&expected);
}

static void assert_read(
        CountingReader *counting, Target *target, unsigned sets, TaskFacts *facts, unsigned expected_calls) {
        assert_int_equal(task_reader_read(&counting->reader, target, sets, facts), 0);
        assert_true(task_facts_know(facts, sets));
        assert_int_equal(counting->calls, expected_calls);
}

static void test_once(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        _cleanup_(task_reader_free_p) TaskReader *below = new_procfs_reader();
        CountingReader counting = {.reader = {.read = counting_read}, .below = below};
        pid_t pid = start(PLAIN);
        Target *target = open_target(cache, pid);
        TaskFacts facts;

        (void)state;
        task_facts_init(&facts);
        assert_read(&counting, target, 0, &facts, 0);
        assert_read(&counting, target, TASK_STATUS | TASK_ROOT, &facts, 1);
        assert_int_equal(facts.known, TASK_STATUS | TASK_ROOT);
        assert_read(&counting, target, TASK_ROOT, &facts, 1);
        assert_read(&counting, target, TASK_EVERYTHING, &facts, 2);
        assert_read(&counting, target, TASK_EVERYTHING, &facts, 2);
        for (unsigned i = 0; i < COUNT(counting.counts); i++)
                assert_int_equal(counting.counts[i], TASK_EVERYTHING >> i & 1);
        task_facts_forget(&facts, TASK_LIMITS);
        assert_read(&counting, target, TASK_EVERYTHING, &facts, 3);
        for (unsigned i = 0; i < COUNT(counting.counts); i++)
                assert_int_equal(counting.counts[i], (TASK_EVERYTHING >> i & 1) + (TASK_LIMITS >> i & 1U));
        task_facts_done(&facts);
        harness_kill(pid);
}

static void test_dead(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        _cleanup_(task_reader_free_p) TaskReader *reader = new_procfs_reader();
        pid_t pid = start(PLAIN);
        Target *target = open_target(cache, pid);
        TaskFacts facts;

        (void)state;
        task_facts_init(&facts);
        assert_int_equal(task_reader_read(reader, target, TASK_STATUS, &facts), 0);
        harness_kill(pid);
        for (unsigned set = TASK_USER_NAMESPACE; set & TASK_EVERYTHING; set <<= 1) {
                assert_int_equal(task_reader_read(reader, target, set, &facts), TARGET_GONE);
                assert_int_equal(facts.known, TASK_STATUS);
        }
        for (unsigned set = 1; set & TASK_EVERYTHING; set <<= 1) {
                pid = start(PLAIN);
                target = open_target(cache, pid);
                harness_kill(pid);
                task_facts_forget(&facts, TASK_EVERYTHING);
                assert_int_equal(task_reader_read(reader, target, set, &facts), TARGET_GONE);
                assert_int_equal(facts.known, 0);
        }
        task_facts_done(&facts);
}

/* Dead, but not reaped: its /proc entry is there, and nothing that counts. */
static void test_zombie(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        _cleanup_(task_reader_free_p) TaskReader *reader = new_procfs_reader();
        pid_t pid = start(PLAIN);
        Target *target = open_target(cache, pid);
        TaskFacts facts;
        siginfo_t info;

        (void)state;
        task_facts_init(&facts);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        assert_true(task_reader_read(reader, target, TASK_STATUS, &facts) != 0);
        assert_true(task_reader_read(reader, target, TASK_ROOT, &facts) != 0);
        assert_int_equal(facts.known, 0);
        task_facts_done(&facts);
        harness_kill(pid);
}

/* Gives a new child the number of a dead one.  Returns false where this isn't allowed to us. */
static bool start_as(pid_t number) {
        const struct clone_args arguments = {
                .exit_signal = SIGCHLD,
                .set_tid = (uintptr_t)&number,
                .set_tid_size = 1,
        };
        int fds[2], sockets[2], parent_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        char byte;
        long pid;

        memset(report, 0, sizeof(*report));
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
        pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
        if (pid == 0) {
                harness_parent_fd = parent_fd;
                report->pid = number;
                send_listener(sockets[1]);
                prepare_user();
                CHECK_INT(write(fds[1], "", 1), 1);
                wait_in_call();
        }
        fd_close(fds[1]);
        fd_close(sockets[1]);
        if (pid > 0) {
                assert_int_equal(read(fds[0], &byte, 1), 1);
                receive_call(sockets[0]);
        }
        fd_close(sockets[0]);
        fd_close(fds[0]);
        fd_close(parent_fd);
        if (pid != number)
                return false;
        complete_report(PLAIN);
        return true;
}

/* What is kept belongs to the dead task and never speaks for the new one: neither in the middle of a
 * request, nor at its start, whichever set is asked for first. */
static void check_reborn(TargetCache *cache, TaskReader *reader, pid_t pid, unsigned first) {
        int fd = -EBADF;

        assert_int_equal(target_open_cwd(open_target(cache, pid), &fd), TARGET_GONE);
        compare_readers(reader, &report_reader, open_target(cache, pid), first);
        compare_readers(reader, &report_reader, open_target(cache, pid), TASK_EVERYTHING);
        assert_int_equal(target_open_cwd(open_target(cache, pid), &fd), 0);
        fd_close(fd);
}

static void test_reborn(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        _cleanup_(task_reader_free_p) TaskReader *reader = new_procfs_reader();
        bool may = true;
        TaskFacts facts;

        (void)state;
        task_facts_init(&facts);
        for (unsigned set = 1; may && (set & TASK_EVERYTHING); set <<= 1) {
                pid_t pid = start(OF_MANY_GROUPS);

                for (unsigned n = 0; n < 2; n++) { /* the second time all of its files are kept */
                        task_facts_forget(&facts, TASK_EVERYTHING);
                        assert_int_equal(
                                task_reader_read(reader, open_target(cache, pid), TASK_EVERYTHING, &facts),
                                0);
                }
                harness_kill(pid);
                may = start_as(pid);
                task_facts_forget(&facts, TASK_ROOT);
                if (may) {
                        assert_int_equal(
                                task_reader_read(reader, open_target(cache, pid), TASK_ROOT, &facts),
                                TARGET_GONE);
                        check_reborn(cache, reader, pid, set);
                        harness_kill(pid);
                }
        }
        task_facts_done(&facts);
        if (!may) {
                print_message("skipped: may not choose a child's number (CAP_CHECKPOINT_RESTORE)\n");
                skip();
        }
}

/* ---- the program in the kernel ---- */

static void need_program(void) {
        char reason[256] = "it is not built";

#ifdef HAS_READER
        if (program_fd < 0)
                (void)reader_load(reason, sizeof(reason), &program_fd);
#endif
        if (program_fd >= 0)
                return;
        print_message("skipped: there is no reader: %s\n", reason);
        skip();
}

static void compare_with_program(const Kind *kind, TargetCache *cache, TaskReader *procfs_reader) {
        CountingReader counting;
        _cleanup_(task_reader_free_p) TaskReader *reader = new_bpf_reader(&counting, procfs_reader);
        Target *target = open_target(cache, task_of_report());

        compare_readers(procfs_reader, reader, target, TASK_EVERYTHING);
        for (unsigned i = 0; i < COUNT(counting.counts); i++)
                assert_int_equal(counting.counts[i], (TASK_EVERYTHING & ~kind->told) >> i & 1U);
        for (unsigned set = 1; set & TASK_EVERYTHING; set <<= 1)
                compare_readers(procfs_reader, reader, target, set);
        compare_readers(reader, &report_reader, target, TASK_EVERYTHING);
}

static void test_program_agrees(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        _cleanup_(task_reader_free_p) TaskReader *procfs_reader = new_procfs_reader();

        (void)state;
        need_program();
        for (size_t i = 0; i < COUNT(kinds); i++) {
                pid_t pid = start(&kinds[i]);

                if (pid == 0)
                        continue;
                print_message("a task: %s\n", kinds[i].name);
                for (unsigned n = 0; n < 2; n++)
                        compare_with_program(&kinds[i], cache, procfs_reader);
                harness_kill(report->pid);
                harness_kill(pid);
        }
}

/* /proc is not asked for facts, but what is kept of it must not be the dead task's. */
static void test_reborn_told(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        CountingReader counting;
        _cleanup_(task_reader_free_p) TaskReader *procfs_reader = new_procfs_reader(), *reader = NULL;
        TaskFacts facts;
        int fd = -EBADF;
        pid_t pid;

        (void)state;
        need_program();
        reader = new_bpf_reader(&counting, procfs_reader);
        task_facts_init(&facts);
        pid = start(PLAIN);
        for (unsigned n = 0; n < 2; n++) {
                begin_request(reader);
                task_facts_forget(&facts, TASK_EVERYTHING);
                assert_int_equal(
                        task_reader_read(reader, open_target(cache, pid), TASK_EVERYTHING, &facts), 0);
        }
        harness_kill(pid);
        task_facts_done(&facts);
        if (!start_as(pid)) {
                print_message("skipped: may not choose a child's number (CAP_CHECKPOINT_RESTORE)\n");
                skip();
        }
        assert_int_equal(target_open_cwd(open_target(cache, pid), &fd), TARGET_GONE);
        begin_request(reader);
        task_facts_init(&facts);
        assert_int_equal(task_reader_read(reader, open_target(cache, pid), TASK_STATUS, &facts), 0);
        assert_int_equal(facts.credentials.fsuid, report->facts.credentials.fsuid);
        assert_int_equal(target_open_cwd(open_target(cache, pid), &fd), 0);
        fd_close(fd);
        task_facts_done(&facts);
        harness_kill(pid);
}

/* What the program leaves in the answer: nothing, unless it says that it is one. */
static void assert_asked(int expected, const ReaderRequest *request) {
        ReaderRequest answer = *request, blank = {
                                                 .id = request->id,
                                                 .listener_fd = request->listener_fd,
                                                 .root_fd = request->root_fd,
                                         };

        memset((char *)&answer + offsetof(ReaderRequest, capabilities), 0xaa,
                sizeof(answer) - offsetof(ReaderRequest, capabilities));
        assert_int_equal(reader_ask(program_fd, &answer), expected);
        if (expected < 0)
                assert_memory_equal(&answer, &blank, sizeof(answer));
}

static ReaderRequest request_for_call(void) {
        return (ReaderRequest){
                .id = call.notif.id,
                .listener_fd = call_listener_fd,
                .root_fd = slash_fd,
        };
}

/* The program tells of a task that waits on a listener of this process, and of no other task. */
static void test_others(void **state) {
        pid_t pid, other_pid;
        ReaderRequest request, other;
        _cleanup_close_ int file_fd = memfd_create("file", MFD_CLOEXEC), listener_fd = -EBADF;
        NotifyReply reply;

        (void)state;
        need_program();
        pid = start(PLAIN);
        request = request_for_call();
        listener_fd = TAKE_FD(call_listener_fd);
        request.listener_fd = listener_fd;
        other_pid = start(PLAIN);
        other = request_for_call();
        assert_asked(0, &request);
        assert_asked(0, &other);

        request.listener_fd = other.listener_fd;
        assert_asked(request.id == other.id ? 0 : -ENOENT, &request);
        for (unsigned i = 0; i < 100; i++) {
                request.id = other.id + 1 + i;
                assert_asked(-ENOENT, &request);
        }
        for (request.id = 0; request.id < 100; request.id++)
                assert_asked(-ENOENT, &request);
        request.id = other.id;
        static const int no_listeners[] = {-1, -100, STDIN_FILENO, 1 << 20, INT32_MAX, INT32_MIN};
        for (size_t i = 0; i < COUNT(no_listeners); i++) {
                request.listener_fd = no_listeners[i];
                assert_asked(-EBADF, &request);
        }
        request.listener_fd = file_fd;
        assert_asked(-EBADF, &request);
        request.listener_fd = slash_fd;
        assert_asked(-EBADF, &request);

        /* One that was answered, and one that is dead. */
        notify_reply(&reply, other.id, 0, EPERM);
        assert_int_equal(notify_send(other.listener_fd, &reply), 0);
        assert_asked(-ENOENT, &other);
        harness_kill(other_pid);
        assert_asked(-ENOENT, &other);
        request = other;
        request.listener_fd = listener_fd;
        harness_kill(pid);
        assert_asked(-ENOENT, &request);
}

/* A descriptor that is no root directory, or none. */
static void test_roots(void **state) {
        pid_t pid;
        ReaderRequest request;
        _cleanup_close_ int usr_fd = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC);

        (void)state;
        need_program();
        pid = start(PLAIN);
        for (unsigned i = 0; i < 4; i++) {
                const int fds[] = {slash_fd, usr_fd, -1, call_listener_fd};

                request = request_for_call();
                request.root_fd = fds[i];
                assert_int_equal(reader_ask(program_fd, &request), 0);
                assert_int_equal(request.flags & READER_ROOT_IS_GIVEN, i == 0 ? READER_ROOT_IS_GIVEN : 0);
        }
        harness_kill(pid);
}

static int map_report(void **state) {
        (void)state;
        report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return report == MAP_FAILED ? -1 : 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_readers_agree),
                cmocka_unit_test(test_facts_are_reused),
                cmocka_unit_test(test_once),
                cmocka_unit_test(test_dead),
                cmocka_unit_test(test_zombie),
                cmocka_unit_test(test_reborn),
                cmocka_unit_test(test_program_agrees),
                cmocka_unit_test(test_reborn_told),
                cmocka_unit_test(test_others),
                cmocka_unit_test(test_roots),
        };

        harness_need_filters();
        if (geteuid() != 0) {
                (void)fprintf(stderr, "skipped: only root can start targets of several users and roots\n");
                return EXIT_SKIP;
        }
        harness_init();
        slash_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return cmocka_run_group_tests_name("task-reader", tests, map_report, NULL);
}
