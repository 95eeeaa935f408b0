/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Quantiles.  Run by the main process. */

#include "samples.h"

#include <err.h>
#include <stdlib.h>

void samples_add(Samples *samples, uint32_t ns) {
        if (samples->n == samples->room) {
                samples->room = samples->room ? 2 * samples->room : 16384;
                samples->ns = reallocarray(samples->ns, samples->room, sizeof(*samples->ns));
                if (!samples->ns)
                        err(1, "samples");
        }
        samples->ns[samples->n++] = ns;
}

static int compare(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

double samples_quantile(Samples *samples, double share) {
        if (samples->n == 0)
                return 0;
        qsort(samples->ns, samples->n, sizeof(*samples->ns), compare);
        return samples->ns[(size_t)(share * (double)(samples->n - 1))];
}
