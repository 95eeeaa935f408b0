/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the configuration in force.  Run by the daemon.  A Configuration owns the policy, the loader, and
 * the text in systemd's store.  It must never put an incomplete policy in force, and never leave sessions
 * without one. */

#include "configuration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/escape.h"
#include "common/ownership.h"
#include "config/load.h"
#include "policy-loader.h"

#define TROUBLE_SIZE 480

/* How long stored sessions wait at a start for the files to be read: where the last good configuration is
 * stored, too, and where it is not.  The latter wait is bounded by the loader. */
#define START_GRACE_USEC 1000000U
#define START_PATIENCE_USEC (2 * POLICY_LOADER_PATIENCE_USEC)

struct Configuration {
        const ConfigurationContext *context;
        Policy *policy;
        PolicyLoader *loader;
        sd_event_source *retry_source;
        uint64_t serial; /* of the stored text; 0: none is stored */
        bool is_usable;
        bool is_settled;
        bool is_current;    /* the policy is from files that this daemon has read */
        bool is_unprompted; /* the daemon was not told to do the load in hand */
        char *candidate;    /* the text that an unprompted load must find again */
        char *messages;     /* the last that were recorded */
        size_t messages_size;
        char trouble[TROUBLE_SIZE];
};

static void configuration_set_policy(Configuration *configuration, Policy *policy) {
        Policy *old = configuration->policy;

        configuration->policy = policy;
        configuration->context->on_policy(configuration->context->userdata);
        policy_free(old);
}

/* Records the messages, but not again where an unprompted load finds the same. */
static void configuration_report(
        Configuration *configuration, const PolicyLoaderResult *result, bool is_unprompted) {
        size_t size = result->messages_size;
        char *copy;

        if (is_unprompted && size == configuration->messages_size &&
                (size == 0 || memcmp(result->messages, configuration->messages, size) == 0))
                return;
        for (size_t at = 0; at < size; at += strlen(result->messages + at) + 1)
                (void)report_line(configuration->context->report,
                        result->messages[at] == 'w' ? REPORT_WARNING : REPORT_CONFIG_REJECTED, "%s",
                        result->messages + at + 1);
        copy = malloc(size + 1);
        free(configuration->messages);
        configuration->messages = copy;
        configuration->messages_size = copy ? size : 0;
        if (copy && size > 0)
                memcpy(copy, result->messages, size);
}

/* Says why a load failed that found no error in the files. */
static const char *explain(int error) {
        switch (error) {
        case -ETIMEDOUT:
                return "it could not be read within 20 s; does the name service answer for its users= and "
                       "groups=?";
        case -ECHILD:
                return "the process that reads it, snotifyd-config, was killed or failed";
        default:
                return strerror(-error);
        }
}

/* Returns how many errors there are, and the first one. */
static unsigned find_errors(const PolicyLoaderResult *result, const char **ret) {
        unsigned n = 0;

        for (size_t at = 0; at < result->messages_size; at += strlen(result->messages + at) + 1)
                if (result->messages[at] == 'e' && n++ == 0)
                        *ret = result->messages + at + 1;
        return n;
}

/* Notes one clause for what is wrong. */
static void configuration_note_trouble(Configuration *configuration, const PolicyLoaderResult *result) {
        char text[TROUBLE_SIZE - 64];
        const char *first = "";
        unsigned n = find_errors(result, &first);

        if (n == 0)
                (void)snprintf(configuration->trouble, TROUBLE_SIZE, "%s: %s", configuration->context->path,
                        explain(result->error));
        else
                (void)snprintf(configuration->trouble, TROUBLE_SIZE, "%s%s",
                        escape_text(first, strlen(first), text, sizeof(text)), n > 1 ? " (and more)" : "");
}

static void configuration_retry_within(Configuration *configuration, uint64_t usec) {
        (void)sd_event_source_set_time_relative(configuration->retry_source, usec);
        (void)sd_event_source_set_enabled(configuration->retry_source, SD_EVENT_ONESHOT);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Configuration *configuration = userdata;

        (void)source;
        (void)usec;
        if (!policy_loader_is_busy(configuration->loader)) {
                configuration->is_unprompted = true;
                policy_loader_start(configuration->loader);
        }
        return 0;
}

