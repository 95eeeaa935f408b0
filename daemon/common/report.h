/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records: structured ones for the journal (journal.h), or one line each on stderr (stderr-output.h).
 *
 * To report, call report_begin(), add fields, then call report_send() with the sentence that people read.
 * Text from outside must go through escape_text() (escape.h) before it becomes part of that sentence. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/outbox.h"

/* Each kind has a MESSAGE_ID that never changes, which the message catalog explains (journalctl -x). */
typedef enum ReportKind {
        REPORT_DENIED,
        REPORT_ALLOWED,
        REPORT_FAILED,
        REPORT_TROUBLE,
        REPORT_SESSION_STARTED,
        REPORT_SESSION_ENDED,
        REPORT_SESSION_REFUSED,
        REPORT_CONFIG_LOADED,
        REPORT_CONFIG_REJECTED,
        REPORT_WORKER_DIED,
        REPORT_WORKER_HANGS,
        REPORT_FEATURE_MISSING,
        REPORT_SUPPRESSED,
        REPORT_SESSION_LOST,
        REPORT_SESSION_LEFT,
        REPORT_ACCEPTORS_HANG,
        REPORT_GUARD_REFUSED,
        REPORT_AUDITED,
        REPORT_NOTE,    /* without a MESSAGE_ID */
        REPORT_WARNING, /* without a MESSAGE_ID */
        REPORT_ERROR,   /* without a MESSAGE_ID */
} ReportKind;

typedef enum ReportTarget {
        REPORT_TO_AUTO, /* the journal when systemd connected our stderr to it, else stderr */
        REPORT_TO_JOURNAL,
        REPORT_TO_STDERR,
} ReportTarget;

typedef struct Report Report;

/* Returns 0 and the caller's report, -ENOMEM, or for REPORT_TO_JOURNAL what connect(2) says.  report_free()
 * takes NULL and returns NULL. */
int report_new(ReportTarget target, Report **ret);
Report *report_free(Report *report);

/* The fd that a child must keep to go on reporting: the journal's socket, or that of stderr. */
int report_fd(const Report *report);

/* How long sending may wait for a busy journal or a busy reader of stderr, in microseconds.  After a wait in
 * vain no record waits for the journal for a second, and none waits for stderr until stderr takes one. */
void report_set_patience(Report *report, uint64_t usec);

void report_begin(Report *report, ReportKind kind);
void report_text(Report *report, const char *field, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* The same for a string, for a number, and for an id of 16 hexadecimal digits: without printf(3), of which a
 * record with many fields is mostly made. */
void report_string(Report *report, const char *field, const char *text);
void report_number(Report *report, const char *field, uint64_t number);
void report_id(Report *report, const char *field, uint64_t id);
/* The value may be any bytes. */
void report_bytes(Report *report, const char *field, const void *value, size_t size);
/* Adds MESSAGE and sends.  Returns false where the record is lost.  Without an outbox, the next record that
 * is taken is followed by one that says how many were lost. */
bool report_send(Report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* report_begin() and report_send() for a record without fields of its own. */
bool report_line(Report *report, ReportKind kind, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* From now on report_send() puts records for the journal into the outbox, which stays the caller's.  Where
 * the outbox is full, report_send() waits for the journal as report_set_patience() says, and returns false
 * only where the outbox is still full then. */
void report_use_outbox(Report *report, const Outbox *outbox);

/* Are there records in the outbox? */
bool report_is_pending(const Report *report);

/* Sends the records of the outbox.  Waits no longer than patience_usec in all for a busy journal.  Records
 * that the journal does not take now stay; a record that it never takes is dropped. */
void report_flush(Report *report, uint64_t patience_usec);

/* Empties the outbox without sending. */
void report_drop(Report *report);

/* Returns how many records of the outbox were dropped since the last call. */
uint64_t report_count_dropped(Report *report);

/* Waits until the journal has taken what was sent, for at most limit_usec; see journal_drain(). */
void report_drain(Report *report, uint64_t limit_usec);
