/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/location/host-paths.c on mounts of its own, and daemon/worker/judgement.c on what it
 * finds. */

#include "harness.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "worker/judgement.h"
#include "worker/location/host-paths.h"
#include "worker/location/mountinfo.h"

static void go_alone(void) {
        CHECK_INT(unshare(CLONE_NEWNS), 0);
        CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        CHECK_INT(mount("none", "/tmp", "tmpfs", 0, NULL), 0);
        CHECK_INT(chdir("/tmp"), 0);
}

static void make(const char *path) {
        CHECK_INT(mkdir(path, 0755), 0);
}

static void bind(const char *from, const char *to) {
        CHECK_INT(mount(from, to, NULL, MS_BIND, NULL), 0);
}

static HostMounts *read_own(void) {
        HostMounts *mounts;
        int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

        CHECK(fd >= 0);
        CHECK_INT(host_mounts_new(fd, &mounts), 0);
        return mounts;
}

/* What was visited, each path once, in the order of bytes; with "!" before one that is not shown. */
typedef struct Visited {
        char *paths[16];
        size_t n;
} Visited;

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int note(const HostPath *path, void *userdata) {
        Visited *visited = userdata;
        char *text;

        CHECK_INT(path->length, strlen(path->path));
        CHECK(asprintf(&text, "%s%s", path->own || host_path_is_shown(path) ? "" : "!", path->path) > 0);
        for (size_t i = 0; i < visited->n; i++)
                if (strcmp(visited->paths[i], text) == 0) {
                        free(text);
                        return 0;
                }
        CHECK(visited->n < COUNT(visited->paths));
        visited->paths[visited->n++] = text;
        qsort(visited->paths, visited->n, sizeof(text), compare);
        return 0;
}

/* The working directory. */
static HostDirectory here(bool own) {
        static char path[PATH_MAX];
        struct statx stx;

        CHECK(getcwd(path, sizeof(path)));
        CHECK_INT(statx(AT_FDCWD, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &stx), 0);
        return (HostDirectory){
                .id = {mounts_device(stx.stx_dev_major, stx.stx_dev_minor), stx.stx_ino, stx.stx_mnt_id},
                .path = strcmp(path, "/") == 0 ? "" : path,
                .name = "x",
                .own = own,
        };
}

/* Goes to the directory, and finds these paths, which are separated by blanks. */
static void check_visited(HostMounts *mounts, const HostDirectory *directory, const char *expected) {
        Visited visited = {};
        char found[1024] = "";

        CHECK_INT(host_paths_visit(mounts, directory, note, &visited), 0);
        for (size_t i = 0; i < visited.n; i++) {
                (void)strcat(strcat(found, i > 0 ? " " : ""), visited.paths[i]);
                free(visited.paths[i]);
        }
        if (strcmp(found, expected) != 0)
                (void)fprintf(stderr, "%s has %s\n", directory->path, found);
        CHECK(strcmp(found, expected) == 0);
}

static void check_paths(HostMounts *mounts, const char *path, const char *expected) {
        HostDirectory directory;

        CHECK_INT(chdir(path), 0);
        directory = here(true);
        check_visited(mounts, &directory, expected);
        directory = here(false);
        check_visited(mounts, &directory, expected);
        CHECK_INT(chdir("/tmp"), 0);
}

