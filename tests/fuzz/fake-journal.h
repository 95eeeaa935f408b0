/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A journal that keeps what it is sent, so that a fuzz target can look at it.  It is where the real one is,
 * in a mount namespace of the process's own. */

#include <stdbool.h>
#include <stddef.h>

#include "common/report.h"

typedef struct FakeJournal FakeJournal;

/* Ends the process, with the reason, where only root could have one.  It stays to the end. */
FakeJournal *fake_journal_new(void);

/* The journal's, for whatever is to send to it. */
Report *fake_journal_report(FakeJournal *journal);

/* Takes what was reported, through an outbox of its own, since the last time: one record or none, well
 * formed.  Returns whether there was one. */
bool fake_journal_take(FakeJournal *journal);

/* The value of a field of the record in hand, which is there once; it may hold any bytes and doesn't end. */
const char *fake_journal_field(const FakeJournal *journal, const char *name, size_t *ret_length);

/* The sentence of the record in hand is UTF-8 on one line, without control codes. */
void fake_journal_check_message(const FakeJournal *journal);

/* Forgets what came over its socket. */
void fake_journal_drain(FakeJournal *journal);
