/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's front door.  Owns the listening socket and one Visit per connection in progress.  Must never
 * read from a connection or close its last copy: see vetting.h. */

#include "reception.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/ownership.h"

/* A vetting child keeps its own time; one that exceeds it by this much hangs in something that a stranger
 * sent. */
#define OVERTIME_USEC 1000000U

typedef struct Visit {
        Reception *reception;
        struct Visit *previous, *next;
        struct ucred launcher;
        uint64_t session_id;
        uint64_t nonce;
        pid_t pid;
        int findings_fd;
        sd_event_source *child_source;
        sd_event_source *findings_source;
        sd_event_source *timer_source;
} Visit;

struct Reception {
        const ReceptionHost *host;
        int socket_fd;
        sd_event_source *source;
        Visit *visits;
        unsigned n_visits;
};

static Visit *visit_free(Visit *visit) {
        Reception *reception = visit->reception;

        sd_event_source_unref(visit->child_source);
        sd_event_source_unref(visit->findings_source);
        sd_event_source_unref(visit->timer_source);
        fd_close(visit->findings_fd);
        if (visit->previous)
                visit->previous->next = visit->next;
        else
                reception->visits = visit->next;
        if (visit->next)
                visit->next->previous = visit->previous;
        free(visit);
        if (reception->n_visits-- == RECEPTION_VISITS_MAX)
                (void)sd_event_source_set_enabled(reception->source, SD_EVENT_ON);
        return NULL;
}

static void report_refusal(const Visit *visit, VettingFindings *findings) {
        Report *report = visit->reception->host->report;
        char text[2 * PROTOCOL_TEXT_SIZE];

        findings->text[sizeof(findings->text) - 1] = '\0';
        report_begin(report, REPORT_SESSION_REFUSED);
        report_text(report, "OBJECT_PID", "%d", visit->launcher.pid);
        report_text(report, "SNOTIFY_UID", "%u", visit->launcher.uid);
        report_bytes(report, "SNOTIFY_PROFILE", findings->profile,
                strnlen(findings->profile, sizeof(findings->profile)));
        report_bytes(
                report, "SNOTIFY_LABEL", findings->label, strnlen(findings->label, sizeof(findings->label)));
        (void)report_send(report, "refused a session to pid %d, uid %u: %s", visit->launcher.pid,
                visit->launcher.uid,
                report_escape(findings->text, strlen(findings->text), text, sizeof(text)));
}

/* The child is ours, but what it read was a stranger's: sizes and strings are checked once more. */
static bool findings_are_valid(const VettingFindings *findings, ssize_t size, int listener_fd) {
        return size == sizeof(*findings) && listener_fd >= 0 &&
               memchr(findings->profile, '\0', sizeof(findings->profile)) &&
               memchr(findings->label, '\0', sizeof(findings->label));
}

static int on_findings(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        union {
                struct cmsghdr header;
                uint8_t bytes[CMSG_SPACE(sizeof(int))];
        } control;
        Visit *visit = userdata;
        VettingFindings findings;
        struct iovec iov = {.iov_base = &findings, .iov_len = sizeof(findings)};
        struct msghdr msg = {.msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control)};
        _cleanup_close_ int listener_fd = -EBADF;
        struct cmsghdr *header;
        ssize_t n;

        (void)source;
        (void)revents;
        n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        visit->findings_source = sd_event_source_unref(visit->findings_source);
        if (n <= 0) /* the child died; on_child() cleans up */
                return 0;
        header = CMSG_FIRSTHDR(&msg);
        if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
                memcpy(&listener_fd, CMSG_DATA(header), sizeof(int));

        if (n == sizeof(findings) && !findings.accepted)
                report_refusal(visit, &findings);
        else if (findings_are_valid(&findings, n, listener_fd)) {
                const ReceptionHost *host = visit->reception->host;
                const Arrival arrival = {
                        .session_id = visit->session_id,
                        .knock_answer = protocol_knock_answer(visit->nonce),
                        .uid = visit->launcher.uid,
                        .pid = visit->launcher.pid,
                        .listener_fd = TAKE_FD(listener_fd),
                        .findings = &findings,
                };

                host->on_arrival(&arrival, host->userdata);
        }
        return 0;
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
        Visit *visit = userdata;

        (void)source;
        (void)info;
        if (visit->findings_source) /* what it found may still lie in the socket */
                (void)on_findings(NULL, visit->findings_fd, 0, visit);
        visit_free(visit);
        return 0;
}

