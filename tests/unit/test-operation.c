/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/operation/operation.c: the call itself, and how a second worker determines what the
 * first one did. */

#include "harness.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "worker/operation/operation.h"

static char directory[] = "/tmp/snotify-test-XXXXXX";

static int enter(void **state) {
        (void)state;
        return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave(void **state) {
        (void)state;
        return chdir("/") == 0 ? rmdir(directory) : -1;
}

static int clean(void **state) {
        (void)state;
        (void)rmdir("name");
        (void)unlink("name");
        return 0;
}

static OperationCall call_of(const char *name, Arguments *arguments, Intent *intent) {
        return (OperationCall){
                .arguments = arguments,
                .at = {{.parent_fd = AT_FDCWD, .name = name}},
                .intent = intent,
                .owner = geteuid(),
                .may_look = true,
        };
}

static int perform(const char *name, uint32_t mode) {
        Arguments arguments = {.mode = mode};
        Intent intent = {};
        OperationCall call = call_of(name, &arguments, &intent);
        Outcome outcome;

        operation_note(&operation_mkdir, &call);
        assert_int_equal(intent_state(&intent), INTENT_NOT_BEGUN);
        operation_perform(&operation_mkdir, &call, &outcome);
        assert_int_equal(intent_state(&intent), INTENT_DONE);
        assert_int_equal(intent.error, outcome.error);
        return outcome.error;
}

static int look(const char *name) {
        Arguments arguments = {};
        Intent intent = {};
        OperationCall call = call_of(name, &arguments, &intent);
        Outcome outcome;

        operation_mkdir.check(&call, &outcome);
        return outcome.error;
}

#define UNTOLD (-1)

/* Returns what the target gets, ENOENT where nothing was done, or UNTOLD. */
static int find_out(const char *name, Intent *intent) {
        Arguments arguments = {};
        OperationCall call = call_of(name, &arguments, intent);
        OperationFinding finding;
        Outcome outcome;

        assert_int_equal(operation_mkdir.find_out(&call, &finding, &outcome), 0);
        return finding == OPERATION_DONE ? outcome.error : finding == OPERATION_NOT_DONE ? ENOENT : UNTOLD;
}

static void test_perform(void **state) {
        static const struct {
                uint32_t mode;
                mode_t expected;
        } rows[] = {
                {0, 0}, {0777, 0750}, {01777, 01750}, {06777, 0750}, {0177777, 01750}, {0xffffffff, 01750}};
        mode_t old = umask(0027);
        struct stat st;

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                assert_int_equal(look("name"), 0);
                assert_int_equal(perform("name", rows[i].mode), 0);
                assert_int_equal(look("name"), EEXIST);
                assert_int_equal(stat("name", &st), 0);
                assert_int_equal(st.st_mode, S_IFDIR | rows[i].expected);
                assert_int_equal(perform("name", 0777), EEXIST);
                assert_int_equal(rmdir("name"), 0);
        }
        (void)umask(old);
        assert_null(operation_of((OperationKind)99));
        assert_null(operation_of(OPERATION_LIMIT));
        assert_int_equal(look("name"), 0);
}

/* The name itself counts: a symbolic link is not followed. */
static void test_look(void **state) {
        char long_name[300];

        (void)state;
        assert_int_equal(symlink("nowhere", "name"), 0);
        assert_int_equal(look("name"), EEXIST);
        assert_int_equal(perform("name", 0777), EEXIST);
        assert_int_equal(look("nowhere"), 0);
        memset(long_name, 'x', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        assert_int_equal(look(long_name), ENAMETOOLONG);
        assert_int_equal(perform(long_name, 0777), ENAMETOOLONG);
}

static void note(const char *name, bool may_look, Intent *intent) {
        Arguments arguments = {};
        OperationCall call = call_of(name, &arguments, intent);

        call.owner = 17;
        call.may_look = may_look;
        operation_note(&operation_mkdir, &call);
}

static void test_note(void **state) {
        struct timespec before, after;
        Intent intent = {};

        (void)state;
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &before);
        note("name", true, &intent);
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &after);
        assert_int_equal(intent.locations[0].sight, INTENT_ABSENT);
        assert_int_equal(intent.owner, 17);
        assert_true(intent.begun_sec >= before.tv_sec && intent.begun_sec <= after.tv_sec);
        assert_true(intent.begun_sec != before.tv_sec || intent.begun_nsec >= before.tv_nsec);
        assert_true(intent.begun_sec != after.tv_sec || intent.begun_nsec <= after.tv_nsec);
        note("name", false, &intent);
        assert_int_not_equal(intent.locations[0].sight, INTENT_ABSENT);
        assert_int_equal(mkdir("name", 0700), 0);
        note("name", true, &intent);
        assert_int_not_equal(intent.locations[0].sight, INTENT_ABSENT);
}

