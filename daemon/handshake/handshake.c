/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches one verifier.  Run by the daemon.  Owns the daemon's end of its socket, and its event
 * sources.  Must never wait for it, nor believe that what it tells is well-formed. */

#include "handshake/handshake.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/child.h"
#include "common/message.h"
#include "common/ownership.h"

#define OVERTIME_USEC 1000000U

/* The first message is told before the process reads what the launcher sent.  What it tells later may be the
 * work of a launcher that has taken it over, and does not change whose the connection is. */
static void take_message(HandshakeResult *result, const HandshakeResult *message, bool is_first) {
        const HandshakeResult first = *result;

        *result = *message;
        result->profile[sizeof(result->profile) - 1] = '\0';
        result->label[sizeof(result->label) - 1] = '\0';
        result->text[sizeof(result->text) - 1] = '\0';
        if (is_first)
                return;
        result->pid = first.pid;
        result->uid = first.uid;
        result->account = first.account;
        result->number = first.number;
}

static void handshake_conclude(Handshake *handshake, int listener_fd) {
        const HandshakeContext *context = handshake->context;
        uint32_t stage = handshake->result.stage;

        if (!handshake->is_connected || handshake->is_over ||
                (stage != HANDSHAKE_REFUSED && stage != HANDSHAKE_VERIFIED)) {
                fd_close(listener_fd);
                return;
        }
        handshake->is_over = true;
        if (stage == HANDSHAKE_VERIFIED)
                context->on_verified(handshake, listener_fd, context->userdata);
        else {
                fd_close(listener_fd);
                context->on_refused(handshake, context->userdata);
        }
}

/* Takes one message.  Returns whether there was one. */
static bool handshake_listen(Handshake *handshake) {
        const HandshakeContext *context = handshake->context;
        bool is_first = !handshake->has_told;
        HandshakeResult message;
        int listener_fd = -EBADF;

        if (handshake->result_fd < 0 || message_receive(handshake->result_fd, &message, sizeof(message),
                                                &listener_fd) != sizeof(message)) {
                fd_close(listener_fd);
                return false;
        }
        take_message(&handshake->result, &message, is_first);
        if (is_first) {
                handshake->has_told = true;
                handshake->is_connected = message.stage == HANDSHAKE_CONNECTED;
                context->on_connected(handshake, context->userdata);
        }
        handshake_conclude(handshake, listener_fd);
        return true;
}

static int on_result(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Handshake *handshake = userdata;

        (void)source;
        (void)fd;
        (void)revents;
        if (!handshake_listen(handshake)) /* the process is dead or dying: on_child() follows */
                handshake->result_source = sd_event_source_unref(handshake->result_source);
        return 0;
}

static void report_death(const Handshake *handshake, const siginfo_t *info) {
        Report *report = handshake->context->report;
        const char *signal = sigabbrev_np(info->si_status);
        const char *remark = info->si_status == SIGSYS ? SANDBOX_DEATH : "";

        if (handshake->is_connected)
                (void)report_line(report, REPORT_ERROR,
                        "a verifier was killed by SIG%s%s; it was serving pid %" PRIu32 ", uid %" PRIu32,
                        signal, remark, handshake->result.pid, handshake->result.uid);
        else
                (void)report_line(report, REPORT_ERROR,
                        "a verifier was killed by SIG%s%s before it served a launcher", signal, remark);
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
        Handshake *handshake = userdata;
        const HandshakeContext *context = handshake->context;

        (void)source;
        while (handshake_listen(handshake)) /* its last message may still lie in the socket */
                ;
        if (info->si_code != CLD_EXITED && !handshake->is_killed)
                report_death(handshake, info);
        context->on_end(handshake, context->userdata);
        return 0;
}

