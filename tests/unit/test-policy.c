/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests the library of daemon/policy/ alone: which rule wins, what a path may look like, and that size
 * changes no answer. */

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/ownership.h"
#include "policy/policy.h"
#include "policy/rule-path.h"

DEFINE_CLEANUP(Policy, policy_free)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static Policy *new_policy(void) {
        Policy *policy;

        assert_int_equal(policy_new(7, &policy), 0);
        return policy;
}

static Profile *add_profile(Policy *policy, const char *name, Action fallback, int error) {
        Profile *profile;

        assert_int_equal(policy_add_profile(policy, name, fallback, error, POLICY_LOG_ALL, &profile), 0);
        return profile;
}

/* Adds a rule that is named after its path, so that verdicts are readable. */
static void add_rule(Profile *profile, const char *path, Action action) {
        const char *existing;

        assert_int_equal(profile_add_rule(profile, &(const Rule){path, path, action, 0}, &existing), 0);
}

static const char *judge(const Profile *profile, const char *path) {
        Verdict verdict;

        profile_judge(profile, OPERATION_MKDIR, path, &verdict);
        return verdict.rule ?: "";
}

/* For each set of rules: which of them judges the path ("" where the default does). */
static const struct {
        const char *rules[8];
        const char *path;
        const char *winner;
} judgements[] = {
        /* no rule, one rule */
        {{NULL}, "/tmp/a", ""},
        {{NULL}, "/", ""},
        {{"/tmp/"}, "/tmp/a", "/tmp/"},
        {{"/tmp/"}, "/tmp/a/b/c", "/tmp/"},
        {{"/tmp/"}, "/tmp", ""},
        {{"/tmp/"}, "/tmpfile", ""},
        {{"/tmp/"}, "/tm", ""},
        {{"/tmp/"}, "/var/tmp/a", ""},
        {{"/tmp"}, "/tmp", "/tmp"},
        {{"/tmp"}, "/tmp/a", ""},
        {{"/tmp"}, "/tmpa", ""},
        {{"/a/b/c"}, "/a/b/c", "/a/b/c"},
        {{"/a/b/c"}, "/a/b", ""},
        {{"/a/b/c"}, "/a", ""},
        {{"/a/b/c"}, "/a/b/d", ""},
        /* the same path with and without a slash are two rules */
        {{"/tmp", "/tmp/"}, "/tmp", "/tmp"},
        {{"/tmp", "/tmp/"}, "/tmp/a", "/tmp/"},
        /* the root: everything below it, and not itself */
        {{"/"}, "/a", "/"},
        {{"/"}, "/a/b/c", "/"},
        {{"/"}, "/", ""},
        {{"/", "/tmp/"}, "/tmp", "/"},
        {{"/", "/tmp/"}, "/tmp/a", "/tmp/"},
        {{"/", "/tmp/"}, "/var", "/"},
        /* longer beats shorter, in whatever order they were added */
        {{"/a/", "/a/b/"}, "/a/b/c", "/a/b/"},
        {{"/a/b/", "/a/"}, "/a/b/c", "/a/b/"},
        {{"/a/b/", "/a/"}, "/a/b", "/a/"},
        {{"/a/b/", "/a/"}, "/a/c", "/a/"},
        {{"/a/", "/a/b"}, "/a/b", "/a/b"},
        {{"/a/", "/a/b"}, "/a/b/c", "/a/"},
        {{"/a/", "/a/b/c/d/"}, "/a/b/c/x", "/a/"},
        {{"/a/", "/a/b/c/d/"}, "/a/b/c/d/x", "/a/b/c/d/"},
        /* * is one component, no more and no less */
        {{"/home/*"}, "/home/u", "/home/*"},
        {{"/home/*"}, "/home", ""},
        {{"/home/*"}, "/home/u/d", ""},
        {{"/home/*/"}, "/home/u", ""},
        {{"/home/*/"}, "/home/u/d", "/home/*/"},
        {{"/home/*/d"}, "/home/u/d", "/home/*/d"},
        {{"/home/*/d"}, "/home/u/e", ""},
        {{"/*"}, "/a", "/*"},
        {{"/*"}, "/a/b", ""},
        {{"/*"}, "/", ""},
        {{"/*/"}, "/a", ""},
        {{"/*/"}, "/a/b/c", "/*/"},
        {{"/*/*/*"}, "/a/b/c", "/*/*/*"},
        {{"/*/*/*"}, "/a/b", ""},
        /* a file that is called * is a file like any other */
        {{"/home/*/d"}, "/home/*/d", "/home/*/d"},
        {{"/home/*/", "/home/u/"}, "/home/*/d", "/home/*/"},
        {{"/*/*/*/"}, "/*/*/*/*", "/*/*/*/"},
        /* literal beats * where the two first differ */
        {{"/home/*/", "/home/u/"}, "/home/u/d", "/home/u/"},
        {{"/home/*/", "/home/u/"}, "/home/v/d", "/home/*/"},
        {{"/a/*", "/*/b"}, "/a/b", "/a/*"},
        {{"/*/b", "/a/*"}, "/a/b", "/a/*"},
        {{"/a/*/*", "/*/b/c"}, "/a/b/c", "/a/*/*"},
        {{"/a/*/c", "/a/b/*"}, "/a/b/c", "/a/b/*"},
        {{"/a/*/c", "/a/b/*", "/a/b/c"}, "/a/b/c", "/a/b/c"},
        {{"/*/b/", "/a/*/"}, "/a/b/c/d", "/a/*/"},
        /* but longer beats literal */
        {{"/home/u/", "/home/*/cache/"}, "/home/u/cache/d", "/home/*/cache/"},
        {{"/home/u/", "/home/*/cache/"}, "/home/u/cache", "/home/u/"},
        {{"/home/u/", "/home/*/cache"}, "/home/u/cache", "/home/*/cache"},
        {{"/a/b/", "/*/*/*/"}, "/a/b/c/d", "/*/*/*/"},
        {{"/", "/*"}, "/a", "/*"},
        /* a literal branch that leads nowhere does not hide the * beside it */
        {{"/a/b/c/d", "/a/*/c"}, "/a/b/c", "/a/*/c"},
        {{"/a/b/x", "/a/*/c", "/*/b/c/"}, "/a/b/c", "/a/*/c"},
        {{"/a/b/c/d/e", "/a/b/*/d/", "/*/b/c/d/e/f"}, "/a/b/c/d/e/f", "/*/b/c/d/e/f"},
        /* bytes are bytes */
        {{"/a b/\xc3\xa9/"}, "/a b/\xc3\xa9/x", "/a b/\xc3\xa9/"},
        {{"/\xff"}, "/\xff", "/\xff"},
        {{"/.../"}, "/.../x", "/.../"},
        {{"/..a/.b/"}, "/..a/.b/x", "/..a/.b/"},
};

