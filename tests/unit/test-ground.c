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
        int ground_fd = -EBADF;

        (void)state;
        assert_int_equal(ground_new(&ground_fd), 0);
        assert_false(ground_is_proven(ground_fd));
        assert_int_equal(symlinkat("/", ground_fd, PROTOCOL_PROOF), 0);
        assert_false(ground_is_proven(ground_fd));
        assert_int_equal(unlinkat(ground_fd, PROTOCOL_PROOF, 0), 0);
        assert_int_equal(mknodat(ground_fd, PROTOCOL_PROOF, S_IFREG, 0), 0);
        assert_false(ground_is_proven(ground_fd));
        assert_int_equal(unlinkat(ground_fd, PROTOCOL_PROOF, 0), 0);
        assert_int_equal(mkdirat(ground_fd, PROTOCOL_PROOF, 0), 0);
        assert_true(ground_is_proven(ground_fd));
        assert_true(mkdirat(ground_fd, "more", 0) < 0);
        fd_close(ground_fd);
}

/* Something else is mounted there. */
static void test_mount(void **state) {
        int ground_fd = -EBADF, other_fd = -EBADF;

        (void)state;
        assert_int_equal(ground_new(&ground_fd), 0);
        assert_int_equal(ground_new(&other_fd), 0);
        assert_int_equal(mkdirat(ground_fd, PROTOCOL_PROOF, 0700), 0);
        if (syscall(SYS_move_mount, other_fd, "", ground_fd, PROTOCOL_PROOF, MOVE_MOUNT_F_EMPTY_PATH) == 0)
                assert_false(ground_is_proven(ground_fd));
        else
                assert_int_equal(errno, EINVAL); /* Linux before 6.15 */
        fd_close(other_fd);
        fd_close(ground_fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_proof),
                cmocka_unit_test(test_mount),
        };

        if (geteuid() != 0)
                return EXIT_SKIP; /* only root may mount */
        harness_init();
        return cmocka_run_group_tests_name("ground", tests, NULL, NULL);
}