static void find_paths(const void *argument) {
        HostDirectory directory;
        HostMounts *mounts;

        (void)argument;
        go_alone();
        make("a");
        make("a/b");
        make("a/b/c");
        make("m");
        make("n");
        make("o");
        mounts = read_own();
        check_paths(mounts, "/tmp/a/b", "/tmp/a/b/x");
        check_paths(mounts, "/", "/x");
        directory = here(true);
        CHECK(host_paths_has_one(mounts, &directory));

        bind("a", "m");
        bind("m/b", "n");
        CHECK_INT(host_mounts_reload(mounts), 0);
        CHECK(!host_paths_has_one(mounts, &directory));
        check_paths(mounts, "/tmp", "/tmp/x");
        check_paths(mounts, "/tmp/a", "/tmp/a/x /tmp/m/x");
        check_paths(mounts, "/tmp/m/b/c", "/tmp/a/b/c/x /tmp/m/b/c/x /tmp/n/c/x");
        check_paths(mounts, "/tmp/n", "/tmp/a/b/x /tmp/m/b/x /tmp/n/x");

        /* What the kernel does not report: a mount of the list is elsewhere in the file system. */
        make("d");
        CHECK_INT(rename("a", "d/a"), 0);
        check_paths(mounts, "/tmp/n/c", "/tmp/d/a/b/c/x /tmp/m/b/c/x /tmp/n/c/x");
        check_paths(mounts, "/tmp/d/a/b", "/tmp/d/a/b/x /tmp/m/b/x /tmp/n/x");
        make("a");
        check_paths(mounts, "/tmp/a", "/tmp/a/x");

        /* Twice at one point, and covered. */
        bind("d", "o");
        bind("d", "o");
        CHECK_INT(host_mounts_reload(mounts), 0);
        check_paths(mounts, "/tmp/d", "/tmp/d/x /tmp/o/x");
        CHECK_INT(mount("none", "o", "tmpfs", 0, NULL), 0);
        CHECK_INT(host_mounts_reload(mounts), 0);
        check_paths(mounts, "/tmp/d", "/tmp/d/x");
        CHECK_INT(umount("o") | umount("o") | umount("o"), 0);

        /* Below another mount on the way. */
        CHECK_INT(mount("none", "m/b", "tmpfs", 0, NULL), 0);
        CHECK_INT(host_mounts_reload(mounts), 0);
        check_paths(mounts, "/tmp/n/c", "!/tmp/m/b/c/x /tmp/d/a/b/c/x /tmp/n/c/x");
        host_mounts_free(mounts);
}

/* It is held while another mount comes to lie over a directory above it. */
static void find_from_below(const void *argument) {
        HostDirectory directory;
        HostMounts *mounts;

        (void)argument;
        go_alone();
        make("a");
        make("a/b");
        make("a/b/c");
        make("m");
        bind("a", "m");
        CHECK_INT(chdir("a/b/c"), 0);
        CHECK_INT(mount("none", "/tmp/a/b", "tmpfs", 0, NULL), 0);
        mounts = read_own();
        directory = here(true);
        check_visited(mounts, &directory, "/tmp/a/b/c/x /tmp/m/b/c/x");
        directory.own = false;
        check_visited(mounts, &directory, "!/tmp/a/b/c/x /tmp/m/b/c/x");
        host_mounts_free(mounts);
}

static int count_visits(const HostPath *path, void *userdata) {
        (void)path;
        (*(unsigned *)userdata)++;
        return 0;
}

static int stop(const HostPath *path, void *userdata) {
        (void)path;
        (void)userdata;
        return 77;
}

static void find_oddly(const void *argument) {
        char *name = calloc(1, NAME_MAX + 1);
        HostDirectory directory;
        HostMounts *mounts;
        Visited visited = {};
        unsigned n = 0;

        (void)argument;
        CHECK(name);
        go_alone();
        memset(name, 'n', NAME_MAX);
        make("a");
        make(name);
        CHECK_INT(chdir(name), 0);
        make(name);
        bind("/tmp/a", name);
        CHECK_INT(chdir("/tmp"), 0);
        CHECK_INT(chdir("a"), 0);
        mounts = read_own();
        directory = here(true);
        CHECK_INT(host_paths_visit(mounts, &directory, stop, NULL), 77);

        /* A mount that the host does not have, a path that is not that of the directory. */
        directory.id.mount_id = UINT64_MAX;
        CHECK_INT(host_paths_visit(mounts, &directory, count_visits, &n), -ESTALE);
        CHECK_INT(n, 0);
        directory = here(false);
        directory.path = "";
        CHECK_INT(host_paths_visit(mounts, &directory, count_visits, &n), -ESTALE);

        /* No more than a path. */
        directory = here(true);
        CHECK_INT(host_paths_visit_by_text(mounts, &directory, note, &visited), 0);
        CHECK_INT(visited.n, 2);
        CHECK(strcmp(visited.paths[0], "/tmp/a/x") == 0);

        /* Where it was moved to the second path is too long. */
        for (size_t length = 0; length < 4000; length += 250) {
                name[249] = '\0';
                make(name);
                CHECK_INT(chdir(name), 0);
        }
        directory = here(true);
        CHECK_INT(host_paths_visit(mounts, &directory, count_visits, &n), 0);
        name[249] = 'n';
        directory.name = name;
        CHECK_INT(host_paths_visit(mounts, &directory, count_visits, &n), -ENAMETOOLONG);
        host_mounts_free(mounts);
}

/* Judgements. */

typedef struct Path {
        const char *path;
        bool own;
} Path;

typedef struct Row {
        Path paths[3];
        const char *rule; /* NULL: the default */
        Action action;
        const char *path;
        uint64_t delay_usec;
} Row;

