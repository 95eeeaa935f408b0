/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/handshake/handshake.c and handshake-list.c: what the daemon makes of what a verifier
 * tells, and of one that dies or hangs.  The process runs a script in place of verifier_run().  The clock is
 * this test's own, and so is kill(), which can be in vain as it is for a process that hangs in the kernel.
 */

#include "harness.h"

#include <sys/mman.h>
#include <systemd/sd-event.h>

#include "common/message.h"
#include "common/ownership.h"
#include "handshake/handshake-list.h"

#define TIMEOUT_USEC 5000000U
#define OVERTIME_USEC 1000000U

static const HandshakeResult connected = {
        .stage = HANDSHAKE_CONNECTED, .pid = 70, .uid = 80, .account = 90, .number = 5};

static struct {
        void (*script)(int daemon_fd);
        bool kill_is_vain;
        unsigned n_kills;
        uint64_t now_usec, due_usec;
        sd_event_time_handler_t on_time;
        void *userdata;
        char events[256];
        bool has_ended;
        int listener_fd;
        sd_event *event;
        Report *report;
        int log_fd;
        HandshakeList list;
} world;

/* The world. */

int __wrap_verifier_run(const VerifierArguments *arguments);
const Limits *__wrap_policy_limits(const Policy *policy);
int __real_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number);
int __real_sd_event_add_time_relative(sd_event *event, sd_event_source **ret, clockid_t clock, uint64_t usec,
        uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *event, sd_event_source **ret, clockid_t clock, uint64_t usec,
        uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec);

int __wrap_verifier_run(const VerifierArguments *arguments) {
        world.script(arguments->daemon_fd);
        return EXIT_SUCCESS;
}

const Limits *__wrap_policy_limits(const Policy *policy) {
        static const Limits limits = {.handshake_timeout_usec = TIMEOUT_USEC};

        (void)policy;
        return &limits;
}

int __wrap_kill(pid_t pid, int number) {
        world.n_kills++;
        return world.kill_is_vain ? 0 : __real_kill(pid, number);
}

int __wrap_sd_event_add_time_relative(sd_event *event, sd_event_source **ret, clockid_t clock, uint64_t usec,
        uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        world.due_usec = world.now_usec + usec;
        world.on_time = callback;
        world.userdata = userdata;
        return __real_sd_event_add_time_relative(
                event, ret, clock, UINT64_MAX / 2, accuracy, callback, userdata);
}

int __wrap_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec) {
        (void)source;
        world.due_usec = world.now_usec + usec;
        return 0;
}

static void pass(uint64_t usec) {
        world.now_usec += usec;
        if (world.now_usec < world.due_usec || world.has_ended)
                return;
        world.due_usec = UINT64_MAX;
        (void)world.on_time(NULL, 0, world.userdata);
}

static void note(const char *what) {
        (void)strcat(strcat(world.events, what), " ");
}

/* The owner. */

static void on_connected(Handshake *handshake, void *userdata) {
        (void)userdata;
        handshake_list_accepted(&world.list, handshake);
        note(handshake->is_connected ? "connected" : "nothing");
}

static void on_refused(Handshake *handshake, void *userdata) {
        (void)userdata;
        (void)handshake;
        note("refused");
}

static void on_verified(Handshake *handshake, int listener_fd, void *userdata) {
        (void)userdata;
        (void)handshake;
        world.listener_fd = listener_fd;
        note("verified");
}

static void on_killed(Handshake *handshake, void *userdata) {
        (void)userdata;
        handshake_list_accepted(&world.list, handshake);
        note("killed");
}

static void on_hang(Handshake *handshake, void *userdata) {
        (void)userdata;
        (void)handshake;
        handshake_list_hang(&world.list);
        note("hangs");
}

static void on_end(Handshake *handshake, void *userdata) {
        (void)userdata;
        handshake_list_remove(&world.list, handshake);
        handshake_free(handshake);
        world.has_ended = true;
        note("end");
}

