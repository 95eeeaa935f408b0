/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages over a Unix socket that keeps their boundaries, each with at most one file descriptor. */

#include <stddef.h>
#include <sys/types.h>

/* Sends a message, and fd with it unless that is negative; fd stays the caller's.  Returns 0 or a negative
 * errno; a peer that is gone is -EPIPE, and raises no signal. */
int message_send(int socket_fd, const void *message, size_t size, int fd);

/* Receives a message without waiting.  Returns its size, which may be larger than room; 0 where the peer is
 * gone; -EPROTO where more fds came with it than belong there: one, none where ret_fd is NULL; or another
 * negative errno.  The first fd becomes the caller's in *ret_fd, even then; the kernel drops the others and
 * none is ever installed. */
ssize_t message_receive(int socket_fd, void *message, size_t room, int *ret_fd);
