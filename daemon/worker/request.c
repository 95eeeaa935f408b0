/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One request from RECEIVED to its reply: read the target, resolve, judge, act.  Run by the worker.  Owns
 * what is needed for that and kept between requests.  Must never become the target's uid, and never act on
 * what was read before the notification was seen to be still valid. */

#include "worker/request.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/calls.h"
#include "common/clock.h"
#include "common/notify.h"
#include "common/ownership.h"
#include "worker/decision.h"
#include "worker/executor/executor.h"
#include "worker/landlock.h"
#include "worker/location/object.h"
#include "worker/location/place.h"
#include "worker/location/resolve.h"
#include "worker/target/credentials.h"
#include "worker/target/memory.h"
#include "worker/target/target.h"

/* So many helpers are tried for one request. */
#define HELPERS_MAX 3U

/* How often a delayed call is looked after. */
#define NAP_USEC 1000000U

struct RequestHandler {
        const RequestContext *host;
        TargetCache *targets;
        HostMounts *host_mounts;
        Executor *executor;

        /* Of the request in hand. */
        uint32_t index;
        Slot *slot;
        Target *target;
        TaskFacts facts;
        Resolved resolved;
        ExecutorPart part;
        Parent parent;
        LedgerObject noted; /* the parent of the last call that was performed */
        Site site;
        bool landlocked; /* the target is bound by rules that we don't know */
};

static int read_host_mounts(const TargetCache *targets, bool own, HostMounts **ret) {
        int fd, r = target_open_host_mounts(targets, own, &fd);

        return r < 0 ? r : host_mounts_new(fd, ret);
}

