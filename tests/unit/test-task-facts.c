/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/target/task-facts.c: what is known, and texts of /proc of every sort. */

#include "harness.h"

#include <sys/resource.h>

#include "common/ownership.h"
#include "worker/target/task-facts.h"

/* A status text in pieces, so that each can be missing or odd. */
enum {
        NAME,
        UMASK,
        TGID,
        UID,
        GID,
        GROUPS,
        NSTGID,
        NSPID,
        CAPEFF,
        N_LINES,
};

static const char *const good_lines[N_LINES] = {
        [NAME] = "Name:\tmkdir\n",
        [UMASK] = "Umask:\t0027\nState:\tS (sleeping)\n",
        [TGID] = "Tgid:\t100\nNgid:\t0\nPid:\t101\nPPid:\t1\nTracerPid:\t0\n",
        [UID] = "Uid:\t1000\t1001\t1002\t1003\n",
        [GID] = "Gid:\t2000\t2001\t2002\t2003\nFDSize:\t64\n",
        [GROUPS] = "Groups:\t4 24 4294967294 \n",
        [NSTGID] = "NStgid:\t100\n",
        [NSPID] = "NSpid:\t101\nVmPeak:\t    3060 kB\nCapPrm:\t000001ffffffffff\n",
        [CAPEFF] = "CapEff:\t00000000a80425fb\nCapBnd:\t000001ffffffffff\n",
};

static int parse(unsigned line, const char *instead, TaskFacts *ret) {
        char text[4096] = "";

        for (unsigned i = 0; i < N_LINES; i++)
                (void)strcat(text, i == line ? instead : good_lines[i]);
        return task_facts_parse_status(text, ret);
}

static void test_parse(void **state) {
        TaskFacts facts = {};

        (void)state;
        task_facts_init(&facts);
        for (int i = 0; i < 2; i++) { /* the second time nothing is left of the first */
                assert_int_equal(parse(N_LINES, NULL, &facts), 0);
                assert_string_equal(facts.comm, "mkdir");
                assert_int_equal(facts.tgid, 100);
                assert_int_equal(facts.uids[0], 1000);
                assert_int_equal(facts.uids[1], 1001);
                assert_int_equal(facts.uids[2], 1002);
                assert_int_equal(facts.gids[0], 2000);
                assert_int_equal(facts.gids[1], 2001);
                assert_int_equal(facts.gids[2], 2002);
                assert_int_equal(facts.credentials.umask, 0027);
                assert_int_equal(facts.credentials.fsuid, 1003);
                assert_int_equal(facts.credentials.fsgid, 2003);
                assert_int_equal(facts.credentials.capabilities, 0xa80425fb);
                assert_int_equal(facts.credentials.n_groups, 3);
                assert_int_equal(facts.credentials.groups[0], 4);
                assert_int_equal(facts.credentials.groups[1], 24);
                assert_int_equal(facts.credentials.groups[2], 4294967294);
                assert_int_equal(facts.n_levels, 1);
                assert_int_equal(facts.level_tgids[0], 100);
                assert_int_equal(facts.level_tids[0], 101);
        }
        task_facts_done(&facts);
}

#define LEVELS_11 "1\t2\t3\t4\t5\t6\t7\t8\t9\t10\t11\t"

