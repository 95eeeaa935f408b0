/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds timespan_parse() any text.  A refused text does not change the result.  An accepted one has the
 * value that a floating point computation gives, and twice that when the text is written twice. */

#include "fuzz.h"

#include <errno.h>
#include <math.h>

#include "common/ownership.h"
#include "config/timespan.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

/* In microseconds, of a text that is a time span.  The first bytes of a unit tell which it is; seconds are
 * what is left. */
static long double estimate(const char *text) {
        static const struct {
                const char *start;
                long double usec;
        } units[] = {{"us", 1}, {"\u00b5", 1}, {"\u03bc", 1}, {"ms", 1e3L}, {"m", 6e7L}, {"h", 36e8L},
                {"", 1e6L}};
        long double sum = 0;

        while (*text != '\0') {
                char *end;
                long double number = strtold(text, &end);
                size_t i = 0;

                text = end;
                text += strspn(text, " \t");
                while (strncmp(text, units[i].start, strlen(units[i].start)) != 0)
                        i++;
                sum += number * units[i].usec;
                text += strcspn(text, " \t0123456789");
                text += strspn(text, " \t");
        }
        return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        Input input = {bytes, size};
        _cleanup_free_ char *text = input_string(&input, '\0'), *twice = NULL;
        uint64_t usec = UNTOUCHED, sum = UNTOUCHED;
        int r, again;

        HOLDS(asprintf(&twice, "%s\t%s", text, text) >= 0);
        r = timespan_parse(text, &usec);
        again = timespan_parse(twice, &sum);
        HOLDS(r == 0 || r == -EINVAL || r == -ERANGE);
        HOLDS(r == 0 || usec == UNTOUCHED);
        HOLDS(again == (r == 0 && usec > UINT64_MAX / 2 ? -ERANGE : r));
        /* What is less than a microsecond is lost, in each digit and each number. */
        HOLDS(r < 0 || fabsl(estimate(text) - usec) <= size + usec * 1e-15L);
        HOLDS(again == 0 ? sum == 2 * usec : sum == UNTOUCHED);
        return 0;
}