static pid_t lost_pid;
static HandshakeContext context = {
        .lost_pid = &lost_pid,
        .on_connected = on_connected,
        .on_refused = on_refused,
        .on_verified = on_verified,
        .on_killed = on_killed,
        .on_hang = on_hang,
        .on_end = on_end,
};

static Handshake *begin(void (*script)(int daemon_fd)) {
        const VerifierArguments arguments = {.handover_fd = -EBADF, .proc_fd = -EBADF};
        sd_event *event = world.event;
        Report *report = world.report;
        int log_fd = world.log_fd;
        Handshake *handshake;

        memset(&world, 0, sizeof(world));
        world.event = event;
        world.report = report;
        world.log_fd = log_fd;
        world.listener_fd = -EBADF;
        world.script = script;
        context.event = event;
        context.report = report;
        assert_int_equal(ftruncate(log_fd, 0), 0);
        assert_int_equal(lseek(log_fd, 0, SEEK_SET), 0);
        assert_int_equal(handshake_new(&context, &arguments, &handshake), 0);
        handshake_list_add(&world.list, handshake);
        assert_ptr_equal(world.list.accepting, handshake);
        return handshake;
}

static void run_to(const char *events) {
        while (strcmp(world.events, events) != 0) {
                if (strncmp(world.events, events, strlen(world.events)) != 0)
                        fail_msg("%s instead of %s", world.events, events);
                assert_true(sd_event_run(world.event, PATIENCE_SEC * 1000000ULL) > 0);
        }
}

static void check_log(const char *text) {
        char log[4096];
        ssize_t n = pread(world.log_fd, log, sizeof(log) - 1, 0);

        assert_true(n >= 0);
        log[n] = '\0';
        if (!strstr(log, text))
                fail_msg("no \"%s\" in: %s", text, log);
}

/* The scripts. */

static void tell(int fd, const HandshakeResult *result, int listener_fd) {
        CHECK_INT(message_send(fd, result, sizeof(*result), listener_fd), 0);
}

/* Waits for go().  The signal is blocked in all children of the daemon. */
static void await(void) {
        sigset_t mask;
        int number;

        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        CHECK_INT(sigwait(&mask, &number), 0);
}

static void go(const Handshake *handshake) {
        assert_int_equal(__real_kill(handshake->pid, SIGTERM), 0);
}

static void be_refused(int fd) {
        HandshakeResult result = connected;

        tell(fd, &connected, -EBADF);
        result.stage = HANDSHAKE_REFUSED;
        memset(result.text, 'x', sizeof(result.text));
        memset(result.profile, 'x', sizeof(result.profile));
        memset(result.label, 'x', sizeof(result.label));
        tell(fd, &result, -EBADF);
        await();
}

static void be_verified(int fd) {
        HandshakeResult result = connected;

        tell(fd, &connected, -EBADF);
        await();
        result.stage = HANDSHAKE_VERIFIED;
        tell(fd, &result, fd);
        await();
}

static void be_verified_without_listener(int fd) {
        HandshakeResult result = connected;

        tell(fd, &connected, -EBADF);
        result.stage = HANDSHAKE_VERIFIED;
        tell(fd, &result, -EBADF);
}

static void lie(int fd) {
        HandshakeResult result = {.stage = HANDSHAKE_VERIFIED, .pid = 1, .account = 1, .number = 1};

        tell(fd, &connected, -EBADF);
        for (int n = 0; n < 3; n++)
                tell(fd, &result, fd);
        result.stage = HANDSHAKE_REFUSED;
        tell(fd, &result, -EBADF);
        await();
        CHECK_INT(message_send(fd, "x", 1, -EBADF), 0);
        tell(fd, &result, -EBADF);
}

static void find_nothing(int fd) {
        const HandshakeResult result = {.stage = HANDSHAKE_NOTHING};

        tell(fd, &result, -EBADF);
        await();
}

