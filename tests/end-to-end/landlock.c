/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* landlock DIR STEP COMMAND...: restricts itself with landlock(7) so that it may create directories below
 * DIR alone, takes a step, and executes COMMAND.  The steps:
 *
 *   plain         none
 *   nothing       does not restrict itself: calls landlock_restrict_self(2) without a ruleset
 *   fail          does not restrict itself: landlock_restrict_self(2) fails
 *   lower         lowers the limit by which snotifyd recognizes restricted processes
 *   raise         raises that limit
 *   clone-parent  executes COMMAND in a child of its own parent
 *
 * Two steps are races, which one child after the other tries to win.  A child that is restricted without
 * having that limit executes COMMAND; if there is none, but many were restricted, the exit status is 3.
 *
 *   flip          another thread replaces the ruleset's descriptor by /dev/null and back all the time
 *   sync          another thread meanwhile sets no_new_privs, without which landlock_restrict_self(2) fails
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES 2000
#define ENOUGH 20

/* The exit status of a child that loses its race. */
enum { RESTRICTED = 10, NOT_RESTRICTED = 11 };

static void must(int good, const char *what) {
        if (good)
                return;
        (void)fprintf(stderr, "landlock: cannot %s: %s\n", what, strerror(errno));
        _exit(77);
}

static int make_ruleset(const char *dir) {
        const struct landlock_ruleset_attr handled = {.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_DIR};
        struct landlock_path_beneath_attr beneath = {.allowed_access = LANDLOCK_ACCESS_FS_MAKE_DIR};
        int fd = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);

        must(fd >= 0, "make a ruleset");
        beneath.parent_fd = open(dir, O_PATH | O_CLOEXEC);
        must(beneath.parent_fd >= 0, "open the directory");
        must(syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0, "add a rule");
        return fd;
}

static int set_limit(rlim_t limit) {
        const struct rlimit limits = {limit, limit};

        return setrlimit(RLIMIT_LOCKS, &limits) == 0 ? 0 : errno;
}

/* A command that the race is about has the descriptor. */
static atomic_int raced_fd;
static atomic_bool over;

static void *flip(void *unused) {
        int ruleset_fd = dup(raced_fd), null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        (void)unused;
        must(ruleset_fd >= 0 && null_fd >= 0, "open /dev/null");
        while (!atomic_load(&over)) {
                (void)dup2(null_fd, raced_fd);
                (void)dup2(ruleset_fd, raced_fd);
        }
        return NULL;
}

/* The kernel sets no_new_privs in all threads that get a filter so, where the one that installs it has it.
 */
static void *synchronise(void *unused) {
        struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        struct sock_fprog program = {1, &allow};

        (void)unused;
        for (unsigned n = (unsigned)getpid() % 100 * 300; n > 0; n--)
                __asm__ volatile("");
        must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "set no_new_privs");
        must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0,
                "install a filter in all threads");
        return NULL;
}

/* Without CAP_SYS_ADMIN landlock_restrict_self(2) needs no_new_privs. */
static void drop_capabilities(void) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[2] = {};

        must(syscall(SYS_capset, &header, none) == 0, "drop capabilities");
}

static bool has_capability(unsigned capability) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct has[2] = {};

        must(syscall(SYS_capget, &header, has) == 0, "read capabilities");
        return has[capability / 32].effective >> (capability % 32) & 1;
}

/* In a child.  Returns only if the child has won the race. */
static void run_race(void *(*competitor)(void *)) {
        struct rlimit limits;
        pthread_t thread;
        bool restricted;

        if (competitor == synchronise)
                drop_capabilities();
        else
                must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "set no_new_privs");
        must(pthread_create(&thread, NULL, competitor, NULL) == 0, "start a thread");
        restricted = syscall(SYS_landlock_restrict_self, raced_fd, 0) == 0;
        atomic_store(&over, true);
        (void)pthread_join(thread, NULL);
        if (!restricted)
                _exit(NOT_RESTRICTED);
        must(getrlimit(RLIMIT_LOCKS, &limits) == 0, "read the limit");
        if (limits.rlim_max != RLIM_INFINITY)
                _exit(RESTRICTED);
}

static void race(void *(*competitor)(void *), char **command) {
        int status, restricted = 0;

        for (int i = 0; i < TRIES; i++) {
                pid_t pid = fork();

                must(pid >= 0, "fork");
                if (pid == 0) {
                        run_race(competitor);
                        (void)execvp(command[0], command);
                        must(0, "execute the command");
                }
                must(waitpid(pid, &status, 0) == pid && WIFEXITED(status), "wait");
                if (WEXITSTATUS(status) != RESTRICTED && WEXITSTATUS(status) != NOT_RESTRICTED)
                        exit(WEXITSTATUS(status));
                restricted += WEXITSTATUS(status) == RESTRICTED;
        }
        (void)fprintf(stderr, "%d of %d restricted\n", restricted, TRIES);
        exit(restricted >= ENOUGH ? 3 : 77);
}

int main(int argc, char **argv) {
        const char *step;
        int ruleset_fd;

        if (argc < 4)
                return 2;
        step = argv[2];
        ruleset_fd = make_ruleset(argv[1]);
        raced_fd = ruleset_fd;
        if (strcmp(step, "flip") == 0 || strcmp(step, "sync") == 0)
                race(strcmp(step, "flip") == 0 ? flip : synchronise, argv + 3);
        must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "set no_new_privs");
        if (strcmp(step, "fail") == 0)
                must(syscall(SYS_landlock_restrict_self, STDOUT_FILENO, 0) < 0, "fail");
        else if (strcmp(step, "nothing") == 0)
                must(syscall(SYS_landlock_restrict_self, -1, 0) < 0, "fail");
        else
                must(syscall(SYS_landlock_restrict_self, ruleset_fd, 0) == 0, "restrict myself");
        if (strcmp(step, "lower") == 0)
                must(set_limit(1000) == (has_capability(CAP_SYS_RESOURCE) ? EPERM : 0), "set the limit");
        if (strcmp(step, "raise") == 0)
                must(set_limit(RLIM_INFINITY) == EPERM, "fail to raise the limit");
        if (strcmp(step, "clone-parent") == 0 && syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) != 0)
                return 0;
        (void)execvp(argv[3], argv + 3);
        must(0, "execute the command");
        return 1;
}
