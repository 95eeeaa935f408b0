/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/target/target.c on living, dead and reborn tasks, and on memory and status texts of
 * every sort.  What a string reads like is asked of the kernel too: access(2) takes its path as mkdir(2)
 * does. */

#include "harness.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/ownership.h"
#include "worker/target/memory.h"
#include "worker/target/target.h"

DEFINE_CLEANUP(TargetCache, target_cache_free)

#define PAGE ((size_t)4096)

static TargetCache *new_cache(void) {
        TargetCache *cache = NULL;

        assert_int_equal(target_cache_new(&cache), 0);
        return cache;
}

/* Reports that it is ready, and waits to be killed. */
__attribute__((noreturn)) static void stay(int ready_fd) {
        CHECK_INT(write(ready_fd, "", 1), 1);
        harness_stay();
}

/* Starts a child that prepares itself and stays. */
static pid_t start(void (*prepare)(void)) {
        int fds[2];
        pid_t pid;
        char byte;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = harness_fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (prepare)
                        prepare();
                stay(fds[1]);
        }
        fd_close(fds[1]);
        assert_int_equal(read(fds[0], &byte, 1), 1);
        fd_close(fds[0]);
        return pid;
}

static Target *open_target(TargetCache *cache, pid_t pid, bool expected_fresh) {
        Target *target = NULL;
        bool fresh;

        assert_int_equal(target_open(cache, pid, &target, &fresh), 0);
        assert_int_equal(fresh, expected_fresh);
        assert_int_equal(target_tid(target), pid);
        return target;
}

/* A status text in pieces, so that each can be missing or odd. */
enum {
        NAME,
        UMASK,
        TGID,
        UID,
        GID,
        GROUPS,
        NSTGID,
        NSPID,
        CAPEFF,
        N_LINES,
};

static const char *const good_lines[N_LINES] = {
        [NAME] = "Name:\tmkdir\n",
        [UMASK] = "Umask:\t0027\nState:\tS (sleeping)\n",
        [TGID] = "Tgid:\t100\nNgid:\t0\nPid:\t101\nPPid:\t1\nTracerPid:\t0\n",
        [UID] = "Uid:\t1000\t1001\t1002\t1003\n",
        [GID] = "Gid:\t2000\t2001\t2002\t2003\nFDSize:\t64\n",
        [GROUPS] = "Groups:\t4 24 4294967294 \n",
        [NSTGID] = "NStgid:\t100\n",
        [NSPID] = "NSpid:\t101\nVmPeak:\t    3060 kB\nCapPrm:\t000001ffffffffff\n",
        [CAPEFF] = "CapEff:\t00000000a80425fb\nCapBnd:\t000001ffffffffff\n",
};

static int parse(unsigned line, const char *instead, TaskFacts *ret) {
        char text[4096] = "";

        for (unsigned i = 0; i < N_LINES; i++)
                (void)strcat(text, i == line ? instead : good_lines[i]);
        return task_facts_parse(text, ret);
}

static void test_parse(void **state) {
        TaskFacts status = {};

        (void)state;
        credentials_init(&status.credentials);
        for (int i = 0; i < 2; i++) { /* the second time nothing is left of the first */
                assert_int_equal(parse(N_LINES, NULL, &status), 0);
                assert_string_equal(status.comm, "mkdir");
                assert_int_equal(status.tgid, 100);
                assert_int_equal(status.uids[0], 1000);
                assert_int_equal(status.uids[1], 1001);
                assert_int_equal(status.uids[2], 1002);
                assert_int_equal(status.gids[0], 2000);
                assert_int_equal(status.gids[1], 2001);
                assert_int_equal(status.gids[2], 2002);
                assert_int_equal(status.credentials.umask, 0027);
                assert_int_equal(status.credentials.fsuid, 1003);
                assert_int_equal(status.credentials.fsgid, 2003);
                assert_int_equal(status.credentials.capabilities, 0xa80425fb);
                assert_int_equal(status.credentials.n_groups, 3);
                assert_int_equal(status.credentials.groups[0], 4);
                assert_int_equal(status.credentials.groups[1], 24);
                assert_int_equal(status.credentials.groups[2], 4294967294);
                assert_int_equal(status.n_levels, 1);
                assert_int_equal(status.level_tgids[0], 100);
                assert_int_equal(status.level_tids[0], 101);
        }
        credentials_done(&status.credentials);
}

