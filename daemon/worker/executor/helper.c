/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts and directs a helper.  The upper half is run by the helper, the lower by the worker.  A Helper owns
 * the process and the socket to it.  Must never let the listener or the ledger through to a process that has
 * the target's uid, but for the page of its intent. */

#include "worker/executor/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/child.h"
#include "common/message.h"
#include "common/notify.h"
#include "common/ownership.h"
#include "worker/location/object.h"

/* How often the worker looks whether what it waits for still matters. */
#define PATIENCE_MSEC 1000

typedef enum HelperCommand {
        HELPER_LOOK,
        HELPER_PERFORM,
} HelperCommand;

typedef struct HelperCommands {
        HelperCommand command;
        OperationKind act;
        uint32_t mode;
        bool may_look;
} HelperCommands;

typedef struct Outcome {
        int error; /* a positive errno, or a negative one where it could not become the target */
        LedgerObject parent;
} Outcome;

struct Helper {
        pid_t pid; /* 0: none */
        int socket_fd;
        int listener_fd;
        uint64_t id;
};

/* In the helper. */

/* caps is what it works on; a permitted set no larger than the effective one can't be raised again. */
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

/* Takes the uids and gids, and keeps our capabilities for what is still to be done: each change of a uid
 * away from 0 empties the effective set. */
