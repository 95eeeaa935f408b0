/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manages a session's workers.  Run by the daemon.  A WorkerPool owns the mapping of the ledger and its
 * WorkerProcesses.  Must never let two of them be receivers, nor believe what the ledger says beyond its own
 * session's harm. */

#include "session/worker-pool.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/child.h"
#include "common/clock.h"
#include "session/backlog.h"
#include "session/worker-process.h"
#include "worker/reject.h"

/* A retired worker that has nothing in hand has this long to go; then it is killed, which costs nothing. */
#define RETIRE_USEC 2000000U
/* How often an adopted process is looked for where nothing tells of its end. */
#define ADOPTED_USEC 10000U

struct WorkerPool {
        sd_event *event;
        const WorkerPoolOwner *owner;
        void *userdata;
        Ledger *ledger;
        int ledger_fd; /* the session's */
        /* Its number, or LEDGER_NO_RECEIVER; the ledger's copy is for the workers to read. */
        uint32_t receiver;
        uint64_t excused_usec; /* no request's time begins before that (CLOCK_MONOTONIC) */
        struct Member {
                WorkerProcess process;
                WorkerPool *pool;
        } members[LEDGER_WORKERS]; /* by number */
};

static int on_adopted_gone(sd_event_source *source, int fd, uint32_t revents, void *userdata);

static bool pool_adopt(WorkerPool *pool, uint32_t number) {
        return process_adopt(&pool->members[number].process, pool->event, pool->ledger_fd, number,
                on_adopted_gone, &pool->members[number]);
}

int pool_new(
        sd_event *event, const WorkerPoolOwner *owner, void *userdata, int ledger_fd, WorkerPool **ret) {
        WorkerPool *pool;
        int r;

        /* Not from the heap: pools come and go between what stays, and would leave holes all over it. */
        pool = mmap(NULL, sizeof(*pool), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pool == MAP_FAILED)
                return -ENOMEM;
        pool->event = event;
        pool->owner = owner;
        pool->userdata = userdata;
        pool->receiver = LEDGER_NO_RECEIVER;
        pool->ledger_fd = ledger_fd;
        r = ledger_map(ledger_fd, &pool->ledger);
        if (r < 0) {
                pool_free(pool);
                return r;
        }
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++) {
                pool->members[i].pool = pool;
                (void)pool_adopt(pool, i);
        }
        *ret = pool;
        return 0;
}

WorkerPool *pool_free(WorkerPool *pool) {
        if (!pool)
                return NULL;
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                process_forget(&pool->members[i].process);
        ledger_unmap(pool->ledger);
        (void)munmap(pool, sizeof(*pool));
        return NULL;
}

Ledger *pool_ledger(WorkerPool *pool) {
        return pool->ledger;
}

static void set_receiver(WorkerPool *pool, uint32_t number) {
        pool->receiver = number;
        atomic_store_explicit(&ledger_header(pool->ledger)->receiver, number, memory_order_release);
}

bool pool_has_process(const WorkerPool *pool, uint32_t number) {
        return pool->members[number].process.pid != 0;
}

bool pool_is_empty(const WorkerPool *pool) {
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (pool_has_process(pool, i))
                        return false;
        return true;
}

bool pool_has_live(const WorkerPool *pool) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (pool_has_process(pool, i) && !process_hangs(&pool->members[i].process, now))
                        return true;
        return false;
}

bool pool_has_receiver(const WorkerPool *pool) {
        return pool->receiver != LEDGER_NO_RECEIVER;
}

bool pool_has_foreign_rejecting(const WorkerPool *pool) {
        const WorkerProcess *process = &pool->members[LEDGER_REJECTING].process;

        return process->pid != 0 && !process->is_child &&
               !process_hangs(process, clock_usec(CLOCK_MONOTONIC));
}

PoolUnfinished pool_unfinished(const WorkerPool *pool, uint32_t number) {
        if (pool_has_process(pool, number))
                return POOL_FINISHED;
        if (backlog_has_slot(pool->ledger, number))
                return POOL_UNFINISHED_REQUEST;
        return backlog_has_records(pool->ledger, number) ? POOL_UNFINISHED_RECORDS : POOL_FINISHED;
}

bool pool_is_quiet(const WorkerPool *pool) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uint32_t number = backlog_worker(pool->ledger, i);

                if (backlog_is_free(pool->ledger, i))
                        continue;
                if (number == LEDGER_WORKERS || !process_hangs(&pool->members[number].process, now) ||
                        !reject_is_finished(ledger_slot(pool->ledger, i)))
                        return false;
        }
        return true;
}

static bool is_free(const WorkerPool *pool, uint32_t number) {
        return !pool_has_process(pool, number) && pool_unfinished(pool, number) == POOL_FINISHED;
}

