/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/handshake/acceptors.c: when an acceptor is replaced, and what those before it count for.  The
 * test stands in for the acceptors themselves, and for the clock. */

#include "harness.h"

#include <sys/mman.h>
#include <systemd/sd-event.h>

#include "handshake/acceptor-link.h"
#include "handshake/acceptors.h"

#define LINKS_MAX 32U

struct AcceptorLink {
        bool is_retired, is_freed, has_lived;
        uint64_t first_number;
        sd_event_time_handler_t on_time; /* once it is retired */
        void *userdata;
        int32_t hanging[8]; /* by account: the sum of the changes that it was sent */
};

static struct {
        AcceptorLink links[LINKS_MAX];
        size_t n_links;
        const AcceptorLinkContext *link_context;
        int start_error;
        unsigned n_deaths, n_at_once, n_failures, n_messages, n_current_messages, n_troubles, n_prepared;
        Acceptors *acceptors;
        Report *report;
        sd_event *event;
        int log_fd;
} world;

/* The acceptors. */

int __wrap_acceptor_link_new(
        const AcceptorLinkContext *context, const AcceptorArguments *arguments, AcceptorLink **ret);
AcceptorLink *__wrap_acceptor_link_free(AcceptorLink *link);
void __wrap_acceptor_link_retire(AcceptorLink *link);
bool __wrap_acceptor_link_has_lived(const AcceptorLink *link);
pid_t __wrap_acceptor_link_pid(const AcceptorLink *link);
void __wrap_acceptor_link_change(AcceptorLink *link, const AcceptorChange *change);
int __wrap_sd_event_add_time_relative(sd_event *event, sd_event_source **ret, clockid_t clock, uint64_t usec,
        uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);

int __wrap_acceptor_link_new(
        const AcceptorLinkContext *context, const AcceptorArguments *arguments, AcceptorLink **ret) {
        if (world.start_error < 0)
                return world.start_error;
        assert_true(world.n_links < LINKS_MAX);
        world.link_context = context;
        *ret = &world.links[world.n_links++];
        **ret = (AcceptorLink){.first_number = arguments->first_number, .has_lived = true};
        return 0;
}

AcceptorLink *__wrap_acceptor_link_free(AcceptorLink *link) {
        if (link)
                link->is_freed = true;
        return NULL;
}

void __wrap_acceptor_link_retire(AcceptorLink *link) {
        link->is_retired = true;
}

bool __wrap_acceptor_link_has_lived(const AcceptorLink *link) {
        return link->has_lived;
}

pid_t __wrap_acceptor_link_pid(const AcceptorLink *link) {
        return 1000 + (pid_t)(link - world.links);
}

void __wrap_acceptor_link_change(AcceptorLink *link, const AcceptorChange *change) {
        assert_false(link->is_freed);
        assert_true(change->account < COUNT(link->hanging));
        assert_int_equal(change->at_work, 0);
        link->hanging[change->account] += change->hanging;
}

/* A timer is started for the acceptor that is replaced just then, which is the newest. */
int __wrap_sd_event_add_time_relative(sd_event *event, sd_event_source **ret, clockid_t clock, uint64_t usec,
        uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        AcceptorLink *link = &world.links[world.n_links - 1];

        (void)event;
        (void)clock;
        (void)usec;
        (void)accuracy;
        *ret = NULL;
        link->on_time = callback;
        link->userdata = userdata;
        return 0;
}

static void say(AcceptorLink *link, AcceptorMessageKind kind, uint32_t account, uint64_t number) {
        const AcceptorMessage message = {.kind = kind, .account = account, .number = number};

        world.link_context->on_message(link, &message, world.link_context->userdata);
}

static void end(AcceptorLink *link) {
        world.link_context->on_end(link, world.link_context->userdata);
        assert_true(link->is_freed);
}

static void lose(AcceptorLink *link) {
        world.link_context->on_lost(link, world.link_context->userdata);
}

static void pass_patience(AcceptorLink *link) {
        assert_non_null(link->on_time);
        (void)link->on_time(NULL, 0, link->userdata);
}

/* The owner. */

static int prepare(AcceptorArguments *ret, void *userdata) {
        (void)userdata;
        *ret = (AcceptorArguments){};
        world.n_prepared++;
        return 0;
}

static void release(AcceptorArguments *arguments, void *userdata) {
        (void)userdata;
        (void)arguments;
        world.n_prepared--;
}

static void on_message(const AcceptorMessage *message, bool is_current, void *userdata) {
        (void)userdata;
        assert_int_not_equal(message->kind, ACCEPTOR_FULL);
        assert_int_not_equal(message->kind, ACCEPTOR_HOLDS);
        world.n_messages++;
        world.n_current_messages += is_current;
}

