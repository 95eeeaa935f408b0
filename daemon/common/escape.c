/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Escapes text.  Pure functions; run by the daemon, its workers and its other children.  Must never let
 * through a byte that ends a line or commands a terminal. */

#include "common/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Returns the length of the UTF-8 sequence that from begins with.  Returns 0 where there is no sequence, and
 * where it is overlong, a surrogate, a control code, or one that ends a line. */
static size_t utf8_length(const uint8_t *from, size_t length) {
        static const uint32_t smallest[] = {0, 0, 0x80 + 0x20 /* C1 controls */, 0x800, 0x10000};
        size_t n = from[0] >= 0xf0 ? 4 : from[0] >= 0xe0 ? 3 : 2;
        uint32_t code = from[0] & (0x7fU >> n);

        if (from[0] < 0xc2 || from[0] > 0xf4 || n > length)
                return 0;
        for (size_t i = 1; i < n; i++) {
                if ((from[i] & 0xc0) != 0x80)
                        return 0;
                code = code << 6 | (from[i] & 0x3f);
        }
        if (code == 0x2028 || code == 0x2029) /* line separator, paragraph separator */
                return 0;
        return code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : n;
}

const char *escape_text(const char *from, size_t length, char *to, size_t size) {
        size_t out = 0;

        for (size_t i = 0, n; i < length; i += n) {
                const uint8_t *at = (const uint8_t *)from + i;

                n = *at >= 0x80 ? utf8_length(at, length - i) : *at >= 0x20 && *at != 0x7f;
                if (out + 8 > size) { /* "..." and NUL, or a sequence and then those */
                        out += (size_t)sprintf(to + out, "...");
                        break;
                }
                if (n > 0 && *at != '\\' && *at != '"') {
                        memcpy(to + out, at, n);
                        out += n;
                } else {
                        out += (size_t)sprintf(to + out, "\\x%02x", *at);
                        n = 1;
                }
        }
        to[out] = '\0';
        return to;
}