uint32_t pool_find_free(const WorkerPool *pool) {
        for (uint32_t i = 0; i < LEDGER_REJECTING; i++)
                if (is_free(pool, i))
                        return i;
        if (pool_count_hanging(pool) >= LEDGER_REJECTING && is_free(pool, LEDGER_REJECTING))
                return LEDGER_REJECTING;
        return LEDGER_NO_RECEIVER;
}

uint32_t pool_count_hanging(const WorkerPool *pool) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);
        uint32_t n = 0;

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                n += process_hangs(&pool->members[i].process, now);
        return n;
}

uint64_t pool_stall_usec(const WorkerPool *pool) {
        if (pool->receiver == LEDGER_NO_RECEIVER)
                return 0;
        return backlog_stall_usec(pool->ledger, pool->receiver, clock_usec(CLOCK_MONOTONIC));
}

void pool_relieve_receiver(WorkerPool *pool) {
        WorkerProcess *process;

        if (pool->receiver == LEDGER_NO_RECEIVER)
                return;
        process = &pool->members[pool->receiver].process;
        process->retired_usec = clock_usec(CLOCK_MONOTONIC);
        /* It sleeps while a request waits in the ledger, which another worker received.  Left asleep it
         * would wake with its successor, and receive in its place. */
        if (!backlog_has_request(pool->ledger, pool->receiver))
                process_retire(process, process->retired_usec);
        set_receiver(pool, LEDGER_NO_RECEIVER);
}

void pool_retire_receiver(WorkerPool *pool) {
        uint32_t receiver = pool->receiver;

        pool_relieve_receiver(pool);
        if (receiver != LEDGER_NO_RECEIVER)
                process_retire(&pool->members[receiver].process, clock_usec(CLOCK_MONOTONIC));
}

void pool_retire_all(WorkerPool *pool) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        set_receiver(pool, LEDGER_NO_RECEIVER);
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                process_retire(&pool->members[i].process, now);
}

void pool_kill_all(WorkerPool *pool) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (pool_has_process(pool, i))
                        process_kill(&pool->members[i].process, now);
}

/* The rejecting worker serves only where all others hang. */
static void dismiss_rejecting(WorkerPool *pool) {
        if (pool->receiver == LEDGER_REJECTING && pool_find_free(pool) < LEDGER_REJECTING)
                pool_retire_receiver(pool);
}

/* The process with this number ended; a helper of its may go on. */
static void replace_process(WorkerPool *pool, uint32_t number) {
        if (!pool_adopt(pool, number))
                dismiss_rejecting(pool);
}

static int on_adopted_gone(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct Member *member = userdata;
        WorkerPool *pool = member->pool;

        (void)source;
        (void)fd;
        (void)revents;
        replace_process(pool, (uint32_t)(member - pool->members));
        pool->owner->on_worker_gone(pool->userdata);
        return 0;
}

static int on_child_exit(sd_event_source *source, const siginfo_t *info, void *userdata) {
        struct Member *member = userdata;
        WorkerPool *pool = member->pool;
        uint32_t number = (uint32_t)(member - pool->members);
        bool died = info->si_code != CLD_EXITED || info->si_status != WORKER_EXIT_IDLE;

        (void)source;
        if (died && member->process.killed_usec == 0)
                pool->owner->on_died(member->process.pid, info, pool->userdata);
        if (pool->receiver == number)
                set_receiver(pool, LEDGER_NO_RECEIVER);
        replace_process(pool, number);
        pool->owner->on_worker_gone(pool->userdata);
        return 0;
}

/* In the child. */
static int run_worker(const WorkerArguments *arguments, PoolRole role) {
        if (arguments->number != LEDGER_REJECTING)
                return worker_run(arguments);
        return reject_run(
                arguments, role == POOL_REJECTS_AFTER_STOP ? REJECT_AFTER_STOP : REJECT_WHILE_ALL_HANG);
}

int pool_spawn(WorkerPool *pool, const WorkerArguments *arguments, PoolRole role) {
        const int keep[] = {arguments->listener_fd, arguments->ledger_fd, arguments->daemon_fd,
                arguments->host_root_fd, arguments->cgroup_fd, report_fd(arguments->report),
                arguments->reader_fd, guard_fd(arguments->guard, GUARD_FD_PERMIT),
                guard_fd(arguments->guard, GUARD_FD_FATE)};
        uint32_t number = arguments->number;
        struct Member *member = &pool->members[number];
        pid_t pid;
        int r;

        assert(!pool_has_process(pool, number));
        if (role != POOL_FINISHES && pool->receiver == LEDGER_NO_RECEIVER)
                set_receiver(pool, number);
        pid = child_fork("snotifyd-worker", keep, sizeof(keep) / sizeof(keep[0]));
        if (pid == 0)
                _exit(run_worker(arguments, role));
        r = pid < 0 ? (int)pid
                    : process_watch_child(&member->process, pool->event, pid, on_child_exit, member);
        if (r < 0 && pool->receiver == number)
                set_receiver(pool, LEDGER_NO_RECEIVER);
        return r;
}