static void on_death(bool at_once, void *userdata) {
        (void)userdata;
        world.n_deaths++;
        world.n_at_once += at_once;
        if (at_once)
                acceptors_start(world.acceptors);
}

static void on_failure(int error, void *userdata) {
        (void)userdata;
        assert_int_equal(error, world.start_error);
        world.n_failures++;
}

static void on_trouble(void *userdata) {
        (void)userdata;
        world.n_troubles++;
}

static AcceptorsContext context = {
        .prepare = prepare,
        .release = release,
        .on_message = on_message,
        .on_death = on_death,
        .on_failure = on_failure,
        .on_trouble = on_trouble,
};

static int begin(void **state) {
        (void)state;
        memset(world.links, 0, sizeof(world.links));
        world.n_links = 0;
        world.start_error = 0;
        world.n_deaths = world.n_at_once = world.n_failures = world.n_troubles = world.n_prepared = 0;
        world.n_messages = world.n_current_messages = 0;
        context.event = world.event;
        context.report = world.report;
        if (ftruncate(world.log_fd, 0) < 0 || lseek(world.log_fd, 0, SEEK_SET) < 0)
                return -1;
        return acceptors_new(&context, &world.acceptors);
}

static int finish(void **state) {
        (void)state;
        world.acceptors = acceptors_free(world.acceptors);
        for (size_t i = 0; i < world.n_links; i++)
                if (!world.links[i].is_freed)
                        return -1;
        return (int)world.n_prepared;
}

static void check_log(const char *text, bool is_there) {
        char log[4096];
        ssize_t n = pread(world.log_fd, log, sizeof(log) - 1, 0);

        assert_true(n >= 0);
        log[n] = '\0';
        if (!strstr(log, text) == is_there)
                fail_msg("%s\"%s\" in: %s", is_there ? "no " : "", text, log);
}

/* The tests. */

static void test_renew(void **state) {
        AcceptorLink *links = world.links;

        (void)state;
        acceptors_renew(world.acceptors);
        assert_int_equal(world.n_links, 2);
        assert_true(links[0].is_retired);
        assert_false(links[1].is_retired);
        assert_true(links[1].first_number >> ACCEPTOR_GENERATION_SHIFT > links[0].first_number >>
                    ACCEPTOR_GENERATION_SHIFT);
        say(&links[0], ACCEPTOR_HANDED_OVER, 1, 1);
        say(&links[1], ACCEPTOR_REFUSED, 1, 0);
        assert_int_equal(world.n_messages, 2);
        assert_int_equal(world.n_current_messages, 1);
        end(&links[0]);
        assert_int_equal(world.n_links, 2);
        assert_int_equal(world.n_deaths, 0);
}

/* It is full, and hangs in what account 3 sent. */
static void test_full(void **state) {
        AcceptorLink *links = world.links;

        (void)state;
        say(&links[0], ACCEPTOR_FULL, 0, 0);
        assert_int_equal(world.n_links, 2);
        assert_true(links[0].is_retired);
        say(&links[0], ACCEPTOR_HOLDS, 3, 12288);
        assert_int_equal(links[1].hanging[3], 0);
        pass_patience(&links[0]);
        assert_int_equal(links[1].hanging[3], 1);
        check_log("process 1000, which accepted launchers, hangs in what it holds: 12288 connections of "
                  "user 3",
                true);
        /* The next one has to know. */
        acceptors_renew(world.acceptors);
        assert_int_equal(links[2].hanging[3], 1);
        end(&links[0]);
        assert_int_equal(links[2].hanging[3], 0);
        end(&links[1]);
}

/* It may be slow, and tell what it holds when it is thought to hang already. */
static void test_holds_late(void **state) {
        AcceptorLink *links = world.links;

        (void)state;
        say(&links[0], ACCEPTOR_FULL, 0, 0);
        pass_patience(&links[0]);
        check_log("process 1000, which accepted launchers, does not end", true);
        say(&links[0], ACCEPTOR_HOLDS, 3, 7);
        assert_int_equal(links[1].hanging[3], 1);
        say(&links[0], ACCEPTOR_HOLDS, 4, 7);
        assert_int_equal(links[1].hanging[4], 0);
        /* One that accepts holds nothing for good. */
        say(&links[1], ACCEPTOR_HOLDS, 5, 7);
        end(&links[0]);
        assert_int_equal(links[1].hanging[3], 0);
        assert_int_equal(links[1].hanging[5], 0);
}

