/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loads the guard.  Run by a child of the daemon's, which has the daemon's capabilities of its start and
 * ends afterwards.  Owns nothing for longer.  Must never leave a guard pinned that was not tried, nor remove
 * one that has sessions. */

#include "guard/load.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "ebpf/libbpf.h"
#include "guard/check.h"
#include "guard/self-test.h"
#include "guard/standing.h"

/* object.S */
extern const uint8_t guard_object[], guard_object_end[];

typedef struct Loader {
        GuardLoadResult *result;
        int all_fd;
        char own_name[PINS_NAME_SIZE]; /* of the guard with this snotifyd's programs */
        StandingGuards standing;
} Loader;

__attribute__((format(printf, 3, 4))) static int give_up(
        GuardLoadResult *result, int error, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(result->reason, sizeof(result->reason), format, arguments);
        va_end(arguments);
        return error;
}

/* FNV-1a: tells one build's programs from another's. */
static uint64_t object_number(void) {
        uint64_t number = UINT64_C(0xcbf29ce484222325);

        for (const uint8_t *byte = guard_object; byte < guard_object_end; byte++)
                number = (number ^ *byte) * UINT64_C(0x100000001b3);
        return number;
}

/* Returns the caller's fd or a negative errno. */
static int object_fd(const Libbpf *libbpf, struct bpf_object *object, const Pin *pin) {
        struct bpf_program *program = pin->kind == PIN_MAP ? NULL : libbpf->find_program(object, pin->name);
        const struct bpf_map *map = pin->kind == PIN_MAP ? libbpf->find_map(object, pin->name) : NULL;
        const struct bpf_link *link;
        int fd;

        if (!program && !map)
                return -ENOENT;
        if (pin->kind == PIN_LINK || pin->kind == PIN_OPTIONAL_LINK) {
                link = libbpf->attach_program(program);
                fd = link ? libbpf->link_fd(link) : -errno;
        } else
                fd = map ? libbpf->map_fd(map) : libbpf->program_fd(program);
        if (fd < 0)
                return fd;
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? -errno : fd;
}

/* Which programs are loaded, beside those that processes run: sets of PinKind. */
#define HOOKS (1U << PIN_LINK)
#define OPTIONAL_HOOKS (1U << PIN_OPTIONAL_LINK)

static bool is_left_out(const Pin *pin, unsigned kinds) {
        return (pin->kind == PIN_LINK || pin->kind == PIN_OPTIONAL_LINK) && !(kinds & 1U << pin->kind);
}

/* Returns 0 with the caller's object, or a negative errno. */
static int load_kinds(
        GuardLoadResult *result, const Libbpf *libbpf, unsigned kinds, struct bpf_object **ret) {
        struct bpf_object *object =
                libbpf->open_object(guard_object, (size_t)(guard_object_end - guard_object), NULL);
        int r;

        if (!object)
                return give_up(result, -errno, "libbpf cannot read its programs: %s", strerror(errno));
        for (size_t i = 0; i < GUARD_FDS; i++)
                if (is_left_out(&pins[i], kinds))
                        (void)libbpf->set_autoload(libbpf->find_program(object, pins[i].name), false);
        r = libbpf->load_object(object);
        if (r >= 0) {
                *ret = object;
                return 0;
        }
        libbpf->close_object(object);
        return r == -EPERM ? give_up(result, r,
                                     "the kernel does not let snotifyd load programs for security modules")
                           : give_up(result, r, "the kernel does not take its programs: %s", strerror(-r));
}

/* The kernel may lack the function that an optional program follows, or have it under another name. */
static int load_object(
        GuardLoadResult *result, Libbpf *ret_libbpf, unsigned kinds, struct bpf_object **ret) {
        const char *why = libbpf_open(ret_libbpf);

        if (why)
                return give_up(result, -ENOSYS, "%s", why);
        return load_kinds(result, ret_libbpf, kinds | OPTIONAL_HOOKS, ret) >= 0
                       ? 0
                       : load_kinds(result, ret_libbpf, kinds, ret);
}

