/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/common/notify.c, and what the kernel does with notifications, as doc/kernel.md lists it.  The
 * target is a thread with a filter of its own; the supervisor is the test. */

#include "harness.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "common/notify.h"
#include "common/ownership.h"

#define PAGE 4096U

typedef long (*TargetCall)(void);

/* A thread that makes one call after the other.  Written by the test while the thread waits for `go`, and by
 * the thread until it posts `done`. */
typedef struct Target {
        pthread_t thread;
        sem_t go, done;
        TargetCall call; /* NULL: it ends */
        long result;     /* as the kernel returns it */
        int listener_fd;
} Target;

static long install_filter(unsigned flags) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = {COUNT(instructions), instructions};
        long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

        return r < 0 ? -errno : r;
}

/* Of no directory at all, so that it fails with EBADF where it is performed. */
static long call_mkdirat(void) {
        long r = syscall(SYS_mkdirat, -1, "name", 0700);

        return r == -1 ? -errno : r;
}

static long install_listener(void) {
        return install_filter(SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

static long install_no_listener(void) {
        return install_filter(0);
}

static long enter_strict_mode(void) {
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0 ? -errno : 0;
}

static void *run_target(void *argument) {
        Target *target = argument;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return NULL;
        target->listener_fd = (int)install_listener();
        for (;;) {
                (void)sem_post(&target->done);
                while (sem_wait(&target->go) < 0)
                        ;
                if (!target->call)
                        return NULL;
                target->result = target->call();
        }
}

static void begin(Target *target, TargetCall call) {
        target->call = call;
        assert_int_equal(sem_post(&target->go), 0);
}

static void wait_until_done(Target *target) {
        while (sem_wait(&target->done) < 0)
                assert_int_equal(errno, EINTR);
}

static long call_and_wait(Target *target, TargetCall call) {
        begin(target, call);
        wait_until_done(target);
        return target->result;
}

static void target_start(Target *ret) {
        *ret = (Target){.listener_fd = -EBADF};
        assert_int_equal(sem_init(&ret->go, 0, 0), 0);
        assert_int_equal(sem_init(&ret->done, 0, 0), 0);
        assert_int_equal(pthread_create(&ret->thread, NULL, run_target, ret), 0);
        wait_until_done(ret);
        assert_true(ret->listener_fd >= 0);
}

static void target_end(Target *target) {
        begin(target, NULL);
        assert_int_equal(pthread_join(target->thread, NULL), 0);
        fd_close(target->listener_fd);
}

static short events_of(int fd, int timeout_msec) {
        struct pollfd pollfd = {.fd = fd, .events = POLLIN | POLLOUT};

        return poll(&pollfd, 1, timeout_msec) > 0 ? pollfd.revents : 0;
}

static void receive(const Target *target, NotifyRequest *ret) {
        *ret = (NotifyRequest){};
        assert_int_equal(notify_receive(target->listener_fd, ret), 0);
}

static int answer(int listener_fd, uint64_t id, int64_t value, int error) {
        NotifyReply reply;

        notify_reply(&reply, id, value, error);
        return notify_send(listener_fd, &reply);
}

static void test_delivered_once(void **state) {
        _cleanup_close_ int other_fd = -EBADF;
        NotifyRequest request;
        Target target;

        (void)state;
        target_start(&target);
        begin(&target, call_mkdirat);
        receive(&target, &request);
        assert_int_equal(events_of(target.listener_fd, 0), POLLOUT);
        assert_int_equal(notify_check_id(target.listener_fd, request.notif.id), 0);
        assert_int_equal(notify_check_id(target.listener_fd, request.notif.id + 1), NOTIFY_GONE);

        /* Any holder of the listener can answer, once. */
        other_fd = fcntl(target.listener_fd, F_DUPFD_CLOEXEC, 0);
        assert_int_equal(answer(other_fd, request.notif.id, 7, 0), 0);
        assert_int_equal(answer(target.listener_fd, request.notif.id, 8, 0), NOTIFY_GONE);
        wait_until_done(&target);
        assert_int_equal(target.result, 7);
        assert_int_equal(answer(target.listener_fd, request.notif.id, 9, 0), NOTIFY_GONE);
        assert_int_equal(notify_check_id(target.listener_fd, request.notif.id), NOTIFY_GONE);
        target_end(&target);
}

static int receive_raw(int listener_fd, struct seccomp_notif *ret) {
        return ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, ret) < 0 ? -errno : 0;
}

/* Room that is not empty costs no call, and neither does room that cannot take all of it; but there an id is
 * left that looks like one that was received. */
static void test_room(void **state) {
        uint8_t *pages =
                mmap(NULL, 2 * (size_t)PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        NotifyRequest dirty = {.room = {[sizeof(struct seccomp_notif) - 1] = 1}}, request;
        struct seccomp_notif *cut;
        Target target;

        (void)state;
        assert_true(pages != MAP_FAILED);
        assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_READ), 0);
        cut = (struct seccomp_notif *)(void *)(pages + PAGE - offsetof(struct seccomp_notif, data));
        target_start(&target);
        begin(&target, call_mkdirat);
        assert_true(events_of(target.listener_fd, -1) & POLLIN);

        assert_int_equal(notify_receive(target.listener_fd, &dirty), -EINVAL);
        assert_true(events_of(target.listener_fd, 0) & POLLIN);
        assert_int_equal(receive_raw(target.listener_fd, cut), -EFAULT);
        assert_true(events_of(target.listener_fd, 0) & POLLIN);
        receive(&target, &request);
        assert_int_equal(cut->id, request.notif.id);
        assert_int_equal(answer(target.listener_fd, request.notif.id, 0, EIO), 0);
        wait_until_done(&target);
        assert_int_equal(target.result, -EIO);
        target_end(&target);
        assert_int_equal(munmap(pages, 2 * (size_t)PAGE), 0);
}

