/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The acceptor that accepts launchers, and those before it, which have been told to end and still run.
 *
 * An acceptor is replaced when it has another policy than the daemon, and when it is full of connections
 * that it cannot close (see acceptor.h).  One that does not end within a second hangs in what a launcher
 * sent.  It then counts as hanging for the account that has most of what it holds, as a vetting child does,
 * and that account gets no session.  Where as many acceptors as may be run, hanging or not, none is replaced
 * until one of them ends. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "common/report.h"
#include "handshake/acceptor.h"

/* Each can hold 16384 connections, of some 5 KB in the kernel. */
#define ACCEPTORS_RETIRED_MAX 8U

/* A ticket's number above these bits tells which acceptor wrote it. */
#define ACCEPTORS_GENERATION_SHIFT 32

typedef struct Acceptors Acceptors;

/* What the owner lends for as long as they live. */
typedef struct AcceptorsContext {
        sd_event *event;
        Report *report;
        /* Fills in what an acceptor that begins has to know, but for daemon_fd and first_number; frees what
         * it allocates in release().  Returns 0 or a negative errno. */
        int (*prepare)(AcceptorArguments *ret, void *userdata);
        void (*release)(AcceptorArguments *arguments, void *userdata);
        /* is_current: the acceptor that accepts sent it. */
        void (*on_message)(const AcceptorMessage *message, bool is_current, void *userdata);
        /* The one that accepted has died, and may have handed over one connection more than it announced.
         * The owner calls acceptors_start(); at_once: it had lived for a while. */
        void (*on_death)(bool at_once, void *userdata);
        /* There is none, and the next could not be started: the owner calls acceptors_start() later. */
        void (*on_failure)(int error, void *userdata);
        /* What acceptors_trouble() says has changed. */
        void (*on_trouble)(void *userdata);
        void *userdata;
} AcceptorsContext;

/* Starts the first.  Returns 0 or a negative errno.  acceptors_free() takes NULL and returns NULL; those
 * that still run send their launchers away and end. */
int acceptors_new(const AcceptorsContext *context, Acceptors **ret);
Acceptors *acceptors_free(Acceptors *acceptors);

/* Starts one if none accepts; otherwise does nothing. */
void acceptors_start(Acceptors *acceptors);

/* Replaces the one that accepts, which has another policy or other subordinate uids than the daemon. */
void acceptors_renew(Acceptors *acceptors);

/* Tells the one that accepts what becomes of an account's connections. */
void acceptors_change(Acceptors *acceptors, const AcceptorChange *change);

/* For the status line: "", or why no launcher is accepted, which ends in "; ". */
const char *acceptors_trouble(const Acceptors *acceptors);
