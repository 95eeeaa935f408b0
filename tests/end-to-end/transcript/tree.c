/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates the tree in which the calls are made, the same for each run, and prints what they leave behind. */

#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/fs.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "case.h"

static const char *const mount_points[] = {
        "read-only", "read-only-fs", "full", "full-of-data", "restricted", "without-links"};

/* Not everything is possible in each context: the transcript says what is missing. */
static void want(int result, const char *what, const char *name) {
        if (result < 0)
                (void)printf("WITHOUT %s %s: %s\n", what, name, strerrorname_np(errno));
}

static void directory(const char *name, mode_t mode) {
        want(mkdir(name, 0700) < 0 ? -1 : chmod(name, mode), "the directory", name);
}

static void file(const char *name, size_t size) {
        static const char zeros[65536];
        int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        want(fd, "the file", name);
        if (fd < 0)
                return;
        (void)!write(fd, zeros, size);
        (void)close(fd);
}

static void make_directories(void) {
        static const char *const names[] = {"dir", "dir/exists", "doomed-parent", "doomed-parent/child",
                "shut", "shut-behind", "setgid", "acl", "acl-minimal", "unwritable", "unwritable/exists",
                "unsearchable", "unsearchable/exists", "new-root", "new-root/dir", "new-root/open",
                "read-only", "read-only/exists", "read-only/unwritable", "read-only/unsearchable",
                "read-only-fs", "full", "full-of-data", "restricted", "restricted/exists", "without-links",
                "without-links/exists", "immutable", "immutable/exists", "append-only",
                "append-only/exists"};

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                directory(names[i], 0755);
}

static void make_links(const char *places) {
        char here[4000], to[4096], name[32];

        if (!getcwd(here, sizeof(here)))
                abort();
        (void)snprintf(to, sizeof(to), "%s/dir", here);
        want(symlink(to, "absolute-link"), "the link", "absolute-link");
        want(symlink(to, "new-root/absolute-link"), "the link", "new-root/absolute-link");
        for (int n = 41; n > 0; n--) {
                (void)snprintf(name, sizeof(name), "chain-%d", n);
                (void)snprintf(to, sizeof(to), "chain-%d", n - 1);
                want(symlink(n == 1 ? "dir" : to, name), "the link", name);
        }
        want(symlink(places, "places"), "the link", "places");
        for (const char *const *link = (const char *const[]){"link", "dir", "link-to-file", "file",
                     "dangling", "nowhere", "loop", "loop", "new-root/link", "/dir", "proc-link",
                     "/proc/self/cwd/dir", "proc-link-to-fd", "/proc/self/fd/987", "without-links/link",
                     "exists", "read-only/dangling", "nowhere", NULL};
                *link; link += 2)
                want(symlink(link[1], link[0]), "the link", link[0]);
}

static FTS *walk_tree(int (*compare)(const FTSENT **, const FTSENT **)) {
        static char dot[] = ".";
        static char *const roots[] = {dot, NULL};
        FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, compare);

        if (!fts)
                abort();
        return fts;
}

static void give_all_to(uid_t uid, gid_t gid) {
        FTS *fts = walk_tree(NULL);

        for (const FTSENT *entry = fts_read(fts); entry; entry = fts_read(fts))
                if (entry->fts_info != FTS_DP)
                        want(lchown(entry->fts_accpath, uid, gid), "its owner for", entry->fts_path);
        (void)fts_close(fts);
}

static void owned(const char *name, uid_t uid, gid_t gid, mode_t mode) {
        want(lchown(name, uid, gid), "its owner for", name);
        want(chmod(name, mode), "its mode for", name);
}

static void make_foreign(uid_t uid) {
        want(chmod("unwritable", 0555), "its mode for", "unwritable");
        want(chmod("unsearchable", 0666), "its mode for", "unsearchable");
        want(chmod("read-only/unwritable", 0555), "its mode for", "read-only/unwritable");
        want(chmod("read-only/unsearchable", 0666), "its mode for", "read-only/unsearchable");
        want(chmod("new-root/open", 0777), "its mode for", "new-root/open");
        owned("setgid", uid, GROUP, 02775);
        for (const char *const *name = (const char *const[]){"setgid-foreign", "of-group", "of-other-group",
                     "of-root", "of-user", "sticky", NULL};
                *name; name++)
                directory(*name, 0755);
        owned("setgid-foreign", uid, GROUP + 1, 02777);
        owned("of-group", 0, GROUP, 0770);
        owned("of-other-group", 0, GROUP + 1, 0770);
        owned("of-user", USER, USER, 0755);
        owned("sticky", 0, 0, 01777);
        want(symlink("../dir", "sticky/link-of-root"), "the link", "sticky/link-of-root");
        want(symlink("../dir", "sticky/link-of-user"), "the link", "sticky/link-of-user");
        want(lchown("sticky/link-of-user", USER, USER), "its owner for", "sticky/link-of-user");
}

typedef struct Acl {
        struct posix_acl_xattr_header header;
        struct posix_acl_xattr_entry entries[5];
} Acl;

