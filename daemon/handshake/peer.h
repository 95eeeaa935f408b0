/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The process at the other end of a connection, and whose account it is on.
 *
 * One user can have many uids: those of /etc/subuid in a user namespace.  Limits that went by uid would
 * bound none. An account is, the first that applies:
 *
 *   1. the owner of the outermost user namespace that the process is in below ours; where that is root, who
 * creates namespaces for others, the namespace's inode number, which is greater than any uid in use;
 *   2. the user whose slice of systemd's (user-UID.slice) it is in, which processes of the user cannot
 * leave;
 *   3. the owner of its uid, in /etc/subuid;
 *   4. its uid.
 *
 * It is never the login uid: a process without one sets it to any. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "handshake/subordinate-ids.h"

typedef struct Peer {
        uint32_t pid; /* 0: it is outside of our PID namespace */
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

/* Who connected, as the kernel noted then (SO_PEERCRED).  The account is the uid for now.  Returns 0 or a
 * negative errno. */
int peer_identify(int connection_fd, Peer *ret);

/* Finds the account.  Needs CAP_SYS_PTRACE.  Returns 0, -ESRCH where the process that connected is dead, or
 * another negative errno. */
int peer_find_account(const PeerReader *reader, int connection_fd, Peer *peer);

/* The account of a process in the cgroups that text, as in /proc/PID/cgroup, tells, by rule 2.  Returns
 * whether there is one. */
bool peer_parse_slice(const char *text, uint32_t *ret);
