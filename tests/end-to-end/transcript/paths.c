/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the paths that the table cannot spell out as literals.  None is ever freed. */

#include "paths.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Addresses. */

static char *map(size_t pages, size_t accessible) {
        char *base = mmap(NULL, pages * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (base == MAP_FAILED ||
                (accessible && mprotect(base, accessible * 4096, PROT_READ | PROT_WRITE) < 0))
                abort();
        return base;
}

char *null_pointer(void) {
        return NULL;
}
char *highest_address(void) {
        return (char *)UINTPTR_MAX;
}
char *kernel_address(void) {
        return (char *)(uintptr_t)0xffff888000000000;
}
char *non_canonical_address(void) {
        return (char *)(uintptr_t)0x8000000000000000;
}
char *inaccessible_page(void) {
        return map(1, 0);
}

char *in_last_bytes_of_a_mapping(void) {
        static const char name[] = "last-bytes";

        return memcpy(map(2, 1) + 4096 - sizeof(name), name, sizeof(name));
}

char *across_a_page_boundary(void) {
        static const char name[] = "across-pages";

        return memcpy(map(3, 2) + 4096 - 5, name, sizeof(name));
}

char *running_into_an_inaccessible_page(void) {
        static const char name[] = "running";

        return memcpy(map(2, 1) + 4096 - strlen(name), name, strlen(name));
}

char *unterminated_page(void) {
        return memset(map(2, 1), 'u', 4096);
}

char *unterminated_long(void) {
        return memset(map(3, 2) + 100, 'u', 8192 - 100);
}

char *beyond_the_end_of_a_file(void) {
        int fd = open("file", O_RDONLY);
        char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);

        if (page == MAP_FAILED)
                abort();
        (void)close(fd);
        return page + 4096;
}

char *in_read_only_memory(void) {
        char *page = map(1, 1);

        (void)strcpy(page, "read-only-memory");
        (void)mprotect(page, 4096, PROT_READ);
        return page;
}

static char *in_memory_for(int protection, const char *name) {
        char *page = map(1, 1);

        (void)strcpy(page, name);
        (void)mprotect(page, 4096, protection);
        return page;
}

char *in_execute_only_memory(void) {
        return in_memory_for(PROT_EXEC, "execute-only-memory");
}

char *in_write_only_memory(void) {
        return in_memory_for(PROT_WRITE, "write-only-memory");
}

/* Long paths: a prefix of "./" and a name, with a given total length. */

static char *of_length(size_t length, const char *step) {
        char *path = map(4, 3);
        size_t n = 0;

        while (n + strlen(step) < length - 16) {
                (void)strcpy(path + n, step);
                n += strlen(step);
        }
        (void)memset(path + n, 'l', length - n);
        path[length] = '\0';
        return path;
}

char *path_of_4094(void) {
        return of_length(4094, "dir/../");
}
char *path_of_4095(void) {
        return of_length(4095, "./");
}
char *path_of_4096(void) {
        return of_length(4096, "./");
}
char *path_of_5000(void) {
        return of_length(5000, "./");
}

char *path_of_4095_slashes(void) {
        char *path = map(2, 1);

        (void)memset(path, '/', 4095);
        return path;
}

char *path_of_4095_with_slash(void) {
        char *path = of_length(4094, "./");

        path[4093] = '/';
        path[4094] = '/';
        return path;
}

static char *name_of(size_t length) {
        char *name = map(1, 1);

        (void)memset(name, 'n', length);
        return name;
}

char *name_of_255(void) {
        return name_of(255);
}
char *name_of_256(void) {
        return name_of(256);
}

static char *name_of_256_in(const char *parent) {
        char *path = map(1, 1);

        (void)strcpy(path, parent);
        (void)memset(path + strlen(parent), 'n', 256);
        return path;
}

char *name_of_256_in_nothing(void) {
        return name_of_256_in("nothing/");
}
char *name_of_256_in_a_file(void) {
        return name_of_256_in("file/");
}
char *name_of_256_in_unsearchable(void) {
        return name_of_256_in("unsearchable/");
}
char *name_of_256_on_read_only(void) {
        return name_of_256_in("read-only/");
}
char *name_of_256_on_full(void) {
        return name_of_256_in("full/");
}

static char *absolute_to(const char *name) {
        char *path = map(2, 1);

        if (!getcwd(path, 4000))
                abort();
        return strcat(strcat(path, "/"), name);
}

char *absolute(void) {
        return absolute_to("absolute");
}
char *absolute_again(void) {
        return absolute_to("absolute-with-closed-dirfd");
}
char *absolute_and_file(void) {
        return absolute_to("absolute-with-file-dirfd");
}
char *absolute_and_minus_one(void) {
        return absolute_to("absolute-with-minus-one");
}
char *absolute_with_slashes(void) {
        char *path = map(2, 1);

        path[0] = path[1] = '/';
        (void)strcpy(path + 2, absolute_to("absolute-with-slashes//"));
        return path;
}

/* /proc/self/fd/N and similar paths; N is an open directory. */

