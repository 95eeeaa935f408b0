/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Deals with all launchers that connect.  Run by the daemon.  Owns the listening socket, the acceptors, the
 * handover socket and all handshakes.  Must never hold a connection, not even to close it: see verifier.h.
 */

#include "handshake/handshakes.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/ownership.h"
#include "common/privileges.h"
#include "handshake/acceptors.h"
#include "handshake/handshake-list.h"
#include "handshake/launcher-status.h"
#include "handshake/probe-fs.h"
#include "handshake/refusals.h"

/* For how long no process is started after one could not be. */
#define PAUSE_USEC 100000U

struct Handshakes {
        const HandshakesContext *context;
        int socket_fd;
        int handover_fds[2]; /* verifiers read the first, acceptors write the second */
        int proc_fd;         /* for verifiers */
        AcceptorsContext acceptors_context;
        Acceptors *acceptors;
        HandoverQueue handover;
        HandshakeContext handshake_context;
        HandshakeList list;
        Refusals *refusals;
        sd_event_source *pause_source;
        bool is_paused;
        bool has_told_pause; /* since a process was started last */
        pid_t lost_pid;      /* a verifier that is to be reaped; 0: none */
};

/* Launchers wait for so long: none is lost. */
static void handshakes_pause(Handshakes *handshakes) {
        handshakes->is_paused = true;
        (void)sd_event_source_set_time_relative(handshakes->pause_source, PAUSE_USEC);
        (void)sd_event_source_set_enabled(handshakes->pause_source, SD_EVENT_ONESHOT);
}

static void report_trouble(Handshakes *handshakes, int error) {
        if (!handshakes->has_told_pause)
                (void)report_line(handshakes->context->report, REPORT_ERROR,
                        "cannot receive launchers: %s; they wait, and snotifyd tries again",
                        strerror(error));
        handshakes->has_told_pause = true;
}

static void handshakes_fail(Handshakes *handshakes, int error) {
        report_trouble(handshakes, -error);
        handshakes_pause(handshakes);
}

static void change(Handshakes *handshakes, uint32_t account, int at_work, int hanging) {
        const AcceptorChange change = {.account = account, .at_work = at_work, .hanging = hanging};

        if (handshakes->acceptors)
                acceptors_change(handshakes->acceptors, &change);
}

static void on_lost_connection(uint32_t account, void *userdata) {
        change(userdata, account, -1, 0);
}

/* Called in the verifier.  While one takes a connection, no other does, and all that came
 * before have told whose theirs are. */
static void count_admissions(uint32_t account, AdmissionCounts *ret, void *userdata) {
        const Handshakes *handshakes = userdata;

        handshakes->context->count_sessions(account, ret, handshakes->context->userdata);
        handshake_list_count(&handshakes->list, account, ret);
}

static int handshakes_start(Handshakes *handshakes) {
        const HandshakesContext *context = handshakes->context;
        const VerifierArguments arguments = {
                .handover_fd = handshakes->handover_fds[0],
                .proc_fd = handshakes->proc_fd,
                .policy = context->policy,
                .filters = context->filters,
                .guard_trouble = context->guard_trouble,
                .count_admissions = count_admissions,
                .userdata = handshakes,
                .sandbox = &context->sandboxes->verifier,
        };
        Handshake *handshake;
        int r;

        if (handshakes->lost_pid > 0 && waitpid(handshakes->lost_pid, NULL, WNOHANG) != 0)
                handshakes->lost_pid = 0;
        r = handshake_new(&handshakes->handshake_context, &arguments, &handshake);
        if (r < 0)
                return r;
        handshake->n_announced = handshakes->handover.n;
        handshake_list_add(&handshakes->list, handshake);
        return 0;
}

/* Starts a verifier for the next connection, while there is room for one. */
static void handshakes_serve(Handshakes *handshakes) {
        int r;

        if (handshakes->list.accepting || handshakes->is_paused || handshakes->handover.n == 0 ||
                handshakes->list.n_at_work >= ACCEPTOR_TOTAL_MAX ||
                handshakes->list.n_hanging >= HANDSHAKES_HANGING_MAX)
                return;
        r = handshakes_start(handshakes);
        if (r < 0)
                handshakes_fail(handshakes, r);
        else
                handshakes->has_told_pause = false;
}

static void on_connected(Handshake *handshake, void *userdata) {
        Handshakes *handshakes = userdata;
        const HandshakeResult *result = &handshake->result;

        handshake_list_accepted(&handshakes->list, handshake);
        if (handshake->is_connected || result->number != 0)
                handover_queue_take(&handshakes->handover, result->number, on_lost_connection, handshakes);
        else
                handover_queue_drop(
                        &handshakes->handover, handshake->n_announced, on_lost_connection, handshakes);
        if (!handshake->is_connected && result->number != 0)
                change(handshakes, result->account, -1, 0);
        handshakes_serve(handshakes);
}