static const struct {
        unsigned line;
        const char *instead;
        int expected;
} odd_texts[] = {
        {NAME, "", -EBADMSG},
        {UMASK, "State:\tZ (zombie)\n", -EBADMSG}, /* a task that has left its directories */
        {UMASK, "Umask:\t\n", -EBADMSG},
        {UMASK, "Umask:\t9\n", -EBADMSG},
        {TGID, "", -EBADMSG},
        {TGID, "Tgid:\tx\n", -EBADMSG},
        {TGID, "Tgid:\t2147483648\n", -EBADMSG},
        {UID, "", -EBADMSG},
        {UID, "Uid:\t1000\t1000\t1000\n", -EBADMSG},
        {UID, "Uid:\t1000\t1000\t1000\t4294967296\n", -EBADMSG},
        {UID, "Uid:\t1000\t1000\t1000\t18446744073709551616\n", -EBADMSG},
        {UID, "Uid:\t1000\t1000\t1000\t-1\n", -EBADMSG},
        {UID, "Uid:\t1000\t1000\t1000\t4294967295\n", 0},
        {GID, "", -EBADMSG},
        {GID, "Gid:\t2000\t2001\t2002\t\n", -EBADMSG},
        {GROUPS, "", -EBADMSG},
        {GROUPS, "Groups:\t \n", 0},
        {GROUPS, "Groups:\n", 0},
        {GROUPS, "Groups:\t4294967296 \n", -EBADMSG},
        {GROUPS, "Groups:\t4 x \n", -EBADMSG},
        {NSTGID, "", -EBADMSG},
        {NSPID, "", -EBADMSG},
        {NSPID, "NSpid:\t101\t7\n", -EBADMSG}, /* it is in as many as its process */
        {NSPID, "NSpid:\t\n", -EBADMSG},
        {NSPID, "NSpid:\t4294967397\n", -EBADMSG},
        {CAPEFF, "", -EBADMSG},
        {CAPEFF, "CapEff:\t\n", -EBADMSG},
        {CAPEFF, "CapEff:\t00000000a80425fb\n", 0},
        /* What a name holds is no line. */
        {NAME, "Name:\tUmask:\t7\n", 0},
        {NAME, "Name:\tx\\nUid:\t0 0 0 0\n", 0},
        {NAME, "Name:\t\n", 0},
        {NAME, "Name:\ta name that is longer than any can be\n", 0},
};

static void test_odd_texts(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(odd_texts); i++) {
                TaskFacts facts = {};
                int r;

                task_facts_init(&facts);
                r = parse(odd_texts[i].line, odd_texts[i].instead, &facts);
                if (r != odd_texts[i].expected)
                        fail_msg("%s: %d", odd_texts[i].instead, r);
                if (r == 0 && odd_texts[i].line == NAME) {
                        assert_int_equal(facts.credentials.umask, 0027);
                        assert_int_equal(facts.credentials.fsuid, 1003);
                        assert_true(strlen(facts.comm) < sizeof(facts.comm));
                }
                if (r == 0 && odd_texts[i].line == GROUPS)
                        assert_int_equal(facts.credentials.n_groups, 0);
                task_facts_done(&facts);
        }
        assert_int_equal(task_facts_parse_status("", &(TaskFacts){}), -EBADMSG);
        assert_int_equal(task_facts_parse_status("\n\n\n", &(TaskFacts){}), -EBADMSG);
        assert_int_equal(task_facts_parse_status("Name:", &(TaskFacts){}), -EBADMSG);
}

/* The text may end anywhere: nothing is read behind it (the sanitizers would tell), nothing is made of half
 * a text. */
static void test_cut_texts(void **state) {
        char whole[4096] = "";
        size_t length;

        (void)state;
        for (unsigned i = 0; i < N_LINES; i++)
                (void)strcat(whole, good_lines[i]);
        length = (size_t)(strstr(whole, "CapEff:\t") - whole) + strlen("CapEff:\t");
        for (size_t n = 0; n < length; n++) {
                _cleanup_free_ char *cut = strndup(whole, n);
                TaskFacts facts = {};

                assert_int_equal(task_facts_parse_status(cut, &facts), -EBADMSG);
                task_facts_done(&facts);
        }
}

static void test_levels(void **state) {
        static const struct {
                const char *text;
                unsigned level;
                bool expected;
        } rows[] = {
                {"Name:\tx\nNStgid:\t100\t7\t1\n", 0, true},
                {"Name:\tx\nNStgid:\t7\t1\n", 1, true},
                {"Name:\tx\nNStgid:\t1\n", 2, true},
                {"Name:\tx\nNStgid:\t100\t7\t1\n", 1, false},
                {"Name:\tx\nNStgid:\t7\t1\n", 0, false},
                {"Name:\tx\nNStgid:\t7\t2\n", 1, false},
                {"Name:\tx\nNStgid:\t8\t1\n", 1, false},
                {"Name:\tx\nNStgid:\t7\n", 1, false},
                {"Name:\tx\nNStgid:\t7\t1\t1\n", 1, false},
                {"Name:\tx\nNStgid:\t7\t1\t0\n", 1, false},
                {"Name:\tx\nNStgid:\t\n", 1, false},
                {"Name:\tx\n", 1, false},
                {"", 2, false},
        };
        TaskFacts facts = {};

        (void)state;
        assert_int_equal(parse(NSTGID, "NStgid:\t100\t7\t1\n", &facts), -EBADMSG);
        assert_int_equal(facts.n_levels, 3);
        for (size_t i = 0; i < COUNT(rows); i++)
                if (task_facts_is_at_level(rows[i].text, &facts, rows[i].level) != rows[i].expected)
                        fail_msg("%s at level %u", rows[i].text, rows[i].level);
        /* More than the kernel allows, and no more room. */
        assert_int_equal(
                parse(NSTGID, "NStgid:\t" LEVELS_11 LEVELS_11 LEVELS_11 LEVELS_11 "\n", &facts), -EBADMSG);
        assert_int_equal(facts.n_levels, 0);
        task_facts_done(&facts);
}

