/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* transcript calls|roots|kernels|proc|special...: makes the calls of the tables below in the working
 * directory, which test-fidelity.sh has furnished, and prints a line for each: what it returned, and the
 * type, mode, owner, group and ACLs of what it made.  Run native and supervised, it must print the same.
 * Nothing that is printed may differ between two native runs. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define USER 65534  /* whose calls these are, where they aren't root's */
#define GROUP 60001 /* a supplementary group of USER; not root's */

/* In .mode and .umask, where 0 means the usual. */
#define NONE 0x80000000U

/* What the path is relative to.  The first is mkdir(), the others are mkdirat(). */
typedef enum At {
        MKDIR,
        AT_CWD,
        AT_DIR,    /* dir/, opened for reading */
        AT_O_PATH, /* dir/, with O_PATH */
        AT_FILE,   /* a file */
        AT_O_PATH_FILE,
        AT_O_PATH_LINK,
        AT_SOCKET,
        AT_EPOLL,
        AT_DELETED,   /* a directory that is gone */
        AT_SHUT,      /* a directory without search permission, opened before that */
        AT_READ_ONLY, /* in a read-only mount */
        AT_CLOSED,    /* no descriptor has this number */
        AT_MINUS_ONE,
        AT_MINUS_BIG,
        AT_INT80, /* AT_FDCWD, through the i386 entry */
        AT_INT80_DIR,
} At;

/* Who can arrange it. */
typedef enum By {
        ANYONE,
        ROOT,      /* in a user namespace, too */
        REAL_ROOT, /* who can become USER */
} By;

typedef struct Case Case;
typedef void (*Context)(const Case *);
typedef char *(*PathMaker)(void);

struct Case {
        At at;
        const char *path;
        PathMaker make; /* instead of path */
        const char *says;
        unsigned mode;  /* 0: 0777 */
        unsigned umask; /* 0: 022 */
        Context in;     /* NULL: right here */
        By by;
};

/* Addresses. */

static char *map(size_t pages, size_t accessible) {
        char *base = mmap(NULL, pages * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (base == MAP_FAILED ||
                (accessible && mprotect(base, accessible * 4096, PROT_READ | PROT_WRITE) < 0))
                abort();
        return base;
}

static char *null_pointer(void) {
        return NULL;
}
static char *highest_address(void) {
        return (char *)UINTPTR_MAX;
}
static char *kernel_address(void) {
        return (char *)(uintptr_t)0xffff888000000000;
}
static char *non_canonical_address(void) {
        return (char *)(uintptr_t)0x8000000000000000;
}
static char *inaccessible_page(void) {
        return map(1, 0);
}

static char *in_last_bytes_of_a_mapping(void) {
        static const char name[] = "last-bytes";

        return memcpy(map(2, 1) + 4096 - sizeof(name), name, sizeof(name));
}

static char *across_a_page_boundary(void) {
        static const char name[] = "across-pages";

        return memcpy(map(3, 2) + 4096 - 5, name, sizeof(name));
}

static char *running_into_an_inaccessible_page(void) {
        static const char name[] = "running";

        return memcpy(map(2, 1) + 4096 - strlen(name), name, strlen(name));
}

static char *unterminated_page(void) {
        return memset(map(2, 1), 'u', 4096);
}

static char *unterminated_long(void) {
        return memset(map(3, 2) + 100, 'u', 8192 - 100);
}

static char *beyond_the_end_of_a_file(void) {
        int fd = open("file", O_RDONLY);
        char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);

        if (page == MAP_FAILED)
                abort();
        (void)close(fd);
        return page + 4096;
}

