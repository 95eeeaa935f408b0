/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/location/resolve.c and the links of /proc (procfs.c): a path is resolved for a target
 * with another working directory, root and user, and must lead where it leads the target. */

#include "harness.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "worker/location/resolve.h"
#include "worker/target/task-reader.h"

static const struct {
        const char *path;
        const char *parent;
        const char *name; /* NULL: it has none */
        LastKind last;
} splits[] = {
        {"a", "", "a"},
        {"a/", "", "a"},
        {"a///", "", "a"},
        {"/a", "/.", "a"},
        {"//a", "//.", "a"},
        {"a/b", "a/.", "b"},
        {"a//b//", "a//.", "b"},
        {"/a/b/c", "/a/b/.", "c"},
        {"./a", "./.", "a"},
        {"../a", "../.", "a"},
        {"a/../b", "a/../.", "b"},
        {"/", "/.", NULL, LAST_ROOT},
        {"///", "/.", NULL, LAST_ROOT},
        {".", ".", NULL, LAST_DOT},
        {"..", ".", NULL, LAST_DOTDOT},
        {"./", ".", NULL, LAST_DOT},
        {"/.", "/.", NULL, LAST_DOT},
        {"/..", "/.", NULL, LAST_DOTDOT},
        {"a/.", "a/.", NULL, LAST_DOT},
        {"a/..", "a/.", NULL, LAST_DOTDOT},
        {"a/../", "a/.", NULL, LAST_DOTDOT},
        {"...", "", "..."},
        {"a/.b", "a/.", ".b"},
        {"..a", "", "..a"},
        {" ", "", " "},
        {"\n/\xff", "\n/.", "\xff"},
};

static void test_split(void **state) {
        static Location location;

        (void)state;
        for (size_t i = 0; i < COUNT(splits); i++) {
                memset(&location, '#', sizeof(location));
                location_split(splits[i].path, strlen(splits[i].path), &location);
                assert_int_equal(location.last, splits[i].last);
                assert_string_equal(location.name, splits[i].name ? splits[i].name : ".");
                assert_string_equal(location.directory, splits[i].parent);
                assert_int_equal(
                        location.has_trailing_slash, splits[i].path[strlen(splits[i].path) - 1] == '/');
        }
}

/* The longest ones fit. */
static void test_split_long(void **state) {
        static Location location;
        static char path[LEDGER_ARGUMENT_SIZE];

        (void)state;
        memset(path, 'x', sizeof(path) - 1);
        location_split(path, sizeof(path) - 1, &location);
        assert_string_equal(location.directory, "");
        assert_string_equal(location.name, path);
        path[sizeof(path) - 3] = '/';
        location_split(path, sizeof(path) - 1, &location);
        assert_int_equal(strlen(location.directory), sizeof(path) - 1);
        assert_string_equal(location.name, "x");
        memset(path, '/', sizeof(path) - 1);
        location_split(path, sizeof(path) - 1, &location);
        assert_int_equal(location.last, LAST_ROOT);
}

/* The directories, created for each test: the target's are under "theirs", the worker's under "ours". */
static char scene[] = "/tmp/snotify-test-XXXXXX";

static int build(void **state) {
        static const char *const directories[] = {"ours", "ours/sub", "theirs", "theirs/sub", "theirs/fd",
                "theirs/closed", "theirs/closed/sub"};
        static const struct {
                const char *name;
                const char *target;
        } links[] = {
                {"theirs/up", ".."},
                {"theirs/loop", "loop"},
                {"theirs/ping", "pong"},
                {"theirs/pong", "ping"},
                {"theirs/nowhere", "missing"},
                {"theirs/tosub", "sub"},
                {"theirs/absolute", "/usr/."},
                {"theirs/self", "/proc/self/cwd"},
                {"theirs/selfup", "/proc/self/cwd/.."},
                {"theirs/tofile", "file"},
                {"theirs/chain0", "sub"},
        };
        char from[32], to[32];

        (void)state;
        if (!mkdtemp(scene) || chdir(scene) < 0 || chmod(scene, 0755) < 0)
                return -1;
        for (size_t i = 0; i < COUNT(directories); i++)
                if (mkdir(directories[i], 0755) < 0)
                        return -1;
        for (size_t i = 0; i < COUNT(links); i++)
                if (symlink(links[i].target, links[i].name) < 0)
                        return -1;
        for (int i = 1; i <= 45; i++) { /* the kernel follows 40 */
                (void)snprintf(to, sizeof(to), "chain%d", i - 1);
                (void)snprintf(from, sizeof(from), "theirs/chain%d", i);
                if (symlink(to, from) < 0)
                        return -1;
        }
        (void)close(creat("theirs/file", 0644));
        return chmod("theirs/closed", 0700);
}

