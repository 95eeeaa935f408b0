/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/target/credentials.c by what the kernel then says of the process in /proc/self/status:
 * it has all of the credentials and nothing of the one before, and its real, effective and saved uids stay
 * its own.
 */

#include "harness.h"

#include <fcntl.h>
#include <sys/capability.h>
#include <sys/stat.h>

#include "worker/target/credentials.h"
#include "worker/target/task-facts.h"

#define ALL UINT64_MAX
#define BIT(capability) (UINT64_C(1) << (capability))
#define OWN (BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH))
#define NEEDED                                                                                              \
        (OWN | BIT(CAP_SYS_CHROOT) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SYS_RESOURCE) |            \
                BIT(CAP_SYS_ADMIN) | BIT(CAP_DAC_OVERRIDE))

static gid_t many[40];

static const Credentials identities[] = {
        {.fsuid = 0, .fsgid = 0, .umask = 0022, .capabilities = ALL},
        {.fsuid = 1000,
                .fsgid = 1000,
                .umask = 0077,
                .capabilities = 0,
                .groups = (gid_t[]){4, 24},
                .n_groups = 2},
        {.fsuid = 1000, .fsgid = 1000, .umask = 0077, .capabilities = 0},
        {.fsuid = 1000, .fsgid = 1000, .umask = 0, .capabilities = BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER)},
        {.fsuid = 1000,
                .fsgid = 7,
                .umask = 0777,
                .capabilities = ALL,
                .groups = (gid_t[]){24, 4},
                .n_groups = 2},
        {.fsuid = 0, .fsgid = 0, .umask = 0022, .capabilities = 0},
        {.fsuid = 0,
                .fsgid = 0,
                .umask = 0022,
                .capabilities = BIT(CAP_CHOWN),
                .groups = (gid_t[]){0},
                .n_groups = 1},
        {.fsuid = 65534, .fsgid = 0, .umask = 0027, .capabilities = BIT(CAP_SETUID)},
        {.fsuid = 4294967294, .fsgid = 4294967294, .umask = 0, .capabilities = BIT(63) | BIT(60)},
        {.fsuid = 1, .fsgid = 1, .umask = 0022, .capabilities = 0, .groups = many, .n_groups = COUNT(many)},
};

/* Groups are kept sorted. */
static bool has_group(const Credentials *credentials, gid_t group) {
        for (size_t i = 0; i < credentials->n_groups; i++)
                if (credentials->groups[i] == group)
                        return true;
        return false;
}

static void read_own_status(TaskFacts *ret) {
        static char text[65536];
        int fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, text, sizeof(text) - 1);

        CHECK(n > 0);
        text[n] = '\0';
        (void)close(fd);
        CHECK_INT(task_facts_parse_status(text, ret), 0);
        for (int i = 0; i < 3; i++) {
                CHECK_INT(ret->uids[i], 0);
                CHECK_INT(ret->gids[i], 0);
        }
}

static uint64_t permitted(void) {
        cap_t caps = cap_get_proc();
        cap_flag_value_t value;
        uint64_t bits = 0;

        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++)
                if (cap_get_flag(caps, cap, CAP_PERMITTED, &value) == 0 && value == CAP_SET)
                        bits |= BIT(cap);
        (void)cap_free(caps);
        return bits;
}

static void check_lowered(const Credentials *credentials, uint64_t ours) {
        static TaskFacts now;

        read_own_status(&now);
        CHECK_INT(now.credentials.fsuid, credentials->fsuid);
        CHECK_INT(now.credentials.fsgid, credentials->fsgid);
        CHECK_INT(now.credentials.umask, credentials->umask);
        CHECK_INT(now.credentials.capabilities, credentials->capabilities & ours);
        CHECK_INT(now.credentials.n_groups, credentials->n_groups);
        for (size_t i = 0; i < credentials->n_groups; i++)
                CHECK(has_group(&now.credentials, credentials->groups[i]));
        CHECK_INT(permitted(), ours);
}

/* No more is raised than is necessary for the next credentials. */
static void check_raised(uint64_t lowered, uint64_t ours) {
        static TaskFacts now;
        bool enough = (lowered & OWN & ours) == (OWN & ours);

        read_own_status(&now);
        CHECK_INT(now.credentials.capabilities, (enough ? lowered : OWN) & ours);
}

/* From each to each, by way of what is raised and without. */
static void become_each(const void *argument) {
        uint64_t ours = permitted() & NEEDED;
        CredentialsOverride *override;

        (void)argument;
        CHECK_INT(credentials_override_new(&override), 0);
        check_raised(0, ours);
        for (size_t i = 0; i < COUNT(identities); i++)
                for (size_t k = 0; k < COUNT(identities); k++) {
                        CHECK_INT(credentials_override(override, &identities[i]), 0);
                        CHECK_INT(credentials_revert(override), 0);
                        check_raised(identities[i].capabilities, ours);
                        CHECK_INT(credentials_override(override, &identities[k]), 0);
                        check_lowered(&identities[k], ours);
                        CHECK_INT(credentials_override(override, &identities[i]), 0);
                        check_lowered(&identities[i], ours);
                        CHECK_INT(credentials_override(override, &identities[i]), 0);
                        check_lowered(&identities[i], ours);
                        CHECK_INT(credentials_revert(override), 0);
                        CHECK_INT(credentials_revert(override), 0);
                        check_raised(identities[i].capabilities, ours);
                }
        credentials_override_free(override);
}

