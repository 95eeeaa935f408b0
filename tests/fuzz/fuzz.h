/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the fuzz targets share: libFuzzer's two entry points, assertions, and functions that take an input
 * apart. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What `meson test` takes for "skipped". */
#define EXIT_SKIP 77

/* Unlike assert(3), checked in every build. */
#define HOLDS(condition)                                                                                    \
        do {                                                                                                \
                if (!(condition)) {                                                                         \
                        (void)fprintf(                                                                      \
                                stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);      \
                        abort();                                                                            \
                }                                                                                           \
        } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The rest of an input. */
typedef struct Input {
        const uint8_t *at;
        size_t left;
} Input;

/* Takes up to size bytes of the input to the buffer to; if there are fewer, the rest of the buffer does not
 * change.  Returns how many. */
static inline size_t input_take(Input *input, void *to, size_t size) {
        size_t n = size < input->left ? size : input->left;

        if (n > 0)
                memcpy(to, input->at, n);
        input->at += n;
        input->left -= n;
        return n;
}

static inline uint8_t input_byte(Input *input) {
        uint8_t byte = 0;

        (void)input_take(input, &byte, sizeof(byte));
        return byte;
}

static inline uint32_t input_number(Input *input) {
        uint32_t number = 0;

        (void)input_take(input, &number, sizeof(number));
        return number;
}

/* Takes what comes before the next end byte, which is taken too, or all there is.  Returns the caller's
 * string, in memory of just its size, cut at the first NUL. */
static inline char *input_string(Input *input, char end) {
        const uint8_t *found = input->left > 0 ? memchr(input->at, end, input->left) : NULL;
        size_t length = found ? (size_t)(found - input->at) : input->left;
        char *string = strndup(length > 0 ? (const char *)input->at : "", length);

        HOLDS(string);
        input->at += found ? length + 1 : length;
        input->left -= found ? length + 1 : length;
        return string;
}