/* The files cannot be used, and the policy in force is not from them. */
static void configuration_refuse_sessions(Configuration *configuration, bool is_news) {
        char why[2 * TROUBLE_SIZE];

        (void)snprintf(why, sizeof(why), "the configuration is broken: %s", configuration->trouble);
        (void)policy_set_refusal(configuration->policy, why); /* where memory is short the old text stays */
        configuration->context->on_policy(configuration->context->userdata);
        configuration_retry_within(configuration, CONFIGURATION_RETRY_USEC);
        if (is_news && configuration->is_usable)
                (void)report_line(configuration->context->report, REPORT_CONFIG_REJECTED,
                        "no session begins until the configuration is corrected; running ones go on "
                        "under the last good one");
}

static void configuration_reject(
        Configuration *configuration, const PolicyLoaderResult *result, bool is_unprompted) {
        Report *report = configuration->context->report;
        char before[TROUBLE_SIZE];
        bool is_news;

        (void)memcpy(before, configuration->trouble, sizeof(before));
        configuration_note_trouble(configuration, result);
        is_news = !is_unprompted || strcmp(before, configuration->trouble) != 0;
        if (is_news && result->error != -EINVAL)
                (void)report_line(report, REPORT_CONFIG_REJECTED, "%s", configuration->trouble);
        if (!configuration->is_current)
                configuration_refuse_sessions(configuration, is_news);
        else
                (void)report_line(report, REPORT_CONFIG_REJECTED,
                        "the configuration was not reloaded: policy generation %" PRIu64 " stays in force",
                        policy_generation(configuration->policy));
}

static void on_effective_message(ConfigSeverity severity, const char *message, void *userdata) {
        const Configuration *configuration = userdata;

        (void)severity;
        (void)report_line(configuration->context->report, REPORT_WARNING, "%s", message);
}

/* Stores the new text before it removes the old one: a daemon that dies in between leaves both. */
static void configuration_store(Configuration *configuration, int text_fd) {
        uint64_t before = configuration->serial;
        int r;

        r = store_put_policy(before + 1, text_fd);
        if (r < 0) {
                (void)report_line(configuration->context->report, REPORT_ERROR,
                        "cannot store the configuration for a restart: %s", strerror(-r));
                return;
        }
        configuration->serial = before + 1;
        if (before > 0)
                store_remove_policy(before);
}

static char *free_text(char *text) {
        free(text);
        return NULL;
}

static int configuration_accept(Configuration *configuration, const PolicyLoaderResult *result) {
        uint64_t generation = policy_generation(configuration->policy) + 1;
        Report *report = configuration->context->report;
        Policy *policy;
        int r;

        r = config_load_effective(
                result->text, result->text_size, generation, on_effective_message, configuration, &policy);
        if (r < 0)
                return r;
        configuration_store(configuration, result->text_fd);
        configuration->is_usable = configuration->is_current = true;
        configuration->trouble[0] = '\0';
        configuration->candidate = free_text(configuration->candidate);
        (void)sd_event_source_set_enabled(configuration->retry_source, SD_EVENT_OFF);
        /* Before a worker can judge by it, so that the journal has the records in this order. */
        report_begin(report, REPORT_CONFIG_LOADED);
        report_text(report, "SNOTIFY_GENERATION", "%" PRIu64, generation);
        (void)report_send(
                report, "loaded %s, policy generation %" PRIu64, configuration->context->path, generation);
        configuration_set_policy(configuration, policy);
        return 0;
}

/* Is the result the same as that of the load before?  Files that the daemon reads unprompted may be half
 * written; once they stay the same from one load to the next they are taken for whole. */
static bool configuration_is_steady(Configuration *configuration, const PolicyLoaderResult *result) {
        bool is_same = configuration->candidate && result->text &&
                       strcmp(configuration->candidate, result->text) == 0;

        free(configuration->candidate);
        configuration->candidate = result->text ? strdup(result->text) : NULL;
        return is_same;
}

static void on_result(const PolicyLoaderResult *result, void *userdata) {
        Configuration *configuration = userdata;
        bool is_steady = configuration_is_steady(configuration, result),
             is_unprompted = configuration->is_unprompted;
        PolicyLoaderResult failed = *result;

        configuration->is_unprompted = false;
        if (result->error == 0 && is_unprompted && !is_steady) {
                configuration_retry_within(configuration, CONFIGURATION_RETRY_USEC);
                return;
        }
        configuration_report(configuration, result, is_unprompted);
        if (result->error == 0)
                failed.error = configuration_accept(configuration, result);
        if (failed.error < 0)
                configuration_reject(configuration, &failed, is_unprompted);
        configuration->is_settled = true;
        configuration->context->on_loaded(configuration->context->userdata);
}

