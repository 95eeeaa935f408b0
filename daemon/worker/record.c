/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes the journal record of a finished slot.  Run by the worker, after it has answered the target.  Owns
 * nothing.  Must never print a byte from outside unescaped.  Must never rely on a terminating NUL or on a
 * length in the ledger: a worker that was compromised may have written them. */

#include "worker/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/calls.h"
#include "common/clock.h"
#include "common/escape.h"
#include "worker/operation/operation.h"

static ReportKind decision_kind(const Slot *slot) {
        switch ((SlotVerdict)slot->verdict) {
        case SLOT_DENIED:
                return REPORT_DENIED;
        case SLOT_ALLOWED:
                return slot->error == 0 || slot->error == SLOT_ERROR_PENDING ? REPORT_ALLOWED
                                                                             : REPORT_FAILED;
        case SLOT_AUDITED:
                return REPORT_AUDITED;
        case SLOT_TROUBLE:
        case SLOT_UNDECIDED:
                break;
        }
        return REPORT_TROUBLE;
}

static bool is_wanted(const Profile *profile, ReportKind kind) {
        if (kind == REPORT_TROUBLE || !profile)
                return true;
        switch (profile_log(profile)) {
        case POLICY_LOG_ALL:
                return true;
        case POLICY_LOG_DENIED:
                return kind == REPORT_DENIED || kind == REPORT_AUDITED;
        case POLICY_LOG_NONE:
                return false;
        }
        return true;
}

static void count_decision(LedgerTotals *totals, ReportKind kind) {
        if (kind == REPORT_ALLOWED)
                totals->allowed++;
        else if (kind == REPORT_DENIED)
                totals->denied++;
        else if (kind == REPORT_AUDITED)
                totals->audited++;
        else
                totals->failed++;
}

static const char *error_name(int error) {
        const char *name = error == 0 ? "0" : strerrorname_np(error);

        return name ? name : "unknown";
}

static void add_text(Report *report, const char *field, const char *text, size_t size) {
        report_bytes(report, field, text, strnlen(text, size));
}

static size_t at_most(uint32_t length, size_t most) {
        return length < most ? length : most;
}

/* If a call names two places, the second one is the destination. */
static void add_location(Report *report, const SlotLocation *location, bool is_second) {
        size_t path_length = at_most(location->path_length, LEDGER_PATH_SIZE - 1);
        size_t argument_length = at_most(location->argument_length, LEDGER_ARGUMENT_SIZE - 1);

        if (path_length > 0)
                report_bytes(
                        report, is_second ? "SNOTIFY_PATH_TO" : "SNOTIFY_PATH", location->path, path_length);
        if (argument_length != path_length || memcmp(location->argument, location->path, path_length) != 0)
                report_bytes(report, is_second ? "SNOTIFY_ARGUMENT_TO" : "SNOTIFY_ARGUMENT",
                        location->argument, argument_length);
}

/* Adds a field only for an argument that the call has. */
static void add_arguments(Report *report, const Slot *slot, const Call *call) {
        const Operation *operation = call ? operation_of(call->kind) : NULL;

        for (unsigned i = 0; i < (operation ? operation->n_locations : 1); i++)
                add_location(report, &slot->locations[i], i > 0);
        if (!call || call->mode_at >= 0)
                report_text(report, "SNOTIFY_MODE", "%04o", slot->arguments.mode);
        if (slot->arguments.flags != 0)
                report_text(report, "SNOTIFY_FLAGS", "0x%" PRIx32, slot->arguments.flags);
        if (slot->arguments.device != 0)
                report_text(report, "SNOTIFY_DEVICE", "%" PRIu64, slot->arguments.device);
        if (operation && operation->has_text)
                add_text(report, "SNOTIFY_TEXT", slot->text, sizeof(slot->text));
}

static const char *call_name(const Call *call) {
        return call ? call->name : "unknown call";
}

static const char *success_of(const Call *call) {
        const Operation *operation = call ? operation_of(call->kind) : NULL;

        return operation ? operation->success : "done";
}

