/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* landlock DIR STEP COMMAND...: restricts itself with landlock(7) to make directories below DIR alone, takes
 * a step, and becomes COMMAND.  The steps:
 *
 *   plain         none
 *   fail          instead of restricting itself, fails to do so
 *   lower         lowers the limit that tells snotifyd of the restriction
 *   raise         raises it
 *   clone-parent  COMMAND is run by a sibling */

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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
        must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "set no_new_privs");
        return fd;
}

static void set_limit(rlim_t limit) {
        const struct rlimit limits = {limit, limit};

        must(setrlimit(RLIMIT_LOCKS, &limits) == 0, "set the limit");
}

int main(int argc, char **argv) {
        const char *step;
        int ruleset_fd;

        if (argc < 4)
                return 2;
        step = argv[2];
        ruleset_fd = make_ruleset(argv[1]);
        if (strcmp(step, "fail") == 0)
                must(syscall(SYS_landlock_restrict_self, STDOUT_FILENO, 0) < 0, "fail");
        else
                must(syscall(SYS_landlock_restrict_self, ruleset_fd, 0) == 0, "restrict myself");
        if (strcmp(step, "lower") == 0)
                set_limit(1000);
        if (strcmp(step, "raise") == 0)
                set_limit(RLIM_INFINITY);
        if (strcmp(step, "clone-parent") == 0 && syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) != 0)
                return 0;
        (void)execvp(argv[3], argv + 3);
        must(0, "execute the command");
        return 1;
}
