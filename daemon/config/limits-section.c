/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiles a section [limits], for compile.c.  Owns nothing.  It must never replace a value that is out of
 * bounds by the nearest one that is not. */

#include "config/limits-section.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "config/timespan.h"

#define USEC_PER_SEC UINT64_C(1000000)

static int number_parse(const char *text, uint64_t *ret) {
        char *end;

        if (!isdigit((unsigned char)*text))
                return -EINVAL;
        errno = 0;
        *ret = strtoull(text, &end, 10);
        return *end != '\0' ? -EINVAL : -errno;
}

static const struct {
        size_t offset; /* in Limits */
        int (*parse)(const char *text, uint64_t *ret);
        uint64_t min, max;
        const char *expected; /* the same in words */
} rows[] = {
        [LIMITS_CALL_TIMEOUT] = {offsetof(Limits, call_timeout_usec), timespan_parse, USEC_PER_SEC / 10,
                3600 * USEC_PER_SEC, "a time span from 100ms to 1h"},
        [LIMITS_HANDSHAKE_TIMEOUT] = {offsetof(Limits, handshake_timeout_usec), timespan_parse,
                USEC_PER_SEC / 10, 60 * USEC_PER_SEC, "a time span from 100ms to 1min"},
        [LIMITS_SESSIONS] = {offsetof(Limits, sessions), number_parse, 1, LIMITS_SESSIONS_MAX,
                "a number from 1 to 1000"},
        [LIMITS_SESSIONS_PER_USER] = {offsetof(Limits, sessions_per_user), number_parse, 1,
                LIMITS_SESSIONS_MAX, "a number from 1 to 1000"},
        [LIMITS_CONNECTIONS_PER_USER] = {offsetof(Limits, connections_per_user), number_parse, 1,
                LIMITS_CONNECTIONS_MAX, "a number from 1 to 1000"},
        [LIMITS_RECORDS_PER_SECOND] = {offsetof(Limits, records_per_second), number_parse, 1, 1000000,
                "a number from 1 to 1000000"},
};

void limits_section_compile(Sections *sections, const Section *section, Limits *limits) {
        for (unsigned key = 0; key < sizeof(rows) / sizeof(rows[0]); key++) {
                const Value *value = &section->values[key];
                uint64_t number;

                if (!value->text)
                        continue;
                if (rows[key].parse(value->text, &number) < 0 || number < rows[key].min ||
                        number > rows[key].max)
                        section_error(sections, section, value->line, "%s must be %s, not '%s'",
                                section_grammar[SECTION_LIMITS].keys[key], rows[key].expected, value->text);
                else
                        *(uint64_t *)(void *)((char *)limits + rows[key].offset) = number;
        }
}
