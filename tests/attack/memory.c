/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* While one thread calls mkdir, another thread or process writes to the same memory and changes the path as
 * fast as it can.  A supervisor that judges the path and then lets the kernel read it again, or reads it
 * twice itself, creates a directory that it has not judged.
 *
 *      memory HOW CALLS TREE    with the paths TREE/open/x and TREE/shut/x, of which a rule denies the
 *                               latter.  HOW is what changes the path: thread, process (in shared memory),
 *                               writev (by process_vm_writev) or mem (through /proc/PID/mem)
 *
 * Exits with 1 as soon as the denied directory was created, with 2 if there was no race because each call
 * met the same path. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of one length, and aligned: each reader sees one word or the other, unless it reads byte by byte, as an
 * emulated machine does: then it finds nothing by that name. */
static const char words[2][5] = {"open", "shut"};

typedef struct Race {
        const char *how;
        pid_t caller;
        char *path, *word;
} Race;

static void flip(const Race *race, int mem_fd, unsigned turn) {
        struct iovec local = {(void *)(uintptr_t)words[turn % 2], 4}, remote = {race->word, 4};
        uint32_t value;

        memcpy(&value, words[turn % 2], sizeof(value));
        if (strcmp(race->how, "writev") == 0) {
                if (process_vm_writev(race->caller, &local, 1, &remote, 1, 0) != 4)
                        _exit(254);
        } else if (mem_fd >= 0) {
                if (pwrite(mem_fd, words[turn % 2], 4, (off_t)(uintptr_t)race->word) != 4)
                        _exit(254);
        } else
                __atomic_store_n((uint32_t *)(void *)race->word, value, __ATOMIC_RELAXED);
}

__attribute__((noreturn)) static void *flip_for_ever(void *argument) {
        const Race *race = argument;
        int mem_fd = -1;
        char name[64];

        if (strcmp(race->how, "mem") == 0) {
                (void)snprintf(name, sizeof(name), "/proc/%d/mem", race->caller);
                mem_fd = open(name, O_WRONLY | O_CLOEXEC);
                if (mem_fd < 0)
                        _exit(254);
        }
        for (unsigned turn = 0;; turn++)
                flip(race, mem_fd, turn);
}

static int start(Race *race) {
        pthread_t thread;
        pid_t pid;

        if (strcmp(race->how, "thread") == 0)
                return pthread_create(&thread, NULL, flip_for_ever, race);
        pid = fork();
        if (pid != 0)
                return pid < 0;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != race->caller)
                _exit(254);
        flip_for_ever(race);
}

static int open_in(const char *tree, const char *word) {
        char path[4096];

        (void)snprintf(path, sizeof(path), "%s/%s", tree, word);
        return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int main(int argc, char **argv) {
        unsigned long allowed = 0, refused = 0, n;
        int open_fd, shut_fd;
        static Race race; /* static: the thread runs until the process exits */

        if (argc != 4)
                return 255;
        open_fd = open_in(argv[3], words[0]);
        shut_fd = open_in(argv[3], words[1]);
        race = (Race){.how = argv[1], .caller = getpid()};
        race.path = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (open_fd < 0 || shut_fd < 0 || race.path == MAP_FAILED || strlen(argv[3]) > 4000)
                return 255;
        race.path += (4 - (strlen(argv[3]) + 1) % 4) % 4;
        race.word = race.path + strlen(argv[3]) + 1;
        (void)sprintf(race.path, "%s/open/x", argv[3]);
        if (start(&race) != 0)
                return 255;

        for (n = 0; n < strtoul(argv[2], NULL, 10); n++) {
                long r = n % 2 ? syscall(SYS_mkdir, race.path, 0755)
                               : syscall(SYS_mkdirat, AT_FDCWD, race.path, 0755);

                if (r < 0 && errno != EPERM && errno != ENOENT)
                        return errno;
                refused += r < 0 && errno == EPERM;
                allowed += unlinkat(open_fd, "x", AT_REMOVEDIR) == 0;
                if (unlinkat(shut_fd, "x", AT_REMOVEDIR) == 0) {
                        (void)printf("call %lu made the denied directory\n", n);
                        return 1;
                }
        }
        (void)printf("%lu calls: %lu allowed, %lu refused\n", n, allowed, refused);
        return allowed == 0 || refused == 0 ? 2 : 0;
}
