/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests the library of daemon/config/, with the files that it reads: what every key does, and for every way
 * to get a file wrong the exact words that an administrator sees. Each test has an empty directory as its
 * cwd. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "common/ownership.h"
#include "config/inifile.h"
#include "config/load.h"
#include "config/timespan.h"

DEFINE_CLEANUP(Policy, policy_free)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FILE_NAME "snotify.conf"
#define PROFILE "[profile default]\n"

/* What on_message() received, a line each. */
static char errors[4 * 1024 * 1024];

/* What the last load returned. */
static char *effective;

static void on_message(ConfigSeverity severity, const char *message, void *userdata) {
        size_t length = strlen(errors);

        (void)userdata;
        assert_int_equal(strstr(message, ": warning: ") != NULL, severity == CONFIG_WARNING);
        (void)snprintf(errors + length, sizeof(errors) - length, "%s%s", length > 0 ? "\n" : "", message);
}

/* A libinih whose line length was fixed when it was built cannot hold the longest path. */
static void skip_without_long_lines(void) {
        if (HAVE_INI_MAX_LINE)
                return;
        print_message("skipped: this libinih does not export ini_max_line\n");
        skip();
}

static int load(Policy **ret) {
        errors[0] = '\0';
        free(effective);
        effective = NULL;
        return config_load(FILE_NAME, 42, on_message, NULL, &effective, ret);
}

static void write_bytes(const char *name, const char *bytes, size_t size) {
        _cleanup_fclose_ FILE *file = fopen(name, "we");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, size, file), size);
}

static void write_file(const char *name, const char *text) {
        write_bytes(name, text, strlen(text));
}

/* The effective text is a configuration of the same meaning. */
static void assert_same_again(void) {
        _cleanup_(policy_free_p) Policy *policy = NULL, *of_file = NULL;
        _cleanup_free_ char *again = NULL;
        write_file("again.conf", effective);
        assert_int_equal(
                config_load_effective(effective, strlen(effective), 42, on_message, NULL, &policy), 0);
        assert_int_equal(config_load("again.conf", 42, on_message, NULL, &again, &of_file), 0);
        assert_string_equal(errors, "");
        assert_string_equal(again, effective);
}

static void assert_loads(Policy **ret) {
        int r = load(ret);

        if (r != 0)
                fail_msg("config_load() returned %d:\n%s", r, errors);
        assert_string_equal(errors, "");
        assert_same_again();
}

static void assert_fails(const char *expected) {
        Policy *policy = NULL;

        assert_int_equal(load(&policy), -EINVAL);
        assert_null(policy);
        assert_string_equal(errors, expected);
}

static Verdict judge(const Policy *policy, const char *profile_name, const char *path) {
        const Profile *profile = policy_find_profile(policy, profile_name);
        Verdict verdict;

        assert_non_null(profile);
        profile_judge(profile, OPERATION_MKDIR, path, &verdict);
        return verdict;
}

static int set_up(void **state) {
        char directory[] = "/tmp/snotify-test-config-XXXXXX";

        if (!mkdtemp(directory) || chdir(directory) < 0)
                return -1;
        *state = strdup(directory);
        return *state ? 0 : -1;
}

static int on_entry(const char *path, const struct stat *status, int type, struct FTW *where) {
        (void)status;
        (void)type;
        (void)where;
        return remove(path);
}