static void test_judge(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(judgements); i++) {
                _cleanup_(policy_free_p) Policy *policy = new_policy();
                Profile *profile = add_profile(policy, "default", ACTION_DENY, EPERM);

                for (size_t j = 0; j < COUNT(judgements[i].rules) && judgements[i].rules[j]; j++)
                        add_rule(profile, judgements[i].rules[j], ACTION_ALLOW);
                if (strcmp(judge(profile, judgements[i].path), judgements[i].winner) != 0)
                        fail_msg("judgement %zu: %s judged by '%s', not '%s'", i, judgements[i].path,
                                judge(profile, judgements[i].path), judgements[i].winner);
        }
}

static void test_verdict(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *denying = add_profile(policy, "denying", ACTION_DENY, EROFS);
        Profile *allowing = add_profile(policy, "allowing", ACTION_ALLOW, EACCES);
        const char *existing;
        Verdict verdict;

        (void)state;
        assert_int_equal(
                profile_add_rule(denying, &(const Rule){"slow", "/s/", ACTION_ALLOW, 2000000}, &existing),
                0);
        assert_int_equal(
                profile_add_rule(allowing, &(const Rule){"never", "/s/", ACTION_DENY, 3}, &existing), 0);

        profile_judge(denying, OPERATION_MKDIR, "/x", &verdict);
        assert_int_equal(verdict.action, ACTION_DENY);
        assert_int_equal(verdict.error, EROFS);
        assert_int_equal(verdict.delay_usec, 0);
        assert_null(verdict.rule);

        profile_judge(denying, OPERATION_MKDIR, "/s/x", &verdict);
        assert_int_equal(verdict.action, ACTION_ALLOW);
        assert_int_equal(verdict.error, 0);
        assert_int_equal(verdict.delay_usec, 2000000);
        assert_string_equal(verdict.rule, "slow");

        profile_judge(allowing, OPERATION_MKDIR, "/x", &verdict);
        assert_int_equal(verdict.action, ACTION_ALLOW);
        assert_int_equal(verdict.error, 0);
        assert_null(verdict.rule);

        profile_judge(allowing, OPERATION_MKDIR, "/s/x", &verdict);
        assert_int_equal(verdict.action, ACTION_DENY);
        assert_int_equal(verdict.error, EACCES);
        assert_int_equal(verdict.delay_usec, 3);
        assert_string_equal(verdict.rule, "never");
}

