/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The acceptor: a process that lives as long as the policy, and accepts connections quickly, whatever they
 * are.
 *
 *      launcher --connection--> acceptor --connection, ticket--> handover socket --> vetting child
 *                                  |  ^
 *                  AcceptorMessage |  | AcceptorChange
 *                                  v  |
 *                                 daemon
 *
 * It looks whose each connection is, refuses what is too much, and hands the others over by turns, so that
 * no account keeps another waiting: of each account few at a time.  It reads nothing that a launcher says,
 * and takes no file descriptor from one.
 *
 * Closing a connection closes the descriptors that lie in it unread, which can hang.  So the acceptor closes
 * its copy of a connection before the child that is to have it is forked, and never one that it refuses
 * before it has seen that nothing of that kind is in it: see acceptor.c.
 *
 * Before Linux 6.16, which lets it forbid descriptors, such connections pile up in it: those of an account
 * whose children hang, which gets no further child.  An acceptor that is full of them accepts no more, and
 * says so; the daemon starts another, and has this one end.  The kernel closes what is in it then, which may
 * hang, too. */

#include <assert.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/protocol.h"
#include "common/sandbox.h"
#include "handshake/subordinate-ids.h"
#include "policy/limits.h"

/* How many connections of one account are with vetting children at once, and how many children of one
 * account may hang before it has no more.  A handshake takes a millisecond: further connections wait for
 * their turn. */
#define ACCEPTOR_ACCOUNT_MAX 4U

/* How many connections are with vetting children at once. */
#define ACCEPTOR_TOTAL_MAX 128U

/* Comes with a connection. */
typedef struct AcceptorTicket {
        uint64_t number; /* one more for each */
        uint32_t account;
        uint32_t is_refused; /* only close it */
} AcceptorTicket;
static_assert(sizeof(AcceptorTicket) == 16, "crosses a process boundary");

typedef enum AcceptorMessageKind {
        ACCEPTOR_HANDED_OVER = 1, /* `number` is in the handover socket, and no longer with the acceptor */
        ACCEPTOR_REFUSED,         /* `text` tells why; and `suppressed` more were refused */
        ACCEPTOR_FAILED,          /* cannot accept: `number` is an errno */
        ACCEPTOR_FULL,            /* accepts no more: it holds too many that it cannot close */
        ACCEPTOR_HOLDS, /* ends, and holds such connections: `number` of `account`, more than of another */
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

/* To be added to what an account has. */
typedef struct AcceptorChange {
        uint32_t account;
        int32_t at_work; /* connections with vetting children that do not hang */
        int32_t hanging; /* vetting children that do */
        uint32_t reserved;
} AcceptorChange;
static_assert(sizeof(AcceptorChange) == 16, "crosses a process boundary");

typedef struct AcceptorArguments {
        int socket_fd;   /* listening */
        int handover_fd; /* SOCK_SEQPACKET: for AcceptorTickets */
        int daemon_fd;   /* SOCK_SEQPACKET: AcceptorMessages and AcceptorChanges; its end is ours */
        uint64_t first_number;
        AcceptorChange *changes; /* what there is already */
        size_t n_changes;
        const Limits *limits;
        const SubordinateIds *subordinates;
        const Sandbox *sandbox;
} AcceptorArguments;

/* Forbids that descriptors are sent over connections that are still to come, where the kernel can
 * (Linux 6.16). */
void acceptor_prepare_socket(int socket_fd);

/* Runs until the daemon's end is shut down; returns the exit status. */
int acceptor_run(const AcceptorArguments *arguments);
