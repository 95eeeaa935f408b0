/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's event loop, and the wiring of what lives in it.  The Manager owns the configuration, the
 * filters, the handshakes and all sessions.  It must never block, and never touch a target's memory or
 * paths.
 */

#include "manager.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "activation.h"
#include "common/clock.h"
#include "common/ownership.h"
#include "common/privileges.h"
#include "configuration.h"
#include "handshake/handshakes.h"
#include "host.h"
#include "policy/policy.h"
#include "sandbox/filter.h"
#include "sandbox/sandboxes.h"
#include "session/guard-refusals.h"
#include "session/session-table.h"
#include "session/store.h"
#include "signals.h"
#include "status.h"

/* How long each step of a stop may take. */
#define STOP_USEC 1000000U

struct Manager {
        ManagerOptions options;
        Report *report;
        sd_event *event;
        ConfigurationContext configuration_context;
        Configuration *configuration;
        Filters filters;
        Sandboxes sandboxes;
        Host host;
        SignalsContext signals_context;
        StatusContext status_context;
        Status *status;
        SessionContext session_context;
        HandshakesContext handshakes_context;
        Handshakes *handshakes;
        SessionTable *sessions;
        GuardRefusals *guard_refusals;
        Activation activation;
        sd_event_source *trim_source;
        bool stopping;
};

static void collect_status(StatusTotals *ret, void *userdata) {
        const Manager *manager = userdata;

        (void)configuration_trouble(manager->configuration, ret->trouble, sizeof(ret->trouble));
        ret->launchers = manager->handshakes ? handshakes_trouble(manager->handshakes) : "";
        ret->sessions = (uint32_t)session_table_size(manager->sessions);
        ret->generation = policy_generation(configuration_policy(manager->configuration));
        ret->guard_trouble = manager->handshakes_context.guard_trouble;
        ret->reader_trouble =
                manager->options.reader->program_fd < 0 ? manager->options.reader->reason : NULL;
        session_table_sum(manager->sessions, &ret->calls, &ret->hanging_workers);
}

/* What sessions allocate while they begin lies scattered over many pages. */
static int on_trim(sd_event_source *source, void *userdata) {
        const Manager *manager = userdata;

        (void)source;
        if (!session_table_is_active(manager->sessions))
                (void)malloc_trim(0);
        return 0;
}

static void on_session_active(void *userdata) {
        const Manager *manager = userdata;

        status_update(manager->status);
}

static void on_session_idle(void *userdata) {
        const Manager *manager = userdata;

        (void)sd_event_source_set_enabled(manager->trim_source, SD_EVENT_ONESHOT);
        status_update(manager->status);
}

static void on_session_end(Session *session, void *userdata) {
        Manager *manager = userdata;

        session_table_remove(manager->sessions, session);
        on_session_idle(manager);
}

static void manager_count_sessions(uint32_t account, AdmissionCounts *ret, void *userdata) {
        const Manager *manager = userdata;

        ret->sessions += (uint32_t)session_table_size(manager->sessions);
        ret->sessions_of_account += session_table_count(manager->sessions, account);
}

/* Begins the session of a launcher whose handshake has succeeded. */
static int manager_begin_session(Manager *manager, const Candidate *candidate) {
        SessionIdentity identity = {
                .session_id = candidate->session_id,
                .started_usec = clock_usec(CLOCK_REALTIME),
                .uid = candidate->result->uid,
                .account = candidate->result->account,
                .pid = candidate->result->pid,
                .guarded = candidate->result->guarded,
        };
        _cleanup_close_ int listener_fd = candidate->listener_fd;

        memcpy(identity.profile, candidate->result->profile, sizeof(identity.profile));
        memcpy(identity.label, candidate->result->label, sizeof(identity.label));
        return session_table_begin(manager->sessions, &identity, &candidate->result->knock,
                candidate->knock_answer, TAKE_FD(listener_fd));
}

static int on_candidate(const Candidate *candidate, void *userdata) {
        Manager *manager = userdata;

        if (!candidate->result->has_sync_wake_up)
                host_report_missing_sync(&manager->host, manager->report);
        status_update(manager->status);
        return manager_begin_session(manager, candidate);
}

static void on_handshakes_trouble(void *userdata) {
        const Manager *manager = userdata;

        status_update(manager->status);
}

static void on_policy(void *userdata) {
        Manager *manager = userdata;
        const Policy *before = manager->session_context.policy;

        manager->session_context.policy = manager->handshakes_context.policy =
                configuration_policy(manager->configuration);
        if (before == manager->session_context.policy)
                return;
        /* The administrator may have changed both. */
        host_read_subordinates(&manager->host, manager->report);
        if (manager->handshakes)
                handshakes_renew(manager->handshakes);
        session_table_renew(manager->sessions);
}