static int on_overtime(sd_event_source *source, uint64_t usec, void *userdata) {
        Visit *visit = userdata;

        (void)source;
        (void)usec;
        (void)report_line(visit->reception->host->report, REPORT_WARNING,
                "pid %d, uid %u, sent something that hangs; its vetting child %d was killed",
                visit->launcher.pid, visit->launcher.uid, visit->pid);
        (void)kill(visit->pid, SIGKILL);
        return 0;
}

static int visit_watch(Visit *visit) {
        sd_event *event = visit->reception->host->event;
        int r;

        r = sd_event_add_child(event, &visit->child_source, visit->pid, WEXITED, on_child, visit);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &visit->findings_source, visit->findings_fd, EPOLLIN, on_findings, visit);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(event, &visit->timer_source, CLOCK_MONOTONIC,
                VETTING_TIMEOUT_USEC + OVERTIME_USEC, 0, on_overtime, visit);
}

static int visit_fork(Visit *visit, int launcher_fd) {
        const ReceptionHost *host = visit->reception->host;
        _cleanup_close_ int child_end = -EBADF;
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        visit->findings_fd = ends[0];
        child_end = ends[1];
        visit->pid = child_fork("snotifyd-vet", (const int[]){launcher_fd, child_end}, 2);
        if (visit->pid == 0) {
                const VettingArguments arguments = {
                        .launcher_fd = launcher_fd,
                        .daemon_fd = child_end,
                        .launcher_pid = visit->launcher.pid,
                        .session_id = visit->session_id,
                        .nonce = visit->nonce,
                        .policy = host->policy,
                        .filter = host->filter,
                };

                _exit(vetting_run(&arguments));
        }
        return visit->pid < 0 ? (int)visit->pid : 0;
}

static int visit_new(Reception *reception, int launcher_fd) {
        socklen_t size = sizeof(struct ucred);
        Visit *visit;
        int r;

        visit = calloc(1, sizeof(*visit));
        if (!visit)
                return -ENOMEM;
        *visit = (Visit){.reception = reception, .findings_fd = -EBADF, .next = reception->visits};
        if (reception->visits)
                reception->visits->previous = visit;
        reception->visits = visit;
        if (++reception->n_visits == RECEPTION_VISITS_MAX)
                (void)sd_event_source_set_enabled(reception->source, SD_EVENT_OFF);

        if (getsockopt(launcher_fd, SOL_SOCKET, SO_PEERCRED, &visit->launcher, &size) < 0 ||
                getrandom(&visit->session_id, sizeof(visit->session_id), 0) < 0 ||
                getrandom(&visit->nonce, sizeof(visit->nonce), 0) < 0)
                r = -errno;
        else
                r = visit_fork(visit, launcher_fd);
        if (r >= 0) {
                r = visit_watch(visit);
                if (r < 0) {
                        (void)kill(visit->pid, SIGKILL);
                        (void)waitpid(visit->pid, NULL, 0);
                }
        }
        if (r < 0)
                visit_free(visit);
        return r;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Reception *reception = userdata;
        _cleanup_close_ int launcher_fd = -EBADF;
        int r;

        (void)source;
        (void)revents;
        launcher_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (launcher_fd < 0) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                        (void)report_line(reception->host->report, REPORT_ERROR,
                                "cannot accept a launcher: %s", strerror(errno));
                return 0;
        }
        r = visit_new(reception, launcher_fd);
        if (r < 0)
                (void)report_line(
                        reception->host->report, REPORT_ERROR, "cannot vet a launcher: %s", strerror(-r));
        return 0;
}

int reception_new(const ReceptionHost *host, int socket_fd, Reception **ret) {
        Reception *reception;
        int r;

        reception = calloc(1, sizeof(*reception));
        if (!reception) {
                fd_close(socket_fd);
                return -ENOMEM;
        }
        *reception = (Reception){.host = host, .socket_fd = socket_fd};
        r = sd_event_add_io(host->event, &reception->source, socket_fd, EPOLLIN, on_connection, reception);
        if (r < 0) {
                reception_free(reception);
                return r;
        }
        *ret = reception;
        return 0;
}

Reception *reception_free(Reception *reception) {
        if (!reception)
                return NULL;
        while (reception->visits) {
                (void)kill(reception->visits->pid, SIGKILL);
                visit_free(reception->visits);
        }
        sd_event_source_unref(reception->source);
        fd_close(reception->socket_fd);
        free(reception);
        return NULL;
}