static char *in_read_only_memory(void) {
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

static char *in_execute_only_memory(void) {
        return in_memory_for(PROT_EXEC, "execute-only-memory");
}

static char *in_write_only_memory(void) {
        return in_memory_for(PROT_WRITE, "write-only-memory");
}

/* Long paths: a prefix of "./" and a name, so many bytes in all. */

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

static char *path_of_4094(void) {
        return of_length(4094, "dir/../");
}
static char *path_of_4095(void) {
        return of_length(4095, "./");
}
static char *path_of_4096(void) {
        return of_length(4096, "./");
}
static char *path_of_5000(void) {
        return of_length(5000, "./");
}

static char *path_of_4095_slashes(void) {
        char *path = map(2, 1);

        (void)memset(path, '/', 4095);
        return path;
}

static char *path_of_4095_with_slash(void) {
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

static char *name_of_255(void) {
        return name_of(255);
}
static char *name_of_256(void) {
        return name_of(256);
}

static char *name_of_256_in(const char *parent) {
        char *path = map(1, 1);

        (void)strcpy(path, parent);
        (void)memset(path + strlen(parent), 'n', 256);
        return path;
}

static char *name_of_256_in_nothing(void) {
        return name_of_256_in("nothing/");
}
static char *name_of_256_in_a_file(void) {
        return name_of_256_in("file/");
}
static char *name_of_256_in_unsearchable(void) {
        return name_of_256_in("unsearchable/");
}
static char *name_of_256_on_read_only(void) {
        return name_of_256_in("read-only/");
}

static char *absolute_to(const char *name) {
        char *path = map(2, 1);

        if (!getcwd(path, 4000))
                abort();
        return strcat(strcat(path, "/"), name);
}

static char *absolute(void) {
        return absolute_to("absolute");
}
static char *absolute_again(void) {
        return absolute_to("absolute-with-closed-dirfd");
}
static char *absolute_and_file(void) {
        return absolute_to("absolute-with-file-dirfd");
}
static char *absolute_with_slashes(void) {
        char *path = map(2, 1);

        path[0] = path[1] = '/';
        (void)strcpy(path + 2, absolute_to("absolute-with-slashes//"));
        return path;
}

/* /proc/self/fd/N and its kin, N being an open directory. */

static char *proc_path(const char *format, int number) {
        char *path = map(1, 1);

        /* The formats are this file's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(path, 4096, format, number);
#pragma GCC diagnostic pop
        return path;
}

/* These stay open: the cases that use them run one after the other. */
static int keep_open(const char *path, int flags) {
        int fd = open(path, flags);

        if (fd < 0)
                abort();
        return fd;
}

static char *proc_fd_dir(void) {
        return proc_path("/proc/self/fd/%d/proc-fd", keep_open("dir", O_RDONLY));
}
static char *proc_fd_dir_up(void) {
        return proc_path("/proc/self/fd/%d/../proc-fd-up", keep_open("dir", O_RDONLY));
}
static char *proc_fd_o_path(void) {
        return proc_path("/proc/self/fd/%d/proc-fd-o-path", keep_open("dir", O_PATH));
}
static char *proc_fd_itself(void) {
        return proc_path("/proc/self/fd/%d", keep_open("dir", O_RDONLY));
}
static char *proc_fd_slash(void) {
        return proc_path("/proc/self/fd/%d/", keep_open("dir", O_RDONLY));
}
static char *proc_fd_dot(void) {
        return proc_path("/proc/self/fd/%d/.", keep_open("dir", O_RDONLY));
}
static char *proc_fd_file(void) {
        return proc_path("/proc/self/fd/%d/x", keep_open("file", O_RDONLY));
}
static char *proc_fd_closed(void) {
        return proc_path("/proc/self/fd/%d/x", 987);
}
static char *proc_fd_none(void) {
        return proc_path("/proc/self/fd/%d", 987);
}
static char *proc_fd_socket(void) {
        return proc_path("/proc/self/fd/%d/x", socket(AF_UNIX, SOCK_STREAM, 0));
}
static char *dev_fd(void) {
        return proc_path("/dev/fd/%d/dev-fd", keep_open("dir", O_RDONLY));
}
static char *proc_thread_fd(void) {
        return proc_path("/proc/thread-self/fd/%d/thread-fd", keep_open("dir", O_RDONLY));
}
static char *proc_pid_cwd(void) {
        return proc_path("/proc/%d/cwd/proc-pid", getpid());
}
static char *proc_task_cwd(void) {
        return proc_path("/proc/self/task/%d/cwd/proc-task", gettid());
}
static char *proc_parent_cwd(void) {
        return proc_path("/proc/%d/cwd/proc-parent", getppid());
}
static char *proc_cwd_root(void) {
        return strcat(strcpy(map(2, 1), "/proc/self/root"), absolute_to("proc-root"));
}

/* What a call made, seen as the caller sees it. */

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
                fd = open("doomed", O_RDONLY);
                (void)rmdir("doomed");
                return fd;
        case AT_SHUT:
                fd = open("shut", O_RDONLY);
                (void)fchmod(fd, 0600);
                return fd;
        case AT_READ_ONLY:
                return open("read-only", O_RDONLY);
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

/* With rubbish in the upper halves of the registers, which that entry ignores. */
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
        /* An int and an umode_t: the kernel looks at the lower halves. */
        return syscall(SYS_mkdirat, (unsigned long)(unsigned)dirfd | (unsigned long)0x5a5a << 32, path,
                (unsigned long)mode | (unsigned long)0xf000f << 20);
}

static void perform(const Case *this) {
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
                [AT_CLOSED] = "at(closed)",
                [AT_MINUS_ONE] = "at(-1)",
                [AT_MINUS_BIG] = "at(-2147483647)",
                [AT_INT80] = "at(cwd, i386)",
                [AT_INT80_DIR] = "at(dir, i386)",
        };
        const char *path = this->make ? this->make() : this->path;
        int dirfd = open_at(this->at);
        long result;
        int error;

        (void)umask(this->umask == 0 ? 022 : this->umask & ~NONE);
        errno = 0;
        result = call(this, dirfd, path);
        error = errno;
        (void)printf("mkdir%s %s%s%s", names[this->at], this->path ? this->path : "",
                this->path && this->says ? ", " : "", this->says ? this->says : "");
        if (this->mode || this->umask)
                (void)printf(", mode %04o, umask %03o", this->mode == 0 ? 0777 : this->mode & ~NONE,
                        this->umask == 0 ? 022 : this->umask & ~NONE);
        (void)printf(" = %ld %s", result, error ? strerrorname_np(error) : "-");
        if (result == 0)
                print_made(dirfd, path);
        (void)putchar('\n');
        (void)fflush(stdout);
        if (dirfd >= 0 && this->at != AT_CLOSED)
                (void)close(dirfd);
}

/* Contexts.  A must() that fails says so in the transcript, of which the other one then differs or the
 * runner complains. */

static void must(bool good, const char *what) {
        if (good)
                return;
        (void)printf("CANNOT %s: %s\n", what, strerrorname_np(errno));
        (void)fflush(stdout);
        _exit(1);
}

static void in_process(const Case *this, void (*prepare)(void)) {
        pid_t pid = fork();

        must(pid >= 0, "fork");
        if (pid == 0) {
                prepare();
                perform(this);
                _exit(0);
        }
        must(waitpid(pid, NULL, 0) == pid, "wait");
}

typedef struct Thread {
        const Case *this;
        void (*prepare)(void);
} Thread;

static void *thread_main(void *userdata) {
        const Thread *thread = userdata;

        thread->prepare();
        perform(thread->this);
        return NULL;
}

/* In a thread, in a process of its own for the thread's peculiarities not to spread. */
static void in_thread(const Case *this, void (*prepare)(void)) {
        pid_t pid = fork();

        must(pid >= 0, "fork");
        if (pid == 0) {
                Thread thread = {this, prepare};
                pthread_t id;

                must(pthread_create(&id, NULL, thread_main, &thread) == 0, "make a thread");
                must(pthread_join(id, NULL) == 0, "join");
                _exit(0);
        }
        must(waitpid(pid, NULL, 0) == pid, "wait");
}

static void do_nothing(void) {
}
static void in_child(const Case *this) {
        in_process(this, do_nothing);
}
static void in_plain_thread(const Case *this) {
        in_thread(this, do_nothing);
}

static void take_own_cwd(void) {
        must(unshare(CLONE_FS) == 0 && chdir("dir") == 0, "have a cwd of my own");
}
static void in_thread_with_own_cwd(const Case *this) {
        in_thread(this, take_own_cwd);
}

/* The leader's umask and cwd are not this thread's. */
static void take_own_fs(void) {
        must(unshare(CLONE_FS) == 0, "have a umask of my own");
}
static void in_thread_with_own_umask(const Case *this) {
        in_thread(this, take_own_fs);
}

/* Raw calls: libc would change all threads. */
static void take_fsuid(void) {
        (void)syscall(SYS_setfsuid, USER);
        must(syscall(SYS_setfsuid, -1) == USER, "setfsuid");
}
static void in_thread_with_fsuid(const Case *this) {
        in_thread(this, take_fsuid);
}

static void take_fsgid(void) {
        (void)syscall(SYS_setfsgid, GROUP);
        must(syscall(SYS_setfsgid, -1) == GROUP, "setfsgid");
}
static void in_thread_with_fsgid(const Case *this) {
        in_thread(this, take_fsgid);
}

static void take_uids(void) {
        must(syscall(SYS_setresuid, USER, USER, USER) == 0, "setresuid");
}
static void in_thread_with_uids(const Case *this) {
        in_thread(this, take_uids);
}

static void take_groups(void) {
        const gid_t groups[] = {GROUP};

        must(syscall(SYS_setgroups, 1, groups) == 0, "setgroups");
        take_uids();
}
static void in_thread_with_groups(const Case *this) {
        in_thread(this, take_groups);
}

static void take_many_groups(void) {
        static gid_t groups[4000];

        for (size_t i = 0; i < 4000; i++)
                groups[i] = (gid_t)(100000 + i);
        groups[3999] = GROUP;
        must(syscall(SYS_setgroups, 4000, groups) == 0, "setgroups");
        take_uids();
}
static void in_process_with_many_groups(const Case *this) {
        in_process(this, take_many_groups);
}

static void take_euid(void) {
        must(seteuid(USER) == 0, "seteuid");
}
static void in_process_with_euid(const Case *this) {
        in_process(this, take_euid);
}

static void set_capabilities(uint64_t bits) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2];

        must(syscall(SYS_capget, &header, data) == 0, "capget");
        data[0].effective = (uint32_t)bits & data[0].permitted;
        data[1].effective = (uint32_t)(bits >> 32) & data[1].permitted;
        must(syscall(SYS_capset, &header, data) == 0, "capset");
}

