/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Builds one record in journald's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).  Each field carries
 * the length of its value: no value can end a field or begin another. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define RECORD_SIZE 32768U

typedef struct RecordBuilder {
        bool overflow; /* a field did not fit: the record must not be sent */
        size_t length;
        char bytes[RECORD_SIZE];
} RecordBuilder;

/* Begins a new record. */
void record_builder_clear(RecordBuilder *builder);

/* Adds a field, whose value may be any bytes. */
void record_builder_add(RecordBuilder *builder, const char *field, const void *value, size_t size);

/* Adds a field of text, and cuts the text after 8191 bytes. */
__attribute__((format(printf, 3, 0))) void record_builder_add_text(
        RecordBuilder *builder, const char *field, const char *format, va_list arguments);