#define LEVELS_11 "1\t2\t3\t4\t5\t6\t7\t8\t9\t10\t11\t"

static const struct {
        unsigned line;
        const char *instead;
        int expected;
} odd_texts[] = {
        {NAME, "", -EBADMSG},
        {UMASK, "State:\tZ (zombie)\n", -EBADMSG}, /* a task that has left its directories */
        {UMASK, "Umask:\t\n", -EBADMSG},
        {UMASK, "Umask:\t9\n", -EBADMSG},
        {TGID, "", -EBADMSG},
        {TGID, "Tgid:\tx\n", -EBADMSG},
        {TGID, "Tgid:\t2147483648\n", -EBADMSG},
        {UID, "", -EBADMSG},
        {UID, "Uid:\t1000\t1000\t1000\n", -EBADMSG},
        {UID, "Uid:\t1000\t1000\t1000\t4294967296\n", -EBADMSG},
        {UID, "Uid:\t1000\t1000\t1000\t18446744073709551616\n", -EBADMSG},
        {UID, "Uid:\t1000\t1000\t1000\t-1\n", -EBADMSG},
        {UID, "Uid:\t1000\t1000\t1000\t4294967295\n", 0},
        {GID, "", -EBADMSG},
        {GID, "Gid:\t2000\t2001\t2002\t\n", -EBADMSG},
        {GROUPS, "", -EBADMSG},
        {GROUPS, "Groups:\t \n", 0},
        {GROUPS, "Groups:\n", 0},
        {GROUPS, "Groups:\t4294967296 \n", -EBADMSG},
        {GROUPS, "Groups:\t4 x \n", -EBADMSG},
        {NSTGID, "", -EBADMSG},
        {NSPID, "", -EBADMSG},
        {NSPID, "NSpid:\t101\t7\n", -EBADMSG}, /* it is in as many as its process */
        {NSPID, "NSpid:\t\n", -EBADMSG},
        {NSPID, "NSpid:\t4294967397\n", -EBADMSG},
        {CAPEFF, "", -EBADMSG},
        {CAPEFF, "CapEff:\t\n", -EBADMSG},
        {CAPEFF, "CapEff:\t00000000a80425fb\n", 0},
        /* What a name holds is no line. */
        {NAME, "Name:\tUmask:\t7\n", 0},
        {NAME, "Name:\tx\\nUid:\t0 0 0 0\n", 0},
        {NAME, "Name:\t\n", 0},
        {NAME, "Name:\ta name that is longer than any can be\n", 0},
};

static void test_odd_texts(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(odd_texts); i++) {
                TaskFacts status = {};
                int r;

                credentials_init(&status.credentials);
                r = parse(odd_texts[i].line, odd_texts[i].instead, &status);
                if (r != odd_texts[i].expected)
                        fail_msg("%s: %d", odd_texts[i].instead, r);
                if (r == 0 && odd_texts[i].line == NAME) {
                        assert_int_equal(status.credentials.umask, 0027);
                        assert_int_equal(status.credentials.fsuid, 1003);
                        assert_true(strlen(status.comm) < sizeof(status.comm));
                }
                if (r == 0 && odd_texts[i].line == GROUPS)
                        assert_int_equal(status.credentials.n_groups, 0);
                credentials_done(&status.credentials);
        }
        assert_int_equal(task_facts_parse("", &(TaskFacts){}), -EBADMSG);
        assert_int_equal(task_facts_parse("\n\n\n", &(TaskFacts){}), -EBADMSG);
        assert_int_equal(task_facts_parse("Name:", &(TaskFacts){}), -EBADMSG);
}

/* The text may end anywhere: nothing is read behind it (the sanitizers would tell), nothing is made of half
 * a text. */
