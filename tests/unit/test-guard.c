/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/guard/: the names of pins, and the programs that processes run, which each kernel takes.  The
 * hooks are tried by tests/end-to-end/test-guard.sh, on kernels that run them.  The target is a thread with
 * a filter of its own, the supervisor is the test. */

#include "harness.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/notify.h"
#include "common/ownership.h"
#include "ebpf/trial.h"
#include "guard/load.h"
#include "guard/pins.h"
#include "guard/standing.h"

DEFINE_CLEANUP(Guard, guard_free)

typedef struct Target {
        pthread_t thread;
        sem_t ready, called, end;
        int listener_fd; /* a negative errno: there is no filter */
        pid_t tid;
        int result; /* of its first call */
} Target;

/* Makes two calls, of no directory at all. */
static void *target_run(void *argument) {
        Target *target = argument;

        target->tid = gettid();
        target->listener_fd = trial_install_filter();
        (void)sem_post(&target->ready);
        if (target->listener_fd >= 0)
                for (unsigned i = 0; i < 2; i++)
                        if (syscall(SYS_mkdirat, -1, "name", 0700) < 0)
                                target->result = errno;
        (void)sem_wait(&target->end);
        return NULL;
}

static void target_start_with(Target *target, void *(*run)(void *argument)) {
        *target = (Target){};
        assert_int_equal(sem_init(&target->ready, 0, 0), 0);
        assert_int_equal(sem_init(&target->called, 0, 0), 0);
        assert_int_equal(sem_init(&target->end, 0, 0), 0);
        assert_int_equal(pthread_create(&target->thread, NULL, run, target), 0);
        (void)sem_wait(&target->ready);
        assert_true(target->listener_fd >= 0);
}

static void target_start(Target *target) {
        target_start_with(target, target_run);
}

/* What the target still calls fails once the listener is closed. */
static void target_end(Target *target) {
        fd_close(target->listener_fd);
        (void)sem_post(&target->end);
        (void)pthread_join(target->thread, NULL);
}

static Guard *load(void) {
        GuardLoadResult result = {};
        Guard *guard = NULL;

        if (guard_load_programs(&result, &guard) < 0) {
                print_message("skipped: the programs cannot be loaded here: %s\n", result.reason);
                skip();
        }
        return guard;
}

static uint64_t receive(const Target *target) {
        NotifyRequest request = {};

        assert_int_equal(notify_receive(target->listener_fd, &request), 0);
        return request.notif.id;
}

static void resume(const Target *target, uint64_t id) {
        NotifyReply reply;

        notify_continue(&reply, id);
        assert_int_equal(notify_send(target->listener_fd, &reply), 0);
}

/* The list of what waits is read without its lock. */
static int permit(const Guard *guard, GuardPermitRequest *request) {
        int r = -ENOENT;

        for (unsigned i = 0; i < 100 && (r == -ENOENT || r == -EAGAIN); i++)
                r = guard_run_permit(guard, request);
        return r;
}

static void test_names(void **state) {
        static const char *const others[] = {"", "1", "x", "1-", "1-2", "01-0000000000000002", "unfinished",
                "1-000000000000000g", "1-00000000000000021", "-1-0000000000000002"};
        char name[PINS_NAME_SIZE];

        (void)state;
        pins_write_name(7, 0x2a, name);
        assert_string_equal(name, "7-000000000000002a");
        assert_int_equal(pins_read_version(name), 7);
        pins_write_name(UINT32_MAX, UINT64_MAX, name);
        assert_int_equal(pins_read_version(name), UINT32_MAX);
        for (size_t i = 0; i < COUNT(others); i++)
                assert_int_equal(pins_read_version(others[i]), 0);
}

static void test_nothing(void **state) {
        GuardPermitRequest request = {};

        (void)state;
        assert_int_equal(guard_run_permit(NULL, &request), -EBADF);
        assert_int_equal(guard_enter_session(NULL, 0, 1, 0), -EBADF);
        assert_null(guard_free(NULL));
}

