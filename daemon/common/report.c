/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends records to the journal or to stderr.  The daemon creates a Report, and its children inherit it.  A
 * Report owns its socket or its output, and the record under construction.  Must never wait for longer than
 * its patience. */

#include "common/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/journal.h"
#include "common/ownership.h"
#include "common/record-builder.h"
#include "common/stderr-output.h"

/* After a wait in vain, how long no record waits for the journal. */
#define STUCK_USEC 1000000U

struct Report {
        int journal_fd;       /* empty: records go to stderr */
        StderrOutput *output; /* NULL: records go to the journal */
        uint64_t patience_usec;
        Outbox outbox;             /* without bytes: there is none */
        uint64_t dropped;          /* records of the outbox, since report_count_dropped() */
        uint64_t lost;             /* records without an outbox, since a record said how many */
        uint64_t stuck_until_usec; /* CLOCK_MONOTONIC: until then no record waits for the journal */
        RecordBuilder record;
};

static const struct {
        int priority;
        const char *message_id;
} kinds[] = {
        [REPORT_DENIED] = {LOG_WARNING, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c01"},
        [REPORT_ALLOWED] = {LOG_INFO, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c02"},
        [REPORT_FAILED] = {LOG_INFO, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c03"},
        [REPORT_TROUBLE] = {LOG_ERR, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c04"},
        [REPORT_SESSION_STARTED] = {LOG_INFO, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c05"},
        [REPORT_SESSION_ENDED] = {LOG_INFO, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c06"},
        [REPORT_SESSION_REFUSED] = {LOG_NOTICE, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c07"},
        [REPORT_CONFIG_LOADED] = {LOG_INFO, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c08"},
        [REPORT_CONFIG_REJECTED] = {LOG_ERR, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c09"},
        [REPORT_WORKER_DIED] = {LOG_ERR, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c0a"},
        [REPORT_WORKER_HANGS] = {LOG_ERR, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c0c"},
        [REPORT_FEATURE_MISSING] = {LOG_NOTICE, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c0b"},
        [REPORT_SUPPRESSED] = {LOG_WARNING, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c0d"},
        [REPORT_SESSION_LOST] = {LOG_WARNING, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c0e"},
        [REPORT_SESSION_LEFT] = {LOG_INFO, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c0f"},
        [REPORT_ACCEPTORS_HANG] = {LOG_ERR, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c10"},
        [REPORT_GUARD_REFUSED] = {LOG_WARNING, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c11"},
        [REPORT_AUDITED] = {LOG_NOTICE, "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c12"},
        [REPORT_NOTE] = {LOG_INFO, NULL},
        [REPORT_WARNING] = {LOG_WARNING, NULL},
        [REPORT_ERROR] = {LOG_ERR, NULL},
};

/* Where systemd connects stderr to the journal, it names the device and inode of that stream in
 * $JOURNAL_STREAM (systemd.exec(5)). */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long dev, ino;
        struct stat st;

        if (!stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2)
                return false;
        return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

int report_new(ReportTarget target, Report **ret) {
        Report *report;
        int r = 0;

        report = calloc(1, sizeof(*report));
        if (!report)
                return -ENOMEM;
        report->journal_fd = -EBADF;
        if (target == REPORT_TO_JOURNAL || (target == REPORT_TO_AUTO && stderr_is_journal()))
                r = journal_open(&report->journal_fd);
        if (report->journal_fd < 0 && target != REPORT_TO_JOURNAL)
                r = stderr_output_new(&report->output);
        if (r < 0) {
                report_free(report);
                return r;
        }
        report_set_patience(report, 100000);
        *ret = report;
        return 0;
}

Report *report_free(Report *report) {
        if (!report)
                return NULL;
        fd_close(report->journal_fd);
        stderr_output_free(report->output);
        free(report);
        return NULL;
}

int report_fd(const Report *report) {
        return report->output ? stderr_output_fd(report->output) : report->journal_fd;
}

void report_set_patience(Report *report, uint64_t usec) {
        report->patience_usec = usec;
}

/* A line on stderr has no fields. */
void report_bytes(Report *report, const char *field, const void *value, size_t size) {
        if (!report->output)
                record_builder_add(&report->record, field, value, size);
}

void report_text(Report *report, const char *field, const char *format, ...) {
        va_list arguments;

        if (report->output)
                return;
        va_start(arguments, format);
        record_builder_add_text(&report->record, field, format, arguments);
        va_end(arguments);
}

void report_string(Report *report, const char *field, const char *text) {
        report_bytes(report, field, text, strlen(text));
}

/* Writes the number's digits, at least so many. */
static void report_digits(
        Report *report, const char *field, uint64_t number, unsigned base, size_t at_least) {
        char text[20];
        size_t at = sizeof(text);

        for (; number > 0 || sizeof(text) - at < at_least; number /= base)
                text[--at] = "0123456789abcdef"[number % base];
        report_bytes(report, field, text + at, sizeof(text) - at);
}

void report_number(Report *report, const char *field, uint64_t number) {
        report_digits(report, field, number, 10, 1);
}

void report_id(Report *report, const char *field, uint64_t id) {
        report_digits(report, field, id, 16, 16);
}

void report_begin(Report *report, ReportKind kind) {
        record_builder_clear(&report->record);
        report_number(report, "PRIORITY", (uint64_t)kinds[kind].priority);
        report_string(report, "SYSLOG_IDENTIFIER", "snotifyd");
        if (kinds[kind].message_id)
                report_string(report, "MESSAGE_ID", kinds[kind].message_id);
}

void report_use_outbox(Report *report, const Outbox *outbox) {
        report->outbox = *outbox;
}

bool report_is_pending(const Report *report) {
        return report->outbox.bytes && !outbox_is_empty(&report->outbox);
}

static void drop_first(Report *report) {
        outbox_remove(&report->outbox, 1);
        report->dropped++;
}

void report_drop(Report *report) {
        while (report_is_pending(report))
                drop_first(report);
}

uint64_t report_count_dropped(Report *report) {
        uint64_t dropped = report->dropped;

        report->dropped = 0;
        return dropped;
}

/* Sends what the journal takes at once.  Returns as journal_send() does; an outbox that holds nothing
 * readable is a record that is too large. */
static int flush_some(Report *report) {
        struct iovec records[JOURNAL_RECORDS_MAX];
        size_t n = outbox_peek(&report->outbox, records, JOURNAL_RECORDS_MAX);

        return n > 0 ? journal_send(report->journal_fd, records, n) : -EMSGSIZE;
}

void report_flush(Report *report, uint64_t patience_usec) {
        uint64_t until = clock_usec(CLOCK_MONOTONIC) + patience_usec;

        if (report->output) {
                report_drop(report);
                return;
        }
        while (report_is_pending(report)) {
                int sent = flush_some(report);
                uint64_t now = clock_usec(CLOCK_MONOTONIC);

                if (sent > 0)
                        outbox_remove(&report->outbox, (size_t)sent);
                else if (sent == -EMSGSIZE)
                        drop_first(report);
                else if (sent == -EAGAIN && now < until)
                        journal_wait(report->journal_fd, until - now);
                else
                        break;
        }
}

/* Does no record wait for the journal now? */
static bool is_stuck(const Report *report) {
        return clock_usec(CLOCK_MONOTONIC) < report->stuck_until_usec;
}

static void note_stuck(Report *report) {
        report->stuck_until_usec = clock_usec(CLOCK_MONOTONIC) + STUCK_USEC;
}

/* Sends the record at once, and waits for a busy journal. */
static bool send_now(Report *report) {
        struct iovec record = {.iov_base = report->record.bytes, .iov_len = report->record.length};
        int sent = journal_send(report->journal_fd, &record, 1);

        if (sent == -EAGAIN && !is_stuck(report)) {
                journal_wait(report->journal_fd, report->patience_usec);
                sent = journal_send(report->journal_fd, &record, 1);
                if (sent < 0)
                        note_stuck(report);
        }
        return sent == 1;
}

/* Puts the record into the outbox.  A full outbox waits for the journal: a slow worker is better than a lost
 * record. */
static bool send_later(Report *report) {
        const RecordBuilder *record = &report->record;
        bool patient;

        if (outbox_append(&report->outbox, record->bytes, record->length))
                return true;
        patient = !is_stuck(report);
        report_flush(report, patient ? report->patience_usec : 0);
        if (outbox_append(&report->outbox, record->bytes, record->length))
                return true;
        if (patient)
                note_stuck(report);
        return false;
}

static void report_lost(Report *report) {
        uint64_t lost = report->lost;

        report->lost = 0;
        if (!report_line(report, REPORT_WARNING,
                    "records lost before this one, because %s did not take them: %" PRIu64,
                    report->output ? "standard error" : "the journal", lost))
                report->lost = lost;
}

static bool count_lost(Report *report, bool is_taken) {
        if (!is_taken)
                report->lost++;
        else if (report->lost > 0)
                report_lost(report);
        return is_taken;
}

__attribute__((format(printf, 2, 0))) static bool report_vsend(
        Report *report, const char *format, va_list arguments) {
        if (report->output)
                return count_lost(report,
                        stderr_output_vprint(report->output, report->patience_usec, format, arguments));
        record_builder_add_text(&report->record, "MESSAGE", format, arguments);
        if (report->record.overflow)
                return false;
        if (report->outbox.bytes)
                return send_later(report);
        return count_lost(report, send_now(report));
}

bool report_send(Report *report, const char *format, ...) {
        va_list arguments;
        bool sent;

        va_start(arguments, format);
        sent = report_vsend(report, format, arguments);
        va_end(arguments);
        return sent;
}

bool report_line(Report *report, ReportKind kind, const char *format, ...) {
        va_list arguments;
        bool sent;

        report_begin(report, kind);
        va_start(arguments, format);
        sent = report_vsend(report, format, arguments);
        va_end(arguments);
        return sent;
}

void report_drain(Report *report, uint64_t limit_usec) {
        if (!report->output)
                journal_drain(report->journal_fd, limit_usec);
}
