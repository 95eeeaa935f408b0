/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps account of a session's workers.  Run by the daemon.  A Crew owns the mapping of the ledger and the
 * event sources of its workers.  Must never let two of them be receivers. */

#include "crew.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "common/clock.h"

/* A retired worker that has nothing in hand has this long to go; then it is killed, which costs nothing. */
#define RETIRE_USEC 2000000U

int crew_new(int ledger_fd, Crew **ret) {
        Crew *crew;
        int r;

        /* Not from the heap: crews come and go between what stays, and would leave holes all over it. */
        crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (crew == MAP_FAILED)
                return -ENOMEM;
        crew->ledger_fd = ledger_fd;
        crew->receiver = LEDGER_NO_RECEIVER;
        r = ledger_map(ledger_fd, &crew->ledger);
        if (r < 0) {
                crew_free(crew);
                return r;
        }
        *ret = crew;
        return 0;
}

Crew *crew_free(Crew *crew) {
        if (!crew)
                return NULL;
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                sd_event_source_unref(crew->mates[i].source);
        ledger_unmap(crew->ledger);
        (void)munmap(crew, sizeof(*crew));
        return NULL;
}

void crew_set_receiver(Crew *crew, uint32_t slot) {
        crew->receiver = slot;
        atomic_store_explicit(&ledger_header(crew->ledger)->receiver, slot, memory_order_release);
}

/* Not through the mapping: to look at a slot that nobody uses would give it memory. */
static bool slot_is_idle(const Crew *crew, uint32_t slot) {
        return ledger_slot_is_idle(crew->ledger_fd, slot, NULL);
}

CrewOrphan crew_find_orphan(const Crew *crew, uint32_t slot) {
        bool has_records;

        if (crew->mates[slot].pid != 0 || ledger_slot_is_idle(crew->ledger_fd, slot, &has_records))
                return CREW_NO_ORPHAN;
        return has_records ? CREW_RECORDS : CREW_REQUEST;
}

uint32_t crew_find_free(const Crew *crew) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (crew->mates[i].pid == 0 && slot_is_idle(crew, i))
                        return i;
        return LEDGER_NO_RECEIVER;
}

bool crew_is_stalled(const Crew *crew) {
        return crew->receiver != LEDGER_NO_RECEIVER &&
               slot_busy_usec(ledger_slot(crew->ledger, crew->receiver), clock_usec(CLOCK_MONOTONIC)) >=
                       CREW_STALL_USEC;
}

static void mate_retire(Mate *mate) {
        if (mate->pid == 0)
                return;
        if (mate->retired_usec == 0)
                mate->retired_usec = clock_usec(CLOCK_MONOTONIC);
        (void)kill(mate->pid, SIGTERM);
}

void crew_relieve_receiver(Crew *crew) {
        if (crew->receiver == LEDGER_NO_RECEIVER)
                return;
        crew->mates[crew->receiver].retired_usec = clock_usec(CLOCK_MONOTONIC);
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
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                mate_retire(&crew->mates[i]);
}

/* One that missed the signal, between looking for requests and RECV, sleeps in RECV, where it can do no harm
 * but stay.  Should it take a request on its way out, its slot tells. */
void crew_kill_stragglers(Crew *crew, bool over_requests) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                Mate *mate = &crew->mates[i];

                if (mate->pid > 0 && mate->retired_usec != 0 && now - mate->retired_usec > RETIRE_USEC &&
                        (over_requests || slot_is_idle(crew, i))) {
                        mate->killed = true;
                        (void)kill(mate->pid, SIGKILL);
                }
        }
}
