/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records the life of a session in the journal.  Run by the daemon.  Owns nothing.  Must never take text
 * from a ledger for printable. */

#include "session/session-records.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/escape.h"
#include "common/ledger.h"
#include "common/sandbox.h"

static void add_session(Report *report, const SessionIdentity *session) {
        report_text(report, "SNOTIFY_SESSION", "%016" PRIx64, session->session_id);
        report_text(report, "SNOTIFY_PROFILE", "%s", session->profile);
        report_bytes(report, "SNOTIFY_LABEL", session->label, strlen(session->label));
        report_text(report, "SNOTIFY_UID", "%" PRIu32, session->uid);
}

void session_records_start(Report *report, const SessionIdentity *session) {
        char label[4 * PROTOCOL_LABEL_SIZE], profile[4 * PROTOCOL_PROFILE_SIZE];

        report_begin(report, REPORT_SESSION_STARTED);
        report_text(report, "OBJECT_PID", "%" PRIu32, session->pid);
        add_session(report, session);
        report_text(report, "SNOTIFY_GUARD", "%s", session->guarded ? "yes" : "no");
        (void)report_send(report,
                "session %016" PRIx64 " started: %spid %" PRIu32 ", uid %" PRIu32 ", profile %s%s%s",
                session->session_id, session->guarded ? "guarded, " : "", session->pid, session->uid,
                escape_text(session->profile, strlen(session->profile), profile, sizeof(profile)),
                session->label[0] ? ", label " : "",
                escape_text(session->label, strlen(session->label), label, sizeof(label)));
}

/* Writes the directory as far as the guard knows it, within its file system. */
static const char *refusal_path(const GuardRefusal *refusal, char *to, size_t size) {
        char text[GUARD_ANCESTORS * (GUARD_ANCESTOR_SIZE + 1) + GUARD_NAME_SIZE + 8];
        size_t n = 0;

        for (size_t i = GUARD_ANCESTORS; i-- > 0;) {
                size_t length = strnlen(refusal->ancestors[i], GUARD_ANCESTOR_SIZE);

                if (length == 0 || refusal->ancestors[i][0] == '/') /* the root of the file system */
                        continue;
                if (i == GUARD_ANCESTORS - 1)
                        n = (size_t)snprintf(text, sizeof(text), "...");
                text[n++] = '/';
                memcpy(text + n, refusal->ancestors[i], length);
                n += length;
        }
        text[n++] = '/';
        memcpy(text + n, refusal->name, strnlen(refusal->name, GUARD_NAME_SIZE));
        n += strnlen(refusal->name, GUARD_NAME_SIZE);
        return escape_text(text, n, to, size);
}

static void explain_refusal(
        const SessionIdentity *session, const GuardRefusal *refusal, char *to, size_t size) {
        char profile[4 * PROTOCOL_PROFILE_SIZE];

        (void)escape_text(session->profile, strlen(session->profile), profile, sizeof(profile));
        if (refusal->reason == GUARD_OWN_OVERLAY)
                (void)snprintf(to, size,
                        "a program has mounted an overlay over it; \"private = allow\" in profile %s "
                        "would allow that, see snotify.conf(5)",
                        profile);
        else if (refusal->is_ring)
                (void)snprintf(to, size, "asked for through io_uring, which no rule can judge");
        else
                (void)snprintf(to, size,
                        "system call %" PRId32 " creates it in a way that is not supervised",
                        refusal->number);
}

/* The kernel's own form of a device number. */
#define DEVICE_MINOR_BITS 20

void session_records_refusal(Report *report, const SessionIdentity *session, const GuardRefusal *refusal) {
        char path[4096], comm[4 * GUARD_COMM_SIZE + 8], file_system[64], why[512], more[64] = "";

        report_begin(report, REPORT_GUARD_REFUSED);
        report_text(report, "OBJECT_PID", "%" PRIu32, refusal->tgid);
        add_session(report, session);
        report_bytes(report, "SNOTIFY_COMM", refusal->comm, strnlen(refusal->comm, GUARD_COMM_SIZE));
        report_text(report, "SNOTIFY_SUPPRESSED", "%" PRIu32, refusal->n_suppressed);
        if (refusal->n_suppressed > 0)
                (void)snprintf(more, sizeof(more), "; %" PRIu32 " more before this one are not recorded",
                        refusal->n_suppressed);
        explain_refusal(session, refusal, why, sizeof(why));
        (void)report_send(report,
                "session %016" PRIx64 ": the guard refused a directory, %s on %s %" PRIu32 ":%" PRIu32
                ", to %s[%" PRIu32 "], uid %" PRIu32 ": EPERM (%s)%s",
                session->session_id, refusal_path(refusal, path, sizeof(path)),
                escape_text(refusal->file_system,
                        strnlen(refusal->file_system, sizeof(refusal->file_system)), file_system,
                        sizeof(file_system)),
                refusal->device >> DEVICE_MINOR_BITS, refusal->device & ((1U << DEVICE_MINOR_BITS) - 1),
                escape_text(refusal->comm, strnlen(refusal->comm, GUARD_COMM_SIZE), comm, sizeof(comm)),
                refusal->tgid, refusal->uid, why, more);
}