static void record_refusal(Handshakes *handshakes, const HandshakeResult *result) {
        refusals_record(handshakes->refusals, result,
                policy_limits(handshakes->context->policy)->records_per_second);
}

static void on_refused(Handshake *handshake, void *userdata) {
        record_refusal(userdata, &handshake->result);
}

static void refuse(Handshakes *handshakes, Handshake *handshake, const char *why) {
        (void)snprintf(handshake->result.text, sizeof(handshake->result.text), "%s", why);
        record_refusal(handshakes, &handshake->result);
}

static void on_verified(Handshake *handshake, int listener_fd, void *userdata) {
        Handshakes *handshakes = userdata;
        const HandshakesContext *context = handshakes->context;
        const Candidate candidate = {
                .session_id = handshake->session_id,
                .knock_answer = protocol_knock_answer(handshake->nonce),
                .listener_fd = listener_fd,
                .result = &handshake->result,
        };
        int r;

        if (listener_fd < 0) {
                refuse(handshakes, handshake, "snotifyd has no file descriptor left for its listener");
                return;
        }
        r = context->on_candidate(&candidate, context->userdata);
        if (r == -EUSERS)
                refuse(handshakes, handshake,
                        "there are too many sessions; see sessions= and sessions-per-user= in "
                        "snotify.conf(5)");
        else if (r < 0)
                refuse(handshakes, handshake, strerror(-r));
}

static void on_killed(Handshake *handshake, void *userdata) {
        Handshakes *handshakes = userdata;

        handshake_list_accepted(&handshakes->list, handshake);
        handshakes_serve(handshakes);
}

/* It may hang for as long as it likes: from now on others take its place. */
static void on_hang(Handshake *handshake, void *userdata) {
        Handshakes *handshakes = userdata;

        handshake_list_hang(&handshakes->list);
        if (handshake->is_connected)
                change(handshakes, handshake->result.account, -1, 1);
        handshakes_serve(handshakes);
}

static void remove_handshake(Handshakes *handshakes, Handshake *handshake) {
        AcceptorChange counted;

        if (handshake_count(handshake, &counted))
                change(handshakes, counted.account, -counted.at_work, -counted.hanging);
        handshake_list_remove(&handshakes->list, handshake);
        handshake_free(handshake);
}

static void on_end(Handshake *handshake, void *userdata) {
        Handshakes *handshakes = userdata;

        if (handshakes->list.accepting == handshake) /* it took no connection: the next might not either */
                handshakes_pause(handshakes);
        remove_handshake(handshakes, handshake);
        handshakes_serve(handshakes);
}

static void on_handed_over(Handshakes *handshakes, const AcceptorMessage *message, bool is_current) {
        if (handover_queue_add(&handshakes->handover, message->number, message->account) < 0)
                return;
        if (!is_current) /* the one that accepts does not count this connection yet */
                change(handshakes, message->account, 1, 0);
        handshakes_serve(handshakes);
}

static void on_refused_by_acceptor(Handshakes *handshakes, const AcceptorMessage *message) {
        HandshakeResult result = {.pid = message->pid, .uid = message->uid};

        static_assert(sizeof(result.text) == sizeof(message->text), "the same text");
        if (message->suppressed > 0)
                refusals_suppress(handshakes->refusals, message->suppressed);
        if (message->text[0] == '\0')
                return;
        memcpy(result.text, message->text, sizeof(result.text));
        record_refusal(handshakes, &result);
}

static void on_acceptor_message(const AcceptorMessage *message, bool is_current, void *userdata) {
        Handshakes *handshakes = userdata;

        if (message->kind == ACCEPTOR_HANDED_OVER)
                on_handed_over(handshakes, message, is_current);
        else if (message->kind == ACCEPTOR_REFUSED)
                on_refused_by_acceptor(handshakes, message);
        else
                report_trouble(handshakes, (int)message->number);
}

static int prepare_acceptor(AcceptorArguments *ret, void *userdata) {
        const Handshakes *handshakes = userdata;
        const HandshakesContext *context = handshakes->context;

        *ret = (AcceptorArguments){
                .socket_fd = handshakes->socket_fd,
                .handover_fd = handshakes->handover_fds[1],
                .limits = policy_limits(context->policy),
                .subordinates = context->subordinates,
                .sandbox = &context->sandboxes->acceptor,
        };
        ret->changes = handshake_list_changes(&handshakes->list, &handshakes->handover, &ret->n_changes);
        return ret->changes ? 0 : -ENOMEM;
}

