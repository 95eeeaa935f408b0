/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Measures the policy alone, without a daemon.  Run by the main process. */

#include "lookup.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/load.h"
#include "policy/policy.h"
#include "samples.h"
#include "testbed.h"

#define RUNS 21U
#define LOOKUPS 10000U
#define PATH_SIZE 48

static void on_message(ConfigSeverity severity, const char *message, void *userdata) {
        (void)severity;
        (void)userdata;
        errx(1, "%s", message);
}

static void write_config(const char *name, unsigned n_rules) {
        FILE *file = fopen(name, "we");

        if (!file)
                err(1, "%s", name);
        (void)fputs("[profile default]\ndefault = deny\n", file);
        for (unsigned i = 0; i < n_rules; i++)
                (void)fprintf(file, "[rule r%u]\npath = /srv/app%u/data/\naction = allow\n", i, i);
        if (fclose(file) != 0)
                err(1, "%s", name);
}

static double judge_all(const Profile *profile, char (*paths)[PATH_SIZE], unsigned n_paths) {
        Samples samples = {};
        Verdict verdict;
        double median;

        for (unsigned run = 0; run < RUNS; run++) {
                uint64_t start = clock_ns();

                for (unsigned i = 0; i < LOOKUPS; i++) {
                        profile_judge(profile, OPERATION_MKDIR, paths[i % n_paths], &verdict);
                        if (verdict.action != ACTION_ALLOW)
                                errx(1, "%s is not allowed", paths[i % n_paths]);
                }
                samples_add(&samples, (uint32_t)(clock_ns() - start));
        }
        median = samples_quantile(&samples, 0.5) / LOOKUPS;
        free(samples.ns);
        return median;
}

void lookup_measure(unsigned n_rules, Lookup *ret) {
        static const char config[] = TESTBED "/lookup.conf";
        char(*paths)[PATH_SIZE] = calloc(n_rules, sizeof(*paths));
        Samples loads = {};
        Policy *policy = NULL;
        const Profile *profile;

        if (!paths)
                err(1, "paths");
        write_config(config, n_rules);
        for (unsigned run = 0; run < RUNS; run++) {
                uint64_t start;

                policy_free(policy);
                start = clock_ns();
                if (config_load(config, 1, on_message, NULL, NULL, &policy) < 0)
                        errx(1, "%s was not loaded", config);
                samples_add(&loads, (uint32_t)(clock_ns() - start));
        }
        for (unsigned i = 0; i < n_rules; i++)
                (void)snprintf(paths[i], PATH_SIZE, "/srv/app%u/data/x/y", i);
        profile = policy_find_profile(policy, "default");
        *ret = (Lookup){
                .load_ns = samples_quantile(&loads, 0.5),
                .one_ns = judge_all(profile, paths, 10),
                .in_turn_ns = judge_all(profile, paths, n_rules),
        };
        policy_free(policy);
        free(paths);
        free(loads.ns);
}
