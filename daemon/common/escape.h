/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes bytes from outside safe to print. */

#include <stddef.h>

/* Copies length bytes as printable text on one line.  Control bytes, backslash, double quote and what is not
 * UTF-8 become \xNN.  Where the text does not fit it is cut, and ends with "...".  size is at least 8.
 * Returns to. */
const char *escape_text(const char *from, size_t length, char *to, size_t size);