static char *proc_path(const char *format, int number) {
        char *path = map(1, 1);

        /* The formats are this file's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(path, 4096, format, number);
#pragma GCC diagnostic pop
        return path;
}

int open_deleted(void) {
        int fd;

        (void)mkdir("doomed", 0755);
        fd = open("doomed", O_RDONLY);
        (void)rmdir("doomed");
        return fd;
}

/* These stay open: the cases that use them run one after the other. */
static int keep_open(const char *path, int flags) {
        int fd = open(path, flags);

        if (fd < 0)
                abort();
        return fd;
}

char *proc_fd_dir(void) {
        return proc_path("/proc/self/fd/%d/proc-fd", keep_open("dir", O_RDONLY));
}
char *proc_fd_dir_up(void) {
        return proc_path("/proc/self/fd/%d/../proc-fd-up", keep_open("dir", O_RDONLY));
}
char *proc_fd_o_path(void) {
        return proc_path("/proc/self/fd/%d/proc-fd-o-path", keep_open("dir", O_PATH));
}
char *proc_fd_itself(void) {
        return proc_path("/proc/self/fd/%d", keep_open("dir", O_RDONLY));
}
char *proc_fd_slash(void) {
        return proc_path("/proc/self/fd/%d/", keep_open("dir", O_RDONLY));
}
char *proc_fd_dot(void) {
        return proc_path("/proc/self/fd/%d/.", keep_open("dir", O_RDONLY));
}
char *proc_fd_file(void) {
        return proc_path("/proc/self/fd/%d/x", keep_open("file", O_RDONLY));
}
char *proc_fd_closed(void) {
        return proc_path("/proc/self/fd/%d/x", 987);
}
char *proc_fd_none(void) {
        return proc_path("/proc/self/fd/%d", 987);
}
char *proc_fd_socket(void) {
        return proc_path("/proc/self/fd/%d/x", socket(AF_UNIX, SOCK_STREAM, 0));
}
char *proc_fd_deleted(void) {
        return proc_path("/proc/self/fd/%d/x", open_deleted());
}
char *proc_fd_read_only(void) {
        return proc_path("/proc/self/fd/%d/x", keep_open("read-only", O_RDONLY));
}
char *proc_fd_name_of_256(void) {
        char *path = proc_path("/proc/self/fd/%d/", keep_open("dir", O_RDONLY));

        (void)memset(path + strlen(path), 'n', 256);
        return path;
}
char *dev_fd(void) {
        return proc_path("/dev/fd/%d/dev-fd", keep_open("dir", O_RDONLY));
}
char *proc_thread_fd(void) {
        return proc_path("/proc/thread-self/fd/%d/thread-fd", keep_open("dir", O_RDONLY));
}
char *proc_thread_fd_own(void) {
        return proc_path("/proc/thread-self/fd/%d/thread-fd-own", keep_open("dir", O_RDONLY));
}
char *proc_pid_cwd(void) {
        return proc_path("/proc/%d/cwd/proc-pid", getpid());
}
char *proc_task_cwd(void) {
        return proc_path("/proc/self/task/%d/cwd/proc-task", gettid());
}
/* In /proc/self/fd and the like. */
char *fd_dir(void) {
        return proc_path("%d/fd-dir", keep_open("dir", O_RDONLY));
}
char *fd_file(void) {
        return proc_path("%d", keep_open("file", O_RDONLY));
}
char *task_cwd(void) {
        return proc_path("%d/cwd/task-cwd", gettid());
}
char *task_fd_dir(void) {
        char format[32];

        (void)snprintf(format, sizeof(format), "%d/fd/%%d/task-fd-dir", gettid());
        return proc_path(format, keep_open("dir", O_RDONLY));
}

/* The name of one of the program's mappings in /proc/self/map_files. */
char *fd_own_mapping(void) {
        unsigned long from, to;
        FILE *maps = fopen("/proc/self/maps", "re");
        char *path = map(1, 1);

        if (!maps || fscanf(maps, "%lx-%lx", &from, &to) != 2)
                abort();
        (void)fclose(maps);
        (void)snprintf(path, 4096, "%lx-%lx", from, to);
        return path;
}

/* In a thread: the working directory of the process's first thread. */
char *proc_other_thread_cwd(void) {
        return proc_path("/proc/self/task/%d/cwd/proc-other-thread", getpid());
}
char *proc_other_thread_fd(void) {
        char format[64];

        (void)snprintf(format, sizeof(format), "/proc/self/task/%d/fd/%%d/proc-other-thread-fd", getpid());
        return proc_path(format, keep_open("dir", O_RDONLY));
}
char *proc_parent_cwd(void) {
        return proc_path("/proc/%d/cwd/proc-parent", getppid());
}
char *proc_cwd_root(void) {
        return strcat(strcpy(map(2, 1), "/proc/self/root"), absolute_to("proc-root"));
}
char *proc_task_root(void) {
        return strcat(strcpy(map(2, 1), "/proc/thread-self/root"), absolute_to("proc-task-root"));
}