static int tear_down(void **state) {
        _cleanup_free_ char *directory = *state;

        return chdir("/") < 0 ? -1 : nftw(directory, on_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void test_access_list(void **state) {
        static const struct {
                const char *text;
                uid_t user;
                gid_t groups[2];
                bool expected;
        } rows[] = {
                {"", 0, {0, 0}, true},
                {"", 4294967294, {5, 6}, true},
                {"users = root\n", 0, {7, 7}, true},
                {"users = root\n", 1000, {0, 0}, false},
                {"users = 1000  2000\n", 2000, {0, 0}, true},
                {"users = 1000  2000\n", 0, {0, 0}, false},
                {"groups = 60001\n", 1000, {5, 60001}, true},
                {"groups = 60001\n", 1000, {60001, 5}, true},
                {"groups = 60001\n", 60001, {5, 6}, false},
                {"groups = root\n", 1000, {0, 6}, true},
                {"users = 1000\ngroups = 60001\n", 1000, {5, 6}, true},
                {"users = 1000\ngroups = 60001\n", 5, {5, 60001}, true},
                {"users = 1000\ngroups = 60001\n", 60001, {1000, 1000}, false},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                _cleanup_(policy_free_p) Policy *policy = NULL;
                char text[256];

                (void)snprintf(text, sizeof(text), PROFILE "%s", rows[i].text);
                write_file(FILE_NAME, text);
                assert_loads(&policy);
                if (profile_admits(policy_find_profile(policy, "default"), rows[i].user, rows[i].groups,
                            2) != rows[i].expected)
                        fail_msg("row %zu", i);
        }
}

/* What is said, and the profile is for nobody else. */
static void test_unknown_accounts(void **state) {
        static const struct {
                const char *text;
                uid_t admitted; /* -1: nobody */
                const char *warnings;
                const char *numbers;
        } rows[] = {
                {"users = root nobody-of-this-name\n", 0,
                        "snotify.conf:2: warning: profile default: there is no user 'nobody-of-this-name', "
                        "so this name admits no user",
                        "users=0\n"},
                {"users = nobody-of-this-name\n", (uid_t)-1,
                        "snotify.conf:2: warning: profile default: there is no user 'nobody-of-this-name', "
                        "so this name admits no user",
                        "users=\n"},
                {"groups = nobody-of-this-name 8\n", (uid_t)-1,
                        "snotify.conf:2: warning: profile default: there is no group 'nobody-of-this-name', "
                        "so this name admits no user",
                        "groups=8\n"},
                {"groups = 99999999999999999999\nusers = 5 root,daemon\n", 5,
                        "snotify.conf:3: warning: profile default: there is no user 'root,daemon', so this "
                        "name admits no user\n"
                        "snotify.conf:2: warning: profile default: there is no group "
                        "'99999999999999999999', so this name admits no user",
                        "users=5\ngroups=\n"},
                {"users = 4294967295 -1\n", (uid_t)-1,
                        "snotify.conf:2: warning: profile default: there is no user '4294967295', so this "
                        "name admits no user\n"
                        "snotify.conf:2: warning: profile default: there is no user '-1', so this name "
                        "admits no user",
                        "users=\n"},
        };
        static const uid_t users[] = {0, 1, 5, 1000, 65534, 4294967294};

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                _cleanup_(policy_free_p) Policy *policy = NULL, *again = NULL;
                char text[256];
                int r;

                (void)snprintf(text, sizeof(text), PROFILE "%s", rows[i].text);
                write_file(FILE_NAME, text);
                r = load(&policy);
                assert_int_equal(r, 0);
                assert_string_equal(errors, rows[i].warnings);
                (void)snprintf(text, sizeof(text), PROFILE "%s", rows[i].numbers);
                assert_string_equal(effective, text);
                errors[0] = '\0';
                r = config_load_effective(effective, strlen(effective), 42, on_message, NULL, &again);
                assert_int_equal(r, 0);
                assert_string_equal(errors, "");
                for (size_t k = 0; k < COUNT(users); k++) {
                        bool expected = users[k] == rows[i].admitted;

                        if (profile_admits(policy_find_profile(policy, "default"), users[k], NULL, 0) !=
                                        expected ||
                                profile_admits(policy_find_profile(again, "default"), users[k], NULL, 0) !=
                                        expected)
                                fail_msg("row %zu, user %u", i, users[k]);
                }
        }
}

/* What another release wrote: whatever this one does not understand, it never allows more. */
static void test_effective(void **state) {
        static const struct {
                const char *text;
                const char *errors;
                int a, b; /* /a/x and /b/x: 0 denied, 1 allowed, -1 there is no such profile */
        } rows[] = {
                {"[rule a]\npath=/a/\naction=allow\n", "", 1, 0},
                {"[rule a]\npath=/a/\naction=allow\nwhen=full moon\n[rule b]\npath=/b/\naction=allow\n",
                        "the last good configuration:5: unknown key 'when' in [rule a]; known keys: path, "
                        "action, delay, profile",
                        0, 1},
                {"[rule a]\npath=/a/\naction=perhaps\n",
                        "the last good configuration:4: rule a: action 'perhaps' is unknown; write allow, "
                        "deny or audit",
                        0, 0},
                {"[rule a]\npath=/a/\naction=allow\ndelay=2h\n",
                        "the last good configuration:5: rule a: delay '2h' is longer than 1h", 0, 0},
                {"[rule a]\npath=/a/{1,2}*/\naction=deny\n[rule b]\npath=/b/\naction=allow\n",
                        "the last good configuration:3: rule a: path '/a/{1,2}*/' has '*' next to other "
                        "bytes; '*' stands for one whole component",
                        -1, -1},
                {"[rule a]\npath=/a/\naction=allow\n[rule b]\npath=/a/\naction=deny\n",
                        "the last good configuration:6: rule b: path /a/ already has rule a (the last good "
                        "configuration:3) in profile default",
                        -1, -1},
                {"[rule a]\npath=/a/\naction=allow\n[wall b]\npath=/a/\n",
                        "the last good configuration:5: unknown section [wall b]; known sections: [limits], "
                        "[profile NAME], [rule NAME]",
                        1, 0},
                {"moon=full\n[rule a]\npath=/a/\naction=allow\n",
                        NULL /* the keys of a profile may become more */, 1, 0},
                {"nonsense\n[rule a]\npath=/a/\naction=allow\n",
                        "the last good configuration:2: this line is neither a section nor a key", 1, 0},
                {"[limits]\nsessions=0\n",
                        "the last good configuration:3: limits: sessions must be a number from 1 to 1000, "
                        "not '0'",
                        0, 0},
                {"users=root\n",
                        "the last good configuration:2: profile default: cannot look up user 'root' now; "
                        "try again",
                        0, 0},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                _cleanup_(policy_free_p) Policy *policy = NULL;
                char text[256];

                errors[0] = '\0';
                (void)snprintf(text, sizeof(text), PROFILE "%s", rows[i].text);
                assert_int_equal(config_load_effective(text, strlen(text), 7, on_message, NULL, &policy), 0);
                assert_int_equal(policy_generation(policy), 7);
                if (rows[i].errors)
                        assert_string_equal(errors, rows[i].errors);
                else
                        assert_true(errors[0] != '\0');
                if (rows[i].a < 0)
                        assert_null(policy_find_profile(policy, "default"));
                else
                        assert_true(judge(policy, "default", "/a/x").action == (Action)rows[i].a &&
                                    judge(policy, "default", "/b/x").action == (Action)rows[i].b);
        }
}

/* Who else can change a file decides who may make directories. */
static void test_trust(void **state) {
        _cleanup_(policy_free_p) Policy *policy = NULL;

        (void)state;
        if (geteuid() != 0) {
                print_message("skipped: only root can give a file away\n");
                skip();
        }
        assert_int_equal(mkdir("snotify.conf.d", 0755), 0);
        write_file("snotify.conf.d/a.conf", "[rule a]\npath = /a\naction = allow\n");
        write_file(FILE_NAME, PROFILE);
        assert_loads(&policy);

        assert_int_equal(chmod(FILE_NAME, 0664), 0);
        assert_fails("snotify.conf: is writable by others; chmod go-w snotify.conf");
        assert_int_equal(chmod(FILE_NAME, 0646), 0);
        assert_fails("snotify.conf: is writable by others; chmod go-w snotify.conf");
        assert_int_equal(chmod(FILE_NAME, 0644), 0);
        assert_int_equal(chown(FILE_NAME, 12345, 0), 0);
        assert_fails("snotify.conf: belongs to another user, who can change it; chown root snotify.conf");
        assert_int_equal(chown(FILE_NAME, 0, 12345), 0);

        assert_int_equal(chmod("snotify.conf.d/a.conf", 0666), 0);
        assert_fails("snotify.conf.d/a.conf: is writable by others; chmod go-w snotify.conf.d/a.conf");
        assert_int_equal(chmod("snotify.conf.d/a.conf", 0444), 0);
        assert_int_equal(chmod("snotify.conf.d", 01777), 0);
        assert_fails("snotify.conf.d: is writable by others; chmod go-w snotify.conf.d");
        assert_int_equal(chmod("snotify.conf.d", 0755), 0);
        assert_int_equal(chown("snotify.conf.d", 12345, 0), 0);
        assert_fails(
                "snotify.conf.d: belongs to another user, who can change it; chown root snotify.conf.d");
        assert_int_equal(chown("snotify.conf.d", 0, 0), 0);

        /* A link's target, too. */
        assert_int_equal(rename("snotify.conf.d/a.conf", "elsewhere"), 0);
        assert_int_equal(symlink("../elsewhere", "snotify.conf.d/a.conf"), 0);
        assert_int_equal(chmod("elsewhere", 0466), 0);
        assert_fails("snotify.conf.d/a.conf: is writable by others; chmod go-w snotify.conf.d/a.conf");
        assert_int_equal(chmod("elsewhere", 0444), 0);

        assert_int_equal(chmod(".", 0775), 0);
        assert_fails(".: is writable by others; chmod go-w .");
        assert_int_equal(chmod(".", 01777), 0); /* as /tmp is */
        policy = policy_free(policy);
        assert_loads(&policy);
}

static void test_example(void **state) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        Verdict verdict;

        (void)state;
        write_file(FILE_NAME,
                "# The example of the design.\n"
                "\n"
                "[profile default]          ; what snotify-run uses when --profile is not given\n"
                "default = deny             ; or allow: a path that no rule covers\n"
                "errno   = EPERM\n"
                "\n"
                "[rule tmp]                 ; the name that the journal shows\n"
                "path    = /tmp/            ; trailing slash: everything below; without: exactly this\n"
                "action  = allow\n");
        assert_loads(&policy);
        assert_int_equal(policy_generation(policy), 42);
        verdict = judge(policy, "default", "/tmp/a");
        assert_int_equal(verdict.action, ACTION_ALLOW);
        assert_int_equal(verdict.delay_usec, 0);
        assert_string_equal(verdict.rule, "tmp");
        verdict = judge(policy, "default", "/srv/a");
        assert_int_equal(verdict.action, ACTION_DENY);
        assert_int_equal(verdict.error, EPERM);
        assert_null(verdict.rule);
}

