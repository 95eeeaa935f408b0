/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens the door.  Run by the daemon at start.  Owns nothing once it has returned.  Must never take a socket
 * away from another daemon that is alive. */

#include "activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/ownership.h"

/* Launchers beyond that wait in connect(2), in the order in which they came.  A long queue would be one that
 * a single process fills, and all others wait behind. */
#define BACKLOG 32

/* Is a daemon listening at the name?  A name whose daemon is dead is just a leftover. */
static bool socket_is_alive(const SocketName *name) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        /* By the directory that is open: its path may lead elsewhere by now. */
        if (snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", name->dir_fd,
                    name->name) >= (int)sizeof(address.sun_path))
                return true; /* cannot be told */
        return fd >= 0 &&
               (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN);
}

static int socket_name_open(const char *path, SocketName *ret) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *directory =
                !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));

        if (!directory)
                return -ENOMEM;
        ret->name = slash ? slash + 1 : path;
        ret->dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return ret->dir_fd < 0 ? -errno : 0;
}

static int socket_remove_leftover(const SocketName *name) {
        struct stat st;

        if (fstatat(name->dir_fd, name->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode))
                return 0;
        if (socket_is_alive(name))
                return -EADDRINUSE;
        return unlinkat(name->dir_fd, name->name, 0) < 0 ? -errno : 0;
}

/* The socket is born with its mode: a chmod() by path could be led to another file.
 */
static int socket_bind(int fd, const struct sockaddr_un *address) {
        mode_t mask = umask(0111);
        int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

        (void)umask(mask);
        return r;
}

/* Notes which file the name is, so that no other is removed for it.  A directory that others may change can
 * be replaced while the socket is bound: then the name is not in the one that is open, and stays. */
static void socket_name_note(SocketName *name) {
        struct stat st;

        if (fstatat(name->dir_fd, name->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode)) {
                name->dir_fd = fd_close(name->dir_fd);
                return;
        }
        name->dev = st.st_dev;
        name->ino = st.st_ino;
}

static void socket_name_remove(SocketName *name) {
        struct stat st;

        if (name->dir_fd < 0)
                return;
        if (fstatat(name->dir_fd, name->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == name->dev &&
                st.st_ino == name->ino)
                (void)unlinkat(name->dir_fd, name->name, 0);
        name->dir_fd = fd_close(name->dir_fd);
}

static int socket_open(const char *path, SocketName *name, int *ret) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        (void)strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        r = socket_name_open(path, name);
        if (r >= 0)
                r = socket_remove_leftover(name);
        if (r >= 0)
                r = socket_bind(fd, &address);
        if (r < 0) {
                name->dir_fd = fd_close(name->dir_fd);
                return r;
        }
        socket_name_note(name);
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

int activation_take(Report *report, Activation *ret) {
        *ret = ACTIVATION_NONE;
        return take_fds(report, ret);
}

int activation_listen(Activation *activation, const char *socket_path, Report *report) {
        int r = 0;

        if (activation->socket_fd < 0)
                r = socket_open(socket_path, &activation->socket_name, &activation->socket_fd);
        if (r >= 0 && listen(activation->socket_fd, BACKLOG) < 0) /* systemd's is longer */
                r = -errno;
        if (r < 0)
                (void)report_line(report, REPORT_ERROR, "cannot listen on %s: %s%s", socket_path,
                        strerror(-r), r == -EADDRINUSE ? "; another snotifyd is running" : "");
        return r;
}

void activation_done(Activation *activation) {
        fd_close(activation->socket_fd);
        socket_name_remove(&activation->socket_name);
        store_contents_done(&activation->stored);
        *activation = ACTIVATION_NONE;
}