#define CAP(name) (UINT64_C(1) << (name))
static void drop_dac(void) {
        set_capabilities(~(CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH)));
}
static void in_root_without_dac(const Case *this) {
        in_process(this, drop_dac);
}

static void drop_all(void) {
        set_capabilities(0);
}
static void in_root_without_capabilities(const Case *this) {
        in_process(this, drop_all);
}

static void keep_dac(void) {
        must(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0, "keep capabilities");
        must(setresuid(USER, USER, USER) == 0, "setresuid");
        set_capabilities(CAP(CAP_DAC_OVERRIDE));
}
static void in_user_with_dac(const Case *this) {
        in_process(this, keep_dac);
}

static void enter_jail(void) {
        must(chdir("jail") == 0 && chroot(".") == 0, "chroot");
}
static void in_jail(const Case *this) {
        in_process(this, enter_jail);
}

static void enter_jail_as_user(void) {
        enter_jail();
        must(setresuid(USER, USER, USER) == 0, "setresuid");
}
static void in_jail_as_user(const Case *this) {
        in_process(this, enter_jail_as_user);
}

static void root_only_in_jail(void) {
        must(chroot("jail") == 0, "chroot");
}
static void in_jail_with_cwd_outside(const Case *this) {
        in_process(this, root_only_in_jail);
}

