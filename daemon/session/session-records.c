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
                "session %016" PRIx64 " started%s: pid %" PRIu32 ", uid %" PRIu32 ", profile %s%s%s",
                session->session_id, session->guarded ? ", guarded" : "", session->pid, session->uid,
                escape_text(session->profile, strlen(session->profile), profile, sizeof(profile)),
                session->label[0] ? ", label " : "",
                escape_text(session->label, strlen(session->label), label, sizeof(label)));
}

static void add_totals(Report *report, const LedgerTotals *totals) {
        report_text(report, "SNOTIFY_ALLOWED", "%" PRIu64, totals->allowed);
        report_text(report, "SNOTIFY_DENIED", "%" PRIu64, totals->denied);
        report_text(report, "SNOTIFY_FAILED", "%" PRIu64, totals->failed);
        report_text(report, "SNOTIFY_SUPPRESSED", "%" PRIu64, totals->suppressed);
        report_text(report, "SNOTIFY_LOST", "%" PRIu64, totals->lost);
}

bool session_records_end(Report *report, const SessionIdentity *session, int ledger_fd) {
        char suppressed[64] = "", lost[96] = "";
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
        return report_send(report,
                "session %016" PRIx64 " ended: %" PRIu64 " allowed, %" PRIu64 " denied, %" PRIu64
                " failed%s%s",
                session->session_id, totals.allowed, totals.denied, totals.failed, suppressed, lost);
}

void session_records_leave(Report *report, const SessionIdentity *session, int ledger_fd, bool is_kept) {
        LedgerTotals totals = {};

        (void)ledger_read_totals(ledger_fd, &totals);
        report_begin(report, is_kept ? REPORT_SESSION_LEFT : REPORT_SESSION_LOST);
        add_session(report, session);
        add_totals(report, &totals);
        (void)report_send(report,
                "session %016" PRIx64 " %s: %" PRIu64 " allowed, %" PRIu64 " denied, %" PRIu64
                " failed so far; %s",
                session->session_id, is_kept ? "left to systemd" : "lost", totals.allowed, totals.denied,
                totals.failed,
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
