/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps account of a session's workers.  Run by the daemon.  A Crew owns the mapping of the ledger and the
 * event sources of its workers.  Must never let two of them be receivers. */

#include "session/worker-pool.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ownership.h"
#include "common/privileges.h"

/* A retired worker that has nothing in hand has this long to go; then it is killed, which costs nothing. */
#define RETIRE_USEC 2000000U

int crew_new(int ledger_fd, Crew **ret) {
        Crew *crew;
        int r;

        /* Not from the heap: crews come and go between what stays, and would leave holes all over it. */
        crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (crew == MAP_FAILED)
                return -ENOMEM;
        crew->receiver = LEDGER_NO_RECEIVER;
        crew->ledger_fd = ledger_fd;
        r = ledger_map(ledger_fd, &crew->ledger);
        if (r < 0) {
                crew_free(crew);
                return r;
        }
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                (void)crew_adopt(crew, i);
        *ret = crew;
        return 0;
}

Crew *crew_free(Crew *crew) {
        if (!crew)
                return NULL;
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                sd_event_source_unref(crew->mates[i].source);
        ledger_unmap(crew->ledger);
        (void)munmap(crew, sizeof(*crew));
        return NULL;
}

void crew_set_receiver(Crew *crew, uint32_t number) {
        crew->receiver = number;
        atomic_store_explicit(&ledger_header(crew->ledger)->receiver, number, memory_order_release);
}

static uint32_t holder(const Crew *crew, uint32_t slot) {
        return atomic_load(&ledger_header(crew->ledger)->holders[slot]);
}

static bool has_records(const Crew *crew, uint32_t number) {
        const Outbox outbox = ledger_outbox(crew->ledger, number);

        return !outbox_is_empty(&outbox);
}

static bool holds_slot(const Crew *crew, uint32_t number) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (holder(crew, i) == number + 1)
                        return true;
        return false;
}

/* One that was about to receive holds a slot too. */
static bool has_request(const Crew *crew, uint32_t number) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (holder(crew, i) == number + 1 && slot_phase(ledger_slot(crew->ledger, i)) != SLOT_EMPTY)
                        return true;
        return false;
}

CrewOrphan crew_find_orphan(const Crew *crew, uint32_t number) {
        if (crew->mates[number].pid != 0)
                return CREW_NO_ORPHAN;
        if (holds_slot(crew, number))
                return CREW_REQUEST;
        return has_records(crew, number) ? CREW_RECORDS : CREW_NO_ORPHAN;
}

bool crew_has_waiting(const Crew *crew) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (holder(crew, i) == SLOT_WAITING)
                        return true;
        return false;
}

bool crew_has_knock(const Crew *crew) {
        return holder(crew, 0) == SLOT_WAITING && slot_phase(ledger_slot(crew->ledger, 0)) == SLOT_DONE;
}

static bool is_free(const Crew *crew, uint32_t number) {
        return crew->mates[number].pid == 0 && crew_find_orphan(crew, number) == CREW_NO_ORPHAN;
}

uint32_t crew_find_free(const Crew *crew) {
        for (uint32_t i = 0; i < LEDGER_REFUSER; i++)
                if (is_free(crew, i))
                        return i;
        if (crew_count_hanging(crew) >= LEDGER_REFUSER && is_free(crew, LEDGER_REFUSER))
                return LEDGER_REFUSER;
        return LEDGER_NO_RECEIVER;
}

bool crew_mate_hangs(const Crew *crew, uint32_t number) {
        const Mate *mate = &crew->mates[number];

        return mate->pid != 0 && mate->killed_usec != 0 &&
               clock_usec(CLOCK_MONOTONIC) - mate->killed_usec >= CREW_HANG_USEC;
}

uint32_t crew_count_hanging(const Crew *crew) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                n += crew_mate_hangs(crew, i);
        return n;
}

bool crew_is_stalled(const Crew *crew) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC), held = 0, waiting = 0;
        bool holds = false;

        if (crew->receiver == LEDGER_NO_RECEIVER)
                return false;
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uint32_t who = holder(crew, i);
                uint64_t usec;

                if (who != crew->receiver + 1 && who != SLOT_WAITING)
                        continue;
                usec = slot_busy_usec(ledger_slot(crew->ledger, i), now);
                if (who == SLOT_WAITING)
                        waiting = usec > waiting ? usec : waiting;
                else if (usec > 0) {
                        holds = true;
                        held = usec;
                }
        }
        /* What waits behind quick requests is only late. */
        return (holds ? held : waiting) >= CREW_STALL_USEC;
}

