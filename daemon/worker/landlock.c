/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Marks processes that restrict themselves with landlock(7).  Run by the worker, with its own credentials.
 * Owns nothing.  Must never take a mark away. */

#include "worker/landlock.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/ledger.h"
#include "common/ownership.h"

/* Just below the limit that every process starts with. */
#define MARK (RLIM_INFINITY - 1)

/* How long the worker waits for the process that sets a mark. */
#define PATIENCE_MSEC 1000

/* The limit is that of the whole process.  The kernel compares the ids of this thread with those of the
 * caller. */
static int set_mark(pid_t tid) {
        static const struct rlimit mark = {MARK, MARK};

        return prlimit(tid, RLIMIT_LOCKS, &mark, NULL) < 0 ? -errno : 0;
}

static int raise_for_ids(void) {
        static const cap_value_t needed[] = {CAP_SETUID, CAP_SETGID};
        cap_t caps = cap_get_proc();
        int r;

        if (!caps)
                return -errno;
        r = cap_set_flag(caps, CAP_EFFECTIVE, 2, needed, CAP_SET) < 0 || cap_set_proc(caps) < 0 ? -errno : 0;
        (void)cap_free(caps);
        return r;
}

static int be_user_and_mark(pid_t tid, const TaskFacts *facts, const WorkerLock *lock, pid_t worker_pid) {
        int r = ledger_lock_worker(lock->fd, lock->number);

        if (r >= 0)
                r = getppid() == worker_pid ? raise_for_ids() : -ESRCH;
        if (r < 0)
                return r;
        if (setgroups(0, NULL) < 0 || setresgid(facts->gids[1], facts->gids[1], facts->gids[1]) < 0 ||
                setresuid(facts->uids[1], facts->uids[1], facts->uids[1]) < 0 ||
                prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return -errno;
        return set_mark(tid);
}

/* prlimit(2) names a process by its number.  The target may be killed at this moment, and another process
 * get its number.  Therefore a child that has become the target's user sets the mark: it can mark no process
 * that this user could not have marked itself.  A user that stops this child cannot keep it past the
 * worker's end: the daemon finds it by the lock that it takes first. */
static int set_mark_as_user(pid_t tid, const TaskFacts *facts, const WorkerLock *lock) {
        pid_t worker_pid = getpid(), pid = child_fork("snotifyd-helper", &lock->fd, 1);
        int exit_status, r;

        if (pid < 0)
                return (int)pid;
        if (pid == 0)
                _exit(-be_user_and_mark(tid, facts, lock, worker_pid));
        /* Its user can stop the child, which must not keep the worker waiting. */
        r = child_wait(pid, PATIENCE_MSEC, &exit_status);
        if (r < 0)
                return r;
        return WIFEXITED(exit_status) ? -WEXITSTATUS(exit_status) : -EPIPE;
}

bool landlock_is_marked(const TaskFacts *facts) {
        return facts->locks_limit != RLIM_INFINITY;
}

static int set_mark_as_root(CredentialsOverride *override, pid_t tid) {
        int r = credentials_revert_with(override, CAP_SYS_RESOURCE), done;

        if (r < 0)
                return r;
        done = set_mark(tid);
        r = credentials_revert(override);
        return done < 0 ? done : r;
}

static int try_to_mark(TaskReader *reader, Target *target, TaskFacts *facts, CredentialsOverride *override,
        const WorkerLock *lock) {
        int read, r = set_mark_as_user(target_tid(target), facts, lock);

        if (r != -EPERM)
                return r == -ESRCH ? TARGET_GONE : r;
        /* The three uids or gids of a set-id program differ, and marking it takes CAP_SYS_RESOURCE.  In the
         * worker's user namespace such a program runs only in a session without no_new_privs, which root
         * started. */
        read = task_reader_read(reader, target, TASK_USER_NAMESPACE, facts);
        if (read != 0 || !facts->in_our_user_namespace)
                return read > 0 ? read : r;
        return set_mark_as_root(override, target_tid(target));
}

int landlock_mark(TaskReader *reader, Target *target, TaskFacts *facts, CredentialsOverride *override,
        const WorkerLock *lock) {
        int r = task_reader_read(reader, target, TASK_LIMITS, facts);

        if (r != 0 || landlock_is_marked(facts))
                return r;
        r = try_to_mark(reader, target, facts, override, lock);
        if (r != 0)
                return r;
        /* The open directory /proc/TID stays that of the target, whichever task has the number by now. */
        task_facts_forget(facts, TASK_LIMITS);
        r = task_reader_read(reader, target, TASK_LIMITS, facts);
        return r != 0 ? r : landlock_is_marked(facts) ? 0 : TARGET_GONE;
}

int landlock_admits_limit(TaskReader *reader, Target *target, TaskFacts *facts, bool own, bool *ret) {
        bool has_capability = facts->credentials.capabilities >> CAP_SYS_RESOURCE & 1;
        int r;

        /* The kernel asks for the capability in the first user namespace (do_prlimit()).  Where the worker
         * is in another one, it sees no task that has the capability there, and the answer is stricter than
         * need be for those in its own. */
        r = has_capability ? task_reader_read(reader, target, TASK_USER_NAMESPACE, facts) : 0;
        if (r != 0)
                return r;
        *ret = !has_capability || !facts->in_our_user_namespace;
        if (*ret || !own)
                return 0;
        r = task_reader_read(reader, target, TASK_LIMITS, facts);
        if (r == 0)
                *ret = !landlock_is_marked(facts);
        return r;
}