static void test_cut_texts(void **state) {
        char whole[4096] = "";
        size_t length;

        (void)state;
        for (unsigned i = 0; i < N_LINES; i++)
                (void)strcat(whole, good_lines[i]);
        length = (size_t)(strstr(whole, "CapEff:\t") - whole) + strlen("CapEff:\t");
        for (size_t n = 0; n < length; n++) {
                _cleanup_free_ char *cut = strndup(whole, n);
                TaskFacts status = {};

                assert_int_equal(task_facts_parse(cut, &status), -EBADMSG);
                credentials_done(&status.credentials);
        }
}

static void test_levels(void **state) {
        static const struct {
                const char *text;
                unsigned level;
                bool expected;
        } rows[] = {
                {"Name:\tx\nNStgid:\t100\t7\t1\n", 0, true},
                {"Name:\tx\nNStgid:\t7\t1\n", 1, true},
                {"Name:\tx\nNStgid:\t1\n", 2, true},
                {"Name:\tx\nNStgid:\t100\t7\t1\n", 1, false},
                {"Name:\tx\nNStgid:\t7\t1\n", 0, false},
                {"Name:\tx\nNStgid:\t7\t2\n", 1, false},
                {"Name:\tx\nNStgid:\t8\t1\n", 1, false},
                {"Name:\tx\nNStgid:\t7\n", 1, false},
                {"Name:\tx\nNStgid:\t7\t1\t1\n", 1, false},
                {"Name:\tx\nNStgid:\t7\t1\t0\n", 1, false},
                {"Name:\tx\nNStgid:\t\n", 1, false},
                {"Name:\tx\n", 1, false},
                {"", 2, false},
        };
        TaskFacts status = {};

        (void)state;
        assert_int_equal(parse(NSTGID, "NStgid:\t100\t7\t1\n", &status), -EBADMSG);
        assert_int_equal(status.n_levels, 3);
        for (size_t i = 0; i < COUNT(rows); i++)
                if (task_facts_is_at_level(rows[i].text, &status, rows[i].level) != rows[i].expected)
                        fail_msg("%s at level %u", rows[i].text, rows[i].level);
        /* More than the kernel allows, and no more room. */
        assert_int_equal(
                parse(NSTGID, "NStgid:\t" LEVELS_11 LEVELS_11 LEVELS_11 LEVELS_11 "\n", &status), -EBADMSG);
        assert_int_equal(status.n_levels, 0);
        credentials_done(&status.credentials);
}

static void become_somebody(void) {
        const gid_t groups[] = {30, 10, 20};

        (void)umask(0123);
        CHECK_INT(prctl(PR_SET_NAME, "some body"), 0);
        CHECK_INT(setgroups(COUNT(groups), groups), 0);
        CHECK_INT(setresgid(41, 42, 43), 0);
        (void)setfsgid(44);
        CHECK_INT(setresuid(51, 0, 53), 0);
        (void)setfsuid(54);
}

static void test_read_status(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        pid_t pid = start(become_somebody);
        TaskFacts status = {};

        (void)state;
        assert_int_equal(task_reader_read(open_target(cache, pid, true), &status), 0);
        assert_int_equal(status.tgid, pid);
        assert_string_equal(status.comm, "some body");
        assert_int_equal(status.uids[0], 51);
        assert_int_equal(status.uids[1], 0);
        assert_int_equal(status.uids[2], 53);
        assert_int_equal(status.gids[2], 43);
        assert_int_equal(status.credentials.fsuid, 54);
        assert_int_equal(status.credentials.fsgid, 44);
        assert_int_equal(status.credentials.umask, 0123);
        assert_int_equal(status.credentials.n_groups, 3);
        assert_int_equal(status.n_levels, 1);
        assert_int_equal(status.level_tids[0], pid);
        credentials_done(&status.credentials);
        harness_kill(pid);
}

#define MANY_GROUPS 20000U

static void join_many_groups(void) {
        static gid_t groups[MANY_GROUPS];

        for (unsigned i = 0; i < MANY_GROUPS; i++)
                groups[i] = 1000000 + i;
        CHECK_INT(setgroups(MANY_GROUPS, groups), 0);
}

