/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps connections, and what each account has.  Run by the acceptor.  Owns the connections in the queue.
 * Must never close a connection with descriptors in it. */

#include "handshake/connection-queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/message.h"
#include "common/ownership.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

Connection *connection_new(int fd) {
        Connection *connection = calloc(1, sizeof(*connection));

        if (!connection)
                return NULL;
        connection->fd = fd;
        connection_forbid_fds(fd); /* it may have connected before the listening socket forbade them */
        if (peer_identify(fd, &connection->peer) < 0)
                connection->peer = (Peer){};
        return connection;
}

void connection_free(Connection *connection) {
        fd_close(connection->fd);
        free(connection);
}

void connection_leave(Connection *connection) {
        free(connection);
}

void connection_send_away(const Connection *connection) {
        const ProtocolReply reply = {
                .magic = PROTOCOL_MAGIC,
                .version = PROTOCOL_VERSION,
                .verdict = PROTOCOL_REFUSED,
                .error = EAGAIN,
                .text = "snotifyd reloads its configuration, or ends",
        };

        (void)message_send(connection->fd, &reply, PROTOCOL_REPLY_HEAD, -EBADF);
}

void connection_forbid_fds(int fd) {
        const int no = 0;

        (void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no));
}

/* Peeks at the first message.  There is room for nothing but the sender's credentials, which the kernel adds
 * to each message when it is asked to.  So it installs no descriptor and closes none; it says that it had to
 * leave them out.  Returns whether there is a message, and in *ret_has_fds whether descriptors are with it.
 */
static bool peek(int fd, bool *ret_has_fds) {
        union {
                struct cmsghdr header;
                uint8_t bytes[CMSG_SPACE(sizeof(struct ucred))];
        } control;
        char byte;
        struct iovec iov = {.iov_base = &byte, .iov_len = sizeof(byte)};
        struct msghdr msg = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n;

        do
                n = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT);
        while (n < 0 && (errno == EINTR || errno == ECONNRESET));
        *ret_has_fds = n < 0 || (msg.msg_flags & MSG_CTRUNC);
        return n < 0 ? errno != EAGAIN : CMSG_FIRSTHDR(&msg) != NULL;
}

bool connection_drain(int fd) {
        const int yes = 1;
        bool has_fds;
        char byte;

        if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0)
                return false;
        /* No more messages come, and the sender's buffer (net.core.wmem_max) bounds how many there are.  A
         * connection that is not emptied waits for a verifier, which an account whose processes
         * hang does not get. */
        while (peek(fd, &has_fds)) {
                if (has_fds)
                        return false;
                /* Where the launcher has just disconnected, this fails with ECONNRESET once, and the message
                 * is still there. */
                (void)recv(fd, &byte, sizeof(byte), MSG_DONTWAIT);
        }
        return true;
}

Account *connection_queue_find(const ConnectionQueue *queue, uint32_t number) {
        for (Account *account = queue->accounts; account; account = account->next)
                if (account->number == number)
                        return account;
        return NULL;
}

static Account *need_account(ConnectionQueue *queue, uint32_t number) {
        Account *account = connection_queue_find(queue, number), **end = &queue->accounts;

        if (account)
                return account;
        account = calloc(1, sizeof(*account));
        if (!account)
                return NULL;
        account->number = number;
        while (*end)
                end = &(*end)->next;
        *end = account;
        return account;
}

/* A change that is about a connection of an earlier acceptor may be one that this acceptor has never
 * counted: the sum does not go below 0. */
static unsigned add(unsigned number, int32_t change) {
        int64_t sum = (int64_t)number + change;

        return sum < 0 ? 0 : (unsigned)sum;
}

Account *connection_queue_change(ConnectionQueue *queue, const AcceptorChange *change) {
        Account *account = need_account(queue, change->account);
        unsigned before;

        if (!account)
                return NULL;
        before = account->n_at_work;
        account->n_at_work = add(account->n_at_work, change->at_work);
        account->n_hanging = add(account->n_hanging, change->hanging);
        queue->n_at_work = queue->n_at_work - before + account->n_at_work;
        return account;
}

static void count(ConnectionQueue *queue, Account *account, const Connection *connection, unsigned change) {
        if (connection->is_refused) {
                account->n_refused += change;
                queue->n_refused += change;
        } else {
                account->n_waiting += change;
                queue->n_waiting += change;
        }
}

static void account_append(ConnectionQueue *queue, Account *account, Connection *connection) {
        connection->next = NULL;
        if (account->last)
                account->last->next = connection;
        else
                account->first = connection;
        account->last = connection;
        count(queue, account, connection, 1);
}

int connection_queue_add(ConnectionQueue *queue, Connection *connection) {
        Account *account = need_account(queue, connection->peer.account);

        if (!account)
                return -ENOMEM;
        account_append(queue, account, connection);
        return 0;
}

void connection_queue_remove(ConnectionQueue *queue, Account *account) {
        Connection *connection = account->first;

        account->first = connection->next;
        if (!account->first)
                account->last = NULL;
        count(queue, account, connection, -1U);
        connection->next = NULL;
}

Connection *connection_queue_take_waiting(ConnectionQueue *queue, Account *account) {
        Connection *taken = NULL, **end = &taken, *rest = account->first;

        account->first = account->last = NULL;
        while (rest) {
                Connection *connection = rest;

                rest = rest->next;
                connection->next = NULL;
                count(queue, account, connection, -1U);
                if (connection->is_refused)
                        account_append(queue, account, connection);
                else {
                        *end = connection;
                        end = &connection->next;
                }
        }
        return taken;
}

const Account *connection_queue_find_fullest(const ConnectionQueue *queue) {
        const Account *fullest = NULL;

        for (const Account *account = queue->accounts; account; account = account->next)
                if (account->n_refused > (fullest ? fullest->n_refused : 0))
                        fullest = account;
        return fullest;
}

/* The account that comes first now comes last the next time. */
static void rotate(ConnectionQueue *queue) {
        Account *first = queue->accounts, **end = &queue->accounts;

        if (!first || !first->next)
                return;
        queue->accounts = first->next;
        while (*end)
                end = &(*end)->next;
        *end = first;
        first->next = NULL;
}

void connection_queue_tidy(ConnectionQueue *queue) {
        for (Account **at = &queue->accounts; *at;) {
                Account *account = *at;

                if (!account->first && account->n_at_work == 0 && account->n_hanging == 0) {
                        *at = account->next;
                        free(account);
                } else
                        at = &account->next;
        }
        rotate(queue);
}