static void test_defaults(void **state) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        Verdict verdict;

        (void)state;
        /* An empty section is a section. */
        write_file(FILE_NAME, "[profile default]");
        assert_loads(&policy);
        verdict = judge(policy, "default", "/tmp");
        assert_int_equal(verdict.action, ACTION_DENY);
        assert_int_equal(verdict.error, EPERM);
        assert_int_equal(profile_log(policy_find_profile(policy, "default")), POLICY_LOG_DENIED);
}

static const struct {
        const char *text;
        Action action;
        int error;
        PolicyLog log;
} profiles[] = {
        {"default = deny", ACTION_DENY, EPERM, POLICY_LOG_DENIED},
        {"default = allow", ACTION_ALLOW, 0, POLICY_LOG_DENIED},
        {"errno = EACCES", ACTION_DENY, EACCES, POLICY_LOG_DENIED},
        {"errno = EROFS", ACTION_DENY, EROFS, POLICY_LOG_DENIED},
        {"errno = ENOENT", ACTION_DENY, ENOENT, POLICY_LOG_DENIED},
        {"errno = EHWPOISON", ACTION_DENY, EHWPOISON, POLICY_LOG_DENIED},
        {"log = denied", ACTION_DENY, EPERM, POLICY_LOG_DENIED},
        {"log = all", ACTION_DENY, EPERM, POLICY_LOG_ALL},
        {"log = none", ACTION_DENY, EPERM, POLICY_LOG_NONE},
        {"log=all\nerrno=ENOSPC\ndefault=deny", ACTION_DENY, ENOSPC, POLICY_LOG_ALL},
};

static void test_profile_keys(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(profiles); i++) {
                _cleanup_(policy_free_p) Policy *policy = NULL;
                _cleanup_free_ char *text = NULL;
                Verdict verdict;

                assert_true(asprintf(&text, "[profile p]\n%s\n", profiles[i].text) > 0);
                write_file(FILE_NAME, text);
                assert_loads(&policy);
                verdict = judge(policy, "p", "/x");
                assert_int_equal(verdict.action, profiles[i].action);
                assert_int_equal(verdict.error, profiles[i].error);
                assert_int_equal(profile_log(policy_find_profile(policy, "p")), profiles[i].log);
        }
}

static void test_private(void **state) {
        _cleanup_(policy_free_p) Policy *policy = NULL;

        (void)state;
        write_file(FILE_NAME, "[profile a]\nprivate = allow\n[profile b]\nprivate = deny\n[profile c]\n");
        assert_loads(&policy);
        assert_true(profile_allows_private(policy_find_profile(policy, "a")));
        assert_false(profile_allows_private(policy_find_profile(policy, "b")));
        assert_false(profile_allows_private(policy_find_profile(policy, "c")));
}

static void test_guard(void **state) {
        _cleanup_(policy_free_p) Policy *policy = NULL;

        (void)state;
        write_file(FILE_NAME,
                "[profile a]\nguard = auto\n[profile b]\nguard = require\n[profile c]\nguard = off\n"
                "[profile d]\n");
        assert_loads(&policy);
        assert_int_equal(profile_guard(policy_find_profile(policy, "a")), POLICY_GUARD_AUTO);
        assert_int_equal(profile_guard(policy_find_profile(policy, "b")), POLICY_GUARD_REQUIRE);
        assert_int_equal(profile_guard(policy_find_profile(policy, "c")), POLICY_GUARD_OFF);
        assert_int_equal(profile_guard(policy_find_profile(policy, "d")), POLICY_GUARD_AUTO);
}

static void test_namespaces(void **state) {
        _cleanup_(policy_free_p) Policy *policy = NULL;

        (void)state;
        write_file(
                FILE_NAME, "[profile a]\nnamespaces = allow\n[profile b]\nnamespaces = deny\n[profile c]\n");
        assert_loads(&policy);
        assert_int_equal(profile_namespaces(policy_find_profile(policy, "a")), ACTION_ALLOW);
        assert_int_equal(profile_namespaces(policy_find_profile(policy, "b")), ACTION_DENY);
        assert_int_equal(profile_namespaces(policy_find_profile(policy, "c")), ACTION_ALLOW);
}

static const struct {
        const char *text;
        Limits expected;
} limits[] = {
        {"", {30000000, 2000000, 1000, 500, 128, 1000}},
        {"[limits]\n", {30000000, 2000000, 1000, 500, 128, 1000}},
        {"[ limits ] ; c\nsessions = 7\n", {30000000, 2000000, 7, 500, 128, 1000}},
        {"[limits]\ncall-timeout = 100ms\nhandshake-timeout = 100ms\nsessions = 1\nsessions-per-user = 1\n"
         "connections-per-user = 1\nrecords-per-second = 1\n",
                {100000, 100000, 1, 1, 1, 1}},
        {"[limits]\ncall-timeout = 1h\nhandshake-timeout = 1min\nsessions = 1000\nsessions-per-user = 1000\n"
         "connections-per-user = 1000\nrecords-per-second = 1000000\n",
                {UINT64_C(3600000000), 60000000, 1000, 1000, 1000, 1000000}},
};

static void test_limits(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(limits); i++) {
                _cleanup_(policy_free_p) Policy *policy = NULL;
                char text[512];

                (void)snprintf(text, sizeof(text), "%s" PROFILE, limits[i].text);
                write_file(FILE_NAME, text);
                assert_loads(&policy);
                assert_memory_equal(policy_limits(policy), &limits[i].expected, sizeof(Limits));
        }
}

static void test_rule_keys(void **state) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        Verdict verdict;

        (void)state;
        write_file(FILE_NAME, "[rule web-cache]\n"
                              "profile = web \t shop\n"
                              "delay = 1min 30s\n"
                              "action = allow\n"
                              "path = /srv/*/cache/\n"
                              "[rule no]\n"
                              "path = /srv/a b:c=d\n"
                              "action = deny\n"
                              "[profile default]\n"
                              "default = allow\n"
                              "[profile web]\n"
                              "[profile shop]\n"
                              "errno = EROFS\n");
        assert_loads(&policy);
        verdict = judge(policy, "web", "/srv/x/cache/y");
        assert_int_equal(verdict.action, ACTION_ALLOW);
        assert_int_equal(verdict.delay_usec, 90000000);
        assert_string_equal(verdict.rule, "web-cache");
        assert_string_equal(judge(policy, "shop", "/srv/x/cache/y").rule, "web-cache");
        assert_null(judge(policy, "default", "/srv/x/cache/y").rule);
        verdict = judge(policy, "default", "/srv/a b:c=d");
        assert_int_equal(verdict.action, ACTION_DENY);
        assert_string_equal(verdict.rule, "no");
        assert_null(judge(policy, "web", "/srv/a b:c=d").rule);
}

