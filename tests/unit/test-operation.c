/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/operation/operation.c: the call itself, and how a second worker tells what the first
 * one did. */

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

static int perform(const char *name, uint32_t mode) {
        Intent intent = {};
        int error;

        act_prepare(AT_FDCWD, name, geteuid(), true, &intent);
        assert_int_equal(intent_state(&intent), INTENT_NOT_BEGUN);
        error = act_perform(OPERATION_MKDIR, AT_FDCWD, name, mode, &intent);
        assert_int_equal(intent_state(&intent), INTENT_DONE);
        assert_int_equal(intent.error, error);
        return error;
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
                assert_int_equal(act_look(AT_FDCWD, "name"), ENOENT);
                assert_int_equal(perform("name", rows[i].mode), 0);
                assert_int_equal(act_look(AT_FDCWD, "name"), 0);
                assert_int_equal(stat("name", &st), 0);
                assert_int_equal(st.st_mode, S_IFDIR | rows[i].expected);
                assert_int_equal(perform("name", 0777), EEXIST);
                assert_int_equal(rmdir("name"), 0);
        }
        (void)umask(old);
        assert_int_equal(act_perform((OperationKind)99, AT_FDCWD, "name", 0777, &(Intent){}), ENOSYS);
        assert_int_equal(act_look(AT_FDCWD, "name"), ENOENT);
}

/* A name is looked at for what it is, and nothing behind it. */
static void test_look(void **state) {
        char long_name[300];

        (void)state;
        assert_int_equal(symlink("nowhere", "name"), 0);
        assert_int_equal(act_look(AT_FDCWD, "name"), 0);
        assert_int_equal(perform("name", 0777), EEXIST);
        assert_int_equal(act_look(AT_FDCWD, "nowhere"), ENOENT);
        memset(long_name, 'x', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        assert_int_equal(act_look(AT_FDCWD, long_name), ENAMETOOLONG);
        assert_int_equal(perform(long_name, 0777), ENAMETOOLONG);
}

static void test_prepare(void **state) {
        struct timespec before, after;
        Intent intent = {};

        (void)state;
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &before);
        act_prepare(AT_FDCWD, "name", 17, true, &intent);
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &after);
        assert_int_equal(intent.locations[0].sight, INTENT_ABSENT);
        assert_int_equal(intent.owner, 17);
        assert_true(intent.begun_sec >= before.tv_sec && intent.begun_sec <= after.tv_sec);
        assert_true(intent.begun_sec != before.tv_sec || intent.begun_nsec >= before.tv_nsec);
        assert_true(intent.begun_sec != after.tv_sec || intent.begun_nsec <= after.tv_nsec);
        act_prepare(AT_FDCWD, "name", 17, false, &intent);
        assert_int_not_equal(intent.locations[0].sight, INTENT_ABSENT);
        assert_int_equal(mkdir("name", 0700), 0);
        act_prepare(AT_FDCWD, "name", 17, true, &intent);
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
        {"not done, and it had been there", NOTHING, false, 0, 0, 0, ENOENT},
        {"done, at the very moment", DIRECTORY, true, 0, 0, 0, 0},
        {"done a moment after", DIRECTORY, true, 0, 0, -1, 0},
        {"done a second after", DIRECTORY, true, 0, -1, 0, 0},
        {"done a second after, with fewer nanoseconds", DIRECTORY, true, 0, -1, 500000000, 0},
        {"older by a moment", DIRECTORY, true, 0, 0, 1, EEXIST},
        {"older by a second", DIRECTORY, true, 0, 1, 0, EEXIST},
        {"older by a second, with more nanoseconds", DIRECTORY, true, 0, 1, -500000000, EEXIST},
        {"it had been there", DIRECTORY, false, 0, 0, 0, ENOENT}, /* the call itself tells */
        {"somebody else's", DIRECTORY, true, 1, 0, 0, EEXIST},
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
                error = act_find(AT_FDCWD, "name", &intent);
                if (error != again[i].expected)
                        fail_msg("%s: %d", again[i].name, error);
                assert_int_equal(act_look(AT_FDCWD, "name"), again[i].there == NOTHING ? ENOENT : 0);
                (void)clean(NULL);
        }
}

/* The clock that is noted is never ahead of the one that stamps what is made then. */
static void test_again_for_real(void **state) {
        (void)state;
        for (int i = 0; i < 2000; i++) {
                Intent intent = {};

                act_prepare(AT_FDCWD, "name", geteuid(), true, &intent);
                assert_int_equal(act_perform(OPERATION_MKDIR, AT_FDCWD, "name", 0700, &intent), 0);
                assert_int_equal(act_find(AT_FDCWD, "name", &intent), 0);
                assert_int_equal(rmdir("name"), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_perform, clean),
                cmocka_unit_test_teardown(test_look, clean),
                cmocka_unit_test_teardown(test_prepare, clean),
                cmocka_unit_test_teardown(test_again, clean),
                cmocka_unit_test_teardown(test_again_for_real, clean),
        };

        harness_init();
        return cmocka_run_group_tests_name("act", tests, enter, leave);
}