static void on_config_loaded(void *userdata) {
        Manager *manager = userdata;

        if (!manager->handshakes)
                return; /* still starting */
        status_ready();
        status_show(manager->status);
}

static void on_reload(void *userdata) {
        Manager *manager = userdata;

        if (manager->handshakes)
                status_reloading();
        configuration_reload(manager->configuration);
}

static void on_stop(void *userdata) {
        Manager *manager = userdata;

        /* Not sd_event_exit(): manager_stop() still runs the loop until the workers have exited. */
        manager->stopping = true;
}

static int manager_start_config(Manager *manager, StoreContents *stored) {
        int r;

        r = configuration_new(&manager->configuration_context, stored, &manager->configuration);
        if (r < 0)
                return r;
        on_policy(manager);
        return configuration_start(manager->configuration, stored->n_sessions > 0, &manager->stopping);
}

/* Without a configuration there is only one reason to go on: running sessions, whose calls would otherwise
 * wait for a daemon that systemd starts over and over.  All their calls are denied. */
static int manager_check_config(const Manager *manager) {
        if (configuration_is_usable(manager->configuration) || manager->stopping)
                return 0;
        (void)report_line(manager->report, REPORT_ERROR,
                session_table_size(manager->sessions) > 0
                        ? "with these errors in the configuration, and no last good one, all calls "
                          "of running sessions are denied"
                        : "not starting with these errors in the configuration");
        return session_table_size(manager->sessions) > 0 ? 0 : -EINVAL;
}

/* Lets launchers connect, once there is a configuration for their sessions. */
static int manager_accept_launchers(Manager *manager) {
        int r;

        privileges_raise(CAP_SYS_ADMIN);    /* to check what the kernel offers to launchers */
        privileges_raise(CAP_DAC_OVERRIDE); /* to create the socket in another user's directory */
        r = activation_listen(&manager->activation, manager->options.socket_path, manager->report);
        if (r < 0)
                return r;
        r = handshakes_new(
                &manager->handshakes_context, TAKE_FD(manager->activation.socket_fd), &manager->handshakes);
        if (r < 0) {
                (void)report_line(manager->report, REPORT_ERROR, "cannot start: %s", strerror(-r));
                return r;
        }
        status_ready();
        status_show(manager->status);
        return 0;
}

static int manager_open(Manager *manager) {
        StoreContents *stored = &manager->activation.stored;
        int r;

        r = activation_take(manager->report, &manager->activation);
        if (r >= 0)
                r = session_table_new(&manager->session_context, stored, &manager->sessions);
        if (r < 0)
                return r;
        r = manager_start_config(manager, stored);
        if (r < 0) {
                (void)report_line(manager->report, REPORT_ERROR, "cannot start: %s", strerror(-r));
                return r;
        }
        session_table_restore(manager->sessions, stored);
        if (guard_refusals_new(&manager->session_context, manager->sessions, &manager->guard_refusals) < 0)
                (void)report_line(manager->report, REPORT_WARNING, "cannot record what the guard refuses");
        store_contents_done(stored);
        r = manager_check_config(manager);
        if (r >= 0 && configuration_is_settled(manager->configuration))
                r = manager_accept_launchers(manager);
        return r;
}

/* Runs once it is enabled and nothing else is left to do. */
static int manager_add_trim(Manager *manager) {
        int r;

        r = sd_event_add_defer(manager->event, &manager->trim_source, on_trim, manager);
        if (r >= 0)
                r = sd_event_source_set_priority(manager->trim_source, SD_EVENT_PRIORITY_IDLE);
        return r < 0 ? r : sd_event_source_set_enabled(manager->trim_source, SD_EVENT_OFF);
}

static int manager_create_event_loop(Manager *manager) {
        int r;

        r = sd_event_new(&manager->event);
        if (r < 0)
                return r;
        manager->session_context.event = manager->handshakes_context.event = manager->event;
        manager->configuration_context.event = manager->status_context.event = manager->event;
        r = sd_event_set_watchdog(manager->event, true);
        if (r >= 0)
                r = signals_watch(manager->event, &manager->signals_context);
        if (r >= 0)
                r = manager_add_trim(manager);
        if (r >= 0)
                r = status_new(&manager->status_context, &manager->status);
        return r;
}

/* The steps that record nothing themselves where they fail. */
static int manager_prepare(Manager *manager) {
        int r;

        r = filters_build(manager->options.guard->guard != NULL, &manager->filters);
        if (r >= 0)
                r = sandboxes_build(&manager->sandboxes);
        if (r >= 0)
                r = manager_create_event_loop(manager);
        if (r >= 0)
                r = host_open(manager->report, &manager->host);
        if (r < 0)
                return r;
        manager->session_context.daemon_fd = manager->host.daemon_fd;
        manager->session_context.host_root_fd = manager->host.root_fd;
        manager->session_context.cgroups_fd = manager->host.cgroups_fd;
        return 0;
}

