/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The protocol between the main process and bench-workload.
 *
 *      bench-workload COMMAND_FD SAMPLES_FD KIND DIRECTORY
 *
 * The main process writes a uint32_t to COMMAND_FD: how many calls to make.  The workload writes their
 * durations to the Batch that is the file SAMPLES_FD, and the number back to COMMAND_FD.  It exits at end of
 * file. */

#include <stdint.h>

#define BATCH_MAX 256

typedef struct Batch {
        uint32_t ns[BATCH_MAX];
        uint32_t n_wrong; /* calls with another result than the expected one, since the start */
        int32_t wrong;    /* the errno of the last of them */
} Batch;
