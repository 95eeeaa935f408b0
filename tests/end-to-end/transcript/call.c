/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes one call of the table, and prints its result.  Nothing that it prints may differ between two native
 * runs. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "case.h"
#include "paths.h"

/* What a call has created, as the caller sees it. */

static void print_acl(int fd, const char *kind) {
        char name[64], link[64];
        unsigned char acl[512];
        ssize_t n;

        (void)snprintf(name, sizeof(name), "system.posix_acl_%s", kind);
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = getxattr(link, name, acl, sizeof(acl));
        if (n < 0) {
                if (errno != ENODATA && errno != ENOENT && errno != EOPNOTSUPP)
                        (void)printf(" %s:%s", kind, strerrorname_np(errno));
                return;
        }
        (void)printf(" %s:", kind);
        for (ssize_t i = 0; i < n; i++)
                (void)printf("%02x", acl[i]);
}

static void print_made(int dirfd, const char *path) {
        struct stat st;
        int fd;

        if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                (void)printf("; made, and stat says %s", strerrorname_np(errno));
                return;
        }
        (void)printf("; %s %04o %u:%u", S_ISDIR(st.st_mode) ? "directory" : "NO DIRECTORY",
                st.st_mode & 07777, st.st_uid, st.st_gid);
        fd = openat(dirfd, path, O_PATH | O_NOFOLLOW);
        if (fd >= 0) {
                print_acl(fd, "access");
                print_acl(fd, "default");
                (void)close(fd);
        }
}

static int open_at(At at) {
        int fd;

        switch (at) {
        case MKDIR:
        case AT_CWD:
        case AT_INT80:
                return AT_FDCWD;
        case AT_DIR:
        case AT_INT80_DIR:
                return open("dir", O_RDONLY);
        case AT_O_PATH:
                return open("dir", O_PATH);
        case AT_FILE:
                return open("file", O_RDONLY);
        case AT_O_PATH_FILE:
                return open("file", O_PATH);
        case AT_O_PATH_LINK:
                return open("link", O_PATH | O_NOFOLLOW);
        case AT_SOCKET:
                return socket(AF_UNIX, SOCK_STREAM, 0);
        case AT_EPOLL:
                return epoll_create1(0);
        case AT_DELETED:
                return open_deleted();
        case AT_SHUT:
                fd = open("shut", O_RDONLY);
                (void)fchmod(fd, 0600);
                return fd;
        case AT_READ_ONLY:
                return open("read-only", O_RDONLY);
        case AT_PROC_SELF:
                return open("/proc/self", O_PATH);
        case AT_PROC_FD:
                return open("/proc/self/fd", O_RDONLY);
        case AT_PROC_THREAD_FD:
                return open("/proc/thread-self/fd", O_PATH);
        case AT_PROC_FDINFO:
                return open("/proc/self/fdinfo", O_RDONLY);
        case AT_PROC_MAP_FILES:
                return open("/proc/self/map_files", O_RDONLY);
        case AT_PROC_NS:
                return open("/proc/self/ns", O_PATH);
        case AT_PROC_TASK:
                return open("/proc/self/task", O_RDONLY);
        case AT_PROC_ATTR:
                return open("/proc/self/attr", O_RDONLY);
        case AT_PROC_NET:
                return open("/proc/self/net", O_RDONLY);
        case AT_CLOSED:
                return 987;
        case AT_MINUS_ONE:
                return -1;
        case AT_MINUS_BIG:
                return -2147483647;
        }
        abort();
}

static uintptr_t low_copy(const char *path) {
        char *copy =
                mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

        if (copy == MAP_FAILED)
                abort();
        return (uintptr_t)strcpy(copy, path);
}

/* With random upper halves of the registers, which that entry ignores. */
static long int80_mkdirat(int dirfd, const char *path, unsigned mode) {
        const uintptr_t rubbish = (uintptr_t)0xdeadbeef << 32;
        long result;

        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"(rubbish | 296), "b"(rubbish | (unsigned)dirfd), "c"(rubbish | low_copy(path)),
                         "d"(rubbish | mode)
                         : "memory", "r8", "r9", "r10", "r11");
        if (result < 0) {
                errno = (int)-result;
                return -1;
        }
        return result;
}

static long call(const Case *this, int dirfd, const char *path) {
        unsigned mode = this->mode == 0 ? 0777 : this->mode & ~NONE;

        if (this->at == MKDIR)
                return syscall(SYS_mkdir, path, mode);
        if (this->at == AT_INT80 || this->at == AT_INT80_DIR)
                return int80_mkdirat(dirfd, path, mode);
        /* The kernel takes an int and an umode_t, so that only the lower halves count. */
        return syscall(SYS_mkdirat, (unsigned long)(unsigned)dirfd | (unsigned long)0x5a5a << 32, path,
                (unsigned long)mode | (unsigned long)0xf000f << 20);
}

