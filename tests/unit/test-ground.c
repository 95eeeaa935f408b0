/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/ground.c: a directory that was made there proves something, and nothing else does. */

#include "harness.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "common/protocol.h"
#include "ground.h"

static void test_proof(void **state) {
        int ground_fd = -EBADF, plot_fd = -EBADF;

        (void)state;
        assert_int_equal(ground_new(&ground_fd), 0);
        assert_int_equal(plot_new(ground_fd, 7, &plot_fd), 0);
        assert_false(plot_is_proven(plot_fd));
        assert_int_equal(symlinkat("/", plot_fd, PROTOCOL_PROOF), 0);
        assert_false(plot_is_proven(plot_fd));
        assert_int_equal(unlinkat(plot_fd, PROTOCOL_PROOF, 0), 0);
        assert_int_equal(mknodat(plot_fd, PROTOCOL_PROOF, S_IFREG, 0), 0);
        assert_false(plot_is_proven(plot_fd));
        assert_int_equal(unlinkat(plot_fd, PROTOCOL_PROOF, 0), 0);
        assert_int_equal(mkdirat(plot_fd, PROTOCOL_PROOF, 0), 0);
        assert_true(plot_is_proven(plot_fd));
        plot_remove(ground_fd, 7, plot_fd);
        assert_false(plot_is_proven(plot_fd));
        assert_int_equal(faccessat(ground_fd, "0000000000000007", F_OK, 0), -1);
        assert_true(mkdirat(plot_fd, "more", 0) < 0);
        fd_close(plot_fd);
        fd_close(ground_fd);
}

/* A launcher that makes more than the proof can't take the place of others for long. */
static void test_wear(void **state) {
        int ground_fd = -EBADF, plot_fd = -EBADF;
        char name[16];

        (void)state;
        assert_int_equal(ground_new(&ground_fd), 0);
        assert_int_equal(plot_new(ground_fd, UINT64_MAX, &plot_fd), 0);
        assert_int_equal(plot_new(ground_fd, UINT64_MAX, &plot_fd), -EEXIST);
        for (unsigned i = 0; i < 2000; i++) {
                (void)snprintf(name, sizeof(name), "%u", i);
                assert_false(ground_is_worn(ground_fd));
                assert_int_equal(mkdirat(plot_fd, name, 0700), 0);
        }
        for (unsigned i = 2000; i < 2100; i++) {
                (void)snprintf(name, sizeof(name), "%u", i);
                assert_int_equal(mkdirat(plot_fd, name, 0700), 0);
        }
        plot_remove(ground_fd, UINT64_MAX, plot_fd);
        assert_true(ground_is_worn(ground_fd));
        fd_close(plot_fd);
        fd_close(ground_fd);
}

/* Something else is mounted there. */
static void test_mount(void **state) {
        int ground_fd = -EBADF, plot_fd = -EBADF, other_fd = -EBADF;

        (void)state;
        assert_int_equal(ground_new(&ground_fd), 0);
        assert_int_equal(ground_new(&other_fd), 0);
        assert_int_equal(plot_new(ground_fd, 7, &plot_fd), 0);
        assert_int_equal(mkdirat(plot_fd, PROTOCOL_PROOF, 0700), 0);
        if (syscall(SYS_move_mount, other_fd, "", plot_fd, PROTOCOL_PROOF, MOVE_MOUNT_F_EMPTY_PATH) == 0)
                assert_false(plot_is_proven(plot_fd));
        else
                assert_int_equal(errno, EINVAL); /* Linux before 6.15 */
        fd_close(other_fd);
        fd_close(plot_fd);
        fd_close(ground_fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_proof),
                cmocka_unit_test(test_wear),
                cmocka_unit_test(test_mount),
        };

        if (geteuid() != 0)
                return EXIT_SKIP; /* only root may mount */
        harness_init();
        return cmocka_run_group_tests_name("ground", tests, NULL, NULL);
}
