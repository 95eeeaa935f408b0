/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The configuration in force: its policy, and what is wrong with the files.
 *
 * The last good configuration is kept in systemd's store, as effective text.  A daemon that starts with
 * files that have an error serves running sessions by that text, and its policy refuses new ones
 * (policy_refusal()) until the files are mended: the daemon reads them again every few seconds, and when
 * told to reload.
 *
 * What a daemon reads without being told to may be half written: it takes effect once it is the same twice
 * in a row.  So it is also at a start, which may follow a crash: files that differ from the last good
 * configuration are read again before they take effect. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "common/report.h"
#include "policy/policy.h"
#include "session/store.h"

/* How long after files that did not take effect they are read again. */
#define CONFIGURATION_RETRY_USEC 3000000U

typedef struct Configuration Configuration;

typedef struct ConfigurationContext {
        sd_event *event;
        Report *report;
        const char *path;
        /* The policy, or its refusal, was replaced.  The old policy and its texts are gone when this
         * returns. */
        void (*on_policy)(void *userdata);
        /* A load has succeeded or failed; called after on_policy(). */
        void (*on_loaded)(void *userdata);
        void *userdata;
} ConfigurationContext;

/* Begins with the stored configuration, whose policy is generation 0; or with an empty policy, which denies
 * everything.  Takes the fd out of stored.  context stays the caller's, and outlives the configuration.
 * Returns 0 or a negative errno.  configuration_free() takes NULL and returns NULL. */
int configuration_new(const ConfigurationContext *context, StoreContents *stored, Configuration **ret);
Configuration *configuration_free(Configuration *configuration);

/* Reads the files when the daemon starts.  Runs the event loop until that is done, or *is_stopping becomes
 * true, but no longer than sessions can be kept waiting, if there are any.  Returns 0 or a negative errno.
 */
int configuration_start(Configuration *configuration, bool has_sessions, const bool *is_stopping);

/* Reads the files because the daemon is told to.  Does not wait. */
void configuration_reload(Configuration *configuration);

/* Has a load succeeded or failed? */
bool configuration_is_settled(const Configuration *configuration);

/* Is there a good configuration, from the files or from the store? */
bool configuration_is_usable(const Configuration *configuration);

/* Never NULL. */
const Policy *configuration_policy(const Configuration *configuration);

/* Copies what is wrong with the files, as the beginning of a status line; "" where nothing is.  Returns to.
 */
const char *configuration_trouble(const Configuration *configuration, char *to, size_t size);
