/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* steps-fs DIRECTORY [UID]: mounts a FUSE file system, for all users or for UID alone, whose server prints
 * each request, and refuses FUSE_ACCESS, which the kernel does not need to create a directory.  Names that
 * begin with "d" or "old" are directories, which the kernel must not cache.  A new directory is forgotten at
 * once.  Serves until it is unmounted or killed. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static union {
        struct fuse_in_header header;
        char room[FUSE_MIN_READ_BUFFER + 65536];
} request;
static int fuse_fd;
static uint64_t last_id = FUSE_ROOT_ID;

static void reply(int error, const void *body, size_t size) {
        struct fuse_out_header header = {
                .len = (uint32_t)(sizeof(header) + size),
                .error = -error,
                .unique = request.header.unique,
        };
        const struct iovec pieces[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)body, size}};

        (void)!writev(fuse_fd, pieces, 2);
}

static struct fuse_attr attributes(uint64_t id) {
        return (struct fuse_attr){.ino = id, .mode = S_IFDIR | 0777, .nlink = 2, .blksize = 4096};
}

static void reply_entry(void) {
        const uint64_t id = ++last_id;
        const struct fuse_entry_out out = {.nodeid = id, .attr_valid = 3600, .attr = attributes(id)};

        reply(0, &out, sizeof(out));
}

static void say(const char *step, const char *name) {
        (void)printf("%s %s\n", step, name);
        (void)fflush(stdout);
}

static void serve(const char *body) {
        static const struct fuse_init_out init = {
                .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 65536};
        const struct fuse_attr_out out = {.attr_valid = 3600, .attr = attributes(request.header.nodeid)};
        char opcode[16];

        switch (request.header.opcode) {
        case FUSE_INIT:
                reply(0, &init, sizeof(init));
                break;
        case FUSE_LOOKUP:
                say("lookup", body);
                if (body[0] == 'd' || strncmp(body, "old", 3) == 0)
                        reply_entry();
                else
                        reply(ENOENT, NULL, 0);
                break;
        case FUSE_MKDIR:
                say("mkdir", body + sizeof(struct fuse_mkdir_in));
                reply_entry();
                break;
        case FUSE_GETATTR:
                say("getattr", "");
                reply(0, &out, sizeof(out));
                break;
        case FUSE_ACCESS:
                say("access", "");
                reply(EACCES, NULL, 0);
                break;
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT:
                break;
        default:
                (void)snprintf(opcode, sizeof(opcode), "%u", request.header.opcode);
                say("opcode", opcode);
                reply(ENOSYS, NULL, 0);
        }
}

int main(int argc, char **argv) {
        char options[128];

        fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        (void)snprintf(options, sizeof(options), "fd=%d,rootmode=40777,user_id=%s,group_id=%s%s", fuse_fd,
                argc == 3 ? argv[2] : "0", argc == 3 ? argv[2] : "0", argc == 3 ? "" : ",allow_other");
        if (argc < 2 || argc > 3 || fuse_fd < 0 ||
                mount("steps-fs", argv[1], "fuse.steps-fs", 0, options) < 0) {
                perror("steps-fs");
                return 1;
        }
        (void)puts("mounted");
        (void)fflush(stdout);
        for (;;) {
                ssize_t n = read(fuse_fd, &request, sizeof(request));

                if (n > 0)
                        serve(request.room + sizeof(request.header));
                else if (errno != EINTR && errno != ENOENT)
                        return 0;
        }
}
