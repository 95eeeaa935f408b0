/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reference NAME DIRECTORY: the workloads of test-reference.sh that cannot be written in shell.  Each exits
 * 0 if everything was as expected, and otherwise prints what was not. */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((noreturn)) static void fail(const char *what) {
        (void)printf("%s: %s\n", what, strerrorname_np(errno));
        exit(EXIT_FAILURE);
}

static void expect(bool good, const char *what) {
        if (!good)
                fail(what);
}

/* mkdir() must fail with error. */
static void expect_error(const char *path, int error, const char *what) {
        errno = 0;
        if (mkdir(path, 0755) == 0 || errno != error)
                fail(what);
}

static char *pages_before_a_hole(size_t n) {
        char *base = mmap(NULL, (n + 1) * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        expect(base != MAP_FAILED, "mmap");
        expect(munmap(base + n * 4096, 4096) == 0, "munmap");
        return base;
}

static void unterminated(void) {
        char *one = pages_before_a_hole(1), *two = pages_before_a_hole(2);

        (void)memset(one, 'u', 4096);
        (void)memset(two, 'u', 8192);
        expect_error(one + 4000, EFAULT, "96 bytes without a NUL, then nothing");
        expect_error(two, ENAMETOOLONG, "8192 bytes without a NUL");
        expect(access("u", F_OK) < 0, "nothing was made");
}

static void install(struct sock_filter *instructions, unsigned short n) {
        struct sock_fprog program = {n, instructions};

        expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
        expect(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, "a second filter");
}

static void second_filter(uint32_t action) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, action),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };

        install(instructions, 4);
}

static void second_filter_errno(void) {
        second_filter(SECCOMP_RET_ERRNO | EXDEV);
        expect_error("by-errno", EXDEV, "the other filter's errno");
        expect(mkdirat(AT_FDCWD, "by-other-call", 0755) == 0, "a call that the other filter allows");
}

static void second_filter_trace(void) {
        second_filter(SECCOMP_RET_TRACE | 1);
        expect(mkdir("by-trace", 0755) == 0, "a call that the other filter would trace");
}

/* Is the thread in mkdir()? */
static bool is_blocked(pid_t tid) {
        char path[64], text[16] = "";
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        expect(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, path);
        (void)close(fd);
        return atoi(text) == SYS_mkdir;
}

static void wait_blocked(const volatile pid_t *tid) {
        const struct timespec step = {.tv_nsec = 1000000};

        for (int i = 0; i < 10000; i++) {
                if (*tid != 0 && is_blocked(*tid))
                        return;
                (void)nanosleep(&step, NULL);
        }
        errno = ETIMEDOUT;
        fail("the call does not block");
}

typedef struct Slow {
        volatile pid_t tid;
        volatile bool over;
        int error;
        double seconds;
} Slow;

static void *slow_main(void *userdata) {
        Slow *slow = userdata;
        struct timespec from, to;

        (void)clock_gettime(CLOCK_MONOTONIC, &from);
        slow->tid = gettid();
        slow->error = mkdir("slow", 0755) == 0 ? 0 : errno;
        slow->over = true;
        (void)clock_gettime(CLOCK_MONOTONIC, &to);
        slow->seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        return NULL;
}

/* The rule for "slow" has delay = 2s. */
static void delay(void) {
        Slow slow = {};
        pthread_t thread;
        char name[32];

        expect(pthread_create(&thread, NULL, slow_main, &slow) == 0, "a thread");
        wait_blocked(&slow.tid);
        for (int i = 0; i < 100; i++) {
                (void)snprintf(name, sizeof(name), "quick-%d", i);
                expect(mkdir(name, 0755) == 0, name);
        }
        expect(!slow.over, "the others' calls are over before the slow one");
        expect(access("slow", F_OK) < 0, "it is made at the end of the delay");
        expect(pthread_join(thread, NULL) == 0, "join");
        errno = slow.error;
        expect(slow.error == 0, "the slow call");
        (void)printf("the slow call took %.3f s\n", slow.seconds);
        expect(slow.seconds >= 2.0, "it took its time");
        expect(access("slow", F_OK) == 0, "it was made");
}

static void on_signal(int signal) {
        (void)signal;
}

/* Interrupted by signals all the time: no call may fail, not even with EEXIST for its own directory. */
static void signals(void) {
        const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        const struct itimerval often = {{0, 300}, {0, 300}}, never = {};
        char name[32];

        expect(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
        expect(setitimer(ITIMER_REAL, &often, NULL) == 0, "setitimer");
        for (int i = 0; i < 500; i++) {
                (void)snprintf(name, sizeof(name), "signal-%d", i);
                expect(mkdir(name, 0755) == 0, name);
        }
        (void)setitimer(ITIMER_REAL, &never, NULL);
}

/* A path in memory that never arrives: a process that reads it hangs until this one dies. */
static void memory_that_hangs(void) {
        struct uffdio_api api = {.api = UFFD_API};
        struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
        int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
        char *page;

        if (fd < 0)
                exit(77);
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        expect(page != MAP_FAILED, "mmap");
        range.range.start = (uintptr_t)page;
        range.range.len = 4096;
        expect(ioctl(fd, UFFDIO_API, &api) == 0 && ioctl(fd, UFFDIO_REGISTER, &range) == 0, "userfaultfd");
        (void)mkdir(page, 0755);
        fail("the call came back");
}

/* A child that has the thread id of a dead one. */
static pid_t fork_as(pid_t tid) {
        struct clone_args args = {
                .exit_signal = SIGCHLD,
                .set_tid = (uintptr_t)&tid,
                .set_tid_size = 1,
        };

        return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static void expect_child(pid_t pid, const char *what) {
        int status;

        expect(waitpid(pid, &status, 0) == pid && status == 0, what);
}

static void recycled_id(void) {
        struct stat st;
        pid_t pid;

        expect(mkdir("elsewhere", 0777) == 0 && chmod("elsewhere", 0777) == 0, "elsewhere");
        pid = fork();
        expect(pid >= 0, "fork");
        if (pid == 0)
                _exit(mkdir("first", 0755) == 0 ? 0 : 1);
        expect_child(pid, "the first call");

        pid = fork_as(pid);
        expect(pid >= 0, "a child with the same id");
        if (pid == 0) {
                expect(chdir("elsewhere") == 0 && setgid(65534) == 0 && setuid(65534) == 0, "another user");
                (void)umask(027);
                _exit(mkdir("second", 0777) == 0 ? 0 : 1);
        }
        expect_child(pid, "the second call");
        expect(stat("elsewhere/second", &st) == 0, "it was made in the second one's directory");
        errno = 0;
        expect(st.st_uid == 65534 && st.st_gid == 65534 && (st.st_mode & 07777) == 0750,
                "by the second one");
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*run)(void);
        } all[] = {
                {"unterminated", unterminated},
                {"second-filter-errno", second_filter_errno},
                {"second-filter-trace", second_filter_trace},
                {"delay", delay},
                {"signals", signals},
                {"memory-that-hangs", memory_that_hangs},
                {"recycled-id", recycled_id},
        };

        if (argc != 3 || chdir(argv[2]) < 0)
                return 2;
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
                if (strcmp(argv[1], all[i].name) == 0) {
                        all[i].run();
                        return 0;
                }
        return 2;
}
