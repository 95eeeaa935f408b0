/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parses time spans as systemd.time(7) describes them, because libsystemd does not export its own parser.
 * Pure functions.  It must never wrap round: a span that does not fit is an error. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/timespan.h"

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC (1000 * USEC_PER_MSEC)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)

static const struct {
        const char *name;
        uint64_t usec;
} units[] = {
        {"", USEC_PER_SEC},
        {"us", 1},
        {"usec", 1},
        {"\u00b5s", 1}, /* micro sign */
        {"\u03bcs", 1}, /* Greek mu */
        {"ms", USEC_PER_MSEC},
        {"msec", USEC_PER_MSEC},
        {"s", USEC_PER_SEC},
        {"sec", USEC_PER_SEC},
        {"second", USEC_PER_SEC},
        {"seconds", USEC_PER_SEC},
        {"m", USEC_PER_MINUTE},
        {"min", USEC_PER_MINUTE},
        {"minute", USEC_PER_MINUTE},
        {"minutes", USEC_PER_MINUTE},
        {"h", USEC_PER_HOUR},
        {"hr", USEC_PER_HOUR},
        {"hour", USEC_PER_HOUR},
        {"hours", USEC_PER_HOUR},
};

static const char *skip_blanks(const char *text) {
        return text + strspn(text, " \t");
}

/* Returns the unit in microseconds, or 0 where there is no such unit. */
static uint64_t unit_usec(const char *name, size_t length) {
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
                if (strlen(units[i].name) == length && memcmp(units[i].name, name, length) == 0)
                        return units[i].usec;
        return 0;
}

/* Parses one number with its unit, and moves *position to what follows. */
static int term_parse(const char **position, uint64_t *ret_usec) {
        const char *fraction = NULL, *unit;
        uint64_t number, usec, scale;
        char *end;

        if (!isdigit((unsigned char)**position))
                return -EINVAL;
        errno = 0;
        number = strtoull(*position, &end, 10);
        if (errno != 0)
                return -ERANGE;
        if (end[0] == '.' && isdigit((unsigned char)end[1])) {
                fraction = end + 1;
                end += 1 + strspn(fraction, "0123456789");
        }
        unit = skip_blanks(end);
        *position = unit + strcspn(unit, " \t0123456789");
        scale = unit_usec(unit, (size_t)(*position - unit));
        if (scale == 0)
                return -EINVAL;
        if (__builtin_mul_overflow(number, scale, &usec))
                return -ERANGE;
        for (; fraction && isdigit((unsigned char)*fraction); fraction++) {
                scale /= 10;
                if (__builtin_add_overflow(usec, (uint64_t)(*fraction - '0') * scale, &usec))
                        return -ERANGE;
        }
        *ret_usec = usec;
        return 0;
}

int timespan_parse(const char *text, uint64_t *ret_usec) {
        const char *position = skip_blanks(text);
        uint64_t sum = 0, usec;
        int r;

        do {
                r = term_parse(&position, &usec);
                if (r < 0)
                        return r;
                if (__builtin_add_overflow(sum, usec, &sum))
                        return -ERANGE;
                position = skip_blanks(position);
        } while (*position != '\0');
        *ret_usec = sum;
        return 0;
}
