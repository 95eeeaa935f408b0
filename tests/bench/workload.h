/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the conductor and bench-workload share.
 *
 *      bench-workload COMMAND_FD SAMPLES_FD KIND DIRECTORY
 *
 * The conductor writes a uint32_t to COMMAND_FD: how many calls to make.  The workload writes their times to
 * the Batch that SAMPLES_FD is, and the number back.  End of file means: leave. */

#include <stdint.h>

#define BATCH_MAX 256

typedef struct Batch {
        uint32_t ns[BATCH_MAX];
        uint32_t n_wrong; /* calls that did not return what they should, ever */
        int32_t wrong;    /* the errno of the last of them */
} Batch;
