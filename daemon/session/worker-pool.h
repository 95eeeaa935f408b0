/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session's workers, of whom one at most may receive.  Only a session that has workers, or needs one, has
 * a crew: an idle session should cost next to nothing. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "common/ledger.h"

/* A call that takes longer than this no longer holds up those behind it. */
#define CREW_STALL_USEC 10000U

/* Who isn't gone so long after SIGKILL hangs in the kernel: in a file system that doesn't answer. */
#define CREW_HANG_USEC 1000000U

typedef struct Mate {
        pid_t pid;               /* 0: there is none */
        sd_event_source *source; /* NULL: not our child, see crew_adopt() */
        uint64_t retired_usec;   /* CLOCK_MONOTONIC; 0: in service */
        uint64_t killed_usec;    /* by us, which is no death to speak of; 0: it wasn't */
        bool said_hang;
        void *userdata;
} Mate;

typedef struct Crew {
        Ledger *ledger;
        int ledger_fd; /* the session's */
        /* Its number, or LEDGER_NO_RECEIVER; the ledger's copy is for the workers to read. */
        uint32_t receiver;
        uint32_t n_mates;
        Mate mates[LEDGER_WORKERS]; /* by number */
} Crew;

/* Maps the ledger, whose fd stays the caller's, and adopts who is at work on it: systemd starts a daemon
 * without waiting for the workers of the one before, for they may hang.  Returns 0 or a negative errno.
 * crew_free() takes NULL and returns NULL; workers that are left go on without us. */
int crew_new(int ledger_fd, Crew **ret);
Crew *crew_free(Crew *crew);

void crew_set_receiver(Crew *crew, uint32_t number);

/* What a worker that is no more has left: it died over it, or the daemon did. */
typedef enum CrewOrphan {
        CREW_NO_ORPHAN,
        CREW_REQUEST,
        CREW_RECORDS, /* unsent ones, and no request */
} CrewOrphan;

CrewOrphan crew_find_orphan(const Crew *crew, uint32_t number);

/* Does a request wait for the receiver in the ledger, apart from those in the kernel? */
bool crew_has_waiting(const Crew *crew);

/* Does the knock still wait for its answer?  Nothing else waits with its answer there. */
bool crew_has_knock(const Crew *crew);

/* Returns the number of a worker that isn't and has left nothing; LEDGER_REFUSER where all others hang; or
 * LEDGER_NO_RECEIVER where the crew is complete. */
uint32_t crew_find_free(const Crew *crew);

/* Is somebody at work as this number who isn't our child - a worker of a daemon before us, or the deputy of
 * one that is dead?  Until it is gone too nobody takes its place: it may still be about to act.  It is
 * killed, and counts as the mate, which must have no process of ours.  Returns whether there is somebody; to
 * be asked again now and then (crew_find_bereft()), for nobody tells us of its end. */
bool crew_adopt(Crew *crew, uint32_t number);

/* Returns the number of an adopted mate that is gone now, or LEDGER_NO_RECEIVER. */
uint32_t crew_find_bereft(Crew *crew);

/* Kills those that have been at one request for longer than that, and marks it overdue. */
void crew_kill_late(Crew *crew, uint64_t timeout_usec);

/* Returns the slot of an overdue request whose worker hangs, so that nobody answers it, or LEDGER_SLOTS. */
uint32_t crew_find_forsaken(const Crew *crew);

/* Does this mate hang, killed in vain?  How many do? */
bool crew_mate_hangs(const Crew *crew, uint32_t number);
uint32_t crew_count_hanging(const Crew *crew);

/* Has the receiver been at one request for longer than CREW_STALL_USEC, or, at none, let one wait as long?
 */
bool crew_is_stalled(const Crew *crew);

/* Nobody is the receiver any more; who was leaves, when it has done with the request in hand if it has one.
 */
void crew_relieve_receiver(Crew *crew);

/* Nobody is the receiver any more; who was finishes what it has in hand, if it has anything, and leaves. */
void crew_retire_receiver(Crew *crew);
/* The same for all of them, also those that wait for a delay to be over. */
void crew_retire_all(Crew *crew);

/* To be called now and then while workers are retired: kills those that should have left and didn't, even
 * over a request where that doesn't matter to anybody any more. */
void crew_kill_stragglers(Crew *crew, bool over_requests);
/* All of them. */
void crew_kill_all(Crew *crew);
