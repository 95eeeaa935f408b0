/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/target/target.c on living and dead tasks, and memory.c on memory of every sort.  What
 * a string reads like is asked of the kernel too: access(2) takes its path as mkdir(2) does. */

#include "harness.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/ownership.h"
#include "worker/target/memory.h"
#include "worker/target/target.h"
#include "worker/target/task-reader.h"

DEFINE_CLEANUP(TargetCache, target_cache_free)

#define PAGE ((size_t)4096)

static TargetCache *new_cache(void) {
        TargetCache *cache = NULL;

        assert_int_equal(target_cache_new(&cache), 0);
        return cache;
}

static pid_t start(void (*prepare)(const void *)) {
        return harness_start(prepare, NULL);
}

static Target *open_target(TargetCache *cache, pid_t pid, bool expected_familiar) {
        Target *target = NULL;

        assert_int_equal(target_open(cache, pid, &target), 0);
        assert_int_equal(target_is_familiar(target), expected_familiar);
        assert_int_equal(target_tid(target), pid);
        return target;
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
        {"into a hole", 10, false, UNMAPPED, 0, MEMORY_FAULT, 0},
        {"starting in a hole", 0, false, UNMAPPED, 0, MEMORY_FAULT, 0},
        {"up to a forbidden page", 10, true, FORBIDDEN, 0, 0, 9},
        {"into a forbidden page", 10, false, FORBIDDEN, 0, MEMORY_FAULT, 0},
        {"starting in a forbidden page", 0, false, FORBIDDEN, 0, MEMORY_FAULT, 0},
        {"up to a file's end", 10, true, END_OF_FILE, 0, 0, 9},
        {"into a file's end", 10, false, END_OF_FILE, 0, MEMORY_FAULT, 0},
        {"over a page's end", 10, false, MAPPED, 20, 0, 30},
        {"over a page's end, a NUL there", 10, false, MAPPED, 0, 0, 10},
        {"more than the first piece", 600, true, UNMAPPED, 0, 0, 599},
        {"the longest, aligned", 4096, true, UNMAPPED, 0, 0, 4095},
        {"the longest, over two pages", 2048, false, MAPPED, 2047, 0, 4095},
        {"one more than the longest, aligned", 4096, false, UNMAPPED, 0, MEMORY_TOO_LONG, 0},
        {"one more than the longest, over two pages", 2048, false, MAPPED, 2048, MEMORY_TOO_LONG, 0},
        {"much more", 4096, false, MAPPED, 4000, MEMORY_TOO_LONG, 0},
        {"a hole just before it is too long", 4095, false, UNMAPPED, 0, MEMORY_FAULT, 0},
        {"a forbidden page just before", 4095, false, FORBIDDEN, 0, MEMORY_FAULT, 0},
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
        int r;

        assert_int_equal(target_cache_new(&cache), 0);
        r = target_open(cache, pid, &target);
        if (r == 0)
                r = memory_read_string(target, address, ret, ret_length);
        target_cache_free(cache);
        return r;
}

/* As the kernel takes it. */
static int native(const void *address) {
        if (syscall(SYS_faccessat, AT_FDCWD, address, F_OK) == 0)
                return 0;
        return errno == EFAULT ? MEMORY_FAULT : errno == ENAMETOOLONG ? MEMORY_TOO_LONG : 0;
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
                if (native((const void *)(uintptr_t)addresses[i]) != MEMORY_FAULT)
                        fail_msg("%#llx is fine", (unsigned long long)addresses[i]);
                assert_int_equal(read_string(pid, addresses[i], read, &length), MEMORY_FAULT);
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
        assert_int_equal(read_string(pid, (uintptr_t)text, read, &length), MEMORY_GONE);
        harness_kill(pid);
        assert_int_equal(read_string(pid, (uintptr_t)text, read, &length), MEMORY_GONE);
}

static void assert_gone(Target *target) {
        int fd = -EBADF;

        assert_int_equal(target_open_root(target, &fd), TARGET_GONE);
        assert_int_equal(target_open_cwd(target, &fd), TARGET_GONE);
        assert_int_equal(target_open_user_namespace(target, &fd), TARGET_GONE);
        assert_int_equal(target_open_file(target, "status", &fd), TARGET_GONE);
        assert_int_equal(target_keep_file(target, TARGET_FILE_STATUS, &fd), TARGET_GONE);
        assert_int_equal(target_open_fd(target, 0, &fd), -EBADF);
        assert_int_equal(fd, -EBADF);
}

