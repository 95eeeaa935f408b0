/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/mounts.c on lists that are made up and on the kernel's own, with mounts in odd places
 * in a mount namespace of the test's. */

#include "harness.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/ownership.h"
#include "worker/mounts.h"

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
                const char *device;
        } rows[] = {
                {22, 0, "254:0"},
                {23, 0, "0:21"},
                {25, 0, "0:23"},
                {27, 0, "0:25"},
                {UINT64_MAX, 0, "0:24"},
                {2, MOUNTS_NONE, NULL},
                {24, MOUNTS_NONE, NULL},
                {26, MOUNTS_NONE, NULL},
                {0, MOUNTS_NONE, NULL},
                {222, MOUNTS_NONE, NULL},
        };
        _cleanup_close_ int fd = list_of(list), empty = list_of("");
        char device[MOUNTS_DEVICE_SIZE];

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) { /* each from the start */
                assert_int_equal(mounts_find_device(fd, rows[i].id, device), rows[i].expected);
                if (rows[i].device)
                        assert_string_equal(device, rows[i].device);
        }
        assert_int_equal(mounts_find_device(empty, 22, device), MOUNTS_NONE);
        assert_true(mounts_find_device(-EBADF, 22, device) < 0);
}

static void describe(const char *path, char ret_device[MOUNTS_DEVICE_SIZE], uint64_t *ret_id) {
        struct statx stx;

        CHECK_INT(statx(AT_FDCWD, path, 0, STATX_MNT_ID, &stx), 0);
        (void)snprintf(ret_device, MOUNTS_DEVICE_SIZE, "%u:%u", stx.stx_dev_major, stx.stx_dev_minor);
        *ret_id = stx.stx_mnt_id;
}

static int open_own_list(void) {
        int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

        CHECK(fd >= 0);
        return fd;
}

/* Takes the Nth mount that is shown. */
typedef struct Choice {
        int n;
        int fd;
} Choice;

static int choose(int mount_fd, void *userdata) {
        Choice *choice = userdata;

        CHECK(mount_fd >= 0);
        if (choice->n-- > 0)
                return -EXDEV;
        CHECK((choice->fd = fcntl(mount_fd, F_DUPFD_CLOEXEC, 0)) >= 0);
        return 0;
}

static int open_nth(int list_fd, const char *device, int n, int *ret_fd) {
        Choice choice = {.n = n, .fd = -EBADF};
        int r = mounts_visit_device(list_fd, device, choose, &choice);

        *ret_fd = choice.fd;
        return r;
}

/* Does the list lead from the mount to its device and from that to its root, as the Nth of its mounts? */
static void check_nth_mount(const char *path, int n) {
        char device[MOUNTS_DEVICE_SIZE], found[MOUNTS_DEVICE_SIZE], again[MOUNTS_DEVICE_SIZE];
        int list_fd = open_own_list(), fd = -EBADF;
        struct stat a, b;
        uint64_t id;

        describe(path, device, &id);
        CHECK_INT(mounts_find_device(list_fd, id, found), 0);
        CHECK(strcmp(found, device) == 0);
        CHECK_INT(open_nth(list_fd, device, n, &fd), 0);
        CHECK(fd >= 0);
        CHECK_INT(fcntl(fd, F_GETFL) & O_PATH, 0);
        CHECK(fstat(fd, &a) == 0 && stat(path, &b) == 0);
        CHECK(a.st_dev == b.st_dev && a.st_ino == b.st_ino);
        (void)snprintf(again, sizeof(again), "%u:%u", major(a.st_dev), minor(a.st_dev));
        CHECK(strcmp(again, device) == 0);
        (void)close(fd);
        (void)close(list_fd);
}

static void check_mount(const char *path) {
        check_nth_mount(path, 0);
}

static void check_unreachable_nth(const char *device, int n, int expected) {
        int list_fd = open_own_list(), fd = -EBADF;

        CHECK_INT(open_nth(list_fd, device, n, &fd), expected);
        CHECK_INT(fd, -EBADF);
        (void)close(list_fd);
}

static void check_unreachable(const char *device, int expected) {
        check_unreachable_nth(device, 0, expected);
}

static void mount_tmpfs(const char *path) {
        CHECK_INT(mount("none", path, "tmpfs", 0, NULL), 0);
}

static void go_alone(void) {
        CHECK_INT(unshare(CLONE_NEWNS), 0);
        CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        mount_tmpfs("/tmp");
        CHECK_INT(chdir("/tmp"), 0);
}

static void find_odd_places(const void *argument) {
        static const char *const names[] = {"plain", "with blank", "tab\there", "new\nline", "back\\slash",
                "\\040", "octal\\1", "#hash", "\xff\xfe", " ", "\n"};

        (void)argument;
        go_alone();
        check_mount("/tmp");
        check_mount("/proc");
        for (size_t i = 0; i < COUNT(names); i++) {
                char path[64];

                (void)snprintf(path, sizeof(path), "/tmp/%s", names[i]);
                CHECK_INT(mkdir(path, 0700), 0);
                mount_tmpfs(path);
                check_mount(path);
        }
}

static void hide_things(const void *argument) {
        char device[MOUNTS_DEVICE_SIZE];
        uint64_t id;

        (void)argument;
        go_alone();
        check_unreachable("0:999999", MOUNTS_NONE);
        check_unreachable("", MOUNTS_NONE);
        CHECK_INT(mkdir("a", 0700) | mkdir("b", 0700) | mkdir("c", 0700), 0);
        mount_tmpfs("a");
        CHECK_INT(mkdir("a/sub", 0700), 0);
        describe("a", device, &id);
        check_mount("/tmp/a");
        CHECK_INT(mount("a/sub", "b", NULL, MS_BIND, NULL), 0);
        check_mount("/tmp/a");
        /* What shows a part comes last. */
        check_nth_mount("/tmp/b", 1);
        check_unreachable_nth(device, 2, -EXDEV);

        /* Something lies over it. */
        mount_tmpfs("a");
        check_mount("/tmp/b");
        check_unreachable_nth(device, 1, -EXDEV);
        /* But it is to be seen elsewhere, too. */
        CHECK_INT(umount("a"), 0);
        CHECK_INT(mount("a", "c", NULL, MS_BIND, NULL), 0);
        mount_tmpfs("a");
        check_mount("/tmp/c");
        check_nth_mount("/tmp/b", 1);
        /* Only a part of it is left. */
        CHECK_INT(umount("c"), 0);
        CHECK_INT(umount("a"), 0);
        CHECK_INT(umount("a"), 0);
        check_mount("/tmp/b");
        mount_tmpfs("b");
        check_unreachable(device, -EXDEV);
        CHECK_INT(umount("b"), 0);
        CHECK_INT(umount("b"), 0);
        check_unreachable(device, MOUNTS_NONE);
}

static void test_odd_places(void **state) {
        (void)state;
        harness_run(find_odd_places, NULL);
}

static void test_hidden(void **state) {
        (void)state;
        harness_run(hide_things, NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_odd_places),
                cmocka_unit_test(test_hidden),
        };

        if (geteuid() != 0) {
                (void)fprintf(stderr, "skipped: mounting is for root\n");
                return EXIT_SKIP;
        }
        harness_init();
        return cmocka_run_group_tests_name("mounts", tests, NULL, NULL);
}
