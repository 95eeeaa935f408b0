/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sets up the guard.  Run by the daemon at its start, when there is nothing else to do yet.  Owns the child
 * for as long as it runs.  Must never let a fault of libbpf's become one of the daemon. */

#include "guard/set-up.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "common/child.h"
#include "common/ownership.h"
#include "guard/load.h"
#include "guard/pins.h"

/* A slow machine takes seconds to load the programs, because the kernel proves them first. */
#define PATIENCE_MSEC 60000

static void explain(GuardSetUp *set_up, const char *what, int error) {
        (void)snprintf(set_up->reason, sizeof(set_up->reason), "%s: %s", what, strerror(-error));
}

/* The child writes into *result until it has ended. */
static int run_child(GuardLoadResult *result) {
        pid_t pid = child_fork("snotifyd-guard", NULL, 0);
        int status = 0, r;

        if (pid == 0) {
                guard_load(result);
                _exit(EXIT_SUCCESS);
        }
        if (pid < 0)
                return (int)pid;
        r = child_wait(pid, PATIENCE_MSEC, &status);
        if (r == -ETIME) {
                (void)kill(pid, SIGKILL);
                (void)child_wait(pid, PATIENCE_MSEC, NULL);
        }
        return r < 0 ? r : status == 0 ? 0 : -ECHILD;
}

/* What this daemon takes over of their sessions is the guard's from now on. */
static void open_others(Guard *guard, int all_fd, const char *name) {
        char names[PINS_GUARDS_MAX][PINS_NAME_SIZE];
        int n = pins_list(all_fd, names);

        for (int i = 0; i < n; i++) {
                _cleanup_close_ int dir_fd = pins_open_dir(all_fd, names[i]);
                int fd = strcmp(names[i], name) == 0 || dir_fd < 0
                                 ? -EBADF
                                 : pins_get(dir_fd, pins[GUARD_FD_SESSION].name);

                if (fd >= 0)
                        (void)guard_take_from(guard, fd);
        }
}

static int open_guard(GuardSetUp *set_up, const char *name) {
        _cleanup_close_ int all_fd = pins_open_all();
        _cleanup_close_ int dir_fd = all_fd < 0 ? all_fd : pins_open_dir(all_fd, name);
        bool is_locked = dir_fd >= 0 && flock(dir_fd, LOCK_EX | LOCK_NB) == 0;
        int r = dir_fd < 0 ? dir_fd : pins_open_guard(dir_fd, is_locked, &set_up->guard);

        if (r < 0)
                return r;
        open_others(set_up->guard, all_fd, name);
        set_up->dir_fd = TAKE_FD(dir_fd);
        return 0;
}

static void take_result(GuardSetUp *set_up, const GuardLoadResult *result) {
        int r;

        set_up->n_sessions = result->n_sessions;
        set_up->n_foreign = result->n_foreign;
        if (result->name[0] == '\0') {
                memcpy(set_up->reason, result->reason, sizeof(set_up->reason));
                return;
        }
        r = open_guard(set_up, result->name);
        if (r < 0)
                explain(set_up, "it cannot be opened", r);
}

void guard_set_up(GuardSetUp *ret) {
        GuardLoadResult *result;
        int r;

        *ret = (GuardSetUp){.dir_fd = -EBADF};
        result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (result == MAP_FAILED) {
                explain(ret, "there is no memory to load it", -errno);
                return;
        }
        r = run_child(result);
        if (r < 0)
                explain(ret, "the process that loads it failed", r);
        else
                take_result(ret, result);
        (void)munmap(result, sizeof(*result));
}