static int take_fds(GuardLoadResult *result, const Libbpf *libbpf, struct bpf_object *object, unsigned kinds,
        Guard **ret) {
        int fds[GUARD_FDS], r = 0;

        for (size_t i = 0; i < GUARD_FDS; i++) {
                fds[i] = -EBADF;
                if (r < 0 || is_left_out(&pins[i], kinds))
                        continue;
                fds[i] = object_fd(libbpf, object, &pins[i]);
                if (fds[i] < 0 && pins[i].kind != PIN_OPTIONAL_LINK)
                        r = give_up(result, fds[i], "the kernel does not attach its program %s: %s",
                                pins[i].name, strerror(-fds[i]));
        }
        if (r < 0) {
                guard_close_fds(fds);
                return r;
        }
        r = guard_new(fds, ret);
        return r < 0 ? give_up(result, r, "there is no memory left") : 0;
}

/* The object is never closed: the process ends soon, and closing it would detach the links. */
static int load_guard(GuardLoadResult *result, Guard **ret) {
        struct bpf_object *object;
        Libbpf libbpf = {};
        int r = load_object(result, &libbpf, HOOKS, &object);

        return r < 0 ? r : take_fds(result, &libbpf, object, HOOKS | OPTIONAL_HOOKS, ret);
}

int guard_load_programs(GuardLoadResult *result, Guard **ret) {
        struct bpf_object *object;
        Libbpf libbpf = {};
        int r = load_object(result, &libbpf, 0, &object);

        if (r < 0)
                return r;
        r = take_fds(result, &libbpf, object, 0, ret);
        libbpf.close_object(object);
        return r;
}

/* The last step is one: a directory with this name is whole. */
static int pin_guard(const Loader *loader, const Guard *guard) {
        _cleanup_close_ int dir_fd = -EBADF;
        int r;

        (void)pins_remove(loader->all_fd, PINS_UNFINISHED);
        if (mkdirat(loader->all_fd, PINS_UNFINISHED, 0700) < 0)
                return -errno;
        dir_fd = pins_open_dir(loader->all_fd, PINS_UNFINISHED);
        if (dir_fd < 0)
                return dir_fd;
        r = pins_put_guard(dir_fd, guard);
        if (r < 0)
                return r;
        return renameat(loader->all_fd, PINS_UNFINISHED, loader->all_fd, loader->own_name) < 0 ? -errno : 0;
}

static int load_new(Loader *loader) {
        Guard *guard;
        const char *complaint;
        int r;

        r = load_guard(loader->result, &guard);
        if (r < 0)
                return r;
        complaint = guard_self_test(guard);
        if (complaint)
                return give_up(
                        loader->result, -EPROTO, "on this kernel it fails its test: it %s", complaint);
        r = pin_guard(loader, guard);
        if (r < 0)
                return give_up(loader->result, r, "it cannot be pinned below /sys/fs/bpf: %s", strerror(-r));
        memcpy(loader->standing.name, loader->own_name, sizeof(loader->standing.name));
        return 0;
}

/* Another daemon that starts waits here. */
static int open_pins(Loader *loader) {
        int fd = pins_open_all();

        if (fd == -ENOTDIR)
                return give_up(loader->result, fd, "no bpf file system is mounted on /sys/fs/bpf");
        if (fd < 0)
                return give_up(loader->result, fd, "/sys/fs/bpf/snotify cannot be used: %s", strerror(-fd));
        loader->all_fd = fd;
        return flock(fd, LOCK_EX) < 0
                       ? give_up(loader->result, -errno, "/sys/fs/bpf/snotify cannot be locked")
                       : 0;
}

static int look_at_guards(Loader *loader) {
        int r = standing_guards_find(loader->all_fd, loader->own_name, &loader->standing);

        if (r < 0)
                return give_up(loader->result, r, "/sys/fs/bpf/snotify cannot be read: %s", strerror(-r));
        loader->result->n_sessions = loader->standing.n_sessions;
        loader->result->n_foreign = loader->standing.n_foreign;
        return 0;
}

void guard_load(GuardLoadResult *result) {
        Loader loader = {.result = result};
        int r;

        pins_write_name(GUARD_VERSION, object_number(), loader.own_name);
        r = check_system(result->reason, sizeof(result->reason));
        if (r >= 0)
                r = open_pins(&loader);
        if (r >= 0)
                r = look_at_guards(&loader);
        if (r >= 0 && loader.standing.name[0] == '\0')
                r = load_new(&loader);
        if (r >= 0)
                memcpy(result->name, loader.standing.name, sizeof(result->name));
}