/* What is not said twice: comments, blanks, line ends, a byte order mark, a last line without its newline.
 */
static const char *const same_rule[] = {
        "[profile default]\n[rule r]\npath = /a/\naction = allow\n",
        "[profile default]\n[rule r]\npath=/a/\naction=allow",
        "\xef\xbb\xbf[profile default]\n[rule r]\npath = /a/\naction = allow\n",
        "[profile default]\r\n[rule r]\r\npath = /a/\r\naction = allow\r\n",
        "  [profile default]  \n\t[rule r]\t\n\tpath\t=\t/a/\t\n  action  =  allow  \n",
        "[ profile \t default ]\n[ rule r ]\n\n\npath = /a/\n \t \n    action = allow\n",
        "[profile default] ; c\n[rule r];c\npath = /a/ ;c\naction = allow\t; c ; d\n",
        "; c\n# c [x\n[profile default]\n   # path = \n[rule r]\n ; c\npath = /a/\n;\n#\naction = allow\n",
        "# control: \x01\x1b\f\n[profile default] ;\x01\n[rule r];\x01\npath = /a/ ;\x01\naction = allow\n",
        "\n\n\n[rule r]\npath = /a/\naction = allow\n[profile default]\n",
};

static void test_forms(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(same_rule); i++) {
                _cleanup_(policy_free_p) Policy *policy = NULL;
                Verdict verdict;

                write_file(FILE_NAME, same_rule[i]);
                assert_loads(&policy);
                verdict = judge(policy, "default", "/a/b");
                assert_int_equal(verdict.action, ACTION_ALLOW);
                assert_string_equal(verdict.rule, "r");
        }
}

static void test_longest(void **state) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        _cleanup_free_ char *text = NULL;
        char name[POLICY_NAME_MAX + 1], path[4096];
        Verdict verdict;

        (void)state;
        skip_without_long_lines();
        memset(name, 'n', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        memset(path, 'p', sizeof(path) - 1);
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        assert_true(
                asprintf(&text, "[profile %s]\n[rule %s]\nprofile = %s\naction = allow\npath = %s\n;%*s\n",
                        name, name, name, path, INIFILE_LINE_MAX - 1, "x") > 0);
        write_file(FILE_NAME, text);
        assert_loads(&policy);
        verdict = judge(policy, name, path);
        assert_int_equal(verdict.action, ACTION_ALLOW);
        assert_string_equal(verdict.rule, name);
}

static void test_drop_ins(void **state) {
        _cleanup_(policy_free_p) Policy *policy = NULL;

        (void)state;
        assert_int_equal(mkdir(FILE_NAME ".d", 0755), 0);
        write_file(FILE_NAME, "[rule a]\npath = /a\naction = allow\nprofile = late");
        write_file(FILE_NAME ".d/10.conf", "[rule b]\npath = /b\naction = allow\nprofile = late default");
        write_file(FILE_NAME ".d/20.conf", "[profile late]\n");
        write_file(FILE_NAME ".d/30.conf", PROFILE);
        /* None of these is read. */
        write_file(FILE_NAME ".d/.hidden.conf", "nonsense");
        write_file(FILE_NAME ".d/.conf", "nonsense");
        write_file(FILE_NAME ".d/conf", "nonsense");
        write_file(FILE_NAME ".d/old.conf~", "nonsense");
        write_file(FILE_NAME ".d/README", "nonsense");
        assert_loads(&policy);
        assert_string_equal(judge(policy, "late", "/a").rule, "a");
        assert_string_equal(judge(policy, "late", "/b").rule, "b");
        assert_string_equal(judge(policy, "default", "/b").rule, "b");
        assert_null(judge(policy, "default", "/a").rule);
}

/* The order of errors shows the order of files: by the bytes of their names, after the main file. */
static void test_drop_in_order(void **state) {
        (void)state;
        assert_int_equal(mkdir(FILE_NAME ".d", 0755), 0);
        write_file(FILE_NAME ".d/b.conf", "x");
        write_file(FILE_NAME ".d/a.conf", "x");
        write_file(FILE_NAME ".d/B.conf", "x");
        write_file(FILE_NAME ".d/9.conf", "x");
        write_file(FILE_NAME ".d/10.conf", "[profile default]\n");
        write_file(FILE_NAME, "[profile default]\nx\n");
        assert_fails("snotify.conf:2: no '=' after the key; write 'key = value'\n"
                     "snotify.conf.d/10.conf:1: profile default: already defined at snotify.conf:1\n"
                     "snotify.conf.d/9.conf:1: no '=' after the key; write 'key = value'\n"
                     "snotify.conf.d/B.conf:1: no '=' after the key; write 'key = value'\n"
                     "snotify.conf.d/a.conf:1: no '=' after the key; write 'key = value'\n"
                     "snotify.conf.d/b.conf:1: no '=' after the key; write 'key = value'");
}

#define WRONG(text, expected)                                                                               \
        { text, sizeof(text) - 1, expected }
#define RULE "[rule r]\npath = /a\naction = allow\n"

