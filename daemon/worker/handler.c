/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One request from RECEIVED to its reply, in stages: read the target, pin the places, decide, carry it out.
 * Run by the worker.  Owns what is needed for that and kept between requests.  Must never become the
 * target's uid, and never act on what was read before the notification was seen to be still valid. */

#include "worker/handler.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"
#include "worker/stages.h"

/* So many helpers are tried for one request. */
#define HELPERS_MAX 3U

static int read_host_mounts(const TargetCache *targets, bool own, HostMounts **ret) {
        int fd, r = worker_proc_open_mounts(target_cache_proc(targets), own, &fd);

        return r < 0 ? r : host_mounts_new(fd, ret);
}

/* Process 1's list, unless the host's root directory is on a mount of the worker's own: see host_open(). */
static int find_host_mounts(const TargetCache *targets, int host_root_fd, HostMounts **ret) {
        HostMounts *own = NULL;
        DirectoryId root;
        int r;

        r = directory_id_of_fd(host_root_fd, &root);
        if (r < 0)
                return r;
        r = read_host_mounts(targets, false, ret);
        if (r >= 0 && host_mounts_find(*ret, root.mount_id))
                return 0;
        if (read_host_mounts(targets, true, &own) < 0)
                return r;
        if (r >= 0 && !host_mounts_find(own, root.mount_id)) {
                host_mounts_free(own);
                return 0;
        }
        if (r >= 0)
                host_mounts_free(*ret);
        *ret = own;
        return 0;
}

static int new_task_reader(const WorkerArguments *arguments, TaskReader **ret) {
        int r = procfs_task_reader_new(ret);

        if (r < 0 || arguments->reader_fd < 0)
                return r;
        return bpf_task_reader_new(arguments->reader_fd, arguments->host_root_fd, TAKE_PTR(*ret), ret);
}

int request_handler_new(const RequestContext *context, RequestHandler **ret) {
        RequestHandler *handler;
        int r;

        handler = calloc(1, sizeof(*handler));
        if (!handler)
                return -ENOMEM;
        handler->context = context;
        task_facts_init(&handler->request.facts);
        handler->request.notification.listener_fd = context->arguments->listener_fd;
        for (unsigned i = 0; i < LOCATIONS_MAX; i++)
                handler->request.locations[i].parent = (Parent){.fd = -EBADF};
        r = target_cache_new(&handler->targets);
        if (r >= 0)
                r = new_task_reader(context->arguments, &handler->request.task_reader);
        if (r >= 0)
                r = find_host_mounts(
                        handler->targets, context->arguments->host_root_fd, &handler->host_mounts);
        handler->impersonation = (Impersonation){
                .acts = context->arguments->executor->acts,
                .guard = context->arguments->guard,
                .host_mounts = handler->host_mounts,
                .ledger = ledger_header(context->ledger),
                .helper_sandbox = context->arguments->helper_sandbox,
                .lock = {context->lock_fd, context->arguments->number},
        };
        if (r >= 0)
                r = impersonation_init(&handler->impersonation, context->arguments->host_root_fd);
        if (r < 0) {
                request_handler_free(handler);
                return r;
        }
        handler->decider = (Decider){
                .profile = context->arguments->profile,
                .host_mounts = handler->host_mounts,
                .impersonation = &handler->impersonation,
                .request = &handler->request,
        };
        *ret = handler;
        return 0;
}

RequestHandler *request_handler_free(RequestHandler *handler) {
        if (!handler)
                return NULL;
        target_cache_free(handler->targets);
        task_reader_free(handler->request.task_reader);
        impersonation_done(&handler->impersonation);
        host_mounts_free(handler->host_mounts);
        task_facts_done(&handler->request.facts);
        free(handler);
        return NULL;
}

static int reply(RequestHandler *handler) {
        Request *request = &handler->request;
        Slot *slot = request->slot;

        slot->before = handler_ledger(handler)->totals[request->index];
        if (request->outcome.kind == OUTCOME_CONTINUE) {
                notify_continue(&slot->reply, request->notification.id);
                slot->error = request->outcome.error; /* what the worker expects */
        } else {
                notify_reply(&slot->reply, request->notification.id, request->outcome.value,
                        request->outcome.error);
                slot->error = -slot->reply.response.error; /* what the target really gets */
        }
        slot_set_phase(slot, SLOT_DONE);
        return REQUEST_DONE;
}

