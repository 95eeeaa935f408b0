/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connections that wait in the acceptor for their turn, by account. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handshake/acceptor.h"
#include "handshake/peer.h"

typedef struct Connection {
        struct Connection *next; /* of the account, in the order in which they came */
        int fd;
        Peer peer;
        bool is_refused; /* and is to be closed by a child */
} Connection;

typedef struct Account {
        struct Account *next;
        uint32_t number;
        Connection *first, *last;
        unsigned n_waiting;
        unsigned n_refused; /* and cannot be closed here: see connection_drain() */
        unsigned n_at_work;
        unsigned n_hanging;
} Account;

typedef struct ConnectionQueue {
        Account *accounts;
        unsigned n_waiting; /* of all accounts, as the next two */
        unsigned n_refused;
        unsigned n_at_work;
} ConnectionQueue;

/* Takes fd over, and looks who connected.  Returns NULL, and leaves fd open, where there is no memory: then
 * what is in it does not matter any more. */
Connection *connection_new(int fd);
/* Closes it. */
void connection_free(Connection *connection);
/* Does not. */
void connection_leave(Connection *connection);

/* Tells its launcher to come again. */
void connection_send_away(const Connection *connection);

/* From now on nobody may send descriptors over it: on a listening socket, over those that are connected from
 * now on (Linux 6.16).  Without that connection_drain() finds them. */
void connection_forbid_fds(int fd);

/* Takes what lies in a connection that was shut down.  Returns false, and leaves the rest, where there are
 * descriptors in it: closing it closes them. */
bool connection_drain(int fd);

/* Return the account, or NULL: there is none, or no memory for it. */
Account *connection_queue_find(const ConnectionQueue *queue, uint32_t number);
Account *connection_queue_change(ConnectionQueue *queue, const AcceptorChange *change);

/* Adds a connection at the end of its account, which owns it then.  Returns 0 or -ENOMEM. */
int connection_queue_add(ConnectionQueue *queue, Connection *connection);

/* Removes the first of an account, which becomes the caller's. */
void connection_queue_remove(ConnectionQueue *queue, Account *account);

/* Removes those that are not refused; returns the first, with the others behind it. */
Connection *connection_queue_take_waiting(ConnectionQueue *queue, Account *account);

/* Returns the account with the most refused connections, or NULL where there are none. */
const Account *connection_queue_find_fullest(const ConnectionQueue *queue);

/* Moves the first account to the end, and frees those that have nothing. */
void connection_queue_tidy(ConnectionQueue *queue);
