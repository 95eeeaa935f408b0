/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/handshake/peer.c: the user to whose account a connecting process counts. */

#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "common/ownership.h"
#include "handshake/peer.h"

static SubordinateRange range = {.start = 100000, .count = 65536, .owner = 1000};
static const SubordinateIds subordinates = {.ranges = &range, .n_ranges = 1};

static void test_slice(void **state) {
        static const struct {
                const char *text;
                int64_t account; /* -1: in no user's slice */
        } rows[] = {
                {"0::/user.slice/user-1000.slice/session-3.scope\n", 1000},
                {"0::/user.slice/user-0.slice\n", 0},
                {"12:pids:/user.slice\n1:name=systemd:/user.slice/user-1001.slice/user@1001.service\n0::/\n",
                        1001},
                {"0::/system.slice/cron.service\n", -1},
                {"0::/\n", -1},
                {"", -1},
                {"0::/user.slice/user-1000\n", -1},
                {"0::/user.slice/user-1000.slicer\n", -1},
                {"0::/user.slice/user-.slice\n", -1},
                {"0::/user.slice/user--1.slice\n", -1},
                {"0::/user.slice/user- 1.slice\n", -1},
                {"0::/user.slice/user-4294967295.slice\n", -1},
                {"0::/user.slice/user-99999999999999999999999.slice\n", -1},
                {"0::/user.slice/user-1000.slice", -1},
                /* of another hierarchy */
                {"4:memory:/user.slice/user-1000.slice\n0::/\n", -1},
                {"4:name=other:/user.slice/user-1000.slice\n", -1},
                /* that a user creates */
                {"0::/user.slice/user-1000.slice/user@1000.service/x:0::/user.slice/user-7.slice/y\n", 1000},
                {"1:name=systemd:/user.slice/user-1000.slice/0::/user.slice/user-7.slice/y\n", 1000},
                {"0::/system.slice/x.service/user.slice/user-7.slice\n", -1},
                {"0::/system.slice/x.service/:name=systemd:/user.slice/user-7.slice/\n", -1},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint32_t account = 77;
                bool found = peer_parse_slice(rows[i].text, &account);

                if (found != (rows[i].account >= 0) || (found && account != (uint32_t)rows[i].account))
                        fail_msg("%s", rows[i].text);
        }
}

static void test_uids(void **state) {
        static const char text[] =
                "Name:\tUid:\t7\nUmask:\t0022\nUid:\t1000\t1001\t1002\t1003\nGid:\t5\t5\t5\t5\n";

        (void)state;
        for (uint32_t uid = 1000; uid <= 1003; uid++)
                assert_true(peer_parse_uids(text, uid));
        assert_false(peer_parse_uids(text, 7));
        assert_false(peer_parse_uids(text, 5));
        assert_false(peer_parse_uids(text, 0));
        assert_false(peer_parse_uids("", 0));
        assert_false(peer_parse_uids("Name:\tx\nUid:\t0\t0\n", 0));
}

/* The kernel that does not know SO_PEERPIDFD finds the process by its number. */
static void forbid_peerpidfd(void) {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

        assert_non_null(filter);
        assert_int_equal(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOPROTOOPT), SCMP_SYS(getsockopt), 1,
                                 SCMP_A2(SCMP_CMP_EQ, 77)),
                0);
        assert_int_equal(seccomp_load(filter), 0);
        seccomp_release(filter);
}

typedef struct Caller {
        pid_t pid;
        int fd;     /* our end of its connection */
        int end_fd; /* it ends with this */
} Caller;

static void write_map(pid_t pid, const char *name, const char *text) {
        char path[64];
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        fd_close(fd);
}

/* A process of that user, in a namespace of that owner (-1: none) with all uids below, or in another one
 * below that, connects to a listening socket of ours. */
static void call(uid_t uid, int64_t owner, bool nested, Caller *ret) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        socklen_t size = sizeof(sa_family_t);
        int listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), ready[2], go[2], end[2];
        char byte = 0;

        /* an abstract name of the kernel's choice */
        assert_int_equal(bind(listen_fd, (struct sockaddr *)&address, size), 0);
        assert_int_equal(listen(listen_fd, 1), 0);
        size = sizeof(address);
        assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&address, &size), 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(go, O_CLOEXEC) | pipe2(end, O_CLOEXEC), 0);
        ret->pid = fork();
        assert_true(ret->pid >= 0);
        if (ret->pid == 0) {
                int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

                (void)close(end[1]);
                if (owner >= 0 && (seteuid((uid_t)owner) < 0 || unshare(CLONE_NEWUSER) < 0))
                        _exit(1);
                if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
                        _exit(2);
                if ((owner >= 0 || uid != 0) && setresuid(uid, uid, uid) < 0)
                        _exit(3);
                if (nested && unshare(CLONE_NEWUSER) < 0)
                        _exit(4);
                if (connect(fd, (struct sockaddr *)&address, size) < 0)
                        _exit(5);
                _exit(read(end[0], &byte, 1) < 0);
        }
        ready[1] = fd_close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        if (owner >= 0) {
                write_map(ret->pid, "uid_map", "0 0 300000");
                write_map(ret->pid, "gid_map", "0 0 300000");
        }
        assert_int_equal(write(go[1], &byte, 1), 1);
        end[0] = fd_close(end[0]);
        assert_int_equal(poll(&(struct pollfd){.fd = listen_fd, .events = POLLIN}, 1, 10000), 1);
        ret->fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        assert_true(ret->fd >= 0);
        ret->end_fd = TAKE_FD(end[1]);
        for (int i = 0; i < 2; i++) {
                fd_close(ready[i]);
                fd_close(go[i]);
        }
        fd_close(listen_fd);
}