/* The way of a request, stage by stage: each says whether the next one follows. */
static int try_once(RequestHandler *handler) {
        Request *request = &handler->request;
        int r;

        request->presumes_host_root = false;
        r = stage_resume(handler);
        if (r == REQUEST_PROCEED)
                r = stage_read_caller(handler);
        if (r == REQUEST_PROCEED)
                r = stage_read_arguments(handler);
        if (r == REQUEST_PROCEED)
                r = stage_pin(handler);
        if ((r == REQUEST_PROCEED || r == REQUEST_DECIDED) && request_was_begun(request))
                r = stage_find_out(handler, r);
        if (r == REQUEST_PROCEED)
                r = stage_decide(handler);
        if (r == REQUEST_PROCEED)
                r = stage_carry_out(handler);
        if (r == REQUEST_DECIDED)
                r = handler_executor(handler)->conclude(&handler->impersonation, request);
        return r;
}

/* Of memory, file descriptors or processes; mkdir(2) has one word for them. */
static bool is_shortage(int r) {
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EAGAIN;
}

/* Whatever went wrong, it may be because the target died meanwhile; but only the kernel knows that it did,
 * and a target that is not dead must not be left waiting. */
static int explain(RequestHandler *handler, int r) {
        char why[64];

        if (r == -ENAMETOOLONG)
                return request_cannot(
                        &handler->request, ENAMETOOLONG, "the directory's path is too long to be judged");
        if (notification_is_gone(&handler->request.notification))
                return REQUEST_GONE;
        if (!task_facts_know(&handler->request.facts, TASK_STATUS))
                (void)request_read_facts(handler, TASK_STATUS);
        if (r == REQUEST_GONE)
                r = -ESRCH;
        if (!handler_executor(handler)->acts && r == -ENOTCONN)
                return request_cannot(
                        &handler->request, EIO, "the kernel's guard does not have its session any more");
        if (!handler_executor(handler)->acts && r == -ENOSPC)
                return request_cannot(&handler->request, ENOMEM,
                        "its session has as many permits of the kernel's guard as it may");
        if (r == -EPIPE)
                return request_cannot(&handler->request, EIO, "helpers died over it");
        if (r == -EDEADLK)
                return request_cannot(&handler->request, EDEADLK,
                        "it is the automounter of a directory on the way, and would wait for itself");
        (void)snprintf(why, sizeof(why), "snotifyd's worker failed: %s", strerrordesc_np(-r));
        return request_cannot(&handler->request, is_shortage(r) ? ENOMEM : EIO, why);
}

static int try_with_helpers(RequestHandler *handler) {
        for (unsigned helpers = 1;;) {
                int r = try_once(handler), ended;

                /* The target's user can kill the helper.  Another helper finds out how far that one came. */
                if (r != REQUEST_ANEW && (r != -EPIPE || helpers++ == HELPERS_MAX))
                        return r;
                ended = impersonation_end(&handler->impersonation, &handler->request);
                if (ended < 0)
                        return r < 0 ? r : ended;
        }
}

/* Is this a request that workers die of? */
static int give_up(RequestHandler *handler) {
        Request *request = &handler->request;
        const Slot *slot = request->slot;

        request_forget_decision(request);
        if (slot_phase(slot) != SLOT_ACTING)
                request_forget_arguments(request);
        if (slot->attempts == REQUEST_ATTEMPTS_MAX + 1) /* they may have died of reading the caller */
                (void)request_read_facts(handler, TASK_STATUS);
        return request_cannot(&handler->request, EIO, "three workers died over it");
}

static void take_up(RequestHandler *handler, uint32_t index) {
        Request *request = &handler->request;

        request->index = index;
        request->slot = ledger_slot(handler->context->ledger, index);
        request->intent = ledger_intent(handler->context->ledger, index);
        request->notification.id = request->slot->request.notif.id;
        request->call = call_find(&request->slot->request.notif.data);
        request->operation = request->call ? operation_of(request->call->kind) : NULL;
}

int request_handle(RequestHandler *handler, uint32_t index) {
        int r, ended;

        take_up(handler, index);
        if (handler->request.slot->attempts > REQUEST_ATTEMPTS_MAX)
                r = give_up(handler);
        else
                r = try_with_helpers(handler);
        if (r == REQUEST_GONE || (r < 0 && r != -ETIME))
                r = explain(handler, r);
        if (r == REQUEST_DONE)
                r = reply(handler);
        ended = impersonation_end(&handler->impersonation, &handler->request);
        return ended < 0 ? ended : r;
}