/* A file and every word that is said of it. */
static const struct {
        const char *text;
        size_t size;
        const char *expected;
} wrong[] = {
        /* shape */
        WRONG(PROFILE "default\n", "snotify.conf:2: no '=' after the key; write 'key = value'"),
        WRONG(PROFILE "default: deny\n", "snotify.conf:2: no '=' after the key; write 'key = value'"),
        WRONG(PROFILE "default ; = deny\n", "snotify.conf:2: no '=' after the key; write 'key = value'"),
        WRONG(PROFILE "= deny\n", "snotify.conf:2: no key before '='; write 'key = value'"),
        WRONG(PROFILE "\n\n[rule r\npath = x\n", "snotify.conf:4: '[' without ']'"),
        WRONG(PROFILE "[rule r] path = /a\n",
                "snotify.conf:2: 'path = /a' after ']'; only a comment that begins with ';' may follow"),
        WRONG(PROFILE "[rule r] # why\n",
                "snotify.conf:2: '# why' after ']'; only a comment that begins with ';' may follow"),
        WRONG(PROFILE "log = all\0\n", "snotify.conf:2: NUL byte; a configuration is plain text"),
        WRONG(PROFILE "; \0 in a comment\n", "snotify.conf:2: NUL byte; a configuration is plain text"),
        WRONG(PROFILE "[rule \0]\npath = x\n", "snotify.conf:2: NUL byte; a configuration is plain text"),
        WRONG(PROFILE "\0", "snotify.conf:2: NUL byte; a configuration is plain text"),
        WRONG(PROFILE "log = \x1b[31mall\n",
                "snotify.conf:2: control byte 0x1b; a configuration is plain text"),
        WRONG(PROFILE "log = all\x7f\n", "snotify.conf:2: control byte 0x7f; a configuration is plain text"),
        WRONG(PROFILE "log = a\rll\n", "snotify.conf:2: control byte 0x0d; a configuration is plain text"),
        WRONG(PROFILE "log = a#\x1b[31mll\n",
                "snotify.conf:2: control byte 0x1b; a configuration is plain text"),
        WRONG(PROFILE "log = all;\x1b[31m\n",
                "snotify.conf:2: control byte 0x1b; a configuration is plain text"),
        WRONG(PROFILE "[rule a ;\x1b[31m]\n",
                "snotify.conf:2: control byte 0x1b; a configuration is plain text"),
        WRONG(PROFILE "[rule a] b ;\x1b[31m\n",
                "snotify.conf:2: control byte 0x1b; a configuration is plain text"),
        WRONG(" \xef\xbb\xbf[profile default = 1\n" PROFILE,
                "snotify.conf:1: byte order mark that is not at the start of the file"),
        WRONG(PROFILE "\xef\xbb\xbflog = all\n",
                "snotify.conf:2: byte order mark that is not at the start of the file"),
        /* An indented line is a line of its own, and not part of the value above. */
        WRONG(PROFILE "log = all\n    none\n", "snotify.conf:3: no '=' after the key; write 'key = value'"),
        /* sections */
        WRONG(PROFILE "[rules]\npath = x\nnonsense = 1\n",
                "snotify.conf:2: unknown section [rules]; known sections: [limits], [profile NAME], [rule "
                "NAME]"),
        WRONG(PROFILE "[Rule r]\n", "snotify.conf:2: unknown section [Rule r]; known sections: [limits], "
                                    "[profile NAME], [rule NAME]"),
        WRONG(PROFILE "[]\n",
                "snotify.conf:2: unknown section []; known sections: [limits], [profile NAME], [rule NAME]"),
        WRONG(PROFILE "[rule]\n", "snotify.conf:2: [rule] without a name; write [rule NAME]"),
        WRONG("[profile ]\n", "snotify.conf:1: [profile] without a name; write [profile NAME]"),
        WRONG(PROFILE "[rule a b]\n",
                "snotify.conf:2: name 'a b' is not one word of letters, digits, '-', '_', '.', ':' and '@'"),
        WRONG(PROFILE "[rule a ;b]\n", "snotify.conf:2: name 'a ;b' is not one word of letters, digits, "
                                       "'-', '_', '.', ':' and '@'"),
        WRONG(PROFILE "[rule a/b]\n",
                "snotify.conf:2: name 'a/b' is not one word of letters, digits, '-', '_', '.', ':' and '@'"),
        WRONG(PROFILE "[rule n23456789012345678901234567890123456789012]\n",
                "snotify.conf:2: name 'n23456789012345678901234567890123456789012' is longer than 40 bytes"),
        WRONG("path = /a\n" PROFILE, "snotify.conf:1: key 'path' before any [section]"),
        WRONG("[profile a]\n[profile b]\n[profile a]\n",
                "snotify.conf:3: profile a: already defined at snotify.conf:1"),
        WRONG(PROFILE RULE "[rule r]\npath = /b\naction = allow\n",
                "snotify.conf:5: rule r: already defined at snotify.conf:2"),
        WRONG(PROFILE RULE RULE, "snotify.conf:5: rule r: already defined at snotify.conf:2"),
        WRONG(RULE, "snotify.conf: no [profile NAME] section; add [profile default], which snotify-run uses "
                    "unless told otherwise"),
        WRONG("", "snotify.conf: no [profile NAME] section; add [profile default], which snotify-run uses "
                  "unless told otherwise"),
        /* keys */
        WRONG(PROFILE RULE "pth = /b\n",
                "snotify.conf:5: unknown key 'pth' in [rule r]; known keys: path, action, delay, profile"),
        WRONG(PROFILE "Errno = EPERM\n",
                "snotify.conf:2: unknown key 'Errno' in [profile default]; known "
                "keys: default, errno, log, private, namespaces, guard, users, groups"),
        WRONG(PROFILE "path = /a\n", "snotify.conf:2: unknown key 'path' in [profile default]; known keys: "
                                     "default, errno, log, private, namespaces, guard, users, groups"),
        WRONG(PROFILE RULE "path = /b\n",
                "snotify.conf:5: rule r: key 'path' is already set at snotify.conf:3"),
        WRONG(PROFILE "log = all\nlog = all\n",
                "snotify.conf:3: profile default: key 'log' is already set at snotify.conf:2"),
        WRONG(PROFILE "[rule r]\naction = deny\n",
                "snotify.conf:2: rule r: no path; write 'path = /DIRECTORY/'"),
        WRONG(PROFILE "[rule r]\npath = /a\n", "snotify.conf:2: rule r: no action; write 'action = allow', "
                                               "'action = deny' or 'action = audit'"),
        WRONG(PROFILE "[rule r]\n", "snotify.conf:2: rule r: no path; write 'path = /DIRECTORY/'\n"
                                    "snotify.conf:2: rule r: no action; write 'action = allow', 'action = "
                                    "deny' or 'action = audit'"),
        /* limits */
        WRONG(PROFILE "[limits all]\n",
                "snotify.conf:2: [limits] takes no name, but has 'all'; write [limits]"),
        WRONG(PROFILE "[limits]\n[limits]\n", "snotify.conf:3: limits: already defined at snotify.conf:2"),
        WRONG(PROFILE "[limits]\nsession = 3\n",
                "snotify.conf:3: unknown key 'session' in [limits]; known keys: call-timeout, "
                "handshake-timeout, sessions, sessions-per-user, connections-per-user, records-per-second"),
        WRONG(PROFILE "[limits]\nsessions = 3\nsessions = 3\n",
                "snotify.conf:4: limits: key 'sessions' is already set at snotify.conf:3"),
        WRONG(PROFILE "[limits]\nsessions = 0\nsessions-per-user = 1001\nconnections-per-user = 1001\n"
                      "records-per-second = 1000001\n",
                "snotify.conf:3: limits: sessions must be a number from 1 to 1000, not '0'\n"
                "snotify.conf:4: limits: sessions-per-user must be a number from 1 to 1000, not '1001'\n"
                "snotify.conf:5: limits: connections-per-user must be a number from 1 to 1000, not '1001'\n"
                "snotify.conf:6: limits: records-per-second must be a number from 1 to 1000000, not "
                "'1000001'"),
        WRONG(PROFILE "[limits]\nsessions = 1001\nsessions-per-user = -1\nconnections-per-user = 0x10\n"
                      "records-per-second = 18446744073709551617\n",
                "snotify.conf:3: limits: sessions must be a number from 1 to 1000, not '1001'\n"
                "snotify.conf:4: limits: sessions-per-user must be a number from 1 to 1000, not '-1'\n"
                "snotify.conf:5: limits: connections-per-user must be a number from 1 to 1000, not '0x10'\n"
                "snotify.conf:6: limits: records-per-second must be a number from 1 to 1000000, not "
                "'18446744073709551617'"),
        WRONG(PROFILE "[limits]\nsessions =\nsessions-per-user = +1\nconnections-per-user = many\n",
                "snotify.conf:3: limits: sessions must be a number from 1 to 1000, not ''\n"
                "snotify.conf:4: limits: sessions-per-user must be a number from 1 to 1000, not '+1'\n"
                "snotify.conf:5: limits: connections-per-user must be a number from 1 to 1000, not 'many'"),
        WRONG(PROFILE "[limits]\ncall-timeout = 99ms\nhandshake-timeout = 61s\n",
                "snotify.conf:3: limits: call-timeout must be a time span from 100ms to 1h, not '99ms'\n"
                "snotify.conf:4: limits: handshake-timeout must be a time span from 100ms to 1min, not "
                "'61s'"),
        WRONG(PROFILE "[limits]\ncall-timeout = infinity\nhandshake-timeout =\n",
                "snotify.conf:3: limits: call-timeout must be a time span from 100ms to 1h, not 'infinity'\n"
                "snotify.conf:4: limits: handshake-timeout must be a time span from 100ms to 1min, not ''"),
        /* values of a profile */
        WRONG(PROFILE "private = yes\n",
                "snotify.conf:2: profile default: private 'yes' is unknown; write allow, deny or audit"),
        WRONG(PROFILE "namespaces = no\n",
                "snotify.conf:2: profile default: namespaces 'no' is unknown; write allow or deny"),
        WRONG(PROFILE "guard = yes\n",
                "snotify.conf:2: profile default: guard 'yes' is unknown; write auto, require or off"),
        WRONG(PROFILE "users =\ngroups = ; none\n", "snotify.conf:2: profile default: 'users' is empty; "
                                                    "write names or numbers, separated by spaces\n"
                                                    "snotify.conf:3: profile default: 'groups' is empty; "
                                                    "write names or numbers, separated by spaces"),
        WRONG(PROFILE "default = yes\n",
                "snotify.conf:2: profile default: default 'yes' is unknown; write allow, deny or audit"),
        WRONG(PROFILE "default =\n",
                "snotify.conf:2: profile default: default '' is unknown; write allow, deny or audit"),
        WRONG(PROFILE "default = deny # why\n", "snotify.conf:2: profile default: default 'deny # why' is "
                                                "unknown; write allow, deny or audit"),
        WRONG(PROFILE "errno = EPREM\n", "snotify.conf:2: profile default: errno 'EPREM' is unknown; write "
                                         "a name from errno(3) such as EPERM, EACCES, ENOENT or EROFS"),
        WRONG(PROFILE "errno = 1\n", "snotify.conf:2: profile default: errno '1' is unknown; write a name "
                                     "from errno(3) such as EPERM, EACCES, ENOENT or EROFS"),
        WRONG(PROFILE "errno = ERESTARTSYS\n",
                "snotify.conf:2: profile default: errno 'ERESTARTSYS' is unknown; write a name from "
                "errno(3) such as EPERM, EACCES, ENOENT or EROFS"),
        WRONG(PROFILE "errno = 0\n", "snotify.conf:2: profile default: errno '0' is unknown; write a name "
                                     "from errno(3) such as EPERM, EACCES, ENOENT or EROFS"),
        WRONG(PROFILE "log = some\n",
                "snotify.conf:2: profile default: log 'some' is unknown; write denied, all or none"),
        /* values of a rule */
        WRONG(PROFILE "[rule r]\naction = permit\npath = /a\n",
                "snotify.conf:3: rule r: action 'permit' is unknown; write allow, deny or audit"),
        WRONG(PROFILE "[rule r]\naction = deny\npath = tmp/\n",
                "snotify.conf:4: rule r: path 'tmp/' is not absolute; it must begin with '/'"),
        WRONG(PROFILE "[rule r]\naction = deny\npath = \"/tmp/\"\n",
                "snotify.conf:4: rule r: path '\"/tmp/\"' is not absolute; it must begin with '/'"),
        WRONG(PROFILE "[rule r]\naction = deny\npath =\n",
                "snotify.conf:4: rule r: path '' is not absolute; it must begin with '/'"),
        WRONG(PROFILE "[rule r]\naction = deny\npath = ; /a\n",
                "snotify.conf:4: rule r: path '' is not absolute; it must begin with '/'"),
        WRONG(PROFILE "[rule r]\naction = deny\npath = /a//b\n",
                "snotify.conf:4: rule r: path '/a//b' has an empty component"),
        WRONG(PROFILE "[rule r]\naction = deny\npath = /a/./b\n",
                "snotify.conf:4: rule r: path '/a/./b' has a '.' component"),
        WRONG(PROFILE "[rule r]\naction = deny\npath = /tmp/../etc/\n",
                "snotify.conf:4: rule r: path '/tmp/../etc/' has a '..' component"),
        WRONG(PROFILE "[rule r]\naction = deny\npath = /home/u*/\n",
                "snotify.conf:4: rule r: path '/home/u*/' has '*' next to other bytes; '*' stands for one "
                "whole component"),
        WRONG(PROFILE "[rule r]\naction = deny\npath = /a # why\n",
                "snotify.conf:4: rule r: path '/a # why' has '#' after a blank; a comment after a value "
                "begins with ';'"),
        WRONG(PROFILE "[rule r]\naction = deny\npath = /a\t#why\n",
                "snotify.conf:4: rule r: path '/a\t#why' has '#' after a blank; a comment after a value "
                "begins with ';'"),
        WRONG(PROFILE RULE "delay = soon\n", "snotify.conf:5: rule r: delay 'soon' is not a time span; "
                                             "write one such as 2s, 500ms or 1min 30s"),
        WRONG(PROFILE RULE "delay = -1s\n", "snotify.conf:5: rule r: delay '-1s' is not a time span; write "
                                            "one such as 2s, 500ms or 1min 30s"),
        WRONG(PROFILE RULE "delay = \n", "snotify.conf:5: rule r: delay '' is not a time span; write one "
                                         "such as 2s, 500ms or 1min 30s"),
        WRONG(PROFILE RULE "delay = 61min\n", "snotify.conf:5: rule r: delay '61min' is longer than 1h"),
        WRONG(PROFILE RULE "delay = 99999999999999999999\n",
                "snotify.conf:5: rule r: delay '99999999999999999999' is longer than 1h"),
        WRONG(PROFILE RULE "profile = web\n", "snotify.conf:5: rule r: there is no [profile web]; 'profile' "
                                              "takes names of [profile NAME] sections, separated by spaces"),
        WRONG(PROFILE RULE "profile = default,web\n",
                "snotify.conf:5: rule r: there is no [profile default,web]; 'profile' takes names of "
                "[profile NAME] sections, separated by spaces"),
        WRONG("[profile web]\n" RULE, "snotify.conf:2: rule r: there is no [profile default]; 'profile' "
                                      "takes names of [profile NAME] sections, separated by spaces"),
        WRONG(PROFILE RULE "profile =\n", "snotify.conf:5: rule r: 'profile' is empty; write names of "
                                          "[profile NAME] sections, separated by spaces"),
        WRONG(PROFILE RULE "profile = default default\n",
                "snotify.conf:5: rule r: profile 'default' is named twice"),
        /* two rules for one path */
        WRONG(PROFILE RULE "[rule b]\naction = deny\npath = /a\n",
                "snotify.conf:7: rule b: path /a already has rule r (snotify.conf:3) in profile default"),
        WRONG(PROFILE "[profile web]\n" RULE "profile = web default\n"
                      "[rule b]\naction = deny\npath = /a\nprofile = default web\n",
                "snotify.conf:9: rule b: path /a already has rule r (snotify.conf:4) in profile default\n"
                "snotify.conf:9: rule b: path /a already has rule r (snotify.conf:4) in profile web"),
        /* every error, not only the first: those of lines, then those of what the lines mean */
        WRONG("x\n[rule r]\npath = a\naction = maybe\ndelay = 1d\nprofile = p q\nfoo = 1\n[rule "
              "s]\n[bar]\nlog = 1\n"
              "[profile p]\nerrno = E\n",
                "snotify.conf:1: no '=' after the key; write 'key = value'\n"
                "snotify.conf:7: unknown key 'foo' in [rule r]; known keys: path, action, delay, profile\n"
                "snotify.conf:9: unknown section [bar]; known sections: [limits], [profile NAME], [rule "
                "NAME]\n"
                "snotify.conf:12: profile p: errno 'E' is unknown; write a name from errno(3) such as "
                "EPERM, EACCES, ENOENT or EROFS\n"
                "snotify.conf:3: rule r: path 'a' is not absolute; it must begin with '/'\n"
                "snotify.conf:4: rule r: action 'maybe' is unknown; write allow, deny or audit\n"
                "snotify.conf:5: rule r: delay '1d' is not a time span; write one such as 2s, 500ms or 1min "
                "30s\n"
                "snotify.conf:8: rule s: no path; write 'path = /DIRECTORY/'\n"
                "snotify.conf:8: rule s: no action; write 'action = allow', 'action = deny' or 'action = "
                "audit'"),
        /* A misspelt profile is one mistake, and not one more for each rule that names it. */
        WRONG("[profil default]\nlog = all\n" RULE, "snotify.conf:1: unknown section [profil default]; "
                                                    "known sections: [limits], [profile NAME], [rule NAME]"),
        /* What a second section of the same name says is checked all the same. */
        WRONG(PROFILE RULE "[rule r]\npath = b\naction = deny\n",
                "snotify.conf:5: rule r: already defined at snotify.conf:2\n"
                "snotify.conf:6: rule r: path 'b' is not absolute; it must begin with '/'"),
};