static void add_fields(Report *report, const SessionIdentity *session, const Slot *slot, ReportKind kind,
        const Call *call, uint64_t now_usec) {
        static const char *const verdicts[] = {
                [REPORT_DENIED] = "denied",
                [REPORT_ALLOWED] = "allowed",
                [REPORT_FAILED] = "failed",
                [REPORT_TROUBLE] = "failed",
                [REPORT_AUDITED] = "audited",
        };

        report_number(report, "OBJECT_PID", slot->pid);
        report_id(report, "SNOTIFY_SESSION", session->session_id);
        /* From the reply: the request may already be cleared when a successor writes the record again. */
        report_id(report, "SNOTIFY_REQUEST", slot->reply.response.id);
        add_text(report, "SNOTIFY_PROFILE", session->profile, sizeof(session->profile));
        add_text(report, "SNOTIFY_LABEL", session->label, sizeof(session->label));
        add_text(report, "SNOTIFY_RULE", slot->rule, sizeof(slot->rule));
        report_string(report, "SNOTIFY_VERDICT", verdicts[kind]);
        report_string(report, "SNOTIFY_CALL", call_name(call));
        add_arguments(report, slot, call);
        report_string(report, "SNOTIFY_ERRNO", error_name(slot->error));
        report_number(report, "SNOTIFY_UID", slot->uid);
        add_text(report, "SNOTIFY_COMM", slot->comm, sizeof(slot->comm));
        report_number(report, "SNOTIFY_USEC",
                (slot->sent_usec != 0 ? slot->sent_usec : now_usec) - slot->received_usec);
        report_number(report, "SNOTIFY_GENERATION", slot->generation);
}

/* Writes the reason for the decision, the end of the record's sentence, to to. */
static const char *explain_decision(
        const SessionIdentity *session, const Slot *slot, ReportKind kind, char *to, size_t size) {
        char text[256];

        if (slot->why[0] != '\0')
                (void)snprintf(text, sizeof(text), "%.*s", (int)sizeof(slot->why), slot->why);
        else if (slot->rule[0] != '\0')
                (void)snprintf(text, sizeof(text), "rule %.*s", (int)sizeof(slot->rule), slot->rule);
        else if (kind == REPORT_FAILED)
                return "the kernel's own error";
        else
                (void)snprintf(text, sizeof(text), "profile %.*s: no rule covers it",
                        (int)sizeof(session->profile), session->profile);
        return escape_text(text, strlen(text), to, size);
}

void record_excess(const SessionIdentity *session, LedgerHeader *header, Report *report) {
        uint64_t excess = rate_limit_collect(&header->records);

        if (excess == 0)
                return;
        report_begin(report, REPORT_SUPPRESSED);
        report_text(report, "SNOTIFY_SESSION", "%016" PRIx64, session->session_id);
        add_text(report, "SNOTIFY_PROFILE", session->profile, sizeof(session->profile));
        report_text(report, "SNOTIFY_SUPPRESSED", "%" PRIu64, excess);
        (void)report_send(report,
                "session %016" PRIx64 " made %" PRIu64
                " more calls, which are not recorded; see records-per-second= in snotify.conf(5)",
                session->session_id, excess);
}

static bool report_decision(
        const SessionIdentity *session, const Slot *slot, ReportKind kind, uint64_t now, Report *report) {
        static const char *const words[] = {
                [REPORT_DENIED] = "denied",
                [REPORT_ALLOWED] = "allowed",
                [REPORT_FAILED] = "failed",
                [REPORT_TROUBLE] = "trouble with",
                [REPORT_AUDITED] = "would deny",
        };
        const Call *call = call_find(&slot->request.notif.data);
        const char *shown =
                slot->locations[0].path_length > 0 ? slot->locations[0].path : slot->locations[0].argument;
        size_t shown_size = slot->locations[0].path_length > 0 ? sizeof(slot->locations[0].path)
                                                               : sizeof(slot->locations[0].argument);
        char path[2048], comm[4 * LEDGER_COMM_SIZE + 8], why[512];

        report_begin(report, kind);
        add_fields(report, session, slot, kind, call, now);
        return report_send(report, "%s %s(\"%s\") by %s[%" PRIu32 "], uid %" PRIu32 ": %s (%s)", words[kind],
                call_name(call), escape_text(shown, strnlen(shown, shown_size), path, sizeof(path)),
                escape_text(slot->comm, strnlen(slot->comm, sizeof(slot->comm)), comm, sizeof(comm)),
                slot->pid, slot->uid, slot->error ? error_name(slot->error) : success_of(call),
                explain_decision(session, slot, kind, why, sizeof(why)));
}

uint64_t record_decision(const SessionIdentity *session, LedgerHeader *header, uint32_t index,
        const Slot *slot, const Profile *profile, uint64_t limit, Report *report) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);
        LedgerTotals after = slot->before;
        ReportKind kind = decision_kind(slot);

        count_decision(&after, kind);
        if (rate_limit_is_due(&header->records, now))
                record_excess(session, header, report);
        if (!is_wanted(profile, kind) || !rate_limit_take(&header->records, limit, now))
                after.suppressed++;
        else if (!report_decision(session, slot, kind, now, report))
                after.lost++;
        header->totals[index] = after;
        return now;
}
