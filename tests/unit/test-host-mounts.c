/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/location/host-mounts.c with lists from this file, and with the kernel's own list for
 * unusual mounts in a mount namespace of this test. */

#include "harness.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "worker/location/host-mounts.h"
#include "worker/location/mountinfo.h"

#define LOOK HOST_MOUNTS_LOOK_USEC

static int fd_of(const char *text) {
        int fd = memfd_create("mountinfo", MFD_CLOEXEC);

        CHECK(fd >= 0);
        CHECK_INT(write(fd, text, strlen(text)), strlen(text));
        return fd;
}

static HostMounts *table_of(const char *text) {
        HostMounts *mounts;

        CHECK_INT(host_mounts_new(fd_of(text), &mounts), 0);
        return mounts;
}

static const HostMount *find(const HostMounts *mounts, uint64_t id) {
        const HostMount *mount = host_mounts_find(mounts, id);

        CHECK(mount);
        return mount;
}

/* Each list in both orders: nothing may depend on which mount is listed first. */
static char *reversed(const char *text) {
        char *copy = strdup(text), *result = calloc(1, strlen(text) + 2), *last;

        CHECK(copy && result);
        while ((last = strrchr(copy, '\n'))) {
                (void)strcat(strcat(result, last + 1), "\n");
                *last = '\0';
        }
        (void)strcat(result, copy);
        free(copy);
        return result;
}

static void check_kinds(const void *argument) {
        static const char list[] = "1 0 8:1 / / rw - ext4 x rw\n"
                                   "2 0 0:2 / /2 rw - fuse x rw\n"
                                   "3 0 0:3 / /3 rw - fuse.sshfs x rw\n"
                                   "4 0 0:4 / /4 rw shared:4 master:3 - fuseblk x rw\n"
                                   "5 0 0:5 / /5 rw - virtiofs x rw\n"
                                   "6 0 0:6 / /6 rw - autofs x rw\n"
                                   "7 0 0:7 / /7 rw - tmpfs x rw\n"
                                   "8 0 0:8 / /8 rw - proc x rw\n"
                                   "9 0 0:9 / /9 rw - sysfs x rw\n"
                                   "10 0 0:10 / /10 rw - fuselage x rw";
        static const HostMountKind kinds[] = {HOST_MOUNT_ORDINARY, HOST_MOUNT_FUSE, HOST_MOUNT_FUSE,
                HOST_MOUNT_FUSE, HOST_MOUNT_FUSE, HOST_MOUNT_AUTOFS, HOST_MOUNT_TMPFS, HOST_MOUNT_INERT,
                HOST_MOUNT_INERT, HOST_MOUNT_ORDINARY};
        HostMounts *mounts = table_of(list);

        (void)argument;
        for (size_t i = 0; i < COUNT(kinds); i++) {
                CHECK_INT(find(mounts, i + 1)->kind, kinds[i]);
                CHECK(!find(mounts, i + 1)->has_relatives);
        }
        CHECK(!host_mounts_find(mounts, 0) && !host_mounts_find(mounts, 11));
        host_mounts_free(mounts);
        mounts = table_of("");
        CHECK(!host_mounts_find(mounts, 1));
        host_mounts_free(mounts);
        host_mounts_free(NULL);
}

/* For the mounts with ids from 1 on: has_relatives, and the id of the one above or 0. */
typedef struct Relations {
        const char *list;
        const char *relatives;
        uint64_t above[8];
} Relations;

static void check_relations_of(const char *list, const Relations *expected) {
        HostMounts *mounts = table_of(list);
        const HostMount *first;
        size_t n;

        for (size_t i = 0; expected->relatives[i] != '\0'; i++) {
                const HostMount *row = find(mounts, i + 1);

                first = host_mounts_of(mounts, row->device, &n);
                CHECK(row >= first && row < first + n);
                CHECK_INT(row->has_relatives, expected->relatives[i] == 'y');
                CHECK_INT(row->above != HOST_MOUNT_NONE, expected->above[i] != 0);
                if (expected->above[i] != 0)
                        CHECK(find(mounts, expected->above[i]) < row);
        }
        (void)host_mounts_of(mounts, mounts_device(8, 99), &n);
        CHECK_INT(n, 0);
        host_mounts_free(mounts);
}

