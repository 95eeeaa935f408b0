/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Speaks with an acceptor.  Run by the daemon.  Owns the process, and the daemon's end of the socket to it.
 * Must never wait for it, nor rely on what it says. */

#include "handshake/acceptor-link.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/message.h"
#include "common/ownership.h"

/* After one that ends sooner the daemon waits before it starts the next. */
#define LIFE_USEC 1000000U

struct AcceptorLink {
        const AcceptorLinkContext *context;
        pid_t pid;
        int fd;
        uint64_t started_usec; /* CLOCK_MONOTONIC */
        bool retired;
        sd_event_source *child_source;
        sd_event_source *source;
};

/* Returns whether there was one. */
static bool link_receive(AcceptorLink *link) {
        AcceptorMessage message;

        if (message_receive(link->fd, &message, sizeof(message), NULL) != sizeof(message))
                return false;
        message.text[sizeof(message.text) - 1] = '\0';
        link->context->on_message(link, &message, link->context->userdata);
        return true;
}

static int on_message(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        AcceptorLink *link = userdata;

        (void)source;
        (void)fd;
        (void)revents;
        if (link_receive(link))
                return 0;
        link->source = sd_event_source_unref(link->source);
        if (!link->retired) /* it has ended, or has sent what an acceptor does not send */
                (void)kill(link->pid, SIGKILL);
        link->context->on_lost(link, link->context->userdata);
        return 0;
}

static void report_death(const AcceptorLink *link, const siginfo_t *info) {
        Report *report = link->context->report;

        if (info->si_code == CLD_EXITED)
                (void)report_line(
                        report, REPORT_ERROR, "the process that accepts launchers failed; starting another");
        else
                (void)report_line(report, REPORT_ERROR,
                        "the process that accepts launchers was killed by SIG%s%s; starting another",
                        sigabbrev_np(info->si_status), info->si_status == SIGSYS ? SANDBOX_DEATH : "");
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
        AcceptorLink *link = userdata;
        const AcceptorLinkContext *context = link->context;

        (void)source;
        while (link_receive(link)) /* its last messages may still lie in the socket */
                ;
        if (!link->retired)
                report_death(link, info);
        context->on_end(link, context->userdata);
        return 0;
}

static int link_fork(AcceptorLink *link, const AcceptorArguments *arguments) {
        AcceptorArguments own = *arguments;
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
                return -errno;
        link->fd = ends[0];
        own.daemon_fd = ends[1];
        link->pid = child_fork(
                "snotifyd-accept", (const int[]){own.socket_fd, own.handover_fd, own.daemon_fd}, 3);
        if (link->pid == 0)
                _exit(acceptor_run(&own));
        fd_close(ends[1]);
        return link->pid < 0 ? (int)link->pid : 0;
}

int acceptor_link_new(
        const AcceptorLinkContext *context, const AcceptorArguments *arguments, AcceptorLink **ret) {
        AcceptorLink *link = calloc(1, sizeof(*link));
        int r;

        if (!link)
                return -ENOMEM;
        *link = (AcceptorLink){
                .context = context, .fd = -EBADF, .started_usec = clock_usec(CLOCK_MONOTONIC)};
        r = link_fork(link, arguments);
        if (r >= 0)
                r = sd_event_add_child(
                        context->event, &link->child_source, link->pid, WEXITED, on_child, link);
        if (r >= 0)
                r = sd_event_add_io(context->event, &link->source, link->fd, EPOLLIN, on_message, link);
        if (r < 0) {
                acceptor_link_free(link); /* closes the socket, and so the process ends */
                return r;
        }
        *ret = link;
        return 0;
}

AcceptorLink *acceptor_link_free(AcceptorLink *link) {
        if (!link)
                return NULL;
        sd_event_source_unref(link->child_source);
        sd_event_source_unref(link->source);
        fd_close(link->fd);
        free(link);
        return NULL;
}

void acceptor_link_retire(AcceptorLink *link) {
        link->retired = true;
        (void)shutdown(link->fd, SHUT_WR);
}

bool acceptor_link_has_lived(const AcceptorLink *link) {
        return clock_usec(CLOCK_MONOTONIC) - link->started_usec >= LIFE_USEC;
}

pid_t acceptor_link_pid(const AcceptorLink *link) {
        return link->pid;
}

void acceptor_link_change(AcceptorLink *link, const AcceptorChange *change) {
        if (message_send(link->fd, change, sizeof(*change), -EBADF) == -EAGAIN)
                (void)kill(link->pid, SIGKILL);
}
