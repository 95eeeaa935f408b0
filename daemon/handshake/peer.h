/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The process at the other end of a connection, and whose account it counts for.
 *
 * One user can have many uids: those of /etc/subuid, in a user namespace.  Limits by uid would bound
 * nothing.  So they go by account, which is the first that applies:
 *
 *   1. the owner of the outermost user namespace below ours that the process is in.  Where that is root, who
 *      creates namespaces for others, it is the namespace's inode number, which is greater than any uid in
 * use;
 *   2. the user in whose slice (systemd's user-UID.slice) the process is, which processes of the user cannot
 *      leave;
 *   3. the owner of its uid, in /etc/subuid;
 *   4. its uid.
 *
 * It is never the login uid: a process without one can set it to any. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "handshake/subordinate-ids.h"

typedef struct Peer {
        uint32_t pid; /* 0: the process is outside of our PID namespace */
        uint32_t uid;
        uint32_t gid;
        uint32_t account;
} Peer;

typedef struct PeerReader {
        const SubordinateIds *subordinates;
        dev_t namespace_dev; /* our own user namespace */
        ino_t namespace_ino;
} PeerReader;

/* Returns 0 or a negative errno. */
int peer_reader_init(PeerReader *reader, const SubordinateIds *subordinates);

/* Reads what the kernel noted when the process connected (SO_PEERCRED).  The account is the uid for now.
 * Returns 0 or a negative errno. */
int peer_identify(int connection_fd, Peer *ret);

/* Finds the account.  Needs CAP_SYS_PTRACE.  Returns 0, -ESRCH where the process that connected is dead, or
 * another negative errno. */
int peer_find_account(const PeerReader *reader, int connection_fd, Peer *peer);

/* Finds the account by rule 2 in text, which is like /proc/PID/cgroup.  Returns whether there is one. */
bool peer_parse_slice(const char *text, uint32_t *ret);

/* Is uid one of the four user IDs in text, which is like /proc/PID/status? */
bool peer_parse_uids(const char *text, uint32_t uid);