static void check_relations(const void *argument) {
        static const Relations rows[] = {
                /* A bind mount of a directory; another file system with the same paths. */
                {"1 0 8:1 / / rw\n2 1 8:1 /a /b rw\n3 1 8:2 /a /c rw\n4 1 9:1 / /d rw", "yynn", {0, 1}},
                /* Parts beside one another, as with subvolumes. */
                {"1 0 8:1 /root / rw\n2 1 8:1 /home /home rw\n3 1 8:1 /homes /homes rw", "nnn", {}},
                {"1 0 8:1 /root / rw\n2 1 8:1 /home /home rw\n3 1 8:1 / /top rw", "yyy", {3, 3, 0}},
                /* Nested, with what sorts between: '-' and '!' come before '/'. */
                {"1 0 8:1 /a / rw\n2 1 8:1 /a/b/c /1 rw\n3 1 8:1 /a-x /2 rw\n4 1 8:1 /a!x /3 rw\n5 1 8:1 "
                 "/a/b /4 rw",
                        "yynny", {0, 5, 0, 0, 1}},
                /* The same twice, and in the same place. */
                {"1 0 8:1 /a /x rw\n2 1 8:1 /a /y rw\n3 2 8:1 /a /y rw", "yyy", {0, 1, 2}},
                /* What has no path. */
                {"1 0 8:1 / / rw\n2 1 8:1 /a//deleted /x rw\n3 1 8:1 /../x /y rw\n4 1 0:4 net:[1] /n rw\n5 "
                 "1 0:4 net:[1] /m rw",
                        "nnnnn", {}},
                /* Escapes are no slashes. */
                {"1 0 8:1 /a\\040b / rw\n2 1 8:1 /a\\040b/c /x rw\n3 1 8:1 /a /y rw", "yyn", {0, 1}},
                /* Dots are names' own, unless there are two and nothing else. */
                {"1 0 8:1 / / rw\n2 1 8:1 /d/..v1 /x rw\n3 1 8:2 / /m rw\n4 1 8:2 /d /..y rw", "yyyy",
                        {0, 1, 0, 3}},
                {"1 0 8:1 / / rw\n2 1 8:1 /..a/.. /x rw\n3 1 8:1 /..a/../b /y rw", "nnn", {}},
        };

        (void)argument;
        for (size_t i = 0; i < COUNT(rows); i++) {
                char *other = reversed(rows[i].list);

                check_relations_of(rows[i].list, &rows[i]);
                if (i != 4) /* where either may be called the one above */
                        check_relations_of(other, &rows[i]);
                free(other);
        }
}

static void check_large(const void *argument) {
        HostMounts *mounts;
        char *text = NULL;
        size_t size;
        FILE *to = open_memstream(&text, &size);

        (void)argument;
        CHECK(to);
        for (unsigned i = 0; i < 20000; i++)
                (void)fprintf(to, "%u 1 8:1 /d%u/x /p%u rw,relatime shared:1 - ext4 /dev/sda rw\n",
                        i * 7 % 20000, i, i);
        (void)fprintf(to, "20000 1 8:1 /d77 /p rw - ext4 /dev/sda rw\n");
        CHECK_INT(fclose(to), 0);
        mounts = table_of(text);
        for (unsigned i = 0; i <= 20000; i++)
                CHECK(find(mounts, i)->device == mounts_device(8, 1));
        CHECK(find(mounts, 77 * 7)->has_relatives && find(mounts, 20000)->has_relatives);
        CHECK(!find(mounts, 78 * 7)->has_relatives);
        (void)host_mounts_of(mounts, mounts_device(8, 1), &size);
        CHECK_INT(size, 20001);
        host_mounts_free(mounts);
        free(text);
}