/* A further capability for one step, and not afterwards. */
static void raise_for_steps(const void *argument) {
        static const cap_value_t steps[] = {CAP_SYS_CHROOT, CAP_SYS_RESOURCE, CAP_SYS_PTRACE};
        static const Credentials user = {.fsuid = 1000, .fsgid = 1000};
        uint64_t ours = permitted() & NEEDED;
        static TaskFacts now;
        CredentialsOverride *override;

        (void)argument;
        CHECK_INT(credentials_override_new(&override), 0);
        for (size_t i = 0; i < COUNT(steps); i++) {
                CHECK_INT(credentials_override(override, &user), 0);
                CHECK_INT(credentials_revert_with(override, steps[i]), 0);
                read_own_status(&now);
                CHECK_INT(now.credentials.capabilities, (OWN | BIT(steps[i])) & ours);
                CHECK_INT(credentials_revert(override), 0);
                check_raised(0, ours);
        }
        /* A capability that a worker never needs is dropped for good. */
        CHECK_INT(credentials_revert_with(override, CAP_KILL), 0);
        check_raised(0, ours);
        credentials_override_free(override);
}

static void test_steps(void **state) {
        (void)state;
        harness_run(raise_for_steps, NULL);
}

static void test_each(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(many); i++)
                many[i] = (gid_t)(5000 + i);
        harness_run(become_each, NULL);
}

/* The caller may overwrite the credentials in place: the module keeps a copy. */
static void change_in_place(const void *argument) {
        uint64_t ours = permitted() & NEEDED;
        Credentials credentials;
        CredentialsOverride *override;

        (void)argument;
        credentials_init(&credentials);
        CHECK_INT(credentials_override_new(&override), 0);
        for (gid_t group = 100; group < 110; group++) {
                credentials_clear_groups(&credentials);
                CHECK_INT(credentials_add_group(&credentials, group), 0);
                credentials.fsuid = group;
                CHECK_INT(credentials_override(override, &credentials), 0);
                check_lowered(&credentials, ours);
        }
        credentials_done(&credentials);
        CHECK_INT(credentials.n_groups, 0);
        CHECK(!credentials.groups);
        credentials_override_free(override);
}

static void test_in_place(void **state) {
        (void)state;
        harness_run(change_in_place, NULL);
}

/* The file system sees the same credentials. */
static void try_files(const void *argument) {
        static const Credentials user = {.fsuid = 1000, .fsgid = 1000, .umask = 0027},
                                 root = {.capabilities = ALL};
        char dir[] = "/tmp/snotify-test-XXXXXX", name[64];
        struct stat st;
        CredentialsOverride *override;

        (void)argument;
        CHECK(mkdtemp(dir));
        (void)snprintf(name, sizeof(name), "%s/d", dir);
        CHECK_INT(credentials_override_new(&override), 0);
        CHECK_INT(credentials_override(override, &user), 0);
        CHECK(mkdir(name, 0777) < 0 && errno == EACCES);
        CHECK_INT(credentials_override(override, &root), 0);
        CHECK_INT(chmod(dir, 0777), 0);
        CHECK_INT(credentials_override(override, &user), 0);
        CHECK_INT(mkdir(name, 0777), 0);
        CHECK_INT(stat(name, &st), 0);
        CHECK_INT(st.st_uid, 1000);
        CHECK_INT(st.st_gid, 1000);
        CHECK_INT(st.st_mode, S_IFDIR | 0750);
        CHECK_INT(credentials_override(override, &root), 0);
        CHECK_INT(rmdir(name), 0);
        CHECK_INT(rmdir(dir), 0);
        credentials_override_free(override);
}

static void test_files(void **state) {
        (void)state;
        harness_run(try_files, NULL);
}

/* Invalid ids are refused; the kernel would silently keep the previous ones. */
static void become_nobody(const void *argument) {
        static const Credentials user = {.fsuid = 1000, .fsgid = 1000}, no_uid = {.fsuid = (uid_t)-1},
                                 no_gid = {.fsgid = (gid_t)-1};
        uint64_t ours = permitted() & NEEDED;
        CredentialsOverride *override;

        (void)argument;
        CHECK_INT(credentials_override_new(&override), 0);
        CHECK_INT(credentials_override(override, &user), 0);
        /* setfsuid(-1) changes nothing, and returns the present one. */
        CHECK_INT(credentials_override(override, &no_uid), -EPERM);
        CHECK_INT(credentials_override(override, &no_gid), -EPERM);
        CHECK_INT(credentials_override(override, &user), 0);
        check_lowered(&user, ours);
        credentials_override_free(override);
}

static void test_nobody(void **state) {
        (void)state;
        harness_run(become_nobody, NULL);
}

/* Without the capability it fails. */
static void become_without_right(const void *argument) {
        static const Credentials user = {.fsuid = 1001, .fsgid = 1001};
        CredentialsOverride *override;

        (void)argument;
        CHECK_INT(setresgid(1000, 1000, 1000), 0);
        CHECK_INT(setresuid(1000, 1000, 1000), 0);
        CHECK_INT(credentials_override_new(&override), 0);
        CHECK(credentials_override(override, &user) < 0);
        credentials_override_free(override);
}

static void test_without_right(void **state) {
        (void)state;
        harness_run(become_without_right, NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each),
                cmocka_unit_test(test_steps),
                cmocka_unit_test(test_in_place),
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_nobody),
                cmocka_unit_test(test_without_right),
        };

        if (geteuid() != 0) {
                (void)fprintf(stderr, "skipped: only root can become others\n");
                return EXIT_SKIP;
        }
        harness_init();
        return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
