/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A FUSE file system with files that hang processes. */

#include "hanging.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "connection.h"

enum { FILE_ID = 2 };

static union {
        struct fuse_in_header header;
        char room[FUSE_MIN_READ_BUFFER + 65536];
} request;

static void fuse_reply(int fuse_fd, uint64_t unique, int error, const void *body, size_t size) {
        struct fuse_out_header header = {(uint32_t)(sizeof(header) + size), -error, unique};
        const struct iovec pieces[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)body, size}};

        (void)!writev(fuse_fd, pieces, 2);
}

/* No flush of "file" is answered, and no write to the files whose names are numbers above FILE_ID. */
static void fuse_serve(int fuse_fd) {
        const struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION,
                .minor = FUSE_KERNEL_MINOR_VERSION,
                .max_write = 65536,
                .flags = FUSE_WRITEBACK_CACHE};
        const struct fuse_open_out opened = {};
        struct fuse_attr_out attr = {};
        struct fuse_entry_out entry = {.attr = {.mode = S_IFREG | 0666, .nlink = 1}};

        while (read(fuse_fd, &request, sizeof(request)) >= 0 || errno == EINTR || errno == ENOENT) {
                uint64_t unique = request.header.unique;

                switch (request.header.opcode) {
                case FUSE_INIT:
                        fuse_reply(fuse_fd, unique, 0, &init, sizeof(init));
                        break;
                case FUSE_GETATTR:
                        attr.attr = request.header.nodeid == FUSE_ROOT_ID
                                            ? (struct fuse_attr){.mode = S_IFDIR | 0777, .nlink = 2}
                                            : entry.attr;
                        attr.attr.ino = request.header.nodeid;
                        fuse_reply(fuse_fd, unique, 0, &attr, sizeof(attr));
                        break;
                case FUSE_LOOKUP:
                        entry.nodeid = strtoull((const char *)(&request.header + 1), NULL, 10);
                        entry.nodeid = entry.nodeid > FILE_ID ? entry.nodeid : FILE_ID;
                        entry.attr.ino = entry.nodeid;
                        fuse_reply(fuse_fd, unique, 0, &entry, sizeof(entry));
                        break;
                case FUSE_OPEN:
                        fuse_reply(fuse_fd, unique, 0, &opened, sizeof(opened));
                        break;
                case FUSE_FLUSH:
                        if (request.header.nodeid != FILE_ID)
                                fuse_reply(fuse_fd, unique, 0, NULL, 0);
                        break;
                case FUSE_WRITE:
                case FUSE_FORGET:
                case FUSE_BATCH_FORGET:
                case FUSE_INTERRUPT:
                        break;
                default:
                        fuse_reply(fuse_fd, unique, ENOSYS, NULL, 0);
                }
        }
}

pid_t hanging_mount(void) {
        int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        char options[128];
        pid_t pid;

        (void)snprintf(
                options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse_fd);
        if (fuse_fd < 0 || unshare(CLONE_NEWNS) < 0 ||
                mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                mount("rogue-launcher", "/mnt", "fuse", 0, options) < 0)
                fail("fuse");
        pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)close(connection_fd);
                fuse_serve(fuse_fd);
                _exit(0);
        }
        (void)close(fuse_fd);
        return pid;
}

int hanging_open(pid_t *ret_pid) {
        int fd;

        *ret_pid = hanging_mount();
        fd = open("/mnt/file", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                fail("/mnt/file");
        return fd;
}

int hanging_open_written(unsigned number, int *ret_fd) {
        char path[32];
        int fd;

        (void)snprintf(path, sizeof(path), "/mnt/%u", number);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || *ret_fd < 0)
                fail(path);
        return fd;
}
