/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes that another process makes while a program creates directories.  Wherever the call leads, it is
 * allowed.  Natively it succeeds, or the parent is not there.
 *
 *      benign-races WHAT flip DIRECTORY          prints "ready", then changes it until it is killed
 *      benign-races WHAT call DIRECTORY CALLS    creates directories there, and prints how many calls
 *                                                succeeded and failed
 *
 * WHAT is changed:
 *
 *      link      the parent is a symbolic link to one of two directories
 *      parent    the parent is renamed away and back
 *      again     the parent is removed, with what is in it, and created again */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int good, const char *what) {
        if (good)
                return;
        perror(what);
        exit(2);
}

static void flip_link(void) {
        must(symlink("one", "new") == 0 && rename("new", "parent") == 0, "link to one");
        must(symlink("two", "new") == 0 && rename("new", "parent") == 0, "link to two");
}

static void flip_parent(void) {
        must(rename("parent", "away") == 0, "rename");
        must(rename("away", "parent") == 0, "rename back");
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st;
        (void)type;
        return ftw->level > 0 ? remove(path) : 0;
}

/* A call may create something in it meanwhile. */
static void flip_again(void) {
        do
                (void)nftw("parent", remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        while (rmdir("parent") < 0 && errno == ENOTEMPTY);
        must(mkdir("parent", 0777) == 0, "mkdir");
}

typedef struct Race {
        const char *name;
        void (*flip)(void);
} Race;
static const Race races[] = {{"link", flip_link}, {"parent", flip_parent}, {"again", flip_again}};

static const Race *find_race(const char *name) {
        for (size_t i = 0; i < sizeof(races) / sizeof(races[0]); i++)
                if (strcmp(races[i].name, name) == 0)
                        return &races[i];
        exit(2);
}

static void prepare(const Race *race) {
        if (race->flip == flip_link) {
                must(mkdir("one", 0777) == 0 && mkdir("two", 0777) == 0, "mkdir");
                must(symlink("one", "parent") == 0, "symlink");
        } else
                must(mkdir("parent", 0777) == 0, "mkdir");
}

static void call(int calls) {
        int made = 0, refused = 0, not_there = 0, other = 0;
        char path[64];

        for (int i = 0; i < calls; i++) {
                (void)snprintf(path, sizeof(path), "parent/%d", i);
                if (mkdir(path, 0755) == 0)
                        made++;
                else if (errno == EPERM)
                        refused++;
                else if (errno == ENOENT)
                        not_there++;
                else
                        other++;
        }
        (void)printf("made %d, refused %d, not there %d, other %d\n", made, refused, not_there, other);
}

int main(int argc, char **argv) {
        const Race *race;

        if (argc < 4 || chdir(argv[3]) < 0)
                return 2;
        race = find_race(argv[1]);
        if (argc == 5) {
                call(atoi(argv[4]));
                return 0;
        }
        prepare(race);
        (void)puts("ready");
        (void)fflush(stdout);
        for (;;)
                race->flip();
}
