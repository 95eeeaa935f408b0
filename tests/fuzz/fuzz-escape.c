/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds escape_text() any bytes, and a buffer of any size.  The result is printable UTF-8 on one line.  If
 * the buffer is large enough, each byte of the input can be told from it; otherwise it is the beginning of
 * that result and "...". */

#include "fuzz.h"

#include <locale.h>
#include <wchar.h>
#include <wctype.h>

#include "common/escape.h"
#include "common/ownership.h"

#define SIZE_MIN 8U /* see escape.h */

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void)argc;
        (void)argv;
        HOLDS(setlocale(LC_CTYPE, "C.UTF-8"));
        return 0;
}

static void check_printable(const char *text) {
        mbstate_t state = {};
        size_t n;

        for (const char *at = text; *at != '\0'; at += n) {
                wchar_t code;

                n = mbrtowc(&code, at, strlen(at), &state);
                HOLDS(n >= 1 && n <= 4);
                HOLDS(!iswcntrl((wint_t)code) && code != L'"');
        }
}

/* Reverses the escaping.  Returns the number of bytes. */
static size_t unescape(const char *text, char *to) {
        size_t n = 0;

        for (unsigned code; *text != '\0'; n++)
                if (*text == '\\') {
                        HOLDS(sscanf(text, "\\x%2x", &code) == 1);
                        to[n] = (char)code;
                        text += strlen("\\x00");
                } else
                        to[n] = *text++;
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        Input input = {bytes, size};
        size_t cut_size = SIZE_MIN + input_byte(&input), full_size = 4 * input.left + SIZE_MIN, length;
        _cleanup_free_ char *full = malloc(full_size), *cut = malloc(cut_size), *back = malloc(full_size);
        const char *from = (const char *)input.at;

        HOLDS(full && cut && back);
        HOLDS(escape_text(from, input.left, full, full_size) == full);
        HOLDS(escape_text(from, input.left, cut, cut_size) == cut);
        check_printable(full);
        check_printable(cut);
        HOLDS(unescape(full, back) == input.left && memcmp(back, from, input.left) == 0);
        length = strlen(cut);
        HOLDS(strcmp(cut, full) == 0 || (length >= 3 && strcmp(cut + length - 3, "...") == 0 &&
                                                strncmp(cut, full, length - 3) == 0));
        return 0;
}
