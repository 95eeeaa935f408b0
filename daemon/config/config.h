/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The configuration: INI files into a policy.  snotify.conf(5) documents the keys. */

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

#define CONFIG_PATH "/etc/snotify.conf"

typedef enum ConfigSeverity {
        CONFIG_ERROR,   /* the configuration is not to be used */
        CONFIG_WARNING, /* part of it has no effect now */
} ConfigSeverity;

/* Receives each error and warning as one sentence that starts with "FILE:LINE: " (or "FILE: " where there is
 * no line). */
typedef void (*ConfigMessageFunction)(ConfigSeverity severity, const char *message, void *userdata);

/* Reads the file at path, then path.d's files that end in .conf in the order of their names (no such
 * directory: fine), and compiles them.  Calls on_message for every error found, not only the first.  Asks
 * the name service for the users and groups that are given by name, for as long as that takes: the daemon
 * calls this in a child.  Returns 0 and the caller's new policy and effective text (effective-text.h;
 * ret_text may be NULL), -EINVAL after at least one error was reported, or -ENOMEM. */
int config_load(const char *path, uint64_t generation, ConfigMessageFunction on_message, void *userdata,
        char **ret_text, Policy **ret);

/* Compiles an effective text, which an earlier release may have written.  What this release does not
 * understand is reported as errors and skipped, never so that more is allowed: a rule with such a key or
 * value denies, and where a rule cannot be had at all, its profiles deny everything.  Asks nobody.  Returns
 * 0 and the caller's new policy, or -ENOMEM. */
int config_load_effective(const char *text, size_t size, uint64_t generation,
        ConfigMessageFunction on_message, void *userdata, Policy **ret);