/* Process 1's list, unless the host's root directory is on a mount of the worker's own: see host_open(). */
static int find_host_mounts(const TargetCache *targets, int host_root_fd, HostMounts **ret) {
        HostMounts *own = NULL;
        TargetRoot root;
        int r;

        r = target_root_of_fd(host_root_fd, &root);
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

int request_handler_new(const RequestContext *host, RequestHandler **ret) {
        RequestHandler *handler;
        int r;

        handler = calloc(1, sizeof(*handler));
        if (!handler)
                return -ENOMEM;
        handler->host = host;
        credentials_init(&handler->facts.credentials);
        r = target_cache_new(&handler->targets);
        if (r >= 0)
                r = find_host_mounts(handler->targets, host->host_root_fd, &handler->host_mounts);
        if (r >= 0)
                r = executor_new(
                        host->host_root_fd, handler->host_mounts, host->helper_sandbox, &handler->executor);
        if (r < 0) {
                request_handler_free(handler);
                return r;
        }
        handler->parent = (Parent){.fd = -EBADF};
        handler->site = (Site){
                .profile = host->profile,
                .host_mounts = handler->host_mounts,
                .override = executor_override(handler->executor),
                .rootdir = executor_rootdir(handler->executor),
                .parent = &handler->parent,
        };
        *ret = handler;
        return 0;
}

RequestHandler *request_handler_free(RequestHandler *handler) {
        if (!handler)
                return NULL;
        target_cache_free(handler->targets);
        executor_free(handler->executor);
        host_mounts_free(handler->host_mounts);
        credentials_done(&handler->facts.credentials);
        free(handler);
        return NULL;
}

static LedgerHeader *header(const RequestHandler *handler) {
        return ledger_header(handler->host->ledger);
}

static int answer(RequestHandler *handler, SlotVerdict verdict, int error) {
        Slot *slot = handler->slot;

        slot->verdict = verdict;
        slot->before = header(handler)->totals[handler->index];
        notify_reply(&slot->reply, slot->request.notif.id, 0, error);
        slot->error = -slot->reply.response.error; /* what the target really gets */
        return REQUEST_ANSWERED;
}

static int answer_trouble(RequestHandler *handler, int error, const char *why) {
        (void)snprintf(handler->slot->why, sizeof(handler->slot->why), "%s", why);
        return answer(handler, SLOT_TROUBLE, error);
}

static bool is_gone(const RequestHandler *handler) {
        return notify_check_id(handler->host->listener_fd, handler->slot->request.notif.id) == NOTIFY_GONE;
}

/* Reads the path into the slot, where a successor finds it: what the target's other threads write there from
 * now on doesn't matter any more.  Returns 0, -errno, TARGET_GONE, or with *ret_error set, 0. */
static int read_argument(RequestHandler *handler, const Arguments *arguments, int *ret_error) {
        Slot *slot = handler->slot;
        size_t length = 0;
        int r;

        r = memory_read_string(handler->target, arguments->paths[0], slot->locations[0].argument, &length);
        slot->locations[0].argument_length = (uint32_t)length;
        switch (r) {
        case 0:
                if (length == 0)
                        *ret_error = ENOENT;
                return 0;
        case TARGET_FAULT:
                slot->locations[0].argument[0] = '\0';
                *ret_error = EFAULT;
                return 0;
        case TARGET_TOO_LONG:
                slot->locations[0].argument[LEDGER_ARGUMENT_SIZE - 1] = '\0';
                slot->locations[0].argument_length = LEDGER_ARGUMENT_SIZE - 1;
                *ret_error = ENAMETOOLONG;
                return 0;
        default:
                return r;
        }
}

static void forget_decision(Slot *slot) {
        slot->verdict = SLOT_TROUBLE;
        slot->error = 0;
        slot->pid = slot->request.notif.pid;
        slot->uid = 0;
        slot->arguments.mode = 0;
        slot->comm[0] = slot->rule[0] = slot->why[0] = slot->locations[0].path[0] = '\0';
        slot->locations[0].path_length = 0;
}

static void forget_argument(Slot *slot) {
        slot->locations[0].argument_length = 0;
        slot->locations[0].argument[0] = '\0';
}

static void note_status(Slot *slot, const TaskFacts *facts) {
        slot->pid = (uint32_t)facts->tgid;
        slot->uid = facts->uids[1];
        memcpy(slot->comm, facts->comm, sizeof(slot->comm));
}

/* Sleeps until then.  Returns 0, REQUEST_LEFT when told to leave, or REQUEST_GONE: nobody tells us that the
 * target died, so that we look now and then. */
static int sleep_until(RequestHandler *handler, uint64_t until) {
        for (uint64_t now = clock_usec(CLOCK_MONOTONIC); now < until; now = clock_usec(CLOCK_MONOTONIC)) {
                uint64_t nap = until - now < NAP_USEC ? until - now : NAP_USEC;
                const struct timespec left = {
                        .tv_sec = (time_t)(nap / 1000000),
                        .tv_nsec = (long)(nap % 1000000) * 1000,
                };

                report_flush(handler->host->report, 0);
                if (ppoll(NULL, 0, &left, &handler->host->waiting) < 0 && errno == EINTR)
                        return REQUEST_LEFT;
                if (is_gone(handler))
                        return REQUEST_GONE;
        }
        return 0;
}

/* The rule's delay, counted from when the call was received.  Nobody dies of that: a worker that is killed
 * meanwhile, or leaves, has not tried it.  Returns as sleep_until(). */
static int wait_delay(RequestHandler *handler, uint64_t delay_usec) {
        Slot *slot = handler->slot;
        uint64_t until = slot->received_usec + delay_usec;
        int r;

        atomic_store(&header(handler)->delayed_until_usec[handler->index], until);
        slot->attempts--;
        r = sleep_until(handler, until);
        if (r != REQUEST_LEFT)
                slot->attempts++;
        return r;
}

/* Calls in one directory follow each other: the same object has the same handle. */
static void note_parent(RequestHandler *handler) {
        const LedgerObject *object = &handler->parent.object;
        LedgerObject *noted = &handler->noted;

        if (object->born_sec == 0 || noted->handle_size == 0 || !object_equal(object, noted)) {
                *noted = *object;
                object_read_handle(handler->parent.fd, noted);
        }
        noted->mount_id = object->mount_id;
        handler->slot->locations[0].parent = *noted;
}

/* The verdict allows it.  What a successor needs to find out what came of it is noted first. */
static int perform(RequestHandler *handler, const Call *call) {
        Slot *slot = handler->slot;
        int r, error = 0;

        if (memory_budget_is_spent(handler->host->budget, header(handler)))
                return answer_trouble(
                        handler, ENOMEM, "its session has as much memory in directories as it may");
        note_parent(handler);
        intent_set_state(handler->part.intent, INTENT_NOT_BEGUN);
        slot_set_phase(slot, SLOT_ACTING);
        r = executor_perform(handler->executor, call->kind, slot->arguments.mode, &error);
        if (r == TARGET_GONE)
                return REQUEST_GONE;
        return r < 0 ? r : answer(handler, SLOT_ALLOWED, error);
}

/* What exists, exists: as with a security module, the kernel's own errors come first, and `mkdir -p` walks
 * over directories that it may not make.  Whether it exists could be asked by the target too: it may search
 * the parent.  Where no process can create a directory, the kernel says so itself, by being called. */
static int deny(RequestHandler *handler, const Call *call, int with) {
        int r, error;

        r = executor_look(handler->executor, &error);
        if (r < 0)
                return r;
        if (is_gone(handler))
                return REQUEST_GONE;
        if (error == ENOENT) {
                if (handler->parent.is_fuse || !place_is_inert(handler->parent.fd))
                        return answer(handler, SLOT_DENIED, with);
                intent_set_state(handler->part.intent, INTENT_NOT_BEGUN);
                r = executor_perform(handler->executor, call->kind, handler->slot->arguments.mode, &error);
                if (r != 0)
                        return r == TARGET_GONE ? REQUEST_GONE : r;
        }
        handler->slot->rule[0] = handler->slot->why[0] = '\0';
        return answer(handler, SLOT_ALLOWED, error == 0 ? EEXIST : error);
}

/* Natively the kernel looks at these rules where it looks at ours, and gives this error. */
static void hold_to_landlock(RequestHandler *handler, Verdict *verdict) {
        Slot *slot = handler->slot;

        if (!handler->landlocked || verdict->action == ACTION_DENY)
                return;
        *verdict = (Verdict){.action = ACTION_DENY, .error = EACCES};
        slot->rule[0] = '\0';
        (void)snprintf(slot->why, sizeof(slot->why),
                "it has restricted itself with landlock(7), whose rules snotifyd can not apply");
}

/* Judges; once more after a delay, for directories can be moved meanwhile.  Returns 0, SITE_DELETED,
 * REQUEST_GONE, REQUEST_LEFT or a negative errno. */
static int judge(RequestHandler *handler, Verdict *ret) {
        int r;

        for (;;) {
                r = site_judge(&handler->site, ret);
                if (r != 0)
                        return r;
                hold_to_landlock(handler, ret);
                if (ret->delay_usec == 0 ||
                        ret->delay_usec <= clock_usec(CLOCK_MONOTONIC) - handler->slot->received_usec)
                        return 0;
                r = wait_delay(handler, ret->delay_usec);
                if (r != 0)
                        return r;
                site_forget_view(&handler->site);
        }
}

/* The parent is pinned. */
static int handle_pinned(RequestHandler *handler, const Call *call) {
        Verdict verdict;
        int r;

        handler->slot->generation = policy_generation(handler->host->policy);
        r = judge(handler, &verdict);
        if (r != 0)
                return r;
        return verdict.action == ACTION_ALLOW ? perform(handler, call) : deny(handler, call, verdict.error);
}

/* A process died over the call when it may have been performed: finds out.  Returns 1 with the target's
 * *ret_error, 0 where nothing came of it, so that it is as it was received, or a negative errno. */
static int find_out(RequestHandler *handler, int *ret_error) {
        int r, error;

        r = executor_find(handler->executor, &handler->slot->locations[0].parent, &error);
        if (r < 0)
                return r;
        if (error == ENOENT)
                return 0;
        if (error != 0 && error != EEXIST)
                return -error;
        *ret_error = error;
        return 1;
}

static int answer_predecessors(RequestHandler *handler, int found, int error) {
        if (found > 0)
                return answer(handler, SLOT_ALLOWED, error);
        return answer_trouble(handler, EIO,
                found == -ESTALE
                        ? "a process died over it, and its parent directory is not the same any more"
                        : "a process died over it, and what came of it cannot be found out");
}

static int pin_parent(RequestHandler *handler, int dirfd, int *ret_error) {
        Slot *slot = handler->slot;
        int r;

        resolve_split(slot->locations[0].argument,
                strnlen(slot->locations[0].argument, LEDGER_ARGUMENT_SIZE - 1), &handler->resolved);
        handler->part = (ExecutorPart){
                .target = handler->target,
                .facts = &handler->facts,
                .resolved = &handler->resolved,
                .dirfd = dirfd,
                .absolute = slot->locations[0].argument[0] == '/',
                .listener_fd = handler->host->listener_fd,
                .id = slot->request.notif.id,
                .lock_fd = handler->host->lock_fd,
                .number = handler->host->number,
                .intent = ledger_intent(handler->host->ledger, handler->index),
                .taken_usec = slot->taken_usec,
                .parent = &handler->parent,
        };
        r = executor_pin(handler->executor, &handler->part, ret_error);
        handler->site.target = handler->target;
        handler->site.name = handler->resolved.name;
        handler->site.slot = slot;
        handler->site.now_usec = slot->taken_usec;
        handler->site.view[0] = '\0';
        handler->site.view_known = handler->parent.in_host_root;
        return r;
}

/* A file system may say EMFILE, and so does the kernel where we have no file descriptor left, which is not
 * the target's concern. */
static bool lacks_descriptors(const RequestHandler *handler) {
        _cleanup_close_ int fd = fcntl(handler->host->listener_fd, F_DUPFD_CLOEXEC, 0);

        return fd < 0;
}

/* Reads the arguments and pins the parent.  Returns 0, with *ret_error set where the target gets an errno,
 * TARGET_GONE or a negative errno. */
static int locate(RequestHandler *handler, const Arguments *arguments, bool again, int *ret_error) {
        int r = again ? 0 : read_argument(handler, arguments, ret_error);

        if (r == 0 && *ret_error == 0)
                r = pin_parent(handler, arguments->dirfds[0], ret_error);
        if (r == 0 && *ret_error == EMFILE && lacks_descriptors(handler))
                return -EMFILE;
        if (r == -EBADF) {
                *ret_error = EBADF;
                return 0;
        }
        return r;
}

static int handle_target(RequestHandler *handler, const Call *call, bool again) {
        Slot *slot = handler->slot;
        Arguments arguments;
        int r, error = 0;

        call_arguments(call, &slot->request.notif.data, &arguments);
        r = locate(handler, &arguments, again, &error);
        if (r != 0)
                return r;
        if (again) {
                int found, found_error = 0;

                found = find_out(handler, &found_error);
                if (found != 0)
                        return answer_predecessors(handler, found, found_error);
                /* Nothing came of it: it is as it was received. */
                slot_set_phase(slot, SLOT_RECEIVED);
                forget_decision(slot);
                note_status(slot, &handler->facts);
        }
        slot->arguments.mode = arguments.mode;
        if (error == 0 && handler->resolved.name)
                return handle_pinned(handler, call);
        if (is_gone(handler))
                return REQUEST_GONE;
        return answer(handler, SLOT_ALLOWED, error != 0 ? error : EEXIST);
}

/* Lets the kernel go on with a call of which nothing was decided by what the target can change. */
static int answer_continue(RequestHandler *handler) {
        Slot *slot = handler->slot;

        if (is_gone(handler))
                return REQUEST_GONE;
        slot->verdict = SLOT_UNDECIDED;
        notify_continue(&slot->reply, slot->request.notif.id);
        return REQUEST_ANSWERED;
}

/* Some process is marked before it is looked for in the header: the other order would miss one. */
static int handle_restrict(RequestHandler *handler, const Call *call) {
        const WorkerLock lock = {.fd = handler->host->lock_fd, .number = handler->host->number};
        Arguments arguments;
        int r;

        call_arguments(call, &handler->slot->request.notif.data, &arguments);
        /* No descriptor: with it, there is a way to change what is logged, but none to restrict oneself. */
        if (arguments.dirfds[0] < 0)
                return answer_continue(handler);
        if (is_gone(handler))
                return REQUEST_GONE;
        atomic_store(&header(handler)->landlocked, 1);
        r = landlock_mark(handler->target, executor_override(handler->executor), &handler->facts, &lock);
        return r < 0 ? r : answer_continue(handler);
}

/* A limit that is raised while no process is marked yet may still be on its way when one is.  A process
 * wanted that which isn't restricted: it could create the directories itself. */
static int handle_limit(RequestHandler *handler, const Call *call) {
        Arguments arguments;
        int r = 1;

        call_arguments(call, &handler->slot->request.notif.data, &arguments);
        if (atomic_load(&header(handler)->landlocked))
                r = landlock_admits_limit(handler->target, &handler->facts, arguments.pid == 0);
        if (r < 0)
                return r;
        if (r > 0)
                return answer_continue(handler);
        if (is_gone(handler))
                return REQUEST_GONE;
        return answer_trouble(handler, EPERM,
                "RLIMIT_LOCKS shows which processes landlock(7) restricts: it stays as it is");
}

static int read_landlocked(RequestHandler *handler) {
        int r = 0;

        if (atomic_load_explicit(&header(handler)->landlocked, memory_order_relaxed))
                r = landlock_is_marked(handler->target);
        handler->landlocked = r > 0;
        return r < 0 ? r : 0;
}

static int handle_call(RequestHandler *handler, bool again) {
        const struct seccomp_notif *notif = &handler->slot->request.notif;
        const Call *call = call_find(&notif->data);
        bool fresh;
        int r;

        if (!call)
                return answer_trouble(handler, ENOSYS, "snotifyd does not know this call");
        if (notif->pid == 0)
                return answer_trouble(handler, EPERM, "it is outside of snotifyd's PID namespace");
        r = target_open(handler->targets, (pid_t)notif->pid, &handler->target, &fresh);
        if (r != 0)
                return r;
        r = task_reader_read(handler->target, &handler->facts);
        if (r != 0)
                return r;
        note_status(handler->slot, &handler->facts);
        if (call->kind == OPERATION_RESTRICT)
                return handle_restrict(handler, call);
        if (call->kind == OPERATION_LIMIT)
                return handle_limit(handler, call);
        r = read_landlocked(handler);
        if (r != 0)
                return r;
        return handle_target(handler, call, again);
}

/* Of memory, file descriptors or processes; mkdir(2) has one word for them. */
static bool is_shortage(int r) {
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EAGAIN;
}

/* Whatever went wrong, it may be because the target died meanwhile; but only the kernel knows that it did,
 * and who isn't dead must not be left waiting. */
static int answer_failure(RequestHandler *handler, int r) {
        char why[64];

        if (is_gone(handler))
                return REQUEST_GONE;
        if (r == REQUEST_GONE)
                r = -ESRCH;
        if (r == -EPIPE)
                return answer_trouble(handler, EIO, "helpers died over it");
        if (r == -EDEADLK)
                return answer_trouble(handler, EDEADLK,
                        "it is the automounter of a directory on the way, and would wait for itself");
        (void)snprintf(why, sizeof(why), "snotifyd's worker failed: %s", strerrordesc_np(-r));
        return answer_trouble(handler, is_shortage(r) ? ENOMEM : EIO, why);
}

/* For the record of a call of which no more was read. */
static void note_caller(RequestHandler *handler) {
        bool fresh;

        if (target_open(handler->targets, (pid_t)handler->slot->request.notif.pid, &handler->target,
                    &fresh) == 0 &&
                task_reader_read(handler->target, &handler->facts) == 0)
                note_status(handler->slot, &handler->facts);
}

/* What a process that died has left of the call. */
static IntentState predecessors_state(const RequestHandler *handler) {
        if (slot_phase(handler->slot) != SLOT_ACTING)
                return INTENT_NOT_BEGUN;
        return intent_state(ledger_intent(handler->host->ledger, handler->index));
}

static int try_once(RequestHandler *handler) {
        Slot *slot = handler->slot;

        switch (predecessors_state(handler)) {
        case INTENT_DONE:
                return answer(
                        handler, SLOT_ALLOWED, ledger_intent(handler->host->ledger, handler->index)->error);
        case INTENT_BEGUN:
                return handle_call(handler, true);
        case INTENT_NOT_BEGUN:
                break;
        }
        slot_set_phase(slot, SLOT_RECEIVED);
        forget_decision(slot);
        forget_argument(slot);
        return handle_call(handler, false);
}

static int handle(RequestHandler *handler) {
        Slot *slot = handler->slot;
        int r;

        if (slot->attempts > REQUEST_ATTEMPTS_MAX) {
                forget_decision(slot);
                if (slot_phase(slot) != SLOT_ACTING)
                        forget_argument(slot);
                if (slot->attempts == REQUEST_ATTEMPTS_MAX + 1) /* they may have died of this */
                        note_caller(handler);
                return answer_trouble(handler, EIO, "workers died over it");
        }
        for (unsigned helpers = 1;; helpers++) {
                r = try_once(handler);
                /* Its user may have killed the helper, with all else that is his.  Another one finds out how
                 * far it came. */
                if (r != -EPIPE || helpers == HELPERS_MAX || executor_leave(handler->executor) < 0)
                        break;
        }
        if (r == REQUEST_ANSWERED || r == REQUEST_LEFT || r == -ETIME)
                return r;
        if (r == SITE_DELETED)
                return answer(handler, SLOT_ALLOWED, ENOENT);
        if (r == -ENAMETOOLONG)
                return answer_trouble(
                        handler, ENAMETOOLONG, "the directory's path is too long to be judged");
        return answer_failure(handler, r);
}

static void take_up(RequestHandler *handler, uint32_t index) {
        handler->index = index;
        handler->slot = ledger_slot(handler->host->ledger, index);
}

int request_handle(RequestHandler *handler, uint32_t index) {
        int outcome, r;

        take_up(handler, index);
        outcome = handle(handler);
        if (outcome == REQUEST_ANSWERED)
                slot_set_phase(handler->slot, SLOT_DONE);
        r = executor_leave(handler->executor);
        return r < 0 ? r : outcome;
}
