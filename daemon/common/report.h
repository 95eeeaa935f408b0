/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records: structured ones for the journal, or one line each on stderr (stderr-output.h).
 *
 * A record is built in the reporter's own buffer: report_begin(), fields, then report_send() with the
 * sentence that people read.  The journal is spoken to in its native protocol
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL) over a socket of our own: the one that libsystemd keeps for
 * sd_journal_send() doesn't survive a forked child's close_range(), and would block for as long as journald
 * does. */

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

/* Returns 0 and the caller's reporter, -ENOMEM, or for REPORT_TO_JOURNAL what connect(2) says. report_free()
 * takes NULL and returns NULL. */
int report_new(ReportTarget target, Report **ret);
Report *report_free(Report *report);

/* The fd that a child must keep to go on reporting: the journal's socket, or what stderr is. */
int report_fd(const Report *report);

/* How long sending may wait for a journal or a reader of stderr that is busy, in microseconds.  After a wait
 * in vain nothing waits for the journal for a second, and nothing for stderr until it takes a record. */
void report_set_patience(Report *report, uint64_t usec);

void report_begin(Report *report, ReportKind kind);
void report_text(Report *report, const char *field, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Any bytes, newlines too: the protocol carries the length. */
void report_bytes(Report *report, const char *field, const void *value, size_t size);
/* Adds MESSAGE and sends.  What comes from outside must have gone through report_escape().  Returns false
 * where the record was lost; without an outbox a record says how many were, as soon as one is taken.
 */
bool report_send(Report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* report_begin() and report_send() for a record without fields of its own. */
bool report_line(Report *report, ReportKind kind, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* From now on records for the journal are put into the outbox; it stays the caller's.  Where one has no
 * room, the journal is waited for, as report_set_patience() says.  report_send() then returns false only
 * where there still is none. */
void report_use_outbox(Report *report, const Outbox *outbox);

/* Are there records in the outbox? */
bool report_is_pending(const Report *report);

/* Sends them, waiting no longer than patience_usec in all for a journal that is busy.  Those that it doesn't
 * take stay; what it never takes is dropped. */
void report_flush(Report *report, uint64_t patience_usec);

/* Empties it without sending. */
void report_drop(Report *report);

/* Returns how many records of the outbox were dropped since it was asked last. */
uint64_t report_count_dropped(Report *report);

/* Returns once the journal has taken what was sent, after at most limit_usec.  journald learns which unit a
 * record belongs to from the sender's /proc: a process that leaves earlier loses its records to `journalctl
 * -u`. */
void report_drain(Report *report, uint64_t limit_usec);

/* Copies bytes as printable text on one line: control bytes, backslash, double quote and what isn't UTF-8
 * become \xNN; cut with "..." where size is short.  size is at least 8.  Returns to. */
const char *report_escape(const char *from, size_t length, char *to, size_t size);
