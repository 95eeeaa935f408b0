/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/location/mountinfo.c with lists from this file. */

#include "harness.h"

#include <sys/mman.h>

#include "common/ownership.h"
#include "worker/location/mountinfo.h"

static int list_of(const char *text) {
        int fd = memfd_create("mountinfo", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        return fd;
}

static const char list[] = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
                           "23 22 0:21 / /proc rw - proc proc rw\n"
                           "\n"
                           "not a line\n"
                           "24 22\n"
                           "x 22 0:22 / /sys rw - sysfs sysfs rw\n"
                           "25 22 0:23 / /with\\040blank rw - tmpfs tmpfs rw\n"
                           "27 22 0:25 /\\1 /\\\n"
                           "26 22 0:123456789012345678901234567890 / /long rw - tmpfs tmpfs rw\n"
                           "18446744073709551615 22 0:24 / /last rw - tmpfs tmpfs rw";

static void test_find(void **state) {
        static const struct {
                uint64_t id;
                int expected;
                uint64_t device;
        } rows[] = {
                {22, 0, 254ULL << 32},
                {23, 0, 21},
                {25, 0, 23},
                {27, 0, 25},
                {UINT64_MAX, 0, 24},
                {2, MOUNTS_NONE, 0},
                {24, MOUNTS_NONE, 0},
                {26, MOUNTS_NONE, 0},
                {0, MOUNTS_NONE, 0},
                {222, MOUNTS_NONE, 0},
        };
        _cleanup_close_ int fd = list_of(list), empty = list_of("");

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) { /* each from the start */
                uint64_t device = 0;

                assert_int_equal(mounts_find_device(fd, rows[i].id, &device), rows[i].expected);
                assert_true(device == rows[i].device);
        }
        assert_int_equal(mounts_find_device(empty, 22, &(uint64_t){0}), MOUNTS_NONE);
        assert_true(mounts_find_device(-EBADF, 22, &(uint64_t){0}) < 0);
}

static void test_find_root(void **state) {
        _cleanup_close_ int fd = list_of(list);
        char root[4];

        (void)state;
        assert_int_equal(mounts_find_root(fd, 25, root, sizeof(root)), 0);
        assert_string_equal(root, "/");
        assert_int_equal(mounts_find_root(fd, 27, root, sizeof(root)), 0);
        assert_string_equal(root, "/\\1");
        assert_int_equal(mounts_find_root(fd, 27, root, 2), -ENAMETOOLONG);
        assert_int_equal(mounts_find_root(fd, 24, root, sizeof(root)), MOUNTS_NONE);
}

static void test_parse(void **state) {
        static const struct {
                const char *line, *root, *point, *type;
        } rows[] = {
                {"1 0 8:1 / / rw - ext4 /dev/sda rw", "/", "/", "ext4"},
                {"1 0 8:1 /a\\040b /c\\011d\\012e\\134f\\043g rw a:1 b:2 c - fuse.x y rw", "/a b",
                        "/c\td\ne\\f#g", "fuse.x"},
                {"1 0 8:1 /\\0400 /\\04 rw", "/ 0", "/\\04", ""},
                {"1 0 8:1 /a//deleted /b", "/a//deleted", "/b", ""},
                {"1 0 8:1 net:[4026531840] /b rw -", "net:[4026531840]", "/b", ""},
                {"1 0 8: / / rw - ext4 x", NULL, NULL, NULL},
                {"1 0 8 / / rw - ext4 x", NULL, NULL, NULL},
                {"1 0 -8:1 / / rw - ext4 x", NULL, NULL, NULL},
                {"1 0 8:1x / / rw - ext4 x", NULL, NULL, NULL},
                {"1 0 8:4294967296 / / rw - ext4 x", NULL, NULL, NULL},
                {"1x 0 8:1 / / rw - ext4 x", NULL, NULL, NULL},
                {"1 0 8:1 /", NULL, NULL, NULL},
                {"", NULL, NULL, NULL},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                char line[128];
                Mount mount;

                (void)strcpy(line, rows[i].line);
                assert_int_equal(mounts_parse(line, &mount), rows[i].root != NULL);
                if (!rows[i].root)
                        continue;
                assert_int_equal(mount.id, 1);
                assert_true(mount.device == mounts_device(8, 1));
                assert_string_equal(mount.root, rows[i].root);
                assert_string_equal(mount.point, rows[i].point);
                assert_string_equal(mount.type, rows[i].type);
        }
}

static void test_automounter(void **state) {
        static const struct {
                const char *options;
                pid_t expected;
        } rows[] = {
                {"rw,fd=6,pgrp=1234,timeout=0,minproto=5,maxproto=5,indirect", 1234},
                {"rw,fd=31,pgrp=1,timeout=0,minproto=5,maxproto=5,direct,pipe_ino=1234", 1},
                {"rw,fd=31,pgrp=0,timeout=0", 0},
                {"rw,pgrp=7", 7},
                {"rw,pgrp=", 0},
                {"rw,pgrp=-1", 0},
                {"rw,pgrp=99999999999", 0},
                {"rw,xpgrp=5", 0},
                {"rw", 0},
                {"", 0},
        };
        static const char with[] = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,pgrp=77\n"
                                   "23 22 0:21 / /auto rw - autofs auto.master rw,fd=6,pgrp=55,timeout=0\n"
                                   "24 22 0:21 / /home rw shared:2 - autofs auto.home rw,fd=6,pgrp=66\n";
        _cleanup_close_ int fd = list_of(with), none = list_of(list);

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++)
                assert_int_equal(mounts_automounter(rows[i].options), rows[i].expected);
        assert_int_equal(mounts_have_automounter(fd, 55), 1);
        assert_int_equal(mounts_have_automounter(fd, 66), 1);
        assert_int_equal(mounts_have_automounter(fd, 77), 0); /* that is no autofs */
        assert_int_equal(mounts_have_automounter(fd, 5), 0);
        assert_int_equal(mounts_have_automounter(none, 55), 0);
        assert_true(mounts_have_automounter(-EBADF, 55) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_find_root),
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_automounter),
        };

        return cmocka_run_group_tests_name("mounts", tests, NULL, NULL);
}