static int become_ids(const TaskFacts *facts, cap_t caps, uint64_t ours) {
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

/* The order matters: the ids are those of our user namespace, the capabilities those of the target's, and
 * entering that needs ours. */
static int become(const HelperRequest *orders, cap_t caps) {
        const Credentials *credentials = &orders->facts->credentials;
        uint64_t ours = permitted_capabilities(caps), theirs = credentials->capabilities;
        int r;

        r = become_ids(orders->facts, caps, ours);
        if (r < 0)
                return r;
        /* Until now our capabilities kept tracers off.  A uid that was ours already leaves us dumpable. */
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        if (orders->user_namespace_fd < 0)
                theirs &= ours; /* of one namespace: no more than we have */
        else if (setns(orders->user_namespace_fd, CLONE_NEWUSER) < 0)
                return -errno;
        if (fchdir(orders->root_fd) < 0 || chroot(".") < 0)
                return -errno;
        r = set_capabilities(caps, theirs);
        if (r < 0)
                return r;
        (void)umask(credentials->umask);
        /* Last, for each change of credentials undoes them: its user cannot trace it, and it does not
         * outlive the worker. */
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return -errno;
        return 0;
}

static int become_target(const HelperRequest *orders) {
        cap_t caps = cap_get_proc();
        int r;

        if (!caps)
                return -errno;
        r = become(orders, caps);
        (void)cap_free(caps);
        return r;
}

static void run_command(
        const HelperCommands *commands, const HelperRequest *orders, int parent_fd, Outcome *outcome) {
        const char *name = orders->resolved->name;

        switch (commands->command) {
        case HELPER_LOOK:
                outcome->error = act_look(parent_fd, name);
                break;
        case HELPER_PERFORM:
                act_prepare(parent_fd, name, orders->facts->credentials.fsuid, commands->may_look,
                        orders->intent);
                outcome->error = act_perform(commands->act, parent_fd, name, commands->mode, orders->intent);
                break;
        }
}

/* Whoever looks for us finds us from here on; and who looked before has seen the worker's end, as we do. */
static int sign_on(const HelperRequest *orders, pid_t worker_pid) {
        int r = ledger_lock_worker(orders->lock_fd, orders->number);

        return r < 0 ? r : getppid() == worker_pid ? 0 : -ESRCH;
}

static int find_parent(const HelperRequest *orders, LedgerObject *ret_object, int *ret_fd) {
        int r, error = resolve_parent(orders->resolved, orders->base_fd, orders->reader, ret_fd);

        if (error != 0)
                return error;
        r = object_read(*ret_fd, ret_object);
        if (r < 0 && procfs_is_it(*ret_fd)) /* of a process that is dead by now */
                return procfs_refuse(*ret_fd, orders->resolved->name ? orders->resolved->name : ".");
        return r;
}

static int helper_run(const HelperRequest *orders, pid_t worker_pid, int socket_fd) {
        int parent_fd = -EBADF;
        Outcome outcome = {};
        HelperCommands commands;
        ssize_t n;

        outcome.error = sign_on(orders, worker_pid);
        if (outcome.error == 0)
                outcome.error = become_target(orders);
        if (outcome.error == 0)
                outcome.error = sandbox_enter(orders->sandbox);
        if (outcome.error == 0)
                outcome.error = find_parent(orders, &outcome.parent, &parent_fd);
        if (message_send(socket_fd, &outcome, sizeof(outcome), outcome.error == 0 ? parent_fd : -EBADF) < 0)
                return EXIT_FAILURE;

        for (;;) {
                n = recv(socket_fd, &commands, sizeof(commands), 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n != sizeof(commands))
                        return n == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
                run_command(&commands, orders, parent_fd, &outcome);
                if (message_send(socket_fd, &outcome, sizeof(outcome), -EBADF) < 0)
                        return EXIT_FAILURE;
        }
}

/* In the worker. */

/* Waits for an outcome, for as long as somebody waits for the call.  Whoever can stop a helper is the
 * target's user, and has to live with it; but a target that was killed must not leave us here. */
static int wait_outcome(const Helper *helper) {
        struct pollfd fd = {.fd = helper->socket_fd, .events = POLLIN};
        int r;

        for (;;) {
                r = poll(&fd, 1, PATIENCE_MSEC);
                if (r > 0)
                        return 0;
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (notify_check_id(helper->listener_fd, helper->id) == NOTIFY_GONE)
                        return -ESRCH;
        }
}

/* Receives an outcome, and an fd with it.  A helper that died has closed the socket. */
static int receive_outcome(const Helper *helper, Outcome *ret, int *ret_fd) {
        ssize_t n;
        int r;

        r = wait_outcome(helper);
        if (r < 0)
                return r;
        n = message_receive(helper->socket_fd, ret, sizeof(*ret), ret_fd);
        if (n < 0)
                return (int)n;
        return n == sizeof(*ret) ? 0 : -EPIPE;
}

static int start_process(const HelperRequest *orders, Helper *helper) {
        _cleanup_close_ int child_end = -EBADF;
        pid_t worker_pid = getpid();
        int ends[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        helper->socket_fd = ends[0];
        child_end = ends[1];
        r = intent_lend(orders->intent, true);
        if (r < 0)
                return r;
        helper->pid = child_fork("snotifyd-helper",
                (const int[]){child_end, orders->user_namespace_fd, orders->root_fd, orders->base_fd,
                        orders->lock_fd},
                5);
        if (helper->pid == 0)
                _exit(helper_run(orders, worker_pid, child_end));
        (void)intent_lend(orders->intent, false); /* the next one would have it too, and nothing else */
        if (helper->pid > 0)
                return 0;
        r = (int)helper->pid;
        helper->pid = 0;
        return r;
}

int helper_new(const HelperRequest *orders, Helper **ret, LedgerObject *ret_object, int *ret_parent_fd,
        int *ret_error) {
        _cleanup_close_ int parent_fd = -EBADF;
        Outcome outcome;
        Helper *helper;
        int r;

        helper = calloc(1, sizeof(*helper));
        if (!helper)
                return -ENOMEM;
        *helper = (Helper){
                .socket_fd = -EBADF,
                .listener_fd = orders->listener_fd,
                .id = orders->id,
        };
        r = start_process(orders, helper);
        if (r >= 0)
                r = receive_outcome(helper, &outcome, &parent_fd);
        if (r >= 0 && outcome.error < 0)
                r = outcome.error;
        if (r >= 0 && outcome.error == 0 && parent_fd < 0)
                r = -EPIPE;
        if (r < 0)
                return helper_dismiss(helper) == -ETIME ? -ETIME : r;
        *ret_object = outcome.parent;
        *ret_error = outcome.error;
        *ret_parent_fd = TAKE_FD(parent_fd);
        *ret = helper;
        return 0;
}

/* It leaves when the worker's end of the socket is closed, which takes no time. */
int helper_dismiss(Helper *helper) {
        int r;

        if (!helper)
                return 0;
        fd_close(helper->socket_fd);
        r = helper->pid > 0 ? child_wait(helper->pid, PATIENCE_MSEC, NULL) : 0;
        free(helper);
        return r;
}

static int send_command(Helper *helper, const HelperCommands *commands, Outcome *ret) {
        int r;

        r = message_send(helper->socket_fd, commands, sizeof(*commands), -EBADF);
        return r < 0 ? r : receive_outcome(helper, ret, NULL);
}

int helper_look(Helper *helper, int *ret_error) {
        Outcome outcome;
        int r = send_command(helper, &(const HelperCommands){.command = HELPER_LOOK}, &outcome);

        if (r < 0)
                return r;
        *ret_error = outcome.error;
        return 0;
}

int helper_perform(Helper *helper, OperationKind act, uint32_t mode, bool may_look, int *ret_error) {
        const HelperCommands commands = {
                .command = HELPER_PERFORM, .act = act, .mode = mode, .may_look = may_look};
        Outcome outcome;
        int r = send_command(helper, &commands, &outcome);

        if (r < 0)
                return r;
        *ret_error = outcome.error;
        return 0;
}