static void add(Profile *profile, const char *name, const char *path, Action action, uint64_t delay) {
        const char *existing;

        CHECK_INT(profile_add_rule(profile, &(const Rule){name, path, action, delay}, &existing), 0);
}

static void check_row(const Profile *profile, const Row *row, const size_t order[3]) {
        const HostDirectory directory = {.name = "x", .path = ""};
        Judgement judgement;

        judgement_init(&judgement, profile, OPERATION_MKDIR);
        for (size_t i = 0; i < 3; i++) {
                const Path *path = &row->paths[order[i]];
                const HostPath found = {.directory = &directory,
                        .path = path->path,
                        .own = path->own,
                        .length = path->path ? strlen(path->path) : 0};

                if (path->path)
                        CHECK_INT(judgement_consider(&found, &judgement), 0);
        }
        CHECK(strcmp(judgement.path, row->path) == 0);
        CHECK_INT(judgement.length, strlen(row->path));
        CHECK_INT(judgement.verdict.action, row->action);
        CHECK_INT(judgement.verdict.delay_usec, row->delay_usec);
        CHECK(!judgement.verdict.rule == !row->rule);
        CHECK(!row->rule || strcmp(judgement.verdict.rule, row->rule) == 0);
}

/* None but own paths is shown here: they have no mounts. */
static void judge_in_any_order(const void *argument) {
        static const Row rows[] = {
                {{{"/other/x", true}}, NULL, ACTION_DENY, "/other/x", 0},
                {{{"/other/x", false}, {"/another/x", false}}, NULL, ACTION_DENY, "/another/x", 0},
                {{{"/other/x", true}, {"/another/x", false}}, NULL, ACTION_DENY, "/other/x", 0},
                {{{"/good/x", true}, {"/another/x", false}}, "good", ACTION_ALLOW, "/good/x", 0},
                {{{"/good/x", true}, {"/bad/x", false}}, "bad", ACTION_DENY, "/bad/x", 0},
                {{{"/bad/x", true}, {"/good/x", false}}, "bad", ACTION_DENY, "/bad/x", 0},
                {{{"/bad/x", false}, {"/worse/x", false}}, "bad", ACTION_DENY, "/bad/x", 7},
                {{{"/bad/x", false}, {"/worse/x", true}}, "worse", ACTION_DENY, "/worse/x", 7},
                {{{"/slow/x", true}, {"/bad/x", false}}, "bad", ACTION_DENY, "/bad/x", 0},
                {{{"/slow/x", true}, {"/good/x", true}, {"/other/x", true}}, "good", ACTION_ALLOW, "/good/x",
                        5},
                /* Hidden, it does not allow. */
                {{{"/other/x", true}, {"/good/x", false}}, NULL, ACTION_DENY, "/other/x", 0},
                {{{"/good/x", false}}, NULL, ACTION_DENY, "/good/x", 0},
        };
        static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        Profile *profile;
        Policy *policy;

        (void)argument;
        CHECK_INT(policy_new(1, &policy), 0);
        CHECK_INT(policy_add_profile(policy, "p", ACTION_DENY, EPERM, POLICY_LOG_ALL, &profile), 0);
        add(profile, "good", "/good/", ACTION_ALLOW, 0);
        add(profile, "slow", "/slow/", ACTION_ALLOW, 5);
        add(profile, "bad", "/bad/", ACTION_DENY, 0);
        add(profile, "worse", "/worse/", ACTION_DENY, 7);
        for (size_t i = 0; i < COUNT(rows); i++)
                for (size_t j = 0; j < COUNT(orders); j++)
                        check_row(profile, &rows[i], orders[j]);
        check_row(NULL, &(const Row){{{"/good/x", true}}, NULL, ACTION_DENY, "/good/x", 0}, orders[0]);
        (void)policy_free(policy);
}

typedef struct Test {
        void (*run)(const void *);
} Test;

static void run(void **state) {
        harness_run(((const Test *)*state)->run, NULL);
}

#define IN_CHILD(function)                                                                                  \
        {                                                                                                   \
#function, run, NULL, NULL, &(Test) {                                                       \
                        function                                                                            \
                }                                                                                           \
        }

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_CHILD(find_paths),
                IN_CHILD(find_from_below),
                IN_CHILD(find_oddly),
                IN_CHILD(judge_in_any_order),
        };

        if (geteuid() != 0) {
                (void)fprintf(stderr, "skipped: mounting is for root\n");
                return EXIT_SKIP;
        }
        harness_init();
        return cmocka_run_group_tests_name("host-paths", tests, NULL, NULL);
}
