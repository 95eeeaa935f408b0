/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What many rules cost. */

typedef struct Lookup {
        double load_ns;    /* reading and compiling the configuration */
        double one_ns;     /* judging a path that a rule covers, always the same ten */
        double in_turn_ns; /* judging a path under each rule in turn: caches don't help */
} Lookup;

/* Makes a configuration with n_rules rules, and measures; medians. */
void lookup_measure(unsigned n_rules, Lookup *ret);