static void test_bound(void **state) {
        AcceptorLink *links = world.links;

        (void)state;
        for (size_t i = 0; i < ACCEPTORS_RETIRED_MAX; i++)
                say(&links[i], ACCEPTOR_FULL, 0, 0);
        assert_int_equal(world.n_links, ACCEPTORS_RETIRED_MAX + 1);
        assert_string_equal(acceptors_trouble(world.acceptors), "");
        /* A reload waits as well, and is no trouble. */
        acceptors_renew(world.acceptors);
        assert_int_equal(world.n_links, ACCEPTORS_RETIRED_MAX + 1);
        assert_int_equal(world.n_troubles, 0);
        check_log("no launcher is accepted", false);
        say(&links[ACCEPTORS_RETIRED_MAX], ACCEPTOR_FULL, 0, 0);
        say(&links[ACCEPTORS_RETIRED_MAX], ACCEPTOR_FULL, 0, 0);
        assert_int_equal(world.n_links, ACCEPTORS_RETIRED_MAX + 1);
        assert_int_equal(world.n_troubles, 1);
        assert_string_not_equal(acceptors_trouble(world.acceptors), "");
        check_log("no launcher is accepted: 8 processes that accepted launchers hang", true);
        check_log("launchers are accepted again", false);
        end(&links[5]);
        assert_int_equal(world.n_links, ACCEPTORS_RETIRED_MAX + 2);
        assert_true(links[ACCEPTORS_RETIRED_MAX].is_retired);
        assert_int_equal(world.n_troubles, 2);
        assert_string_equal(acceptors_trouble(world.acceptors), "");
        check_log("launchers are accepted again", true);
}

/* One that is killed, and whose end takes long. */
static void test_lost(void **state) {
        AcceptorLink *links = world.links;

        (void)state;
        lose(&links[0]);
        assert_int_equal(world.n_deaths, 1);
        assert_int_equal(world.n_links, 2);
        assert_false(links[0].is_retired);
        end(&links[0]);
        assert_int_equal(world.n_deaths, 1);
        /* The process may also have ended before its socket is seen to be closed. */
        end(&links[1]);
        assert_int_equal(world.n_deaths, 2);
        assert_int_equal(world.n_links, 3);
        /* One that dies at once is not replaced at once. */
        links[2].has_lived = false;
        lose(&links[2]);
        assert_int_equal(world.n_deaths, 3);
        assert_int_equal(world.n_at_once, 2);
        assert_int_equal(world.n_links, 3);
        acceptors_start(world.acceptors);
        acceptors_start(world.acceptors);
        assert_int_equal(world.n_links, 4);
        end(&links[2]);
        assert_int_equal(world.n_links, 4);
}

static void test_lost_at_bound(void **state) {
        AcceptorLink *links = world.links, *last = &links[ACCEPTORS_RETIRED_MAX];

        (void)state;
        for (size_t i = 0; i < ACCEPTORS_RETIRED_MAX; i++)
                acceptors_renew(world.acceptors);
        lose(last);
        assert_int_equal(world.n_deaths, 0);
        assert_string_not_equal(acceptors_trouble(world.acceptors), "");
        end(&links[0]);
        assert_int_equal(world.n_deaths, 1);
        assert_int_equal(world.n_links, ACCEPTORS_RETIRED_MAX + 2);
        assert_string_equal(acceptors_trouble(world.acceptors), "");
        end(last);
        assert_int_equal(world.n_deaths, 1);
}

static void test_failure(void **state) {
        AcceptorLink *links = world.links;

        (void)state;
        world.start_error = -EAGAIN;
        acceptors_renew(world.acceptors);
        assert_int_equal(world.n_failures, 1);
        assert_true(links[0].is_retired);
        acceptors_change(world.acceptors, &(AcceptorChange){.account = 1, .hanging = 1}); /* to none */
        acceptors_start(world.acceptors);
        assert_int_equal(world.n_failures, 2);
        world.start_error = 0;
        acceptors_start(world.acceptors);
        assert_int_equal(world.n_links, 2);
        assert_int_equal(links[1].hanging[1], 0);
}

static int setup(void **state) {
        int r;

        (void)state;
        world.log_fd = memfd_create("log", MFD_CLOEXEC);
        if (world.log_fd < 0 || dup2(world.log_fd, STDERR_FILENO) < 0)
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
                cmocka_unit_test_setup_teardown(test_renew, begin, finish),
                cmocka_unit_test_setup_teardown(test_full, begin, finish),
                cmocka_unit_test_setup_teardown(test_holds_late, begin, finish),
                cmocka_unit_test_setup_teardown(test_bound, begin, finish),
                cmocka_unit_test_setup_teardown(test_lost, begin, finish),
                cmocka_unit_test_setup_teardown(test_lost_at_bound, begin, finish),
                cmocka_unit_test_setup_teardown(test_failure, begin, finish),
        };

        harness_init();
        return cmocka_run_group_tests_name("acceptors", tests, setup, teardown);
}