/* The text is longer than the first buffer; and the next, shorter one has nothing of it. */
static void test_many_groups(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        pid_t many = start(join_many_groups), few = start(become_somebody);
        TaskFacts status = {};

        (void)state;
        assert_int_equal(task_reader_read(open_target(cache, many, true), &status), 0);
        assert_int_equal(status.credentials.n_groups, MANY_GROUPS);
        for (unsigned i = 0; i < MANY_GROUPS; i++)
                assert_int_equal(status.credentials.groups[i], 1000000 + i);
        assert_int_equal(status.tgid, many);
        assert_int_equal(task_reader_read(open_target(cache, few, true), &status), 0);
        assert_int_equal(status.credentials.n_groups, 3);
        assert_int_equal(status.tgid, few);
        credentials_done(&status.credentials);
        harness_kill(many);
        harness_kill(few);
}

/* Memory that a child inherits: `before` bytes of text end where the mapping does, or another begins. */
typedef enum Beyond {
        MAPPED,
        UNMAPPED,
        FORBIDDEN, /* PROT_NONE: /proc/PID/mem would read it */
        END_OF_FILE,
} Beyond;

static const struct {
        const char *name;
        size_t before;   /* bytes of text before the boundary */
        bool terminated; /* the last of which is NUL */
        Beyond beyond;
        size_t after; /* bytes of text behind it, then NUL */
        int expected;
        size_t length;
} strings[] = {
        {"inside of a page", 2000, true, MAPPED, 0, 0, 1999},
        {"empty", 1, true, UNMAPPED, 0, 0, 0},
        {"up to a hole", 10, true, UNMAPPED, 0, 0, 9},
        {"into a hole", 10, false, UNMAPPED, 0, TARGET_FAULT, 0},
        {"starting in a hole", 0, false, UNMAPPED, 0, TARGET_FAULT, 0},
        {"up to a forbidden page", 10, true, FORBIDDEN, 0, 0, 9},
        {"into a forbidden page", 10, false, FORBIDDEN, 0, TARGET_FAULT, 0},
        {"starting in a forbidden page", 0, false, FORBIDDEN, 0, TARGET_FAULT, 0},
        {"up to a file's end", 10, true, END_OF_FILE, 0, 0, 9},
        {"into a file's end", 10, false, END_OF_FILE, 0, TARGET_FAULT, 0},
        {"over a page's end", 10, false, MAPPED, 20, 0, 30},
        {"over a page's end, a NUL there", 10, false, MAPPED, 0, 0, 10},
        {"more than the first piece", 600, true, UNMAPPED, 0, 0, 599},
        {"the longest, aligned", 4096, true, UNMAPPED, 0, 0, 4095},
        {"the longest, over two pages", 2048, false, MAPPED, 2047, 0, 4095},
        {"one more than the longest, aligned", 4096, false, UNMAPPED, 0, TARGET_TOO_LONG, 0},
        {"one more than the longest, over two pages", 2048, false, MAPPED, 2048, TARGET_TOO_LONG, 0},
        {"much more", 4096, false, MAPPED, 4000, TARGET_TOO_LONG, 0},
        {"a hole just before it is too long", 4095, false, UNMAPPED, 0, TARGET_FAULT, 0},
        {"a forbidden page just before", 4095, false, FORBIDDEN, 0, TARGET_FAULT, 0},
};

/* Text that is no too long name in itself. */
static void write_text(char *to, size_t n) {
        for (size_t i = 0; i < n; i++)
                to[i] = i % 2 ? '.' : '/';
}

/* Returns the boundary. */
static char *map_boundary(Beyond beyond) {
        _cleanup_close_ int fd = memfd_create("pages", MFD_CLOEXEC);
        char *pages;

        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, (off_t)((beyond == END_OF_FILE ? 1 : 2) * PAGE)), 0);
        pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_ptr_not_equal(pages, MAP_FAILED);
        if (beyond == UNMAPPED)
                assert_int_equal(munmap(pages + PAGE, PAGE), 0);
        if (beyond == FORBIDDEN) {
                memset(pages + PAGE, 0, PAGE);
                assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
        }
        return pages + PAGE;
}

