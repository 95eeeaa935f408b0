/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The acceptor that accepts launchers, and retired ones: those before it, which are to end and still run.
 *
 * The daemon replaces an acceptor whose policy is not the newest, and one that is full of connections which
 * it cannot close (see acceptor.h).  A retired acceptor that does not end within a second hangs in what a
 * launcher sent.  It then counts, as a hanging verifier does, for the account that has most of what
 * it holds, and that account gets no session.  Where as many as may are retired and still run, hanging or
 * not, the daemon replaces none until one of them ends. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "common/report.h"
#include "handshake/acceptor.h"

/* Each can hold 16384 connections, of some 5 KB in the kernel. */
#define ACCEPTORS_RETIRED_MAX 8U

typedef struct Acceptors Acceptors;

/* Lent by the owner for as long as they live. */
typedef struct AcceptorsContext {
        sd_event *event;
        Report *report;
        /* Fills in the arguments of a new acceptor, but for daemon_fd and first_number.  Returns 0 or a
         * negative errno.  release() frees what it has allocated. */
        int (*prepare)(AcceptorArguments *ret, void *userdata);
        void (*release)(AcceptorArguments *arguments, void *userdata);
        /* A message that concerns the owner.  is_current: it is from the acceptor that accepts. */
        void (*on_message)(const AcceptorMessage *message, bool is_current, void *userdata);
        /* The acceptor that accepted has died.  It may have handed over one connection more than it
         * announced. The owner calls acceptors_start(): at once, or later, because it had not lived long. */
        void (*on_death)(bool at_once, void *userdata);
        /* The daemon could not start the next one: the owner calls acceptors_start() later. */
        void (*on_failure)(int error, void *userdata);
        /* What acceptors_trouble() returns has changed. */
        void (*on_trouble)(void *userdata);
        void *userdata;
} AcceptorsContext;

/* Starts the first one.  Returns 0 or a negative errno.  acceptors_free() takes NULL and returns NULL. Those
 * that still run then send their launchers away, and end. */
int acceptors_new(const AcceptorsContext *context, Acceptors **ret);
Acceptors *acceptors_free(Acceptors *acceptors);

/* Starts one if none accepts; otherwise does nothing. */
void acceptors_start(Acceptors *acceptors);

/* The policy or the subordinate uids are new: replaces the one that accepts. */
void acceptors_renew(Acceptors *acceptors);

/* Sends a change to the one that accepts. */
void acceptors_change(Acceptors *acceptors, const AcceptorChange *change);

/* For the status line: "", or why no launcher is accepted, which ends in "; ". */
const char *acceptors_trouble(const Acceptors *acceptors);
