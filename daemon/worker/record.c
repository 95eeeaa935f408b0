/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a finished slot to a record.  Run by the worker after the target was answered.  Owns nothing.  Must
 * never print a byte from outside unescaped. */

#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/calls.h"
#include "common/clock.h"

static ReportKind decision_kind(const Slot *slot) {
        switch ((SlotVerdict)slot->verdict) {
        case SLOT_DENIED:
                return REPORT_DENIED;
        case SLOT_ALLOWED:
                return slot->error == 0 ? REPORT_ALLOWED : REPORT_FAILED;
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
                return kind == REPORT_DENIED;
        case POLICY_LOG_NONE:
                return false;
        }
        return true;
}

static void count(LedgerHeader *header, ReportKind kind) {
        atomic_fetch_add(kind == REPORT_ALLOWED  ? &header->allowed
                         : kind == REPORT_DENIED ? &header->denied
                                                 : &header->failed,
                1);
}

static const char *error_name(int error) {
        const char *name = error == 0 ? "0" : strerrorname_np(error);

        return name ? name : "unknown";
}

static void add_fields(
        Report *report, const LedgerIdentity *session, const Slot *slot, ReportKind kind, const char *call) {
        static const char *const verdicts[] = {
                [REPORT_DENIED] = "denied",
                [REPORT_ALLOWED] = "allowed",
                [REPORT_FAILED] = "failed",
                [REPORT_TROUBLE] = "failed",
        };

        report_text(report, "OBJECT_PID", "%" PRIu32, slot->pid);
        report_text(report, "SNOTIFY_SESSION", "%016" PRIx64, session->session_id);
        report_text(report, "SNOTIFY_PROFILE", "%s", session->profile);
        report_bytes(
                report, "SNOTIFY_LABEL", session->label, strnlen(session->label, sizeof(session->label)));
        report_text(report, "SNOTIFY_RULE", "%s", slot->rule);
        report_text(report, "SNOTIFY_VERDICT", "%s", verdicts[kind]);
        report_text(report, "SNOTIFY_CALL", "%s", call);
        if (slot->path_length > 0)
                report_bytes(report, "SNOTIFY_PATH", slot->path, slot->path_length);
        if (slot->argument_length != slot->path_length ||
                memcmp(slot->argument, slot->path, slot->path_length) != 0)
                report_bytes(report, "SNOTIFY_ARGUMENT", slot->argument, slot->argument_length);
        report_text(report, "SNOTIFY_MODE", "%04o", slot->mode);
        report_text(report, "SNOTIFY_ERRNO", "%s", error_name(slot->error));
        report_text(report, "SNOTIFY_UID", "%" PRIu32, slot->uid);
        report_bytes(report, "SNOTIFY_COMM", slot->comm, strnlen(slot->comm, sizeof(slot->comm)));
        report_text(report, "SNOTIFY_USEC", "%" PRIu64, clock_usec(CLOCK_MONOTONIC) - slot->received_usec);
        report_text(report, "SNOTIFY_GENERATION", "%" PRIu64, slot->generation);
}

/* Why it was decided so, as the end of the sentence. */
static void explain(
        const LedgerIdentity *session, const Slot *slot, ReportKind kind, char *to, size_t size) {
        if (slot->why[0] != '\0')
                (void)snprintf(to, size, "%s", slot->why);
        else if (slot->rule[0] != '\0')
                (void)snprintf(to, size, "rule %s", slot->rule);
        else if (kind == REPORT_FAILED)
                (void)snprintf(to, size, "as without snotify");
        else
                (void)snprintf(to, size, "profile %s: no rule covers it", session->profile);
}

void record_decision(LedgerHeader *header, const Slot *slot, const Profile *profile, Report *report) {
        static const char *const words[] = {
                [REPORT_DENIED] = "denied",
                [REPORT_ALLOWED] = "allowed",
                [REPORT_FAILED] = "failed",
                [REPORT_TROUBLE] = "trouble with",
        };
        const Call *row = call_find(&slot->request.notif.data);
        const char *call = row ? row->name : "unknown call";
        ReportKind kind = decision_kind(slot);
        const char *shown = slot->path_length > 0 ? slot->path : slot->argument;
        char path[2048], comm[4 * LEDGER_COMM_SIZE + 8], why[256];

        count(header, kind);
        if (!is_wanted(profile, kind)) {
                atomic_fetch_add(&header->suppressed, 1);
                return;
        }

        report_begin(report, kind);
        add_fields(report, &header->identity, slot, kind, call);
        explain(&header->identity, slot, kind, why, sizeof(why));
        if (!report_send(report, "%s %s(\"%s\") by %s[%" PRIu32 "], uid %" PRIu32 ": %s (%s)", words[kind],
                    call, report_escape(shown, strlen(shown), path, sizeof(path)),
                    report_escape(slot->comm, strnlen(slot->comm, sizeof(slot->comm)), comm, sizeof(comm)),
                    slot->pid, slot->uid, slot->error ? error_name(slot->error) : "made", why))
                atomic_fetch_add(&header->lost, 1);
}