static void test_wrong(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(wrong); i++) {
                write_bytes(FILE_NAME, wrong[i].text, wrong[i].size);
                assert_fails(wrong[i].expected);
        }
}

static void test_wrong_across_files(void **state) {
        (void)state;
        assert_int_equal(mkdir(FILE_NAME ".d", 0755), 0);
        write_file(FILE_NAME, "[limits]\nsessions = 3\n");
        write_file(FILE_NAME ".d/a.conf", PROFILE "[limits]\nsessions-per-user = 2\n");
        assert_fails("snotify.conf.d/a.conf:2: limits: already defined at snotify.conf:1");

        write_file(FILE_NAME, PROFILE RULE);
        write_file(FILE_NAME ".d/a.conf", "[rule b]\n\naction = deny\npath = /a\n");
        write_file(FILE_NAME ".d/b.conf", "log = all\n[rule b]\naction = deny\npath = /b\n");
        assert_fails("snotify.conf.d/b.conf:1: key 'log' before any [section]\n"
                     "snotify.conf.d/b.conf:2: rule b: already defined at snotify.conf.d/a.conf:1\n"
                     "snotify.conf.d/a.conf:4: rule b: path /a already has rule r (snotify.conf:3) in "
                     "profile default");
}

static void test_long_lines(void **state) {
        static char text[1024 * 1024 + 64];
        int start = snprintf(text, sizeof(text), PROFILE "[rule r]\npath = /");

        (void)state;
        skip_without_long_lines();
        memset(text + start, 'a', 1024 * 1024);
        (void)snprintf(text + start + 1024 * 1024, 32, "\naction = deny\nlog\n");
        write_file(FILE_NAME, text);
        assert_fails("snotify.conf:3: line is longer than 8192 bytes\n"
                     "snotify.conf:5: no '=' after the key; write 'key = value'\n"
                     "snotify.conf:2: rule r: no path; write 'path = /DIRECTORY/'");

        /* One byte too long, where the blanks around it do not count. */
        (void)snprintf(text, sizeof(text), "  " PROFILE "  ;%*s  \n", INIFILE_LINE_MAX, "x");
        write_file(FILE_NAME, text);
        assert_fails("snotify.conf:2: line is longer than 8192 bytes");

        /* The keys of a section whose name was too long belong to no other. */
        (void)snprintf(text, sizeof(text), PROFILE "[%*s]\nlog = x\n", INIFILE_LINE_MAX, "x");
        write_file(FILE_NAME, text);
        assert_fails("snotify.conf:2: line is longer than 8192 bytes");
}

