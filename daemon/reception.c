/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's front door.  Owns the listening socket and one Visit per vetting child.  Must never hold a
 * connection, not even to close it: see vetting.h. */

#include "reception.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/message.h"
#include "common/ownership.h"
#include "privileges.h"
#include "probe-fs.h"
#include "refusals.h"

/* A vetting child keeps its own time; one that exceeds it by this much hangs in something that a stranger
 * sent. */
#define OVERTIME_USEC 1000000U
/* For how long nobody is let in after a child could not be had. */
#define PAUSE_USEC 100000U

typedef struct Visit {
        Reception *reception;
        struct Visit *previous, *next;
        uint64_t session_id;
        uint64_t nonce;
        pid_t pid; /* of the child */
        bool hangs;
        int findings_fd;
        VettingFindings findings; /* the last that were told */
        sd_event_source *child_source;
        sd_event_source *findings_source;
        sd_event_source *timer_source;
} Visit;

struct Reception {
        const ReceptionHost *host;
        int socket_fd;
        sd_event_source *source;
        sd_event_source *pause_source;
        Refusals *refusals;
        Visit *visits;
        Visit *accepting;  /* the child that is about to accept: until it has, the socket is its own business
                            */
        unsigned n_visits; /* that don't hang */
        unsigned n_hanging;
        bool paused;
        bool said_pause; /* since a child could be had last */
        pid_t lost_pid;  /* of a child that could not be watched, and is to be reaped; 0: none */
};

/* Watches the socket while there is somebody to see to who comes. */
static void reception_watch(Reception *reception) {
        bool open = !reception->accepting && !reception->paused &&
                    reception->n_visits < LIMITS_CONNECTIONS_MAX &&
                    reception->n_hanging < RECEPTION_HANGING_MAX;

        (void)sd_event_source_set_enabled(reception->source, open ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
        Reception *reception = userdata;

        (void)source;
        (void)usec;
        reception->paused = false;
        reception_watch(reception);
        return 0;
}

/* Launchers wait in the backlog: nothing is lost. */
static void reception_pause(Reception *reception) {
        reception->paused = true;
        (void)sd_event_source_set_time_relative(reception->pause_source, PAUSE_USEC);
        (void)sd_event_source_set_enabled(reception->pause_source, SD_EVENT_ONESHOT);
        reception_watch(reception);
}

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
        if (reception->accepting == visit)
                reception->accepting = NULL;
        if (visit->hangs)
                reception->n_hanging--;
        else
                reception->n_visits--;
        free(visit);
        reception_watch(reception);
        return NULL;
}

/* The child is ours, but what it read was a stranger's: strings are checked once more. */
static bool findings_are_valid(const VettingFindings *findings, int listener_fd) {
        return listener_fd >= 0 && memchr(findings->profile, '\0', sizeof(findings->profile)) &&
               memchr(findings->label, '\0', sizeof(findings->label));
}

static void report_refusal(Visit *visit) {
        Reception *reception = visit->reception;

        refusals_record(reception->refusals, &visit->findings,
                policy_limits(reception->host->policy)->records_per_second);
}

static void refuse(Visit *visit, const char *why) {
        (void)snprintf(visit->findings.text, sizeof(visit->findings.text), "%s", why);
        report_refusal(visit);
}

static void pass_on(Visit *visit, int listener_fd) {
        const ReceptionHost *host = visit->reception->host;
        const Arrival arrival = {
                .session_id = visit->session_id,
                .knock_answer = protocol_knock_answer(visit->nonce),
                .listener_fd = listener_fd,
                .findings = &visit->findings,
        };

        int r = host->on_arrival(&arrival, host->userdata);

        if (r >= 0)
                return;
        refuse(visit, r == -EUSERS ? "there are too many sessions; see sessions= and sessions-per-user= in "
                                     "snotify.conf(5)"
                                   : strerror(-r));
}

/* Takes one message of the child's.  Returns whether there was one. */
static bool visit_listen(Visit *visit) {
        _cleanup_close_ int listener_fd = -EBADF;

        if (message_receive(visit->findings_fd, &visit->findings, sizeof(visit->findings), &listener_fd) !=
                sizeof(visit->findings))
                return false;
        if (visit->reception->accepting == visit) {
                visit->reception->accepting = NULL;
                reception_watch(visit->reception);
        }
        if (visit->findings.stage == VETTING_REFUSED)
                report_refusal(visit);
        else if (visit->findings.stage == VETTING_PASSED) {
                if (findings_are_valid(&visit->findings, listener_fd))
                        pass_on(visit, TAKE_FD(listener_fd));
                else
                        refuse(visit, "snotifyd has no file descriptor left for its listener");
        }
        return true;
}

static int on_findings(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Visit *visit = userdata;

        (void)source;
        (void)fd;
        (void)revents;
        if (!visit_listen(visit)) /* the child is dead or dying; on_child() cleans up */
                visit->findings_source = sd_event_source_unref(visit->findings_source);
        return 0;
}

static void report_death(const Visit *visit, const siginfo_t *info) {
        (void)report_line(visit->reception->host->report, REPORT_ERROR,
                "a vetting child was killed by SIG%s%s; it had to do with pid %" PRIu32 ", uid %" PRIu32,
                sigabbrev_np(info->si_status), info->si_status == SIGSYS ? CONFINEMENT_DEATH : "",
                visit->findings.pid, visit->findings.uid);
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
        Visit *visit = userdata;

        (void)source;
        while (visit->findings_fd >= 0 &&
                visit_listen(visit)) /* what it told last may still lie in the socket */
                ;
        if (info->si_code != CLD_EXITED && !visit->hangs)
                report_death(visit, info);
        if (visit->reception->accepting == visit) /* not even a connection: not at once again */
                reception_pause(visit->reception);
        visit_free(visit);
        return 0;
}

