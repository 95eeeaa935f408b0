/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/common/outbox.c: that it is a queue, whatever a worker has written there, and what it
 * contains between any two instructions of a worker. */

#include "harness.h"

#include <sys/mman.h>
#include <sys/ptrace.h>

#include "common/outbox.h"

#define SIZE 64U
#define PREFIX sizeof(uint32_t)
#define MANY 8U

/* In shared memory, as the ledger is. */
typedef struct Memory {
        _Atomic uint32_t start;
        _Atomic uint32_t used;
        uint8_t bytes[SIZE];
} Memory;

static Memory *memory; /* its last byte is the last one of a page, and behind that is nothing */
static Outbox outbox;
static uint8_t *pages;

static int set_up(void **state) {
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);

        (void)state;
        pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) < 0)
                return -1;
        memory = (Memory *)(void *)(pages + page - sizeof(Memory));
        outbox = (Outbox){
                .start = &memory->start, .used = &memory->used, .bytes = memory->bytes, .size = SIZE};
        return 0;
}

static int tear_down(void **state) {
        (void)state;
        return munmap(pages, 2 * (size_t)sysconf(_SC_PAGESIZE));
}

/* Returns the records in it, separated by blanks. */
static const char *contents(void) {
        static char words[2 * SIZE];
        struct iovec records[MANY];
        size_t n = outbox_peek(&outbox, records, MANY), length = 0;

        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        words[length++] = ' ';
                memcpy(words + length, records[i].iov_base, records[i].iov_len);
                length += records[i].iov_len;
        }
        words[length] = '\0';
        return words;
}

static bool append(const char *word) {
        return outbox_append(&outbox, word, strlen(word));
}

static void append_all(const char *const *words) {
        for (; *words; words++)
                assert_true(append(*words));
}

static const char *word_of(size_t length) {
        static char word[2 * SIZE];

        memset(word, 'w', length);
        word[length] = '\0';
        return word;
}

static void test_queue(void **state) {
        static const struct {
                const char *words[MANY];
                size_t n_removed;
                const char *left;
                uint32_t start, used;
        } rows[] = {
                {{NULL}, 0, "", 0, 0},
                {{NULL}, 3, "", 0, 0},
                {{"a"}, 0, "a", 0, 5},
                {{"a"}, 1, "", 5, 5},
                {{"a", "bb", "ccc"}, 0, "a bb ccc", 0, 18},
                {{"a", "bb", "ccc"}, 1, "bb ccc", 5, 18},
                {{"a", "bb", "ccc"}, 2, "ccc", 11, 18},
                {{"a", "bb", "ccc"}, 3, "", 18, 18},
                {{"a", "bb", "ccc"}, 4, "", 18, 18},
                {{"a", "bb", "ccc"}, SIZE_MAX, "", 18, 18},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                memory->start = memory->used = 0;
                append_all(rows[i].words);
                outbox_remove(&outbox, rows[i].n_removed);
                assert_string_equal(contents(), rows[i].left);
                assert_int_equal(outbox_is_empty(&outbox), rows[i].left[0] == '\0');
                assert_int_equal(memory->start, rows[i].start);
                assert_int_equal(memory->used, rows[i].used);
        }
}

static void test_peek_takes_as_many_as_asked(void **state) {
        static const char *const words[] = {"a", "bb", "ccc", NULL};
        struct iovec records[3] = {};

        (void)state;
        append_all(words);
        assert_int_equal(outbox_peek(&outbox, records, 0), 0);
        assert_int_equal(outbox_peek(&outbox, records, 2), 2);
        assert_int_equal(records[1].iov_len, 2);
        assert_memory_equal(records[1].iov_base, "bb", 2);
        assert_null(records[2].iov_base);
        assert_string_equal(contents(), "a bb ccc");
}

