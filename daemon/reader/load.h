/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Loads the reader into the kernel, and tries it. */

#include <stddef.h>

/* Returns 0 and the caller's descriptor of the program; or a negative errno after writing a clause for
 * people that says why.  Run by a child of the daemon's, which does nothing else: libbpf stays in its
 * memory. */
int reader_load(char *reason, size_t size, int *ret_fd);