static void test_long_path(void **state) {
        char text[8192], expected[8192], path[4098];

        (void)state;
        skip_without_long_lines();
        memset(path, 'p', sizeof(path) - 1);
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        (void)snprintf(text, sizeof(text), PROFILE "[rule r]\naction = deny\npath = %s\n", path);
        (void)snprintf(expected, sizeof(expected),
                "snotify.conf:4: rule r: path '%s' is longer than 4095 bytes", path);
        write_file(FILE_NAME, text);
        assert_fails(expected);
}

static void test_missing_file(void **state) {
        (void)state;
        assert_fails("snotify.conf: No such file or directory");
}

static void test_directory(void **state) {
        (void)state;
        assert_int_equal(mkdir(FILE_NAME, 0755), 0);
        assert_fails("snotify.conf: Is a directory");
}

static void test_fifo(void **state) {
        (void)state;
        assert_int_equal(mkfifo(FILE_NAME, 0644), 0);
        assert_fails("snotify.conf: not a regular file");
}

static void test_device(void **state) {
        (void)state;
        assert_int_equal(symlink("/dev/null", FILE_NAME), 0);
        assert_fails("snotify.conf: not a regular file");
}

static void test_circular_symlink(void **state) {
        (void)state;
        assert_int_equal(symlink(FILE_NAME, FILE_NAME), 0);
        assert_fails("snotify.conf: Too many levels of symbolic links");
}

static void test_large_file(void **state) {
        (void)state;
        write_file(FILE_NAME, PROFILE);
        assert_int_equal(truncate(FILE_NAME, INIFILE_SIZE_MAX + 1), 0);
        assert_fails("snotify.conf: larger than 16 MiB");
}

