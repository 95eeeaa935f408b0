/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds task_facts_parse_status() any text, and one that a kernel would write of any task.  Of the first it
 * gives the same account twice; of the second it says what was written. */

#include "fuzz.h"

#include <errno.h>

#include "common/ownership.h"
#include "worker/target/task-facts.h"

#define GROUPS_MAX 4U

typedef struct Task {
        char comm[LEDGER_COMM_SIZE];
        uint32_t umask, tgid, tids[TARGET_LEVELS], tgids[TARGET_LEVELS], ids[2][4], groups[GROUPS_MAX];
        uint64_t capabilities;
        unsigned n_levels, n_groups;
} Task;

static void status_done(TaskFacts *status) {
        credentials_done(&status->credentials);
}

static void check_any(const char *text) {
        _cleanup_(status_done) TaskFacts first = {}, second = {};
        int r;

        credentials_init(&first.credentials);
        credentials_init(&second.credentials);
        r = task_facts_parse_status(text, &first);
        HOLDS(r == 0 || r == -EBADMSG);
        HOLDS(task_facts_parse_status(text, &second) == r);
        (void)task_facts_is_at_level(text, &second, 0);
        if (r < 0)
                return;
        HOLDS(first.n_levels >= 1 && first.n_levels <= TARGET_LEVELS && first.n_levels == second.n_levels);
        HOLDS(strnlen(first.comm, sizeof(first.comm)) < sizeof(first.comm));
        HOLDS(first.credentials.fsuid == second.credentials.fsuid &&
                first.credentials.fsgid == second.credentials.fsgid);
        HOLDS(first.credentials.umask <= 0777 && first.credentials.n_groups == second.credentials.n_groups);
        HOLDS(first.tgid >= 0);
        for (unsigned level = 0; level < first.n_levels; level++)
                HOLDS(first.level_tgids[level] >= 0 && first.level_tids[level] >= 0);
}

static void take_task(Input *input, Task *ret) {
        *ret = (Task){};
        (void)input_take(input, ret->comm, sizeof(ret->comm) - 1);
        (void)input_take(input, ret->ids, sizeof(ret->ids));
        (void)input_take(input, &ret->capabilities, sizeof(ret->capabilities));
        ret->umask = input_number(input) & 0777;
        ret->tgid = input_number(input) & INT32_MAX;
        ret->n_groups = input_byte(input) % (GROUPS_MAX + 1);
        for (unsigned i = 0; i < ret->n_groups; i++)
                ret->groups[i] = input_number(input);
        ret->n_levels = 1 + input_byte(input) % TARGET_LEVELS;
        for (unsigned i = 0; i < ret->n_levels; i++) {
                ret->tgids[i] = input_number(input) & INT32_MAX;
                ret->tids[i] = input_number(input) & INT32_MAX;
        }
}

static void write_name(FILE *to, const char *comm) {
        for (; *comm != '\0'; comm++)
                if (*comm == '\n')
                        (void)fputs("\\n", to);
                else if (*comm == '\\')
                        (void)fputs("\\\\", to);
                else
                        (void)fputc(*comm, to);
}

static void write_numbers(FILE *to, const char *key, const uint32_t *numbers, unsigned n, char after) {
        (void)fprintf(to, "%s:\t", key);
        for (unsigned i = 0; i < n; i++)
                (void)fprintf(to, "%u%c", numbers[i], after);
        (void)fputc('\n', to);
}

/* As proc_pid_status() in the kernel's fs/proc/array.c does it. */
static char *write_status(const Task *task) {
        char *text = NULL;
        size_t size;
        FILE *to = open_memstream(&text, &size);

        HOLDS(to);
        (void)fputs("Name:\t", to);
        write_name(to, task->comm);
        (void)fprintf(
                to, "\nUmask:\t%04o\nState:\tS (sleeping)\nTgid:\t%u\nNgid:\t0\n", task->umask, task->tgid);
        write_numbers(to, "Uid", task->ids[0], 4, '\t');
        write_numbers(to, "Gid", task->ids[1], 4, '\t');
        (void)fputs("FDSize:\t64\n", to);
        write_numbers(to, "Groups", task->groups, task->n_groups, ' ');
        write_numbers(to, "NStgid", task->tgids, task->n_levels, '\t');
        write_numbers(to, "NSpid", task->tids, task->n_levels, '\t');
        (void)fprintf(to, "CapEff:\t%016llx\n", (unsigned long long)task->capabilities);
        HOLDS(fclose(to) == 0);
        return text;
}

static void check_task(const Task *task) {
        _cleanup_(status_done) TaskFacts status = {};
        _cleanup_free_ char *text = write_status(task);

        credentials_init(&status.credentials);
        HOLDS(task_facts_parse_status(text, &status) == 0);
        HOLDS(strcmp(status.comm, task->comm) == 0);
        HOLDS(status.credentials.umask == task->umask && (uint32_t)status.tgid == task->tgid);
        HOLDS(memcmp(status.uids, task->ids[0], sizeof(status.uids)) == 0);
        HOLDS(memcmp(status.gids, task->ids[1], sizeof(status.gids)) == 0);
        HOLDS(status.credentials.fsuid == task->ids[0][3] && status.credentials.fsgid == task->ids[1][3]);
        HOLDS(status.credentials.n_groups == task->n_groups);
        HOLDS(task->n_groups == 0 ||
                memcmp(status.credentials.groups, task->groups, task->n_groups * sizeof(gid_t)) == 0);
        HOLDS(status.n_levels == task->n_levels);
        HOLDS(memcmp(status.level_tgids, task->tgids, task->n_levels * sizeof(pid_t)) == 0);
        HOLDS(memcmp(status.level_tids, task->tids, task->n_levels * sizeof(pid_t)) == 0);
        HOLDS(status.credentials.capabilities == task->capabilities);
        HOLDS(task_facts_is_at_level(text, &status, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        Input input = {bytes, size}, copy = input;
        _cleanup_free_ char *text = input_string(&input, '\0');
        Task task;

        check_any(text);
        take_task(&copy, &task);
        check_task(&task);
        return 0;
}
