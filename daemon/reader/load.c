/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loads the reader.  Run by a child of the daemon, which has the daemon's capabilities of its start and ends
 * afterwards.  Owns nothing for longer.  Must never hand over a program that was not tried. */

#include "reader/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ownership.h"
#include "ebpf/libbpf.h"
#include "reader/self-test.h"

/* object.S */
extern const uint8_t reader_object[], reader_object_end[];

static int program_fd(const Libbpf *libbpf, struct bpf_object *object, const char *name) {
        struct bpf_program *program = libbpf->find_program(object, name);
        int fd = program ? fcntl(libbpf->program_fd(program), F_DUPFD_CLOEXEC, 3) : -1;

        return program && fd < 0 ? -errno : fd;
}

/* Loads it, and what tells it of listeners.  Returns 0 and the caller's descriptors, or a negative errno. */
static int load(const Libbpf *libbpf, int *ret_fd, int *ret_learn_fd) {
        struct bpf_object *object =
                libbpf->open_object(reader_object, (size_t)(reader_object_end - reader_object), NULL);
        int r;

        if (!object)
                return -errno;
        r = libbpf->load_object(object);
        if (r >= 0) {
                *ret_fd = program_fd(libbpf, object, "reader_read");
                *ret_learn_fd = program_fd(libbpf, object, "reader_learn");
                r = *ret_fd < 0 || *ret_learn_fd < 0 ? -EMFILE : 0;
        }
        libbpf->close_object(object);
        return r;
}

static int explain(char *reason, size_t size, int error) {
        if (error == -EPERM)
                (void)snprintf(reason, size, "the kernel does not let snotifyd load programs");
        else
                (void)snprintf(reason, size, "the kernel does not take its program: %s", strerror(-error));
        return error;
}

int reader_load(char *reason, size_t size, int *ret_fd) {
        _cleanup_close_ int fd = -EBADF, learn_fd = -EBADF;
        Libbpf libbpf = {};
        const char *why = access("/sys/kernel/btf/vmlinux", R_OK) == 0
                                  ? libbpf_open(&libbpf)
                                  : "the kernel does not describe its types (/sys/kernel/btf/vmlinux)";
        int r;

        if (why) {
                (void)snprintf(reason, size, "%s", why);
                return -EOPNOTSUPP;
        }
        r = load(&libbpf, &fd, &learn_fd);
        if (r < 0)
                return explain(reason, size, r);
        why = reader_self_test(fd, learn_fd);
        if (why) {
                (void)snprintf(reason, size, "on this kernel it fails its test: it %s", why);
                return -EPROTO;
        }
        *ret_fd = TAKE_FD(fd);
        return 0;
}
