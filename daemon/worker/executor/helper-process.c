/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Becomes the target, and acts as it.  Run by the helper.  Owns what it finds until the process ends.  Must
 * never have the listener, nor more of the ledger than the intent of its slot: its user is the target's. */

#include "worker/executor/helper-process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/message.h"
#include "common/sandbox.h"
#include "worker/executor/impersonation.h"
#include "worker/location/object.h"
#include "worker/location/resolve.h"
#include "worker/target/procfs.h"

/* Sets the effective and the permitted capabilities to bits (bit N for capability N).  The two sets are
 * equal, so that the process cannot regain a capability that it drops.  caps is working memory. */
static int set_capabilities(cap_t caps, uint64_t bits) {
        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++) {
                cap_flag_value_t value = bits >> cap & 1 ? CAP_SET : CAP_CLEAR;

                if (cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, value) < 0 ||
                        cap_set_flag(caps, CAP_PERMITTED, 1, &cap, value) < 0)
                        return -errno;
        }
        return cap_set_proc(caps) < 0 ? -errno : 0;
}

static uint64_t permitted_capabilities(cap_t caps) {
        cap_flag_value_t value;
        uint64_t bits = 0;

        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++)
                if (cap_get_flag(caps, cap, CAP_PERMITTED, &value) == 0 && value == CAP_SET)
                        bits |= UINT64_C(1) << cap;
        return bits;
}

/* Takes the uids and gids, and keeps this process's capabilities for the remaining steps: each change of a
 * uid away from 0 empties the effective set. */
static int become_user(const TaskFacts *facts, cap_t caps, uint64_t ours) {
        const Credentials *credentials = &facts->credentials;
        int r;

        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
                return -errno;
        r = set_capabilities(caps, ours);
        if (r < 0)
                return r;
        if (setgroups(credentials->n_groups, credentials->groups) < 0)
                return -errno;
        if (setresgid(facts->gids[0], facts->gids[1], facts->gids[2]) < 0)
                return -errno;
        (void)setfsgid(credentials->fsgid);
        if (setresuid(facts->uids[0], facts->uids[1], facts->uids[2]) < 0)
                return -errno;
        r = set_capabilities(caps, ours);
        if (r < 0)
                return r;
        (void)setfsuid(credentials->fsuid);
        if ((uid_t)setfsuid((uid_t)-1) != credentials->fsuid ||
                (gid_t)setfsgid((gid_t)-1) != credentials->fsgid)
                return -EPERM;
        return set_capabilities(caps, ours);
}

/* The order matters: the ids are those of the worker's user namespace, the capabilities those of the
 * target's, and entering the latter takes capabilities in the former. */
static int take_credentials(const HelperRequest *helper_request, cap_t caps) {
        const Credentials *credentials = &helper_request->request->facts.credentials;
        uint64_t ours = permitted_capabilities(caps), theirs = credentials->capabilities;
        int r;

        r = become_user(&helper_request->request->facts, caps, ours);
        if (r < 0)
                return r;
        /* Until now this process's capabilities kept tracers off.  If its uid does not change, it would stay
         * dumpable. */
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        if (helper_request->user_namespace_fd < 0)
                theirs &= ours; /* in the same namespace: no more than this process has */
        else if (setns(helper_request->user_namespace_fd, CLONE_NEWUSER) < 0)
                return -errno;
        if (fchdir(helper_request->root_fd) < 0 || chroot(".") < 0)
                return -errno;
        r = set_capabilities(caps, theirs);
        if (r < 0)
                return r;
        (void)umask(credentials->umask);
        /* These come last, because each change of credentials resets them.  The first keeps the target's
         * user from tracing the helper.  The second lets the kernel kill the helper when the worker dies. */
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return -errno;
        return 0;
}

static int become_target(const HelperRequest *helper_request) {
        cap_t caps = cap_get_proc();
        int r;

        if (!caps)
                return -errno;
        r = take_credentials(helper_request, caps);
        (void)cap_free(caps);
        return r;
}

