/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The data plane's loop: wait, RECV into the slot, read the target, resolve, judge, act, answer, report.
 * Runs in a process of its own that holds one session's listener and nothing of any other.  Owns its slot of
 * the ledger.  Must never become the target's uid, never let the kernel continue a call whose memory was
 * judged, and leave nothing of the target's - no working directory, no root, no fd - in hand once the target
 * goes on. */

#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act.h"
#include "common/calls.h"
#include "common/clock.h"
#include "common/notify.h"
#include "common/ownership.h"
#include "identity.h"
#include "place.h"
#include "record.h"
#include "resolve.h"
#include "target.h"

/* For how long the journal may hold up a worker: see report_set_patience(), report_drain(). */
#define REPORT_PATIENCE_USEC 1000000U

typedef struct Worker {
        const WorkerArguments *arguments;
        Ledger *ledger;
        LedgerHeader *header;
        Slot *slot;
        TargetCache *targets;
        Becomer *becomer;
        TargetStatus status;
        TargetRoot host_root; /* who we are when we are nobody */
        TargetRoot root;      /* where we stand */
        sigset_t waiting;     /* the signal mask while we sleep: SIGTERM gets through */
        bool reported;
        Resolved resolved;
        bool has_view;
        char view[LEDGER_PATH_SIZE]; /* the path from the target's own root, where that isn't the host's */
} Worker;

/* What becomes of the request in hand. */
enum {
        REQUEST_ANSWERED = 0,               /* the reply is in the slot */
        REQUEST_GONE = TARGET_GONE,         /* nobody waits any more, and nothing was done */
        REQUEST_LEFT = TARGET_TOO_LONG + 1, /* we were told to leave; the next worker starts on it anew */
};

static int answer(Worker *worker, SlotVerdict verdict, int error) {
        Slot *slot = worker->slot;

        slot->verdict = verdict;
        notify_reply(&slot->reply, slot->request.notif.id, 0, error);
        slot->error = -slot->reply.response.error; /* what the target really gets */
        return REQUEST_ANSWERED;
}

static int answer_trouble(Worker *worker, int error, const char *why) {
        (void)snprintf(worker->slot->why, sizeof(worker->slot->why), "%s", why);
        return answer(worker, SLOT_TROUBLE, error);
}

static bool same_root(const TargetRoot *a, const TargetRoot *b) {
        return a->ino == b->ino && a->dev == b->dev && a->mount_id == b->mount_id;
}

static int root_enter(Worker *worker, int root_fd, const TargetRoot *root) {
        if (fchdir(root_fd) < 0 || chroot(".") < 0)
                return -errno;
        worker->root = *root;
        return 0;
}

/* Stands in the target's root.  Comparing costs less than entering, and nearly every target has the host's.
 */
static int root_enter_target(Worker *worker, Target *target) {
        _cleanup_close_ int root_fd = -EBADF;
        TargetRoot root;
        int r;

        r = target_read_root(target, &root);
        if (r != 0 || same_root(&root, &worker->root))
                return r;
        r = target_open_root(target, &root_fd);
        if (r != 0)
                return r;
        r = target_root_of_fd(root_fd, &root);
        if (r < 0)
                return r;
        return root_enter(worker, root_fd, &root);
}

static int root_leave_target(Worker *worker) {
        if (same_root(&worker->root, &worker->host_root))
                return 0;
        return root_enter(worker, worker->arguments->host_root_fd, &worker->host_root);
}

/* Is our own again, with nothing of the target in hand.  A failure here leaves a worker that must not go on.
 */
static int come_back(Worker *worker) {
        int r;

        r = becomer_raise(worker->becomer);
        if (r < 0)
                return r;
        r = root_leave_target(worker);
        if (r < 0)
                return r;
        return fchdir(worker->arguments->host_root_fd) < 0 ? -errno : 0;
}

/* Opens what a relative path starts at.  Returns 0, TARGET_GONE, -EBADF for the target's own mistake, or a
 * negative errno. */
static int open_base(Target *target, const char *path, int dirfd, int *ret_fd) {
        if (path[0] == '/')
                return 0;
        if (dirfd == AT_FDCWD)
                return target_open_cwd(target, ret_fd);
        return target_open_fd(target, dirfd, ret_fd);
}

