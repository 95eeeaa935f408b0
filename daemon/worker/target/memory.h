/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the memory of a target. */

#include <stddef.h>
#include <stdint.h>

#include "common/gone.h"
#include "common/ledger.h"
#include "worker/target/target.h"

/* Besides 0 and a negative errno. */
typedef enum MemoryStatus {
        MEMORY_GONE = STATUS_GONE,
        MEMORY_FAULT,    /* the address cannot be read: EFAULT */
        MEMORY_TOO_LONG, /* no NUL within PATH_MAX bytes: ENAMETOOLONG */
} MemoryStatus;

/* Reads a NUL-terminated string of at most PATH_MAX bytes, as getname() in the kernel does.  *ret_length
 * does not count the NUL.  Returns 0, MEMORY_GONE, MEMORY_FAULT, MEMORY_TOO_LONG or a negative errno. */
int memory_read_string(
        Target *target, uint64_t address, char ret[static LEDGER_ARGUMENT_SIZE], size_t *ret_length);
