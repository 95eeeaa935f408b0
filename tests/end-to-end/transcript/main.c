/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the calls that must have the same results natively and supervised, in the working directory.
 *
 *      transcript prepare UID GID PLACES
 *      transcript run [DIRECTORY]
 *      transcript survey
 *      transcript clear
 *      transcript try
 *
 * "prepare" creates the tree, "run" makes the calls of the table and prints a line for each (its result, and
 * the type, mode, owner, group and ACLs of the new directory), "survey" prints what is in the tree, "clear"
 * removes it, and "try" only exits with 0.  $AS is the kind of process or thread that makes all the calls:
 * a name from the list below. */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "situations.h"
#include "tree.h"

/* The kind of process or thread that makes the calls: what the process, the thread, and the thread's leader
 * do first. */
typedef struct Way {
        const char *name;
        Preparation *process, *thread, *leader;
} Way;

static const Way ways[] = {
        {"process"},
        {"undumpable process", .process = be_undumpable},
        {"thread with a cwd and umask of its own", .thread = take_own_fs, .leader = go_elsewhere},
        {"thread with a fsuid of its own", .thread = take_fsuid, .leader = do_nothing},
        {"thread with ids of its own", .thread = take_groups, .leader = do_nothing},
        {"thread of a process with other ids", .thread = take_own_fs, .leader = take_uids},
};

void must(bool good, const char *what) {
        if (good)
                return;
        (void)printf("CANNOT %s: %s\n", what, strerrorname_np(errno));
        (void)fflush(stdout);
        _exit(1);
}

static bool in_child(bool (*attempt)(void)) {
        int status = 1;
        pid_t pid = fork();

        must(pid >= 0, "fork");
        if (pid == 0)
                _exit(!attempt());
        must(waitpid(pid, &status, 0) == pid, "wait");
        return status == 0;
}

static bool try_chroot(void) {
        return chroot(".") == 0;
}

static bool try_ids(void) {
        const gid_t group = GROUP;

        return syscall(SYS_setgroups, 1, &group) == 0 && syscall(SYS_setresuid, USER, USER, USER) == 0;
}

static unsigned what_we_can(void) {
        unsigned can = (in_child(try_chroot) ? NEEDS_CHROOT : 0) | (in_child(try_ids) ? NEEDS_IDS : 0) |
                       (access("/proc/self", F_OK) == 0 ? NEEDS_PROC : 0);

        (void)printf("%s change the root, %s change ids\n", can & NEEDS_CHROOT ? "can" : "can not",
                can & NEEDS_IDS ? "can" : "can not");
        (void)fflush(stdout);
        return can;
}

static void *prepared_thread(void *userdata) {
        const Case *this = userdata;

        this->thread();
        perform(this);
        return NULL;
}

/* In a new process, because a preparation cannot be undone. */
static void make_specially(const Case *this) {
        pthread_t id;
        pid_t pid = fork();

        must(pid >= 0, "fork");
        if (pid > 0) {
                must(waitpid(pid, NULL, 0) == pid, "wait");
                return;
        }
        if (this->process) {
                this->process();
                perform(this);
        } else {
                must(pthread_create(&id, NULL, prepared_thread, (void *)(uintptr_t)this) == 0,
                        "make a thread");
                must(pthread_join(id, NULL) == 0, "join");
        }
        _exit(0);
}

static void run(void) {
        unsigned can = what_we_can();

        for (size_t i = 0; i < table_size; i++) {
                const Case *this = &table[i];

                if (this->needs & ~can)
                        continue;
                if (this->process || this->thread)
                        make_specially(this);
                else
                        perform(this);
        }
}

static pthread_barrier_t barrier;

static void *run_in_thread(void *userdata) {
        const Way *way = userdata;

        way->thread();
        (void)pthread_barrier_wait(&barrier);
        (void)pthread_barrier_wait(&barrier);
        run();
        return NULL;
}

/* The thread makes its preparation first, then the leader its own. */
static void run_beside_leader(const Way *way) {
        pthread_t id;

        must(pthread_barrier_init(&barrier, NULL, 2) == 0, "make a barrier");
        must(pthread_create(&id, NULL, run_in_thread, (void *)(uintptr_t)way) == 0, "make a thread");
        (void)pthread_barrier_wait(&barrier);
        way->leader();
        (void)pthread_barrier_wait(&barrier);
        must(pthread_join(id, NULL) == 0, "join");
}

static int run_as(const char *name) {
        for (const Way *way = ways; way < ways + sizeof(ways) / sizeof(ways[0]); way++)
                if (strcmp(way->name, name) == 0) {
                        if (way->process)
                                way->process();
                        if (way->thread)
                                run_beside_leader(way);
                        else
                                run();
                        return 0;
                }
        (void)fprintf(stderr, "as what? %s\n", name);
        return 2;
}

int main(int argc, char **argv) {
        const char *verb = argc > 1 ? argv[1] : "", *as = getenv("AS");

        if (strcmp(verb, "run") == 0) {
                if (argc > 2 && chdir(argv[2]) < 0)
                        must(false, "go there");
                return run_as(as ? as : "process");
        }
        if (strcmp(verb, "prepare") == 0 && argc == 5)
                tree_prepare((uid_t)atoi(argv[2]), (gid_t)atoi(argv[3]), argv[4]);
        else if (strcmp(verb, "survey") == 0)
                tree_survey();
        else if (strcmp(verb, "try") == 0)
                return 0;
        else if (strcmp(verb, "clear") == 0)
                tree_clear();
        else
                return 2;
        return 0;
}
