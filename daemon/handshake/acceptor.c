/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Accepts launchers.  A process of its own, which the daemon forks.  Owns the connections that wait.  Must
 * never wait for a launcher, nor close a connection that may hold descriptors. */

#include "handshake/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/message.h"
#include "common/ownership.h"
#include "common/privileges.h"
#include "common/rate-limit.h"
#include "handshake/connection-queue.h"
#include "handshake/peer.h"

/* How many connections are here, of all accounts together; fewer where RLIMIT_NOFILE is lower, which leaves
 * some descriptors for the rest. */
#define CONNECTIONS_MAX 16384U
#define OTHER_FDS_MAX 64U

/* For how long no connection is accepted after one could not be, and how soon a full socket is tried again.
 */
#define PAUSE_MSEC 100
#define RETRY_MSEC 10
/* How soon it is told how many were refused without a word of their own. */
#define SUPPRESSED_MSEC 1000

typedef struct Acceptor {
        const AcceptorArguments *arguments;
        int daemon_fd; /* the highest of our descriptors: see keep_highest() */
        unsigned connections_max;
        PeerReader reader;
        ConnectionQueue queue;
        uint64_t next_number;
        AcceptorMessage announcement; /* that the daemon is still to be told; kind is 0: none */
        RateLimit refusals;
        uint64_t suppressed;
        bool is_full;       /* the handover socket was */
        bool is_paused;     /* a connection could not be accepted */
        bool has_told_full; /* ACCEPTOR_FULL */
} Acceptor;

static int tell_daemon(const Acceptor *acceptor, const AcceptorMessage *message) {
        return message_send(acceptor->daemon_fd, message, sizeof(*message), -EBADF);
}

/* Refusals without a record are counted, and told with the next one that has one, or after a while. */
static void tell_refusal(Acceptor *acceptor, const Peer *peer, const char *text) {
        AcceptorMessage message = {
                .kind = ACCEPTOR_REFUSED,
                .pid = peer->pid,
                .uid = peer->uid,
                .account = peer->account,
                .suppressed = acceptor->suppressed,
        };

        (void)snprintf(message.text, sizeof(message.text), "%s", text);
        if (rate_limit_take(&acceptor->refusals, acceptor->arguments->limits->records_per_second,
                    clock_usec(CLOCK_MONOTONIC)) &&
                tell_daemon(acceptor, &message) >= 0)
                acceptor->suppressed = 0;
        else
                acceptor->suppressed++;
}

static void tell_suppressed(Acceptor *acceptor) {
        const AcceptorMessage message = {.kind = ACCEPTOR_REFUSED, .suppressed = acceptor->suppressed};

        if (tell_daemon(acceptor, &message) >= 0)
                acceptor->suppressed = 0;
}

/* Where it can't be closed here, a child has to: in its account's turn. */
static void connection_end(Acceptor *acceptor, Connection *connection) {
        (void)shutdown(connection->fd, SHUT_RDWR); /* nothing more can come, and the launcher is not kept */
        if (connection_drain(connection->fd))
                connection_free(connection);
        else {
                connection->is_refused = true;
                if (connection_queue_add(&acceptor->queue, connection) < 0)
                        connection_leave(connection);
        }
}

/* error is a positive errno. */
static void connection_refuse(Acceptor *acceptor, Connection *connection, int error, const char *text) {
        ProtocolReply reply = {
                .magic = PROTOCOL_MAGIC,
                .version = PROTOCOL_VERSION,
                .verdict = PROTOCOL_REFUSED,
                .error = error,
        };

        (void)snprintf(reply.text, sizeof(reply.text), "%s", text);
        (void)message_send(connection->fd, &reply, PROTOCOL_REPLY_HEAD, -EBADF);
        tell_refusal(acceptor, &connection->peer, text);
        connection_end(acceptor, connection);
}

/* A launcher that has left needs no child to say so. */
static bool connection_is_over(const Connection *connection) {
        struct pollfd fd = {.fd = connection->fd};

        return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR));
}

