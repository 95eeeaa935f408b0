/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The reader at the daemon's start. */

#define READER_REASON_SIZE 256

typedef struct ReaderSetUp {
        int program_fd;                  /* the caller's; -EBADF: there is no reader, workers ask /proc */
        char reason[READER_REASON_SIZE]; /* why; a clause for people */
} ReaderSetUp;

/* Has a child (snotifyd-reader) load the reader, and waits for it.  Must be called while the process has its
 * capabilities: CAP_BPF and CAP_PERFMON are needed, and only by the child. */
void reader_set_up(ReaderSetUp *ret);
