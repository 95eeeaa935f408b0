/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where launchers come in.  Run by the daemon.  Owns the listening socket, the acceptor, and one Visit per
 * vetting child.  Must never hold a connection, not even to close it: see vetting.h. */

#include "handshake/reception.h"

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
#include "common/privileges.h"
#include "handshake/acceptors.h"
#include "handshake/launcher-status.h"
#include "handshake/probe-fs.h"
#include "handshake/refusals.h"

/* A vetting child keeps its own time; one that exceeds it by this much hangs in something that a stranger
 * sent. */
#define OVERTIME_USEC 1000000U
/* For how long nobody is let in after a child could not be had. */
#define PAUSE_USEC 100000U

/* Connections that the acceptor has handed over, and no child has taken.  It has no more at work. */
#define ANNOUNCED_MAX (2 * ACCEPTOR_TOTAL_MAX)

typedef struct Announced {
        uint64_t number; /* 0: there may be one that its acceptor did not live to announce */
        uint32_t account;
} Announced;

typedef struct Visit {
        Reception *reception;
        struct Visit *previous, *next;
        uint64_t session_id;
        uint64_t nonce;
        pid_t pid; /* of the child */
        bool killed;
        bool hangs;         /* though it was killed */
        bool connected;     /* and so findings has an account */
        size_t n_announced; /* when it was forked */
        int findings_fd;
        VettingFindings findings; /* the last that were told */
        sd_event_source *child_source;
        sd_event_source *findings_source;
        sd_event_source *timer_source;
} Visit;

struct Reception {
        const ReceptionHost *host;
        int socket_fd;
        int handover_fds[2]; /* for children to read, and for acceptors to write */
        int proc_fd;         /* for children */
        AcceptorsContext acceptors_context;
        Acceptors *acceptors;
        Announced announced[ANNOUNCED_MAX];
        size_t n_announced;
        sd_event_source *pause_source;
        Refusals *refusals;
        Visit *visits;
        Visit *accepting;  /* the child that is to take the next connection: until it has, no other may */
        unsigned n_visits; /* that don't hang */
        unsigned n_hanging;
        bool paused;
        bool said_pause; /* since a child could be had last */
        pid_t lost_pid;  /* of a child that could not be watched, and is to be reaped; 0: none */
};

/* Launchers wait: nothing is lost. */
static void reception_pause(Reception *reception) {
        reception->paused = true;
        (void)sd_event_source_set_time_relative(reception->pause_source, PAUSE_USEC);
        (void)sd_event_source_set_enabled(reception->pause_source, SD_EVENT_ONESHOT);
}

static void report_trouble(Reception *reception, int error) {
        if (!reception->said_pause)
                (void)report_line(reception->host->report, REPORT_ERROR,
                        "cannot see to launchers: %s; they wait, trying again", strerror(-error));
        reception->said_pause = true;
}

static void reception_fail(Reception *reception, int error) {
        report_trouble(reception, error);
        reception_pause(reception);
}

static int visit_new(Reception *reception);

/* Forks a child for the next connection, while there is room for one. */
static void reception_serve(Reception *reception) {
        int r;

        if (reception->accepting || reception->paused || reception->n_announced == 0 ||
                reception->n_visits >= ACCEPTOR_TOTAL_MAX || reception->n_hanging >= RECEPTION_HANGING_MAX)
                return;
        r = visit_new(reception);
        if (r < 0)
                reception_fail(reception, r);
        else
                reception->said_pause = false;
}

static void reception_change(Reception *reception, uint32_t account, int at_work, int hanging) {
        const AcceptorChange change = {.account = account, .at_work = at_work, .hanging = hanging};

        if (reception->acceptors)
                acceptors_change(reception->acceptors, &change);
}

static void reception_forget(Reception *reception, size_t i) {
        reception->n_announced--;
        memmove(&reception->announced[i], &reception->announced[i + 1],
                (reception->n_announced - i) * sizeof(reception->announced[0]));
}