static void thread_in_jail(void) {
        must(unshare(CLONE_FS) == 0 && chroot("jail") == 0 && chdir("/dir") == 0, "chroot");
}
static void in_thread_in_jail(const Case *this) {
        in_thread(this, thread_in_jail);
}

static void leave_for_deleted(void) {
        must(chdir("doomed-too") == 0 && (rmdir("../doomed-too") == 0 || errno == ENOENT), "lose my cwd");
}
static void in_deleted_cwd(const Case *this) {
        in_process(this, leave_for_deleted);
}
static void in_deleted_deep_cwd_step(void) {
        must(chdir("doomed-parent/child") == 0 && rmdir("../child") == 0 &&
                        rmdir("../../doomed-parent") == 0,
                "lose my cwd");
}
static void in_deleted_deep_cwd(const Case *this) {
        in_process(this, in_deleted_deep_cwd_step);
}

static void enter_unsearchable(void) {
        must(chdir("shut-behind") == 0 && chmod(".", 0) == 0, "shut my cwd");
}
static void in_unsearchable_cwd(const Case *this) {
        in_process(this, enter_unsearchable);
        (void)chmod("shut-behind", 0755);
}

static void forbid_files(void) {
        const struct rlimit nothing = {};

        must(setrlimit(RLIMIT_FSIZE, &nothing) == 0 && setrlimit(RLIMIT_NOFILE, &nothing) == 0,
                "limit myself");
}
static void in_process_without_descriptors(const Case *this) {
        in_process(this, forbid_files);
}

static void be_undumpable(void) {
        must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "be undumpable");
}
static void in_undumpable_process(const Case *this) {
        in_process(this, be_undumpable);
}

