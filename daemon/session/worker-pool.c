/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps account of a session's workers.  Run by the daemon.  A WorkerPool owns the mapping of the ledger and
 * the event sources of its workers.  Must never let two of them be receivers. */

#include "session/worker-pool.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ownership.h"
#include "common/privileges.h"
#include "worker/reject.h"

/* A retired worker that has nothing in hand has this long to go; then it is killed, which costs nothing. */
#define RETIRE_USEC 2000000U

int pool_new(int ledger_fd, WorkerPool **ret) {
        WorkerPool *pool;
        int r;

        /* Not from the heap: pools come and go between what stays, and would leave holes all over it. */
        pool = mmap(NULL, sizeof(*pool), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pool == MAP_FAILED)
                return -ENOMEM;
        pool->receiver = LEDGER_NO_RECEIVER;
        pool->ledger_fd = ledger_fd;
        r = ledger_map(ledger_fd, &pool->ledger);
        if (r < 0) {
                pool_free(pool);
                return r;
        }
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                (void)pool_adopt(pool, i);
        *ret = pool;
        return 0;
}

WorkerPool *pool_free(WorkerPool *pool) {
        if (!pool)
                return NULL;
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                sd_event_source_unref(pool->processes[i].source);
        ledger_unmap(pool->ledger);
        (void)munmap(pool, sizeof(*pool));
        return NULL;
}

void pool_set_receiver(WorkerPool *pool, uint32_t number) {
        pool->receiver = number;
        atomic_store_explicit(&ledger_header(pool->ledger)->receiver, number, memory_order_release);
}

static uint32_t holder(const WorkerPool *pool, uint32_t slot) {
        return atomic_load(&ledger_header(pool->ledger)->holders[slot]);
}

static bool has_records(const WorkerPool *pool, uint32_t number) {
        const Outbox outbox = ledger_outbox(pool->ledger, number);

        return !outbox_is_empty(&outbox);
}

static bool holds_slot(const WorkerPool *pool, uint32_t number) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (holder(pool, i) == number + 1)
                        return true;
        return false;
}

/* One that was about to receive holds a slot too. */
static bool has_request(const WorkerPool *pool, uint32_t number) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (holder(pool, i) == number + 1 && slot_phase(ledger_slot(pool->ledger, i)) != SLOT_EMPTY)
                        return true;
        return false;
}

PoolUnfinished pool_unfinished(const WorkerPool *pool, uint32_t number) {
        if (pool->processes[number].pid != 0)
                return POOL_FINISHED;
        if (holds_slot(pool, number))
                return POOL_UNFINISHED_REQUEST;
        return has_records(pool, number) ? POOL_UNFINISHED_RECORDS : POOL_FINISHED;
}

bool pool_has_waiting(const WorkerPool *pool) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (holder(pool, i) == SLOT_WAITING)
                        return true;
        return false;
}

bool pool_has_knock(const WorkerPool *pool) {
        return holder(pool, 0) == SLOT_WAITING && slot_phase(ledger_slot(pool->ledger, 0)) == SLOT_DONE;
}

static bool is_free(const WorkerPool *pool, uint32_t number) {
        return pool->processes[number].pid == 0 && pool_unfinished(pool, number) == POOL_FINISHED;
}

uint32_t pool_find_free(const WorkerPool *pool) {
        for (uint32_t i = 0; i < LEDGER_REJECTING; i++)
                if (is_free(pool, i))
                        return i;
        if (pool_count_hanging(pool) >= LEDGER_REJECTING && is_free(pool, LEDGER_REJECTING))
                return LEDGER_REJECTING;
        return LEDGER_NO_RECEIVER;
}

bool pool_process_hangs(const WorkerPool *pool, uint32_t number) {
        const WorkerProcess *process = &pool->processes[number];

        return process->pid != 0 && process->killed_usec != 0 &&
               clock_usec(CLOCK_MONOTONIC) - process->killed_usec >= POOL_HANG_USEC;
}

uint32_t pool_count_hanging(const WorkerPool *pool) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                n += pool_process_hangs(pool, i);
        return n;
}

bool pool_is_stalled(const WorkerPool *pool) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC), held = 0, waiting = 0;
        bool holds = false;

        if (pool->receiver == LEDGER_NO_RECEIVER)
                return false;
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uint32_t who = holder(pool, i);
                uint64_t usec;

                if (who != pool->receiver + 1 && who != SLOT_WAITING)
                        continue;
                usec = slot_busy_usec(ledger_slot(pool->ledger, i), now);
                if (who == SLOT_WAITING)
                        waiting = usec > waiting ? usec : waiting;
                else if (usec > 0) {
                        holds = true;
                        held = usec;
                }
        }
        /* What waits behind quick requests is only late. */
        return (holds ? held : waiting) >= POOL_STALL_USEC;
}

