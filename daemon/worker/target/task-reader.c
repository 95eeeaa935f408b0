/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads facts about a task, each once.  Run by the worker with its own privileges.  Owns what the reader
 * that asks /proc needs to read.  Must never treat what it has read as true before the notification was
 * checked again. */

#include "worker/target/task-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ownership.h"

#define TEXT_SIZE 8192U
#define TEXT_SIZE_MAX (1U << 20) /* the status of a task with NGROUPS_MAX groups takes 720 KB */

typedef struct ProcfsTaskReader {
        TaskReader reader;
        char *text; /* of the file that was read last */
        size_t text_size;
        char user_namespace[64]; /* our own, as its link reads */
} ProcfsTaskReader;

int task_reader_read(TaskReader *reader, Target *target, unsigned sets, TaskFacts *facts) {
        unsigned missing = sets & ~facts->known;

        return missing == 0 ? 0 : reader->read(reader, target, missing, facts);
}

void task_reader_begin(TaskReader *reader, const Notification *notification) {
        if (reader->begin)
                reader->begin(reader, notification);
}

TaskReader *task_reader_free(TaskReader *reader) {
        if (reader)
                reader->free(reader);
        return NULL;
}

static int outcome_of(int error) {
        return target_error_means_gone(error) ? TARGET_GONE : -error;
}

/* Reads the whole file: the kernel writes the text of such a file anew for each reading at offset 0. */
static int read_text(ProcfsTaskReader *reader, int fd) {
        char *larger;
        ssize_t n;

        for (;;) {
                n = pread(fd, reader->text, reader->text_size - 1, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return outcome_of(errno);
                if (n == 0)
                        return TARGET_GONE;
                if ((size_t)n < reader->text_size - 1)
                        break;
                if (reader->text_size >= TEXT_SIZE_MAX)
                        return -EFBIG;
                /* Not realloc(): nothing of the old text is needed. */
                larger = malloc(4 * reader->text_size);
                if (!larger)
                        return -ENOMEM;
                free(reader->text);
                reader->text = larger;
                reader->text_size *= 4;
        }
        reader->text[n] = '\0';
        return 0;
}

static int read_file(ProcfsTaskReader *reader, Target *target, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        int r = target_open_file(target, name, &fd);

        return r != 0 ? r : read_text(reader, fd);
}

static int read_status(ProcfsTaskReader *reader, Target *target, TaskFacts *facts) {
        int fd, r = target_keep_file(target, TARGET_FILE_STATUS, &fd);

        if (r == 0)
                r = read_text(reader, fd);
        return r != 0 ? r : task_facts_parse_status(reader->text, facts);
}

/* The link reads "user:[INODE]", and the inode number of a namespace is its own for as long as the namespace
 * lives; ours lives.  A link that is kept open says at each reading what the task has then, and spares two
 * lookups; for a task that makes one call, opening it would be a system call more. */
static int read_user_namespace(ProcfsTaskReader *reader, Target *target, TaskFacts *facts) {
        char name[sizeof(reader->user_namespace)];
        ssize_t n = -1;
        int fd;

        if (target_is_familiar(target) && target_keep_file(target, TARGET_FILE_USER_NAMESPACE, &fd) == 0)
                n = readlinkat(fd, "", name, sizeof(name) - 1);
        if (n < 0) /* not kept, or EACCES: the kept link of a dead task says no more than that */
                n = readlinkat(target_dir_fd(target), "ns/user", name, sizeof(name) - 1);
        if (n < 0)
                return outcome_of(errno);
        name[n] = '\0';
        facts->in_our_user_namespace = strcmp(name, reader->user_namespace) == 0;
        return 0;
}

static int read_root(ProcfsTaskReader *reader, Target *target, TaskFacts *facts) {
        int r = directory_id_read(target_dir_fd(target), "root", 0, &facts->root);

        (void)reader;
        return r < 0 ? outcome_of(-r) : 0;
}

static int read_process_group(ProcfsTaskReader *reader, Target *target, TaskFacts *facts) {
        int r = read_file(reader, target, "stat");

        return r != 0 ? r : task_facts_parse_stat(reader->text, facts);
}

static int read_limits(ProcfsTaskReader *reader, Target *target, TaskFacts *facts) {
        int r = read_file(reader, target, "limits");

        return r != 0 ? r : task_facts_parse_limits(reader->text, facts);
}

static const struct {
        TaskFactSet set;
        int (*read)(ProcfsTaskReader *reader, Target *target, TaskFacts *facts);
} readings[] = {
        {TASK_STATUS, read_status},
        {TASK_USER_NAMESPACE, read_user_namespace},
        {TASK_ROOT, read_root},
        {TASK_PROCESS_GROUP, read_process_group},
        {TASK_LIMITS, read_limits},
};

static int read_sets(ProcfsTaskReader *reader, Target *target, unsigned sets, TaskFacts *facts) {
        for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
                int r = sets & readings[i].set ? readings[i].read(reader, target, facts) : 0;

                if (r != 0)
                        return r;
                facts->known |= sets & readings[i].set;
        }
        return 0;
}

static int procfs_read(TaskReader *base, Target *target, unsigned sets, TaskFacts *facts) {
        ProcfsTaskReader *reader = (ProcfsTaskReader *)base;
        bool first = facts->known == 0;
        int r = read_sets(reader, target, sets, facts);

        if (r != TARGET_GONE || !first)
                return r;
        /* The task whose files are kept is dead, and its number may be another task's by now. */
        task_facts_forget(facts, TASK_EVERYTHING);
        r = target_reopen(target);
        return r != 0 ? r : read_sets(reader, target, sets, facts);
}

static void procfs_free(TaskReader *base) {
        ProcfsTaskReader *reader = (ProcfsTaskReader *)base;

        free(reader->text);
        free(reader);
}

int procfs_task_reader_new(TaskReader **ret) {
        ProcfsTaskReader *reader;
        ssize_t n;

        reader = calloc(1, sizeof(*reader));
        if (!reader)
                return -ENOMEM;
        reader->reader = (TaskReader){.read = procfs_read, .free = procfs_free};
        reader->text_size = TEXT_SIZE;
        reader->text = malloc(reader->text_size);
        n = !reader->text ? -1
                          : readlinkat(AT_FDCWD, "/proc/self/ns/user", reader->user_namespace,
                                    sizeof(reader->user_namespace) - 1);
        if (n < 0) {
                int r = reader->text ? -errno : -ENOMEM;

                procfs_free(&reader->reader);
                return r;
        }
        *ret = &reader->reader;
        return 0;
}
