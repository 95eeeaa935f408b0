/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Accepts launchers.  Run by the acceptor, a process that the daemon forks.  Owns the connections that wait.
 * Must never wait for a launcher, nor close a connection that may hold descriptors. */

#include "handshake/acceptor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/message.h"
#include "common/ownership.h"
#include "common/privileges.h"
#include "handshake/connection-queue.h"
#include "handshake/daemon-link.h"
#include "handshake/peer.h"

/* How many connections of all accounts the acceptor keeps; fewer where RLIMIT_NOFILE is lower. */
#define CONNECTIONS_MAX 16384U
/* How many descriptors it keeps free for anything else. */
#define OTHER_FDS_MAX 64U

/* For how long it accepts nothing after it failed to. */
#define PAUSE_MSEC 100
/* How soon it tries again to write into a socket that was full. */
#define RETRY_MSEC 10
/* How soon it tells how many it has refused without telling so at once. */
#define SUPPRESSED_MSEC 1000

typedef struct Acceptor {
        const AcceptorArguments *arguments;
        DaemonLink link;
        unsigned connections_max;
        PeerReader reader;
        ConnectionQueue queue;
        uint64_t next_number;
        bool handover_is_full; /* the socket was, the last time */
        bool is_paused;        /* it failed to accept a connection */
        bool has_told_full;    /* ACCEPTOR_FULL */
} Acceptor;

static void tell_refusal(Acceptor *acceptor, const Connection *connection, const char *text) {
        daemon_link_refused(
                &acceptor->link, &connection->peer, text, acceptor->arguments->limits->records_per_second);
}

/* What cannot be closed here a verifier has to close, when it is its account's turn. */
static void connection_end(Acceptor *acceptor, Connection *connection) {
        (void)shutdown(
                connection->fd, SHUT_RDWR); /* nothing more can come, and the launcher need not wait */
        if (connection_drain(connection->fd))
                connection_free(connection);
        else {
                connection->is_refused = true;
                if (connection_queue_add(&acceptor->queue, connection) < 0)
                        connection_leave(connection);
        }
}

/* error is a positive errno, for the launcher. */
static void connection_refuse(Acceptor *acceptor, Connection *connection, int error, const char *text) {
        ProtocolReply reply = {
                .magic = PROTOCOL_MAGIC,
                .version = PROTOCOL_VERSION,
                .verdict = PROTOCOL_REFUSED,
                .error = error,
        };

        (void)snprintf(reply.text, sizeof(reply.text), "%s", text);
        (void)message_send(connection->fd, &reply, PROTOCOL_REPLY_HEAD, -EBADF);
        tell_refusal(acceptor, connection, text);
        connection_end(acceptor, connection);
}

/* Where the launcher has disconnected, no verifier is needed to find that out. */
static bool connection_is_over(const Connection *connection) {
        struct pollfd fd = {.fd = connection->fd};

        return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR));
}

static void connection_refuse_gone(Acceptor *acceptor, Connection *connection) {
        tell_refusal(acceptor, connection, "the connection ended before the greeting came");
        connection_end(acceptor, connection);
}

/* Finds out who connected.  Returns whether the connection may wait for its turn; otherwise it has been
 * dealt with. */
static bool acceptor_identify(Acceptor *acceptor, Connection *connection) {
        Peer *peer = &connection->peer;
        int r;

        if (connection_is_over(connection)) {
                connection_refuse_gone(acceptor, connection);
                return false;
        }
        if (peer->pid == 0) {
                /* A knock would not name it either, and no worker could act for it. */
                connection_refuse(acceptor, connection, ESRCH,
                        "snotifyd does not see this process, which is outside of its PID namespace; "
                        "start snotify-run where snotifyd runs, or a snotifyd where snotify-run does");
                return false;
        }
        r = peer_find_account(&acceptor->reader, connection->fd, peer);
        if (r < 0) {
                char text[PROTOCOL_TEXT_SIZE];

                (void)snprintf(text, sizeof(text),
                        "snotifyd cannot find the user of the process that connected: %s", strerror(-r));
                connection_refuse(acceptor, connection, -r, text);
                return false;
        }
        return true;
}

static void refuse_hanging(Acceptor *acceptor, Connection *connection) {
        char text[PROTOCOL_TEXT_SIZE];

        (void)snprintf(text, sizeof(text),
                "user %" PRIu32
                " gets no session while something that it sent hangs in snotifyd; see LIMITS in snotifyd(8)",
                connection->peer.account);
        connection_refuse(acceptor, connection, EBUSY, text);
}