static void run_command(const HelperCommand *command, const HelperRequest *helper_request,
        const int *parent_fds, Outcome *ret_outcome) {
        const Request *request = helper_request->request;
        OperationCall call = {
                .arguments = &command->arguments,
                .text = command->text,
                .intent = request->intent,
                .owner = request->facts.credentials.fsuid,
                .may_look = command->may_look,
        };

        for (unsigned i = 0; i < request_n_locations(request); i++) {
                call.at[i].parent_fd = parent_fds[i];
                call.at[i].name = request->locations[i].name;
        }
        switch (command->kind) {
        case HELPER_CHECK:
                request->operation->check(&call, ret_outcome);
                break;
        case HELPER_PERFORM:
                operation_note(request->operation, &call);
                operation_perform(request->operation, &call, ret_outcome);
                break;
        }
}

/* From here on the daemon finds this process by the worker's lock.  The daemon looks only after the worker
 * has ended.  If it looked before the helper had the lock, the helper sees here that it has a new parent. */
static int lock_for_worker(const HelperRequest *helper_request, pid_t worker_pid) {
        const WorkerLock *lock = &helper_request->impersonation->lock;
        int r = ledger_lock_worker(lock->fd, lock->number);

        return r < 0 ? r : getppid() == worker_pid ? 0 : -ESRCH;
}

static int find_parent(const HelperRequest *helper_request, unsigned i, HelperAnswer *answer) {
        const Request *request = helper_request->request;
        const Location *location = &request->locations[i];
        PathLookup lookup = {
                .target = request->target,
                .facts = &request->facts,
                .minds_autofs = host_mounts_have_automounter(helper_request->impersonation->host_mounts),
        };
        int r, error, fd = -EBADF;

        resolve_parent(location, helper_request->base_fds[i], &lookup, &fd, &error);
        answer->outcome = outcome_error(error);
        if (error != 0)
                return -EBADF;
        r = object_read(fd, &answer->parent);
        if (r < 0 && procfs_is_it(fd)) { /* the entry of a process that has died meanwhile */
                procfs_refuse(fd, location->name, &error);
                answer->outcome = outcome_error(error);
        } else if (r < 0)
                answer->failure = r;
        return fd;
}

static int become_and_enter_sandbox(const HelperRequest *helper_request, pid_t worker_pid) {
        int r = lock_for_worker(helper_request, worker_pid);

        if (r == 0)
                r = become_target(helper_request);
        return r == 0 ? sandbox_enter(helper_request->impersonation->helper_sandbox) : r;
}

/* Becomes the target, finds the parents and sends them to the worker.  Returns whether all were sent. */
static bool send_parents(
        const HelperRequest *helper_request, pid_t worker_pid, int socket_fd, int *ret_fds) {
        HelperAnswer answer = {.failure = become_and_enter_sandbox(helper_request, worker_pid)};

        for (unsigned i = 0; i < request_n_locations(helper_request->request); i++) {
                bool found;

                if (answer.failure == 0)
                        ret_fds[i] = find_parent(helper_request, i, &answer);
                found = answer.failure == 0 && answer.outcome.error == 0;
                if (message_send(socket_fd, &answer, sizeof(answer), found ? ret_fds[i] : -EBADF) < 0 ||
                        !found)
                        return false;
        }
        return true;
}

int helper_run(const HelperRequest *helper_request, pid_t worker_pid, int socket_fd) {
        int parent_fds[LOCATIONS_MAX] = {-EBADF, -EBADF};
        HelperAnswer answer = {};
        HelperCommand command;
        ssize_t n;

        if (!send_parents(helper_request, worker_pid, socket_fd, parent_fds))
                return EXIT_FAILURE;
        for (;;) {
                n = recv(socket_fd, &command, sizeof(command), 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n != sizeof(command))
                        return n == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
                run_command(&command, helper_request, parent_fds, &answer.outcome);
                if (message_send(socket_fd, &answer, sizeof(answer), -EBADF) < 0)
                        return EXIT_FAILURE;
        }
}
