/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs the reader.  Run by workers.  Owns nothing.  Must never load anything: reader/load.c does so, in a
 * process of its own. */

#include "reader/reader.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "ebpf/run.h"

/* The list of what waits is read without its lock, and other threads' calls come and go. */
#define TRIES 4

static_assert(sizeof(ReaderRequest) % sizeof(uint64_t) == 0, "the program clears whole words");
static_assert(offsetof(ReaderRequest, groups) % sizeof(uint64_t) == 0, "the program writes whole words");
static_assert(offsetof(ReaderRequest, comm) % sizeof(uint64_t) == 0, "the program writes whole words");

int reader_ask(int program_fd, ReaderRequest *request) {
        int r = -ENOENT;

        for (unsigned i = 0; i < TRIES && r == -ENOENT; i++)
                r = program_run(program_fd, request, sizeof(*request));
        return r;
}