/* All of its room is free again once it is empty, and only then. */
static void test_room(void **state) {
        static const struct {
                size_t used, removed, length; /* records of no more than SIZE, 0 or 1 of them taken out */
                bool fits;
        } rows[] = {
                {0, 0, SIZE - PREFIX, true},
                {0, 0, SIZE - PREFIX + 1, false},
                {0, 0, SIZE, false},
                {0, 0, SIZE + 1, false},
                {0, 0, SIZE_MAX, false},
                {0, 0, SIZE_MAX - PREFIX + 1, false},
                {0, 0, (size_t)UINT32_MAX + 2, false},
                {10, 0, SIZE - 10 - PREFIX, true},
                {10, 0, SIZE - 10 - PREFIX + 1, false},
                {SIZE, 0, 1, false},
                {SIZE - PREFIX, 0, 1, false},
                {SIZE - PREFIX - 1, 0, 1, true},
                {SIZE - PREFIX + 1, 0, 1, false},
                {SIZE, 1, SIZE - PREFIX, true},
                {10, 1, SIZE - PREFIX, true},
                {10, 1, SIZE - PREFIX + 1, false},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                char before[2 * SIZE];

                memory->start = memory->used = 0;
                if (rows[i].used > 0)
                        assert_true(append(word_of(rows[i].used - PREFIX)));
                outbox_remove(&outbox, rows[i].removed);
                (void)strcpy(before, contents());
                assert_int_equal(outbox_append(&outbox, word_of(SIZE), rows[i].length), rows[i].fits);
                if (!rows[i].fits)
                        assert_string_equal(contents(), before);
                else if (rows[i].used == 0 || rows[i].removed > 0)
                        assert_string_equal(contents(), word_of(rows[i].length));
                assert_true(memory->used <= SIZE);
        }
}

static void test_fills_and_empties(void **state) {
        (void)state;
        for (unsigned round = 0; round < 3; round++) {
                unsigned n = 0;

                while (append("12345678"))
                        n++;
                assert_int_equal(n, SIZE / (PREFIX + 8));
                outbox_remove(&outbox, 1);
                assert_false(append("12345678")); /* room at the start is none */
                outbox_remove(&outbox, n - 1);
                assert_true(outbox_is_empty(&outbox));
        }
}

static void put_length(uint32_t at, uint32_t length) {
        memcpy(memory->bytes + at, &length, sizeof(length));
}

/* With any contents: nothing outside is read, the records before the damage are found, and all can be
 * removed, after which all room is free. */
static void test_hostile(void **state) {
        static const struct {
                const char *name;
                uint32_t start, used, length_at, length;
                const char *found;
        } rows[] = {
                {"start behind used", 11, 5, 0, 1, ""},
                {"start far behind used", UINT32_MAX, 0, 0, 1, ""},
                {"start and used outside", UINT32_MAX, UINT32_MAX, 0, 1, ""},
                {"used outside by one", 0, SIZE + 1, 0, 1, ""},
                {"used far outside", 0, UINT32_MAX, 0, 1, ""},
                {"start outside too", SIZE + 8, SIZE + 16, 0, 1, ""},
                {"used in a length", 0, 3, 0, 1, ""},
                {"used behind a length", 0, 4, 0, 1, ""},
                {"used in a record", 0, 10, 0, 1, "a"},
                {"used in the next length", 0, 8, 0, 1, "a"},
                {"start in a record", 1, 18, 0, 1, ""},
                {"nothing in the first", 0, 18, 0, 0, ""},
                {"nothing in the second", 0, 18, 5, 0, "a"},
                {"one byte too many in the last", 0, 18, 11, 4, "a bb"},
                {"the first as long as all", 0, 18, 0, 18, ""},
                {"the first longer than all", 0, 18, 0, SIZE, ""},
                {"the length overflows", 0, 18, 5, UINT32_MAX, "a"},
                {"the length and its prefix overflow", 0, 18, 5, UINT32_MAX - 3, "a"},
                {"negative", 0, 18, 5, 0x80000000, "a"},
        };
        static const char *const words[] = {"a", "bb", "ccc", NULL};

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                unsigned n = 0;

                memory->start = memory->used = 0;
                append_all(words);
                put_length(rows[i].length_at, rows[i].length);
                memory->start = rows[i].start;
                memory->used = rows[i].used;
                if (strcmp(contents(), rows[i].found) != 0)
                        fail_msg("%s: found \"%s\"", rows[i].name, contents());
                (void)append("more");
                /* As report_flush() does it. */
                for (; !outbox_is_empty(&outbox); n++) {
                        assert_true(n < MANY);
                        outbox_remove(&outbox, 1);
                }
                assert_true(append("new"));
                assert_string_equal(contents(), "new");
        }
}

/* Between any two instructions. */

