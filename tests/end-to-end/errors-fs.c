/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* errors-fs DIRECTORY: mounts an empty file system in which nothing can be created: creating a directory N
 * fails with errno N, and so does a lookup of lookup-N.  Prints "mounted", and serves until it is unmounted
 * or killed. */

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

static void reply(int fuse_fd, int error, const void *body, size_t size) {
        struct fuse_out_header header = {
                .len = (uint32_t)(sizeof(header) + size),
                .error = -error,
                .unique = request.header.unique,
        };
        const struct iovec pieces[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)body, size}};

        (void)!writev(fuse_fd, pieces, 2);
}

static void reply_init(int fuse_fd) {
        const struct fuse_init_out init = {
                .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 65536};

        reply(fuse_fd, 0, &init, sizeof(init));
}

static void reply_attributes(int fuse_fd) {
        const struct fuse_attr_out out = {
                .attr = {.ino = FUSE_ROOT_ID, .mode = S_IFDIR | 0777, .nlink = 2, .blksize = 4096}};

        reply(fuse_fd, 0, &out, sizeof(out));
}

static void serve(int fuse_fd, const char *body) {
        static const char lookup[] = "lookup-";

        switch (request.header.opcode) {
        case FUSE_INIT:
                reply_init(fuse_fd);
                break;
        case FUSE_GETATTR:
                reply_attributes(fuse_fd);
                break;
        case FUSE_LOOKUP:
                reply(fuse_fd,
                        strncmp(body, lookup, strlen(lookup)) == 0 ? atoi(body + strlen(lookup)) : ENOENT,
                        NULL, 0);
                break;
        case FUSE_MKDIR:
                reply(fuse_fd, atoi(body + sizeof(struct fuse_mkdir_in)), NULL, 0);
                break;
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT:
                break;
        default:
                reply(fuse_fd, ENOSYS, NULL, 0);
        }
}

int main(int argc, char **argv) {
        int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        char options[128];

        (void)snprintf(options, sizeof(options),
                "fd=%d,rootmode=40777,user_id=0,group_id=0,allow_other,default_permissions", fuse_fd);
        if (argc != 2 || fuse_fd < 0 || mount("errors-fs", argv[1], "fuse.errors-fs", 0, options) < 0) {
                perror("errors-fs");
                return 1;
        }
        (void)puts("mounted");
        (void)fclose(stdout);
        for (;;) {
                ssize_t n = read(fuse_fd, &request, sizeof(request));

                if (n > 0)
                        serve(fuse_fd, request.room + sizeof(request.header));
                else if (errno != EINTR && errno != ENOENT)
                        return 0;
        }
}
