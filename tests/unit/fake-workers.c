/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fake workers, and a fake clock. */

#include "fake-workers.h"

#include "harness.h"

#include <fcntl.h>

#include "common/notify.h"

int __wrap_worker_run(const WorkerArguments *arguments);
int __wrap_reject_run(const WorkerArguments *arguments, RejectReason reason);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_notify_send(int listener_fd, NotifyReply *reply);
int __wrap_guard_enter_session(const Guard *guard, int listener_fd, uint64_t session_id, uint32_t flags);
int __wrap_guard_remove_session(const Guard *guard, int listener_fd);
int __real_clock_gettime(clockid_t clock, struct timespec *ret);

static FakeWork work;
static int pipe_fds[2] = {-EBADF, -EBADF};
static uint64_t stopped_usec; /* 0: the clock runs */

void fake_init(void) {
        sigset_t term;
        int fds[2];

        /* As the daemon does it: SIGTERM is blocked in a worker from the first. */
        (void)sigemptyset(&term);
        (void)sigaddset(&term, SIGTERM);
        assert_int_equal(sigprocmask(SIG_BLOCK, &term, NULL), 0);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        /* child_fork() closes what a worker does not need, except for the standard streams. */
        pipe_fds[0] = fds[0];
        pipe_fds[1] = STDIN_FILENO;
        assert_int_equal(dup2(fds[1], STDIN_FILENO), STDIN_FILENO);
        (void)close(fds[1]);
}

void fake_set_work(FakeWork next) {
        work = next;
}

static int fake_run(const FakeWorker *worker) {
        sigset_t set;
        int signal;

        (void)sigemptyset(&set);
        if (work == FAKE_STAYS)
                (void)sigaddset(&set, SIGTERM); /* blocked, as for every worker */
        if (write(pipe_fds[1], worker, sizeof(*worker)) != sizeof(*worker) || work == FAKE_FAILS)
                return WORKER_EXIT_FAILED;
        if (work == FAKE_LEAVES)
                return WORKER_EXIT_IDLE;
        if (work == FAKE_STUBBORN)
                for (;;)
                        (void)pause();
        return sigwait(&set, &signal) == 0 ? WORKER_EXIT_IDLE : WORKER_EXIT_FAILED;
}

FakeEntries fake_entries;

int __wrap_guard_enter_session(const Guard *guard, int listener_fd, uint64_t session_id, uint32_t flags) {
        assert_true(listener_fd >= 0 && session_id != 0);
        fake_entries.n_entered++;
        fake_entries.flags = flags;
        return guard ? fake_entries.result : -EBADF;
}

int __wrap_guard_remove_session(const Guard *guard, int listener_fd) {
        assert_true(listener_fd >= 0);
        fake_entries.n_removed++;
        return guard ? 0 : -EBADF;
}

int __wrap_worker_run(const WorkerArguments *arguments) {
        const FakeWorker worker = {.number = arguments->number};

        return fake_run(&worker);
}

int __wrap_reject_run(const WorkerArguments *arguments, RejectReason reason) {
        const FakeWorker worker = {.number = arguments->number, .rejects = true, .reason = reason};

        return fake_run(&worker);
}

int __wrap_notify_send(int listener_fd, NotifyReply *reply) {
        (void)listener_fd;
        (void)reply;
        return 0;
}

bool fake_has_worker(void) {
        struct pollfd fd = {.fd = pipe_fds[0], .events = POLLIN};

        return poll(&fd, 1, 0) == 1;
}

FakeWorker fake_next_worker(void) {
        struct pollfd fd = {.fd = pipe_fds[0], .events = POLLIN};
        FakeWorker worker;

        assert_int_equal(poll(&fd, 1, PATIENCE_SEC * 1000), 1);
        assert_int_equal(read(pipe_fds[0], &worker, sizeof(worker)), sizeof(worker));
        return worker;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret) {
        if (clock != CLOCK_MONOTONIC || stopped_usec == 0)
                return __real_clock_gettime(clock, ret);
        *ret = (struct timespec){
                .tv_sec = (time_t)(stopped_usec / 1000000),
                .tv_nsec = (long)(stopped_usec % 1000000) * 1000,
        };
        return 0;
}

uint64_t fake_now(void) {
        return stopped_usec;
}

void fake_advance(uint64_t usec) {
        stopped_usec += usec;
}

void fake_run_clock(void) {
        stopped_usec = 0;
}

void fake_stop_clock(void) {
        stopped_usec = UINT64_C(1000) * 1000000;
}