/* Reads the path into the slot, where a successor finds it: what the target's other threads write there from
 * now on doesn't matter any more.  Returns 0, -errno, TARGET_GONE, or with *ret_error set, 0. */
static int read_argument(Worker *worker, const CallArguments *arguments, int *ret_error) {
        Slot *slot = worker->slot;
        size_t length = 0;
        int r;

        if (slot_phase(slot) == SLOT_ACTING)
                return 0;
        r = target_read_string((pid_t)slot->request.notif.pid, arguments->path, slot->argument, &length);
        slot->argument_length = (uint32_t)length;
        switch (r) {
        case 0:
                if (length == 0)
                        *ret_error = ENOENT;
                return 0;
        case TARGET_FAULT:
                slot->argument[0] = '\0';
                *ret_error = EFAULT;
                return 0;
        case TARGET_TOO_LONG:
                slot->argument[LEDGER_ARGUMENT_SIZE - 1] = '\0';
                slot->argument_length = LEDGER_ARGUMENT_SIZE - 1;
                *ret_error = ENAMETOOLONG;
                return 0;
        default:
                return r;
        }
}

static void note_status(Slot *slot, const TargetStatus *status) {
        slot->pid = (uint32_t)status->tgid;
        slot->uid = status->euid;
        memcpy(slot->comm, status->comm, sizeof(slot->comm));
}

/* Sleeps until the rule's delay is over, counted from when the call was received.  Returns false when told
 * to leave. */
static bool wait_delay(Worker *worker, uint64_t delay_usec) {
        uint64_t until = worker->slot->received_usec + delay_usec;

        for (uint64_t now = clock_usec(CLOCK_MONOTONIC); now < until; now = clock_usec(CLOCK_MONOTONIC)) {
                const struct timespec left = {
                        .tv_sec = (time_t)((until - now) / 1000000),
                        .tv_nsec = (long)((until - now) % 1000000) * 1000,
                };

                if (ppoll(NULL, 0, &left, &worker->waiting) < 0 && errno == EINTR)
                        return false;
        }
        return true;
}

/* The name is where slot->path says, and the worker is the target.  Does it, or finds out whether a
 * predecessor did. */
static int perform(Worker *worker, const Call *call, bool again) {
        const char *name = worker->resolved.name;
        Slot *slot = worker->slot;
        ActStart start;

        if (again) {
                start = (ActStart){slot->absent != 0, slot->acting_sec, slot->acting_nsec, slot->owner};
                return answer(worker, SLOT_ALLOWED, act_perform_again(call->act, name, slot->mode, &start));
        }
        act_start(name, worker->status.identity.fsuid, &start);
        slot->absent = start.absent;
        slot->acting_sec = start.sec;
        slot->acting_nsec = start.nsec;
        slot->owner = start.owner;
        slot_set_phase(slot, SLOT_ACTING);
        return answer(worker, SLOT_ALLOWED, act_perform(call->act, name, slot->mode));
}

/* Judges where the directory really is.  A target that sees it elsewhere - in a root of its own - is held to
 * the deny rules for what it sees too. */
static void judge(Worker *worker, Verdict *ret) {
        const Profile *profile = worker->arguments->profile;
        Verdict seen;

        *ret = (Verdict){.action = ACTION_DENY, .error = EPERM};
        if (!profile)
                return;
        profile_judge(profile, worker->slot->path, ret);
        if (!worker->has_view || ret->action == ACTION_DENY)
                return;
        profile_judge(profile, worker->view, &seen);
        if (seen.action == ACTION_DENY && seen.rule)
                *ret = seen;
}