/* Before it has told whose the connection is. */
static void be_verified_at_once(int fd) {
        const HandshakeResult result = {.stage = HANDSHAKE_VERIFIED, .pid = 1};

        tell(fd, &result, fd);
}

static void die(int fd) {
        tell(fd, &connected, -EBADF);
        (void)__real_kill(getpid(), SIGKILL);
}

static void die_at_once(int fd) {
        (void)fd;
        (void)__real_kill(getpid(), SIGKILL);
}

static void hang(int fd) {
        tell(fd, &connected, -EBADF);
        (void)pause();
}

static void hang_at_once(int fd) {
        (void)fd;
        (void)pause();
}

/* The tests. */

static void test_refused(void **state) {
        Handshake *handshake = begin(be_refused);

        (void)state;
        run_to("connected refused ");
        assert_true(handshake->is_over);
        assert_int_equal(strlen(handshake->result.text), sizeof(handshake->result.text) - 1);
        assert_int_equal(strlen(handshake->result.profile), sizeof(handshake->result.profile) - 1);
        assert_int_equal(strlen(handshake->result.label), sizeof(handshake->result.label) - 1);
        go(handshake);
        run_to("connected refused end ");
        assert_null(world.list.first);
        assert_int_equal(world.list.n_at_work, 0);
}

static void test_verified(void **state) {
        Handshake *handshake = begin(be_verified);
        AdmissionCounts counts = {};
        AcceptorChange change;

        (void)state;
        assert_false(handshake_count(handshake, &change));
        run_to("connected ");
        assert_null(world.list.accepting);
        assert_true(handshake_count(handshake, &change));
        assert_int_equal(change.account, 90);
        assert_int_equal(change.at_work, 1);
        assert_int_equal(change.hanging, 0);
        handshake_list_count(&world.list, 90, &counts);
        handshake_list_count(&world.list, 91, &counts);
        assert_int_equal(counts.sessions, 2);
        assert_int_equal(counts.sessions_of_account, 1);
        go(handshake);
        run_to("connected verified ");
        assert_true(world.listener_fd >= 0);
        fd_close(world.listener_fd);
        /* From now on it is a session that counts. */
        counts = (AdmissionCounts){};
        handshake_list_count(&world.list, 90, &counts);
        assert_int_equal(counts.sessions, 0);
        go(handshake);
        run_to("connected verified end ");
}

static void test_without_listener(void **state) {
        (void)begin(be_verified_without_listener);

        (void)state;
        run_to("connected verified end ");
        assert_true(world.listener_fd < 0);
}

/* A launcher that has taken its process over gets one session, and on its own account. */
static void test_lies(void **state) {
        Handshake *handshake = begin(lie);

        (void)state;
        run_to("connected verified ");
        fd_close(world.listener_fd);
        assert_int_equal(handshake->result.pid, 70);
        assert_int_equal(handshake->result.uid, 80);
        assert_int_equal(handshake->result.account, 90);
        assert_int_equal(handshake->result.number, 5);
        go(handshake);
        run_to("connected verified end ");
}

static void test_nothing(void **state) {
        AcceptorChange change;
        Handshake *handshake = begin(find_nothing);

        (void)state;
        run_to("nothing ");
        assert_null(world.list.accepting);
        assert_false(handshake_count(handshake, &change));
        go(handshake);
        run_to("nothing end ");
        (void)begin(be_verified_at_once);
        run_to("nothing end ");
}

static void test_death(void **state) {
        (void)state;
        (void)begin(die);
        run_to("connected end ");
        check_log("a verifier was killed by SIGKILL; it was serving pid 70, uid 80");
        (void)begin(die_at_once);
        run_to("end ");
        check_log("a verifier was killed by SIGKILL before it served a launcher");
        assert_null(world.list.accepting);
}