static void check_unreadable(const void *argument) {
        HostMounts *mounts = NULL;
        int fd = fd_of("1 0 8:1 / / rw"), kept_fd, ends[2];

        (void)argument;
        CHECK_INT(host_mounts_new(-EBADF, &mounts), -EBADF);
        CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
        CHECK_INT(host_mounts_new(ends[0], &mounts), -ESPIPE);
        CHECK_INT(fcntl(ends[0], F_GETFD), -1); /* it is closed */
        CHECK(!mounts);

        /* What fails later is tried again at the next call. */
        CHECK_INT(host_mounts_new(fd, &mounts), 0);
        CHECK((kept_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0);
        CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
        CHECK_INT(dup3(ends[0], fd, O_CLOEXEC), fd);
        CHECK_INT(host_mounts_reload(mounts), -ESPIPE);
        CHECK_INT(host_mounts_refresh(mounts, 0), -ESPIPE);
        CHECK_INT(dup3(kept_fd, fd, O_CLOEXEC), fd);
        CHECK_INT(host_mounts_refresh(mounts, 1), 0);
        CHECK(find(mounts, 1));
        host_mounts_free(mounts);
}

/* The kernel's own list. */

static uint64_t id_of(const char *path) {
        struct statx stx;

        CHECK_INT(statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &stx), 0);
        return stx.stx_mnt_id;
}

static HostMounts *read_own(void) {
        HostMounts *mounts;
        int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

        CHECK(fd >= 0);
        CHECK_INT(host_mounts_new(fd, &mounts), 0);
        return mounts;
}

static void go_alone(void) {
        CHECK_INT(unshare(CLONE_NEWNS), 0);
        CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        CHECK_INT(mount("none", "/tmp", "tmpfs", 0, NULL), 0);
        CHECK_INT(chdir("/tmp"), 0);
}

static void bind(const char *from, const char *to) {
        CHECK_INT(mount(from, to, NULL, MS_BIND, NULL), 0);
}

static void look_at_odd_places(const void *argument) {
        static const char *const names[] = {"plain", "with blank", "tab\there", "new\nline", "back\\slash",
                "\\040", "octal\\1", "#hash", "\xff\xfe", " ", "\n"};
        HostMounts *mounts;

        (void)argument;
        go_alone();
        for (size_t i = 0; i < COUNT(names); i++) {
                CHECK_INT(mkdir(names[i], 0700), 0);
                bind(names[i], names[i]);
        }
        mounts = read_own();
        CHECK_INT(find(mounts, id_of("/proc"))->kind, HOST_MOUNT_INERT);
        for (size_t i = 0; i < COUNT(names); i++) {
                const HostMount *row = find(mounts, id_of(names[i]));
                struct stat st;

                CHECK_INT(row->kind, HOST_MOUNT_TMPFS);
                CHECK(row->has_relatives && !row->apart);
                CHECK(strcmp(row->root + 1, names[i]) == 0);
                CHECK(strcmp(row->point + strlen("/tmp/"), names[i]) == 0);
                host_mounts_identify(mounts, row->device);
                CHECK_INT(row->saw, HOST_MOUNT_SHOWN);
                CHECK_INT(stat(names[i], &st), 0);
                CHECK(row->root_ino == st.st_ino);
        }
        host_mounts_free(mounts);
}

