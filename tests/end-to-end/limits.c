/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* limits [other]: sets RLIMIT_LOCKS, by which snotifyd recognizes the processes that landlock(7) restricts,
 * in every way that setrlimit(2) and prlimit(2) offer, and prints the results, to be compared with those of
 * a native run.  With "other" also in the ways that concern another process. */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define I386_SETRLIMIT 75
#define I386_PRLIMIT64 340

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef enum Subject { SELF, CHILD, DEAD, FIRST } Subject;

/* At an address that both ABIs can reach. */
typedef struct Low {
        struct rlimit64 new, old;
        uint32_t new32[2];
} Low;

static Low *low;

static long int80(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
        long result = nr;

        __asm__ volatile("int $0x80"
                         : "+a"(result)
                         : "b"(a), "c"(b), "d"(c), "S"(d)
                         : "memory", "r8", "r9", "r10", "r11");
        if (result >= 0)
                return result;
        errno = (int)-result;
        return -1;
}

/* A 32-bit process's struct rlimit; RLIM_INFINITY has its own value there. */
static uint32_t to32(uint64_t limit) {
        return limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
}

static long set(const char *call, pid_t pid, const void *new, void *old) {
        if (strcmp(call, "setrlimit") == 0)
                return syscall(SYS_setrlimit, RLIMIT_LOCKS, new);
        if (strcmp(call, "prlimit64") == 0)
                return syscall(SYS_prlimit64, pid, RLIMIT_LOCKS, new, old);
        if (strcmp(call, "int80-prlimit64") == 0)
                return int80(I386_PRLIMIT64, (uint32_t)pid, RLIMIT_LOCKS, (uintptr_t) new, (uintptr_t)old);
        if (new == &low->new) {
                low->new32[0] = to32(low->new.rlim_cur);
                low->new32[1] = to32(low->new.rlim_max);
                new = low->new32;
        }
        return int80(I386_SETRLIMIT, RLIMIT_LOCKS, (uintptr_t) new, 0, 0);
}

static void show(const char *word, uint64_t limit) {
        if (limit == RLIM64_INFINITY)
                (void)printf(" %s unlimited", word);
        else
                (void)printf(" %s %" PRIu64, word, limit);
}

static void attempt(const char *call, pid_t pid, const char *what, const void *new, void *old) {
        struct rlimit64 now = {};
        long r;

        low->old = (struct rlimit64){7, 7};
        errno = 0;
        r = set(call, pid, new, old);
        (void)printf("%s, %s: %ld %s, old", call, what, r, strerrorname_np(errno) ?: "0");
        show("soft", low->old.rlim_cur);
        show("hard", low->old.rlim_max);
        if (syscall(SYS_prlimit64, 0, RLIMIT_LOCKS, NULL, &now) == 0) {
                (void)printf(", now");
                show("soft", now.rlim_cur);
                show("hard", now.rlim_max);
        }
        (void)puts("");
}

static const struct {
        const char *what;
        rlim64_t soft, hard;
        bool bad_new, bad_old;
} ways[] = {
        {"as it is", RLIM64_INFINITY, RLIM64_INFINITY, false, false},
        {"no memory for the new one", 0, 0, true, false},
        {"no memory for the old one", RLIM64_INFINITY, RLIM64_INFINITY, false, true},
        {"soft above hard", 9, 8, false, false},
        {"soft lower", 1000, RLIM64_INFINITY, false, false},
        {"lower", 1000, 2000, false, false},
        {"lower still", 5, 5, false, false},
        {"raised", 6, 6, false, false},
        {"raised to none", RLIM64_INFINITY, RLIM64_INFINITY, false, false},
};

static void try_all(const char *call, pid_t pid) {
        for (size_t i = 0; i < COUNT(ways); i++) {
                low->new = (struct rlimit64){ways[i].soft, ways[i].hard};
                attempt(call, pid, ways[i].what, ways[i].bad_new ? (void *)16 : &low->new,
                        ways[i].bad_old ? (void *)16 : &low->old);
        }
}

static pid_t start_child(void) {
        pid_t pid = fork();

        if (pid == 0) {
                (void)pause();
                _exit(0);
        }
        return pid;
}

static void end_child(pid_t pid) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

/* A lowered limit cannot be raised again, so that each kind gets a new process. */
static void try_on(const char *call, Subject subject) {
        pid_t pid = 0, tester = fork();

        if (tester == 0) {
                if (subject == CHILD || subject == DEAD)
                        pid = start_child();
                if (subject == DEAD)
                        end_child(pid);
                if (subject == FIRST)
                        pid = 1;
                try_all(call, pid);
                (void)fflush(stdout);
                if (subject == CHILD)
                        end_child(pid);
                _exit(0);
        }
        (void)waitpid(tester, NULL, 0);
}

int main(int argc, char **argv) {
        static const char *const prlimits[] = {"prlimit64", "int80-prlimit64"};
        bool other = argc > 1 && strcmp(argv[1], "other") == 0;

        (void)argc;
        (void)setvbuf(stdout, NULL, _IOFBF, 65536);
        low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        if (low == MAP_FAILED)
                return 255;
        try_on("setrlimit", SELF);
        try_on("int80-setrlimit", SELF);
        for (size_t i = 0; i < COUNT(prlimits); i++) {
                try_on(prlimits[i], SELF);
                if (!other)
                        continue;
                try_on(prlimits[i], CHILD);
                try_on(prlimits[i], DEAD);
                if (geteuid() != 0) /* root would really set it */
                        try_on(prlimits[i], FIRST);
        }
        return 0;
}