/* Said once, whatever is started later. */
static void manager_report_guard(const Manager *manager) {
        const GuardSetUp *guard = manager->options.guard;

        if (!guard->guard)
                (void)report_line(manager->report, REPORT_FEATURE_MISSING,
                        "there is no guard: %s; workers perform the calls of sessions that begin from now "
                        "on",
                        guard->reason);
        if (guard->n_sessions > 0)
                (void)report_line(manager->report, REPORT_NOTE,
                        "sessions that the guard finds running: %" PRIu32
                        "; those without a daemon stay guarded until their last process ends",
                        guard->n_sessions);
        if (guard->n_foreign > 0)
                (void)report_line(manager->report, REPORT_NOTE,
                        "of these, guarded by another version of snotifyd: %" PRIu32, guard->n_foreign);
}

static void manager_report_reader(const Manager *manager) {
        const ReaderSetUp *reader = manager->options.reader;

        if (reader->program_fd < 0)
                (void)report_line(manager->report, REPORT_FEATURE_MISSING,
                        "there is no reader: %s; workers read their callers from /proc, which takes longer",
                        reader->reason);
}

static int manager_init(Manager *manager) {
        int r;

        manager_report_guard(manager);
        manager_report_reader(manager);

        r = host_check_kernel(manager->report);
        if (r < 0)
                return r;
        r = manager_prepare(manager);
        if (r < 0) {
                (void)report_line(manager->report, REPORT_ERROR, "cannot start: %s", strerror(-r));
                return r;
        }
        return manager_open(manager);
}

int manager_new(const ManagerOptions *options, Report *report, Manager **ret) {
        Manager *manager;
        int r;

        manager = calloc(1, sizeof(*manager));
        if (!manager)
                return -ENOMEM;
        *manager = (Manager){
                .options = *options,
                .report = report,
                .host = HOST_NONE,
                .activation = ACTIVATION_NONE,
                .signals_context = {.on_reload = on_reload, .on_stop = on_stop, .userdata = manager},
                .status_context = {.collect = collect_status, .userdata = manager},
                .session_context = {.report = report,
                        .sandboxes = &manager->sandboxes,
                        .guard = options->guard->guard,
                        .reader_fd = options->reader->program_fd,
                        .on_active = on_session_active,
                        .on_idle = on_session_idle,
                        .on_end = on_session_end,
                        .userdata = manager},
                .handshakes_context = {.report = report,
                        .sandboxes = &manager->sandboxes,
                        .filters = &manager->filters,
                        .guard_trouble = options->guard->guard ? NULL : options->guard->reason,
                        .subordinates = &manager->host.subordinates,
                        .on_candidate = on_candidate,
                        .on_trouble = on_handshakes_trouble,
                        .count_sessions = manager_count_sessions,
                        .userdata = manager},
        };
        manager->configuration_context = (ConfigurationContext){
                .report = report,
                .path = options->config_path,
                .on_policy = on_policy,
                .on_loaded = on_config_loaded,
                .userdata = manager,
        };
        r = manager_init(manager);
        if (r < 0) {
                manager_free(manager);
                return r;
        }
        *ret = manager;
        return 0;
}

Manager *manager_free(Manager *manager) {
        if (!manager)
                return NULL;
        handshakes_free(manager->handshakes);
        guard_refusals_free(manager->guard_refusals);
        session_table_free(manager->sessions);
        privileges_raise(CAP_DAC_OVERRIDE); /* to remove the socket from another user's directory */
        activation_done(&manager->activation);
        configuration_free(manager->configuration);
        status_free(manager->status);
        sd_event_source_unref(manager->trim_source);
        sd_event_unref(manager->event);
        host_close(&manager->host);
        free(manager);
        return NULL;
}

/* Undoes the start, in reverse: no new launchers, no new calls, a moment for those in hand.  The ledgers
 * hold those that are not finished by then. */
static void manager_stop(Manager *manager) {
        status_stopping();
        manager->handshakes = handshakes_free(manager->handshakes);
        session_table_shut_down(manager->sessions, STOP_USEC);
        report_drain(manager->report, STOP_USEC);
}

int manager_run(Manager *manager) {
        int r = 0;

        privileges_lower();
        while (r >= 0 && !manager->stopping) {
                r = sd_event_run(manager->event, UINT64_MAX);
                if (r >= 0 && !manager->handshakes && configuration_is_settled(manager->configuration)) {
                        r = manager_accept_launchers(manager);
                        privileges_lower();
                }
        }
        if (r < 0)
                (void)report_line(manager->report, REPORT_ERROR, "the event loop failed: %s", strerror(-r));
        manager_stop(manager);
        return r < 0 ? r : 0;
}
