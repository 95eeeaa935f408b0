/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds an outbox what a compromised worker may have left there.  Nothing outside of it is read; it can
 * always be emptied, one record at a time, by sending or by dropping; and then all of its room is free. */

#include "fuzz.h"

#include "common/outbox.h"
#include "fake-journal.h"

#define SIZE_MAX_HERE 1024U
#define PREFIX sizeof(uint32_t)
#define MANY 8U

static FakeJournal *journal;
static Report *to_stderr;

typedef struct Memory {
        _Atomic uint32_t start;
        _Atomic uint32_t used;
        uint32_t size;
        uint8_t *bytes; /* of just that size */
} Memory;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void)argc;
        (void)argv;
        journal = fake_journal_new();
        HOLDS(report_new(REPORT_TO_STDERR, &to_stderr) == 0);
        return 0;
}

static Outbox outbox_of(Memory *memory) {
        return (Outbox){
                .start = &memory->start,
                .used = &memory->used,
                .bytes = memory->bytes,
                .size = memory->size,
        };
}

static void fill(Memory *memory, Input input) {
        memory->start = input_number(&input);
        memory->used = input_number(&input);
        memset(memory->bytes, 0, memory->size);
        (void)input_take(&input, memory->bytes, memory->size);
}

static void check_peek(const Outbox *outbox) {
        struct iovec records[MANY];
        size_t n = outbox_peek(outbox, records, MANY), room = outbox->size;

        HOLDS(n <= MANY && (n == 0 || !outbox_is_empty(outbox)));
        for (size_t i = 0; i < n; i++) {
                const uint8_t *start = records[i].iov_base;

                HOLDS(records[i].iov_len > 0 && records[i].iov_len + PREFIX <= room);
                HOLDS(start >= outbox->bytes + PREFIX);
                HOLDS(start + records[i].iov_len <= outbox->bytes + outbox->size);
                room -= records[i].iov_len + PREFIX;
        }
}

static void check_room(Outbox *outbox, const uint8_t *bytes, size_t length) {
        bool fits = length + PREFIX <= outbox->size;
        struct iovec record;

        HOLDS(outbox_is_empty(outbox));
        HOLDS(outbox_append(outbox, bytes, length) == fits);
        HOLDS(outbox_peek(outbox, &record, 1) == fits);
        if (fits)
                HOLDS(record.iov_len == length && memcmp(record.iov_base, bytes, length) == 0);
}

static void empty_by_hand(Outbox *outbox) {
        for (uint32_t n = 0; !outbox_is_empty(outbox); n++) {
                HOLDS(n <= outbox->size / PREFIX);
                check_peek(outbox);
                outbox_remove(outbox, 1);
        }
}

/* Each time the journal is read there is room for a few. */
static void empty_into_journal(Outbox *outbox) {
        Report *report = fake_journal_report(journal);

        report_use_outbox(report, outbox);
        for (uint32_t n = 0; report_is_pending(report); n++) {
                HOLDS(n <= outbox->size / PREFIX);
                report_flush(report, 0);
                fake_journal_drain(journal);
        }
        (void)report_count_dropped(report);
}

static void empty_into_nothing(Outbox *outbox) {
        report_use_outbox(to_stderr, outbox);
        report_flush(to_stderr, 0);
        HOLDS(!report_is_pending(to_stderr));
        (void)report_count_dropped(to_stderr);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        static void (*const ways[])(Outbox *) = {empty_by_hand, empty_into_journal, empty_into_nothing};
        Input input = {bytes, size};
        Memory memory = {.size = 1 + input_number(&input) % SIZE_MAX_HERE};
        Outbox outbox;

        memory.bytes = malloc(memory.size);
        HOLDS(memory.bytes);
        outbox = outbox_of(&memory);
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                fill(&memory, input);
                (void)outbox_append(&outbox, bytes, size > 0 ? size : 1);
                ways[i](&outbox);
                if (size > 0)
                        check_room(&outbox, bytes, size);
        }
        free(memory.bytes);
        return 0;
}