static void test_sessions(void **state) {
        _cleanup_(guard_free_p) Guard *guard = load();
        Target target;

        (void)state;
        target_start(&target);
        assert_int_equal(guard_enter_session(guard, target.listener_fd, 1, 0), -EBADF); /* what is that? */
        assert_int_equal(guard_learn_listeners(guard, target.listener_fd), 0);
        assert_int_equal(guard_enter_session(guard, STDIN_FILENO, 1, 0), -EBADF);
        assert_int_equal(guard_enter_session(guard, 1 << 20, 1, 0), -EBADF);
        assert_int_equal(guard_enter_session(guard, -1, 1, 0), -EBADF);
        assert_int_equal(guard_remove_session(guard, target.listener_fd), -ENOENT);
        assert_int_equal(guard_enter_session(guard, target.listener_fd, 1, 0), 0);
        assert_int_equal(guard_enter_session(guard, target.listener_fd, 1, GUARD_PRIVATE_ALLOWED), 0);
        assert_int_equal(guard_clean_sessions(guard), 1); /* it has a thread */
        assert_int_equal(guard_remove_session(guard, target.listener_fd), 0);
        assert_int_equal(guard_clean_sessions(guard), 0);
        target_end(&target);
}

/* Left behind by a daemon that was killed; the kernel lets go of the filter after the thread's end. */
static void test_left_sessions(void **state) {
        _cleanup_(guard_free_p) Guard *guard = load();
        const struct timespec moment = {.tv_nsec = 10000000};
        Target target;
        int n = -1;

        (void)state;
        target_start(&target);
        assert_int_equal(guard_learn_listeners(guard, target.listener_fd), 0);
        assert_int_equal(guard_enter_session(guard, target.listener_fd, 1, 0), 0);
        target.listener_fd = fd_close(target.listener_fd);
        assert_int_equal(guard_clean_sessions(guard), 1);
        target_end(&target);
        for (unsigned i = 0; i < PATIENCE_SEC * 100 && n != 0; i++) {
                (void)nanosleep(&moment, NULL);
                n = guard_clean_sessions(guard);
        }
        assert_int_equal(n, 0);
}

static void test_permits(void **state) {
        _cleanup_(guard_free_p) Guard *guard = load();
        _cleanup_close_ int dir_fd = open("/", O_PATH | O_CLOEXEC);
        GuardPermitRequest request = {.parent_fd = dir_fd, .name = "name", .name_length = 4};
        GuardFateRequest fate = {};
        Target target;
        uint64_t first;

        (void)state;
        target_start(&target);
        request.listener_fd = fate.listener_fd = target.listener_fd;
        assert_int_equal(guard_learn_listeners(guard, target.listener_fd), 0);
        request.id = fate.id = first = receive(&target);
        assert_int_equal(guard_run_permit(guard, &request), -ESRCH); /* not entered */
        assert_int_equal(guard_enter_session(guard, target.listener_fd, 1, 0), 0);
        request.id++;
        assert_int_equal(guard_run_permit(guard, &request), -ENOENT);
        request.id--;
        assert_int_equal(permit(guard, &request), 0);
        assert_int_equal(request.tgid, getpid());
        assert_int_equal(request.uid, geteuid());
        assert_int_equal(request.last_id, 0);
        fate.tid = request.tid;
        assert_int_equal(guard_run_fate(guard, &fate), 0);
        assert_int_equal(fate.fate & GUARD_ASKED, 0);
        resume(&target, first);

        /* The next one tells what became of it. */
        request.id = receive(&target);
        request.parent_fd = -1;
        assert_int_equal(permit(guard, &request), 0);
        assert_int_equal(request.last_id, first);
        assert_int_equal(guard_run_fate(guard, &fate), -ENOENT);
        resume(&target, request.id);
        assert_int_equal(guard_remove_session(guard, target.listener_fd), 0);
        assert_int_equal(guard_run_fate(guard, &fate), -ESRCH);
        target_end(&target);
        assert_int_equal(target.result, EBADF);
}

