/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps facts, and takes the texts of /proc/TID apart.  Pure functions; run by the worker, by helpers and by
 * the handshake.  Must never believe that a line is there, or that its numbers fit. */

#include "worker/target/task-facts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

void task_facts_init(TaskFacts *facts) {
        facts->known = 0;
        credentials_init(&facts->credentials);
}

void task_facts_done(TaskFacts *facts) {
        credentials_done(&facts->credentials);
        facts->known = 0;
}

void task_facts_forget(TaskFacts *facts, unsigned sets) {
        facts->known &= ~sets;
}

bool task_facts_know(const TaskFacts *facts, unsigned sets) {
        return (facts->known & sets) == sets;
}

/* Finds key, "\nNAME:", at or after *text, which then is behind it and blanks.  The lines' order never
 * changes, and the kernel escapes newlines in the task's name. */
static bool status_seek(const char **text, const char *key) {
        const char *found = strstr(*text, key);

        if (!found)
                return false;
        found += strlen(key);
        *text = found + strspn(found, "\t ");
        return true;
}

static unsigned digit_of(char c) {
        if (c >= '0' && c <= '9')
                return (unsigned)(c - '0');
        return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : UINT_MAX;
}

/* By hand: strtoull(3) takes most of the time in which a status is read. */
static bool status_number(const char **text, unsigned base, uint64_t most, uint64_t *ret) {
        const char *at = *text;
        uint64_t number = 0;
        unsigned digit;

        for (; (digit = digit_of(*at)) < base; at++)
                if (__builtin_mul_overflow(number, base, &number) ||
                        __builtin_add_overflow(number, digit, &number))
                        return false;
        if (at == *text || number > most)
                return false;
        while (*at == '\t' || *at == ' ')
                at++;
        *text = at;
        *ret = number;
        return true;
}

/* The fourth number of "Uid:" and "Gid:" is the file system one. */
static bool status_ids(const char **text, const char *key, uint64_t ret[static 4]) {
        if (!status_seek(text, key))
                return false;
        for (int i = 0; i < 4; i++)
                if (!status_number(text, 10, UINT32_MAX, &ret[i]))
                        return false;
        return true;
}

/* Returns how many there are; 0 where something else is among them. */
static unsigned status_pids(const char **text, const char *key, pid_t ret[static TARGET_LEVELS]) {
        uint64_t number;
        unsigned n = 0;

        if (!status_seek(text, key))
                return 0;
        while (n < TARGET_LEVELS && status_number(text, 10, INT32_MAX, &number))
                ret[n++] = (pid_t)number;
        return **text == '\n' ? n : 0;
}

/* The kernel writes a newline as "\\n" and a backslash twice. */
static void status_name(const char *text, char ret[static LEDGER_COMM_SIZE]) {
        size_t n = 0;

        for (; *text != '\0' && *text != '\n' && n < LEDGER_COMM_SIZE - 1; text++) {
                if (text[0] == '\\' && (text[1] == 'n' || text[1] == '\\')) {
                        text++;
                        ret[n++] = *text == 'n' ? '\n' : '\\';
                } else
                        ret[n++] = *text;
        }
        ret[n] = '\0';
}

int task_facts_parse_status(const char *text, TaskFacts *facts) {
        uint64_t number, ids[4];
        int r;

        if (strncmp(text, "Name:\t", strlen("Name:\t")) != 0)
                return -EBADMSG;
        text += strlen("Name:\t");
        status_name(text, facts->comm);
        if (!status_seek(&text, "\nUmask:") || !status_number(&text, 8, 0777, &number))
                return -EBADMSG;
        facts->credentials.umask = (mode_t)number;
        if (!status_seek(&text, "\nTgid:") || !status_number(&text, 10, INT32_MAX, &number))
                return -EBADMSG;
        facts->tgid = (pid_t)number;
        if (!status_ids(&text, "\nUid:", ids))
                return -EBADMSG;
        for (int i = 0; i < 3; i++)
                facts->uids[i] = (uid_t)ids[i];
        facts->credentials.fsuid = (uid_t)ids[3];
        if (!status_ids(&text, "\nGid:", ids))
                return -EBADMSG;
        for (int i = 0; i < 3; i++)
                facts->gids[i] = (gid_t)ids[i];
        facts->credentials.fsgid = (gid_t)ids[3];
        if (!status_seek(&text, "\nGroups:"))
                return -EBADMSG;
        credentials_clear_groups(&facts->credentials);
        while (status_number(&text, 10, UINT32_MAX, &number)) {
                r = credentials_add_group(&facts->credentials, (gid_t)number);
                if (r < 0)
                        return r;
        }
        if (*text != '\n')
                return -EBADMSG;
        facts->n_levels = status_pids(&text, "\nNStgid:", facts->level_tgids);
        if (facts->n_levels == 0 || status_pids(&text, "\nNSpid:", facts->level_tids) != facts->n_levels)
                return -EBADMSG;
        if (!status_seek(&text, "\nCapEff:") || !status_number(&text, 16, UINT64_MAX, &number))
                return -EBADMSG;
        facts->credentials.capabilities = number;
        return 0;
}

int task_facts_parse_stat(const char *text, TaskFacts *facts) {
        /* The name before it may have any character. */
        const char *fields = strrchr(text, ')');

        return fields && sscanf(fields, ") %*c %*d %d", &facts->process_group) == 1 ? 0 : -EBADMSG;
}

/* From proc_pid_limits(5): "Max file locks", the soft limit, the hard one. */
int task_facts_parse_limits(const char *text, TaskFacts *facts) {
        static const char unlimited[] = "unlimited";
        uint64_t number;

        if (!status_seek(&text, "\nMax file locks"))
                return -EBADMSG;
        text += strspn(text, " ");
        text += strcspn(text, " \n");
        text += strspn(text, " ");
        if (strncmp(text, unlimited, strlen(unlimited)) == 0)
                number = RLIM_INFINITY;
        else if (!status_number(&text, 10, UINT64_MAX, &number))
                return -EBADMSG;
        facts->locks_limit = number;
        return 0;
}

bool task_facts_is_at_level(const char *text, const TaskFacts *facts, unsigned level) {
        pid_t numbers[TARGET_LEVELS];
        unsigned n = status_pids(&text, "\nNStgid:", numbers);

        return n == facts->n_levels - level &&
               memcmp(numbers, facts->level_tgids + level, n * sizeof(numbers[0])) == 0;
}