typedef enum There {
        NOTHING,
        DIRECTORY,
        FILE_OF_OURS,
        LINK_TO_DIRECTORY,
} There;

/* What is there, and what the dead worker had noted: the owner relative to that of what is there, and the
 * time relative to its birth. */
static const struct {
        const char *name;
        There there;
        bool absent;
        uint32_t owner;
        int64_t sec;
        int64_t nsec;
        int expected;
} again[] = {
        {"not done", NOTHING, true, 0, 0, 0, ENOENT},
        {"not done, and it had been there", NOTHING, false, 0, 0, 0, UNTOLD},
        {"done, at the very moment", DIRECTORY, true, 0, 0, 0, 0},
        {"done a moment after", DIRECTORY, true, 0, 0, -1, 0},
        {"done a second after", DIRECTORY, true, 0, -1, 0, 0},
        {"done a second after, with fewer nanoseconds", DIRECTORY, true, 0, -1, 500000000, 0},
        {"older by a moment", DIRECTORY, true, 0, 0, 1, EEXIST},
        {"older by a second", DIRECTORY, true, 0, 1, 0, EEXIST},
        {"older by a second, with more nanoseconds", DIRECTORY, true, 0, 1, -500000000, EEXIST},
        {"it had been there", DIRECTORY, false, 0, 0, 0, UNTOLD}, /* the call itself tells */
        {"another user's", DIRECTORY, true, 1, 0, 0, EEXIST},
        {"a file", FILE_OF_OURS, true, 0, 0, 0, EEXIST},
        {"a link", LINK_TO_DIRECTORY, true, 0, 0, 0, EEXIST},
};

static void make(There there) {
        switch (there) {
        case NOTHING:
                break;
        case DIRECTORY:
                assert_int_equal(mkdir("name", 0700), 0);
                break;
        case FILE_OF_OURS:
                assert_int_equal(close(creat("name", 0600)), 0);
                break;
        case LINK_TO_DIRECTORY:
                assert_int_equal(symlink(".", "name"), 0);
                break;
        }
}

static void test_again(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(again); i++) {
                struct statx stx = {};
                Intent intent;
                int error;

                make(again[i].there);
                if (again[i].there != NOTHING) {
                        assert_int_equal(statx(AT_FDCWD, "name", AT_SYMLINK_NOFOLLOW, STATX_BTIME, &stx), 0);
                        if (!(stx.stx_mask & STATX_BTIME))
                                fail_msg("/tmp is on a file system without birth times");
                }
                intent = (Intent){
                        .state = INTENT_BEGUN,
                        .locations = {{.sight = again[i].absent ? INTENT_ABSENT : INTENT_PRESENT}},
                        .owner = geteuid() + again[i].owner,
                        .begun_sec = stx.stx_btime.tv_sec + again[i].sec,
                        .begun_nsec = stx.stx_btime.tv_nsec + again[i].nsec,
                };
                error = find_out("name", &intent);
                if (error != again[i].expected)
                        fail_msg("%s: %d", again[i].name, error);
                assert_int_equal(look("name"), again[i].there == NOTHING ? 0 : EEXIST);
                (void)clean(NULL);
        }
}

/* The noted time is never later than the birth time of a directory that is created afterwards. */
static void test_again_for_real(void **state) {
        (void)state;
        for (int i = 0; i < 2000; i++) {
                Intent intent = {};
                Arguments arguments = {.mode = 0700};
                OperationCall call = call_of("name", &arguments, &intent);
                Outcome outcome;

                operation_note(&operation_mkdir, &call);
                operation_perform(&operation_mkdir, &call, &outcome);
                assert_int_equal(outcome.error, 0);
                assert_int_equal(find_out("name", &intent), 0);
                assert_int_equal(rmdir("name"), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_perform, clean),
                cmocka_unit_test_teardown(test_look, clean),
                cmocka_unit_test_teardown(test_note, clean),
                cmocka_unit_test_teardown(test_again, clean),
                cmocka_unit_test_teardown(test_again_for_real, clean),
        };

        harness_init();
        return cmocka_run_group_tests_name("operation", tests, enter, leave);
}