static int judge_and_perform(Worker *worker, const Call *call, bool again) {
        const WorkerArguments *arguments = worker->arguments;
        Slot *slot = worker->slot;
        Verdict verdict;
        int error;

        judge(worker, &verdict);
        slot->generation = policy_generation(arguments->policy);
        (void)snprintf(slot->rule, sizeof(slot->rule), "%s", verdict.rule ? verdict.rule : "");

        if (verdict.delay_usec > 0) {
                if (!wait_delay(worker, verdict.delay_usec))
                        return REQUEST_LEFT;
                if (notify_check_id(arguments->listener_fd, slot->request.notif.id) == NOTIFY_GONE)
                        return REQUEST_GONE;
        }
        if (verdict.action == ACTION_ALLOW)
                return perform(worker, call, again);

        /* What exists, exists: as with a security module, the kernel's own errors come first, and `mkdir -p`
         * walks over directories that it may not make.  Whether it exists could be asked by the target too:
         * it may search the parent. */
        error = act_look(worker->resolved.name);
        if (error == ENOENT)
                return answer(worker, SLOT_DENIED, verdict.error);
        slot->rule[0] = '\0';
        return answer(worker, SLOT_ALLOWED, error == 0 ? EEXIST : error);
}

/* Goes back to the host's root with the pinned parent: the target's root has served its turn, and from here
 * the parent's real place shows. */
static int take_parent_home(Worker *worker) {
        _cleanup_close_ int parent_fd = -EBADF;
        int r;

        parent_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0)
                return -errno;
        r = becomer_raise(worker->becomer);
        if (r < 0)
                return r;
        r = root_leave_target(worker);
        if (r < 0)
                return r;
        if (fchdir(parent_fd) < 0)
                return -errno;
        return becomer_lower(worker->becomer, &worker->status.identity);
}

/* Finds out where the pinned parent is.  Returns 0, an outcome of place_read(), or a negative errno. */
static int find_place(Worker *worker, size_t *ret_length) {
        size_t length;
        int r;

        worker->has_view = !same_root(&worker->root, &worker->host_root);
        if (worker->has_view) {
                r = place_read(worker->resolved.name, worker->view, &length);
                if (r != 0)
                        return r;
                r = take_parent_home(worker);
                if (r < 0)
                        return r;
        }
        return place_read(worker->resolved.name, worker->slot->path, ret_length);
}

/* The parent is the working directory.  Finds out where that is, judges and performs. */
static int handle_pinned(Worker *worker, const Call *call, bool again) {
        char predecessors[LEDGER_PATH_SIZE];
        Slot *slot = worker->slot;
        size_t length;
        int r;

        if (!worker->resolved.name)
                return answer(worker, SLOT_ALLOWED, EEXIST);
        if (again)
                memcpy(predecessors, slot->path, sizeof(predecessors));

        r = find_place(worker, &length);
        if (r == PLACE_DELETED)
                return answer(worker, SLOT_ALLOWED, ENOENT);
        if (r == PLACE_ELSEWHERE)
                return answer_trouble(worker, EPERM, "its directory is in a mount namespace of its own");
        if (r == -ENAMETOOLONG)
                return answer_trouble(worker, ENAMETOOLONG, "the directory's path is too long to be judged");
        if (r < 0)
                return r;
        slot->path_length = (uint32_t)length;
        if (again && strcmp(predecessors, slot->path) != 0)
                return answer_trouble(worker, EIO, "its path changed while a worker died over it");
        return judge_and_perform(worker, call, again);
}

/* Reads everything that is needed of the target, then becomes it. */
static int handle_target(Worker *worker, const Call *call, Target *target, bool again) {
        _cleanup_close_ int base_fd = -EBADF;
        Slot *slot = worker->slot;
        CallArguments arguments;
        int r, error = 0;

        r = target_in_our_user_namespace(target);
        if (r < 0)
                return r;
        if (r == 0)
                return answer_trouble(worker, EPERM, "it is in a user namespace of its own");

        call_arguments(call, &slot->request.notif.data, &arguments);
        slot->mode = arguments.mode;
        r = read_argument(worker, &arguments, &error);
        if (r != 0)
                return r;
        if (error == 0) {
                r = root_enter_target(worker, target);
                if (r != 0)
                        return r;
                r = open_base(target, slot->argument, arguments.dirfd, &base_fd);
                if (r == -EBADF)
                        error = EBADF;
                else if (r != 0)
                        return r;
        }

        /* Everything was read: now it is certain that it was read from the task that waits. */
        if (notify_check_id(worker->arguments->listener_fd, slot->request.notif.id) == NOTIFY_GONE)
                return REQUEST_GONE;
        if (error != 0)
                return answer(worker, SLOT_ALLOWED, error);

        resolve_split(slot->argument, slot->argument_length, &worker->resolved);
        r = becomer_lower(worker->becomer, &worker->status.identity);
        if (r < 0)
                return r;
        error = resolve_parent(&worker->resolved, base_fd);
        if (error != 0)
                return answer(worker, SLOT_ALLOWED, error);
        return handle_pinned(worker, call, again);
}

