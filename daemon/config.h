/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The configuration: INI files into a policy.  snotify.conf(5) documents the keys. */

#include <stdint.h>

#include "common/policy.h"

#define CONFIG_PATH "/etc/snotify.conf"

/* Receives each error as one sentence that starts with "FILE:LINE: " (or "FILE: " where there is no line).
 */
typedef void (*ConfigErrorFunction)(const char *message, void *userdata);

/* Reads the file at path, then path.d's files that end in .conf in the order of their names (no such
 * directory: fine), and compiles them.  Calls on_error for every error found, not only the first.  Returns 0
 * and the caller's new policy, -EINVAL after at least one error was reported, or -ENOMEM. */
int config_load(
        const char *path, uint64_t generation, ConfigErrorFunction on_error, void *userdata, Policy **ret);