#define ACL(tag, perm, id)                                                                                  \
        { ACL_##tag, perm, id }
#define NOBODY ACL_UNDEFINED_ID

static void set_acl(const char *name, const char *kind, const Acl *acl, size_t n) {
        want(setxattr(name, kind, acl, sizeof(acl->header) + n * sizeof(acl->entries[0]), 0), "an ACL for",
                name);
}

static void set_acls(void) {
        static const Acl rich = {{POSIX_ACL_XATTR_VERSION},
                {ACL(USER_OBJ, 7, NOBODY), ACL(USER, 7, 60003), ACL(GROUP_OBJ, 5, NOBODY),
                        ACL(MASK, 7, NOBODY), ACL(OTHER, 0, NOBODY)}};
        static const Acl minimal = {{POSIX_ACL_XATTR_VERSION},
                {ACL(USER_OBJ, 7, NOBODY), ACL(GROUP_OBJ, 5, NOBODY), ACL(OTHER, 5, NOBODY)}};
        static const Acl for_user = {{POSIX_ACL_XATTR_VERSION},
                {ACL(USER_OBJ, 7, NOBODY), ACL(USER, 7, USER), ACL(GROUP_OBJ, 0, NOBODY),
                        ACL(MASK, 7, NOBODY), ACL(OTHER, 0, NOBODY)}};

        directory("acl-for-user", 0700);
        set_acl("acl", XATTR_NAME_POSIX_ACL_DEFAULT, &rich, 5);
        set_acl("acl-minimal", XATTR_NAME_POSIX_ACL_DEFAULT, &minimal, 3);
        set_acl("acl-for-user", XATTR_NAME_POSIX_ACL_ACCESS, &for_user, 5);
}

static int set_attributes(const char *name, int flags) {
        int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

        if (fd < 0)
                return -1;
        r = ioctl(fd, FS_IOC_SETFLAGS, &flags);
        (void)close(fd);
        return r;
}

static void bind(const char *name, unsigned long flags) {
        want(mount(name, name, NULL, MS_BIND, NULL) < 0
                        ? -1
                        : mount(NULL, name, NULL, MS_BIND | MS_REMOUNT | flags, NULL),
                "the mount", name);
}

static void mount_tmpfs(const char *name, const char *options) {
        want(mount("tmpfs", name, "tmpfs", 0, options), "the mount", name);
}

static void mount_all(void) {
        bind("read-only", MS_RDONLY);
        bind("restricted", MS_NOSUID | MS_NODEV | MS_NOEXEC);
        bind("without-links", MS_NOSYMFOLLOW);
        mount_tmpfs("full", "mode=777,nr_inodes=4");
        directory("full/exists", 0755);
        directory("full/unwritable", 0755);
        file("full/file", 0);
        mount_tmpfs("full-of-data", "mode=777,size=4k");
        file("full-of-data/file", 8192);
        mount_tmpfs("read-only-fs", "mode=777");
        directory("read-only-fs/exists", 0777);
        directory("read-only-fs/unwritable", 0755);
        directory("read-only-fs/unwritable/exists", 0755);
        want(mount(NULL, "read-only-fs", NULL, MS_REMOUNT | MS_RDONLY, NULL), "the mount", "read-only-fs");
}

void tree_prepare(uid_t uid, gid_t gid, const char *places) {
        make_directories();
        file("file", 8);
        file("read-only/file", 0);
        want(mkfifo("fifo", 0644), "the fifo", "fifo");
        make_links(places);
        give_all_to(uid, gid);
        make_foreign(uid);
        set_acls();
        want(set_attributes("immutable", FS_IMMUTABLE_FL), "the attribute of", "immutable");
        want(set_attributes("append-only", FS_APPEND_FL), "the attribute of", "append-only");
        mount_all();
}

static int by_name(const FTSENT **a, const FTSENT **b) {
        return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void print_acl(const char *path, const char *kind) {
        unsigned char acl[512];
        ssize_t n = lgetxattr(path, kind, acl, sizeof(acl));

        if (n > 0)
                (void)printf(" %s:", strrchr(kind, '_') + 1);
        for (ssize_t i = 0; i < n; i++)
                (void)printf("%02x", acl[i]);
}

static void print_path(const char *path) {
        for (; *path != '\0'; path++)
                (void)printf(*path < ' ' || *path > '~' ? "\\%03o" : "%c", (unsigned char)*path);
}

void tree_survey(void) {
        FTS *fts = walk_tree(by_name);

        for (const FTSENT *entry = fts_read(fts); entry; entry = fts_read(fts)) {
                const struct stat *st = entry->fts_statp;

                if (entry->fts_info == FTS_DP)
                        continue;
                print_path(entry->fts_path);
                (void)printf(" %06o %u:%u links %lu", st->st_mode, st->st_uid, st->st_gid, st->st_nlink);
                print_acl(entry->fts_accpath, XATTR_NAME_POSIX_ACL_ACCESS);
                print_acl(entry->fts_accpath, XATTR_NAME_POSIX_ACL_DEFAULT);
                (void)putchar('\n');
        }
        (void)fts_close(fts);
}

void tree_clear(void) {
        FTS *fts;

        for (size_t i = 0; i < sizeof(mount_points) / sizeof(mount_points[0]); i++)
                (void)umount2(mount_points[i], MNT_DETACH);
        (void)set_attributes("immutable", 0);
        (void)set_attributes("append-only", 0);
        fts = walk_tree(NULL);
        for (const FTSENT *entry = fts_read(fts); entry; entry = fts_read(fts))
                if (entry->fts_level > 0 && entry->fts_info != FTS_D && remove(entry->fts_accpath) < 0)
                        (void)fprintf(stderr, "cannot remove %s: %m\n", entry->fts_path);
        (void)fts_close(fts);
}
