/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands in for journald, in the process of a fuzz target.  A FakeJournal owns its end of the socket, the
 * reporter, and the outbox, from which it reads the records: that is faster than to receive them. */

#include "fake-journal.h"

#include <locale.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "common/outbox.h"
#include "fuzz.h"

#define RECORDS_SIZE 65536U

struct FakeJournal {
        int socket_fd;
        Report *report;
        _Atomic uint32_t start;
        _Atomic uint32_t used;
        uint8_t records[RECORDS_SIZE];
        Outbox outbox;
        struct iovec record; /* in hand */
};

static int make_socket(void) {
        static const struct sockaddr_un address = {
                .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        HOLDS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        HOLDS(mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0);
        HOLDS(mkdir("/run/systemd", 0755) == 0 && mkdir("/run/systemd/journal", 0755) == 0);
        HOLDS(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
        return fd;
}

FakeJournal *fake_journal_new(void) {
        FakeJournal *journal = calloc(1, sizeof(*journal));

        HOLDS(journal && setlocale(LC_CTYPE, "C.UTF-8"));
        if (unshare(CLONE_NEWNS) < 0) {
                (void)puts("1..0 # SKIP only root can have a mount namespace");
                exit(EXIT_SKIP);
        }
        journal->socket_fd = make_socket();
        HOLDS(report_new(REPORT_TO_JOURNAL, &journal->report) == 0);
        report_set_patience(journal->report, 0);
        journal->outbox = (Outbox){
                .start = &journal->start,
                .used = &journal->used,
                .bytes = journal->records,
                .size = RECORDS_SIZE,
        };
        report_use_outbox(journal->report, &journal->outbox);
        return journal;
}

Report *fake_journal_report(FakeJournal *journal) {
        return journal->report;
}

/* Takes the field at *at, which then is behind it (systemd.io/JOURNAL_NATIVE_PROTOCOL). */
static struct iovec take_field(const uint8_t **at, const uint8_t *end, struct iovec *ret_name) {
        const uint8_t *newline = memchr(*at, '\n', (size_t)(end - *at)), *value;
        uint64_t length = 0;

        HOLDS(newline && newline > *at);
        for (const uint8_t *byte = *at; byte < newline; byte++)
                HOLDS((*byte >= 'A' && *byte <= 'Z') || *byte == '_');
        *ret_name = (struct iovec){(void *)(uintptr_t)*at, (size_t)(newline - *at)};
        value = newline + 1 + sizeof(length);
        HOLDS(value < end);
        memcpy(&length, newline + 1, sizeof(length));
        HOLDS(length < (size_t)(end - value) && value[length] == '\n');
        *at = value + length + 1;
        return (struct iovec){(void *)(uintptr_t)value, length};
}

const char *fake_journal_field(const FakeJournal *journal, const char *name, size_t *ret_length) {
        const uint8_t *at = journal->record.iov_base, *end = at + journal->record.iov_len;
        const char *found = NULL;

        while (at < end) {
                struct iovec key, value = take_field(&at, end, &key);

                if (key.iov_len != strlen(name) || memcmp(key.iov_base, name, key.iov_len) != 0)
                        continue;
                HOLDS(!found);
                found = value.iov_base;
                *ret_length = value.iov_len;
        }
        return found;
}

bool fake_journal_take(FakeJournal *journal) {
        size_t n = outbox_peek(&journal->outbox, &journal->record, 1), length;

        HOLDS((n == 0) == outbox_is_empty(&journal->outbox));
        if (n == 0)
                return false;
        outbox_remove(&journal->outbox, 1); /* a removed record stays readable until the next one is added */
        HOLDS(outbox_is_empty(&journal->outbox));
        HOLDS(fake_journal_field(journal, "MESSAGE", &length));
        return true;
}

void fake_journal_check_message(const FakeJournal *journal) {
        mbstate_t state = {};
        size_t length = 0, n;
        const char *message = fake_journal_field(journal, "MESSAGE", &length);

        for (size_t i = 0; i < length; i += n) {
                wchar_t code;

                n = mbrtowc(&code, message + i, length - i, &state);
                HOLDS(n >= 1 && n <= 4 && !iswcntrl((wint_t)code));
        }
}

void fake_journal_drain(FakeJournal *journal) {
        uint8_t byte;

        while (recv(journal->socket_fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
                ;
}
