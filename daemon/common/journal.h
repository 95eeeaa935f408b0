/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The socket to journald.  libsystemd's sd_journal_send() has a socket too; but a forked child that closes
 * all descriptors closes that one, and it blocks for as long as journald does. */

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* How many records journal_send() takes. */
#define JOURNAL_RECORDS_MAX 16U

/* Returns 0 and the caller's fd, or a negative errno: what socket(2) or connect(2) says. */
int journal_open(int *ret);

/* Sends n records without waiting, and connects again where journald was restarted.  Returns how many
 * journald took, or a negative errno where it took none: -EAGAIN where it is busy, -EMSGSIZE where it never
 * takes the first. */
int journal_send(int socket_fd, struct iovec *records, size_t n);

/* Waits until journald takes more, for at most usec. */
void journal_wait(int socket_fd, uint64_t usec);

/* Waits until journald has read all that was sent, for at most usec, and a moment longer.  journald reads
 * the unit of a record from the sender's /proc entry.  If the sender exits earlier, `journalctl -u` does not
 * show the record. */
void journal_drain(int socket_fd, uint64_t usec);