/* Runs the event loop until the files were read. */
static int configuration_await(const Configuration *configuration, uint64_t usec, const bool *is_stopping) {
        uint64_t until = clock_usec(CLOCK_MONOTONIC) + usec;
        int r = 0;

        while (r >= 0 && !*is_stopping && !configuration->is_settled) {
                uint64_t now = clock_usec(CLOCK_MONOTONIC);

                if (now >= until)
                        break;
                r = sd_event_run(configuration->context->event, until - now);
        }
        return r < 0 ? r : 0;
}

int configuration_start(Configuration *configuration, bool has_sessions, const bool *is_stopping) {
        bool has_last_good = configuration->is_usable;

        /* Without a last good configuration there is none to go on with: then the files take effect as they
         * are. */
        configuration->is_unprompted = has_last_good;
        policy_loader_start(configuration->loader);
        return configuration_await(configuration,
                has_sessions && has_last_good ? START_GRACE_USEC : START_PATIENCE_USEC, is_stopping);
}

void configuration_reload(Configuration *configuration) {
        policy_loader_start(configuration->loader);
}

/* Puts the text that an earlier daemon stored in force.  The first load is compared with it. */
static void configuration_restore(Configuration *configuration, StoreContents *stored) {
        _cleanup_close_ int text_fd = TAKE_FD(stored->policy_fd);
        _cleanup_free_ char *text = NULL;
        Policy *policy;
        size_t size;
        int r;

        if (text_fd < 0)
                return;
        configuration->serial = stored->policy_serial;
        r = policy_loader_read_text(text_fd, &text, &size);
        if (r >= 0)
                r = config_load_effective(text, size, 0, on_effective_message, configuration, &policy);
        if (r < 0) {
                (void)report_line(configuration->context->report, REPORT_ERROR,
                        "cannot read the last good configuration: %s", strerror(-r));
                return;
        }
        policy_free(configuration->policy);
        configuration->policy = policy;
        configuration->candidate = TAKE_PTR(text);
        configuration->is_usable = true;
}

static int configuration_init(Configuration *configuration) {
        const ConfigurationContext *context = configuration->context;
        int r;

        r = policy_new(0, &configuration->policy);
        if (r >= 0)
                r = policy_loader_new(
                        context->event, context->path, on_result, configuration, &configuration->loader);
        if (r >= 0)
                r = sd_event_add_time(context->event, &configuration->retry_source, CLOCK_MONOTONIC, 0, 0,
                        on_retry, configuration);
        if (r >= 0)
                r = sd_event_source_set_enabled(configuration->retry_source, SD_EVENT_OFF);
        return r;
}

int configuration_new(const ConfigurationContext *context, StoreContents *stored, Configuration **ret) {
        Configuration *configuration = calloc(1, sizeof(*configuration));
        int r;

        if (!configuration)
                return -ENOMEM;
        configuration->context = context;
        r = configuration_init(configuration);
        if (r < 0) {
                configuration_free(configuration);
                return r;
        }
        configuration_restore(configuration, stored);
        *ret = configuration;
        return 0;
}

Configuration *configuration_free(Configuration *configuration) {
        if (!configuration)
                return NULL;
        sd_event_source_unref(configuration->retry_source);
        policy_loader_free(configuration->loader);
        policy_free(configuration->policy);
        free(configuration->candidate);
        free(configuration->messages);
        free(configuration);
        return NULL;
}

bool configuration_is_settled(const Configuration *configuration) {
        return configuration->is_settled;
}

bool configuration_is_usable(const Configuration *configuration) {
        return configuration->is_usable;
}

const Policy *configuration_policy(const Configuration *configuration) {
        return configuration->policy;
}

const char *configuration_trouble(const Configuration *configuration, char *to, size_t size) {
        if (configuration->trouble[0] == '\0')
                to[0] = '\0';
        else
                (void)snprintf(to, size, "The configuration on disk is broken, %s: %s; ",
                        configuration->is_current ? "keeping the last good one" : "no session begins",
                        configuration->trouble);
        return to;
}