static int read_string(
        pid_t pid, uint64_t address, char ret[static LEDGER_ARGUMENT_SIZE], size_t *ret_length) {
        TargetCache *cache;
        Target *target;
        bool fresh;
        int r;

        assert_int_equal(target_cache_new(&cache), 0);
        r = target_open(cache, pid, &target, &fresh);
        if (r == 0)
                r = memory_read_string(target, address, ret, ret_length);
        target_cache_free(cache);
        return r;
}

/* As the kernel takes it. */
static int native(const void *address) {
        if (syscall(SYS_faccessat, AT_FDCWD, address, F_OK) == 0)
                return 0;
        return errno == EFAULT ? TARGET_FAULT : errno == ENAMETOOLONG ? TARGET_TOO_LONG : 0;
}

static void test_strings(void **state) {
        static char read[LEDGER_ARGUMENT_SIZE];

        (void)state;
        for (size_t i = 0; i < COUNT(strings); i++) {
                char *boundary = map_boundary(strings[i].beyond), *text = boundary - strings[i].before;
                size_t length = 0;
                pid_t pid;
                int r;

                write_text(text, strings[i].before + strings[i].after);
                if (strings[i].terminated)
                        boundary[-1] = '\0';
                assert_int_equal(native(text), strings[i].expected);
                pid = start(NULL);
                memset(read, '#', sizeof(read));
                r = read_string(pid, (uintptr_t)text, read, &length);
                if (r != strings[i].expected)
                        fail_msg("%s: %d", strings[i].name, r);
                if (r == 0) {
                        assert_int_equal(length, strings[i].length);
                        assert_int_equal(strlen(read), length);
                        assert_string_equal(read, text);
                }
                harness_kill(pid);
                (void)munmap(boundary - PAGE, 2 * PAGE);
        }
}

static void test_wild_addresses(void **state) {
        static const uint64_t addresses[] = {0, 1, 4095, 0x00007ffffffff000, 0x00007fffffffffff,
                0x0000800000000000, 0x0000dead00000000, 0xffff800000000000, 0xffff888000001000,
                0xffffffff81000000, 0xffffffffff600000, 0xfffffffffffff000, 0xffffffffffffff80, UINT64_MAX};
        static char read[LEDGER_ARGUMENT_SIZE];
        pid_t pid = start(NULL);
        size_t length;

        (void)state;
        for (size_t i = 0; i < COUNT(addresses); i++) {
                if (native((const void *)(uintptr_t)addresses[i]) != TARGET_FAULT)
                        fail_msg("%#llx is fine", (unsigned long long)addresses[i]);
                assert_int_equal(read_string(pid, addresses[i], read, &length), TARGET_FAULT);
        }
        harness_kill(pid);
}