/* What a target in a root of its own may take a place for. */
static void test_tails(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *profile = add_profile(policy, "tails", ACTION_DENY, EPERM);
        const char *existing;

        (void)state;
        assert_int_equal(profile_add_rule(profile, &(const Rule){"all", "/", ACTION_ALLOW}, &existing), 0);
        assert_false(
                profile_denies_tail(profile, OPERATION_MKDIR, "/jail/etc/x")); /* the default is no rule */
        assert_int_equal(
                profile_add_rule(profile, &(const Rule){"etc", "/etc/", ACTION_DENY}, &existing), 0);
        assert_int_equal(
                profile_add_rule(profile, &(const Rule){"exact", "/a/b", ACTION_DENY}, &existing), 0);
        assert_true(profile_denies_tail(profile, OPERATION_MKDIR, "/etc/x"));
        assert_true(profile_denies_tail(profile, OPERATION_MKDIR, "/jail/etc/x"));
        assert_true(profile_denies_tail(profile, OPERATION_MKDIR, "/jail/in/etc/x/y"));
        assert_true(profile_denies_tail(profile, OPERATION_MKDIR, "/jail/a/b"));
        assert_false(profile_denies_tail(profile, OPERATION_MKDIR, "/jail/a/b/c"));
        assert_false(profile_denies_tail(profile, OPERATION_MKDIR, "/jail/xetc/x"));
        assert_false(profile_denies_tail(profile, OPERATION_MKDIR, "/jail/etc"));
}

static void test_profiles(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *first = add_profile(policy, "first", ACTION_DENY, EPERM), *unused = NULL;
        char long_name[POLICY_NAME_MAX + 2];

        (void)state;
        assert_int_equal(policy_generation(policy), 7);
        assert_int_equal(profile_log(first), POLICY_LOG_ALL);
        assert_ptr_equal(policy_find_profile(policy, "first"), first);
        assert_null(policy_find_profile(policy, "firs"));
        assert_null(policy_find_profile(policy, ""));

        assert_int_equal(
                policy_add_profile(policy, "first", ACTION_DENY, EPERM, POLICY_LOG_ALL, &unused), -EEXIST);
        assert_int_equal(
                policy_add_profile(policy, "", ACTION_DENY, EPERM, POLICY_LOG_ALL, &unused), -EINVAL);
        memset(long_name, 'n', sizeof(long_name));
        long_name[POLICY_NAME_MAX + 1] = '\0';
        assert_int_equal(
                policy_add_profile(policy, long_name, ACTION_DENY, EPERM, POLICY_LOG_ALL, &unused), -EINVAL);
        assert_null(unused);
        long_name[POLICY_NAME_MAX] = '\0';
        unused = add_profile(policy, long_name, ACTION_DENY, EPERM);
        assert_ptr_equal(policy_find_profile(policy, long_name), unused);

        /* A profile stays where it is while others come. */
        for (int i = 0; i < 100; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "p%d", i);
                (void)add_profile(policy, name, ACTION_DENY, EPERM);
        }
        assert_ptr_equal(policy_find_profile(policy, "first"), first);
        assert_non_null(policy_find_profile(policy, "p99"));
}