static void hang_up(Caller *caller) {
        int status;

        caller->end_fd = fd_close(caller->end_fd);
        assert_int_equal(waitpid(caller->pid, &status, 0), caller->pid);
        assert_int_equal(status, 0);
}

static bool can_unshare(void) {
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(unshare(CLONE_NEWUSER) < 0);
        return waitpid(pid, &status, 0) == pid && status == 0;
}

static void test_account(void **state) {
        static const struct {
                uid_t uid;
                int64_t owner;
                bool nested;
                uint32_t account;
        } rows[] = {
                {0, -1, false, 0}, {65533, -1, false, 65533}, {100005, -1, false, 1000}, /* by /etc/subuid */
                {100005, 1001, false, 1001}, {0, 1001, false, 1001}, {100005, 1001, true, 1001},
                {65533, 100005, false, 1000}, /* which the subordinate uid created */
        };
        PeerReader reader;

        (void)state;
        assert_int_equal(peer_reader_init(&reader, &subordinates), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Caller caller;
                Peer peer;
                uint32_t slice;
                int r;

                if (rows[i].owner >= 0 && !can_unshare())
                        continue;
                call(rows[i].uid, rows[i].owner, rows[i].nested, &caller);
                assert_int_equal(peer_identify(caller.fd, &peer), 0);
                assert_int_equal(peer.pid, caller.pid);
                assert_int_equal(peer.uid, rows[i].uid);
                r = peer_find_account(&reader, caller.fd, &peer);
                assert_int_equal(r, 0);
                /* If these tests run in a user's slice, that takes precedence. */
                slice = rows[i].account;
                if (rows[i].owner < 0 && peer.account != slice)
                        print_message("a slice: %u\n", peer.account);
                else
                        assert_int_equal(peer.account, rows[i].account);
                hang_up(&caller);
                assert_int_equal(peer_find_account(&reader, caller.fd, &peer), -ESRCH);
                fd_close(caller.fd);
        }
}

/* Root creates namespaces for others: each is an account of its own. */
static void test_namespace_of_root(void **state) {
        PeerReader reader;
        Caller one, other;
        Peer first, second, third;

        (void)state;
        if (!can_unshare())
                skip();
        assert_int_equal(peer_reader_init(&reader, &subordinates), 0);
        call(100005, 0, false, &one);
        call(100005, 0, true, &other);
        assert_int_equal(peer_identify(one.fd, &first), 0);
        assert_int_equal(peer_find_account(&reader, one.fd, &first), 0);
        assert_int_equal(peer_identify(other.fd, &second), 0);
        assert_int_equal(peer_find_account(&reader, other.fd, &second), 0);
        assert_int_equal(peer_identify(one.fd, &third), 0);
        assert_int_equal(peer_find_account(&reader, one.fd, &third), 0);
        assert_true(first.account > 0xf0000000);
        assert_true(second.account > 0xf0000000);
        assert_int_not_equal(first.account, second.account);
        assert_int_equal(first.account, third.account);
        hang_up(&other); /* which has inherited what the first waits for */
        hang_up(&one);
        fd_close(one.fd);
        fd_close(other.fd);
}

/* Last: the filter stays. */
static void test_by_number(void **state) {
        PeerReader reader;
        Caller caller;
        Peer peer, other;

        (void)state;
        assert_int_equal(peer_reader_init(&reader, &subordinates), 0);
        call(65533, -1, false, &caller);
        assert_int_equal(peer_identify(caller.fd, &peer), 0);
        other = peer;
        other.uid = 65532; /* as if the number were that of another user's process by now */
        forbid_peerpidfd();
        assert_int_equal(peer_find_account(&reader, caller.fd, &peer), 0);
        assert_int_equal(peer_find_account(&reader, caller.fd, &other), -ESRCH);
        hang_up(&caller);
        assert_int_equal(peer_find_account(&reader, caller.fd, &peer), -ESRCH);
        fd_close(caller.fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_slice),
                cmocka_unit_test(test_uids),
                cmocka_unit_test(test_account),
                cmocka_unit_test(test_namespace_of_root),
                cmocka_unit_test(test_by_number),
        };

        harness_need_filters();
        if (geteuid() != 0)
                return EXIT_SKIP; /* only root sees the namespaces of other users' processes */
        harness_init();
        return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
