/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the guard needs of the machine, checked by name, because the kernel's own errors do not tell. */

#include <stddef.h>

/* Returns 0, or a negative errno after writing a clause for people: what is missing, and the remedy if there
 * is one. */
int check_system(char *reason, size_t size);