/* THE TABLE.  Each name is made once: rows share the directory. */
static const Case calls[] = {
        /* Plain. */
        {MKDIR, "new"},
        {MKDIR, "new"}, /* now it exists */
        {AT_CWD, "new-at"},
        {AT_DIR, "in-dir"},
        {AT_DIR, "in-dir"},
        {AT_O_PATH, "in-o-path"},
        {AT_DIR, "../from-dir"},
        {AT_DIR, "exists/below"},
        {AT_INT80, "int80"},
        {AT_INT80_DIR, "int80-dir"},
        {AT_INT80_DIR, "int80-dir"},
        {MKDIR, "a name with blanks"},
        {MKDIR, "new\nline \x1b[31m \xff\xfe"},
        {MKDIR, "new (deleted)"},
        {MKDIR, "new (deleted)/below"},
        {MKDIR, "..."},
        {MKDIR, "*"},

        /* Slashes and dots. */
        {MKDIR, "slash/"},
        {MKDIR, "slashes///"},
        {MKDIR, "dir//doubled"},
        {MKDIR, "./dotted"},
        {MKDIR, "dir/../dir/./up"},
        {MKDIR, "dir/dot/."},
        {MKDIR, "dir/dotdot/.."},
        {MKDIR, "nothing/../beyond"},
        {MKDIR, "."},
        {MKDIR, "./"},
        {MKDIR, ".."},
        {MKDIR, "../"},
        {MKDIR, "dir/."},
        {MKDIR, "dir/.."},
        {MKDIR, "dir/../.."},
        {MKDIR, "nothing/."},
        {MKDIR, "nothing/.."},
        {MKDIR, "file/."},
        {MKDIR, "file/.."},
        {MKDIR, "/"},
        {MKDIR, "//"},
        {MKDIR, "/."},
        {MKDIR, "/.."},
        {MKDIR, "/../"},
        {MKDIR, "/../../tmp"},
        {AT_DIR, "/"},
        {AT_DIR, "."},
        {AT_DIR, ".."},
        {AT_DIR, ""},
        {MKDIR, ""},

        /* What is in the way. */
        {MKDIR, "dir"},
        {MKDIR, "dir/"},
        {MKDIR, "file"},
        {MKDIR, "file/"},
        {MKDIR, "file/x"},
        {MKDIR, "fifo"},
        {MKDIR, "fifo/x"},
        {MKDIR, "nothing/x"},
        {MKDIR, "nothing/x/y/"},
        {MKDIR, "/nothing-like-this/x"},
        {MKDIR, "/dev/null/x"},
        {MKDIR, "/tmp"},

        /* Symbolic links. */
        {MKDIR, "link"},
        {MKDIR, "link/"},
        {MKDIR, "link/through-link"},
        {MKDIR, "link/../beside-link"},
        {MKDIR, "absolute-link/through-absolute-link"},
        {MKDIR, "link-to-file"},
        {MKDIR, "link-to-file/x"},
        {MKDIR, "dangling"},
        {MKDIR, "dangling/"},
        {MKDIR, "dangling/x"},
        {MKDIR, "loop"},
        {MKDIR, "loop/"},
        {MKDIR, "loop/x"},
        /* Not 40 and 41: where the kernel starts over in the middle of a path, it goes on counting. */
        {MKDIR, "chain-13/thirteen-links"},
        {MKDIR, "chain-41/forty-one-links"},
        {MKDIR, "sticky/link-of-user/protected"},
        {MKDIR, "sticky/link-of-root/unprotected"},
        {MKDIR, "sticky/new"},

        /* Lengths. */
        {MKDIR, .make = name_of_255, .says = "a name of 255 bytes"},
        {MKDIR, .make = name_of_256, .says = "a name of 256 bytes"},
        {AT_DIR, .make = name_of_256, .says = "a name of 256 bytes"},
        {MKDIR, .make = name_of_256_in_nothing, .says = "a name of 256 bytes in nothing/"},
        {MKDIR, .make = name_of_256_in_a_file, .says = "a name of 256 bytes in file/"},
        {MKDIR, .make = name_of_256_in_unsearchable, .says = "a name of 256 bytes in unsearchable/"},
        {MKDIR, .make = name_of_256_on_read_only, .says = "a name of 256 bytes in read-only/"},
        {MKDIR, .make = path_of_4094, .says = "a path of 4094 bytes"},
        {MKDIR, .make = path_of_4095, .says = "a path of 4095 bytes"},
        {AT_DIR, .make = path_of_4095, .says = "a path of 4095 bytes"},
        {MKDIR, .make = path_of_4095_with_slash, .says = "a path of 4095 bytes that ends in slashes"},
        {MKDIR, .make = path_of_4095_slashes, .says = "4095 slashes"},
        {MKDIR, .make = path_of_4096, .says = "a path of 4096 bytes"},
        {MKDIR, .make = path_of_5000, .says = "a path of 5000 bytes"},
        {AT_CLOSED, .make = path_of_4096, .says = "a path of 4096 bytes"},

        /* Addresses. */
        {MKDIR, .make = null_pointer, .says = "NULL"},
        {MKDIR, .make = highest_address, .says = "the highest address"},
        {MKDIR, .make = kernel_address, .says = "an address of the kernel's"},
        {MKDIR, .make = non_canonical_address, .says = "a non-canonical address"},
        {MKDIR, .make = inaccessible_page, .says = "a PROT_NONE page"},
        {MKDIR, .make = beyond_the_end_of_a_file, .says = "a mapping beyond its file"},
        {MKDIR, .make = in_last_bytes_of_a_mapping, .says = "last bytes before a PROT_NONE page"},
        {MKDIR, .make = across_a_page_boundary, .says = "across two pages"},
        {MKDIR, .make = in_read_only_memory, .says = "read-only memory"},
        {MKDIR, .make = running_into_an_inaccessible_page, .says = "unterminated before a PROT_NONE page"},
        {MKDIR, .make = unterminated_page, .says = "4096 bytes without NUL before a PROT_NONE page"},
        {MKDIR, .make = unterminated_long, .says = "8092 bytes without NUL"},
        {AT_CLOSED, .make = null_pointer, .says = "NULL"},
        {AT_FILE, .make = null_pointer, .says = "NULL"},

        /* dirfds that are none, or ignored. */
        {AT_CLOSED, "x"},
        {AT_CLOSED, ""},
        {AT_CLOSED, "."},
        {AT_MINUS_ONE, "x"},
        {AT_MINUS_BIG, "x"},
        {AT_FILE, "x"},
        {AT_FILE, ""},
        {AT_FILE, "."},
        {AT_O_PATH_FILE, "x"},
        {AT_O_PATH_LINK, "x"},
        {AT_SOCKET, "x"},
        {AT_EPOLL, "x"},
        {AT_DELETED, "x"},
        {AT_SHUT, "x"},
        {AT_READ_ONLY, "x"},
        {AT_READ_ONLY, "exists"},
        {AT_CLOSED, .make = absolute_again, .says = "an absolute path"},
        {AT_FILE, .make = absolute_and_file, .says = "an absolute path"},
        {MKDIR, .make = absolute, .says = "an absolute path"},
        {MKDIR, .make = absolute_with_slashes, .says = "an absolute path with many slashes"},

        /* Modes and umasks. */
        {MKDIR, "mode-0", .mode = NONE},
        {MKDIR, "mode-0/x"},
        {MKDIR, "mode-1777", .mode = 01777},
        {MKDIR, "mode-2777", .mode = 02777},
        {MKDIR, "mode-4777", .mode = 04777},
        {MKDIR, "mode-7777", .mode = 07777, .umask = NONE},
        {MKDIR, "mode-177777", .mode = 0177777, .umask = NONE},
        {MKDIR, "mode-700", .mode = 0700, .umask = NONE},
        {MKDIR, "mode-666", .mode = 0666},
        {MKDIR, "umask-0", .umask = NONE},
        {MKDIR, "umask-077", .umask = 077},
        {MKDIR, "umask-777", .umask = 0777},
        {MKDIR, "umask-002", .umask = 02},
        {AT_INT80, "int80-mode-3777", .mode = 03777, .umask = 027},

        /* Groups and ACLs of the parent. */
        {MKDIR, "setgid/new"},
        {MKDIR, "setgid/mode-2755", .mode = 02755, .umask = NONE},
        {MKDIR, "setgid-foreign/new"},
        {MKDIR, "acl/new"},
        {MKDIR, "acl/new/below"},
        {MKDIR, "acl/umask-077", .umask = 077},
        {MKDIR, "acl/mode-700", .mode = 0700},
        {MKDIR, "acl/mode-1777", .mode = 01777, .umask = NONE},
        {MKDIR, "acl-minimal/new", .umask = 077},
        {MKDIR, "acl-for-user/new"},
        {MKDIR, "of-group/new"},
        {MKDIR, "of-other-group/new"},

        /* Permissions and file systems. */
        {MKDIR, "unsearchable/x"},
        {MKDIR, "unsearchable/exists"},
        {MKDIR, "unsearchable/."},
        {MKDIR, "unwritable/x"},
        {MKDIR, "unwritable/exists"},
        {MKDIR, "unwritable/exists/new"},
        {MKDIR, "of-root/x"},
        {MKDIR, "read-only/x"},
        {MKDIR, "read-only/exists"},
        {MKDIR, "read-only/exists/x"},
        {MKDIR, "read-only/nothing/x"},
        {MKDIR, "full/x"},
        {MKDIR, "full/exists"},
        {MKDIR, "full/."},
        {MKDIR, "/sys/kernel"},

        /* Processes and threads that are special. */
        {MKDIR, "by-child", .in = in_child},
        {MKDIR, "by-thread", .in = in_plain_thread},
        {MKDIR, "by-thread-with-own-cwd", .in = in_thread_with_own_cwd},
        {AT_CWD, "../by-thread-with-own-cwd-up", .in = in_thread_with_own_cwd},
        {MKDIR, "by-thread-with-own-umask", .umask = 0707, .in = in_thread_with_own_umask},
        {MKDIR, "by-undumpable", .in = in_undumpable_process},
        {AT_DIR, "by-undumpable", .in = in_undumpable_process},
        {MKDIR, "by-process-without-descriptors", .in = in_process_without_descriptors},
        {MKDIR, "x", .in = in_deleted_cwd, .says = "in a deleted cwd"},
        {MKDIR, "../x", .in = in_deleted_deep_cwd, .says = "in a deleted cwd in a deleted directory"},
        {MKDIR, "x", .in = in_unsearchable_cwd, .says = "in an unsearchable cwd"},
        {MKDIR, ".", .in = in_unsearchable_cwd, .says = "in an unsearchable cwd"},
        {MKDIR, "../from-unsearchable", .in = in_unsearchable_cwd, .says = "in an unsearchable cwd"},

        /* What only root can arrange. */
        {MKDIR, "by-fsuid", .in = in_thread_with_fsuid, .by = REAL_ROOT},
        {MKDIR, "sticky/by-fsuid", .in = in_thread_with_fsuid, .by = REAL_ROOT},
        {MKDIR, "of-root/by-fsuid", .in = in_thread_with_fsuid, .by = REAL_ROOT},
        {MKDIR, "sticky/by-fsgid", .in = in_thread_with_fsgid, .by = REAL_ROOT},
        {MKDIR, "sticky/by-uids", .in = in_thread_with_uids, .by = REAL_ROOT},
        {MKDIR, "of-root/by-uids", .in = in_thread_with_uids, .by = REAL_ROOT},
        {MKDIR, "of-group/by-uids", .in = in_thread_with_uids, .by = REAL_ROOT},
        {MKDIR, "of-group/by-groups", .in = in_thread_with_groups, .by = REAL_ROOT},
        {MKDIR, "of-group/by-many-groups", .in = in_process_with_many_groups, .by = REAL_ROOT},
        {MKDIR, "sticky/by-euid", .in = in_process_with_euid, .by = REAL_ROOT},
        {MKDIR, "of-root/by-euid", .in = in_process_with_euid, .by = REAL_ROOT},
        {MKDIR, "of-user/by-root-without-dac", .in = in_root_without_dac, .by = ROOT},
        {MKDIR, "unsearchable/by-root-without-dac", .in = in_root_without_dac, .by = ROOT},
        {MKDIR, "dir/by-root-without-capabilities", .in = in_root_without_capabilities, .by = ROOT},
        {MKDIR, "of-user/by-root-without-capabilities", .in = in_root_without_capabilities, .by = ROOT},
        {MKDIR, "setgid-foreign/by-root-without-capabilities", .in = in_root_without_capabilities,
                .by = ROOT},
        {MKDIR, "of-root/by-user-with-dac", .in = in_user_with_dac, .by = REAL_ROOT},
};

