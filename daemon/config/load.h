/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Loads a configuration: from INI files to a policy.  snotify.conf(5) documents the keys. */

#include <stddef.h>
#include <stdint.h>

#include "config/errors.h"
#include "policy/policy.h"

/* CONFIG_PATH, the default configuration file, comes from the build. */

/* Reads the file at path, then those files in the directory path.d that end in .conf, in the order of their
 * names; the directory need not exist.  Compiles them.  Calls on_message for every error and warning, not
 * only for the first.  Asks the name service for users and groups that are given by name, for as long as it
 * takes to answer: the daemon calls this in a child.  Returns 0 and the caller's new policy and effective
 * text (effective-text.h; ret_text may be NULL), -EINVAL after at least one error was reported, or -ENOMEM.
 */
int config_load(const char *path, uint64_t generation, ConfigMessageFunction on_message, void *userdata,
        char **ret_text, Policy **ret);

/* Compiles an effective text, which an earlier release may have written.  What this release does not
 * understand is reported as errors and skipped, but never so that more is allowed: a rule with such a key or
 * value denies, and where a rule cannot be compiled at all, its profiles deny everything.  Asks no name
 * service.  Returns 0 and the caller's new policy, or -ENOMEM. */
int config_load_effective(const char *text, size_t size, uint64_t generation,
        ConfigMessageFunction on_message, void *userdata, Policy **ret);