static void process_retire(WorkerProcess *process) {
        if (!process->source)
                return;
        if (process->retired_usec == 0)
                process->retired_usec = clock_usec(CLOCK_MONOTONIC);
        (void)kill(process->pid, SIGTERM);
}

void pool_relieve_receiver(WorkerPool *pool) {
        if (pool->receiver == LEDGER_NO_RECEIVER)
                return;
        pool->processes[pool->receiver].retired_usec = clock_usec(CLOCK_MONOTONIC);
        /* It sleeps while a request waits in the ledger, which somebody else has received.  Left asleep it
         * would wake with its successor, and receive in its place. */
        if (!has_request(pool, pool->receiver))
                (void)kill(pool->processes[pool->receiver].pid, SIGTERM);
        pool_set_receiver(pool, LEDGER_NO_RECEIVER);
}

void pool_retire_receiver(WorkerPool *pool) {
        uint32_t receiver = pool->receiver;

        pool_relieve_receiver(pool);
        if (receiver != LEDGER_NO_RECEIVER)
                process_retire(&pool->processes[receiver]);
}

void pool_retire_all(WorkerPool *pool) {
        pool_set_receiver(pool, LEDGER_NO_RECEIVER);
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                process_retire(&pool->processes[i]);
}

static void process_kill(WorkerProcess *process) {
        if (process->killed_usec == 0)
                process->killed_usec = clock_usec(CLOCK_MONOTONIC);
        if (process->source) /* else pool_adopt() has done so */
                (void)kill(process->pid, SIGKILL);
}

/* The pid may be somebody else's by now; but not any more if it still has signed on when we hold it. */
static void kill_signed_on(int ledger_fd, uint32_t number, pid_t pid) {
        _cleanup_close_ int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);

        if (pid_fd < 0 || ledger_lock_holder(ledger_fd, number) != pid)
                return;
        privileges_raise(CAP_KILL); /* a helper has its caller's user */
        (void)syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, NULL, 0);
        privileges_lower();
}

bool pool_adopt(WorkerPool *pool, uint32_t number) {
        pid_t pid = ledger_lock_holder(pool->ledger_fd, number);
        WorkerProcess *process = &pool->processes[number];

        pool->n_processes -= process->pid != 0;
        if (pid == 0) {
                *process = (WorkerProcess){};
                return false;
        }
        if (pid > 0)
                kill_signed_on(pool->ledger_fd, number, pid);
        if (process->killed_usec == 0)
                process->killed_usec = clock_usec(CLOCK_MONOTONIC);
        process->pid = pid > 0 ? pid : -1;
        pool->n_processes++;
        return true;
}

uint32_t pool_reap_adopted(WorkerPool *pool) {
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (pool->processes[i].pid != 0 && !pool->processes[i].source && !pool_adopt(pool, i))
                        return i;
        return LEDGER_NO_RECEIVER;
}

void pool_kill_late(WorkerPool *pool, uint64_t timeout_usec) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uint32_t number = holder(pool, i) - 1;

                if (number >= LEDGER_WORKERS || pool->processes[number].pid == 0 ||
                        ledger_is_overdue(pool->ledger, i) ||
                        ledger_working_usec(pool->ledger, i, now) < timeout_usec)
                        continue;
                ledger_set_overdue(pool->ledger, i, true);
                process_kill(&pool->processes[number]);
        }
}

static bool is_answered(const WorkerPool *pool, uint32_t index) {
        const Slot *slot = ledger_slot(pool->ledger, index);

        return slot_phase(slot) == SLOT_EMPTY || reject_is_finished(slot);
}

uint32_t pool_find_unanswered(const WorkerPool *pool, uint32_t from) {
        for (uint32_t i = from; i < LEDGER_SLOTS; i++) {
                uint32_t number = holder(pool, i) - 1;

                /* The slot last: to look into one that nobody uses gives it memory. */
                if (number < LEDGER_WORKERS && ledger_is_overdue(pool->ledger, i) &&
                        pool_process_hangs(pool, number) && !is_answered(pool, i))
                        return i;
        }
        return LEDGER_SLOTS;
}

/* One that missed the signal, between looking for requests and RECV, sleeps in RECV, where it can do no harm
 * but stay.  Should it take a request on its way out, the slot that it holds tells. */
void pool_kill_stragglers(WorkerPool *pool, bool over_requests) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++) {
                WorkerProcess *process = &pool->processes[i];

                if (process->pid > 0 && process->retired_usec != 0 &&
                        now - process->retired_usec > RETIRE_USEC &&
                        (over_requests || !(has_request(pool, i) || has_records(pool, i)))) {
                        process_kill(process);
                }
        }
}

void pool_kill_all(WorkerPool *pool) {
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (pool->processes[i].pid != 0)
                        process_kill(&pool->processes[i]);
}