static void look_at_hidden(const void *argument) {
        uint64_t a, file;
        HostMounts *mounts;
        int fd;

        (void)argument;
        go_alone();
        CHECK_INT(mkdir("a", 0700) | mkdir("b", 0700), 0);
        CHECK((fd = open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) >= 0);
        CHECK((fd = open("target", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) >= 0);

        /* A file alone makes no relative. */
        bind("file", "target");
        file = id_of("target");
        mounts = read_own();
        host_mounts_identify(mounts, find(mounts, file)->device);
        CHECK_INT(find(mounts, file)->saw, HOST_MOUNT_FILE);
        CHECK(!find(mounts, file)->has_relatives && !find(mounts, id_of("/tmp"))->has_relatives);
        host_mounts_free(mounts);

        bind("a", "b");
        a = id_of("b");
        mounts = read_own();
        host_mounts_identify(mounts, find(mounts, a)->device);
        CHECK_INT(find(mounts, a)->saw, HOST_MOUNT_SHOWN);
        CHECK(find(mounts, a)->has_relatives && find(mounts, id_of("/tmp"))->has_relatives);
        host_mounts_free(mounts);

        CHECK_INT(mount("none", "b", "tmpfs", 0, NULL), 0);
        mounts = read_own();
        host_mounts_identify(mounts, find(mounts, a)->device);
        CHECK_INT(find(mounts, a)->saw, HOST_MOUNT_COVERED);
        CHECK_INT(umount("b"), 0);
        host_mounts_free(mounts);

        /* Its directory is removed. */
        CHECK_INT(rmdir("a"), 0);
        mounts = read_own();
        CHECK(find(mounts, a)->apart);
        host_mounts_free(mounts);
}

static void look_again(const void *argument) {
        uint64_t a, b, tmp;
        HostMounts *mounts;

        (void)argument;
        go_alone();
        tmp = id_of("/tmp");
        CHECK_INT(mkdir("a", 0700) | mkdir("b", 0700), 0);
        mounts = read_own();
        CHECK_INT(host_mounts_refresh(mounts, 100 * LOOK), 0);
        CHECK(!find(mounts, tmp)->has_relatives);

        bind("a", "a");
        a = id_of("a");
        CHECK_INT(host_mounts_refresh(mounts, 101 * LOOK - 1), 0);
        CHECK(!host_mounts_find(mounts, a)); /* it has not looked */
        CHECK_INT(host_mounts_refresh(mounts, 101 * LOOK), 0);
        CHECK(find(mounts, a) && find(mounts, tmp)->has_relatives);

        bind("b", "b");
        b = id_of("b");
        CHECK_INT(host_mounts_reload(mounts), 0);
        CHECK(find(mounts, b));
        CHECK_INT(umount("a"), 0);
        CHECK_INT(umount("b"), 0);
        CHECK_INT(host_mounts_refresh(mounts, 200 * LOOK), 0);
        CHECK(!host_mounts_find(mounts, b) && !find(mounts, tmp)->has_relatives);
        host_mounts_free(mounts);
}

/* The kernel does not report that; host-mounts.c notices it within a second. */
static void rename_above(const void *argument) {
        HostMounts *mounts;
        uint64_t id;

        (void)argument;
        go_alone();
        CHECK_INT(mkdir("a", 0700) | mkdir("a/b", 0700), 0);
        bind("a/b", "a/b");
        id = id_of("a/b");
        mounts = read_own();
        CHECK_INT(host_mounts_refresh(mounts, LOOK), 0);
        host_mounts_identify(mounts, find(mounts, id)->device);
        CHECK_INT(rename("a", "c"), 0);
        CHECK_INT(host_mounts_refresh(mounts, 20 * LOOK), 0);
        CHECK(strcmp(find(mounts, id)->point, "/tmp/a/b") == 0);
        CHECK_INT(host_mounts_refresh(mounts, 60 * LOOK), 0);
        CHECK(strcmp(find(mounts, id)->point, "/tmp/c/b") == 0);
        CHECK(strcmp(find(mounts, id)->root, "/c/b") == 0);
        host_mounts_free(mounts);
}

typedef struct Test {
        void (*run)(const void *);
} Test;

static void run(void **state) {
        harness_need_unshare(CLONE_NEWNS);
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
                IN_CHILD(check_kinds),
                IN_CHILD(check_relations),
                IN_CHILD(check_large),
                IN_CHILD(check_unreadable),
                IN_CHILD(look_at_odd_places),
                IN_CHILD(look_at_hidden),
                IN_CHILD(look_again),
                IN_CHILD(rename_above),
        };

        if (geteuid() != 0) {
                (void)fprintf(stderr, "skipped: mounting is for root\n");
                return EXIT_SKIP;
        }
        harness_init();
        return cmocka_run_group_tests_name("host-mounts", tests, NULL, NULL);
}