/* A thread that changes its root directory before its second call. */
static void *target_move(void *argument) {
        Target *target = argument;

        (void)unshare(CLONE_FS);
        target->listener_fd = trial_install_filter();
        (void)sem_post(&target->ready);
        if (target->listener_fd >= 0) {
                (void)syscall(SYS_mkdirat, -1, "name", 0700);
                if (chroot("/proc") < 0)
                        target->result = errno;
                (void)syscall(SYS_mkdirat, -1, "name", 0700);
        }
        (void)sem_wait(&target->end);
        return NULL;
}

static void test_roots(void **state) {
        _cleanup_(guard_free_p) Guard *guard = load();
        GuardPermitRequest request = {.parent_fd = -1, .has_own_root = 1};
        Target target;

        (void)state;
        target_start_with(&target, target_move);
        request.listener_fd = target.listener_fd;
        assert_int_equal(guard_learn_listeners(guard, target.listener_fd), 0);
        assert_int_equal(guard_enter_session(guard, target.listener_fd, 1, 0), 0);
        request.id = receive(&target);
        assert_int_equal(permit(guard, &request), 0);
        resume(&target, request.id);
        request.id = receive(&target);
        assert_int_equal(permit(guard, &request), -EXDEV);
        request.has_own_root = 0;
        assert_int_equal(permit(guard, &request), 0);
        resume(&target, request.id);
        target_end(&target);
        assert_int_equal(target.result, 0);
}

/* More threads than a session can have permits, one after the other; the first ones stay. */
#define CROWD (GUARD_PERMITS_OF_SESSION + 100)
#define STAYING 3

static void *crowd_member_run(void *argument) {
        Target *target = argument;

        (void)syscall(SYS_mkdirat, -1, "name", 0700);
        if (target) {
                (void)sem_post(&target->called);
                (void)sem_wait(&target->end);
        }
        return NULL;
}

static void *crowd_run(void *argument) {
        Target *target = argument;
        pthread_t staying[STAYING], thread;

        target->listener_fd = trial_install_filter();
        (void)sem_post(&target->ready);
        for (unsigned i = 0; target->listener_fd >= 0 && i < CROWD; i++) {
                bool stays = i < STAYING;

                target->result |= pthread_create(
                        stays ? &staying[i] : &thread, NULL, crowd_member_run, stays ? target : NULL);
                if (stays)
                        (void)sem_wait(&target->called);
                else
                        target->result |= pthread_join(thread, NULL);
        }
        for (unsigned i = 0; i < STAYING; i++)
                target->result |= pthread_join(staying[i], NULL);
        return NULL;
}

static void test_crowd(void **state) {
        _cleanup_(guard_free_p) Guard *guard = load();
        GuardFateRequest fates[STAYING];
        Target target;

        (void)state;
        target_start_with(&target, crowd_run);
        assert_int_equal(guard_learn_listeners(guard, target.listener_fd), 0);
        assert_int_equal(guard_enter_session(guard, target.listener_fd, 1, 0), 0);
        for (unsigned i = 0; i < CROWD; i++) {
                GuardPermitRequest request = {
                        .listener_fd = target.listener_fd, .parent_fd = -1, .id = receive(&target)};
                int r = permit(guard, &request);

                if (r < 0)
                        fail_msg("permit %u: %s", i, strerror(-r));
                if (i < STAYING)
                        fates[i] = (GuardFateRequest){
                                .listener_fd = target.listener_fd, .id = request.id, .tid = request.tid};
                resume(&target, request.id);
        }
        /* The permit of a thread that lives stays. */
        for (unsigned i = 0; i < STAYING; i++)
                assert_int_equal(guard_run_fate(guard, &fates[i]), 0);
        for (unsigned i = 1; i < STAYING; i++)
                (void)sem_post(&target.end);
        target_end(&target);
        assert_int_equal(target.result, 0);
}

