/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds record_decision() a slot, and the header of its ledger, as a compromised worker may have left them
 * to its successor.  The record contains no byte from behind a field, its message is one line, and the
 * decision is counted once. */

#include "fuzz.h"

#include "common/ledger.h"
#include "common/ownership.h"
#include "fake-journal.h"
#include "policy/policy.h"
#include "worker/record.h"

static FakeJournal *journal;
static const Profile *profiles[4]; /* by log =; none */

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        static const char *const names[] = {"denied", "all", "none"};
        static Policy *policy; /* stays */
        Profile *profile;

        (void)argc;
        (void)argv;
        journal = fake_journal_new();
        HOLDS(policy_new(1, &policy) == 0);
        for (PolicyLog log = POLICY_LOG_DENIED; log <= POLICY_LOG_NONE; log++) {
                HOLDS(policy_add_profile(policy, names[log], ACTION_DENY, 1, log, &profile) == 0);
                profiles[log] = profile;
        }
        return 0;
}

/* All of it is bytes that aren't NUL, but for what the input says: of each text, how it begins. */
static void fill(Slot *slot, LedgerHeader *header, SessionIdentity *session, Input *input) {
        uint16_t length = 0;

        memset(slot, 'x', sizeof(*slot));
        memset(header, 'x', sizeof(*header));
        memset(session, 'x', sizeof(*session));
        (void)input_take(input, &slot->request.notif.data.nr, sizeof(slot->request.notif.data.nr));
        (void)input_take(input, &slot->request.notif.data.arch, sizeof(slot->request.notif.data.arch));
        (void)input_take(input, &slot->verdict, offsetof(Slot, locations) - offsetof(Slot, verdict));
        (void)input_take(input, &session->profile, sizeof(session->profile));
        (void)input_take(input, &session->label, sizeof(session->label));
        (void)input_take(input, &length, sizeof(length));
        (void)input_take(input, slot->locations[0].argument,
                length < sizeof(slot->locations[0].argument) ? length : sizeof(slot->locations[0].argument));
        (void)input_take(input, slot->locations[0].path, sizeof(slot->locations[0].path));
}

static uint64_t all_counted(const LedgerTotals *totals) {
        return totals->allowed + totals->audited + totals->denied + totals->failed;
}

static void check_field(const char *name, const char *from, size_t length_max) {
        size_t length = 0;
        const char *value = fake_journal_field(journal, name, &length);

        HOLDS(length <= length_max && (!value || memcmp(value, from, length) == 0));
}

static void check_record(const Slot *slot, const SessionIdentity *session) {
        check_field("SNOTIFY_RULE", slot->rule, sizeof(slot->rule));
        check_field("SNOTIFY_COMM", slot->comm, sizeof(slot->comm));
        check_field("SNOTIFY_PATH", slot->locations[0].path, sizeof(slot->locations[0].path));
        check_field("SNOTIFY_ARGUMENT", slot->locations[0].argument, sizeof(slot->locations[0].argument));
        check_field("SNOTIFY_PROFILE", session->profile, sizeof(session->profile));
        check_field("SNOTIFY_LABEL", session->label, sizeof(session->label));
        fake_journal_check_message(journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        Input input = {bytes, size};
        const Profile *profile = profiles[input_byte(&input) % (sizeof(profiles) / sizeof(profiles[0]))];
        _cleanup_free_ LedgerHeader *header = malloc(sizeof(*header));
        _cleanup_free_ Slot *slot = malloc(sizeof(*slot));
        SessionIdentity session;
        LedgerTotals totals;
        bool taken;

        HOLDS(slot && header);
        fill(slot, header, &session, &input);
        header->records = (RateLimit){}; /* an excess would be a record more */
        (void)record_decision(&session, header, 3, slot, profile, 1, fake_journal_report(journal));
        totals = header->totals[3];
        HOLDS(all_counted(&totals) == all_counted(&slot->before) + 1);
        taken = fake_journal_take(journal);
        HOLDS(totals.lost == slot->before.lost); /* it always fits */
        HOLDS(totals.suppressed == slot->before.suppressed + !taken);
        if (taken)
                check_record(slot, &session);
        return 0;
}