static void test_overtime(void **state) {
        (void)state;
        (void)begin(hang);
        run_to("connected ");
        pass(TIMEOUT_USEC + OVERTIME_USEC - 1);
        run_to("connected ");
        assert_int_equal(world.n_kills, 0);
        pass(1);
        run_to("connected killed ");
        assert_int_equal(world.n_kills, 1);
        check_log("pid 70, uid 80, sent something that hangs; snotifyd killed its verifier");
        run_to("connected killed end ");

        (void)begin(hang_at_once);
        pass(TIMEOUT_USEC + OVERTIME_USEC);
        run_to("killed ");
        assert_null(world.list.accepting);
        check_log("it took too long to begin with a launcher");
        run_to("killed end ");
}

static void test_hang(void **state) {
        Handshake *handshake = begin(hang);
        AcceptorChange change;

        (void)state;
        world.kill_is_vain = true;
        run_to("connected ");
        pass(TIMEOUT_USEC + OVERTIME_USEC);
        run_to("connected killed ");
        assert_true(handshake_count(handshake, &change));
        assert_int_equal(change.at_work, 1);
        pass(OVERTIME_USEC - 1);
        run_to("connected killed ");
        pass(1);
        run_to("connected killed hangs ");
        assert_int_equal(world.list.n_at_work, 0);
        assert_int_equal(world.list.n_hanging, 1);
        assert_true(handshake_count(handshake, &change));
        assert_int_equal(change.at_work, 0);
        assert_int_equal(change.hanging, 1);
        /* What it hangs in lets it go. */
        (void)__real_kill(handshake->pid, SIGKILL);
        run_to("connected killed hangs end ");
        assert_int_equal(world.list.n_hanging, 0);
}

static void test_list(void **state) {
        Handshake handshakes[3] = {};
        HandshakeList list = {};
        HandoverQueue handover = {};
        AcceptorChange *changes;
        size_t n;

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                handshakes[i].result.account = (uint32_t)i;
                handshake_list_add(&list, &handshakes[i]);
        }
        handshakes[0].is_connected = handshakes[2].is_connected = true;
        handshakes[0].hangs = true;
        handshake_list_hang(&list);
        assert_int_equal(handover_queue_add(&handover, 1, 7), 0);
        handover_queue_add_unknown(&handover);
        changes = handshake_list_changes(&list, &handover, &n);
        assert_non_null(changes);
        assert_int_equal(n, 3);
        assert_int_equal(changes[0].account, 2);
        assert_int_equal(changes[0].at_work, 1);
        assert_int_equal(changes[1].account, 0);
        assert_int_equal(changes[1].hanging, 1);
        assert_int_equal(changes[2].account, 7);
        assert_int_equal(changes[2].at_work, 1);
        free(changes);
        handshake_list_remove(&list, &handshakes[1]);
        handshake_list_remove(&list, &handshakes[0]);
        assert_ptr_equal(list.first, &handshakes[2]);
        assert_ptr_equal(list.accepting, &handshakes[2]);
        handshake_list_remove(&list, &handshakes[2]);
        assert_null(list.first);
        assert_null(list.accepting);
        assert_int_equal(list.n_at_work + list.n_hanging, 0);
}

static int setup(void **state) {
        sigset_t mask;
        int saved_fd = dup(STDERR_FILENO), r;

        (void)state;
        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGCHLD);
        (void)sigprocmask(SIG_BLOCK, &mask, NULL);
        world.log_fd = memfd_create("log", MFD_CLOEXEC);
        if (saved_fd < 0 || world.log_fd < 0 || dup2(world.log_fd, STDERR_FILENO) < 0)
                return -1;
        r = report_new(REPORT_TO_STDERR, &world.report);
        return r < 0 ? r : sd_event_new(&world.event);
}

static int teardown(void **state) {
        (void)state;
        report_free(world.report);
        sd_event_unref(world.event);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_verified),
                cmocka_unit_test(test_without_listener),
                cmocka_unit_test(test_lies),
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_death),
                cmocka_unit_test(test_overtime),
                cmocka_unit_test(test_hang),
                cmocka_unit_test(test_list),
        };

        harness_init();
        return cmocka_run_group_tests_name("handshake", tests, setup, teardown);
}