static int handle_call(Worker *worker, bool again) {
        const int listener_fd = worker->arguments->listener_fd;
        const struct seccomp_notif *notif = &worker->slot->request.notif;
        const Call *call = call_find(&notif->data);
        Target *target;
        bool fresh;
        int r;

        if (!call)
                return answer_trouble(worker, ENOSYS, "snotifyd does not know this call");
        if (notif->pid == 0)
                return answer_trouble(worker, EPERM, "it is outside of snotifyd's PID namespace");
        r = target_open(worker->targets, (pid_t)notif->pid, &target, &fresh);
        if (r != 0)
                return r;
        if (fresh && notify_check_id(listener_fd, notif->id) == NOTIFY_GONE)
                return REQUEST_GONE;
        r = target_read_status(target, &worker->status);
        if (r != 0)
                return r;
        note_status(worker->slot, &worker->status);
        return handle_target(worker, call, target, again);
}

static void forget_decision(Slot *slot) {
        slot->verdict = SLOT_TROUBLE;
        slot->error = 0;
        slot->pid = slot->request.notif.pid;
        slot->uid = 0;
        slot->mode = 0;
        slot->comm[0] = slot->rule[0] = slot->why[0] = '\0';
        slot->path_length = 0;
        if (slot_phase(slot) != SLOT_ACTING) {
                slot->argument_length = 0;
                slot->argument[0] = slot->path[0] = '\0';
        }
}

/* Brings a received request to an answer in its slot. */
static int handle(Worker *worker) {
        Slot *slot = worker->slot;
        bool again = slot_phase(slot) == SLOT_ACTING;
        char why[64];
        int r;

        forget_decision(slot);
        if (slot->attempts > WORKER_ATTEMPTS_MAX)
                return answer_trouble(worker, EIO, "workers died over it");

        r = handle_call(worker, again);
        if (r == REQUEST_ANSWERED || r == REQUEST_LEFT)
                return r;
        /* Whatever went wrong, it may be because the target died meanwhile; but only the kernel knows that
         * it did, and who isn't dead must not be left waiting. */
        if (notify_check_id(worker->arguments->listener_fd, slot->request.notif.id) == NOTIFY_GONE)
                return REQUEST_GONE;
        if (r == REQUEST_GONE)
                r = -ESRCH;
        (void)snprintf(why, sizeof(why), "snotifyd's worker failed: %s", strerrordesc_np(-r));
        return answer_trouble(worker, r == -ENOMEM || r == -EMFILE || r == -ENFILE ? ENOMEM : EIO, why);
}

/* Finishes the request in the slot, in whatever phase it is.  Returns 0, REQUEST_LEFT, or a negative errno.
 */
static int finish(Worker *worker) {
        const WorkerArguments *arguments = worker->arguments;
        Slot *slot = worker->slot;
        int r;

        if (slot_phase(slot) != SLOT_DONE) {
                int outcome = handle(worker);

                if (outcome == REQUEST_ANSWERED)
                        slot_set_phase(slot, SLOT_DONE);
                r = come_back(worker);
                if (r < 0)
                        return r;
                if (outcome == REQUEST_GONE)
                        slot_clear(slot);
                if (outcome != REQUEST_ANSWERED)
                        return outcome == REQUEST_LEFT ? REQUEST_LEFT : 0;
        }

        r = notify_send(arguments->listener_fd, &slot->reply);
        if (r < 0)
                return r;
        if (slot->verdict != SLOT_KNOCK) {
                record_decision(worker->header, slot, arguments->profile, arguments->report);
                worker->reported = true;
        }
        slot_clear(slot);
        return 0;
}

