/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/common/report.c: the records' bytes as a journal gets them, and what happens where it takes
 * none. The journal's socket has a fixed name, hence each test of it runs in a child with a /run of its own.
 */

#include "harness.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#include "common/report.h"

/* In a child: a journal that is ours. */

static int bind_journal(void) {
        static const struct sockaddr_un address = {
                .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
        const struct timeval patience = {.tv_sec = PATIENCE_SEC};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        (void)unlink(address.sun_path);
        CHECK_INT(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
        return fd;
}

static void go_alone(void) {
        CHECK_INT(unshare(CLONE_NEWNS), 0);
        CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        CHECK_INT(mount("none", "/run", "tmpfs", 0, NULL), 0);
        CHECK_INT(mkdir("/run/systemd", 0755) | mkdir("/run/systemd/journal", 0755), 0);
}

#define FIELDS_MAX 32

/* A record taken apart as journald does it (systemd.io/JOURNAL_NATIVE_PROTOCOL). */
typedef struct Record {
        size_t n_fields;
        struct {
                char name[64];
                const char *value;
                size_t length;
        } fields[FIELDS_MAX];
        char bytes[65536];
} Record;

static void parse_record(Record *record, size_t size) {
        const char *at = record->bytes, *end = at + size;

        for (record->n_fields = 0; at < end; record->n_fields++) {
                const char *newline = memchr(at, '\n', (size_t)(end - at)), *equals;
                uint64_t length = 0;

                CHECK(newline && record->n_fields < FIELDS_MAX);
                equals = memchr(at, '=', (size_t)(newline - at));
                if (equals) {
                        record->fields[record->n_fields].value = equals + 1;
                        length = (uint64_t)(newline - equals - 1);
                } else {
                        CHECK(end - newline > 8);
                        for (int i = 0; i < 8; i++)
                                length |= (uint64_t)(uint8_t)newline[1 + i] << (8 * i);
                        record->fields[record->n_fields].value = newline + 9;
                        CHECK(length < (uint64_t)(end - newline - 9));
                        equals = newline;
                        newline += 9 + length;
                        CHECK(*newline == '\n');
                }
                CHECK(equals - at < 64);
                (void)snprintf(record->fields[record->n_fields].name, 64, "%.*s", (int)(equals - at), at);
                record->fields[record->n_fields].length = (size_t)length;
                at = newline + 1;
        }
}

static const Record *receive(int journal_fd) {
        static Record record;
        ssize_t n = recv(journal_fd, record.bytes, sizeof(record.bytes), 0);

        CHECK(n > 0);
        parse_record(&record, (size_t)n);
        return &record;
}

/* Exactly one field has that name, and it has that value. */
static void check_field(const Record *record, const char *name, const void *value, size_t length) {
        size_t found = 0;

        for (size_t i = 0; i < record->n_fields; i++)
                if (strcmp(record->fields[i].name, name) == 0) {
                        found++;
                        CHECK_INT(record->fields[i].length, length);
                        CHECK(memcmp(record->fields[i].value, value, length) == 0);
                }
        CHECK_INT(found, 1);
}

static void check_text(const Record *record, const char *name, const char *value) {
        check_field(record, name, value, strlen(value));
}

static Report *new_report(void) {
        Report *report = NULL;

        CHECK_INT(report_new(REPORT_TO_JOURNAL, &report), 0);
        CHECK(report_fd(report) > STDERR_FILENO);
        CHECK_INT(fcntl(report_fd(report), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        return report;
}

static void send_records(const void *argument) {
        static const char forged[] =
                "/tmp/x\nSNOTIFY_VERDICT=allowed\nPRIORITY\n\1\0\0\0\0\0\0\0007\nMESSAGE=forged";
        const Record *record;
        Report *report;
        int journal_fd;

        (void)argument;
        go_alone();
        journal_fd = bind_journal();
        report = new_report();

        report_begin(report, REPORT_DENIED);
        report_text(report, "SNOTIFY_VERDICT", "%s", "denied");
        report_bytes(report, "SNOTIFY_PATH", forged, sizeof(forged) - 1);
        report_text(report, "SNOTIFY_RULE", "%s", "a\nMESSAGE=forged");
        report_bytes(report, "SNOTIFY_COMM", "", 0);
        CHECK(report_send(report, "one\n%s", "PRIORITY=0"));
        record = receive(journal_fd);
        CHECK_INT(record->n_fields, 8);
        check_text(record, "PRIORITY", "4");
        check_text(record, "SYSLOG_IDENTIFIER", "snotifyd");
        check_text(record, "MESSAGE_ID", "6f1d3c5a0b7e4a5d9c2e8b1f4a6d7c01");
        check_text(record, "SNOTIFY_VERDICT", "denied");
        check_field(record, "SNOTIFY_PATH", forged, sizeof(forged) - 1);
        check_text(record, "SNOTIFY_RULE", "a\nMESSAGE=forged");
        check_text(record, "SNOTIFY_COMM", "");
        check_text(record, "MESSAGE", "one\nPRIORITY=0");

        /* The next has nothing of it. */
        CHECK(report_line(report, REPORT_NOTE, "two"));
        record = receive(journal_fd);
        CHECK_INT(record->n_fields, 3);
        check_text(record, "PRIORITY", "6");
        check_text(record, "MESSAGE", "two");
        report_free(report);
}

/* More than a record can hold is not sent in part, and doesn't spoil the next. */
static void overflow(const void *argument) {
        static char much[40000];
        const Record *record;
        Report *report;
        int journal_fd;

        (void)argument;
        go_alone();
        journal_fd = bind_journal();
        report = new_report();
        report_begin(report, REPORT_ERROR);
        report_bytes(report, "MUCH", much, sizeof(much));
        report_text(report, "LITTLE", "x");
        CHECK(!report_send(report, "never"));
        memset(much, 'y', sizeof(much) - 1);
        CHECK(report_line(report, REPORT_ERROR, "%s", much));
        record = receive(journal_fd);
        CHECK_INT(record->n_fields, 3);
        CHECK_INT(recv(journal_fd, much, sizeof(much), MSG_DONTWAIT), -1);
        report_free(report);
}

/* A journal that doesn't read is waited for once, then no more, until it reads again.  A wait of a day would
 * not be survived by this child. */
static void get_stuck(const void *argument) {
        const uint64_t day_usec = UINT64_C(86400) * 1000000;
        unsigned n = 0, lost = 0;
        Report *report;
        int journal_fd;

        (void)argument;
        go_alone();
        journal_fd = bind_journal();
        report = new_report();
        report_set_patience(report, 10000);
        while (report_line(report, REPORT_NOTE, "record %u", n))
                n++;
        CHECK(n > 0);
        report_set_patience(report, day_usec);
        for (; lost < 100; lost++)
                CHECK(!report_line(report, REPORT_NOTE, "lost"));
        for (unsigned i = 0; i < n; i++) {
                char expected[32];

                (void)snprintf(expected, sizeof(expected), "record %u", i);
                check_text(receive(journal_fd), "MESSAGE", expected);
        }
        CHECK(report_line(report, REPORT_NOTE, "back"));
        check_text(receive(journal_fd), "MESSAGE", "back");
        check_text(receive(journal_fd), "MESSAGE",
                "records lost before this one, because the journal did not take them: 101");
        CHECK(report_line(report, REPORT_NOTE, "once"));
        check_text(receive(journal_fd), "MESSAGE", "once");

        /* And waited for again. */
        report_set_patience(report, 10000);
        while (report_line(report, REPORT_NOTE, "record"))
                ;
        report_free(report);
}

/* journald was started anew. */
static void reconnect(const void *argument) {
        Report *report;
        int journal_fd, fd;

        (void)argument;
        go_alone();
        journal_fd = bind_journal();
        report = new_report();
        fd = report_fd(report);
        CHECK(report_line(report, REPORT_NOTE, "one"));
        check_text(receive(journal_fd), "MESSAGE", "one");
        (void)close(journal_fd);
        journal_fd = bind_journal();
        CHECK(report_line(report, REPORT_NOTE, "at once"));
        check_text(receive(journal_fd), "MESSAGE", "at once");
        (void)close(journal_fd);
        CHECK(!report_line(report, REPORT_NOTE, "to nobody"));
        journal_fd = bind_journal();
        CHECK(report_line(report, REPORT_NOTE, "two"));
        CHECK_INT(report_fd(report), fd);
        CHECK_INT(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        check_text(receive(journal_fd), "MESSAGE", "two");
        check_text(receive(journal_fd), "MESSAGE",
                "records lost before this one, because the journal did not take them: 1");
        report_drain(report, 1000000);
        report_free(report);
}

/* Which of the two does "auto" mean? */
static void choose(const void *argument) {
        char stream[64];
        struct stat st;
        Report *report;

        (void)argument;
        go_alone();
        CHECK_INT(dup2(memfd_create("stderr", MFD_CLOEXEC), STDERR_FILENO), STDERR_FILENO);
        CHECK_INT(report_new(REPORT_TO_JOURNAL, &report), -ENOENT);
        CHECK_INT(fstat(STDERR_FILENO, &st), 0);
        (void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
                (unsigned long long)st.st_ino);
        CHECK_INT(setenv("JOURNAL_STREAM", stream, 1), 0);
        /* there is no journal after all */
        CHECK_INT(report_new(REPORT_TO_AUTO, &report), 0);
        CHECK_INT(report_fd(report), STDERR_FILENO);
        report_free(report);
        (void)bind_journal();
        CHECK_INT(report_new(REPORT_TO_AUTO, &report), 0);
        CHECK(report_fd(report) != STDERR_FILENO);
        report_free(report);
        CHECK_INT(report_new(REPORT_TO_STDERR, &report), 0);
        CHECK_INT(report_fd(report), STDERR_FILENO);
        report_free(report);
        /* another stream; stderr was redirected */
        (void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
                (unsigned long long)st.st_ino + 1);
        CHECK_INT(setenv("JOURNAL_STREAM", stream, 1), 0);
        CHECK_INT(report_new(REPORT_TO_AUTO, &report), 0);
        CHECK_INT(report_fd(report), STDERR_FILENO);
        report_free(report);
        CHECK_INT(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
        CHECK_INT(report_new(REPORT_TO_AUTO, &report), 0);
        CHECK_INT(report_fd(report), STDERR_FILENO);
        report_free(report);
        CHECK(!report_free(NULL));
}

static void test_in_child(void **state) {
        void (*const *function)(const void *) = *state;

        if (geteuid() != 0) {
                print_message("skipped: a /run of one's own is for root\n");
                skip();
        }
        harness_need_unshare(CLONE_NEWNS);
        harness_run(*function, NULL);
}

/* One line each, whatever it holds, and whole. */
static void test_stderr(void **state) {
        static char much[20000], read[20000];
        int saved = dup(STDERR_FILENO), fd = memfd_create("stderr", MFD_CLOEXEC);
        Report *report;
        ssize_t n;

        (void)state;
        memset(much, 'x', sizeof(much) - 1);
        assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
        assert_int_equal(report_new(REPORT_TO_STDERR, &report), 0);
        report_begin(report, REPORT_DENIED);
        report_text(report, "FIELD", "unseen");
        report_bytes(report, "FIELD", "unseen", 6);
        (void)report_send(report, "denied %d", 7);
        (void)report_line(report, REPORT_NOTE, "%s", much);
        (void)report_line(report, REPORT_NOTE, "end");
        assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        n = pread(fd, read, sizeof(read), 0);
        assert_in_range(n, 4000, 10000);
        assert_memory_equal(read, "denied 7\nxxxx", 13);
        assert_memory_equal(read + n - 6, "x\nend\n", 6);
        report_free(report);
        (void)close(fd);
        (void)close(saved);
}

typedef enum Channel { PIPE, SOCKET, TERMINAL } Channel;

/* Makes one end stderr.  Returns the other. */
static int open_channel(Channel channel) {
        struct termios raw = {};
        int fds[2];

        if (channel == PIPE)
                CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
        if (channel == SOCKET)
                CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        if (channel == TERMINAL) {
                fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
                CHECK(fds[0] >= 0 && grantpt(fds[0]) == 0 && unlockpt(fds[0]) == 0);
                fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
                CHECK_INT(tcgetattr(fds[1], &raw), 0);
                cfmakeraw(&raw);
                CHECK_INT(tcsetattr(fds[1], TCSANOW, &raw), 0);
        }
        CHECK_INT(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
        (void)close(fds[1]);
        return fds[0];
}

/* Reads what there is, and appends it. */
static void read_lines(int fd, char *text, size_t size) {
        size_t length = strlen(text);
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};

        while (poll(&pollfd, 1, 100) > 0 && length < size - 1) {
                ssize_t n = read(fd, text + length, size - 1 - length);

                CHECK(n > 0);
                length += (size_t)n;
                text[length] = '\0';
        }
}

/* Each of them is a record that was not lost, or one that was torn and says so by not being the next. */
static void check_lines(char *text, unsigned n) {
        unsigned next = 0;
        char *rest = text, *line, expected[32];

        while ((line = strsep(&rest, "\n")) && next < n) {
                (void)snprintf(expected, sizeof(expected), "record %u", next++);
                CHECK(strcmp(line, expected) == 0);
        }
        CHECK(next == n);
}

/* A reader of stderr that has stopped is waited for once, then no more, until it reads again. */
static void get_stuck_on(const void *argument) {
        static char text[1 << 20];
        const uint64_t day_usec = UINT64_C(86400) * 1000000;
        int fd = open_channel(*(const Channel *)argument);
        unsigned n = 0, lost = 0;
        Report *report = NULL;

        CHECK_INT(report_new(REPORT_TO_STDERR, &report), 0);
        report_set_patience(report, 10000);
        while (report_line(report, REPORT_NOTE, "record %u", n))
                n++;
        CHECK(n > 0);
        /* others that have it wait, as they want to */
        CHECK((fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0);
        report_set_patience(report, day_usec);
        for (; lost < 100; lost++)
                CHECK(!report_line(report, REPORT_NOTE, "lost"));
        read_lines(fd, text, sizeof(text));
        check_lines(text, n);
        text[0] = '\0';
        CHECK(report_line(report, REPORT_NOTE, "back"));
        CHECK(report_line(report, REPORT_NOTE, "on"));
        read_lines(fd, text, sizeof(text));
        CHECK(strstr(text,
                "back\nrecords lost before this one, because standard error did not take them: 101\non\n"));
        (void)close(fd);
        (void)signal(SIGPIPE, SIG_IGN);
        CHECK(!report_line(report, REPORT_NOTE, "to nobody"));
        report_free(report);
}

static void test_stuck_stderr(void **state) {
        static const Channel channels[] = {PIPE, SOCKET, TERMINAL};

        (void)state;
        for (size_t i = 0; i < COUNT(channels); i++)
                harness_run(get_stuck_on, &channels[i]);
}

/* What a worker that was taken over has left in its outbox doesn't stay there for ever. */
static void test_drop(void **state) {
        static const struct {
                uint32_t start, used;
        } rows[] = {{0, 0}, {0, 5}, {0, 8}, {0, 16}, {3, 8}, {0, UINT32_MAX}, {UINT32_MAX - 1, UINT32_MAX}};
        uint8_t bytes[16] = {1}; /* a record of one byte, and behind it one of none */
        _Atomic uint32_t start, used;
        const Outbox outbox = {.start = &start, .used = &used, .bytes = bytes, .size = sizeof(bytes)};
        Report *report;

        (void)state;
        assert_int_equal(report_new(REPORT_TO_STDERR, &report), 0);
        report_drop(report); /* it has none yet */
        report_use_outbox(report, &outbox);
        for (size_t i = 0; i < COUNT(rows); i++) {
                start = rows[i].start;
                used = rows[i].used;
                assert_int_equal(report_is_pending(report), rows[i].start < rows[i].used);
                report_flush(report, 0);
                assert_false(report_is_pending(report));
                assert_int_equal(report_count_dropped(report) > 0, rows[i].start < rows[i].used);
        }
        report_free(report);
}

int main(void) {
        static void (*const children[])(const void *) = {
                send_records, overflow, get_stuck, reconnect, choose};
#define CHILD(name, i)                                                                                      \
        { name, test_in_child, NULL, NULL, (void *)(uintptr_t)&children[i] }
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_drop),
                cmocka_unit_test(test_stderr),
                cmocka_unit_test(test_stuck_stderr),
                CHILD("test_send_records", 0),
                CHILD("test_overflow", 1),
                CHILD("test_get_stuck", 2),
                CHILD("test_reconnect", 3),
                CHILD("test_choose", 4),
        };

        harness_init();
        return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
