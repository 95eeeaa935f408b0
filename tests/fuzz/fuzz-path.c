/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds resolve_split() any path, and place_read() the name that comes of it.  Parent and name make the path
 * again, but for slashes at its end; there is no name where there is none to be made; and a place is the
 * working directory and the name.  Root tries that in a directory whose path is nearly as long as one can
 * be. */

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ownership.h"
#include "worker/location/place.h"
#include "worker/location/resolve.h"

#define DEPTH 16U
#define COMPONENT 250U

static int deep_fd = -EBADF; /* below a tmpfs in a mount namespace of our own */

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        char name[COMPONENT + 1];

        (void)argc;
        (void)argv;
        if (unshare(CLONE_NEWNS) < 0)
                return 0;
        memset(name, 'd', COMPONENT);
        name[COMPONENT] = '\0';
        HOLDS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        HOLDS(mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0);
        deep_fd = open("/run", O_PATH | O_CLOEXEC);
        for (unsigned i = 0; i < DEPTH; i++) {
                _cleanup_close_ int parent_fd = deep_fd;

                HOLDS(mkdirat(parent_fd, name, 0700) == 0);
                deep_fd = openat(parent_fd, name, O_PATH | O_CLOEXEC);
        }
        HOLDS(deep_fd >= 0);
        return 0;
}

static bool exists_always(const char *name) {
        return name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void check_split(const char *path, const Location *location) {
        _cleanup_free_ char *bare = strdup(path), *joined = NULL;
        size_t length = strlen(path), stem = strlen(location->directory);
        const char *slash, *last;

        HOLDS(bare);
        while (length > 0 && bare[length - 1] == '/')
                bare[--length] = '\0';
        slash = strrchr(bare, '/');
        last = slash ? slash + 1 : bare;
        HOLDS((location->last != LAST_NORM) == exists_always(last));
        HOLDS((path[0] == '/') == (location->directory[0] == '/'));
        if (location->last != LAST_NORM) {
                HOLDS(stem > 0); /* it must be looked up all the same */
                return;
        }
        HOLDS(strcmp(location->name, last) == 0);
        HOLDS(stem == 0 || (stem >= 2 && strcmp(location->directory + stem - 2, "/.") == 0));
        HOLDS(asprintf(&joined, "%.*s%s", stem > 0 ? (int)stem - 1 : 0, location->directory,
                      location->name) >= 0);
        HOLDS(strcmp(joined, bare) == 0);
}

static void check_place(const char *name) {
        char here[LEDGER_ARGUMENT_SIZE], place[LEDGER_PATH_SIZE];
        _cleanup_free_ char *expected = NULL;
        size_t length;
        int r;

        HOLDS(getcwd(here, sizeof(here)));
        HOLDS(asprintf(&expected, "%s/%s", strcmp(here, "/") == 0 ? "" : here, name) >= 0);
        r = place_read(name, place, &length);
        HOLDS(r == (strlen(expected) < LEDGER_PATH_SIZE ? 0 : -ENAMETOOLONG));
        if (r == 0)
                HOLDS(length == strlen(expected) && memcmp(place, expected, length + 1) == 0);
}

static void check_deep_place(const char *name) {
        _cleanup_close_ int here_fd = open(".", O_PATH | O_CLOEXEC);

        HOLDS(here_fd >= 0 && fchdir(deep_fd) == 0);
        check_place(name);
        HOLDS(fchdir(here_fd) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        Input input = {bytes, size};
        _cleanup_free_ char *path = input_string(&input, '\0');
        _cleanup_free_ Location *location = malloc(sizeof(*location));

        HOLDS(location);
        memset(location, 'x', sizeof(*location));
        if (path[0] == '\0' || strlen(path) >= LEDGER_ARGUMENT_SIZE)
                return -1;
        location_split(path, strlen(path), location);
        check_split(path, location);
        if (location->last == LAST_NORM)
                check_place(location->name);
        if (location->last == LAST_NORM && deep_fd >= 0)
                check_deep_place(location->name);
        return 0;
}
