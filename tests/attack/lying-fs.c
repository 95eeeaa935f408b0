/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A FUSE file system whose server gives inconsistent answers: it confirms every mkdir, and its symbolic link
 * has another target each time that it is read.  Must run as root of its own user and mount namespace.
 *
 *      lying-fs DIRECTORY EVEN ODD COMMAND...   mounts the file system on DIRECTORY and executes COMMAND.
 *                                               DIRECTORY/link leads to EVEN when it is read for the first
 *                                               time, then to ODD, then to EVEN, and so on.
 *
 * The server prints "MKDIR" for each mkdir that the kernel sends. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LINK = 2, MADE = 3 };

static void reply(int fuse_fd, uint64_t unique, int error, const void *data, size_t size) {
        struct fuse_out_header header = {
                .len = (uint32_t)(sizeof(header) + size), .error = -error, .unique = unique};
        struct iovec parts[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)data, size}};

        (void)!writev(fuse_fd, parts, size > 0 ? 2 : 1);
}

static struct fuse_attr attributes(uint64_t node) {
        return (struct fuse_attr){
                .ino = node, .mode = node == LINK ? S_IFLNK | 0777 : S_IFDIR | 0777, .nlink = 2};
}

static void serve_one(int fuse_fd, const char *const *targets) {
        static unsigned turn;
        struct {
                struct fuse_in_header header;
                char rest[65536 * 2];
        } request;
        struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 4096, .max_readahead = 4096};
        struct fuse_attr_out attr = {};
        struct fuse_entry_out entry = {};
        uint64_t unique;

        if (read(fuse_fd, &request, sizeof(request)) < (ssize_t)sizeof(request.header)) {
                if (errno == ENODEV)
                        _exit(0);
                return;
        }
        unique = request.header.unique;
        switch (request.header.opcode) {
        case FUSE_INIT:
                return reply(fuse_fd, unique, 0, &init, sizeof(init));
        case FUSE_GETATTR:
                attr.attr = attributes(request.header.nodeid);
                return reply(fuse_fd, unique, 0, &attr, sizeof(attr));
        case FUSE_LOOKUP:
                entry.nodeid = LINK;
                entry.attr = attributes(LINK);
                return strcmp(request.rest, "link") == 0 ? reply(fuse_fd, unique, 0, &entry, sizeof(entry))
                                                         : reply(fuse_fd, unique, ENOENT, NULL, 0);
        case FUSE_MKDIR:
                (void)!write(STDOUT_FILENO, "MKDIR\n", 6);
                entry.nodeid = MADE;
                entry.attr = attributes(MADE);
                return reply(fuse_fd, unique, 0, &entry, sizeof(entry));
        case FUSE_READLINK:
                turn++;
                return reply(fuse_fd, unique, 0, targets[(turn - 1) % 2], strlen(targets[(turn - 1) % 2]));
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT:
                return;
        default:
                return reply(fuse_fd, unique, ENOSYS, NULL, 0);
        }
}

int main(int argc, char **argv) {
        char options[128];
        int fuse_fd;

        if (argc < 5)
                return 255;
        fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        (void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse_fd);
        if (fuse_fd < 0 || mount("lying-fs", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
                perror("lying-fs");
                return 255;
        }
        if (fork() == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        serve_one(fuse_fd, (const char *const *)argv + 2);
        }
        (void)execvp(argv[4], argv + 4);
        perror(argv[4]);
        return 255;
}
