/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connections that wait in the acceptor for their turn, by account. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handshake/acceptor.h"
#include "handshake/peer.h"

typedef struct Connection {
        struct Connection *next; /* the next that came of this account */
        int fd;
        Peer peer;
        bool is_refused; /* and the acceptor cannot close it: see connection_drain() */
} Connection;

typedef struct Account {
        struct Account *next;
        uint32_t number;
        Connection *first, *last;
        unsigned n_waiting;
        unsigned n_refused;
        unsigned n_at_work; /* verifiers */
        unsigned n_hanging; /* processes that hang in what the account sent */
} Account;

typedef struct ConnectionQueue {
        Account *accounts;
        unsigned n_waiting; /* of all accounts together, as the next two */
        unsigned n_refused;
        unsigned n_at_work;
} ConnectionQueue;

/* Takes fd over, and reads who connected.  Returns NULL where there is no memory.  Then fd stays open for
 * good: closing it could hang. */
Connection *connection_new(int fd);
/* Frees it and closes its descriptor. */
void connection_free(Connection *connection);
/* Frees it, and leaves its descriptor to the end of the process. */
void connection_leave(Connection *connection);

/* Tells its launcher to connect again. */
void connection_send_away(const Connection *connection);

/* Has the kernel forbid that descriptors are sent to fd from now on, or, where it is a listening socket, to
 * those that connect to it from now on (Linux 6.16; an older one does nothing). */
void connection_forbid_fds(int fd);

/* Takes the messages that lie in a connection that was shut down.  Returns true where it is empty, and can
 * be closed.  Returns false at a message with descriptors, which it leaves there with all that follow:
 * closing the connection closes them. */
bool connection_drain(int fd);

/* Return the account.  NULL: it has nothing here; or there is no memory for it. */
Account *connection_queue_find(const ConnectionQueue *queue, uint32_t number);
Account *connection_queue_change(ConnectionQueue *queue, const AcceptorChange *change);

/* Adds a connection at the end of its account, which then owns it.  Returns 0 or -ENOMEM. */
int connection_queue_add(ConnectionQueue *queue, Connection *connection);

/* Removes the first of an account, which becomes the caller's. */
void connection_queue_remove(ConnectionQueue *queue, Account *account);

/* Removes those of an account that wait.  Returns the first, with the others behind it, which become the
 * caller's. */
Connection *connection_queue_take_waiting(ConnectionQueue *queue, Account *account);

/* Returns the account with the most refused connections, or NULL where there are none. */
const Account *connection_queue_find_fullest(const ConnectionQueue *queue);

/* Moves the first account to the end, and frees the accounts that have nothing here. */
void connection_queue_tidy(ConnectionQueue *queue);