static void acceptor_admit(Acceptor *acceptor, Connection *connection) {
        const Account *account = connection_queue_find(&acceptor->queue, connection->peer.account);
        uint64_t limit = acceptor->arguments->limits->connections_per_user;
        char text[PROTOCOL_TEXT_SIZE];

        if (account && account->n_hanging > 0)
                refuse_hanging(acceptor, connection);
        else if (account && account->n_at_work + account->n_waiting >= limit) {
                (void)snprintf(text, sizeof(text),
                        "user %" PRIu32 " has as many connections as a user may, %" PRIu64
                        "; see connections-per-user= in snotify.conf(5)",
                        connection->peer.account, limit);
                connection_refuse(acceptor, connection, EAGAIN, text);
        } else if (connection_queue_add(&acceptor->queue, connection) < 0)
                connection_refuse(acceptor, connection, EAGAIN, "snotifyd has no memory left");
}

/* error is a positive errno, for the daemon. */
static void acceptor_fail(Acceptor *acceptor, int error) {
        const AcceptorMessage message = {.kind = ACCEPTOR_FAILED, .number = (uint64_t)error};

        acceptor->is_paused = true;
        (void)daemon_link_tell(&acceptor->link, &message);
}

static void acceptor_accept(Acceptor *acceptor) {
        int fd = accept4(acceptor->arguments->socket_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        Connection *connection;

        if (fd < 0) {
                if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                        acceptor_fail(acceptor, errno);
                return;
        }
        daemon_link_keep_above(&acceptor->link, fd);
        connection = connection_new(fd);
        if (!connection) {
                acceptor_fail(acceptor, ENOMEM);
                return;
        }
        if (acceptor_identify(acceptor, connection))
                acceptor_admit(acceptor, connection);
}

/* Returns whether it could; then the connection is gone.  Until the daemon has the announcement, it starts
 * no verifier for the connection. */
static bool acceptor_hand_over(Acceptor *acceptor, Account *account, Connection *connection) {
        const AcceptorTicket ticket = {
                .number = acceptor->next_number,
                .account = account->number,
                .is_refused = connection->is_refused,
        };

        if (message_send(acceptor->arguments->handover_fd, &ticket, sizeof(ticket), connection->fd) < 0) {
                acceptor->handover_is_full = true;
                return false;
        }
        daemon_link_set(&acceptor->link, &(AcceptorMessage){
                                                 .kind = ACCEPTOR_HANDED_OVER,
                                                 .pid = connection->peer.pid,
                                                 .uid = connection->peer.uid,
                                                 .account = account->number,
                                                 .number = acceptor->next_number++,
                                         });
        connection_queue_remove(&acceptor->queue, account);
        connection_free(connection); /* the handover socket holds it: this descriptor is not the last */
        account->n_at_work++;
        acceptor->queue.n_at_work++;
        daemon_link_announce(&acceptor->link);
        return true;
}

/* Deals with the first connection of an account.  Returns whether it could. */
static bool acceptor_serve(Acceptor *acceptor, Account *account) {
        Connection *connection = account->first;

        if (!connection || account->n_at_work + account->n_hanging >= ACCEPTOR_ACCOUNT_MAX)
                return false;
        if (!connection->is_refused && connection_is_over(connection)) {
                connection_queue_remove(&acceptor->queue, account);
                connection_refuse_gone(acceptor, connection);
                return true;
        }
        return acceptor_hand_over(acceptor, account, connection);
}

/* Takes one connection of each account in turn, as long as there are any and there is room. */
static void acceptor_serve_all(Acceptor *acceptor) {
        bool changed = true;

        acceptor->handover_is_full = false;
        while (changed) {
                changed = false;
                for (Account *account = acceptor->queue.accounts; account; account = account->next)
                        if (!daemon_link_is_busy(&acceptor->link) && !acceptor->handover_is_full &&
                                acceptor->queue.n_at_work < ACCEPTOR_TOTAL_MAX)
                                changed |= acceptor_serve(acceptor, account);
        }
        connection_queue_tidy(&acceptor->queue);
}

/* Refuses all that wait.  Those that cannot be closed here stay. */
static void acceptor_refuse_account(
        Acceptor *acceptor, Account *account, void (*refuse)(Acceptor *acceptor, Connection *connection)) {
        Connection *first = connection_queue_take_waiting(&acceptor->queue, account);

        while (first) {
                Connection *connection = first;

                first = first->next;
                connection->next = NULL;
                refuse(acceptor, connection);
        }
}

static void acceptor_change(Acceptor *acceptor, const AcceptorChange *change) {
        Account *account = connection_queue_change(&acceptor->queue, change);

        if (account && account->n_hanging > 0 && account->n_waiting > 0)
                acceptor_refuse_account(acceptor, account, refuse_hanging);
}

/* Returns false when the daemon has shut its end down: the acceptor is to end. */
static bool acceptor_listen(Acceptor *acceptor) {
        AcceptorChange change;
        ssize_t n;

        while ((n = message_receive(acceptor->link.fd, &change, sizeof(change), NULL)) == sizeof(change))
                acceptor_change(acceptor, &change);
        return n == -EAGAIN;
}

static void refuse_for_now(Acceptor *acceptor, Connection *connection) {
        connection_send_away(connection);
        connection_end(acceptor, connection);
}

/* Launchers connect again, and find the next acceptor.  What cannot be closed here the kernel closes when
 * this process ends. */
static void acceptor_leave(Acceptor *acceptor) {
        const Account *fullest;

        for (Account *account = acceptor->queue.accounts; account; account = account->next)
                acceptor_refuse_account(acceptor, account, refuse_for_now);
        daemon_link_flush(&acceptor->link);
        fullest = connection_queue_find_fullest(&acceptor->queue);
        if (!fullest)
                return;
        daemon_link_set(&acceptor->link,
                &(AcceptorMessage){
                        .kind = ACCEPTOR_HOLDS, .account = fullest->number, .number = fullest->n_refused});
        daemon_link_flush(&acceptor->link);
}

/* Holds too many that it cannot close.  A quarter of the room is left for launchers that wait. */
static bool acceptor_is_full(const Acceptor *acceptor) {
        return acceptor->queue.n_refused >= acceptor->connections_max / 4 * 3;
}

static bool acceptor_has_room(const Acceptor *acceptor) {
        return !acceptor->is_paused && !acceptor_is_full(acceptor) &&
               acceptor->queue.n_waiting + acceptor->queue.n_refused < acceptor->connections_max;
}

static bool acceptor_must_tell_full(const Acceptor *acceptor) {
        return acceptor_is_full(acceptor) && !acceptor->has_told_full;
}

static void acceptor_tell_full(Acceptor *acceptor) {
        const AcceptorMessage message = {.kind = ACCEPTOR_FULL};

        acceptor->has_told_full = daemon_link_tell(&acceptor->link, &message) >= 0;
}

static int acceptor_timeout(const Acceptor *acceptor) {
        if (acceptor->handover_is_full || acceptor_must_tell_full(acceptor))
                return RETRY_MSEC;
        if (acceptor->is_paused)
                return PAUSE_MSEC;
        return acceptor->link.n_suppressed > 0 ? SUPPRESSED_MSEC : -1;
}

static int acceptor_loop(Acceptor *acceptor) {
        const AcceptorArguments *arguments = acceptor->arguments;

        for (;;) {
                bool has_room = acceptor_has_room(acceptor);
                struct pollfd fds[] = {
                        {.fd = acceptor->link.fd,
                                .events = daemon_link_is_busy(&acceptor->link) ? POLLIN | POLLOUT : POLLIN},
                        {.fd = has_room ? arguments->socket_fd : -1, .events = POLLIN},
                };
                int r = poll(fds, 2, acceptor_timeout(acceptor));

                if (r < 0 && errno != EINTR)
                        return EXIT_FAILURE;
                if (r <= 0)
                        fds[0].revents = fds[1].revents = 0;
                if (r == 0) {
                        acceptor->is_paused = false;
                        daemon_link_tell_suppressed(&acceptor->link);
                }
                if (fds[0].revents & ~POLLOUT && !acceptor_listen(acceptor)) {
                        acceptor_leave(acceptor);
                        return EXIT_SUCCESS;
                }
                daemon_link_announce(&acceptor->link);
                if (fds[1].revents)
                        acceptor_accept(acceptor);
                acceptor_serve_all(acceptor);
                if (acceptor_must_tell_full(acceptor))
                        acceptor_tell_full(acceptor);
        }
}

/* Returns how many connections there are descriptors for. */
static unsigned raise_fd_limit(void) {
        struct rlimit limit = {};

        (void)getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_max >= CONNECTIONS_MAX + OTHER_FDS_MAX)
                return CONNECTIONS_MAX;
        return limit.rlim_max > 2 * OTHER_FDS_MAX ? (unsigned)limit.rlim_max - OTHER_FDS_MAX : OTHER_FDS_MAX;
}

void acceptor_prepare_socket(int socket_fd) {
        connection_forbid_fds(socket_fd);
}

int acceptor_run(const AcceptorArguments *arguments) {
        Acceptor acceptor = {
                .arguments = arguments,
                .link = {.fd = arguments->daemon_fd},
                .connections_max = raise_fd_limit(),
                .next_number = arguments->first_number,
        };

        if (peer_reader_init(&acceptor.reader, arguments->subordinates) < 0 ||
                prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || privileges_reduce(CAP_SYS_PTRACE) < 0 ||
                sandbox_enter(arguments->sandbox) < 0)
                return EXIT_FAILURE;
        for (size_t i = 0; i < arguments->n_changes; i++)
                (void)connection_queue_change(&acceptor.queue, &arguments->changes[i]);
        return acceptor_loop(&acceptor);
}
