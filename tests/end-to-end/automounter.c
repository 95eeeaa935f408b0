/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A small automounter: an indirect autofs, in which it mounts a tmpfs on each name that is asked for.  The
 * directory "ghost" exists before it is asked for.
 *
 *      automounter DIRECTORY         prints "ready", then the name, uid and gid of each request
 *      automounter DIRECTORY NAME    creates DIRECTORY/NAME itself, which only the automounter can, and
 * exits with the errno of that call */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/auto_fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int good, const char *what) {
        if (good)
                return;
        perror(what);
        exit(255);
}

static int mount_autofs(const char *directory) {
        char options[128];
        int ends[2];

        (void)setpgid(0, 0);
        must(pipe2(ends, O_CLOEXEC | O_DIRECT) == 0, "pipe");
        (void)snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect", ends[1],
                getpgrp());
        must(mount("automounter", directory, "autofs", 0, options) == 0, "autofs");
        (void)close(ends[1]);
        return ends[0];
}

static void serve(int packets_fd, const char *directory) {
        int root_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        union autofs_v5_packet_union packet;
        char path[PATH_MAX];

        must(root_fd >= 0, directory);
        (void)snprintf(path, sizeof(path), "%s/ghost", directory);
        must(mkdir(path, 0755) == 0, path);
        (void)puts("ready");
        (void)fflush(stdout);
        while (read(packets_fd, &packet, sizeof(packet)) > 0) {
                const struct autofs_v5_packet *request = &packet.v5_packet;

                (void)printf("%s %u %u\n", request->name, request->uid, request->gid);
                (void)fflush(stdout);
                (void)snprintf(path, sizeof(path), "%s/%s", directory, request->name);
                must(mkdir(path, 0755) == 0 || errno == EEXIST, path);
                must(mount("automounted", path, "tmpfs", 0, "mode=777") == 0, path);
                must(ioctl(root_fd, AUTOFS_IOC_READY, request->wait_queue_token) == 0, "answer");
        }
}

int main(int argc, char **argv) {
        char path[PATH_MAX];
        int packets_fd;

        if (argc < 2 || argc > 3)
                return 255;
        packets_fd = mount_autofs(argv[1]);
        if (argc == 2) {
                serve(packets_fd, argv[1]);
                return 0;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], argv[2]);
        return mkdir(path, 0755) < 0 ? errno : 0;
}
