/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes over fds from systemd, and opens the listening socket.  Run by the daemon at start.  An Activation
 * owns its fds, and the name of the socket that it has created.  It must never take the name from a daemon
 * that is alive. */

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

#include "common/escape.h"
#include "common/ownership.h"

/* More launchers than that wait in connect(2), in the order in which they came.  A single process could fill
 * a long queue, and all others would wait behind it. */
#define BACKLOG 32

/* Does a daemon listen at the name?  A daemon that was killed leaves its name behind. */
static bool socket_is_alive(const SocketName *name) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        /* Through the open directory: its path may lead elsewhere by now. */
        if (snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", name->dir_fd,
                    name->name) >= (int)sizeof(address.sun_path))
                return true; /* better refuse to start than take the name */
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

/* The umask gives the socket its mode: chmod(2) of the path might change another file. */
static int socket_bind(int fd, const struct sockaddr_un *address) {
        mode_t mask = umask(0111);
        int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

        (void)umask(mask);
        return r;
}

/* Notes which file has the name, so that no other file is removed later.  Users who can write to the
 * directories above can replace the directory before bind(2): then the name is not in the directory that is
 * open, and is not removed. */
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

/* Returns why fd cannot be the listening socket, or NULL after it became that. */
static const char *take_socket(Activation *activation, int fd) {
        if (sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, 1) <= 0)
                return "is not a listening Unix socket of type SOCK_SEQPACKET";
        if (activation->socket_fd >= 0)
                return "is a second socket; snotifyd listens on the first one only";
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
                return strerror(errno);
        activation->socket_fd = fd;
        return NULL;
}

/* Takes over fd.  Returns 0 or a negative errno. */
static int take_fd(Report *report, Activation *activation, const char *name, int fd) {
        const char *fault;
        char shown[256];
        int r;

        r = store_take(name, fd, &activation->stored);
        if (r != 0)
                return r < 0 ? r : 0;
        fault = take_socket(activation, fd);
        if (!fault)
                return 0;
        (void)report_line(report, REPORT_WARNING, "closing the file descriptor \"%s\" from systemd: it %s",
                escape_text(name, strlen(name), shown, sizeof(shown)), fault);
        fd_close(fd);
        return 0;
}

static int take_fds(Report *report, Activation *activation) {
        char **names = NULL;
        int n, r = 0;

        n = sd_listen_fds_with_names(1, &names);
        if (n < 0)
                return n;
        for (int i = 0; i < n; i++) {
                if (r >= 0)
                        r = take_fd(report, activation, names[i], SD_LISTEN_FDS_START + i);
                free(names[i]);
        }
        free(names);
        return r;
}

int activation_take(Report *report, Activation *ret) {
        *ret = ACTIVATION_NONE;
        return take_fds(report, ret);
}

int activation_listen(Activation *activation, const char *socket_path, Report *report) {
        int r = 0;

        if (activation->socket_fd < 0)
                r = socket_open(socket_path, &activation->socket_name, &activation->socket_fd);
        /* Also where the socket is systemd's, whose queue is longer. */
        if (r >= 0 && listen(activation->socket_fd, BACKLOG) < 0)
                r = -errno;
        if (r < 0)
                (void)report_line(report, REPORT_ERROR, "cannot listen on %s: %s%s", socket_path,
                        strerror(-r), r == -EADDRINUSE ? "; another snotifyd listens there" : "");
        return r;
}

void activation_done(Activation *activation) {
        fd_close(activation->socket_fd);
        socket_name_remove(&activation->socket_name);
        store_contents_done(&activation->stored);
        *activation = ACTIVATION_NONE;
}
