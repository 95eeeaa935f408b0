/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The configuration in force: which policy there is, where it came from, and what is wrong with the files.
 *
 * The last good configuration is kept in systemd's store as effective text.  Where a daemon starts with
 * files that have an error it serves the sessions that run by that text, and its policy refuses new ones
 * (policy_refusal()) until the files are mended: it looks again every few seconds, and when told to reload.
 */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "common/report.h"
#include "policy/policy.h"
#include "session/store.h"

/* How often broken files are read again where no session can begin because of them. */
#define CONFIGURATION_RETRY_USEC 3000000U

typedef struct Configuration Configuration;

typedef struct ConfigurationContext {
        sd_event *event;
        Report *report;
        const char *path;
        /* The policy was replaced, or why no session begins: the old one and its texts are gone when this
         * returns. */
        void (*on_policy)(void *userdata);
        /* A load is over, whatever came of it; after on_policy(). */
        void (*on_loaded)(void *userdata);
        void *userdata;
} ConfigurationContext;

/* Begins with what is stored, whose policy is generation 0; or with nothing, by which everything is denied.
 * Takes the fd out of stored.  context stays the caller's.  Returns 0 or a negative errno.
 * configuration_free() takes NULL and returns NULL. */
int configuration_new(const ConfigurationContext *context, StoreContents *stored, Configuration **ret);
Configuration *configuration_free(Configuration *configuration);

/* Reads the files; does not wait. */
void configuration_load(Configuration *configuration);

/* Has a load been over? */
bool configuration_is_settled(const Configuration *configuration);

/* Is there a good configuration, of now or before? */
bool configuration_is_usable(const Configuration *configuration);

/* Never NULL. */
const Policy *configuration_policy(const Configuration *configuration);

/* Copies what is wrong with the files, as the beginning of a status line; "" where nothing is.  Returns to.
 */
const char *configuration_trouble(const Configuration *configuration, char *to, size_t size);