static void add_totals(Report *report, const LedgerTotals *totals) {
        report_text(report, "SNOTIFY_ALLOWED", "%" PRIu64, totals->allowed);
        report_text(report, "SNOTIFY_DENIED", "%" PRIu64, totals->denied);
        report_text(report, "SNOTIFY_FAILED", "%" PRIu64, totals->failed);
        report_text(report, "SNOTIFY_AUDITED", "%" PRIu64, totals->audited);
        report_text(report, "SNOTIFY_SUPPRESSED", "%" PRIu64, totals->suppressed);
        report_text(report, "SNOTIFY_LOST", "%" PRIu64, totals->lost);
}

/* Writes the counts of the calls to to. */
static const char *show_totals(const LedgerTotals *totals, char *to, size_t size) {
        char audited[64] = "";

        if (totals->audited > 0)
                (void)snprintf(audited, sizeof(audited), ", %" PRIu64 " would be denied", totals->audited);
        (void)snprintf(to, size, "%" PRIu64 " allowed, %" PRIu64 " denied%s, %" PRIu64 " failed",
                totals->allowed, totals->denied, audited, totals->failed);
        return to;
}

bool session_records_end(Report *report, const SessionIdentity *session, int ledger_fd) {
        char calls[160], suppressed[64] = "", lost[96] = "";
        LedgerTotals totals = {};

        (void)ledger_read_totals(ledger_fd, &totals);
        report_begin(report, REPORT_SESSION_ENDED);
        add_session(report, session);
        add_totals(report, &totals);
        if (totals.suppressed > 0)
                (void)snprintf(suppressed, sizeof(suppressed), "; %" PRIu64 " of them not recorded",
                        totals.suppressed);
        if (totals.lost > 0)
                (void)snprintf(lost, sizeof(lost),
                        "; %" PRIu64 " records lost, because their reader did not take them", totals.lost);
        return report_send(report, "session %016" PRIx64 " ended: %s%s%s", session->session_id,
                show_totals(&totals, calls, sizeof(calls)), suppressed, lost);
}

void session_records_leave(Report *report, const SessionIdentity *session, int ledger_fd, bool is_kept) {
        LedgerTotals totals = {};
        char calls[160];

        (void)ledger_read_totals(ledger_fd, &totals);
        report_begin(report, is_kept ? REPORT_SESSION_LEFT : REPORT_SESSION_LOST);
        add_session(report, session);
        add_totals(report, &totals);
        (void)report_send(report, "session %016" PRIx64 " %s: %s so far; %s", session->session_id,
                is_kept ? "left to systemd" : "lost", show_totals(&totals, calls, sizeof(calls)),
                is_kept ? "a restart takes it over, and a stop loses it"
                        : "its calls fail with ENOSYS from now on");
}

void session_records_hang(Report *report, uint64_t id, pid_t pid, uint32_t hanging) {
        report_begin(report, REPORT_WORKER_HANGS);
        report_text(report, "OBJECT_PID", "%d", pid);
        report_text(report, "SNOTIFY_SESSION", "%016" PRIx64, id);
        (void)report_send(report,
                "process %d of session %016" PRIx64 " hangs in the kernel over a call and cannot be killed: "
                "a file system does not answer; %" PRIu32 " of the session's %u workers %s",
                pid, id, hanging, LEDGER_REJECTING, hanging == 1 ? "hangs" : "hang");
}

void session_records_death(Report *report, uint64_t id, pid_t pid, const siginfo_t *info) {
        report_begin(report, REPORT_WORKER_DIED);
        report_text(report, "OBJECT_PID", "%d", pid);
        report_text(report, "SNOTIFY_SESSION", "%016" PRIx64, id);
        if (info->si_code == CLD_EXITED)
                (void)report_send(report,
                        "a worker of session %016" PRIx64
                        " failed with exit status %d; another one takes its place",
                        id, info->si_status);
        else
                (void)report_send(report,
                        "a worker of session %016" PRIx64
                        " was killed by SIG%s%s; another one takes its place",
                        id, sigabbrev_np(info->si_status), info->si_status == SIGSYS ? SANDBOX_DEATH : "");
}
