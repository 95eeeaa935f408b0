/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends records to the journal or to stderr.  A Report owns its socket and one buffer; the daemon makes it
 * and workers inherit it.  Must never block for longer than its patience, and never let a byte from outside
 * end a line or forge a field. */

#include "common/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include "common/clock.h"
#include "common/ownership.h"
#include "common/stderr-output.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define RECORD_SIZE 32768U
#define FLUSH_MAX 16U /* records at once */
#define STUCK_USEC 1000000U

struct Report {
        int socket_fd; /* empty: to stderr; shared with who was forked, so that it has no timeout of its own
                        */
        StderrOutput *output; /* NULL: to the journal */
        uint64_t patience_usec;
        Outbox outbox;             /* without bytes: there is none */
        uint64_t dropped;          /* records of the outbox, since it was asked */
        uint64_t lost;             /* without an outbox, since that was reported */
        uint64_t stuck_until_usec; /* the last wait was in vain: the next one isn't before */
        bool overflow;             /* the record under construction does not fit */
        size_t length;
        ReportKind kind;
        char record[RECORD_SIZE];
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
        [REPORT_NOTE] = {LOG_INFO, NULL},
        [REPORT_WARNING] = {LOG_WARNING, NULL},
        [REPORT_ERROR] = {LOG_ERR, NULL},
};

/* systemd names the device and inode of the stream that it made our stderr; see $JOURNAL_STREAM in
 * systemd.exec(5). */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long dev, ino;
        struct stat st;

        if (!stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2)
                return false;
        return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static int journal_connect(int socket_fd) {
        static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};

        return connect(socket_fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static int journal_open(int *ret) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int r;

        if (fd < 0)
                return -errno;
        r = journal_connect(fd);
        if (r < 0)
                return r;
        *ret = TAKE_FD(fd);
        return 0;
}

int report_new(ReportTarget target, Report **ret) {
        Report *report;
        int r = 0;

        report = calloc(1, sizeof(*report));
        if (!report)
                return -ENOMEM;
        report->socket_fd = -EBADF;
        if (target == REPORT_TO_JOURNAL || (target == REPORT_TO_AUTO && stderr_is_journal()))
                r = journal_open(&report->socket_fd);
        if (report->socket_fd < 0 && target != REPORT_TO_JOURNAL)
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
        fd_close(report->socket_fd);
        stderr_output_free(report->output);
        free(report);
        return NULL;
}

int report_fd(const Report *report) {
        return report->output ? stderr_output_fd(report->output) : report->socket_fd;
}

void report_set_patience(Report *report, uint64_t usec) {
        report->patience_usec = usec;
}

static void record_append(Report *report, const void *bytes, size_t size) {
        if (size > sizeof(report->record) - report->length) {
                report->overflow = true;
                return;
        }
        memcpy(report->record + report->length, bytes, size);
        report->length += size;
}

void report_bytes(Report *report, const char *field, const void *value, size_t size) {
        uint8_t length[8]; /* little endian */

        if (report->socket_fd < 0)
                return;
        for (size_t i = 0; i < sizeof(length); i++)
                length[i] = (uint8_t)((uint64_t)size >> (8 * i));
        record_append(report, field, strlen(field));
        record_append(report, "\n", 1);
        record_append(report, length, sizeof(length));
        record_append(report, value, size);
        record_append(report, "\n", 1);
}

__attribute__((format(printf, 3, 0))) static void report_vtext(
        Report *report, const char *field, const char *format, va_list arguments) {
        char text[8192];
        int length;

        length = vsnprintf(text, sizeof(text), format, arguments);
        if (length < 0)
                return;
        if ((size_t)length >= sizeof(text))
                length = sizeof(text) - 1;
        report_bytes(report, field, text, (size_t)length);
}

void report_text(Report *report, const char *field, const char *format, ...) {
        va_list arguments;

        if (report->socket_fd < 0)
                return;
        va_start(arguments, format);
        report_vtext(report, field, format, arguments);
        va_end(arguments);
}

void report_begin(Report *report, ReportKind kind) {
        report->length = 0;
        report->overflow = false;
        report->kind = kind;
        report_text(report, "PRIORITY", "%d", kinds[kind].priority);
        report_text(report, "SYSLOG_IDENTIFIER", "snotifyd");
        if (kinds[kind].message_id)
                report_text(report, "MESSAGE_ID", "%s", kinds[kind].message_id);
}

/* Waits until fd takes more. */
static void wait_writable(int fd, uint64_t usec) {
        struct pollfd pollfd = {.fd = fd, .events = POLLOUT};

        (void)poll(&pollfd, 1, (int)(usec / 1000));
}