/* The kernel hands over what it is given. */
static void test_raw_errors(void **state) {
        static const int errors[] = {5, -EPERM, -512, -5000};
        NotifyRequest request;
        Target target;

        (void)state;
        target_start(&target);
        for (size_t i = 0; i < COUNT(errors); i++) {
                NotifyReply reply = {};

                begin(&target, call_mkdirat);
                receive(&target, &request);
                reply.response.id = request.notif.id;
                reply.response.error = errors[i];
                assert_int_equal(notify_send(target.listener_fd, &reply), 0);
                wait_until_done(&target);
                assert_int_equal(target.result, errors[i]);
        }
        target_end(&target);
}

static void test_reply(void **state) {
        static const struct {
                int64_t value;
                int error;
                int64_t expected_value;
                int expected_error;
        } rows[] = {
                {7, 0, 7, 0},
                {7, EPERM, 0, -EPERM},
                {0, 511, 0, -511},
                {0, 512, 0, -EIO},
                {0, 530, 0, -EIO},
                {0, 531, 0, -531},
                {0, 4095, 0, -4095},
                {0, 4096, 0, -EIO},
                {0, -EPERM, 0, -EIO},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                NotifyReply reply;

                notify_reply(&reply, 1, rows[i].value, rows[i].error);
                assert_int_equal(reply.response.id, 1);
                assert_int_equal(reply.response.val, rows[i].expected_value);
                assert_int_equal(reply.response.error, rows[i].expected_error);
                assert_int_equal(reply.response.flags, 0);
        }
}

static void test_no_supervisor(void **state) {
        NotifyRequest request;
        Target target;

        (void)state;
        target_start(&target);
        begin(&target, call_mkdirat);
        receive(&target, &request);
        target.listener_fd = fd_close(target.listener_fd);
        wait_until_done(&target);
        assert_int_equal(target.result, -ENOSYS);
        assert_int_equal(call_and_wait(&target, call_mkdirat), -ENOSYS);
        target_end(&target);
}

/* After CONTINUE the kernel performs the call. */
static void test_continue(void **state) {
        NotifyRequest request;
        NotifyReply reply;
        Target target;

        (void)state;
        target_start(&target);
        begin(&target, call_mkdirat);
        receive(&target, &request);
        notify_continue(&reply, request.notif.id);
        assert_int_equal(notify_send(target.listener_fd, &reply), 0);
        wait_until_done(&target);
        assert_int_equal(target.result, -EBADF);
        target_end(&target);
}

static void on_signal(int signal) {
        (void)signal;
}

/* A signal interrupts a call that was not received yet.  What was to be received is no more, and RECV says
 * so once. */
static void test_left_first(void **state) {
        const struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */
        NotifyRequest request = {};
        struct sigaction before;
        Target target;

        (void)state;
        assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
        target_start(&target);
        begin(&target, call_mkdirat);
        assert_true(events_of(target.listener_fd, -1) & POLLIN);
        assert_int_equal(pthread_kill(target.thread, SIGUSR1), 0);
        wait_until_done(&target);
        assert_int_equal(target.result, -EINTR);
        assert_false(events_of(target.listener_fd, 0) & POLLIN);
        assert_int_equal(notify_receive(target.listener_fd, &request), NOTIFY_GONE);
        assert_int_equal(request.notif.id, 0);
        target_end(&target);
        assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

static void test_last_target(void **state) {
        Target target;

        (void)state;
        target_start(&target);
        assert_false(events_of(target.listener_fd, 0) & POLLHUP);
        begin(&target, NULL);
        assert_true(events_of(target.listener_fd, -1) & POLLHUP);
        assert_int_equal(pthread_join(target.thread, NULL), 0);
        fd_close(target.listener_fd);
}

static void test_filters(void **state) {
        Target target;

        (void)state;
        target_start(&target);
        assert_int_equal(call_and_wait(&target, install_listener), -EBUSY);
        assert_int_equal(call_and_wait(&target, enter_strict_mode), -EINVAL);
        assert_int_equal(call_and_wait(&target, install_no_listener), 0);
        target_end(&target);
}

static void test_is_listener(void **state) {
        const int others[] = {memfd_create("seccomp notify", MFD_CLOEXEC), eventfd(0, EFD_CLOEXEC),
                open("/", O_PATH | O_CLOEXEC), -EBADF};
        Target target;

        (void)state;
        target_start(&target);
        assert_true(notify_is_listener(target.listener_fd));
        target_end(&target);
        for (size_t i = 0; i < COUNT(others); i++) {
                assert_false(notify_is_listener(others[i]));
                fd_close(others[i]);
        }
}

static void test_kernel(void **state) {
        (void)state;
        assert_int_equal(notify_check_sizes(), 0);
        assert_true(notify_can_wait_killable());
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kernel),
                cmocka_unit_test(test_is_listener),
                cmocka_unit_test(test_delivered_once),
                cmocka_unit_test(test_room),
                cmocka_unit_test(test_raw_errors),
                cmocka_unit_test(test_reply),
                cmocka_unit_test(test_no_supervisor),
                cmocka_unit_test(test_continue),
                cmocka_unit_test(test_left_first),
                cmocka_unit_test(test_last_target),
                cmocka_unit_test(test_filters),
        };

        harness_need_filters();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
