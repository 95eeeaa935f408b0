/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds out which process connected, and whose it is.  Run by the acceptor.  Owns nothing.  Must never take
 * what it reads of a process that has the number by now for that of the one that connected. */

#include "handshake/peer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

/* The kernel lets user namespaces nest 33 levels deep (one more than its level 32, create_user_ns()). */
#define LEVELS_MAX 33

/* Room for a file of /proc/PID.  The longest is cgroup: up to twelve hierarchies of cgroup v1, each with a
 * path of less than PATH_MAX. */
#define TEXT_SIZE 65536U

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

/* Reads /proc/PID/NAME into text.  Returns 0 or a negative errno. */
static int read_file(uint32_t pid, const char *name, char text[static TEXT_SIZE]) {
        char path[64];
        _cleanup_close_ int fd = -EBADF;
        size_t length = 0;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/%s", pid, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        do {
                n = read(fd, text + length, TEXT_SIZE - 1 - length);
                if (n < 0)
                        return -errno;
                length += (size_t)n;
        } while (n > 0 && length < TEXT_SIZE - 1);
        text[length] = '\0';
        return 0;
}

bool peer_parse_uids(const char *text, uint32_t uid) {
        const char *line = strstr(text, "\nUid:");
        uint32_t uids[4] = {};

        if (!line || sscanf(line, "\nUid: %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32, &uids[0], &uids[1],
                             &uids[2], &uids[3]) != 4)
                return false;
        return uids[0] == uid || uids[1] == uid || uids[2] == uid || uids[3] == uid;
}

/* Before Linux 6.5 the number can be that of another process by the time that it is opened.  One of another
 * user is told by its uid, and is not taken for the one that connected.  One of the same user may be taken
 * for it: it can be in a user namespace whose owner is another account. */
static int open_by_number(const Peer *peer) {
        _cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, (pid_t)peer->pid, 0);
        char text[TEXT_SIZE];
        int r;

        if (fd < 0)
                return -errno;
        r = read_file(peer->pid, "status", text);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        return peer_parse_uids(text, peer->uid) ? TAKE_FD(fd) : -ESRCH;
}

/* Returns a pidfd, -ESRCH where the process is dead, or another negative errno. */
static int open_process(int connection_fd, const Peer *peer) {
        socklen_t size = sizeof(int);
        int fd;

        if (getsockopt(connection_fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0)
                return fd;
        if (errno == ENOPROTOOPT)
                return open_by_number(peer);
        return errno == EINVAL || errno == ENODATA ? -ESRCH : -errno;
}

static bool is_ours(const PeerReader *reader, int namespace_fd) {
        struct stat st;

        return fstat(namespace_fd, &st) == 0 && st.st_dev == reader->namespace_dev &&
               st.st_ino == reader->namespace_ino;
}

/* Finds the outermost namespace below ours, which may be the one that is passed, and whose fd is taken over.
 * Returns 0 and the caller's fd, or a negative errno. */
static int find_outermost(const PeerReader *reader, int namespace_fd, int *ret) {
        _cleanup_close_ int fd = namespace_fd;

        for (unsigned level = 0; level < LEVELS_MAX; level++) {
                int parent_fd = ioctl(fd, NS_GET_PARENT);

                if (parent_fd < 0) /* EPERM: the namespace is not below ours */
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

/* Where root has created the namespace, *ret_inode is its number, and the account is not found yet. */
static int find_namespace_account(const PeerReader *reader, int outermost_fd, uint32_t *ret_account,
        bool *ret_is_found, uint32_t *ret_inode) {
        struct stat st;
        uid_t owner;

        if (ioctl(outermost_fd, NS_GET_OWNER_UID, &owner) < 0 || fstat(outermost_fd, &st) < 0)
                return -errno;
        *ret_is_found = owner != 0;
        if (*ret_is_found)
                *ret_account = subordinate_ids_find_owner(reader->subordinates, owner);
        else
                *ret_inode = (uint32_t)st.st_ino;
        return 0;
}

/* By rule 1.  Returns 0 or a negative errno. */
static int account_by_namespace(
        const PeerReader *reader, Peer *peer, bool *ret_is_found, uint32_t *ret_inode) {
        char path[sizeof("/proc/4294967295/ns/user")];
        _cleanup_close_ int fd = -EBADF;
        int outermost_fd = -EBADF, r;

        (void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/ns/user", peer->pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (is_ours(reader, fd))
                return 0;
        r = find_outermost(reader, TAKE_FD(fd), &outermost_fd);
        if (r < 0)
                return r;
        r = find_namespace_account(reader, outermost_fd, &peer->account, ret_is_found, ret_inode);
        fd_close(outermost_fd);
        return r;
}

/* Takes a line HIERARCHY:CONTROLLERS:PATH.  Returns its path where systemd manages the hierarchy, else NULL.
 */
static const char *find_systemd_path(const char *line) {
        static const char *const hierarchies[] = {"0::", "name=systemd:"};
        const char *controllers = strchr(line, ':');

        if (strncmp(line, hierarchies[0], strlen(hierarchies[0])) == 0)
                return line + strlen(hierarchies[0]);
        if (controllers && strncmp(controllers + 1, hierarchies[1], strlen(hierarchies[1])) == 0)
                return controllers + 1 + strlen(hierarchies[1]);
        return NULL;
}

/* Looks at the top alone: a user may create cgroups of any name below the user's slice. */
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

/* By rule 2.  Returns 0 or a negative errno. */
static int account_by_slice(Peer *peer, bool *ret_is_found) {
        char text[TEXT_SIZE];
        int r = read_file(peer->pid, "cgroup", text);

        if (r < 0)
                return r;
        *ret_is_found = peer_parse_slice(text, &peer->account);
        return 0;
}

/* By all rules.  Returns 0 or a negative errno. */
static int find_account(const PeerReader *reader, Peer *peer) {
        bool is_found = false;
        uint32_t inode = 0;
        int r;

        r = account_by_namespace(reader, peer, &is_found, &inode);
        if (r >= 0 && !is_found)
                r = account_by_slice(peer, &is_found);
        if (r < 0)
                return r;
        /* What root runs in a namespace must not use up root's own share.  Nor must what a user has a
         * set-user-ID program create there count anew each time. */
        if (inode != 0 && peer->account == 0)
                is_found = false;
        if (!is_found)
                peer->account =
                        inode != 0 ? inode : subordinate_ids_find_owner(reader->subordinates, peer->uid);
        return 0;
}

int peer_find_account(const PeerReader *reader, int connection_fd, Peer *peer) {
        _cleanup_close_ int process_fd = open_process(connection_fd, peer);
        struct pollfd process = {.fd = process_fd, .events = POLLIN};
        int r;

        if (process_fd < 0)
                return process_fd;
        r = find_account(reader, peer);
        /* As long as the process lives, its number is no other's. */
        return r == -ENOENT || poll(&process, 1, 0) != 0 ? -ESRCH : r;
}
