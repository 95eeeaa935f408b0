/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/handshake/subordinate-ids.c. */

#include "harness.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "handshake/subordinate-ids.h"

static char directory[] = "/tmp/test-subordinate-ids.XXXXXX";
static char subuid[64], passwd[64];

static void write_file(const char *path, const char *text) {
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static int set_up(void **state) {
        (void)state;
        assert_non_null(mkdtemp(directory));
        (void)snprintf(subuid, sizeof(subuid), "%s/subuid", directory);
        (void)snprintf(passwd, sizeof(passwd), "%s/passwd", directory);
        write_file(passwd, "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/"
                           "sh\n\nbroken\nbob:x:1001:1001::/:/bin/sh\n");
        return 0;
}

static int tear_down(void **state) {
        (void)state;
        (void)unlink(subuid);
        (void)unlink(passwd);
        return rmdir(directory);
}

static uint32_t owner(const char *text, uint32_t uid) {
        SubordinateIds ids;
        uint32_t found;

        write_file(subuid, text);
        assert_int_equal(subordinate_ids_read(subuid, passwd, &ids), 0);
        found = subordinate_ids_find_owner(&ids, uid);
        subordinate_ids_done(&ids);
        return found;
}

static void test_ranges(void **state) {
        static const char text[] = "bob:165536:65536\nalice:100000:65536\nalice:300000:1\n2000:400000:10\n";

        (void)state;
        assert_int_equal(owner(text, 99999), 99999);
        assert_int_equal(owner(text, 100000), 1000);
        assert_int_equal(owner(text, 165535), 1000);
        assert_int_equal(owner(text, 165536), 1001);
        assert_int_equal(owner(text, 231072), 231072);
        assert_int_equal(owner(text, 300000), 1000);
        assert_int_equal(owner(text, 300001), 300001);
        assert_int_equal(owner(text, 400009), 2000);
        assert_int_equal(owner("alice:4294967290:4294967294\n", 4294967294U), 1000);
        assert_int_equal(owner("alice:4294967290:4294967294\n", 5), 5);
        assert_int_equal(owner("", 100000), 100000);
        assert_int_equal(owner("alice:100000:65536", 100000), 1000); /* without an end of line */
}

/* Root may map the uid of an ordinary user into a container: that user is still no other. */
static void test_root(void **state) {
        (void)state;
        assert_int_equal(owner("root:1000:1\nroot:100000:65536\n", 1000), 1000);
        assert_int_equal(owner("0:1000:1\n", 1000), 1000);
        assert_int_equal(owner("root:100000:65536\nbob:100000:1\n", 100000), 1001);
        assert_int_equal(owner("root:100000:65536\nbob:100000:1\n", 100001), 100001);
}

static void test_odd_lines(void **state) {
        static const char *const lines[] = {
                "alice",
                "alice:",
                "alice:100000",
                "alice:100000:",
                ":100000:65536",
                "alice::65536",
                "nobody-there:100000:65536",
                "alice:100000:65536:",
                "alice:-1:65536",
                "alice: 100000:65536",
                "alice:0x1:65536",
                "alice:100000:99999999999",
                "alice:99999999999:1",
                "#alice:100000:65536",
                "::",
                "broken:100000:65536",
        };
        char text[4096], name[200];

        (void)state;
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
                if (owner(lines[i], 100000) != 100000)
                        fail_msg("%s", lines[i]);
                /* and the next line counts */
                (void)snprintf(text, sizeof(text), "%s\nbob:100000:1\n", lines[i]);
                if (owner(text, 100000) != 1001)
                        fail_msg("%s, and another", lines[i]);
        }
        memset(name, 'a', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        (void)snprintf(
                text, sizeof(text), "%s:100000:65536\n%s%s:100000:65536\nbob:100000:1\n", name, name, name);
        assert_int_equal(owner(text, 100000), 1001);
}

static void test_files(void **state) {
        SubordinateIds ids = {};

        (void)state;
        (void)unlink(subuid);
        assert_int_equal(subordinate_ids_read(subuid, passwd, &ids), 0);
        assert_int_equal(ids.n_ranges, 0);
        subordinate_ids_done(&ids);
        assert_int_equal(mkfifo(subuid, 0600), 0);
        assert_int_equal(subordinate_ids_read(subuid, passwd, &ids), -EINVAL);
        (void)unlink(subuid);
        write_file(subuid, "alice:100000:65536\n");
        assert_int_equal(subordinate_ids_read(subuid, "/nowhere", &ids), -ENOENT);
}

static void test_too_many(void **state) {
        FILE *file = fopen(subuid, "we");
        SubordinateIds ids;

        (void)state;
        for (unsigned i = 0; i < SUBORDINATE_IDS_MAX + 100; i++)
                (void)fprintf(file, "alice:%u:1\n", 100000 + i);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(subordinate_ids_read(subuid, passwd, &ids), 0);
        assert_int_equal(ids.n_ranges, SUBORDINATE_IDS_MAX);
        assert_int_equal(subordinate_ids_find_owner(&ids, 100000), 1000);
        subordinate_ids_done(&ids);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ranges),
                cmocka_unit_test(test_root),
                cmocka_unit_test(test_odd_lines),
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_too_many),
        };

        harness_init();
        return cmocka_run_group_tests_name("subordinate-ids", tests, set_up, tear_down);
}