static int on_overtime(sd_event_source *source, uint64_t usec, void *userdata) {
        Visit *visit = userdata;

        (void)source;
        (void)usec;
        (void)report_line(visit->reception->host->report, REPORT_WARNING,
                "pid %" PRIu32 ", uid %" PRIu32
                ", sent something that hangs; its vetting child %d was killed",
                visit->findings.pid, visit->findings.uid, visit->pid);
        (void)kill(visit->pid, SIGKILL);
        /* It may hang all the same, for as long as it likes: others are waiting. */
        visit->hangs = true;
        visit->reception->n_visits--;
        visit->reception->n_hanging++;
        visit->findings_source = sd_event_source_unref(visit->findings_source);
        visit->findings_fd = fd_close(visit->findings_fd);
        if (visit->reception->accepting == visit)
                visit->reception->accepting = NULL;
        reception_watch(visit->reception);
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
                policy_limits(visit->reception->host->policy)->handshake_timeout_usec + OVERTIME_USEC, 0,
                on_overtime, visit);
}

/* Called by the child.  While it accepts nobody else does, and all that came before have said who they are.
 */
static void count_crowd(uint32_t uid, VettingCrowd *ret, void *userdata) {
        const Visit *own = userdata;
        const ReceptionHost *host = own->reception->host;

        host->count_sessions(uid, ret, host->userdata);
        for (const Visit *visit = own->reception->visits; visit; visit = visit->next) {
                bool may_pass = visit->findings.stage == VETTING_CONNECTED && !visit->hangs;
                bool of_user = visit->findings.stage != 0 && visit->findings.uid == uid;

                ret->sessions += may_pass;
                ret->sessions_of_user += may_pass && of_user;
                ret->connections_of_user += of_user;
        }
}

static int visit_fork(Visit *visit) {
        const ReceptionHost *host = visit->reception->host;
        int socket_fd = visit->reception->socket_fd, ends[2];
        _cleanup_close_ int child_end = -EBADF;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        visit->findings_fd = ends[0];
        child_end = ends[1];
        visit->pid = child_fork("snotifyd-vet", (const int[]){socket_fd, child_end}, 2);
        if (visit->pid == 0) {
                const VettingArguments arguments = {
                        .socket_fd = socket_fd,
                        .daemon_fd = child_end,
                        .session_id = visit->session_id,
                        .nonce = visit->nonce,
                        .policy = host->policy,
                        .filters = host->filters,
                        .count_crowd = count_crowd,
                        .userdata = visit,
                        .confinement = &host->confinements->vetting,
                };

                _exit(vetting_run(&arguments));
        }
        return visit->pid < 0 ? (int)visit->pid : 0;
}

static int visit_new(Reception *reception) {
        Visit *visit;
        int r;

        if (reception->lost_pid > 0 && waitpid(reception->lost_pid, NULL, WNOHANG) != 0)
                reception->lost_pid = 0;

        visit = calloc(1, sizeof(*visit));
        if (!visit)
                return -ENOMEM;
        *visit = (Visit){.reception = reception, .findings_fd = -EBADF, .next = reception->visits};
        if (reception->visits)
                reception->visits->previous = visit;
        reception->visits = visit;
        reception->accepting = visit;
        reception->n_visits++;
        reception_watch(reception);

        if (getrandom(&visit->session_id, sizeof(visit->session_id), 0) < 0 ||
                getrandom(&visit->nonce, sizeof(visit->nonce), 0) < 0)
                r = -errno;
        else
                r = visit_fork(visit);
        if (r >= 0) {
                r = visit_watch(visit);
                if (r < 0) { /* not waited for: it may hang; who it sees then is lost */
                        (void)kill(visit->pid, SIGKILL);
                        reception->lost_pid = visit->pid;
                }
        }
        if (r < 0)
                visit_free(visit);
        return r;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Reception *reception = userdata;
        int r;

        (void)source;
        (void)fd;
        (void)revents;
        r = visit_new(reception);
        if (r >= 0) {
                reception->said_pause = false;
                return 0;
        }
        if (!reception->said_pause)
                (void)report_line(reception->host->report, REPORT_ERROR,
                        "cannot see to launchers: %s; they wait, trying again", strerror(-r));
        reception->said_pause = true;
        reception_pause(reception);
        return 0;
}

/* Each vetting child will need one: says early where there will be none. */
static void try_probe(Report *report) {
        ProbeFs probe_fs = PROBE_FS_NONE;
        int r = probe_fs_new(&probe_fs);

        if (r < 0)
                (void)report_line(report, REPORT_ERROR,
                        "cannot create a tmpfs, for which snotifyd needs CAP_SYS_ADMIN: %s; launchers will "
                        "be "
                        "refused",
                        strerror(-r));
        probe_fs_close(&probe_fs);
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
        if (r >= 0)
                r = sd_event_add_time(host->event, &reception->pause_source, CLOCK_MONOTONIC, 0, 0,
                        on_pause_over, reception);
        if (r >= 0)
                r = sd_event_source_set_enabled(reception->pause_source, SD_EVENT_OFF);
        if (r >= 0)
                r = refusals_new(host->event, host->report, &reception->refusals);
        if (r >= 0)
                try_probe(host->report);
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
        refusals_free(reception->refusals);
        sd_event_source_unref(reception->pause_source);
        sd_event_source_unref(reception->source);
        fd_close(reception->socket_fd);
        free(reception);
        return NULL;
}