static void release_arguments(AcceptorArguments *arguments, void *userdata) {
        (void)userdata;
        free(arguments->changes);
}

static void on_acceptor_death(bool at_once, void *userdata) {
        Handshakes *handshakes = userdata;

        handover_queue_add_unknown(&handshakes->handover);
        if (at_once)
                acceptors_start(handshakes->acceptors);
        else
                handshakes_pause(handshakes);
        handshakes_serve(handshakes);
}

static void on_acceptor_failure(int error, void *userdata) {
        handshakes_fail(userdata, error);
}

static void on_acceptor_trouble(void *userdata) {
        const Handshakes *handshakes = userdata;

        handshakes->context->on_trouble(handshakes->context->userdata);
}

void handshakes_renew(Handshakes *handshakes) {
        acceptors_renew(handshakes->acceptors);
}

const char *handshakes_trouble(const Handshakes *handshakes) {
        return acceptors_trouble(handshakes->acceptors);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
        Handshakes *handshakes = userdata;

        (void)source;
        (void)usec;
        handshakes->is_paused = false;
        acceptors_start(handshakes->acceptors);
        handshakes_serve(handshakes);
        return 0;
}

/* Each verifier needs a probe: where there will be none, the administrator learns it at the start.
 */
static void try_probe(Report *report) {
        ProbeFs probe_fs = PROBE_FS_NONE;
        int r = probe_fs_new(&probe_fs);

        if (r < 0)
                (void)report_line(report, REPORT_ERROR,
                        "cannot create a tmpfs for each launcher: %s%s; launchers will be refused",
                        strerror(-r), probe_fs_remedy(r));
        probe_fs_close(&probe_fs);
}

static int handshakes_init(Handshakes *handshakes) {
        sd_event *event = handshakes->context->event;
        int r;

        acceptor_prepare_socket(handshakes->socket_fd);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, handshakes->handover_fds) <
                0)
                return -errno;
        r = sd_event_add_time(
                event, &handshakes->pause_source, CLOCK_MONOTONIC, 0, 0, on_pause_over, handshakes);
        if (r >= 0)
                r = sd_event_source_set_enabled(handshakes->pause_source, SD_EVENT_OFF);
        if (r >= 0)
                r = refusals_new(event, handshakes->context->report, &handshakes->refusals);
        if (r >= 0)
                r = acceptors_new(&handshakes->acceptors_context, &handshakes->acceptors);
        if (r >= 0)
                try_probe(handshakes->context->report);
        return r;
}

int handshakes_new(const HandshakesContext *context, int socket_fd, Handshakes **ret) {
        Handshakes *handshakes = calloc(1, sizeof(*handshakes));
        int r;

        if (!handshakes) {
                fd_close(socket_fd);
                return -ENOMEM;
        }
        *handshakes = (Handshakes){
                .context = context,
                .socket_fd = socket_fd,
                .handover_fds = {-EBADF, -EBADF},
                .proc_fd = launcher_open_proc(),
                .acceptors_context = {.event = context->event,
                        .report = context->report,
                        .prepare = prepare_acceptor,
                        .release = release_arguments,
                        .on_message = on_acceptor_message,
                        .on_death = on_acceptor_death,
                        .on_failure = on_acceptor_failure,
                        .on_trouble = on_acceptor_trouble,
                        .userdata = handshakes},
                .handshake_context = {.event = context->event,
                        .report = context->report,
                        .lost_pid = &handshakes->lost_pid,
                        .on_connected = on_connected,
                        .on_refused = on_refused,
                        .on_verified = on_verified,
                        .on_killed = on_killed,
                        .on_hang = on_hang,
                        .on_end = on_end,
                        .userdata = handshakes},
        };
        r = handshakes_init(handshakes);
        if (r < 0) {
                handshakes_free(handshakes);
                return r;
        }
        *ret = handshakes;
        return 0;
}

Handshakes *handshakes_free(Handshakes *handshakes) {
        if (!handshakes)
                return NULL;
        handshakes->acceptors = acceptors_free(handshakes->acceptors);
        while (handshakes->list.first) {
                (void)kill(handshakes->list.first->pid, SIGKILL);
                remove_handshake(handshakes, handshakes->list.first);
        }
        refusals_free(handshakes->refusals);
        sd_event_source_unref(handshakes->pause_source);
        fd_close(handshakes->handover_fds[0]);
        fd_close(handshakes->handover_fds[1]);
        fd_close(handshakes->proc_fd);
        fd_close(handshakes->socket_fd);
        free(handshakes);
        return NULL;
}
