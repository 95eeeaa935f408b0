/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds out who connects.  Run by the acceptor.  Owns nothing.  Must never take a number for a process that
 * may be another by now. */

#include "handshake/peer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/ownership.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* User namespaces nest so deep, and not deeper (MAX_USER_NS_LEVEL and one in the kernel). */
#define LEVELS_MAX 33

/* Of all hierarchies of cgroup v1, each with a path of PATH_MAX at most. */
#define CGROUP_SIZE 65536U

int peer_reader_init(PeerReader *reader, const SubordinateIds *subordinates) {
        struct stat st;

        if (stat("/proc/self/ns/user", &st) < 0)
                return -errno;
        *reader = (PeerReader){
                .subordinates = subordinates,
                .namespace_dev = st.st_dev,
                .namespace_ino = st.st_ino,
        };
        return 0;
}

int peer_identify(int connection_fd, Peer *ret) {
        struct ucred credentials;
        socklen_t size = sizeof(credentials);

        if (getsockopt(connection_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
                return -errno;
        *ret = (Peer){
                .pid = (uint32_t)credentials.pid,
                .uid = credentials.uid,
                .gid = credentials.gid,
                .account = credentials.uid,
        };
        return 0;
}

/* Before Linux 6.5 the number may be another process's by the time that it is opened: then that has to be of
 * the same user, or the account is wrong. */
static int open_process(int connection_fd, const Peer *peer) {
        socklen_t size = sizeof(int);
        int fd;

        if (getsockopt(connection_fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0)
                return fd;
        if (errno != ENOPROTOOPT)
                return errno == EINVAL || errno == ENODATA ? -ESRCH : -errno;
        fd = (int)syscall(SYS_pidfd_open, (pid_t)peer->pid, 0);
        return fd < 0 ? -errno : fd;
}

static bool is_ours(const PeerReader *reader, int namespace_fd) {
        struct stat st;

        return fstat(namespace_fd, &st) == 0 && st.st_dev == reader->namespace_dev &&
               st.st_ino == reader->namespace_ino;
}

/* Returns 0 and the caller's fd of the outermost namespace, which may be the one given; or a negative errno.
 */
static int find_outermost(const PeerReader *reader, int namespace_fd, int *ret) {
        _cleanup_close_ int fd = namespace_fd;

        for (unsigned level = 0; level < LEVELS_MAX; level++) {
                int parent_fd = ioctl(fd, NS_GET_PARENT);

                if (parent_fd < 0) /* EPERM: it is not below ours */
                        return -errno;
                if (is_ours(reader, parent_fd)) {
                        fd_close(parent_fd);
                        *ret = TAKE_FD(fd);
                        return 0;
                }
                fd_close(fd);
                fd = parent_fd;
        }
        return -ELOOP;
}

/* *ret_inode is that of a namespace which root has created: its account is another's, if that is to be had.
 */
static int find_namespace_account(
        const PeerReader *reader, int outermost_fd, uint32_t *ret, uint32_t *ret_inode) {
        struct stat st;
        uid_t owner;

        if (ioctl(outermost_fd, NS_GET_OWNER_UID, &owner) < 0 || fstat(outermost_fd, &st) < 0)
                return -errno;
        if (owner == 0) {
                *ret_inode = (uint32_t)st.st_ino;
                return 0;
        }
        *ret = subordinate_ids_find_owner(reader->subordinates, owner);
        return 1;
}

/* By rule 1.  Returns 1, 0 where the process is in our own user namespace or in one of root's, or a negative
 * errno. */
static int account_by_namespace(const PeerReader *reader, Peer *peer, uint32_t *ret_inode) {
        char path[sizeof("/proc/4294967295/ns/user")];
        _cleanup_close_ int fd = -EBADF;
        int outermost_fd = -EBADF, r;

        (void)snprintf(path, sizeof(path), "/proc/%u/ns/user", peer->pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (is_ours(reader, fd))
                return 0;
        r = find_outermost(reader, TAKE_FD(fd), &outermost_fd);
        if (r < 0)
                return r;
        r = find_namespace_account(reader, outermost_fd, &peer->account, ret_inode);
        fd_close(outermost_fd);
        return r;
}

/* Of the hierarchy that systemd manages, HIERARCHY:CONTROLLERS:PATH.  Returns its path, or NULL. */
static const char *find_systemd_path(const char *line) {
        static const char *const hierarchies[] = {"0::", "name=systemd:"};
        const char *controllers = strchr(line, ':');

        if (strncmp(line, hierarchies[0], strlen(hierarchies[0])) == 0)
                return line + strlen(hierarchies[0]);
        if (controllers && strncmp(controllers + 1, hierarchies[1], strlen(hierarchies[1])) == 0)
                return controllers + 1 + strlen(hierarchies[1]);
        return NULL;
}

/* Only at the top: a user may create cgroups of any name below its own slice. */
static bool parse_path(const char *path, uint32_t *ret) {
        static const char prefix[] = "/user.slice/user-", suffix[] = ".slice";
        unsigned long long number;
        char *end;

        if (strncmp(path, prefix, strlen(prefix)) != 0 || !isdigit((unsigned char)path[strlen(prefix)]))
                return false;
        number = strtoull(path + strlen(prefix), &end, 10);
        if (number >= UINT32_MAX || strncmp(end, suffix, strlen(suffix)) != 0 ||
                (end[strlen(suffix)] != '/' && end[strlen(suffix)] != '\n'))
                return false;
        *ret = (uint32_t)number;
        return true;
}

bool peer_parse_slice(const char *text, uint32_t *ret) {
        for (const char *line = text; line && *line != '\0'; line = strchr(line, '\n')) {
                const char *path;

                line += *line == '\n';
                path = find_systemd_path(line);
                if (path && parse_path(path, ret))
                        return true;
        }
        return false;
}

/* By rule 2.  Returns 1, 0 where it is in no user's slice, or a negative errno. */
static int account_by_slice(Peer *peer) {
        char path[sizeof("/proc/4294967295/cgroup")], text[CGROUP_SIZE];
        _cleanup_close_ int fd = -EBADF;
        size_t length = 0;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%u/cgroup", peer->pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        do {
                n = read(fd, text + length, sizeof(text) - 1 - length);
                if (n < 0)
                        return -errno;
                length += (size_t)n;
        } while (n > 0 && length < sizeof(text) - 1);
        text[length] = '\0';
        return peer_parse_slice(text, &peer->account);
}

int peer_find_account(const PeerReader *reader, int connection_fd, Peer *peer) {
        _cleanup_close_ int process_fd = open_process(connection_fd, peer);
        struct pollfd process = {.fd = process_fd, .events = POLLIN};
        uint32_t inode = 0;
        int r;

        if (process_fd < 0)
                return process_fd;
        r = account_by_namespace(reader, peer, &inode);
        if (r == 0)
                r = account_by_slice(peer);
        /* What root runs in a namespace must not use up root's own share, nor what a user has a set-user-ID
         * program create there count as new each time. */
        if (r > 0 && inode != 0 && peer->account == 0)
                r = 0;
        if (r == 0)
                peer->account =
                        inode != 0 ? inode : subordinate_ids_find_owner(reader->subordinates, peer->uid);
        /* As long as the process lives, its number is no other's. */
        if (r == -ENOENT || poll(&process, 1, 0) != 0)
                return -ESRCH;
        return r < 0 ? r : 0;
}