static void test_private(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *denying = add_profile(policy, "denying", ACTION_DENY, EPERM);
        Profile *allowing = add_profile(policy, "allowing", ACTION_ALLOW, EPERM);

        (void)state;
        add_rule(denying, "/tmp/", ACTION_ALLOW);
        assert_false(profile_allows_private(denying));
        add_rule(allowing, "/tmp/", ACTION_ALLOW);
        assert_true(profile_allows_private(allowing));
        add_rule(allowing, "/tmp/a", ACTION_DENY);
        assert_false(profile_allows_private(allowing));

        profile_set_private(denying, ACTION_ALLOW);
        assert_true(profile_allows_private(denying));
        profile_set_private(allowing, ACTION_ALLOW);
        assert_true(profile_allows_private(allowing));
        profile_set_private(denying, ACTION_DENY);
        assert_false(profile_allows_private(denying));
}

/* What is audited is allowed, and denied in the profile that enforces it. */
static void test_audit(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *plain = add_profile(policy, "plain", ACTION_ALLOW, EPERM);
        Profile *rules = add_profile(policy, "rules", ACTION_ALLOW, EROFS);
        Profile *fallback = add_profile(policy, "fallback", ACTION_AUDIT, EPERM);
        Profile *private = add_profile(policy, "private", ACTION_DENY, EPERM);
        const Profile *enforced;
        Verdict verdict;

        (void)state;
        add_rule(plain, "/a/", ACTION_DENY);
        assert_null(profile_enforced(plain));

        assert_null(profile_enforced(rules));
        add_rule(rules, "/a/", ACTION_AUDIT);
        enforced = profile_enforced(rules);
        assert_non_null(enforced);
        assert_false(profile_has_denials(rules));
        assert_true(profile_has_denials(enforced));
        assert_true(profile_allows_private(rules));
        assert_false(profile_allows_private(enforced));
        assert_false(profile_denies_tail(rules, OPERATION_MKDIR, "/jail/a/x"));
        assert_true(profile_denies_tail(enforced, OPERATION_MKDIR, "/jail/a/x"));
        profile_judge(rules, OPERATION_MKDIR, "/a/x", &verdict);
        assert_int_equal(verdict.action, ACTION_ALLOW);
        profile_judge(enforced, OPERATION_MKDIR, "/a/x", &verdict);
        assert_int_equal(verdict.action, ACTION_DENY);
        assert_int_equal(verdict.error, EROFS);
        profile_judge(enforced, OPERATION_MKDIR, "/b", &verdict);
        assert_int_equal(verdict.action, ACTION_ALLOW);

        add_rule(fallback, "/a/", ACTION_ALLOW);
        profile_judge_uncovered(fallback, &verdict);
        assert_int_equal(verdict.action, ACTION_ALLOW);
        profile_judge_uncovered(profile_enforced(fallback), &verdict);
        assert_int_equal(verdict.action, ACTION_DENY);
        profile_judge(profile_enforced(fallback), OPERATION_MKDIR, "/a/x", &verdict);
        assert_int_equal(verdict.action, ACTION_ALLOW);
        assert_true(profile_allows_all(fallback));
        assert_false(profile_allows_all(profile_enforced(fallback)));

        profile_set_private(private, ACTION_AUDIT);
        assert_true(profile_allows_private(private));
        assert_false(profile_allows_private(profile_enforced(private)));
}

static void test_limits(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Limits limits = LIMITS_DEFAULT;

        (void)state;
        assert_memory_equal(policy_limits(policy), &limits, sizeof(limits));
        limits.sessions = 3;
        policy_set_limits(policy, &limits);
        assert_memory_equal(policy_limits(policy), &limits, sizeof(limits));
}

static void test_free_null(void **state) {
        (void)state;
        assert_null(policy_free(NULL));
}

