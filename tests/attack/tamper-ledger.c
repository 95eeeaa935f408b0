/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes into memory shared with the daemon what a compromised worker could write:
 *
 *      tamper-ledger replace FILE FROM TO     replaces each text FROM in the file by TO, and prints how many
 *                                             there were
 *      tamper-ledger randomize LEDGER SEED    random bytes into each slot and the beginning of each outbox.
 *                                             A slot's holder, phase and number of attempts are mostly valid
 *                                             ones, so that the daemon's checks do not stop at the first. */

#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ledger.h"

#define OUTBOX_BYTES 128U

static int ledger_fd;

static void put(const void *bytes, size_t size, size_t offset) {
        if (pwrite(ledger_fd, bytes, size, (off_t)offset) != (ssize_t)size)
                err(EXIT_FAILURE, "pwrite");
}

static void put_number(uint32_t number, size_t offset) {
        put(&number, sizeof(number), offset);
}

static void put_random(size_t size, size_t offset) {
        static uint8_t bytes[LEDGER_UNIT];

        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)mrand48();
        put(bytes, size, offset);
}

static uint32_t choose(uint32_t n) {
        return (uint32_t)lrand48() % n;
}

/* Returns a worker, SLOT_WAITING or the number behind the last worker; or, if not possible, an invalid one.
 */
static uint32_t choose_holder(bool possible) {
        uint32_t holder = choose(LEDGER_WORKERS + 2);

        if (!possible)
                return LEDGER_WORKERS + 1 + choose(SLOT_WAITING - LEDGER_WORKERS - 1);
        return holder == LEDGER_WORKERS + 1 ? SLOT_WAITING : holder;
}

static uint32_t choose_number(void) {
        const uint32_t numbers[] = {0, 1, 40, LEDGER_OUTBOX_SIZE, (uint32_t)mrand48()};

        return numbers[choose(sizeof(numbers) / sizeof(numbers[0]))];
}

static void randomize(void) {
        bool possible = choose(4) > 0;

        for (size_t i = 0; i < LEDGER_SLOTS; i++) {
                size_t slot = (1 + 2 * i) * LEDGER_UNIT;

                put_random(sizeof(Slot), slot);
                put_random(sizeof(Intent), slot + LEDGER_UNIT);
                put_number(choose(SLOT_DONE + 2), slot + offsetof(Slot, phase));
                put_number(choose(LEDGER_WORKERS), slot + offsetof(Slot, attempts));
                put_number(choose_holder(possible), offsetof(LedgerHeader, holders[i]));
        }
        for (size_t i = 0; i < LEDGER_WORKERS; i++) {
                size_t outbox = (1 + 2 * LEDGER_SLOTS) * LEDGER_UNIT + i * LEDGER_OUTBOX_SIZE;

                put_random(OUTBOX_BYTES, outbox);
                put_number(choose_number(), outbox);
                put_number(choose_number(), offsetof(LedgerHeader, outboxes[i].start));
                put_number(choose_number(), offsetof(LedgerHeader, outboxes[i].used));
        }
}

/* Compares and writes the terminating NUL, too. */
static void replace(const char *from, const char *to) {
        static char bytes[LEDGER_SIZE];
        ssize_t n = pread(ledger_fd, bytes, sizeof(bytes), 0);
        size_t length = strlen(from) + 1, replaced = 0;

        if (n < 0)
                err(EXIT_FAILURE, "pread");
        for (size_t at = 0; at + length <= (size_t)n; at++)
                if (memcmp(bytes + at, from, length) == 0) {
                        put(to, strlen(to) + 1, at);
                        replaced++;
                }
        (void)printf("%zu\n", replaced);
}

int main(int argc, char **argv) {
        bool is_replace = argc == 5 && strcmp(argv[1], "replace") == 0;

        if (!is_replace && !(argc == 4 && strcmp(argv[1], "randomize") == 0))
                errx(EXIT_FAILURE,
                        "usage: tamper-ledger replace FILE FROM TO, or tamper-ledger randomize LEDGER SEED");
        ledger_fd = open(argv[2], O_RDWR | O_CLOEXEC);
        if (ledger_fd < 0)
                err(EXIT_FAILURE, "%s", argv[2]);
        if (is_replace)
                replace(argv[3], argv[4]);
        else {
                srand48(strtol(argv[3], NULL, 10));
                randomize();
        }
        return EXIT_SUCCESS;
}