static void mate_retire(Mate *mate) {
        if (!mate->source)
                return;
        if (mate->retired_usec == 0)
                mate->retired_usec = clock_usec(CLOCK_MONOTONIC);
        (void)kill(mate->pid, SIGTERM);
}

void crew_relieve_receiver(Crew *crew) {
        if (crew->receiver == LEDGER_NO_RECEIVER)
                return;
        crew->mates[crew->receiver].retired_usec = clock_usec(CLOCK_MONOTONIC);
        /* It sleeps while a request waits in the ledger, which somebody else has received.  Left asleep it
         * would wake with its successor, and receive in its place. */
        if (!has_request(crew, crew->receiver))
                (void)kill(crew->mates[crew->receiver].pid, SIGTERM);
        crew_set_receiver(crew, LEDGER_NO_RECEIVER);
}

void crew_retire_receiver(Crew *crew) {
        uint32_t receiver = crew->receiver;

        crew_relieve_receiver(crew);
        if (receiver != LEDGER_NO_RECEIVER)
                mate_retire(&crew->mates[receiver]);
}

void crew_retire_all(Crew *crew) {
        crew_set_receiver(crew, LEDGER_NO_RECEIVER);
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                mate_retire(&crew->mates[i]);
}

static void mate_kill(Mate *mate) {
        if (mate->killed_usec == 0)
                mate->killed_usec = clock_usec(CLOCK_MONOTONIC);
        if (mate->source) /* else crew_adopt() has done so */
                (void)kill(mate->pid, SIGKILL);
}

/* The pid may be somebody else's by now; but not any more if it still has signed on when we hold it. */
static void kill_signed_on(int ledger_fd, uint32_t number, pid_t pid) {
        _cleanup_close_ int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);

        if (pid_fd < 0 || ledger_find_signed_on(ledger_fd, number) != pid)
                return;
        privileges_raise(CAP_KILL); /* a deputy has its caller's user */
        (void)syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, NULL, 0);
        privileges_lower();
}

bool crew_adopt(Crew *crew, uint32_t number) {
        pid_t pid = ledger_find_signed_on(crew->ledger_fd, number);
        Mate *mate = &crew->mates[number];

        crew->n_mates -= mate->pid != 0;
        if (pid == 0) {
                *mate = (Mate){};
                return false;
        }
        if (pid > 0)
                kill_signed_on(crew->ledger_fd, number, pid);
        if (mate->killed_usec == 0)
                mate->killed_usec = clock_usec(CLOCK_MONOTONIC);
        mate->pid = pid > 0 ? pid : -1;
        crew->n_mates++;
        return true;
}

uint32_t crew_find_bereft(Crew *crew) {
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (crew->mates[i].pid != 0 && !crew->mates[i].source && !crew_adopt(crew, i))
                        return i;
        return LEDGER_NO_RECEIVER;
}

void crew_kill_late(Crew *crew, uint64_t timeout_usec) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uint32_t number = holder(crew, i) - 1;

                if (number >= LEDGER_WORKERS || crew->mates[number].pid == 0 ||
                        ledger_is_overdue(crew->ledger, i) ||
                        ledger_working_usec(crew->ledger, i, now) < timeout_usec)
                        continue;
                ledger_set_overdue(crew->ledger, i, true);
                mate_kill(&crew->mates[number]);
        }
}

static bool is_answered(const Crew *crew, uint32_t slot) {
        SlotPhase phase = slot_phase(ledger_slot(crew->ledger, slot));

        return phase == SLOT_EMPTY || phase == SLOT_DONE;
}

uint32_t crew_find_forsaken(const Crew *crew) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uint32_t number = holder(crew, i) - 1;

                /* The slot last: to look into one that nobody uses gives it memory. */
                if (number < LEDGER_WORKERS && ledger_is_overdue(crew->ledger, i) &&
                        crew_mate_hangs(crew, number) && !is_answered(crew, i))
                        return i;
        }
        return LEDGER_SLOTS;
}

/* One that missed the signal, between looking for requests and RECV, sleeps in RECV, where it can do no harm
 * but stay.  Should it take a request on its way out, the slot that it holds tells. */
void crew_kill_stragglers(Crew *crew, bool over_requests) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++) {
                Mate *mate = &crew->mates[i];

                if (mate->pid > 0 && mate->retired_usec != 0 && now - mate->retired_usec > RETIRE_USEC &&
                        (over_requests || !(has_request(crew, i) || has_records(crew, i)))) {
                        mate_kill(mate);
                }
        }
}

void crew_kill_all(Crew *crew) {
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (crew->mates[i].pid != 0)
                        mate_kill(&crew->mates[i]);
}