static void test_duplicate_rules(void **state) {
        static const char *const paths[] = {"/", "/a", "/a/", "/a/*", "/a/*/", "/a/b/c"};
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *profile = add_profile(policy, "default", ACTION_DENY, EPERM);
        Profile *other = add_profile(policy, "other", ACTION_DENY, EPERM);

        (void)state;
        for (size_t i = 0; i < COUNT(paths); i++)
                add_rule(profile, paths[i], ACTION_ALLOW);
        for (size_t i = 0; i < COUNT(paths); i++) {
                const char *existing = NULL;

                assert_int_equal(profile_add_rule(profile, &(const Rule){"again", paths[i], ACTION_DENY, 0},
                                         &existing),
                        -EEXIST);
                assert_string_equal(existing, paths[i]);
                /* Another profile has rules of its own. */
                assert_int_equal(
                        profile_add_rule(other, &(const Rule){"again", paths[i], ACTION_DENY, 0}, &existing),
                        0);
        }
        assert_string_equal(judge(profile, "/a/b/c"), "/a/b/c");
        assert_string_equal(judge(profile, "/a/x"), "/a/*");
        assert_string_equal(judge(other, "/a/b/c"), "again");
}

static const struct {
        const char *path;
        const char *why; /* NULL: valid */
} paths[] = {
        {"/", NULL},
        {"/a", NULL},
        {"/a/", NULL},
        {"/a/b", NULL},
        {"/*", NULL},
        {"/*/*/", NULL},
        {"/...", NULL},
        {"/.a/..b/c../", NULL},
        {"/a b", NULL},
        {"", "is not absolute; it must begin with '/'"},
        {"a", "is not absolute; it must begin with '/'"},
        {"./a", "is not absolute; it must begin with '/'"},
        {"*", "is not absolute; it must begin with '/'"},
        {"//", "has an empty component"},
        {"//a", "has an empty component"},
        {"/a//b", "has an empty component"},
        {"/a//", "has an empty component"},
        {"/.", "has a '.' component"},
        {"/./a", "has a '.' component"},
        {"/a/./", "has a '.' component"},
        {"/..", "has a '..' component"},
        {"/../a", "has a '..' component"},
        {"/a/../", "has a '..' component"},
        {"/a*", "has '*' next to other bytes; '*' stands for one whole component"},
        {"/*a/b", "has '*' next to other bytes; '*' stands for one whole component"},
        {"/a/b*c/", "has '*' next to other bytes; '*' stands for one whole component"},
        {"/**", "has '*' next to other bytes; '*' stands for one whole component"},
};

static void test_paths(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *profile = add_profile(policy, "default", ACTION_DENY, EPERM);

        (void)state;
        for (size_t i = 0; i < COUNT(paths); i++) {
                const char *why = NULL, *existing;
                bool valid = rule_path_is_valid(paths[i].path, &why);

                if (valid != !paths[i].why || (why && strcmp(why, paths[i].why) != 0))
                        fail_msg("path '%s': '%s', not '%s'", paths[i].path, why ?: "", paths[i].why ?: "");
                assert_int_equal(profile_add_rule(profile, &(const Rule){"r", paths[i].path, ACTION_DENY, 0},
                                         &existing),
                        valid ? 0 : -EINVAL);
        }
}

static void test_path_length(void **state) {
        char path[PATH_MAX + 1];
        const char *why = NULL;

        (void)state;
        memset(path, 'a', sizeof(path));
        path[0] = '/';
        path[PATH_MAX - 1] = '\0';
        assert_true(rule_path_is_valid(path, &why));
        path[PATH_MAX - 1] = 'a';
        path[PATH_MAX] = '\0';
        assert_false(rule_path_is_valid(path, &why));
        assert_string_equal(why, "is longer than 4095 bytes");
}

static void test_rule_names(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *profile = add_profile(policy, "default", ACTION_DENY, EPERM);
        char long_name[POLICY_NAME_MAX + 2];
        const char *existing;

        (void)state;
        memset(long_name, 'n', sizeof(long_name));
        long_name[POLICY_NAME_MAX + 1] = '\0';
        assert_int_equal(
                profile_add_rule(profile, &(const Rule){"", "/a", ACTION_DENY, 0}, &existing), -EINVAL);
        assert_int_equal(
                profile_add_rule(profile, &(const Rule){long_name, "/a", ACTION_DENY, 0}, &existing),
                -EINVAL);
        assert_string_equal(judge(profile, "/a"), "");
        long_name[POLICY_NAME_MAX] = '\0';
        assert_int_equal(
                profile_add_rule(profile, &(const Rule){long_name, "/a", ACTION_DENY, 0}, &existing), 0);
        assert_string_equal(judge(profile, "/a"), long_name);
}

