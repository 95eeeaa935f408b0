/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The cost of many rules. */

typedef struct Lookup {
        double load_ns;    /* reading and compiling the configuration */
        double one_ns;     /* looking up a path that a rule covers; always the same ten paths */
        double in_turn_ns; /* looking up a path under each rule in turn, so that caches do not help */
} Lookup;

/* Writes a configuration with n_rules rules, and measures.  The results are medians. */
void lookup_measure(unsigned n_rules, Lookup *ret);