/* Roots of the caller's own. */
static const Case roots[] = {
        {MKDIR, "/in-jail", .in = in_jail, .by = ROOT},
        {MKDIR, "dir/relative-in-jail", .in = in_jail, .by = ROOT},
        {MKDIR, "../../../escape", .in = in_jail, .by = ROOT},
        {MKDIR, "/../dir/escape", .in = in_jail, .by = ROOT},
        {MKDIR, "/", .in = in_jail, .by = ROOT, .says = "in a chroot"},
        {MKDIR, "/..", .in = in_jail, .by = ROOT, .says = "in a chroot"},
        {MKDIR, "link/through-link-in-jail", .in = in_jail, .by = ROOT},
        {MKDIR, "/absolute-link/x", .in = in_jail, .by = ROOT, .says = "in a chroot"},
        {MKDIR, "/tmp/x", .in = in_jail, .by = ROOT, .says = "in a chroot"},
        {MKDIR, "/dir/by-user", .in = in_jail_as_user, .by = REAL_ROOT},
        {MKDIR, "/open/by-user", .in = in_jail_as_user, .by = REAL_ROOT},
        {MKDIR, "outside-jail", .in = in_jail_with_cwd_outside, .by = ROOT},
        {MKDIR, "dir/../outside-jail-up", .in = in_jail_with_cwd_outside, .by = ROOT},
        {MKDIR, "jail/../../tree/outside-jail-far", .in = in_jail_with_cwd_outside, .by = ROOT},
        {MKDIR, "jail/link/outside-link", .in = in_jail_with_cwd_outside, .by = ROOT},
        {MKDIR, "/absolute-in-jail", .in = in_jail_with_cwd_outside, .by = ROOT},
        {AT_DIR, "dirfd-outside-jail", .in = in_jail_with_cwd_outside, .by = ROOT},
        {MKDIR, "by-thread-in-jail", .in = in_thread_in_jail, .by = ROOT},
        {MKDIR, "/by-thread-in-jail", .in = in_thread_in_jail, .by = ROOT},
};