/* Sends n records without waiting.  Returns how many were taken, or a negative errno where none was. */
static int journal_send(const Report *report, struct iovec *records, size_t n) {
        struct mmsghdr messages[FLUSH_MAX] = {};
        bool reconnected = false;
        int sent;

        for (size_t i = 0; i < n; i++)
                messages[i].msg_hdr = (struct msghdr){.msg_iov = &records[i], .msg_iovlen = 1};
        for (;;) {
                sent = sendmmsg(report->socket_fd, messages, (unsigned)n, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (sent >= 0)
                        return sent;
                if (errno == EINTR)
                        continue;
                if (reconnected || (errno != ECONNREFUSED && errno != ENOTCONN && errno != EPIPE))
                        return -errno;
                /* It was made anew.  Who else has our socket is connected to it then, too. */
                reconnected = true;
                if (journal_connect(report->socket_fd) < 0)
                        return -ECONNREFUSED;
        }
}

void report_use_outbox(Report *report, const Outbox *outbox) {
        report->outbox = *outbox;
}

bool report_is_pending(const Report *report) {
        return report->outbox.bytes && !outbox_is_empty(&report->outbox);
}

void report_drop(Report *report) {
        while (report_is_pending(report)) {
                outbox_remove(&report->outbox, 1);
                report->dropped++;
        }
}

uint64_t report_count_dropped(Report *report) {
        uint64_t dropped = report->dropped;

        report->dropped = 0;
        return dropped;
}

void report_flush(Report *report, uint64_t patience_usec) {
        uint64_t until = clock_usec(CLOCK_MONOTONIC) + patience_usec;
        struct iovec records[FLUSH_MAX];

        if (report->socket_fd < 0) {
                report_drop(report);
                return;
        }
        while (report_is_pending(report)) {
                size_t n = outbox_peek(&report->outbox, records, FLUSH_MAX);
                int sent = n > 0 ? journal_send(report, records, n) : -EMSGSIZE;
                uint64_t now = clock_usec(CLOCK_MONOTONIC);

                if (sent > 0)
                        outbox_remove(&report->outbox, (size_t)sent);
                else if (sent == -EMSGSIZE) { /* or nothing that anybody could read */
                        outbox_remove(&report->outbox, 1);
                        report->dropped++;
                } else if (sent == -EAGAIN && now < until)
                        wait_writable(report->socket_fd, until - now);
                else
                        break;
        }
}

/* Sends the record at once, and waits for a busy journal; but not again soon after a wait in vain. */
static bool journal_take_now(Report *report) {
        struct iovec record = {.iov_base = report->record, .iov_len = report->length};
        uint64_t now;
        int sent;

        sent = journal_send(report, &record, 1);
        now = clock_usec(CLOCK_MONOTONIC);
        if (sent == -EAGAIN && now >= report->stuck_until_usec) {
                wait_writable(report->socket_fd, report->patience_usec);
                sent = journal_send(report, &record, 1);
                if (sent < 0)
                        report->stuck_until_usec = clock_usec(CLOCK_MONOTONIC) + STUCK_USEC;
        }
        return sent == 1;
}

/* Puts the record into the outbox.  One that is full has to wait for the journal: better that than to lose
 * records to it. */
static bool journal_take_later(Report *report) {
        bool patient = clock_usec(CLOCK_MONOTONIC) >= report->stuck_until_usec;

        if (outbox_append(&report->outbox, report->record, report->length))
                return true;
        report_flush(report, patient ? report->patience_usec : 0);
        if (outbox_append(&report->outbox, report->record, report->length))
                return true;
        if (patient)
                report->stuck_until_usec = clock_usec(CLOCK_MONOTONIC) + STUCK_USEC;
        return false;
}

static void say_lost(Report *report) {
        uint64_t lost = report->lost;

        report->lost = 0;
        if (!report_line(report, REPORT_WARNING,
                    "records lost before this one, for %s did not take them: %" PRIu64,
                    report->output ? "standard error" : "the journal", lost))
                report->lost = lost;
}

static bool note_taken(Report *report, bool taken) {
        if (!taken)
                report->lost++;
        else if (report->lost > 0)
                say_lost(report);
        return taken;
}

__attribute__((format(printf, 2, 0))) static bool report_vsend(
        Report *report, const char *format, va_list arguments) {
        if (report->output)
                return note_taken(report,
                        stderr_output_vprint(report->output, report->patience_usec, format, arguments));
        report_vtext(report, "MESSAGE", format, arguments);
        if (report->overflow)
                return false;
        if (report->outbox.bytes)
                return journal_take_later(report);
        return note_taken(report, journal_take_now(report));
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
        static const struct timespec step = {.tv_nsec = 1000000}, moment = {.tv_nsec = 20000000};
        int unread;

        if (report->socket_fd < 0)
                return;
        for (uint64_t waited = 0; waited < limit_usec; waited += 1000) {
                /* What a Unix datagram socket has sent and its peer hasn't read. */
                if (ioctl(report->socket_fd, SIOCOUTQ, &unread) < 0 || unread == 0)
                        break;
                (void)nanosleep(&step, NULL);
        }
        /* Read isn't looked up yet. */
        (void)nanosleep(&moment, NULL);
}

/* The length of the UTF-8 sequence that from starts with, or 0 where it is none, overlong, a surrogate, a
 * control code, or ends a line. */
static size_t utf8_length(const uint8_t *from, size_t length) {
        static const uint32_t smallest[] = {0, 0, 0x80 + 0x20 /* C1 controls */, 0x800, 0x10000};
        size_t n = from[0] >= 0xf0 ? 4 : from[0] >= 0xe0 ? 3 : 2;
        uint32_t code = from[0] & (0x7fU >> n);

        if (from[0] < 0xc2 || from[0] > 0xf4 || n > length)
                return 0;
        for (size_t i = 1; i < n; i++) {
                if ((from[i] & 0xc0) != 0x80)
                        return 0;
                code = code << 6 | (from[i] & 0x3f);
        }
        if (code == 0x2028 || code == 0x2029) /* line separator, paragraph separator */
                return 0;
        return code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : n;
}

const char *report_escape(const char *from, size_t length, char *to, size_t size) {
        size_t out = 0;

        for (size_t i = 0, n; i < length; i += n) {
                const uint8_t *at = (const uint8_t *)from + i;

                n = *at >= 0x80 ? utf8_length(at, length - i) : *at >= 0x20 && *at != 0x7f;
                if (out + 8 > size) { /* "..." and NUL, or a sequence and then those */
                        out += (size_t)sprintf(to + out, "...");
                        break;
                }
                if (n > 0 && *at != '\\' && *at != '"') {
                        memcpy(to + out, at, n);
                        out += n;
                } else {
                        out += (size_t)sprintf(to + out, "\\x%02x", *at);
                        n = 1;
                }
        }
        to[out] = '\0';
        return to;
}