/* A child has taken the one with that number.  Those of the same acceptor that came before it, and that are
 * still here, were taken by children that died. */
static void reception_take(Reception *reception, uint64_t number) {
        for (size_t i = 0; i < reception->n_announced;) {
                Announced announced = reception->announced[i];

                if (announced.number > number || announced.number >> ACCEPTORS_GENERATION_SHIFT !=
                                                         number >> ACCEPTORS_GENERATION_SHIFT) {
                        i++;
                        continue;
                }
                if (announced.number != number)
                        reception_change(reception, announced.account, -1, 0);
                reception_forget(reception, i);
        }
}

/* A child has found none.  What was announced after it was forked may be there by now. */
static void reception_take_all(Reception *reception, size_t n) {
        for (; n > 0 && reception->n_announced > 0; n--) {
                if (reception->announced[0].number != 0)
                        reception_change(reception, reception->announced[0].account, -1, 0);
                reception_forget(reception, 0);
        }
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
        if (visit->connected)
                reception_change(
                        reception, visit->findings.account, visit->hangs ? 0 : -1, visit->hangs ? -1 : 0);
        free(visit);
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

/* The first that it tells: which connection it has, if any. */
static void visit_connect(Visit *visit) {
        Reception *reception = visit->reception;

        reception->accepting = NULL;
        visit->connected = visit->findings.stage == VETTING_CONNECTED;
        if (visit->connected || visit->findings.number != 0)
                reception_take(reception, visit->findings.number);
        else
                reception_take_all(reception, visit->n_announced);
        if (!visit->connected && visit->findings.number != 0)
                reception_change(reception, visit->findings.account, -1, 0);
        reception_serve(reception);
}

/* Takes one message of the child's.  Returns whether there was one. */
static bool visit_listen(Visit *visit) {
        _cleanup_close_ int listener_fd = -EBADF;

        if (message_receive(visit->findings_fd, &visit->findings, sizeof(visit->findings), &listener_fd) !=
                sizeof(visit->findings))
                return false;
        if (visit->reception->accepting == visit)
                visit_connect(visit);
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
                sigabbrev_np(info->si_status), info->si_status == SIGSYS ? SANDBOX_DEATH : "",
                visit->findings.pid, visit->findings.uid);
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
        Visit *visit = userdata;
        Reception *reception = visit->reception;

        (void)source;
        while (visit->findings_fd >= 0 &&
                visit_listen(visit)) /* what it told last may still lie in the socket */
                ;
        if (info->si_code != CLD_EXITED && !visit->killed)
                report_death(visit, info);
        if (reception->accepting == visit) /* not even a connection: not at once again */
                reception_pause(reception);
        visit_free(visit);
        reception_serve(reception);
        return 0;
}

static void visit_kill(Visit *visit) {
        (void)report_line(visit->reception->host->report, REPORT_WARNING,
                "pid %" PRIu32 ", uid %" PRIu32
                ", sent something that hangs; its vetting child %d was killed",
                visit->findings.pid, visit->findings.uid, visit->pid);
        (void)kill(visit->pid, SIGKILL);
        visit->killed = true;
        visit->findings_source = sd_event_source_unref(visit->findings_source);
        visit->findings_fd = fd_close(visit->findings_fd);
        if (visit->reception->accepting == visit)
                visit->reception->accepting = NULL;
        (void)sd_event_source_set_time_relative(visit->timer_source, OVERTIME_USEC);
        (void)sd_event_source_set_enabled(visit->timer_source, SD_EVENT_ONESHOT);
        reception_serve(visit->reception);
}

/* It may stay so for as long as it likes: others are waiting. */
static void visit_hang(Visit *visit) {
        visit->hangs = true;
        visit->reception->n_visits--;
        visit->reception->n_hanging++;
        if (visit->connected)
                reception_change(visit->reception, visit->findings.account, -1, 1);
        reception_serve(visit->reception);
}

