/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/session/identities.c: an identity that was added is found, also by the next daemon; what is
 * no identity is dropped; the memory cannot be shrunk while the daemon has it mapped. */

#include "harness.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "policy/limits.h"
#include "session/identities.h"

#define ID UINT64_C(0x0123456789abcdef)
#define SLOT_SIZE 256

DEFINE_CLEANUP(Identities, identities_free)

static SessionIdentity identity_of(uint64_t id) {
        return (SessionIdentity){
                .session_id = id,
                .started_usec = 1700000000000000,
                .uid = 1234,
                .account = 1235,
                .pid = 4321,
                .profile = "default",
                .label = "a label",
        };
}

static Identities *open_new(void) {
        Identities *identities = NULL;

        assert_int_equal(identities_open(-EBADF, &identities), 1);
        return identities;
}

/* As the next daemon does, which has the fd from the store. */
static Identities *open_again(const Identities *from, int expected) {
        int fd = fcntl(identities_fd(from), F_DUPFD_CLOEXEC, 3);
        Identities *identities = NULL;

        assert_true(fd >= 0);
        assert_int_equal(identities_open(fd, &identities), expected);
        return identities;
}

static bool has(const Identities *identities, uint64_t id) {
        SessionIdentity expected = identity_of(id), found;
        int r = identities_find(identities, id, &found);

        if (r == -ENOENT)
                return false;
        assert_int_equal(r, 0);
        assert_memory_equal(&found, &expected, sizeof(found));
        return true;
}

static void add(Identities *identities, uint64_t id) {
        SessionIdentity identity = identity_of(id);

        assert_int_equal(identities_add(identities, &identity), 0);
}

static void test_life(void **state) {
        _cleanup_(identities_free_p) Identities *identities = open_new(), *later = NULL, *last = NULL;
        SessionIdentity same = identity_of(ID);

        (void)state;
        assert_false(has(identities, ID));
        add(identities, ID);
        add(identities, 1);
        assert_int_equal(identities_add(identities, &same), -EEXIST);
        assert_true(has(identities, ID));

        later = open_again(identities, 0);
        assert_true(has(later, ID));
        assert_true(has(later, 1));
        assert_false(has(later, 0));
        assert_false(has(later, 2));
        identities_remove(later, ID);
        identities_remove(later, ID);
        identities_remove(later, 0);
        assert_false(has(later, ID));

        last = open_again(later, 0);
        assert_false(has(last, ID));
        assert_true(has(last, 1));
}

static void test_full(void **state) {
        _cleanup_(identities_free_p) Identities *identities = open_new(), *later = NULL;
        SessionIdentity one_more = identity_of(UINT64_MAX);

        (void)state;
        for (uint64_t id = 1; id <= LIMITS_SESSIONS_MAX; id++)
                add(identities, id);
        assert_int_equal(identities_add(identities, &one_more), -ENOSPC);
        later = open_again(identities, 0);
        for (uint64_t id = 1; id <= LIMITS_SESSIONS_MAX; id++)
                assert_true(has(later, id));
        identities_remove(later, 500);
        add(later, UINT64_MAX);
        assert_true(has(later, UINT64_MAX));
}

static bool is_odd(uint64_t id, void *userdata) {
        (void)userdata;
        return id % 2 != 0;
}

static void test_prune(void **state) {
        _cleanup_(identities_free_p) Identities *identities = open_new();

        (void)state;
        for (uint64_t id = 1; id <= 5; id++)
                add(identities, id);
        assert_int_equal(identities_prune(identities, is_odd, NULL), 2);
        for (uint64_t id = 1; id <= 5; id++)
                assert_int_equal(has(identities, id), id % 2 != 0);
}

static void write_at(const Identities *identities, const void *bytes, size_t size, off_t offset) {
        assert_int_equal(pwrite(identities_fd(identities), bytes, size, offset), size);
}

static void test_invalid(void **state) {
        static const char x[PROTOCOL_LABEL_SIZE] = {[0 ... PROTOCOL_LABEL_SIZE - 1] = 'x'};
        static const struct {
                const char *what;
                const char *bytes;
                size_t size, offset;
        } rows[] = {
                {"profile without end", x, PROTOCOL_PROFILE_SIZE, offsetof(SessionIdentity, profile)},
                {"no profile", "", 1, offsetof(SessionIdentity, profile)},
                {"label without end", x, PROTOCOL_LABEL_SIZE, offsetof(SessionIdentity, label)},
                {"id 0", "\0\0\0\0\0\0\0", 8, offsetof(SessionIdentity, session_id)},
                {"the id of another", "\x01\0\0\0\0\0\0", 8, offsetof(SessionIdentity, session_id)},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                _cleanup_(identities_free_p) Identities *identities = open_new(), *later = NULL;

                add(identities, 1);
                add(identities, ID); /* in the second slot, behind the header */
                write_at(identities, rows[i].bytes, rows[i].size, (off_t)(2 * SLOT_SIZE + rows[i].offset));
                later = open_again(identities, 0);
                if (has(later, ID) || !has(later, 1))
                        fail_msg("%s", rows[i].what);
                /* Its slot can be used again. */
                for (uint64_t id = 2; id <= LIMITS_SESSIONS_MAX; id++)
                        add(later, id);
        }
}

static void test_foreign(void **state) {
        static const struct {
                const char *bytes;
                off_t offset;
        } rows[] = {{"x", 0}, {"\x02", 8}, {"x", 12}};
        _cleanup_(identities_free_p) Identities *of_nothing = NULL, *of_null = NULL;
        _cleanup_close_ int empty = memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                _cleanup_(identities_free_p) Identities *identities = open_new(), *later = NULL;

                add(identities, ID);
                write_at(identities, rows[i].bytes, 1, rows[i].offset);
                later = open_again(identities, 1);
                assert_false(has(later, ID));
        }
        assert_int_equal(identities_open(TAKE_FD(empty), &of_nothing), 1);
        assert_int_equal(identities_open(open("/dev/null", O_RDWR | O_CLOEXEC), &of_null), 1);
}

static void test_sealed(void **state) {
        _cleanup_(identities_free_p) Identities *identities = open_new();
        int fd = identities_fd(identities);

        (void)state;
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(ftruncate(fd, 0), -1);
        assert_int_equal(ftruncate(fd, 1 << 20), -1);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_life),
                cmocka_unit_test(test_full),
                cmocka_unit_test(test_prune),
                cmocka_unit_test(test_invalid),
                cmocka_unit_test(test_foreign),
                cmocka_unit_test(test_sealed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
