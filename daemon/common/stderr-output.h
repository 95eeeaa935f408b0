/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Standard error as a place for lines, which a reader that has stopped does not hold up.
 *
 * A pipe, a socket or a terminal that is not read is full at some time, and a write to it blocks for as long
 * as its reader likes.  O_NONBLOCK belongs to the open file description, which other processes share: so
 * pipes and terminals are opened anew, and sockets have MSG_DONTWAIT.  A regular file is written as it is.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct StderrOutput StderrOutput;

/* Takes what stderr is now.  Returns 0 or a negative errno.  stderr_output_free() takes NULL and returns
 * NULL. */
int stderr_output_new(StderrOutput **ret);
StderrOutput *stderr_output_free(StderrOutput *output);

/* The descriptor that a child needs to write, too: 2 or one of the output's own. */
int stderr_output_fd(const StderrOutput *output);

/* Writes one line, to which it adds the newline.  It has PIPE_BUF bytes at most, what is longer is cut: so
 * much a pipe takes as a whole or not at all.  Waits patience_usec where there is no room; but after a wait
 * in vain, of whichever process that has the output, none waits until one of its lines is taken.  Returns
 * false where the line is lost. */
__attribute__((format(printf, 3, 0))) bool stderr_output_vprint(
        StderrOutput *output, uint64_t patience_usec, const char *format, va_list arguments);