static void connection_refuse_gone(Acceptor *acceptor, Connection *connection) {
        tell_refusal(acceptor, &connection->peer, "the connection ended before the greeting came");
        connection_end(acceptor, connection);
}

/* Returns whether it may wait for its turn; otherwise it has been dealt with. */
static bool acceptor_look(Acceptor *acceptor, Connection *connection) {
        Peer *peer = &connection->peer;
        int r;

        if (connection_is_over(connection)) {
                connection_refuse_gone(acceptor, connection);
                return false;
        }
        if (peer->pid == 0) {
                /* It could not be found again at the knock, nor be acted for. */
                connection_refuse(acceptor, connection, ESRCH,
                        "snotifyd does not see this process, which is outside of its PID namespace; "
                        "start snotify-run where snotifyd runs, or a snotifyd where snotify-run does");
                return false;
        }
        r = peer_find_account(&acceptor->reader, connection->fd, peer);
        if (r < 0) {
                char text[PROTOCOL_TEXT_SIZE];

                (void)snprintf(text, sizeof(text), "cannot find out whose the process is that connected: %s",
                        strerror(-r));
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

static void acceptor_fail(Acceptor *acceptor, int error) {
        const AcceptorMessage message = {.kind = ACCEPTOR_FAILED, .number = (uint64_t)error};

        acceptor->is_paused = true;
        (void)tell_daemon(acceptor, &message);
}

/* An exiting process releases its highest descriptors first.  So the daemon sees that we have died even
 * where the release of a connection hangs: it is not told of the death before that is over. */
static void keep_highest(Acceptor *acceptor, int connection_fd) {
        int fd;

        if (connection_fd < acceptor->daemon_fd)
                return;
        fd = fcntl(acceptor->daemon_fd, F_DUPFD_CLOEXEC, 2 * connection_fd);
        if (fd < 0)
                fd = fcntl(acceptor->daemon_fd, F_DUPFD_CLOEXEC, connection_fd);
        if (fd < 0)
                return;
        fd_close(acceptor->daemon_fd);
        acceptor->daemon_fd = fd;
}

static void acceptor_accept(Acceptor *acceptor) {
        int fd = accept4(acceptor->arguments->socket_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        Connection *connection;

        if (fd < 0) {
                if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                        acceptor_fail(acceptor, errno);
                return;
        }
        keep_highest(acceptor, fd);
        connection = connection_new(fd);
        if (!connection) {
                acceptor_fail(acceptor, ENOMEM);
                return;
        }
        if (acceptor_look(acceptor, connection))
                acceptor_admit(acceptor, connection);
}

/* Must reach it: otherwise no child comes for the connection. */
static void acceptor_announce(Acceptor *acceptor) {
        if (acceptor->announcement.kind != 0 && tell_daemon(acceptor, &acceptor->announcement) != -EAGAIN)
                acceptor->announcement.kind = 0;
}

/* Takes the connection over if it succeeds. */
static bool acceptor_hand_over(Acceptor *acceptor, Account *account, Connection *connection) {
        const AcceptorTicket ticket = {
                .number = acceptor->next_number,
                .account = account->number,
                .is_refused = connection->is_refused,
        };

        if (message_send(acceptor->arguments->handover_fd, &ticket, sizeof(ticket), connection->fd) < 0) {
                acceptor->is_full = true;
                return false;
        }
        acceptor->announcement = (AcceptorMessage){
                .kind = ACCEPTOR_HANDED_OVER,
                .pid = connection->peer.pid,
                .uid = connection->peer.uid,
                .account = account->number,
                .number = acceptor->next_number++,
        };
        connection_queue_remove(&acceptor->queue, account);
        connection_free(connection); /* it is in the socket: this copy is not the last */
        account->n_at_work++;
        acceptor->queue.n_at_work++;
        acceptor_announce(acceptor);
        return true;
}

/* Hands over the first of an account.  Returns whether something changed. */
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

/* One of each account in turn. */
static void acceptor_serve_all(Acceptor *acceptor) {
        bool changed = true;

        acceptor->is_full = false;
        while (changed) {
                changed = false;
                for (Account *account = acceptor->queue.accounts; account; account = account->next)
                        if (acceptor->announcement.kind == 0 && !acceptor->is_full &&
                                acceptor->queue.n_at_work < ACCEPTOR_TOTAL_MAX)
                                changed |= acceptor_serve(acceptor, account);
        }
        connection_queue_tidy(&acceptor->queue);
}

/* What is refused and can't be closed here stays. */
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

/* Returns false once the daemon has nothing more to say. */
static bool acceptor_listen(Acceptor *acceptor) {
        AcceptorChange change;
        ssize_t n;

        while ((n = message_receive(acceptor->daemon_fd, &change, sizeof(change), NULL)) == sizeof(change))
                acceptor_change(acceptor, &change);
        return n == -EAGAIN;
}

static void refuse_for_now(Acceptor *acceptor, Connection *connection) {
        connection_send_away(connection);
        connection_end(acceptor, connection);
}

static void acceptor_announce_last(Acceptor *acceptor) {
        while (acceptor->announcement.kind != 0) {
                struct pollfd fd = {.fd = acceptor->daemon_fd, .events = POLLOUT};

                if (poll(&fd, 1, -1) < 0 && errno != EINTR)
                        break;
                acceptor_announce(acceptor);
        }
}

/* Launchers come again, and find the next acceptor.  The kernel closes what is left, with this process. */
static void acceptor_leave(Acceptor *acceptor) {
        const Account *fullest;

        for (Account *account = acceptor->queue.accounts; account; account = account->next)
                acceptor_refuse_account(acceptor, account, refuse_for_now);
        acceptor_announce_last(acceptor);
        fullest = connection_queue_find_fullest(&acceptor->queue);
        if (!fullest)
                return;
        acceptor->announcement = (AcceptorMessage){
                .kind = ACCEPTOR_HOLDS, .account = fullest->number, .number = fullest->n_refused};
        acceptor_announce_last(acceptor);
}

/* A quarter stays for launchers that wait. */
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

        acceptor->has_told_full = tell_daemon(acceptor, &message) >= 0;
}

static int acceptor_timeout(const Acceptor *acceptor) {
        if (acceptor->is_full || acceptor_must_tell_full(acceptor))
                return RETRY_MSEC;
        if (acceptor->is_paused)
                return PAUSE_MSEC;
        return acceptor->suppressed > 0 ? SUPPRESSED_MSEC : -1;
}

static int acceptor_loop(Acceptor *acceptor) {
        const AcceptorArguments *arguments = acceptor->arguments;

        for (;;) {
                bool has_room = acceptor_has_room(acceptor);
                struct pollfd fds[] = {
                        {.fd = acceptor->daemon_fd,
                                .events = acceptor->announcement.kind != 0 ? POLLIN | POLLOUT : POLLIN},
                        {.fd = has_room ? arguments->socket_fd : -1, .events = POLLIN},
                };
                int r = poll(fds, 2, acceptor_timeout(acceptor));

                if (r < 0 && errno != EINTR)
                        return EXIT_FAILURE;
                if (r <= 0)
                        fds[0].revents = fds[1].revents = 0;
                if (r == 0) {
                        acceptor->is_paused = false;
                        if (acceptor->suppressed > 0)
                                tell_suppressed(acceptor);
                }
                if (fds[0].revents & ~POLLOUT && !acceptor_listen(acceptor)) {
                        acceptor_leave(acceptor);
                        return EXIT_SUCCESS;
                }
                acceptor_announce(acceptor);
                if (fds[1].revents)
                        acceptor_accept(acceptor);
                acceptor_serve_all(acceptor);
                if (acceptor_must_tell_full(acceptor))
                        acceptor_tell_full(acceptor);
        }
}

/* Returns for how many connections there are descriptors. */
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
                .daemon_fd = arguments->daemon_fd,
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