static void test_dead(void **state) {
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        pid_t pid = start(NULL);
        Target *target = open_target(cache, pid, false);

        (void)state;
        harness_kill(pid);
        assert_gone(target);
        assert_int_equal(target_reopen(target), TARGET_GONE);
        assert_int_equal(target_open(cache, pid, &target), TARGET_GONE);
        assert_int_equal(target_open(cache, INT32_MAX, &target), TARGET_GONE);
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
        (void)open_target(cache, one, false);
        (void)open_target(cache, one, true);
        (void)open_target(cache, other, false);
        (void)open_target(cache, one, false);
        (void)open_target(cache, one, true);
        for (size_t i = 0; i < COUNT(pids); i++)
                harness_kill(pids[i]);
}

static void enter_other_root(const void *argument) {
        (void)argument;
        CHECK_INT(chdir("/proc"), 0);
        CHECK_INT(chroot("/usr"), 0);
        CHECK_INT(dup3(open("/", O_PATH | O_DIRECTORY), 100, O_CLOEXEC), 100);
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

/* The facts that every call needs are read again without opening anything. */
static void use_kept(const void *argument) {
        const unsigned sets = TASK_STATUS | TASK_USER_NAMESPACE | TASK_ROOT;
        const pid_t *pids = argument;
        struct rlimit limit;
        TargetCache *cache;
        TaskReader *reader;
        TaskFacts facts;
        Target *target;

        CHECK_INT(target_cache_new(&cache), 0);
        CHECK_INT(procfs_task_reader_new(&reader), 0);
        CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
        limit.rlim_cur = 0;
        task_facts_init(&facts);
        for (unsigned n = 0; n < 3; n++) {
                if (n == 2)
                        CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
                task_facts_forget(&facts, TASK_EVERYTHING);
                CHECK_INT(target_open(cache, pids[0], &target), 0);
                CHECK_INT(task_reader_read(reader, target, sets, &facts), 0);
        }
        CHECK_INT(target_open(cache, pids[1], &target), -EMFILE);
        task_reader_free(reader);
        task_facts_done(&facts);
        target_cache_free(cache);
}

static void test_kept(void **state) {
        const pid_t pids[] = {start(NULL), start(NULL)};

        (void)state;
        harness_run(use_kept, pids);
        harness_kill(pids[0]);
        harness_kill(pids[1]);
}

static void test_directories(void **state) {
        _cleanup_close_ int slash_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), cwd_fd = -EBADF,
                            root_fd = -EBADF, number_fd = -EBADF,
                            usr_fd = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC), none_fd = -EBADF;
        _cleanup_(target_cache_free_p) TargetCache *cache = new_cache();
        pid_t chrooted = start(enter_other_root);
        DirectoryId slash, usr, root;
        Target *target;

        (void)state;
        assert_int_equal(directory_id_of_fd(slash_fd, &slash), 0);
        assert_int_equal(directory_id_of_fd(usr_fd, &usr), 0);
        assert_false(directory_id_equal(&slash, &usr));

        target = open_target(cache, chrooted, false);
        assert_int_equal(target_open_root(target, &root_fd), 0);
        assert_same_file(root_fd, "/usr");
        assert_int_equal(directory_id_of_fd(root_fd, &root), 0);
        assert_true(directory_id_equal(&root, &usr));
        assert_int_equal(target_open_cwd(target, &cwd_fd), 0);
        assert_same_file(cwd_fd, "/proc");
        assert_int_equal(target_open_fd(target, 100, &number_fd), 0);
        assert_same_file(number_fd, "/usr");
        assert_int_equal(target_open_fd(target, 101, &none_fd), -EBADF);
        assert_int_equal(target_open_fd(target, -1, &none_fd), -EBADF);
        assert_int_equal(target_open_fd(target, AT_FDCWD, &none_fd), -EBADF);
        assert_int_equal(target_open_fd(target, INT32_MAX, &none_fd), -EBADF);
        assert_int_equal(none_fd, -EBADF);
        harness_kill(chrooted);
}

/* One directory, seen through two mounts, is two roots: what lies below may differ. */
static void tell_mounts_apart(const void *argument) {
        char dir[] = "/tmp/snotify-test-XXXXXX";
        DirectoryId one, other;

        (void)argument;
        CHECK(mkdtemp(dir));
        CHECK_INT(unshare(CLONE_NEWNS), 0);
        CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        CHECK_INT(mount("/usr", dir, NULL, MS_BIND, NULL), 0);
        CHECK_INT(directory_id_of_fd(open("/usr", O_PATH | O_CLOEXEC), &one), 0);
        CHECK_INT(directory_id_of_fd(open(dir, O_PATH | O_CLOEXEC), &other), 0);
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
                cmocka_unit_test(test_strings),
                cmocka_unit_test(test_wild_addresses),
                cmocka_unit_test(test_string_of_the_dead),
                cmocka_unit_test(test_dead),
                cmocka_unit_test(test_cache),
                cmocka_unit_test(test_kept),
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