/* File systems of the kernel's own, where nobody can make anything. */
static const Case kernels[] = {
        {MKDIR, "/proc/snotify"},
        {MKDIR, "/proc/1/snotify"},
        {MKDIR, "/proc/sys/kernel/snotify"},
        {MKDIR, "/sys/snotify"},
        {MKDIR, "/proc/self/snotify"},
        {MKDIR, "/proc/self/fd/x"},
        {MKDIR, .make = proc_fd_none, .says = "/proc/self/fd/N, N closed"},
};

/* Magic links of /proc, which mean the caller and not whoever performs the call. */
static const Case proc[] = {
        {MKDIR, "/proc/self/cwd/proc-cwd"},
        {MKDIR, "/proc/self/cwd/dir/proc-cwd"},
        {MKDIR, "/proc/self/cwd/../tree/proc-cwd-up"},
        {MKDIR, "/proc/self/cwd"},
        {MKDIR, "/proc/self/cwd/"},
        {MKDIR, "/proc/self/cwd/."},
        {MKDIR, "/proc/self/cwd/.."},
        {MKDIR, "/proc/self/cwd/nothing/x"},
        {MKDIR, "/proc/self/cwd/file/x"},
        {MKDIR, "/proc/self/cwd/loop/x"},
        {MKDIR, "/proc/self/cwd/unwritable/x"},
        {MKDIR, "/proc/thread-self/cwd/thread-cwd"},
        {MKDIR, "/proc/thread-self/cwd/by-thread-by-thread-self", .in = in_thread_with_own_cwd},
        {MKDIR, "/proc/self/root/nothing-like-this/x"},
        {MKDIR, "/proc/self/root/tmp"},
        {MKDIR, .make = proc_cwd_root, .says = "/proc/self/root/..."},
        {MKDIR, .make = proc_fd_dir, .says = "/proc/self/fd/N/..."},
        {MKDIR, .make = proc_fd_dir_up, .says = "/proc/self/fd/N/../..."},
        {MKDIR, .make = proc_fd_o_path, .says = "/proc/self/fd/N/..., N opened with O_PATH"},
        {MKDIR, .make = proc_fd_itself, .says = "/proc/self/fd/N"},
        {MKDIR, .make = proc_fd_slash, .says = "/proc/self/fd/N/"},
        {MKDIR, .make = proc_fd_dot, .says = "/proc/self/fd/N/."},
        {MKDIR, .make = proc_fd_file, .says = "/proc/self/fd/N/x, N a file"},
        {MKDIR, .make = proc_fd_socket, .says = "/proc/self/fd/N/x, N a socket"},
        {MKDIR, .make = proc_fd_closed, .says = "/proc/self/fd/N/x, N closed"},
        {MKDIR, .make = proc_thread_fd, .says = "/proc/thread-self/fd/N/..."},
        {MKDIR, .make = dev_fd, .says = "/dev/fd/N/..."},
        {MKDIR, .make = proc_pid_cwd, .says = "/proc/PID/cwd/..."},
        {MKDIR, .make = proc_task_cwd, .says = "/proc/self/task/TID/cwd/..."},
        {MKDIR, "proc-link/through-proc-link"},
        {MKDIR, "proc-link-to-fd/x"},
        {MKDIR, "/proc/self"},
        {MKDIR, "/proc/self/"},
        {MKDIR, "/proc/self/nothing/x"},
        {MKDIR, "/proc/self/cwd/x", .in = in_deleted_cwd, .says = "in a deleted cwd"},
        {MKDIR, "/proc/self/cwd/undumpable-by-proc", .in = in_undumpable_process},
        {MKDIR, "/proc/self/cwd/user-by-proc", .in = in_thread_with_uids, .by = REAL_ROOT},
};