static int on_overtime(sd_event_source *source, uint64_t usec, void *userdata) {
        Visit *visit = userdata;

        (void)source;
        (void)usec;
        if (visit->killed)
                visit_hang(visit);
        else
                visit_kill(visit);
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

/* Called by the child.  While it takes its connection no other does, and all that came before have said
 * whose theirs are. */
static void count_crowd(uint32_t account, VettingCrowd *ret, void *userdata) {
        const Visit *own = userdata;
        const ReceptionHost *host = own->reception->host;

        host->count_sessions(account, ret, host->userdata);
        for (const Visit *visit = own->reception->visits; visit; visit = visit->next) {
                bool may_pass = visit->findings.stage == VETTING_CONNECTED && !visit->killed;

                ret->sessions += may_pass;
                ret->sessions_of_account += may_pass && visit->findings.account == account;
        }
}

static int visit_fork(Visit *visit) {
        const ReceptionHost *host = visit->reception->host;
        int handover_fd = visit->reception->handover_fds[0], proc_fd = visit->reception->proc_fd, ends[2];
        _cleanup_close_ int child_end = -EBADF;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        visit->findings_fd = ends[0];
        child_end = ends[1];
        visit->pid = child_fork("snotifyd-vet", (const int[]){handover_fd, proc_fd, child_end}, 3);
        if (visit->pid == 0) {
                const VettingArguments arguments = {
                        .handover_fd = handover_fd,
                        .proc_fd = proc_fd,
                        .daemon_fd = child_end,
                        .session_id = visit->session_id,
                        .nonce = visit->nonce,
                        .policy = host->policy,
                        .filters = host->filters,
                        .count_crowd = count_crowd,
                        .userdata = visit,
                        .sandbox = &host->sandboxes->verifier,
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
        *visit = (Visit){
                .reception = reception,
                .n_announced = reception->n_announced,
                .findings_fd = -EBADF,
                .next = reception->visits,
        };
        if (reception->visits)
                reception->visits->previous = visit;
        reception->visits = visit;
        reception->accepting = visit;
        reception->n_visits++;

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

static void on_handed_over(Reception *reception, const AcceptorMessage *message, bool is_current) {
        if (reception->n_announced == ANNOUNCED_MAX)
                return;  /* an acceptor that has gone mad */
        if (!is_current) /* the one that is does not know of it */
                reception_change(reception, message->account, 1, 0);
        reception->announced[reception->n_announced++] =
                (Announced){.number = message->number, .account = message->account};
        reception_serve(reception);
}

static void on_refused(Reception *reception, const AcceptorMessage *message) {
        VettingFindings findings = {.pid = message->pid, .uid = message->uid};

        static_assert(sizeof(findings.text) == sizeof(message->text), "the same text");
        if (message->suppressed > 0)
                refusals_suppress(reception->refusals, message->suppressed);
        if (message->text[0] == '\0')
                return;
        memcpy(findings.text, message->text, sizeof(findings.text));
        refusals_record(
                reception->refusals, &findings, policy_limits(reception->host->policy)->records_per_second);
}

static void on_acceptor_message(const AcceptorMessage *message, bool is_current, void *userdata) {
        Reception *reception = userdata;

        if (message->kind == ACCEPTOR_HANDED_OVER)
                on_handed_over(reception, message, is_current);
        else if (message->kind == ACCEPTOR_REFUSED)
                on_refused(reception, message);
        else
                report_trouble(reception, -(int)message->number);
}

/* What the acceptor that begins has to know. */
static AcceptorChange *list_changes(const Reception *reception, size_t *ret_n) {
        AcceptorChange *changes = calloc(
                reception->n_visits + reception->n_hanging + reception->n_announced + 1, sizeof(*changes));
        size_t n = 0;

        if (!changes)
                return NULL;
        for (const Visit *visit = reception->visits; visit; visit = visit->next)
                if (visit->connected)
                        changes[n++] = (AcceptorChange){.account = visit->findings.account,
                                .at_work = !visit->hangs,
                                .hanging = visit->hangs};
        for (size_t i = 0; i < reception->n_announced; i++)
                if (reception->announced[i].number != 0)
                        changes[n++] =
                                (AcceptorChange){.account = reception->announced[i].account, .at_work = 1};
        *ret_n = n;
        return changes;
}

static int prepare_acceptor(AcceptorArguments *ret, void *userdata) {
        const Reception *reception = userdata;
        const ReceptionHost *host = reception->host;

        *ret = (AcceptorArguments){
                .socket_fd = reception->socket_fd,
                .handover_fd = reception->handover_fds[1],
                .limits = policy_limits(host->policy),
                .subordinates = host->subordinates,
                .sandbox = &host->sandboxes->acceptor,
        };
        ret->changes = list_changes(reception, &ret->n_changes);
        return ret->changes ? 0 : -ENOMEM;
}

static void release_arguments(AcceptorArguments *arguments, void *userdata) {
        (void)userdata;
        free(arguments->changes);
}

static void on_acceptor_death(bool at_once, void *userdata) {
        Reception *reception = userdata;

        if (reception->n_announced < ANNOUNCED_MAX)
                reception->announced[reception->n_announced++] = (Announced){};
        if (at_once)
                acceptors_start(reception->acceptors);
        else
                reception_pause(reception);
        reception_serve(reception);
}

static void on_acceptor_failure(int error, void *userdata) {
        reception_fail(userdata, error);
}

static void on_acceptor_trouble(void *userdata) {
        const Reception *reception = userdata;

        reception->host->on_trouble(reception->host->userdata);
}

void reception_renew(Reception *reception) {
        acceptors_renew(reception->acceptors);
}

const char *reception_trouble(const Reception *reception) {
        return acceptors_trouble(reception->acceptors);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
        Reception *reception = userdata;

        (void)source;
        (void)usec;
        reception->paused = false;
        acceptors_start(reception->acceptors);
        reception_serve(reception);
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
        *reception = (Reception){
                .host = host,
                .socket_fd = socket_fd,
                .handover_fds = {-EBADF, -EBADF},
                .proc_fd = launcher_open_proc(),
                .acceptors_context = {.event = host->event,
                        .report = host->report,
                        .prepare = prepare_acceptor,
                        .release = release_arguments,
                        .on_message = on_acceptor_message,
                        .on_death = on_acceptor_death,
                        .on_failure = on_acceptor_failure,
                        .on_trouble = on_acceptor_trouble,
                        .userdata = reception},
        };
        acceptor_prepare_socket(socket_fd);
        r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, reception->handover_fds) <
                            0
                    ? -errno
                    : 0;
        if (r >= 0)
                r = sd_event_add_time(host->event, &reception->pause_source, CLOCK_MONOTONIC, 0, 0,
                        on_pause_over, reception);
        if (r >= 0)
                r = sd_event_source_set_enabled(reception->pause_source, SD_EVENT_OFF);
        if (r >= 0)
                r = refusals_new(host->event, host->report, &reception->refusals);
        if (r >= 0)
                r = acceptors_new(&reception->acceptors_context, &reception->acceptors);
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
        reception->acceptors = acceptors_free(reception->acceptors);
        while (reception->visits) {
                (void)kill(reception->visits->pid, SIGKILL);
                visit_free(reception->visits);
        }
        refusals_free(reception->refusals);
        sd_event_source_unref(reception->pause_source);
        fd_close(reception->handover_fds[0]);
        fd_close(reception->handover_fds[1]);
        fd_close(reception->proc_fd);
        fd_close(reception->socket_fd);
        free(reception);
        return NULL;
}