typedef struct Intent {
        const char *name;
        const char *words[MANY];
        size_t n_removed;   /* before */
        uint32_t used;      /* before, unless 0: a compromised worker has written it */
        const char *append; /* this is done, */
        size_t remove;      /* or that */
        const char *before, *after;
} Intent;

static const Intent intents[] = {
        {"append to a new one", {NULL}, 0, 0, "ccc", 0, "", "ccc"},
        {"append to others", {"a", "bb"}, 0, 0, "ccc", 0, "a bb", "a bb ccc"},
        {"append behind removed ones", {"a", "bb"}, 1, 0, "ccc", 0, "bb", "bb ccc"},
        /* The first of these starts anew, where "a" and "bb" still are. */
        {"append to an emptied one", {"a", "bb"}, 2, 0, "ccc", 0, "", "ccc"},
        {"append to an emptied one, as long", {"a", "bb"}, 2, 0, "d", 0, "", "d"},
        {"append to a full one", {"a", "bb"}, 0, 0, "this is longer than all the room that is left in there",
                0, "a bb", "a bb"},
        {"append with a wild end", {"a", "bb"}, 0, UINT32_MAX, "ccc", 0, "", ""},
        {"remove the only one", {"a"}, 0, 0, NULL, 1, "a", ""},
        {"remove the first", {"a", "bb", "ccc"}, 0, 0, NULL, 1, "a bb ccc", "bb ccc"},
        {"remove two", {"a", "bb", "ccc"}, 0, 0, NULL, 2, "a bb ccc", "ccc"},
        {"remove all", {"a", "bb", "ccc"}, 0, 0, NULL, 3, "a bb ccc", ""},
        {"remove more", {"a", "bb", "ccc"}, 0, 0, NULL, 4, "a bb ccc", ""},
};

static void do_it(const Intent *intent, Outbox *to) {
        if (intent->append)
                (void)outbox_append(to, intent->append, strlen(intent->append));
        else
                outbox_remove(to, intent->remove);
}

/* Stops before and after it. */
__attribute__((noreturn)) static void do_intent(const Intent *intent) {
        Memory scratch = *memory;
        Outbox rehearsal = {
                .start = &scratch.start, .used = &scratch.used, .bytes = scratch.bytes, .size = SIZE};

        /* Once elsewhere: what the linker and sanitizers do at a first call takes a million instructions. */
        do_it(intent, &rehearsal);
        CHECK_INT(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
        (void)raise(SIGSTOP);
        do_it(intent, &outbox);
        (void)raise(SIGSTOP);
        _exit(EXIT_FAILURE);
}

static int wait_stop(pid_t pid) {
        int status;

        assert_true(harness_wait(pid, 0, &status));
        assert_true(WIFSTOPPED(status));
        return WSTOPSIG(status);
}

/* A worker that is killed at any instruction leaves the previous contents or the new ones; once the new ones
 * are there, the previous ones do not come back. */
static void test_each_instruction(void **state) {
        const Intent *intent = *state;
        bool changed = false;
        unsigned n = 0;
        pid_t pid;

        append_all(intent->words);
        outbox_remove(&outbox, intent->n_removed);
        if (intent->used > 0)
                memory->used = intent->used;
        assert_string_equal(contents(), intent->before);
        pid = harness_fork();
        assert_true(pid >= 0);
        if (pid == 0)
                do_intent(intent);
        assert_int_equal(wait_stop(pid), SIGSTOP);
        do {
                changed = changed || strcmp(contents(), intent->before) != 0;
                if (changed && strcmp(contents(), intent->after) != 0) {
                        harness_kill(pid);
                        fail_msg("after %u instructions: \"%s\"", n, contents());
                }
                assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
                n++;
        } while (wait_stop(pid) == SIGTRAP);
        harness_kill(pid);
        assert_string_equal(contents(), intent->after);
        assert_true(n > 20);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_queue, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_peek_takes_as_many_as_asked, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_room, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_fills_and_empties, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_hostile, set_up, tear_down),
        };
        static struct CMUnitTest steps[COUNT(intents)];
        int failed;

        harness_init();
        for (size_t i = 0; i < COUNT(intents); i++)
                steps[i] = (struct CMUnitTest){intents[i].name, test_each_instruction, set_up, tear_down,
                        (void *)(uintptr_t)&intents[i]};
        failed = cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
        return failed + cmocka_run_group_tests_name("outbox, instruction by instruction", steps, NULL, NULL);
}