/* Is a worker at the request in the slot that is to be killed if it takes too long? */
static bool has_deadline(const WorkerPool *pool, uint32_t index, uint32_t number) {
        return number < LEDGER_WORKERS && pool_has_process(pool, number) &&
               !ledger_is_overdue(pool->ledger, index);
}

static uint64_t call_deadline(const WorkerPool *pool, uint32_t index, uint64_t timeout_usec) {
        uint64_t deadline = backlog_deadline(pool->ledger, index, timeout_usec);
        uint64_t excused = pool->excused_usec > 0 ? pool->excused_usec + timeout_usec : 0;

        return deadline > excused ? deadline : excused;
}

void pool_excuse(WorkerPool *pool) {
        pool->excused_usec = clock_usec(CLOCK_MONOTONIC);
}

static void kill_late(WorkerPool *pool, uint64_t timeout_usec, uint64_t now) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uint32_t number = backlog_worker(pool->ledger, i);

                if (!has_deadline(pool, i, number) || call_deadline(pool, i, timeout_usec) > now)
                        continue;
                ledger_set_overdue(pool->ledger, i, true);
                process_kill(&pool->members[number].process, now);
                if (pool->receiver == number)
                        set_receiver(pool, LEDGER_NO_RECEIVER);
        }
}

/* Is the request overdue, and does its worker hang, so that only the daemon can answer it? */
static bool is_unanswered(const WorkerPool *pool, uint32_t index, uint64_t now) {
        uint32_t number = backlog_worker(pool->ledger, index);
        const Slot *slot;

        if (number == LEDGER_WORKERS || !ledger_is_overdue(pool->ledger, index) ||
                !process_hangs(&pool->members[number].process, now))
                return false;
        slot = ledger_slot(pool->ledger, index);
        return slot_phase(slot) != SLOT_EMPTY && !reject_is_finished(slot);
}

static void tell_of_hanging(WorkerPool *pool, uint64_t now) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (is_unanswered(pool, i, now))
                        pool->owner->on_unanswered(i, pool->userdata);
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++) {
                WorkerProcess *process = &pool->members[i].process;

                if (!process_hangs(process, now) || process->said_hang)
                        continue;
                process->said_hang = true;
                pool->owner->on_hangs(process->pid, pool_count_hanging(pool), pool->userdata);
        }
}

/* A worker that missed the signal, between looking for requests and RECV, sleeps in RECV, where it can do no
 * harm but stay.  If it takes a request on its way out, the slot that it holds tells. */
static void kill_stragglers(WorkerPool *pool, bool is_over, uint64_t now) {
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++) {
                WorkerProcess *process = &pool->members[i].process;

                if (process->pid > 0 && process->retired_usec != 0 &&
                        now - process->retired_usec >= RETIRE_USEC &&
                        (is_over || !(backlog_has_request(pool->ledger, i) ||
                                            backlog_has_records(pool->ledger, i))))
                        process_kill(process, now);
        }
}

static bool is_unwatched(const WorkerProcess *process) {
        return process->pid != 0 && !process->source;
}

void pool_enforce(WorkerPool *pool, uint64_t call_timeout_usec, bool is_over) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (is_unwatched(&pool->members[i].process))
                        replace_process(pool, i);
        kill_late(pool, call_timeout_usec, now);
        tell_of_hanging(pool, now);
        kill_stragglers(pool, is_over, now);
        dismiss_rejecting(pool);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static uint64_t process_deadline(const WorkerProcess *process, uint64_t now) {
        uint64_t at = UINT64_MAX;

        if (process->pid == 0)
                return at;
        if (is_unwatched(process))
                at = now + ADOPTED_USEC;
        if (process->killed_usec != 0)
                return process->said_hang ? at : earlier(at, process->killed_usec + PROCESS_HANG_USEC);
        if (process->retired_usec != 0) {
                uint64_t due = process->retired_usec + RETIRE_USEC;

                /* Past that it has a request in hand; it may miss the signal after that, too. */
                at = earlier(at, due > now ? due : now + RETIRE_USEC);
        }
        return at;
}

uint64_t pool_next_deadline(const WorkerPool *pool, uint64_t call_timeout_usec) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC), at = UINT64_MAX;

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                at = earlier(at, process_deadline(&pool->members[i].process, now));
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (has_deadline(pool, i, backlog_worker(pool->ledger, i)))
                        at = earlier(at, call_deadline(pool, i, call_timeout_usec));
        return at;
}