static void report_kill(const Handshake *handshake) {
        Report *report = handshake->context->report;

        if (handshake->is_connected)
                (void)report_line(report, REPORT_WARNING,
                        "pid %" PRIu32 ", uid %" PRIu32
                        ", sent something that hangs; snotifyd killed its verifier %d",
                        handshake->result.pid, handshake->result.uid, handshake->pid);
        else
                (void)report_line(report, REPORT_WARNING,
                        "snotifyd killed its verifier %d: it took too long to begin with a launcher",
                        handshake->pid);
}

static void restart_timer(Handshake *handshake) {
        (void)sd_event_source_set_time_relative(handshake->timer_source, OVERTIME_USEC);
        (void)sd_event_source_set_enabled(handshake->timer_source, SD_EVENT_ONESHOT);
}

static int on_overtime(sd_event_source *source, uint64_t usec, void *userdata) {
        Handshake *handshake = userdata;
        const HandshakeContext *context = handshake->context;

        (void)source;
        (void)usec;
        if (handshake->is_killed) {
                handshake->hangs = true;
                context->on_hang(handshake, context->userdata);
                return 0;
        }
        report_kill(handshake);
        (void)kill(handshake->pid, SIGKILL);
        handshake->is_killed = true;
        handshake->result_source = sd_event_source_unref(handshake->result_source);
        handshake->result_fd = fd_close(handshake->result_fd);
        restart_timer(handshake);
        context->on_killed(handshake, context->userdata);
        return 0;
}

static int handshake_watch(Handshake *handshake, uint64_t patience_usec) {
        sd_event *event = handshake->context->event;
        int r;

        r = sd_event_add_child(
                event, &handshake->child_source, handshake->pid, WEXITED, on_child, handshake);
        if (r < 0)
                return r;
        r = sd_event_add_io(
                event, &handshake->result_source, handshake->result_fd, EPOLLIN, on_result, handshake);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(event, &handshake->timer_source, CLOCK_MONOTONIC,
                patience_usec + OVERTIME_USEC, 0, on_overtime, handshake);
}

static int handshake_fork(Handshake *handshake, const VerifierArguments *arguments) {
        VerifierArguments own = *arguments;
        _cleanup_close_ int child_end = -EBADF;
        int ends[2];

        if (getrandom(&handshake->session_id, sizeof(handshake->session_id), 0) < 0 ||
                getrandom(&handshake->nonce, sizeof(handshake->nonce), 0) < 0 ||
                socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        handshake->result_fd = ends[0];
        own.daemon_fd = child_end = ends[1];
        own.session_id = handshake->session_id;
        own.nonce = handshake->nonce;
        handshake->pid =
                child_fork("snotifyd-verify", (const int[]){own.handover_fd, own.proc_fd, own.daemon_fd}, 3);
        if (handshake->pid == 0)
                _exit(verifier_run(&own));
        return handshake->pid < 0 ? (int)handshake->pid : 0;
}

int handshake_new(const HandshakeContext *context, const VerifierArguments *arguments, Handshake **ret) {
        Handshake *handshake = calloc(1, sizeof(*handshake));
        int r;

        if (!handshake)
                return -ENOMEM;
        *handshake = (Handshake){.context = context, .result_fd = -EBADF};
        r = handshake_fork(handshake, arguments);
        if (r >= 0) {
                r = handshake_watch(handshake, policy_limits(arguments->policy)->handshake_timeout_usec);
                if (r < 0) { /* not waited for: it may hang; a connection that it took is lost */
                        (void)kill(handshake->pid, SIGKILL);
                        *context->lost_pid = handshake->pid;
                }
        }
        if (r < 0) {
                handshake_free(handshake);
                return r;
        }
        *ret = handshake;
        return 0;
}

Handshake *handshake_free(Handshake *handshake) {
        if (!handshake)
                return NULL;
        sd_event_source_unref(handshake->child_source);
        sd_event_source_unref(handshake->result_source);
        sd_event_source_unref(handshake->timer_source);
        fd_close(handshake->result_fd);
        free(handshake);
        return NULL;
}
