/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A journal that keeps the records that it is sent, so that a fuzz target can check them.  Its socket is at
 * the path of the real one, in a mount namespace of this process. */

#include <stdbool.h>
#include <stddef.h>

#include "common/report.h"

typedef struct FakeJournal FakeJournal;

/* Returns the journal, which exists until the process exits.  Without the privileges for a mount namespace
 * prints why, and exits. */
FakeJournal *fake_journal_new(void);

/* Returns a reporter that sends to the journal.  The journal owns it. */
Report *fake_journal_report(FakeJournal *journal);

/* Takes what was reported since the last call: one well-formed record, or none.  Returns whether there was
 * one. */
bool fake_journal_take(FakeJournal *journal);

/* Returns the value of a field that the record taken last has once.  It may contain any bytes, and has no
 * terminating NUL. */
const char *fake_journal_field(const FakeJournal *journal, const char *name, size_t *ret_length);

/* Checks that the record's message is UTF-8 on one line, without control characters. */
void fake_journal_check_message(const FakeJournal *journal);

/* Drops the records that arrived over the socket. */
void fake_journal_drain(FakeJournal *journal);
