/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/session/store.c against a notify socket of the test's own, which is what systemd would be.
 * The store reads no clock: it waits for systemd alone, and the test decides when systemd answers. */

#include "harness.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/ownership.h"
#include "session/store.h"

#define SESSION 0xabcU
#define SESSION_NAME "session-0000000000000abc"

typedef struct Message {
        char text[256];
        int fds[4];
        size_t n_fds;
} Message;

typedef struct Systemd {
        int socket_fd;
        sd_event *event;
        unsigned n_stored; /* how many times the store said so */
} Systemd;

static int systemd_start(void **state) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        Systemd *systemd = calloc(1, sizeof(*systemd));
        char name[64];

        assert_non_null(systemd);
        /* An abstract socket: it goes with its descriptor. */
        (void)snprintf(name, sizeof(name), "@snotify-test-store-%d", getpid());
        (void)memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
        systemd->socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(systemd->socket_fd >= 0);
        assert_int_equal(bind(systemd->socket_fd, (struct sockaddr *)&address,
                                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                0);
        assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
        assert_true(sd_event_new(&systemd->event) >= 0);
        *state = systemd;
        return 0;
}

static int systemd_stop(void **state) {
        Systemd *systemd = *state;

        sd_event_unref(systemd->event);
        fd_close(systemd->socket_fd);
        (void)unsetenv("NOTIFY_SOCKET");
        free(systemd);
        return 0;
}

/* Takes the next message, which sd_notify() has left in the socket when it returns. */
static void systemd_receive(Systemd *systemd, Message *ret) {
        union {
                char bytes[CMSG_SPACE(sizeof(ret->fds))];
                struct cmsghdr align;
        } control;
        struct iovec iovec = {.iov_base = ret->text, .iov_len = sizeof(ret->text) - 1};
        struct msghdr header = {.msg_iov = &iovec,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(systemd->socket_fd, &header, MSG_CMSG_CLOEXEC);

        assert_true(n >= 0);
        ret->text[n] = '\0';
        ret->n_fds = 0;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
                        ret->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                        (void)memcpy(ret->fds, CMSG_DATA(c), ret->n_fds * sizeof(int));
                }
}

static void systemd_expect(Systemd *systemd, const char *text, size_t n_fds, Message *ret) {
        systemd_receive(systemd, ret);
        assert_string_equal(ret->text, text);
        assert_int_equal(ret->n_fds, n_fds);
}

static void systemd_expect_nothing(Systemd *systemd) {
        char byte;

        assert_int_equal(recv(systemd->socket_fd, &byte, 1, 0), -1);
        assert_int_equal(errno, EAGAIN);
}

static void message_done(Message *message) {
        for (size_t i = 0; i < message->n_fds; i++)
                fd_close(message->fds[i]);
        message->n_fds = 0;
}

