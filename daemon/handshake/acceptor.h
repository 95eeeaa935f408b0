/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The acceptor: a process that lives as long as the policy, and accepts each connection quickly.
 *
 *      launcher --connection--> acceptor --connection, ticket--> handover socket --> verifier
 *                                  |  ^
 *                  AcceptorMessage |  | AcceptorChange
 *                                  v  |
 *                                 daemon
 *
 * It finds out whose each connection is, refuses what is too much, and hands the others over: one of each
 * account in turn, and few of an account at a time, so that no account keeps another waiting.  It reads
 * nothing that a launcher says, and takes no descriptor from one.
 *
 * To close a connection is to close the descriptors that lie in it unread, which can hang.  So the acceptor
 * closes its copy of a connection that it has handed over before the daemon forks the process that gets it.
 * And it closes one that it refuses only after it has seen that there are no descriptors in it: see
 * connection_drain().
 *
 * Since Linux 6.16 the acceptor forbids descriptors.  Before, refused connections with descriptors pile up
 * in it: those of an account whose verifiers hang, which gets no further one.  An acceptor that is
 * full of them accepts no more, and says so.  The daemon starts another, and has this one end.  The kernel
 * then closes what is in it, which may hang, too. */

#include <assert.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/protocol.h"
#include "common/sandbox.h"
#include "handshake/subordinate-ids.h"
#include "policy/limits.h"

/* How many verifiers one account has at once, with those that hang.  A handshake takes a
 * millisecond: further connections wait for their turn. */
#define ACCEPTOR_ACCOUNT_MAX 4U

/* How many connections are with verifiers at once. */
#define ACCEPTOR_TOTAL_MAX 128U

/* The upper half of a ticket's number says which acceptor wrote it: see first_number. */
#define ACCEPTOR_GENERATION_SHIFT 32

/* Goes with a connection. */
typedef struct AcceptorTicket {
        uint64_t number; /* one more for each */
        uint32_t account;
        uint32_t is_refused; /* the verifier only closes it */
} AcceptorTicket;
static_assert(sizeof(AcceptorTicket) == 16, "crosses a process boundary");

typedef enum AcceptorMessageKind {
        ACCEPTOR_HANDED_OVER = 1, /* the connection with ticket `number` is in the handover socket */
        ACCEPTOR_REFUSED,         /* `text`, if any, tells why; `suppressed` more were refused */
        ACCEPTOR_FAILED,          /* cannot accept: `number` is an errno */
        ACCEPTOR_FULL,            /* accepts no more: it holds too many connections that it cannot close */
        ACCEPTOR_HOLDS, /* ends with such connections: `number` of `account`, which has most of them */
} AcceptorMessageKind;

typedef struct AcceptorMessage {
        uint32_t kind; /* AcceptorMessageKind */
        uint32_t pid;
        uint32_t uid;
        uint32_t account;
        uint64_t number;
        uint64_t suppressed;
        char text[PROTOCOL_TEXT_SIZE];
} AcceptorMessage;
static_assert(sizeof(AcceptorMessage) == 544, "crosses a process boundary");

/* What the acceptor is to add to its counts of an account. */
typedef struct AcceptorChange {
        uint32_t account;
        int32_t at_work; /* verifiers that do not hang */
        int32_t hanging; /* processes that hang in what the account sent */
        uint32_t reserved;
} AcceptorChange;
static_assert(sizeof(AcceptorChange) == 16, "crosses a process boundary");

typedef struct AcceptorArguments {
        int socket_fd;   /* listening */
        int handover_fd; /* SOCK_SEQPACKET: for AcceptorTickets */
        int daemon_fd; /* SOCK_SEQPACKET: AcceptorMessages and AcceptorChanges; the acceptor ends when it is
                          shut down */
        uint64_t first_number;   /* of its tickets */
        AcceptorChange *changes; /* what it is to count from the beginning */
        size_t n_changes;
        const Limits *limits;
        const SubordinateIds *subordinates;
        const Sandbox *sandbox;
} AcceptorArguments;

/* Has the kernel forbid descriptors on connections that are still to come (Linux 6.16; an older one does
 * nothing). */
void acceptor_prepare_socket(int socket_fd);

/* Runs until the daemon shuts its end down.  Returns the exit status. */
int acceptor_run(const AcceptorArguments *arguments);
