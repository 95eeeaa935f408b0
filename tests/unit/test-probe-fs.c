/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/handshake/probe-fs.c: only a directory that was created there passes; and what one
 * launcher leaves there does not affect others. */

#include "harness.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/protocol.h"
#include "handshake/probe-fs.h"

static void test_probe(void **state) {
        ProbeFs probe_fs = PROBE_FS_NONE;

        (void)state;
        assert_int_equal(probe_fs_new(&probe_fs), 0);
        assert_false(probe_fs_is_passed(&probe_fs));
        assert_int_equal(symlinkat("/", probe_fs.dir_fd, PROTOCOL_PROBE_NAME), 0);
        assert_false(probe_fs_is_passed(&probe_fs));
        assert_int_equal(unlinkat(probe_fs.dir_fd, PROTOCOL_PROBE_NAME, 0), 0);
        assert_int_equal(mknodat(probe_fs.dir_fd, PROTOCOL_PROBE_NAME, S_IFREG, 0), 0);
        assert_false(probe_fs_is_passed(&probe_fs));
        assert_int_equal(unlinkat(probe_fs.dir_fd, PROTOCOL_PROBE_NAME, 0), 0);
        assert_int_equal(mkdirat(probe_fs.dir_fd, PROTOCOL_PROBE_NAME, 0), 0);
        assert_true(probe_fs_is_passed(&probe_fs));
        probe_fs_close(&probe_fs);
        assert_false(probe_fs_is_passed(&probe_fs));
}

/* Any user may create the directory, whatever the daemon's umask. */
static void test_mode(void **state) {
        ProbeFs probe_fs = PROBE_FS_NONE;
        struct stat st;
        mode_t mask = umask(0777);

        (void)state;
        assert_int_equal(probe_fs_new(&probe_fs), 0);
        (void)umask(mask);
        assert_int_equal(fstat(probe_fs.dir_fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0777);
        probe_fs_close(&probe_fs);
}

static unsigned fill(int dir_fd) {
        char name[16];
        unsigned n = 0;

        do
                (void)snprintf(name, sizeof(name), "%u", n);
        while (mkdirat(dir_fd, name, 0700) == 0 && ++n < 10000);
        assert_int_equal(errno, ENOSPC);
        return n;
}

static void test_litter(void **state) {
        ProbeFs full = PROBE_FS_NONE, other = PROBE_FS_NONE;

        (void)state;
        assert_int_equal(probe_fs_new(&full), 0);
        assert_in_range(fill(full.dir_fd), 1, 10);
        assert_int_equal(probe_fs_new(&other), 0);
        assert_int_equal(mkdirat(other.dir_fd, PROTOCOL_PROBE_NAME, 0), 0);
        assert_true(probe_fs_is_passed(&other));
        probe_fs_close(&other);
        probe_fs_close(&full);
}

/* Something else is mounted there. */
static void test_mount(void **state) {
        ProbeFs probe_fs = PROBE_FS_NONE, other = PROBE_FS_NONE;

        (void)state;
        assert_int_equal(probe_fs_new(&probe_fs), 0);
        assert_int_equal(probe_fs_new(&other), 0);
        assert_int_equal(mkdirat(probe_fs.dir_fd, PROTOCOL_PROBE_NAME, 0700), 0);
        if (syscall(SYS_move_mount, other.mount_fd, "", probe_fs.dir_fd, PROTOCOL_PROBE_NAME,
                    MOVE_MOUNT_F_EMPTY_PATH) == 0)
                assert_false(probe_fs_is_passed(&probe_fs));
        else
                assert_int_equal(errno, EINVAL); /* Linux before 6.15 */
        probe_fs_close(&other);
        probe_fs_close(&probe_fs);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_probe),
                cmocka_unit_test(test_mode),
                cmocka_unit_test(test_litter),
                cmocka_unit_test(test_mount),
        };

        if (geteuid() != 0)
                return EXIT_SKIP; /* only root may mount */
        harness_init();
        return cmocka_run_group_tests_name("probe-fs", tests, NULL, NULL);
}
