/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines on standard error, whose reader may have stopped reading.
 *
 * A pipe, a socket or a terminal that is not read becomes full, and a write to it blocks.  O_NONBLOCK
 * belongs to the open file description, which other processes share.  Hence the output opens pipes and
 * terminals anew, uses MSG_DONTWAIT with sockets, and writes regular files as they are. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct StderrOutput StderrOutput;

/* Creates an output to what stderr is now.  Returns 0 or a negative errno.  stderr_output_free() takes NULL
 * and returns NULL. */
int stderr_output_new(StderrOutput **ret);
StderrOutput *stderr_output_free(StderrOutput *output);

/* The descriptor that a child must keep to use the output: 2, or one that the output owns. */
int stderr_output_fd(const StderrOutput *output);

/* Writes one line, and adds the newline.  Cuts the line after PIPE_BUF bytes, which a pipe takes as a whole
 * or not at all.  Waits for room for at most patience_usec.  After a wait in vain no process that has the
 * output waits, until stderr takes a line again.  Returns false where the line is lost. */
__attribute__((format(printf, 3, 0))) bool stderr_output_vprint(
        StderrOutput *output, uint64_t patience_usec, const char *format, va_list arguments);