static void test_stat(void **state) {
        static const struct {
                const char *text;
                int expected;
                pid_t group;
        } rows[] = {
                {"10 (mkdir) S 1 7 7 0 -1\n", 0, 7},
                {"10 (a b) S 1 2 3) R 4 5 6\n", 0, 5},
                {"10 (mkdir) S 1 0 0 0 -1\n", 0, 0}, /* its group is in no PID namespace of ours */
                {"10 (mkdir) S 1", -EBADMSG, 0},
                {"10 (mkdir) S 1 x\n", -EBADMSG, 0},
                {"10 mkdir S 1 7\n", -EBADMSG, 0},
                {"", -EBADMSG, 0},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                TaskFacts facts = {};

                if (task_facts_parse_stat(rows[i].text, &facts) != rows[i].expected ||
                        facts.process_group != rows[i].group)
                        fail_msg("%s: %d", rows[i].text, facts.process_group);
        }
}

/* The soft limit is not looked at; and what is no number must not pass for "unlimited". */
static void test_limits(void **state) {
        static const struct {
                const char *line;
                int expected;
                uint64_t limit;
        } rows[] = {
                {"Max file locks            unlimited            unlimited            locks     \n", 0,
                        RLIM_INFINITY},
                {"Max file locks            7                    unlimited            locks     \n", 0,
                        RLIM_INFINITY},
                {"Max file locks            7                    8                    locks     \n", 0, 8},
                {"Max file locks            unlimited            18446744073709551614 locks     \n", 0,
                        RLIM_INFINITY - 1},
                {"Max file locks            unlimited            18446744073709551616 locks     \n",
                        -EBADMSG, 0},
                {"Max file locks            unlimited            x                    locks     \n",
                        -EBADMSG, 0},
                {"Max file locks            unlimited            \nMax pending signals 1 2\n", -EBADMSG, 0},
                {"Max file locks            unlimited", -EBADMSG, 0},
                {"Max file locks", -EBADMSG, 0},
                {"Max address space         unlimited            unlimited            bytes     \n",
                        -EBADMSG, 0},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                TaskFacts facts = {};
                char text[256];

                (void)snprintf(text, sizeof(text), "Limit  Soft Limit  Hard Limit  Units\n%s", rows[i].line);
                if (task_facts_parse_limits(text, &facts) != rows[i].expected ||
                        facts.locks_limit != rows[i].limit)
                        fail_msg("%s: %llu", rows[i].line, (unsigned long long)facts.locks_limit);
        }
}

static void test_known(void **state) {
        TaskFacts facts;

        (void)state;
        task_facts_init(&facts);
        assert_true(task_facts_know(&facts, 0));
        assert_false(task_facts_know(&facts, TASK_STATUS));
        facts.known |= TASK_STATUS | TASK_ROOT;
        assert_true(task_facts_know(&facts, TASK_STATUS | TASK_ROOT));
        assert_false(task_facts_know(&facts, TASK_STATUS | TASK_LIMITS));
        task_facts_forget(&facts, TASK_STATUS | TASK_LIMITS);
        assert_false(task_facts_know(&facts, TASK_STATUS));
        assert_true(task_facts_know(&facts, TASK_ROOT));
        task_facts_done(&facts);
        assert_int_equal(facts.known, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_odd_texts),
                cmocka_unit_test(test_cut_texts),
                cmocka_unit_test(test_levels),
                cmocka_unit_test(test_stat),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_known),
        };

        return cmocka_run_group_tests_name("task-facts", tests, NULL, NULL);
}
