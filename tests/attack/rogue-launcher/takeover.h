/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A connection that another program takes over: the pid stays the same. */

#include <stdint.h>

/* Greets for the profile, and executes program, a set-user-ID copy of this one, which calls
 * takeover_borrow(). */
int takeover_lend(const char *profile, char *program);

/* Sends a listener and knocks; prints "in" if the daemon accepts that.  If the program is root's, it first
 * becomes the calling user again, but without that user's groups. */
int takeover_borrow(int fd, uint64_t nonce);