/* What is wrong with one file keeps none of the others from being checked. */
static void test_wrong_drop_ins(void **state) {
        (void)state;
        assert_int_equal(mkdir(FILE_NAME ".d", 0755), 0);
        assert_int_equal(mkdir(FILE_NAME ".d/a.conf", 0755), 0);
        assert_int_equal(symlink("nowhere", FILE_NAME ".d/b.conf"), 0);
        assert_int_equal(mkfifo(FILE_NAME ".d/c.conf", 0644), 0);
        write_file(FILE_NAME ".d/d.conf", "[rule d]\npath = d\naction = deny\nprofile = somewhere\n");
        assert_fails("snotify.conf: No such file or directory\n"
                     "snotify.conf.d/a.conf: Is a directory\n"
                     "snotify.conf.d/b.conf: No such file or directory\n"
                     "snotify.conf.d/c.conf: not a regular file\n"
                     "snotify.conf.d/d.conf:2: rule d: path 'd' is not absolute; it must begin with '/'");
}

static void test_drop_in_directory_is_file(void **state) {
        (void)state;
        write_file(FILE_NAME, PROFILE);
        write_file(FILE_NAME ".d", "");
        assert_fails("snotify.conf.d: Not a directory");
}

/* Runs in a child, which gives up being root: a mode of 0 does not keep root out. */
static int load_unprivileged(void) {
        Policy *policy = NULL;

        if (geteuid() == 0 && (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
                return 1;
        if (load(&policy) != -EINVAL || strcmp(errors, "snotify.conf: Permission denied\n"
                                                       "snotify.conf.d: Permission denied") != 0) {
                (void)fprintf(stderr, "%s\n", errors);
                return 2;
        }
        return 0;
}

static void test_unreadable(void **state) {
        pid_t pid;
        int status;

        assert_int_equal(chmod(*state, 0755), 0);
        write_file(FILE_NAME, PROFILE);
        assert_int_equal(mkdir(FILE_NAME ".d", 0), 0);
        assert_int_equal(chmod(FILE_NAME, 0), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(load_unprivileged());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(chmod(FILE_NAME ".d", 0755), 0);
}

/* Reading leaves no file open, whether it goes well or not. */
static void test_leaves_no_fd(void **state) {
        int before = dup(STDERR_FILENO), after;

        (void)state;
        (void)close(before);
        test_wrong_drop_ins(state);
        after = dup(STDERR_FILENO);
        (void)close(after);
        assert_int_equal(after, before);
}

static void test_many_rules(void **state) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        FILE *file = fopen(FILE_NAME, "we");

        (void)state;
        assert_non_null(file);
        (void)fputs(PROFILE, file);
        for (int i = 0; i < 10000; i++)
                (void)fprintf(file, "[rule r%d]\npath = /srv/d%d/\naction = allow\n", i, i);
        assert_int_equal(fclose(file), 0);
        assert_loads(&policy);
        assert_string_equal(judge(policy, "default", "/srv/d0/x").rule, "r0");
        assert_string_equal(judge(policy, "default", "/srv/d9999/x").rule, "r9999");
        assert_null(judge(policy, "default", "/srv/d10000/x").rule);
}

static const struct {
        const char *text;
        int result;
        uint64_t usec;
} spans[] = {
        {"0", 0, 0},
        {"2", 0, 2000000},
        {"2s", 0, 2000000},
        {" 2 s ", 0, 2000000},
        {"500ms", 0, 500000},
        {"100us", 0, 100},
        {"100usec", 0, 100},
        {"7\xc2\xb5s", 0, 7},
        {"7\xce\xbcs", 0, 7},
        {"3msec", 0, 3000},
        {"1sec", 0, 1000000},
        {"1second", 0, 1000000},
        {"2seconds", 0, 2000000},
        {"1m", 0, 60000000},
        {"1min", 0, 60000000},
        {"1minute", 0, 60000000},
        {"2minutes", 0, 120000000},
        {"1h", 0, UINT64_C(3600000000)},
        {"1hr", 0, UINT64_C(3600000000)},
        {"1hour", 0, UINT64_C(3600000000)},
        {"2hours", 0, UINT64_C(7200000000)},
        {"1min 30s", 0, 90000000},
        {"1min30s", 0, 90000000},
        {"1min 30", 0, 90000000},
        {"1.5s", 0, 1500000},
        {"0.25ms", 0, 250},
        {"0.0000001s", 0, 0},
        {"18446744073709551615us", 0, UINT64_MAX},
        {"", -EINVAL, 0},
        {" ", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {"1 2x", -EINVAL, 0},
        {"1S", -EINVAL, 0},
        {"1d", -EINVAL, 0},
        {"1.s", -EINVAL, 0},
        {".5s", -EINVAL, 0},
        {"1,5s", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"infinity", -EINVAL, 0},
        {"18446744073709551616us", -ERANGE, 0},
        {"18446744073709551615us 1us", -ERANGE, 0},
        {"18446744073709551615s", -ERANGE, 0},
        {"18446744073709.9s", -ERANGE, 0},
};

static void test_timespan(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(spans); i++) {
                uint64_t usec = 0;
                int r = timespan_parse(spans[i].text, &usec);

                if (r != spans[i].result || usec != spans[i].usec)
                        fail_msg("'%s': %d, %ju", spans[i].text, r, (uintmax_t)usec);
        }
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_DIRECTORY(test_example),
                IN_DIRECTORY(test_defaults),
                IN_DIRECTORY(test_profile_keys),
                IN_DIRECTORY(test_private),
                IN_DIRECTORY(test_namespaces),
                IN_DIRECTORY(test_guard),
                IN_DIRECTORY(test_limits),
                IN_DIRECTORY(test_rule_keys),
                IN_DIRECTORY(test_forms),
                IN_DIRECTORY(test_longest),
                IN_DIRECTORY(test_drop_ins),
                IN_DIRECTORY(test_drop_in_order),
                IN_DIRECTORY(test_wrong),
                IN_DIRECTORY(test_wrong_across_files),
                IN_DIRECTORY(test_long_lines),
                IN_DIRECTORY(test_long_path),
                IN_DIRECTORY(test_missing_file),
                IN_DIRECTORY(test_directory),
                IN_DIRECTORY(test_fifo),
                IN_DIRECTORY(test_device),
                IN_DIRECTORY(test_circular_symlink),
                IN_DIRECTORY(test_large_file),
                IN_DIRECTORY(test_wrong_drop_ins),
                IN_DIRECTORY(test_drop_in_directory_is_file),
                IN_DIRECTORY(test_unreadable),
                IN_DIRECTORY(test_leaves_no_fd),
                IN_DIRECTORY(test_many_rules),
                cmocka_unit_test(test_timespan),
                IN_DIRECTORY(test_access_list),
                IN_DIRECTORY(test_unknown_accounts),
                IN_DIRECTORY(test_effective),
                IN_DIRECTORY(test_trust),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
