/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the links of /proc as the target sees them.  Run by the worker or a helper, with the target's
 * credentials.  Owns nothing.  Must never follow a link to what is the worker's own.
 *
 * The target controls the procfs that its paths lead through: it can mount anything anywhere in it.  So that
 * procfs only tells which entry of the target a path means, and the worker asks it without crossing a mount.
 * What the worker then opens with its own capabilities it opens by name below its own /proc, where no
 * workload mounts anything. */

#include "worker/target/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/notify.h"
#include "common/ownership.h"

#define PROC_ROOT_INO 1

/* "TGID/task/TID/fd" */
#define ENTRY_DEPTH_MAX 4U
#define STATUS_NAME_SIZE 32

bool procfs_is_it(int fd) {
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static bool is_proc_root(int fd) {
        struct stat st;

        return fstat(fd, &st) == 0 && st.st_ino == PROC_ROOT_INO;
}

bool procfs_names_us(const PathLookup *lookup, const char *path) {
        char helpers[16];
        const char *number = helpers, *found;
        size_t length;

        if (lookup->override)
                number = target_proc(lookup->target)->number;
        else
                (void)snprintf(helpers, sizeof(helpers), "%d", getpid());
        length = strlen(number);
        for (found = strstr(path, number); found; found = strstr(found + 1, number))
                if ((found == path || found[-1] == '/') && (found[length] == '/' || found[length] == '\0'))
                        return true;
        return false;
}

bool procfs_is_us(const PathLookup *lookup, int dir_fd, const char *name) {
        char self[16];
        ssize_t n;

        if (!procfs_names_us(lookup, name) || !is_proc_root(dir_fd) || !procfs_is_it(dir_fd))
                return false;
        n = readlinkat(dir_fd, "self", self, sizeof(self));
        return n == (ssize_t)strlen(name) && memcmp(self, name, (size_t)n) == 0;
}

int procfs_refuse_us(PathLookup *lookup) {
        lookup->wants_helper = lookup->override != NULL;
        return lookup->override ? -EACCES : -ENOENT;
}

/* The directories that the threads of a process may always search, and other processes by their mode or
 * where they may trace the process. */
static const char *const private_directories[] = {"fd", "fdinfo", "map_files"};

static bool is_private(const char *name, size_t length) {
        for (size_t i = 0; i < sizeof(private_directories) / sizeof(private_directories[0]); i++)
                if (strlen(private_directories[i]) == length &&
                        memcmp(private_directories[i], name, length) == 0)
                        return true;
        return false;
}

void procfs_refuse(int dir_fd, const char *name, int *ret_error) {
        *ret_error = mkdirat(dir_fd, name, 0) < 0 ? errno : EEXIST;
}

/* Opens what the procfs itself has at path: nothing that is mounted there, and nothing that a link leads to.
 */
static int open_within(int dir_fd, const char *path, int flags) {
        const struct open_how how = {
                .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };

        return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

/* Opens the root of the mount that dir_fd is on, if that is also the root of its procfs. */
static int open_proc_root(int dir_fd) {
        _cleanup_close_ int fd = open_within(dir_fd, ".", O_PATH | O_DIRECTORY);

        for (unsigned depth = 0; depth <= ENTRY_DEPTH_MAX && fd >= 0; depth++) {
                int up_fd;

                if (is_proc_root(fd))
                        return TAKE_FD(fd);
                up_fd = open_within(fd, "..", O_PATH | O_DIRECTORY);
                fd_close(fd);
                fd = up_fd;
        }
        return -EBADF;
}

bool procfs_may_be_ours(const PathLookup *lookup, int dir_fd) {
        _cleanup_close_ int proc_root_fd = -EBADF;
        char path[PATH_MAX];

        if (!procfs_is_it(dir_fd))
                return false;
        /* On a mount that shows a part of the procfs it cannot be told which process the part belongs to. */
        proc_root_fd = open_proc_root(dir_fd);
        return proc_root_fd < 0 ||
               worker_proc_read_path(target_proc(lookup->target), dir_fd, path, sizeof(path)) < 0 ||
               procfs_names_us(lookup, path);
}

/* Is the process with this number in the procfs the target, seen from the PID namespace at that level? */
static bool is_at_level(const TaskFacts *facts, int proc_root_fd, pid_t number, unsigned level) {
        static char text[1U << 20]; /* up to NGROUPS_MAX groups come before the line */
        char path[STATUS_NAME_SIZE];
        _cleanup_close_ int fd = -EBADF;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "%d/status", number);
        fd = open_within(proc_root_fd, path, O_RDONLY);
        if (fd < 0)
                return false;
        n = read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return false;
        text[n] = '\0';
        return task_facts_is_at_level(text, facts, level);
}

/* The links of the root: "self" and "thread-self" mean the target; "mounts" and "net" are plain text.  A
 * procfs shows the numbers of one PID namespace, and the target has a number in each PID namespace that it
 * is in. */
static int read_root_link(
        const PathLookup *lookup, int proc_root_fd, const char *name, char *ret_text, size_t size) {
        bool self = strcmp(name, "self") == 0, thread_self = strcmp(name, "thread-self") == 0;
        const TaskFacts *facts = lookup->facts;
        ssize_t n;

        for (unsigned level = 0; level < facts->n_levels && (self || thread_self); level++) {
                pid_t tgid = facts->level_tgids[level];

                if (!is_at_level(facts, proc_root_fd, tgid, level))
                        continue;
                if (self)
                        (void)snprintf(ret_text, size, "%d", tgid);
                else
                        (void)snprintf(ret_text, size, "%d/task/%d", tgid, facts->level_tids[level]);
                return 0;
        }
        if (self || thread_self)
                return -ENOENT;
        n = readlinkat(proc_root_fd, name, ret_text, size - 1);
        if (n < 0)
                return -errno;
        ret_text[n] = '\0';
        return 0;
}

/* A directory of one of the target's threads, in some procfs. */
typedef struct OwnDirectory {
        int proc_root_fd;     /* the root of that procfs */
        char there[PATH_MAX]; /* its name below that root, with the numbers there: "5/task/6/fd" */
        char here[PATH_MAX];  /* its name below our /proc, with the numbers here */
        const char *rest;     /* what follows the numbers: "fd", or empty */
} OwnDirectory;

static void own_directory_done(OwnDirectory *own) {
        fd_close(own->proc_root_fd);
}

/* Reads the directory's name.  The kernel tells it, whatever is mounted on the way there. */
static bool read_name(const PathLookup *lookup, int dir_fd, OwnDirectory *own) {
        char root[PATH_MAX];
        size_t length;

        if (worker_proc_read_path(target_proc(lookup->target), own->proc_root_fd, root, sizeof(root)) < 0 ||
                worker_proc_read_path(target_proc(lookup->target), dir_fd, own->there, sizeof(own->there)) <
                        0)
                return false;
        length = strcmp(root, "/") == 0 ? 0 : strlen(root);
        if (strncmp(own->there, root, length) != 0 || own->there[length] != '/')
                return false;
        memmove(own->there, own->there + length + 1, strlen(own->there + length));
        return true;
}

/* Takes a number from the text, where the text starts with before and then a name that is a number. */
static bool take_number(const char **text, const char *before, pid_t *ret) {
        const char *digits = *text + strlen(before);
        long number;
        char *end;

        if (strncmp(*text, before, strlen(before)) != 0 || *digits < '1' || *digits > '9')
                return false;
        number = strtol(digits, &end, 10);
        if ((*end != '/' && *end != '\0') || number > INT32_MAX)
                return false;
        *text = end;
        *ret = (pid_t)number;
        return true;
}

/* The number in our /proc of the thread that has this number at that level.  Returns 0 where it is not
 * known. */
static pid_t our_number(const TaskFacts *facts, unsigned level, pid_t thread) {
        if (thread == facts->level_tids[level])
                return facts->level_tids[0];
        if (thread == facts->level_tgids[level])
                return facts->level_tgids[0];
        return level == 0 ? thread : 0;
}

/* Translates the directory's name there into its name below our /proc.  Returns false where it is not a
 * directory of the target's threads. */
static bool translate(const TaskFacts *facts, OwnDirectory *own) {
        const char *text = own->there;
        pid_t process, thread = 0;
        unsigned level = 0;

        if (!take_number(&text, "", &process))
                return false;
        while (level < facts->n_levels && !is_at_level(facts, own->proc_root_fd, process, level))
                level++;
        if (level == facts->n_levels)
                return false;
        /* Beside the entries of processes there is an unlisted one for each thread. */
        if (!take_number(&text, "/task/", &thread) && process != facts->level_tgids[level])
                thread = process;
        own->rest = *text == '/' ? text + 1 : text;
        if (thread == 0)
                (void)snprintf(own->here, sizeof(own->here), "%d%s", facts->tgid, text);
        else
                (void)snprintf(own->here, sizeof(own->here), "%d/task/%d%s", facts->tgid,
                        our_number(facts, level, thread), text);
        return true;
}

/* With the credentials of the worker: the directory is one that those of the target do not let it search. */
static bool find_own(const PathLookup *lookup, int dir_fd, OwnDirectory *own) {
        own->proc_root_fd = open_proc_root(dir_fd);
        return own->proc_root_fd >= 0 && read_name(lookup, dir_fd, own) && translate(lookup->facts, own);
}

/* Is dir_fd a directory of the target's threads?  Returns 0, -EACCES where it is not, or -EIO. */
static int identify_own(PathLookup *lookup, int dir_fd, OwnDirectory *ret) {
        bool found;

        if (!lookup->override || !procfs_is_it(dir_fd))
                return -EACCES;
        if (credentials_revert(lookup->override) < 0)
                return -EIO;
        found = find_own(lookup, dir_fd, ret);
        if (credentials_override(lookup->override, &lookup->facts->credentials) < 0)
                return -EIO;
        return found ? 0 : -EACCES;
}

/* The target may open its own entry whatever its credentials are; the worker may do so with its own
 * credentials alone, and below its own /proc. */
static int open_as_worker(
        PathLookup *lookup, const OwnDirectory *own, const char *name, int flags, int *ret_fd) {
        char path[PATH_MAX + NAME_MAX + 2];
        _cleanup_close_ int fd = -EBADF;
        int r;

        (void)snprintf(path, sizeof(path), "%s/%s", own->here, name);
        if (credentials_revert(lookup->override) < 0)
                return -EIO;
        r = worker_proc_open_entry(target_proc(lookup->target), path, flags, &fd);
        if (credentials_override(lookup->override, &lookup->facts->credentials) < 0)
                return -EIO;
        /* Numbers were compared: they were the target's, and not those of a later process, only if it still
         * waits. */
        if (notification_is_gone(lookup->notification))
                return -ESRCH;
        *ret_fd = TAKE_FD(fd);
        return r;
}

/* The names that are magic links.  Nothing else must be followed: from a directory of our /proc the way goes
 * up to our root. */
static bool is_magic(const OwnDirectory *own, const char *name) {
        if (own->rest[0] == '\0')
                return strcmp(name, "cwd") == 0 || strcmp(name, "root") == 0 || strcmp(name, "exe") == 0;
        return strcmp(own->rest, "fd") == 0 || strcmp(own->rest, "ns") == 0 ||
               strcmp(own->rest, "map_files") == 0;
}

/* Is it known which numbers are the target's? */
static bool has_facts(PathLookup *lookup) {
        lookup->wants_facts = !task_facts_know(lookup->facts, TASK_STATUS);
        return !lookup->wants_facts;
}

int procfs_follow(
        PathLookup *lookup, int dir_fd, const char *name, int *ret_fd, char *ret_text, size_t size) {
        _cleanup_(own_directory_done) OwnDirectory own = {.proc_root_fd = -EBADF};
        int r;

        if (!has_facts(lookup))
                return -EAGAIN;
        if (is_proc_root(dir_fd))
                return read_root_link(lookup, dir_fd, name, ret_text, size);
        if (!lookup->override) {
                *ret_fd = openat(dir_fd, name, O_PATH | O_CLOEXEC);
                return *ret_fd < 0 ? -errno : 0;
        }
        r = identify_own(lookup, dir_fd, &own);
        if (r == 0 && is_magic(&own, name))
                return open_as_worker(lookup, &own, name, 0, ret_fd);
        if (r != 0 && r != -EACCES)
                return r;
        /* The link belongs to another process.  The kernel would decide by the credentials, which are the
         * target's now; but it lets the worker follow its own links whatever they are, and there are procfs
         * in which the worker does not know its own number.  A helper has nothing that a link could lead
         * to. */
        lookup->wants_helper = true;
        return -EACCES;
}

/* Opens the directory above, in the procfs where the target is.  Every process may search that one. */
static int open_above(const OwnDirectory *own, int *ret_fd) {
        char path[PATH_MAX], *slash;

        (void)strcpy(path, own->there);
        slash = strrchr(path, '/');
        (void)strcpy(slash ? slash : path, slash ? "" : ".");
        *ret_fd = open_within(own->proc_root_fd, path, O_PATH | O_DIRECTORY);
        return *ret_fd < 0 ? -errno : 0;
}

/* Does it have the name of a private directory?  A file system of the workload is not asked about itself. */
static bool may_be_private(const PathLookup *lookup, int dir_fd) {
        char path[PATH_MAX];
        const char *name;

        if (!lookup->override ||
                worker_proc_read_path(target_proc(lookup->target), dir_fd, path, sizeof(path)) < 0)
                return false;
        name = strrchr(path, '/');
        return name && is_private(name + 1, strlen(name + 1));
}

int procfs_open_own(PathLookup *lookup, int dir_fd, const char *name, int *ret_fd) {
        _cleanup_(own_directory_done) OwnDirectory own = {.proc_root_fd = -EBADF};
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        if (!may_be_private(lookup, dir_fd))
                return -EACCES;
        if (!has_facts(lookup))
                return -EAGAIN;
        r = identify_own(lookup, dir_fd, &own);
        if (r != 0)
                return r;
        if (strcmp(name, "..") == 0)
                return open_above(&own, ret_fd);
        if (strcmp(name, ".") == 0) {
                *ret_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
                return *ret_fd < 0 ? -errno : 0;
        }
        r = open_as_worker(lookup, &own, name, O_NOFOLLOW, &fd);
        if (r != 0)
                return r;
        /* From a directory of our /proc the way would go on to our root.  The private directories hold none;
         * others are private only on a procfs that is mounted with hidepid=. */
        if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
                return -EACCES;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

void procfs_look_own(PathLookup *lookup, int dir_fd, const char *name, int *ret_error) {
        _cleanup_close_ int fd = -EBADF;
        int r = procfs_open_own(lookup, dir_fd, name, &fd);

        *ret_error = r == 0 ? EEXIST : -r;
}
