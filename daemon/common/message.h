/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages over a Unix socket that keeps their boundaries, each with at most one file descriptor. */

#include <stddef.h>
#include <sys/types.h>

/* Sends a message, and fd with it unless fd is negative.  fd stays the caller's.  Returns 0, -EPIPE where
 * the peer is gone (without SIGPIPE), or another negative errno. */
int message_send(int socket_fd, const void *message, size_t size, int fd);

/* Receives a message without waiting, and one fd with it unless ret_fd is NULL.  Returns the message's size,
 * which may be larger than room; 0 where the peer is gone; -EPROTO where more fds came than that; or another
 * negative errno.  The caller owns *ret_fd, even after -EPROTO.  The kernel drops all further fds. */
ssize_t message_receive(int socket_fd, void *message, size_t room, int *ret_fd);
