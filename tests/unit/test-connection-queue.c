/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/handshake/connection-queue.c: what is in a connection that has ended, and which user's turn
 * it is. */

#include "harness.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "common/message.h"
#include "common/ownership.h"
#include "handshake/connection-queue.h"

/* Sends so many messages, one of them with a descriptor (-1: none has), and ends the connection as the
 * acceptor does. */
static bool drains(unsigned n, int with_fd, const char *text) {
        int ends[2];
        bool drained;

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        for (unsigned i = 0; i < n; i++)
                assert_int_equal(message_send(ends[1], text, strlen(text), (int)i == with_fd ? 0 : -1), 0);
        assert_int_equal(shutdown(ends[0], SHUT_RDWR), 0);
        drained = connection_drain(ends[0]);
        fd_close(ends[0]);
        fd_close(ends[1]);
        return drained;
}

static int first_free_fd(void) {
        int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

        fd_close(fd);
        return fd;
}

static void test_drain(void **state) {
        int before = first_free_fd();

        (void)state;
        assert_true(drains(0, -1, ""));
        assert_true(drains(1, -1, "greeting"));
        assert_true(drains(1, -1, ""));
        assert_true(drains(20, -1, "greeting"));
        assert_true(drains(20, -1, ""));
        for (int with_fd = 0; with_fd < 3; with_fd++) {
                assert_false(drains(3, with_fd, "greeting"));
                assert_false(drains(3, with_fd, ""));
        }
        assert_int_equal(first_free_fd(), before);
}

/* As many messages as the kernel permits. */
static void test_drain_full(void **state) {
        const int size = 1 << 22;
        unsigned n = 0;
        int ends[2];

        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
        while (message_send(ends[1], "", 0, -1) == 0)
                n++;
        assert_true(n > 256);
        assert_int_equal(shutdown(ends[0], SHUT_RDWR), 0);
        assert_true(connection_drain(ends[0]));
        fd_close(ends[0]);
        fd_close(ends[1]);
}

/* Where the kernel can, none can be sent at all. */
static void test_forbid(void **state) {
        int ends[2];
        int r;

        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        connection_forbid_fds(ends[0]);
        r = message_send(ends[1], "x", 1, 0);
        assert_true(r == -EPERM || r == 0);
        assert_int_equal(connection_drain(ends[0]), r == -EPERM);
        fd_close(ends[0]);
        fd_close(ends[1]);
}

static void add(ConnectionQueue *queue, uint32_t account, uint32_t pid, bool is_refused) {
        int ends[2];
        Connection *connection;

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        fd_close(ends[1]);
        connection = connection_new(ends[0]);
        assert_non_null(connection);
        connection->peer.account = account;
        connection->peer.pid = pid;
        connection->is_refused = is_refused;
        assert_int_equal(connection_queue_add(queue, connection), 0);
}

static void take(ConnectionQueue *queue, uint32_t account, uint32_t pid) {
        Account *found = connection_queue_find(queue, account);
        Connection *connection;

        assert_non_null(found);
        connection = found->first;
        assert_int_equal(connection->peer.pid, pid);
        connection_queue_remove(queue, found);
        connection_free(connection);
}

static void test_order(void **state) {
        ConnectionQueue queue = {};

        (void)state;
        assert_null(connection_queue_find(&queue, 1));
        add(&queue, 1, 10, false);
        add(&queue, 2, 20, false);
        add(&queue, 1, 11, true);
        add(&queue, 1, 12, false);
        assert_int_equal(queue.n_waiting, 3);
        assert_int_equal(queue.n_refused, 1);
        assert_int_equal(connection_queue_find(&queue, 1)->n_waiting, 2);
        assert_int_equal(queue.accounts->number, 1);
        connection_queue_tidy(&queue);
        assert_int_equal(queue.accounts->number, 2);
        take(&queue, 1, 10);
        take(&queue, 1, 11);
        take(&queue, 1, 12);
        take(&queue, 2, 20);
        assert_int_equal(queue.n_waiting, 0);
        connection_queue_tidy(&queue);
        assert_null(queue.accounts);
}

static void test_take_waiting(void **state) {
        ConnectionQueue queue = {};
        Connection *first, *second;

        (void)state;
        add(&queue, 1, 10, false);
        add(&queue, 1, 11, true);
        add(&queue, 1, 12, false);
        first = connection_queue_take_waiting(&queue, connection_queue_find(&queue, 1));
        assert_int_equal(first->peer.pid, 10);
        second = first->next;
        assert_int_equal(second->peer.pid, 12);
        assert_null(second->next);
        connection_free(first);
        connection_free(second);
        assert_int_equal(queue.n_waiting, 0);
        assert_int_equal(queue.n_refused, 1);
        assert_int_equal(connection_queue_find(&queue, 1)->n_waiting, 0);
        take(&queue, 1, 11);
        assert_int_equal(queue.n_refused, 0);
        connection_queue_tidy(&queue);
}

static void test_fullest(void **state) {
        ConnectionQueue queue = {};

        (void)state;
        assert_null(connection_queue_find_fullest(&queue));
        add(&queue, 1, 10, false);
        assert_null(connection_queue_find_fullest(&queue));
        add(&queue, 1, 11, true);
        add(&queue, 2, 20, true);
        add(&queue, 2, 21, true);
        add(&queue, 3, 30, true);
        assert_int_equal(connection_queue_find_fullest(&queue)->number, 2);
        take(&queue, 2, 20);
        take(&queue, 2, 21);
        assert_int_equal(connection_queue_find_fullest(&queue)->number, 1);
        take(&queue, 1, 10);
        take(&queue, 1, 11);
        take(&queue, 3, 30);
        assert_null(connection_queue_find_fullest(&queue));
        connection_queue_tidy(&queue);
}

static void test_changes(void **state) {
        ConnectionQueue queue = {};
        AcceptorChange change = {.account = 1, .at_work = 2};

        (void)state;
        assert_int_equal(connection_queue_change(&queue, &change)->n_at_work, 2);
        assert_int_equal(queue.n_at_work, 2);
        change = (AcceptorChange){.account = 1, .at_work = -1, .hanging = 1};
        assert_int_equal(connection_queue_change(&queue, &change)->n_hanging, 1);
        assert_int_equal(queue.n_at_work, 1);
        connection_queue_tidy(&queue);
        assert_non_null(queue.accounts);
        /* late, and of another acceptor's */
        change = (AcceptorChange){.account = 1, .at_work = -3, .hanging = -3};
        assert_int_equal(connection_queue_change(&queue, &change)->n_at_work, 0);
        assert_int_equal(queue.n_at_work, 0);
        assert_int_equal(connection_queue_find(&queue, 1)->n_hanging, 0);
        connection_queue_tidy(&queue);
        assert_null(queue.accounts);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_drain),
                cmocka_unit_test(test_drain_full),
                cmocka_unit_test(test_forbid),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_take_waiting),
                cmocka_unit_test(test_fullest),
                cmocka_unit_test(test_changes),
        };

        harness_init();
        return cmocka_run_group_tests_name("connection-queue", tests, NULL, NULL);
}
