/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads facts about a task by one program in the kernel.  Run by the worker.  Owns the reader
 * that it asks for what the program does not tell.  Must never take part of an answer that the program did
 * not give whole. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"
#include "reader/reader.h"
#include "worker/target/task-reader.h"

/* What the program tells, or part of it: TASK_ROOT, where it is the host's root directory. */
#define TOLD (TASK_STATUS | TASK_USER_NAMESPACE | TASK_ROOT)

static_assert(READER_COMM_SIZE == LEDGER_COMM_SIZE, "one name");
static_assert(READER_LEVELS_MAX <= TARGET_LEVELS, "a target has room for all numbers");

typedef struct BpfTaskReader {
        TaskReader reader;
        TaskReader *other;
        int program_fd;
        int root_fd;
        DirectoryId root;
        const Notification *notification; /* of the call; NULL: not begun */
        bool is_answered;                 /* the program has told of the call */
        ReaderRequest answer;
} BpfTaskReader;

static int fill_groups(Credentials *credentials, const ReaderRequest *answer) {
        int r = 0;

        credentials_clear_groups(credentials);
        for (uint32_t i = 0; r >= 0 && i < answer->n_groups && i < READER_GROUPS_MAX; i++)
                r = credentials_add_group(credentials, answer->groups[i]);
        return r;
}

static int fill_status(TaskFacts *facts, const ReaderRequest *answer) {
        for (unsigned i = 0; i < 3; i++) {
                facts->uids[i] = answer->uids[i];
                facts->gids[i] = answer->gids[i];
        }
        facts->credentials.fsuid = answer->uids[3];
        facts->credentials.fsgid = answer->gids[3];
        facts->credentials.umask = answer->umask;
        facts->credentials.capabilities = answer->capabilities;
        facts->tgid = (pid_t)answer->tgids[0];
        memcpy(facts->comm, answer->comm, sizeof(facts->comm) - 1);
        facts->comm[sizeof(facts->comm) - 1] = '\0';
        facts->n_levels = answer->n_levels < READER_LEVELS_MAX ? answer->n_levels : READER_LEVELS_MAX;
        for (unsigned i = 0; i < facts->n_levels; i++) {
                facts->level_tgids[i] = (pid_t)answer->tgids[i];
                facts->level_tids[i] = (pid_t)answer->tids[i];
        }
        return fill_groups(&facts->credentials, answer);
}

/* Whatever it is not sure of, it does not tell. */
static int ask(BpfTaskReader *reader, Target *target) {
        reader->answer = (ReaderRequest){
                .id = reader->notification->id,
                .listener_fd = reader->notification->listener_fd,
                .root_fd = reader->root_fd,
        };
        reader->is_answered = reader_ask(reader->program_fd, &reader->answer) == 0 &&
                              reader->answer.tids[0] == (uint32_t)target_tid(target);
        if (!reader->is_answered)
                return 0;
        return target_confirm(target, reader->answer.birth);
}

static int take_answer(const ReaderRequest *answer, const DirectoryId *root, TaskFacts *facts) {
        unsigned told = TOLD & ~facts->known;
        int r = told & TASK_STATUS ? fill_status(facts, answer) : 0;

        if (r < 0)
                return r;
        if (told & TASK_USER_NAMESPACE)
                facts->in_our_user_namespace = true; /* it tells of no other */
        if (answer->flags & READER_ROOT_IS_GIVEN) {
                if (told & TASK_ROOT)
                        facts->root = *root;
        } else
                told &= ~(unsigned)TASK_ROOT;
        facts->known |= told;
        return 0;
}

static int bpf_read(TaskReader *base, Target *target, unsigned sets, TaskFacts *facts) {
        BpfTaskReader *reader = (BpfTaskReader *)base;
        int r = 0;

        if (sets & TOLD && reader->notification)
                r = ask(reader, target);
        if (r == 0 && sets & TOLD && reader->is_answered)
                r = take_answer(&reader->answer, &reader->root, facts);
        return r != 0 ? r : task_reader_read(reader->other, target, sets, facts);
}

static void bpf_begin(TaskReader *base, const Notification *notification) {
        BpfTaskReader *reader = (BpfTaskReader *)base;

        reader->notification = notification;
        reader->is_answered = false;
        task_reader_begin(reader->other, notification);
}

static void bpf_free(TaskReader *base) {
        BpfTaskReader *reader = (BpfTaskReader *)base;

        task_reader_free(reader->other);
        free(reader);
}

int bpf_task_reader_new(int program_fd, int root_fd, TaskReader *other, TaskReader **ret) {
        BpfTaskReader *reader = calloc(1, sizeof(*reader));
        int r;

        if (!reader) {
                task_reader_free(other);
                return -ENOMEM;
        }
        reader->reader = (TaskReader){.begin = bpf_begin, .read = bpf_read, .free = bpf_free};
        reader->other = other;
        reader->program_fd = program_fd;
        reader->root_fd = root_fd;
        r = directory_id_of_fd(root_fd, &reader->root);
        if (r < 0) {
                bpf_free(&reader->reader);
                return r;
        }
        *ret = &reader->reader;
        return 0;
}
