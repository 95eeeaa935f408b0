/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts a helper and sends it commands.  Run by the worker.  A Helper owns the process and the socket to
 * it.  The listener must never get into a process with the target's uid. */

#include "worker/executor/helper.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/child.h"
#include "common/message.h"
#include "common/notify.h"
#include "common/ownership.h"
#include "worker/executor/helper-process.h"
#include "worker/executor/impersonation.h"

/* How often a waiting worker checks that the target still waits for its call. */
#define PATIENCE_MSEC 1000

struct Helper {
        pid_t pid; /* 0: there is no process */
        int socket_fd;
        Notification notification;
        struct {
                int fd;
                LedgerObject object;
        } parents[LOCATIONS_MAX]; /* owned until helper_take_parent() */
};

/* Waits for an answer, for as long as the target waits for its call.  Only the target's user can stop a
 * helper, and then that user's call waits; but a target that was killed must not keep the worker waiting. */
static int wait_answer(const Helper *helper) {
        struct pollfd fd = {.fd = helper->socket_fd, .events = POLLIN};
        int r;

        for (;;) {
                r = poll(&fd, 1, PATIENCE_MSEC);
                if (r > 0)
                        return 0;
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (notification_is_gone(&helper->notification))
                        return -ESRCH;
        }
}

/* Receives an answer, and an fd with it.  The kernel has closed the socket of a dead helper. */
static int receive_answer(const Helper *helper, HelperAnswer *ret, int *ret_fd) {
        ssize_t n;
        int r;

        r = wait_answer(helper);
        if (r < 0)
                return r;
        n = message_receive(helper->socket_fd, ret, sizeof(*ret), ret_fd);
        if (n < 0)
                return (int)n;
        return n != sizeof(*ret) ? -EPIPE : ret->failure;
}

static int start_process(const HelperRequest *helper_request, Helper *helper) {
        Intent *intent = helper_request->request->intent;
        _cleanup_close_ int child_end = -EBADF;
        pid_t worker_pid = getpid();
        int ends[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        helper->socket_fd = ends[0];
        child_end = ends[1];
        r = intent_lend(intent, true);
        if (r < 0)
                return r;
        helper->pid = child_fork("snotifyd-helper",
                (const int[]){child_end, helper_request->user_namespace_fd, helper_request->root_fd,
                        helper_request->base_fds[0], helper_request->base_fds[1],
                        helper_request->impersonation->lock.fd},
                6);
        if (helper->pid == 0)
                _exit(helper_run(helper_request, worker_pid, child_end));
        /* If this fails, the next helper inherits this page, too, but nothing else. */
        (void)intent_lend(intent, false);
        if (helper->pid > 0)
                return 0;
        r = (int)helper->pid;
        helper->pid = 0;
        return r;
}

static int receive_parents(const HelperRequest *helper_request, Helper *helper, int *ret_error) {
        HelperAnswer answer;
        int r = 0;

        for (unsigned i = 0; i < request_n_locations(helper_request->request); i++) {
                r = receive_answer(helper, &answer, &helper->parents[i].fd);
                *ret_error = r < 0 ? 0 : answer.outcome.error;
                if (r < 0 || *ret_error != 0)
                        break;
                if (helper->parents[i].fd < 0)
                        return -EPIPE;
                helper->parents[i].object = answer.parent;
        }
        return r;
}

int helper_new(const HelperRequest *helper_request, Helper **ret, int *ret_error) {
        Helper *helper;
        int r;

        helper = calloc(1, sizeof(*helper));
        if (!helper)
                return -ENOMEM;
        *helper = (Helper){
                .socket_fd = -EBADF,
                .notification = helper_request->request->notification,
                .parents = {{.fd = -EBADF}, {.fd = -EBADF}},
        };
        r = start_process(helper_request, helper);
        if (r >= 0)
                r = receive_parents(helper_request, helper, ret_error);
        if (r < 0)
                return helper_dismiss(helper) == -ETIME ? -ETIME : r;
        *ret = helper;
        return 0;
}

void helper_take_parent(Helper *helper, unsigned location, LedgerObject *ret_object, int *ret_fd) {
        *ret_object = helper->parents[location].object;
        *ret_fd = TAKE_FD(helper->parents[location].fd);
}

/* The helper exits when the worker closes its end of the socket, which takes no time. */
int helper_dismiss(Helper *helper) {
        int r;

        if (!helper)
                return 0;
        fd_close(helper->socket_fd);
        for (unsigned i = 0; i < LOCATIONS_MAX; i++)
                fd_close(helper->parents[i].fd);
        r = helper->pid > 0 ? child_wait(helper->pid, PATIENCE_MSEC, NULL) : 0;
        free(helper);
        return r;
}

void helper_request_done(HelperRequest *helper_request) {
        fd_close(helper_request->user_namespace_fd);
        fd_close(helper_request->root_fd);
        for (unsigned i = 0; i < LOCATIONS_MAX; i++)
                fd_close(helper_request->base_fds[i]);
}

static int send_command(Helper *helper, HelperCommandKind kind, const OperationCall *call, Outcome *ret) {
        HelperCommand command = {.kind = kind, .may_look = call->may_look, .arguments = *call->arguments};
        HelperAnswer answer;
        int r;

        if (call->text)
                (void)strncpy(command.text, call->text, sizeof(command.text) - 1);
        r = message_send(helper->socket_fd, &command, sizeof(command), -EBADF);
        if (r >= 0)
                r = receive_answer(helper, &answer, NULL);
        if (r < 0)
                return r;
        /* An error or a value: no helper, which has the target's uid, lets the kernel continue the call. */
        *ret = answer.outcome;
        ret->kind = OUTCOME_RESULT;
        return 0;
}

int helper_check(Helper *helper, const OperationCall *call, Outcome *ret) {
        return send_command(helper, HELPER_CHECK, call, ret);
}

int helper_perform(Helper *helper, const OperationCall *call, Outcome *ret) {
        return send_command(helper, HELPER_PERFORM, call, ret);
}
