/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens the door.  Run by the daemon at start.  Owns nothing once it has returned.  Must never take a socket
 * away from another daemon that is alive. */

#include "activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/ownership.h"

/* Is somebody listening there?  A name whose daemon is dead is just a leftover. */
static bool socket_is_alive(const struct sockaddr_un *address) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        return fd >= 0 &&
               (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN);
}

static int socket_open(const char *path, int *ret) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        (void)strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
                if (socket_is_alive(&address))
                        return -EADDRINUSE;
                (void)unlink(path);
        }
        if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        if (chmod(path, 0666) < 0 || listen(fd, SOMAXCONN) < 0)
                return -errno;
        *ret = TAKE_FD(fd);
        return 0;
}

/* Sorts what systemd passed. */
static int take_fds(Report *report, Activation *activation) {
        char **names = NULL;
        int n, r = 0;

        n = sd_listen_fds_with_names(1, &names);
        if (n < 0)
                return n;
        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;

                if (r >= 0)
                        r = store_take(names[i], fd, &activation->stored);
                if (r == 0 && activation->socket_fd < 0 &&
                        sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, 1) > 0 &&
                        fcntl(fd, F_SETFL, O_NONBLOCK) >= 0)
                        activation->socket_fd = fd;
                else if (r == 0)
                        (void)report_line(report, REPORT_WARNING,
                                "systemd passed a file descriptor \"%s\" that is no SOCK_SEQPACKET socket; "
                                "ignored",
                                names[i]);
                free(names[i]);
        }
        free(names);
        return r < 0 ? r : 0;
}

int activation_take(const char *socket_path, Report *report, Activation *ret) {
        Activation activation = {.socket_fd = -EBADF, .stored = STORE_CONTENTS_NONE};
        int r;

        r = take_fds(report, &activation);
        if (r >= 0 && activation.socket_fd < 0) {
                r = socket_open(socket_path, &activation.socket_fd);
                if (r < 0)
                        (void)report_line(report, REPORT_ERROR, "cannot listen on %s: %s%s", socket_path,
                                strerror(-r), r == -EADDRINUSE ? "; another snotifyd is running" : "");
                activation.socket_is_ours = r >= 0;
        }
        if (r < 0) {
                store_contents_done(&activation.stored);
                return r;
        }
        *ret = activation;
        return 0;
}