static const char *const names[] = {
        [MKDIR] = "",
        [AT_CWD] = "at(cwd)",
        [AT_DIR] = "at(dir)",
        [AT_O_PATH] = "at(dir, O_PATH)",
        [AT_FILE] = "at(file)",
        [AT_O_PATH_FILE] = "at(file, O_PATH)",
        [AT_O_PATH_LINK] = "at(link, O_PATH)",
        [AT_SOCKET] = "at(socket)",
        [AT_EPOLL] = "at(epoll)",
        [AT_DELETED] = "at(deleted)",
        [AT_SHUT] = "at(shut)",
        [AT_READ_ONLY] = "at(read-only)",
        [AT_PROC_SELF] = "at(/proc/self)",
        [AT_PROC_FD] = "at(/proc/self/fd)",
        [AT_PROC_THREAD_FD] = "at(/proc/thread-self/fd)",
        [AT_PROC_FDINFO] = "at(/proc/self/fdinfo)",
        [AT_PROC_MAP_FILES] = "at(/proc/self/map_files)",
        [AT_PROC_NS] = "at(/proc/self/ns)",
        [AT_PROC_TASK] = "at(/proc/self/task)",
        [AT_PROC_ATTR] = "at(/proc/self/attr)",
        [AT_PROC_NET] = "at(/proc/self/net)",
        [AT_CLOSED] = "at(closed)",
        [AT_MINUS_ONE] = "at(-1)",
        [AT_MINUS_BIG] = "at(-2147483647)",
        [AT_INT80] = "at(cwd, i386)",
        [AT_INT80_DIR] = "at(dir, i386)",
};

/* The order of times.  The kernel stamps inodes with the coarse clock, or with a finer one that is never
 * behind it: a time before the call is read from the coarse clock, a time after it from the fine one. */

static bool earlier(const struct statx_timestamp *a, const struct statx_timestamp *b) {
        return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static struct statx_timestamp stamp(clockid_t clock) {
        struct timespec now;

        (void)clock_gettime(clock, &now);
        return (struct statx_timestamp){.tv_sec = now.tv_sec, .tv_nsec = (uint32_t)now.tv_nsec};
}

static void look_at_parent(int dirfd, const char *path, struct statx *ret) {
        char parent[256] = ".";
        size_t length = path ? strlen(path) : 0;

        ret->stx_mask = 0;
        if (length == 0 || length >= sizeof(parent))
                return;
        while (length > 1 && path[length - 1] == '/')
                length--;
        while (length > 0 && path[length - 1] != '/')
                length--;
        if (length > 0)
                (void)snprintf(parent, sizeof(parent), "%.*s", (int)length, path);
        if (statx(dirfd, parent, 0, STATX_BASIC_STATS, ret) < 0)
                ret->stx_mask = 0;
}

static bool within(const struct statx_timestamp *since, const struct statx_timestamp *t,
        const struct statx_timestamp *until) {
        return !earlier(t, since) && !earlier(until, t);
}

static void print_order(int dirfd, const char *path, const char *plain_path, const struct statx *before,
        const struct statx_timestamp *since) {
        const struct statx_timestamp until = stamp(CLOCK_REALTIME);
        struct statx made, parent;
        bool good;

        if (statx(dirfd, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &made) < 0)
                return;
        good = within(since, &made.stx_ctime, &until) && within(since, &made.stx_mtime, &until) &&
               (!(made.stx_mask & STATX_BTIME) || within(since, &made.stx_btime, &until));
        look_at_parent(dirfd, plain_path, &parent);
        if (before->stx_mask && parent.stx_mask) {
                good = good && within(since, &parent.stx_mtime, &until) &&
                       within(since, &parent.stx_ctime, &until);
                (void)printf(" links %+d", (int)parent.stx_nlink - (int)before->stx_nlink);
        }
        (void)printf(" %s", good ? "ordered" : "NOT ordered");
}

static void print_name(const Case *this) {
        (void)printf("mkdir%s %s%s%s", names[this->at], this->path ? this->path : "",
                this->path && this->says ? ", " : "", this->says ? this->says : "");
        if (this->mode || this->umask)
                (void)printf(", mode %04o, umask %03o", this->mode == 0 ? 0777 : this->mode & ~NONE,
                        this->umask == 0 ? 022 : this->umask & ~NONE);
}

void perform(const Case *this) {
        const char *path = this->make ? this->make() : this->path;
        int dirfd = open_at(this->at), error;
        struct statx_timestamp since;
        struct statx parent;
        long result;

        (void)umask(this->umask == 0 ? 022 : this->umask & ~NONE);
        look_at_parent(dirfd, this->path, &parent);
        since = stamp(CLOCK_REALTIME_COARSE);
        errno = 0;
        result = call(this, dirfd, path);
        error = errno;
        print_name(this);
        (void)printf(" = %ld %s", result, error ? strerrorname_np(error) : "-");
        if (result == 0) {
                print_made(dirfd, path);
                print_order(dirfd, path, this->path, &parent, &since);
        }
        (void)putchar('\n');
        (void)fflush(stdout);
        if (dirfd >= 0 && this->at != AT_CLOSED)
                (void)close(dirfd);
}