/* Ten thousand rules in one directory: each finds itself, and what is not there finds none. */
static void test_many_siblings(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *profile = add_profile(policy, "default", ACTION_DENY, EPERM);
        char path[64];

        (void)state;
        for (int i = 0; i < 10000; i++) {
                (void)snprintf(path, sizeof(path), "/srv/d%d/", i);
                add_rule(profile, path, ACTION_ALLOW);
        }
        for (int i = 0; i < 10000; i++) {
                char child[80];

                (void)snprintf(path, sizeof(path), "/srv/d%d/", i);
                (void)snprintf(child, sizeof(child), "%sx/y", path);
                assert_string_equal(judge(profile, child), path);
        }
        assert_string_equal(judge(profile, "/srv/d10000/x"), "");
        assert_string_equal(judge(profile, "/srv/d"), "");
        assert_string_equal(judge(profile, "/d1/x"), "");
}

/* The same components under many parents, where a table that only looked at names would mix them up. */
static void test_many_cousins(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *profile = add_profile(policy, "default", ACTION_DENY, EPERM);
        char path[64];

        (void)state;
        for (int i = 0; i < 100; i++)
                for (int j = 0; j < 100; j += 1 + (i + j) % 2) {
                        (void)snprintf(path, sizeof(path), "/%d/%d", i, j);
                        add_rule(profile, path, ACTION_ALLOW);
                }
        for (int i = 0; i < 100; i++)
                for (int j = 0; j < 100; j += 1 + (i + j) % 2) {
                        (void)snprintf(path, sizeof(path), "/%d/%d", i, j);
                        assert_string_equal(judge(profile, path), path);
                        (void)snprintf(path, sizeof(path), "/%d/%d/0", i, j);
                        assert_string_equal(judge(profile, path), "");
                }
        assert_string_equal(judge(profile, "/100/0"), "");
}

/* The deepest path there can be, under a rule of the same depth and under wildcards all the way. */
static void test_deep_paths(void **state) {
        _cleanup_(policy_free_p) Policy *policy = new_policy();
        Profile *literal = add_profile(policy, "literal", ACTION_DENY, EPERM);
        Profile *both = add_profile(policy, "both", ACTION_DENY, EPERM);
        char path[PATH_MAX] = "", wild[PATH_MAX] = "";
        const char *existing;

        (void)state;
        for (size_t i = 0; i + 2 < sizeof(path); i += 2) {
                memcpy(path + i, "/a", 3);
                memcpy(wild + i, "/*", 3);
        }
        assert_int_equal(
                profile_add_rule(literal, &(const Rule){"deep", path, ACTION_ALLOW, 0}, &existing), 0);
        assert_string_equal(judge(literal, path), "deep");
        path[strlen(path) - 2] = '\0';
        assert_string_equal(judge(literal, path), "");

        assert_int_equal(profile_add_rule(both, &(const Rule){"deep", path, ACTION_ALLOW, 0}, &existing), 0);
        assert_int_equal(profile_add_rule(both, &(const Rule){"wild", wild, ACTION_ALLOW, 0}, &existing), 0);
        assert_string_equal(judge(both, path), "deep");
        assert_string_equal(judge(both, wild), "wild");
        memcpy(path + strlen(path) - 2, "/b", 3);
        assert_string_equal(judge(both, path), "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_judge),
                cmocka_unit_test(test_verdict),
                cmocka_unit_test(test_profiles),
                cmocka_unit_test(test_tails),
                cmocka_unit_test(test_private),
                cmocka_unit_test(test_audit),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_free_null),
                cmocka_unit_test(test_duplicate_rules),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_path_length),
                cmocka_unit_test(test_rule_names),
                cmocka_unit_test(test_many_siblings),
                cmocka_unit_test(test_many_cousins),
                cmocka_unit_test(test_deep_paths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