static unsigned count_fds(void) {
        unsigned n = 0;
        DIR *dir = opendir("/proc/self/fd");

        CHECK(dir);
        while (readdir(dir))
                n++;
        (void)closedir(dir);
        return n;
}

/* Whichever descriptor is the one too many. */
static void load_with_few_descriptors(const void *argument) {
        const unsigned before = count_fds();
        struct rlimit limit;
        int r = -1;

        (void)argument;
        CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
        for (limit.rlim_cur = before; r < 0 && limit.rlim_cur < before + 100; limit.rlim_cur++) {
                GuardLoadResult result = {};
                Guard *guard = NULL;

                CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
                r = guard_load_programs(&result, &guard);
                guard_free(guard);
                CHECK_INT(count_fds(), before);
        }
        CHECK_INT(r, 0);
}

static void test_few_descriptors(void **state) {
        (void)state;
        guard_free(load());
        harness_run(load_with_few_descriptors, NULL);
}

/* A guard whose hooks are other programs: hooks cannot be loaded everywhere. */
static Guard *load_stand_in(bool has_optional) {
        GuardLoadResult result = {};
        int fds[GUARD_FDS];
        Guard *guard, *ret;

        CHECK_INT(guard_load_programs(&result, &guard), 0);
        for (size_t i = 0; i < GUARD_FDS; i++) {
                int fd = guard_fd(guard, (enum GuardFd)i);

                if (pins[i].kind == PIN_LINK || (has_optional && pins[i].kind == PIN_OPTIONAL_LINK))
                        fd = guard_fd(guard, GUARD_FD_CLEAN);
                fds[i] = fd < 0 ? -EBADF : dup(fd);
        }
        guard_free(guard);
        CHECK_INT(guard_new(fds, &ret), 0);
        return ret;
}

/* Sets up a bpf file system that no other process sees, and gives a directory in it. */
static int open_own_pins(void) {
        int fd;

        CHECK_INT(unshare(CLONE_NEWNS), 0);
        CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        CHECK_INT(mount("bpf", "/tmp", "bpf", 0, NULL), 0);
        fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(fd >= 0);
        return fd;
}

static void pin_guards(const void *argument) {
        int all_fd = open_own_pins();

        (void)argument;
        for (unsigned has_optional = 0; has_optional < 2; has_optional++) {
                Guard *guard = load_stand_in(has_optional);
                int dir_fd;

                CHECK_INT(mkdirat(all_fd, "guard", 0700), 0);
                dir_fd = pins_open_dir(all_fd, "guard");
                CHECK(dir_fd >= 0);
                CHECK_INT(pins_put_guard(dir_fd, guard), 0);
                guard_free(guard);
                CHECK_INT(pins_open_guard(dir_fd, true, &guard), 0);
                CHECK_INT(guard_fd(guard, GUARD_FD_AFTER_MKDIR) >= 0, has_optional);
                CHECK_INT(guard_clean_sessions(guard), 0);
                guard_free(guard);
                CHECK_INT(unlinkat(dir_fd, "hook_mkdir", 0), 0);
                CHECK_INT(pins_open_guard(dir_fd, true, &guard), -ENOENT);
                fd_close(dir_fd);
                CHECK_INT(pins_remove(all_fd, "guard"), 0);
        }
}

/* The kernel may not have the function that only records need. */
static void test_pins(void **state) {
        (void)state;
        guard_free(load());
        harness_run(pin_guards, NULL);
}

/* A guard of another version has a session, which this version's guard takes over. */
static void test_take_from(void **state) {
        _cleanup_(guard_free_p) Guard *guard = load(), *other = load();
        Target target;

        (void)state;
        target_start(&target);
        assert_int_equal(guard_learn_listeners(guard, target.listener_fd), 0);
        assert_int_equal(guard_learn_listeners(other, target.listener_fd), 0);
        assert_int_equal(guard_enter_session(other, target.listener_fd, 1, 0), 0);
        assert_int_equal(guard_take_from(guard, dup(guard_fd(other, GUARD_FD_SESSION))), 0);
        assert_int_equal(guard_clean_sessions(other), 1);
        assert_int_equal(guard_enter_session(guard, target.listener_fd, 1, 0), 0);
        assert_int_equal(guard_clean_sessions(other), 0);
        assert_int_equal(guard_clean_sessions(guard), 1);
        assert_int_equal(guard_remove_session(guard, target.listener_fd), 0);
        target_end(&target);
}