/* Waits for a request and receives it.  Returns 1, 0 where it is time to leave, or a negative errno. */
static int receive(Worker *worker) {
        static const struct timespec idle = {.tv_sec = WORKER_IDLE_USEC / 1000000};
        struct pollfd fds[] = {
                {.fd = worker->arguments->listener_fd, .events = POLLIN},
                {.fd = worker->arguments->daemon_fd, .events = POLLIN},
        };
        Slot *slot = worker->slot;
        int r;

        r = ppoll(fds, 2, &idle, &worker->waiting);
        if (r < 0 && errno != EINTR)
                return -errno;
        if (r <= 0 || fds[1].revents != 0)
                return 0;
        if (!(fds[0].revents & POLLIN)) /* POLLHUP alone: the last target is gone */
                return 0;

        /* Only the receiver comes here, and nobody else takes from this listener: this doesn't block. */
        r = notify_receive(worker->arguments->listener_fd, &slot->request);
        if (r < 0 && r != -EINTR)
                return r;
        if (r == 0) {
                __atomic_store_n(&slot->received_usec, clock_usec(CLOCK_MONOTONIC), __ATOMIC_RELAXED);
                slot->attempts = 1;
                slot_set_phase(slot, SLOT_RECEIVED);
        }
        return 1;
}

static bool is_receiver(const Worker *worker) {
        return atomic_load_explicit(&worker->header->receiver, memory_order_acquire) ==
               worker->arguments->slot;
}

static int worker_loop(Worker *worker) {
        int r;

        if (slot_phase(worker->slot) != SLOT_EMPTY) {
                worker->slot->attempts++;
                if (worker->slot->received_usec == 0)
                        worker->slot->received_usec = clock_usec(CLOCK_MONOTONIC);
        }
        for (;;) {
                if (slot_phase(worker->slot) != SLOT_EMPTY) {
                        r = finish(worker);
                        if (r != 0)
                                return r < 0 ? r : 0;
                }
                if (!is_receiver(worker))
                        return 0;
                r = receive(worker);
                if (r <= 0)
                        return r;
        }
}

static int worker_init(Worker *worker, const WorkerArguments *arguments) {
        int r;

        worker->arguments = arguments;
        identity_init(&worker->status.identity);
        if (sigprocmask(SIG_SETMASK, NULL, &worker->waiting) < 0)
                return -errno;
        (void)sigdelset(&worker->waiting, SIGTERM);

        r = ledger_map(arguments->ledger_fd, &worker->ledger);
        if (r < 0)
                return r;
        worker->header = ledger_header(worker->ledger);
        worker->slot = ledger_slot(worker->ledger, arguments->slot);
        r = target_cache_new(&worker->targets);
        if (r < 0)
                return r;
        r = becomer_new(&worker->becomer);
        if (r < 0)
                return r;
        r = target_root_of_fd(arguments->host_root_fd, &worker->host_root);
        if (r < 0)
                return r;
        return root_enter(worker, arguments->host_root_fd, &worker->host_root);
}

static void on_sigterm(int signal) {
        (void)signal; /* its only effect is to end the ppoll() that lets it through */
}

int worker_run(const WorkerArguments *arguments) {
        static Worker worker; /* the process is the worker: what it owns goes with it */
        const struct sigaction action = {.sa_handler = on_sigterm};
        int r;

        (void)sigaction(SIGTERM, &action, NULL);
        report_set_patience(arguments->report, REPORT_PATIENCE_USEC);
        r = worker_init(&worker, arguments);
        if (r == 0)
                r = worker_loop(&worker);
        if (r < 0)
                (void)report_line(
                        arguments->report, REPORT_ERROR, "a worker had to give up: %s", strerror(-r));
        if (worker.reported || r < 0)
                report_drain(arguments->report, REPORT_PATIENCE_USEC);
        if (worker.slot && slot_phase(worker.slot) == SLOT_EMPTY)
                slot_trim(worker.slot);
        return r < 0 ? WORKER_EXIT_FAILED : WORKER_EXIT_IDLE;
}