static void test_string_of_the_dead(void **state) {
        static char read[LEDGER_ARGUMENT_SIZE];
        static const char text[] = "/tmp/x";
        pid_t pid = start(NULL);
        siginfo_t info;
        size_t length;

        (void)state;
        assert_int_equal(read_string(pid, (uintptr_t)text, read, &length), 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(read_string(pid, (uintptr_t)text, read, &length), TARGET_GONE);
        harness_kill(pid);
        assert_int_equal(read_string(pid, (uintptr_t)text, read, &length), TARGET_GONE);
}

/* Each answers in its own way that the task is dead. */
static void assert_gone(Target *target) {
        TaskFacts status = {};
        TargetRoot root;
        int fd = -EBADF;

        assert_int_equal(target_in_our_user_namespace(target), -ESRCH);
        assert_int_equal(target_read_root(target, &root), TARGET_GONE);
        assert_int_equal(target_open_root(target, &fd), TARGET_GONE);
        assert_int_equal(target_open_cwd(target, &fd), TARGET_GONE);
        assert_int_equal(target_open_user_namespace(target, &fd), TARGET_GONE);
        assert_int_equal(target_open_fd(target, 0, &fd), -EBADF);
        assert_int_equal(fd, -EBADF);
        assert_int_equal(task_reader_read(target, &status), TARGET_GONE);
        credentials_done(&status.credentials);
}

static void test_dead(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        Target *target;
        TaskFacts status = {};
        siginfo_t info;
        pid_t pid;
        bool fresh;

        (void)state;
        pid = start(NULL);
        target = open_target(cache, pid, true);
        harness_kill(pid);
        assert_gone(target);
        assert_int_equal(target_open(cache, pid, &target, &fresh), TARGET_GONE);

        /* Dead, but not reaped: its /proc entry is there, and nothing that counts. */
        pid = start(NULL);
        target = open_target(cache, pid, true);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        assert_true(task_reader_read(target, &status) != 0);
        credentials_done(&status.credentials);
        harness_kill(pid);

        assert_int_equal(target_open(cache, INT32_MAX, &target, &fresh), TARGET_GONE);
}

static void test_cache(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        pid_t pids[17], one = 0, other = 0;

        (void)state;
        /* Two of seventeen share an entry. */
        for (size_t i = 0; i < COUNT(pids); i++) {
                pids[i] = start(NULL);
                for (size_t k = 0; k < i; k++)
                        if (pids[k] % 16 == pids[i] % 16) {
                                one = pids[k];
                                other = pids[i];
                        }
        }
        assert_true(one != 0);
        (void)open_target(cache, one, true);
        (void)open_target(cache, one, false);
        (void)open_target(cache, other, true);
        (void)open_target(cache, one, true);
        (void)open_target(cache, one, false);
        for (size_t i = 0; i < COUNT(pids); i++)
                harness_kill(pids[i]);
}

/* Gives a new child the number of a dead one.  Returns false where this isn't allowed to us. */
static bool start_as(pid_t number) {
        const struct clone_args arguments = {
                .exit_signal = SIGCHLD,
                .set_tid = (uintptr_t)&number,
                .set_tid_size = 1,
        };
        int fds[2], parent_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        char byte;
        long pid;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
        if (pid == 0) {
                harness_parent_fd = parent_fd;
                become_somebody();
                stay(fds[1]);
        }
        fd_close(fds[1]);
        if (pid > 0)
                assert_int_equal(read(fds[0], &byte, 1), 1);
        fd_close(fds[0]);
        fd_close(parent_fd);
        return pid == number;
}

static void test_reborn(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        pid_t pid = start(join_many_groups);
        TaskFacts status = {};
        TargetRoot root;
        Target *target;

        (void)state;
        target = open_target(cache, pid, true);
        assert_int_equal(task_reader_read(target, &status), 0);
        harness_kill(pid);
        if (!start_as(pid)) {
                print_message("skipped: may not choose a child's number (CAP_CHECKPOINT_RESTORE)\n");
                credentials_done(&status.credentials);
                skip();
        }
        /* What is kept is the dead one's; it never speaks for the new one. */
        target = open_target(cache, pid, false);
        assert_int_equal(target_read_root(target, &root), TARGET_GONE);
        assert_int_equal(task_reader_read(target, &status), 0);
        assert_string_equal(status.comm, "some body");
        assert_int_equal(status.credentials.fsuid, 54);
        assert_int_equal(status.credentials.n_groups, 3);
        assert_int_equal(target_read_root(target, &root), 0);
        credentials_done(&status.credentials);
        harness_kill(pid);
}

static void enter_user_namespace(void) {
        CHECK_INT(unshare(CLONE_NEWUSER), 0);
}

static void enter_other_root(void) {
        CHECK_INT(chdir("/proc"), 0);
        CHECK_INT(chroot("/usr"), 0);
        CHECK_INT(dup3(open("/", O_PATH | O_DIRECTORY), 100, O_CLOEXEC), 100);
}

static void test_user_namespace(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        pid_t ours, foreign;
        int fd = -EBADF;

        (void)state;
        harness_need_unshare(CLONE_NEWUSER);
        ours = start(NULL);
        foreign = start(enter_user_namespace);
        assert_int_equal(target_in_our_user_namespace(open_target(cache, ours, true)), 1);
        assert_int_equal(target_in_our_user_namespace(open_target(cache, foreign, true)), 0);
        assert_int_equal(target_open_user_namespace(open_target(cache, foreign, false), &fd), 0);
        assert_true(fd >= 0);
        fd_close(fd);
        harness_kill(ours);
        harness_kill(foreign);
}

static void assert_same_file(int fd, const char *path) {
        struct stat a, b;

        assert_int_equal(fstat(fd, &a), 0);
        assert_int_equal(stat(path, &b), 0);
        assert_int_equal(a.st_ino, b.st_ino);
        assert_int_equal(a.st_dev, b.st_dev);
        assert_int_equal(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static bool same_root(const TargetRoot *a, const TargetRoot *b) {
        return a->dev == b->dev && a->ino == b->ino && a->mount_id == b->mount_id;
}

static void test_directories(void **state) {
        _cleanup_close_ int slash_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), cwd_fd = -EBADF,
                            root_fd = -EBADF, number_fd = -EBADF,
                            usr_fd = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC), none_fd = -EBADF;
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        pid_t plain = start(NULL), jailed = start(enter_other_root);
        TargetRoot ours, usr, root;
        Target *target;

        (void)state;
        assert_int_equal(target_root_of_fd(slash_fd, &ours), 0);
        assert_int_equal(target_root_of_fd(usr_fd, &usr), 0);
        assert_false(same_root(&ours, &usr));
        assert_int_equal(target_read_root(open_target(cache, plain, true), &root), 0);
        assert_true(same_root(&root, &ours));

        target = open_target(cache, jailed, true);
        assert_int_equal(target_read_root(target, &root), 0);
        assert_true(same_root(&root, &usr));
        assert_int_equal(target_open_root(target, &root_fd), 0);
        assert_same_file(root_fd, "/usr");
        assert_int_equal(target_open_cwd(target, &cwd_fd), 0);
        assert_same_file(cwd_fd, "/proc");
        assert_int_equal(target_open_fd(target, 100, &number_fd), 0);
        assert_same_file(number_fd, "/usr");
        assert_int_equal(target_open_fd(target, 101, &none_fd), -EBADF);
        assert_int_equal(target_open_fd(target, -1, &none_fd), -EBADF);
        assert_int_equal(target_open_fd(target, AT_FDCWD, &none_fd), -EBADF);
        assert_int_equal(target_open_fd(target, INT32_MAX, &none_fd), -EBADF);
        assert_int_equal(none_fd, -EBADF);
        harness_kill(plain);
        harness_kill(jailed);
}

/* One directory, seen through two mounts, is two roots: what lies below may differ. */
static void tell_mounts_apart(const void *argument) {
        char dir[] = "/tmp/snotify-test-XXXXXX";
        TargetRoot one, other;

        (void)argument;
        CHECK(mkdtemp(dir));
        CHECK_INT(unshare(CLONE_NEWNS), 0);
        CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        CHECK_INT(mount("/usr", dir, NULL, MS_BIND, NULL), 0);
        CHECK_INT(target_root_of_fd(open("/usr", O_PATH | O_CLOEXEC), &one), 0);
        CHECK_INT(target_root_of_fd(open(dir, O_PATH | O_CLOEXEC), &other), 0);
        CHECK(one.dev == other.dev && one.ino == other.ino && one.mount_id != other.mount_id);
        CHECK_INT(umount2(dir, MNT_DETACH), 0);
        CHECK_INT(rmdir(dir), 0);
}

static void test_mounts(void **state) {
        (void)state;
        harness_need_unshare(CLONE_NEWNS);
        harness_run(tell_mounts_apart, NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_odd_texts),
                cmocka_unit_test(test_cut_texts),
                cmocka_unit_test(test_levels),
                cmocka_unit_test(test_read_status),
                cmocka_unit_test(test_many_groups),
                cmocka_unit_test(test_strings),
                cmocka_unit_test(test_wild_addresses),
                cmocka_unit_test(test_string_of_the_dead),
                cmocka_unit_test(test_dead),
                cmocka_unit_test(test_cache),
                cmocka_unit_test(test_reborn),
                cmocka_unit_test(test_user_namespace),
                cmocka_unit_test(test_directories),
                cmocka_unit_test(test_mounts),
        };

        if (geteuid() != 0) {
                (void)fprintf(stderr, "skipped: targets of several users and roots are root's to make\n");
                return EXIT_SKIP;
        }
        harness_init();
        return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