#define OWN_NUMBER 7

/* Guards that an earlier daemon may have left, and what becomes of each. */
static const struct Left {
        uint32_t version;
        uint64_t number;
        bool has_session;
        bool is_broken; /* one of its pins is missing */
        bool stays;
        bool is_used;
} left[] = {
        {GUARD_VERSION, OWN_NUMBER, .stays = true, .is_used = true},
        {GUARD_VERSION, OWN_NUMBER, .has_session = true, .stays = true, .is_used = true},
        {GUARD_VERSION, OWN_NUMBER, .is_broken = true}, {GUARD_VERSION, OWN_NUMBER + 1},
        {GUARD_VERSION, OWN_NUMBER + 1, .has_session = true, .stays = true, .is_used = true},
        {GUARD_VERSION, OWN_NUMBER + 1, .has_session = true, .is_broken = true, .stays = true},
        {GUARD_VERSION + 1, OWN_NUMBER}, {GUARD_VERSION + 1, OWN_NUMBER, .has_session = true, .stays = true},
        {0, OWN_NUMBER}, /* not finished */
};

static void leave(int all_fd, const struct Left *one, const char *name, const Target *target) {
        Guard *guard = load_stand_in(true);
        int dir_fd;

        CHECK_INT(mkdirat(all_fd, name, 0700), 0);
        dir_fd = pins_open_dir(all_fd, name);
        CHECK_INT(pins_put_guard(dir_fd, guard), 0);
        CHECK_INT(guard_learn_listeners(guard, target->listener_fd), 0);
        if (one->has_session)
                CHECK_INT(guard_enter_session(guard, target->listener_fd, 1, 0), 0);
        if (one->is_broken)
                CHECK_INT(unlinkat(dir_fd, "hook_mkdir", 0), 0);
        fd_close(dir_fd);
        guard_free(guard);
}

static void find_left_guards(const void *argument) {
        char own_name[PINS_NAME_SIZE], name[PINS_NAME_SIZE] = PINS_UNFINISHED;
        int all_fd = open_own_pins();
        StandingGuards guards;
        Target target;

        (void)argument;
        target_start(&target);
        pins_write_name(GUARD_VERSION, OWN_NUMBER, own_name);
        for (const struct Left *one = left; one < left + COUNT(left); one++) {
                if (one->version == 0)
                        (void)strcpy(name, PINS_UNFINISHED);
                else
                        pins_write_name(one->version, one->number, name);
                leave(all_fd, one, name, &target);
                CHECK_INT(standing_guards_find(all_fd, own_name, &guards), 0);
                CHECK(strcmp(guards.name, one->is_used ? name : "") == 0);
                CHECK_INT(guards.n_sessions, one->has_session);
                CHECK_INT(guards.n_foreign, one->has_session && one->version != GUARD_VERSION);
                CHECK_INT(faccessat(all_fd, name, F_OK, 0) == 0, one->stays);
                if (one->stays)
                        CHECK_INT(pins_remove(all_fd, name), 0);
        }
        target_end(&target);
}

static void test_standing_guards(void **state) {
        (void)state;
        guard_free(load());
        harness_run(find_left_guards, NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_sessions),
                cmocka_unit_test(test_left_sessions),
                cmocka_unit_test(test_permits),
                cmocka_unit_test(test_roots),
                cmocka_unit_test(test_crowd),
                cmocka_unit_test(test_few_descriptors),
                cmocka_unit_test(test_pins),
                cmocka_unit_test(test_take_from),
                cmocka_unit_test(test_standing_guards),
        };

        harness_need_filters();
        harness_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
