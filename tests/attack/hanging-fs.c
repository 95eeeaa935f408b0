/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* hanging-fs DIRECTORY [UID]: mounts a FUSE file system, for all users or for UID alone, whose server does
 * not answer when a directory hang* is created, when a name lost* is looked up, or when the file "page" is
 * read.  Other directories cannot be created: ENOSPC.  Prints "mounted" when it is mounted, and "kept" for
 * each request that it does not answer.  Serves until it is unmounted or killed.  On SIGUSR1 it answers the
 * requests kept so far, with EIO. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE_ID = 2, KEPT_MAX = 1000 };

static union {
        struct fuse_in_header header;
        char room[FUSE_MIN_READ_BUFFER + 65536];
} request;
static int fuse_fd;
static uint64_t kept[KEPT_MAX];
static size_t n_kept;
static volatile sig_atomic_t answering;

static void reply_to(uint64_t unique, int error, const void *body, size_t size) {
        struct fuse_out_header header = {
                .len = (uint32_t)(sizeof(header) + size),
                .error = -error,
                .unique = unique,
        };
        const struct iovec pieces[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)body, size}};

        (void)!writev(fuse_fd, pieces, 2);
}

static void reply(int error, const void *body, size_t size) {
        reply_to(request.header.unique, error, body, size);
}

static void keep(void) {
        if (n_kept < KEPT_MAX)
                kept[n_kept++] = request.header.unique;
        (void)puts("kept");
        (void)fflush(stdout);
}

static struct fuse_attr attributes(uint64_t id) {
        return id == PAGE_ID
                       ? (struct fuse_attr){.ino = PAGE_ID, .mode = S_IFREG | 0666, .nlink = 1, .size = 4096}
                       : (struct fuse_attr){.ino = FUSE_ROOT_ID, .mode = S_IFDIR | 0777, .nlink = 2};
}

static void reply_lookup(const char *name) {
        const struct fuse_entry_out out = {.nodeid = PAGE_ID, .attr = attributes(PAGE_ID)};

        if (strncmp(name, "lost", 4) == 0)
                keep();
        else if (strcmp(name, "page") == 0)
                reply(0, &out, sizeof(out));
        else
                reply(ENOENT, NULL, 0);
}

static void serve(const char *body) {
        static const struct fuse_init_out init = {
                .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 65536};
        const struct fuse_attr_out out = {.attr = attributes(request.header.nodeid)};

        switch (request.header.opcode) {
        case FUSE_INIT:
                reply(0, &init, sizeof(init));
                break;
        case FUSE_GETATTR:
                reply(0, &out, sizeof(out));
                break;
        case FUSE_LOOKUP:
                reply_lookup(body);
                break;
        case FUSE_OPEN:
                reply(0, &(const struct fuse_open_out){}, sizeof(struct fuse_open_out));
                break;
        case FUSE_READ:
                keep();
                break;
        case FUSE_MKDIR:
                if (strncmp(body + sizeof(struct fuse_mkdir_in), "hang", 4) == 0)
                        keep();
                else
                        reply(ENOSPC, NULL, 0);
                break;
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT:
                break;
        default:
                reply(ENOSYS, NULL, 0);
        }
}

static void on_signal(int signal) {
        (void)signal;
        answering = 1;
}

int main(int argc, char **argv) {
        const struct sigaction action = {.sa_handler = on_signal}; /* interrupts read() */
        char options[128];

        fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        (void)snprintf(options, sizeof(options), "fd=%d,rootmode=40777,user_id=%s,group_id=%s%s", fuse_fd,
                argc == 3 ? argv[2] : "0", argc == 3 ? argv[2] : "0", argc == 3 ? "" : ",allow_other");
        if (argc < 2 || argc > 3 || fuse_fd < 0 || sigaction(SIGUSR1, &action, NULL) < 0 ||
                mount("hanging-fs", argv[1], "fuse.hanging-fs", 0, options) < 0) {
                perror("hanging-fs");
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
                while (answering && n_kept > 0)
                        reply_to(kept[--n_kept], EIO, NULL, 0);
                answering = 0;
        }
}
