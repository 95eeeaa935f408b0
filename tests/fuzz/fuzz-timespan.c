/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds timespan_parse() any text.  What is refused leaves the result alone, and what is accepted counts
 * twice when it is written twice. */

#include "fuzz.h"

#include <errno.h>

#include "common/ownership.h"
#include "timespan.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

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
        HOLDS(again == 0 ? sum == 2 * usec : sum == UNTOUCHED);
        return 0;
}