static bool same_file(int a, int b) {
        struct stat first, second;

        assert_int_equal(fstat(a, &first), 0);
        assert_int_equal(fstat(b, &second), 0);
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static bool is_open(int fd) {
        return fcntl(fd, F_GETFD) >= 0;
}

static int file_new(void) {
        int fd = memfd_create("of the test", MFD_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

/* Of a call that does not exist: it stops nothing.  The filter stays, and so one listener is all that there
 * can be; see seccomp(2). */
static int listener_new(void) {
        static int listener_fd = -EBADF;
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffff, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = {COUNT(instructions), instructions};
        int copy;

        if (listener_fd < 0) {
                assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
                listener_fd = (int)syscall(
                        SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
                if (listener_fd < 0) {
                        print_message("skipped: this process has a listener already, or may have none\n");
                        skip();
                }
        }
        copy = fcntl(listener_fd, F_DUPFD_CLOEXEC, 0);
        assert_true(copy >= 0);
        return copy;
}

static void on_stored(void *userdata) {
        Systemd *systemd = userdata;

        systemd->n_stored++;
}

static void without_systemd(void **state) {
        StorePending *pending = NULL;
        sd_event *event = NULL;
        int fd = file_new();

        (void)state;
        (void)unsetenv("NOTIFY_SOCKET");
        assert_false(store_exists());
        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(store_put(event, SESSION, fd, fd, on_stored, NULL, &pending), 0);
        assert_null(pending);
        assert_int_equal(store_put_identities(fd), 0);
        assert_int_equal(store_put_policy(1, fd), 0);
        store_remove(SESSION);
        store_remove_policy(1);
        assert_true(is_open(fd));
        sd_event_unref(event);
        fd_close(fd);
}

static void puts_a_session(void **state) {
        int listener_fd = file_new(), ledger_fd = file_new();
        StorePending *pending = NULL;
        Systemd *systemd = *state;
        Message message, barrier;

        assert_true(store_exists());
        assert_int_equal(
                store_put(systemd->event, SESSION, listener_fd, ledger_fd, on_stored, systemd, &pending), 1);
        assert_non_null(pending);
        /* FDPOLL=0: systemd must not drop the listener of a session that ends while there is no daemon. */
        systemd_expect(systemd, "FDSTORE=1\nFDPOLL=0\nFDNAME=" SESSION_NAME, 2, &message);
        assert_true(same_file(message.fds[0], listener_fd));
        assert_true(same_file(message.fds[1], ledger_fd));
        systemd_expect(systemd, "BARRIER=1", 1, &barrier);
        systemd_expect_nothing(systemd);

        /* However often the daemon looks, the session is stored when systemd says so and not before. */
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(sd_event_run(systemd->event, 0), 0);
        assert_int_equal(systemd->n_stored, 0);
        message_done(&barrier);
        assert_true(sd_event_run(systemd->event, 0) > 0);
        assert_int_equal(systemd->n_stored, 1);

        assert_null(store_pending_free(pending));
        assert_int_equal(sd_event_run(systemd->event, 0), 0);
        assert_int_equal(systemd->n_stored, 1);
        assert_true(is_open(listener_fd));
        assert_true(is_open(ledger_fd));
        message_done(&message);
        fd_close(listener_fd);
        fd_close(ledger_fd);
}

static void forgets_about_waiting(void **state) {
        StorePending *pending = NULL;
        Systemd *systemd = *state;
        Message message, barrier;
        int fd = file_new();

        assert_int_equal(store_put(systemd->event, SESSION, fd, fd, on_stored, systemd, &pending), 1);
        systemd_receive(systemd, &message);
        systemd_receive(systemd, &barrier);
        assert_null(store_pending_free(pending));
        assert_null(store_pending_free(NULL));
        message_done(&barrier);
        assert_int_equal(sd_event_run(systemd->event, 0), 0);
        assert_int_equal(systemd->n_stored, 0);
        message_done(&message);
        fd_close(fd);
}

static void systemd_is_gone(void **state) {
        StorePending *pending = NULL;
        Systemd *systemd = *state;
        int fd = file_new();

        fd_close(systemd->socket_fd);
        systemd->socket_fd = -EBADF;
        assert_int_equal(
                store_put(systemd->event, SESSION, fd, fd, on_stored, systemd, &pending), -ECONNREFUSED);
        assert_null(pending);
        assert_int_equal(store_put_identities(fd), -ECONNREFUSED);
        assert_int_equal(store_put_policy(1, fd), -ECONNREFUSED);
        assert_true(is_open(fd));
        fd_close(fd);
}

/* Stored without a way to learn of it: systemd's copy of the listener would keep its launcher waiting. */
static void no_descriptors_to_wait_with(void **state) {
        struct rlimit old, few;
        StorePending *pending = NULL;
        Systemd *systemd = *state;
        Message message, removal;
        int fd = file_new(), next, r;

        /* One descriptor is free, for the socket that sd_notify() opens; a pipe would need two. */
        next = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        assert_true(next >= 0);
        fd_close(next);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
        few = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        r = store_put(systemd->event, SESSION, fd, fd, on_stored, systemd, &pending);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);

        assert_int_equal(r, -EMFILE);
        assert_null(pending);
        systemd_expect(systemd, "FDSTORE=1\nFDPOLL=0\nFDNAME=" SESSION_NAME, 2, &message);
        systemd_expect(systemd, "FDSTOREREMOVE=1\nFDNAME=" SESSION_NAME, 0, &removal);
        systemd_expect_nothing(systemd);
        message_done(&message);
        fd_close(fd);
}

static void removes_a_session(void **state) {
        Systemd *systemd = *state;
        Message message;

        store_remove(SESSION);
        systemd_expect(systemd, "FDSTOREREMOVE=1\nFDNAME=" SESSION_NAME, 0, &message);
        systemd_expect_nothing(systemd);
}

/* In this order: the other way round, systemd would drop what was just stored. */
static void replaces_the_identities(void **state) {
        Systemd *systemd = *state;
        int fd = file_new();
        Message message;

        assert_int_equal(store_put_identities(fd), 0);
        systemd_expect(systemd, "FDSTOREREMOVE=1\nFDNAME=identities", 0, &message);
        systemd_expect(systemd, "FDSTORE=1\nFDNAME=identities", 1, &message);
        assert_true(same_file(message.fds[0], fd));
        systemd_expect_nothing(systemd);
        message_done(&message);
        fd_close(fd);
}

static void puts_and_removes_a_policy(void **state) {
        Systemd *systemd = *state;
        int fd = file_new();
        Message message;

        assert_int_equal(store_put_policy(UINT64_MAX, fd), 0);
        systemd_expect(systemd, "FDSTORE=1\nFDNAME=policy-ffffffffffffffff", 1, &message);
        assert_true(same_file(message.fds[0], fd));
        message_done(&message);
        store_remove_policy(1);
        systemd_expect(systemd, "FDSTOREREMOVE=1\nFDNAME=policy-0000000000000001", 0, &message);
        systemd_expect_nothing(systemd);
        fd_close(fd);
}

static void takes_sessions(void **state) {
        StoreContents contents = STORE_CONTENTS_NONE;
        int listener_fd = listener_new(), ledger_fd = file_new(), other_fd = file_new();

        (void)state;
        assert_int_equal(store_take(SESSION_NAME, ledger_fd, &contents), 1);
        assert_int_equal(store_take("session-ffffffffffffffff", other_fd, &contents), 1);
        assert_int_equal(store_take(SESSION_NAME, listener_fd, &contents), 1);
        assert_int_equal(contents.n_sessions, 2);
        assert_int_equal(contents.sessions[0].session_id, SESSION);
        /* Which is which, the kernel says, and not their order. */
        assert_int_equal(contents.sessions[0].listener_fd, listener_fd);
        assert_int_equal(contents.sessions[0].ledger_fd, ledger_fd);
        assert_true(contents.sessions[1].session_id == UINT64_MAX);
        assert_int_equal(contents.sessions[1].listener_fd, -EBADF);
        assert_int_equal(contents.sessions[1].ledger_fd, other_fd);

        store_contents_done(&contents);
        assert_int_equal(contents.n_sessions, 0);
        assert_false(is_open(listener_fd));
        assert_false(is_open(ledger_fd));
        assert_false(is_open(other_fd));
}

static void takes_the_last_of_two_ledgers(void **state) {
        StoreContents contents = STORE_CONTENTS_NONE;
        int first_fd = file_new(), second_fd = file_new();

        (void)state;
        assert_int_equal(store_take(SESSION_NAME, first_fd, &contents), 1);
        assert_int_equal(store_take(SESSION_NAME, second_fd, &contents), 1);
        assert_int_equal(contents.n_sessions, 1);
        assert_int_equal(contents.sessions[0].ledger_fd, second_fd);
        assert_false(is_open(first_fd));
        store_contents_done(&contents);
        assert_false(is_open(second_fd));
}

static void takes_the_last_identities(void **state) {
        StoreContents contents = STORE_CONTENTS_NONE;
        int first_fd = file_new(), second_fd = file_new();

        (void)state;
        assert_int_equal(store_take("identities", first_fd, &contents), 1);
        assert_int_equal(store_take("identities", second_fd, &contents), 1);
        assert_int_equal(contents.identities_fd, second_fd);
        assert_false(is_open(first_fd));
        store_contents_done(&contents);
        assert_false(is_open(second_fd));
}

/* A daemon that died while it replaced one by the next has left both.  systemd names them in any order. */
static void takes_the_newer_policy(void **state) {
        static const char *const names[] = {"policy-000000000000000f", "policy-0000000000000010"};
        Systemd *systemd = *state;
        Message message;

        for (size_t first = 0; first < COUNT(names); first++) {
                StoreContents contents = STORE_CONTENTS_NONE;
                int fds[] = {file_new(), file_new()};

                assert_int_equal(store_take(names[first], fds[first], &contents), 1);
                systemd_expect_nothing(systemd);
                assert_int_equal(store_take(names[!first], fds[!first], &contents), 1);
                systemd_expect(systemd, "FDSTOREREMOVE=1\nFDNAME=policy-000000000000000f", 0, &message);
                systemd_expect_nothing(systemd);
                assert_int_equal(contents.policy_fd, fds[1]);
                assert_int_equal(contents.policy_serial, 0x10);
                assert_false(is_open(fds[0]));
                store_contents_done(&contents);
                assert_false(is_open(fds[1]));
        }
}

/* What another unit's FDNAME= would be: it is nothing of the store's, and stays its caller's. */
static void leaves_other_names_alone(void **state) {
        static const char *const names[] = {
                "",
                "stored",
                "snotifyd.socket",
                "identities2",
                "session-",
                "session-abc",
                "session-0000000000000abcd",
                "session-0000000000000abg",
                "session- 000000000000abc",
                "session-+000000000000abc",
                "session--000000000000abc",
                "session-0x00000000000abc",
                "session-0000000000000ABC",
                "policy-",
                "policy-0x00000000000001",
                "policy-00000000000000001",
        };
        StoreContents contents = STORE_CONTENTS_NONE;
        int fd = file_new();

        (void)state;
        for (size_t i = 0; i < COUNT(names); i++)
                if (store_take(names[i], fd, &contents) != 0)
                        fail_msg("took \"%s\"", names[i]);
        assert_int_equal(contents.n_sessions, 0);
        assert_int_equal(contents.policy_fd, -EBADF);
        assert_true(is_open(fd));
        store_contents_done(&contents);
        assert_true(is_open(fd));
        fd_close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(without_systemd),
                cmocka_unit_test_setup_teardown(puts_a_session, systemd_start, systemd_stop),
                cmocka_unit_test_setup_teardown(forgets_about_waiting, systemd_start, systemd_stop),
                cmocka_unit_test_setup_teardown(systemd_is_gone, systemd_start, systemd_stop),
                cmocka_unit_test_setup_teardown(no_descriptors_to_wait_with, systemd_start, systemd_stop),
                cmocka_unit_test_setup_teardown(removes_a_session, systemd_start, systemd_stop),
                cmocka_unit_test_setup_teardown(replaces_the_identities, systemd_start, systemd_stop),
                cmocka_unit_test_setup_teardown(puts_and_removes_a_policy, systemd_start, systemd_stop),
                cmocka_unit_test_setup_teardown(takes_the_newer_policy, systemd_start, systemd_stop),
                cmocka_unit_test(takes_sessions),
                cmocka_unit_test(takes_the_last_of_two_ledgers),
                cmocka_unit_test(takes_the_last_identities),
                cmocka_unit_test(leaves_other_names_alone),
        };

        harness_need_filters();
        harness_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
