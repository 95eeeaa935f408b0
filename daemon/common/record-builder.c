/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds records for the journal.  Run by the daemon and by workers.  Owns nothing.  Must never let a value
 * forge a field. */

#include "common/record-builder.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

void record_builder_clear(RecordBuilder *builder) {
        builder->overflow = false;
        builder->length = 0;
}

static void append(RecordBuilder *builder, const void *bytes, size_t size) {
        if (size > sizeof(builder->bytes) - builder->length) {
                builder->overflow = true;
                return;
        }
        memcpy(builder->bytes + builder->length, bytes, size);
        builder->length += size;
}

void record_builder_add(RecordBuilder *builder, const char *field, const void *value, size_t size) {
        uint8_t length[8]; /* little endian */

        for (size_t i = 0; i < sizeof(length); i++)
                length[i] = (uint8_t)((uint64_t)size >> (8 * i));
        append(builder, field, strlen(field));
        append(builder, "\n", 1);
        append(builder, length, sizeof(length));
        append(builder, value, size);
        append(builder, "\n", 1);
}

void record_builder_add_text(
        RecordBuilder *builder, const char *field, const char *format, va_list arguments) {
        char text[8192];
        int length = vsnprintf(text, sizeof(text), format, arguments);

        if (length < 0)
                return;
        if ((size_t)length >= sizeof(text))
                length = sizeof(text) - 1;
        record_builder_add(builder, field, text, (size_t)length);
}
