/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A connection to the daemon, as a launcher has one.  The process has one at a time. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/protocol.h"

#define PATIENCE_MSEC 30000
#define FDS_MAX 200

extern const char *socket_path;
extern int connection_fd;
extern int probe_fd; /* the directory in which a launcher proves that it is in the host's mount namespace */
extern ProtocolReply connection_reply; /* the daemon's last message */
extern bool connection_is_quiet;       /* prints nothing */

/* Exits with 255. */
__attribute__((noreturn)) void fail(const char *what);

/* Returns a new connection. */
int connection_open(void);

/* Returns a valid greeting for that profile. */
ProtocolHello connection_hello(const char *profile);

void connection_send(const void *message, size_t size, const int *fds, size_t n_fds);

/* Waits for the daemon's next message.  Returns its size, or 0 when the daemon has closed the connection. */
ssize_t connection_receive(void);

/* Receives until the daemon closes the connection, and prints how it ended: "refused: WHY" or "closed". */
void connection_print_end(void);

/* Does what a launcher does, up to the welcome and the probe. */
void connection_greet(void);

/* Sends the message that a launcher sends with its listener, with other descriptors. */
void connection_send_fds(const int *fds, size_t n_fds);

/* Greets, sends fd in the listener's place, and closes it. */
void connection_send_fd(int fd);