/* Memory that the processor lets the caller read, and process_vm_readv(2) does not let anybody read; and
 * links of /proc that are not the thread's own. */
static const Case special[] = {
        {MKDIR, .make = in_execute_only_memory, .says = "in execute-only memory"},
        {MKDIR, .make = in_write_only_memory, .says = "in write-only memory"},
        {MKDIR, "/proc/self/cwd/by-thread-by-self", .in = in_thread_with_own_cwd},
        {MKDIR, .make = proc_parent_cwd, .says = "/proc/PID of another/cwd/...", .in = in_child},
        {MKDIR, "/proc/self/exe/x"},
        {MKDIR, "/proc/self/ns/mnt/x"},
};

static By who_are_we(void) {
        int status = 1;
        pid_t pid;

        if (geteuid() != 0)
                return ANYONE;
        pid = fork();
        if (pid == 0)
                _exit(setresuid(USER, USER, USER) < 0);
        must(pid > 0 && waitpid(pid, &status, 0) == pid, "see who we are");
        return status == 0 ? REAL_ROOT : ROOT;
}

static void run(const Case *cases, size_t n) {
        By we = who_are_we();

        for (size_t i = 0; i < n; i++) {
                const Case *this = &cases[i];

                if (this->by > we)
                        continue;
                if (this->in)
                        this->in(this);
                else
                        perform(this);
        }
}

#define SECTION(name)                                                                                       \
        { #name, name, sizeof(name) / sizeof(name[0]) }
static const struct {
        const char *name;
        const Case *cases;
        size_t n;
} sections[] = {SECTION(calls), SECTION(roots), SECTION(kernels), SECTION(proc), SECTION(special)};

static bool run_section(const char *name) {
        for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
                if (strcmp(name, sections[i].name) == 0) {
                        run(sections[i].cases, sections[i].n);
                        return true;
                }
        return false;
}

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (!run_section(argv[i]))
                        return 2;
        return 0;
}