static int tear_down(void **state) {
        char command[64];

        (void)state;
        (void)snprintf(command, sizeof(command), "rm -rf %s", scene);
        return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

#define THEIR_FD 100
#define MANY_GROUPS 2000

/* The kinds of target. */
typedef struct Cast {
        uid_t uid;
        unsigned n_groups;
        bool undumpable; /* as after a change of uid, without exec: its /proc entry is root's */
} Cast;

/* A path, relative to the target's directory, and where its parent is: an absolute path or one of the scene;
 * or the error. */
typedef struct Row {
        const char *path;
        const char *place;
        int error;
        bool for_root; /* others get EACCES */
} Row;

static const Row rows[] = {
        {"x", "theirs", 0, false}, {"sub/x", "theirs/sub", 0, false},
        {"./sub/../sub//x/", "theirs/sub", 0, false}, {"../x", "", 0, false}, {"up/x", "", 0, false},
        {"up/ours/x", "ours", 0, false}, {"tosub/x", "theirs/sub", 0, false},
        {"absolute/x", "/usr", 0, false}, {"/x", "/", 0, false}, {"/usr/../usr/x", "/usr", 0, false},
        {"/../x", "/", 0, false}, {"/tmp/x", "/tmp", 0, false}, {"missing/x", NULL, ENOENT, false},
        {"nowhere/x", NULL, ENOENT, false}, {"file/x", NULL, ENOTDIR, false},
        {"tofile/x", NULL, ENOTDIR, false}, {"file/../x", NULL, ENOTDIR, false},
        {"loop/x", NULL, ELOOP, false}, {"ping/x", NULL, ELOOP, false},
        /* Not just below the limit of 40: a kernel that starts again in the middle of a path continues to
         * count, so that a path of 39 links fails now and then. */
        {"chain11/x", "theirs/sub", 0, false}, {"chain12/x", "theirs/sub", 0, false},
        {"chain40/x", NULL, ELOOP, false}, {"chain45/x", NULL, ELOOP, false},
        {"closed/x", "theirs/closed", 0, true}, {"closed/sub/x", "theirs/closed/sub", 0, true},
        /* the target's, and not the worker's */
        {"/proc/self/cwd/x", "theirs", 0, false}, {"/proc/self/cwd/sub/x", "theirs/sub", 0, false},
        {"/proc/self/cwd/../x", "", 0, false}, {"/proc/thread-self/cwd/x", "theirs", 0, false},
        {"/proc/self/fd/100/x", "theirs/fd", 0, false},
        {"/proc/thread-self/fd/100/x", "theirs/fd", 0, false},
        {"/proc/self/task/../cwd/x", "theirs", 0, false}, {"/proc/self/../self/cwd/x", "theirs", 0, false},
        {"/proc/../proc/self/cwd/x", "theirs", 0, false}, {"/proc/self/root/usr/x", "/usr", 0, false},
        {"/proc/self/fd/101/x", NULL, ENOENT, false}, {"/proc/self/fd/-1/x", NULL, ENOENT, false},
        {"/proc/self/fd/x/x", NULL, ENOENT, false}, {"/proc/self/exe/x", NULL, ENOTDIR, false},
        {"/proc/self/nothing/x", NULL, ENOENT, false}, {"/proc/selfish/x", NULL, ENOENT, false},
        {"self/x", "theirs", 0, false}, {"self/self/self/x", "theirs", 0, false},
        {"selfup/ours/x", "ours", 0, false}, {"/proc/self/cwd/self/tosub/x", "theirs/sub", 0, false},
        {"/proc/self/cwd/closed/x", "theirs/closed", 0, true},
        {"/proc/self/cwd/chain9/x", "theirs/sub", 0, false},
        {"/proc/self/cwd/chain45/x", NULL, ELOOP, false},
        /* What is in "fd" is not found for a target that is not dumpable: only the target itself may search
           it. */
};

static void check_place(const char *path, int parent_fd, const char *expected) {
        char place[128];
        struct stat here, there;

        CHECK_INT(fchdir(parent_fd), 0);

        (void)snprintf(place, sizeof(place), "%s/%s", scene, expected);
        CHECK_INT(stat(".", &here), 0);
        CHECK_INT(stat(expected[0] == '/' ? expected : place, &there), 0);
        if (here.st_ino != there.st_ino || here.st_dev != there.st_dev) {
                char cwd[256] = "";

                (void)fprintf(stderr, "%s leads to %s\n", path, getcwd(cwd, sizeof(cwd)));
                _exit(EXIT_FAILURE);
        }
}

static int expected_error(const Cast *cast, const Row *row) {
        return row->for_root && cast->uid != 0 ? EACCES : row->error;
}

/* Checks the table against what the target gets natively. */
static void check_native(const Cast *cast, const Row *row) {
        static Location location;
        int fd, error;

        location_split(row->path, strlen(row->path), &location);
        fd = open(location.directory[0] ? location.directory : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        error = fd < 0 ? errno : 0;
        if (error != expected_error(cast, row)) {
                (void)fprintf(stderr, "natively %s: %s\n", row->path, strerror(error));
                _exit(EXIT_FAILURE);
        }
        (void)close(fd);
}

__attribute__((noreturn)) static void play(const Cast *cast, int ready_fd) {
        static gid_t groups[MANY_GROUPS];

        for (unsigned i = 0; i < cast->n_groups; i++)
                groups[i] = 100000 + i;
        CHECK_INT(chdir("theirs"), 0);
        CHECK_INT(dup2(open("fd", O_PATH | O_DIRECTORY), THEIR_FD), THEIR_FD);
        CHECK_INT(setgroups(cast->n_groups, groups), 0);
        CHECK_INT(setresgid(cast->uid, cast->uid, cast->uid), 0);
        CHECK_INT(setresuid(cast->uid, cast->uid, cast->uid), 0);
        CHECK_INT(prctl(PR_SET_DUMPABLE, !cast->undumpable, 0, 0, 0), 0);
        for (size_t i = 0; i < COUNT(rows); i++)
                check_native(cast, &rows[i]);
        CHECK_INT(write(ready_fd, "", 1), 1);
        harness_stay();
}

static pid_t start(const Cast *cast) {
        int fds[2];
        pid_t pid;
        char byte;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = harness_fork();
        assert_true(pid >= 0);
        if (pid == 0)
                play(cast, fds[1]);
        fd_close(fds[1]);
        assert_int_equal(read(fds[0], &byte, 1), 1);
        fd_close(fds[0]);
        return pid;
}

static const Cast casts[] = {
        {.uid = 0},
        {.uid = 1000},
        {.uid = 1000, .n_groups = 3},
        {.uid = 1000, .n_groups = MANY_GROUPS}, /* its status is long */
        {.uid = 1000, .undumpable = true},
};

typedef struct Scenario {
        const Cast *cast;
        pid_t pid;
} Scenario;

static void resolve_row(const Cast *cast, const Row *row, PathLookup *lookup, Target *target) {
        static Location location;
        int base_fd = -EBADF, parent_fd = -EBADF, error;

        CHECK_INT(credentials_revert(lookup->override), 0);
        CHECK_INT(chdir(scene), 0);
        CHECK_INT(chdir("ours"), 0);
        CHECK_INT(target_open_cwd(target, &base_fd), 0);
        CHECK_INT(credentials_override(lookup->override, &lookup->facts->credentials), 0);
        location_split(row->path, strlen(row->path), &location);
        lookup->wants_helper = false;
        resolve_parent(&location, base_fd, lookup, &parent_fd, &error);
        if (error != expected_error(cast, row)) {
                (void)fprintf(stderr, "%s: %s\n", row->path, strerror(error));
                _exit(EXIT_FAILURE);
        }
        CHECK(!lookup->wants_helper);
        CHECK_INT(credentials_revert(lookup->override), 0);
        if (error == 0)
                check_place(row->path, parent_fd, row->place);
        fd_close(parent_fd);
        (void)close(base_fd);
}

static unsigned count_fds(void) {
        unsigned n = 0;

        for (int fd = 0; fd < 256; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

static void resolve_all(const void *argument) {
        const Scenario *scenario = argument;
        TaskFacts facts = {};
        const Notification notification = {.listener_fd = -EBADF};
        PathLookup lookup = {.facts = &facts, .notification = &notification};
        Target *target;
        TargetCache *cache;
        unsigned n_fds;
        TaskReader *task_reader;

        CHECK_INT(target_cache_new(&cache), 0);
        CHECK_INT(target_open(cache, scenario->pid, &target), 0);
        lookup.target = target;
        CHECK_INT(procfs_task_reader_new(&task_reader), 0);
        CHECK_INT(task_reader_read(task_reader, target, TASK_STATUS, &facts), 0);
        CHECK_INT(facts.credentials.fsuid, scenario->cast->uid);
        CHECK_INT(credentials_override_new(&lookup.override), 0);
        n_fds = count_fds();
        for (size_t i = 0; i < COUNT(rows); i++) {
                resolve_row(scenario->cast, &rows[i], &lookup, target);
                CHECK_INT(count_fds(), n_fds);
        }
}

static void test_resolve(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(casts); i++) {
                Scenario scenario = {.cast = &casts[i]};

                scenario.pid = start(&casts[i]);
                print_message("uid %u, %u groups\n", casts[i].uid, casts[i].n_groups);
                harness_run(resolve_all, &scenario);
                harness_kill(scenario.pid);
        }
}

/* Links of another process: only a helper can follow them, so that the worker follows none. */
static void resolve_others(const void *argument) {
        static const char *const paths[] = {
                "/proc/1/cwd/x", "/proc/1/root/x", "/proc/%d/cwd/x", "/proc/%d/fd/0/x"};
        const Scenario *scenario = argument;
        TaskFacts facts = {};
        const Notification notification = {.listener_fd = -EBADF};
        PathLookup lookup = {.facts = &facts, .notification = &notification};
        Target *target;
        static Location location;
        int parent_fd = -EBADF, error;
        TargetCache *cache;
        char path[64];
        TaskReader *task_reader;

        CHECK_INT(target_cache_new(&cache), 0);
        CHECK_INT(target_open(cache, scenario->pid, &target), 0);
        lookup.target = target;
        CHECK_INT(procfs_task_reader_new(&task_reader), 0);
        CHECK_INT(task_reader_read(task_reader, target, TASK_STATUS, &facts), 0);
        CHECK_INT(credentials_override_new(&lookup.override), 0);
        for (size_t i = 0; i < COUNT(paths); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                (void)snprintf(path, sizeof(path), paths[i], getpid()); /* the worker's own, above all */
#pragma GCC diagnostic pop
                CHECK_INT(credentials_override(lookup.override, &facts.credentials), 0);
                location_split(path, strlen(path), &location);
                lookup.wants_helper = false;
                resolve_parent(&location, -EBADF, &lookup, &parent_fd, &error);
                CHECK_INT(error, EACCES);
                CHECK_INT(parent_fd, -EBADF);
                CHECK_INT(credentials_revert(lookup.override), 0);
        }
}

/* A listener without a call that waits. */
static int open_listener(void) {
        struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        const struct sock_fprog program = {.len = 1, .filter = &allow};

        CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        return (int)syscall(
                SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* The target dies meanwhile: nothing that its links lead to is held. */
static void resolve_gone(const void *argument) {
        static const char path[] = "/proc/self/cwd/x";
        const Notification notification = {.listener_fd = open_listener(), .id = 1};
        const Scenario *scenario = argument;
        static Location location;
        int parent_fd = -EBADF, error;
        TaskReader *task_reader;
        TargetCache *cache;
        TaskFacts facts = {};
        PathLookup lookup = {.facts = &facts, .notification = &notification};
        Target *target;
        unsigned n_fds;

        CHECK(notification_is_gone(&notification));
        CHECK_INT(target_cache_new(&cache), 0);
        CHECK_INT(target_open(cache, scenario->pid, &target), 0);
        lookup.target = target;
        CHECK_INT(procfs_task_reader_new(&task_reader), 0);
        CHECK_INT(task_reader_read(task_reader, target, TASK_STATUS, &facts), 0);
        CHECK_INT(credentials_override_new(&lookup.override), 0);
        CHECK_INT(credentials_override(lookup.override, &facts.credentials), 0);
        location_split(path, strlen(path), &location);
        n_fds = count_fds();
        resolve_parent(&location, -EBADF, &lookup, &parent_fd, &error);
        CHECK_INT(error, ESRCH);
        CHECK_INT(parent_fd, -EBADF);
        CHECK_INT(count_fds(), n_fds);
}

static void test_gone(void **state) {
        const Cast cast = {.uid = 1000};
        const Scenario scenario = {&cast, start(&cast)};

        (void)state;
        harness_run(resolve_gone, &scenario);
        harness_kill(scenario.pid);
}

static void test_others(void **state) {
        const Cast cast = {.uid = 1000};
        const Scenario scenario = {&cast, start(&cast)};

        (void)state;
        harness_run(resolve_others, &scenario);
        harness_kill(scenario.pid);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_split),
                cmocka_unit_test(test_split_long),
                cmocka_unit_test(test_resolve),
                cmocka_unit_test(test_others),
                cmocka_unit_test(test_gone),
        };

        harness_need_filters();
        if (geteuid() != 0) {
                (void)fprintf(stderr, "skipped: only root can resolve for others\n");
                return EXIT_SKIP;
        }
        harness_init();
        return cmocka_run_group_tests_name("resolve", tests, build, tear_down);
}
