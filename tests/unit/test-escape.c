/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/common/escape.c. */

#include "harness.h"

#include "common/escape.h"

static const struct {
        const char *from;
        size_t length;
        const char *expected;
} escapes[] = {
#define E(from, expected)                                                                                   \
        { from, sizeof(from) - 1, expected }
        E("", ""),
        E("/tmp/a b~", "/tmp/a b~"),
        E("\n", "\\x0a"),
        E("a\0b", "a\\x00b"),
        E("\x1b[31m", "\\x1b[31m"),
        E("\x7f", "\\x7f"),
        E("\"\\", "\\x22\\x5c"),
        /* what is UTF-8 stays */
        E("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
        E("\xc2\xa0", "\xc2\xa0"),
        E("\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"),
        E("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"),
        /* C1 control codes, among them an escape sequence's start and a new line */
        E("\xc2\x80", "\\xc2\\x80"),
        E("\xc2\x85", "\\xc2\\x85"),
        E("\xc2\x9b", "\\xc2\\x9b"),
        E("\xc2\x9f", "\\xc2\\x9f"),
        E("\x9b", "\\x9b"),
        /* U+2028 and U+2029, for some another line */
        E("\xe2\x80\xa8\xe2\x80\xa9", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"),
        E("\xe2\x80\xa7\xe2\x80\xaa", "\xe2\x80\xa7\xe2\x80\xaa"),
        /* overlong: an escape, a newline, a slash in more bytes than needed */
        E("\xc0\x9b", "\\xc0\\x9b"),
        E("\xc0\x8a", "\\xc0\\x8a"),
        E("\xc1\xbf", "\\xc1\\xbf"),
        E("\xe0\x80\x8a", "\\xe0\\x80\\x8a"),
        E("\xe0\x82\x85", "\\xe0\\x82\\x85"),
        E("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"),
        E("\xf0\x80\x80\x8a", "\\xf0\\x80\\x80\\x8a"),
        E("\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"),
        /* surrogates, and what is beyond */
        E("\xed\xa0\x80", "\\xed\\xa0\\x80"),
        E("\xed\xbf\xbf", "\\xed\\xbf\\xbf"),
        E("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"),
        E("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"),
        E("\xff\xfe", "\\xff\\xfe"),
        /* cut sequences, and what follows them */
        E("\xc3", "\\xc3"),
        E("\xe2\x82", "\\xe2\\x82"),
        E("\xf0\x9f\x98", "\\xf0\\x9f\\x98"),
        E("\xc3\n", "\\xc3\\x0a"),
        E("\xe2\x82\nx", "\\xe2\\x82\\x0ax"),
        E("\xc3\xc3\xa4", "\\xc3\xc3\xa4"),
        E("\xe2\x28\xa1", "\\xe2(\\xa1"),
#undef E
};

static void test_escape(void **state) {
        char to[256];

        (void)state;
        for (size_t i = 0; i < COUNT(escapes); i++) {
                /* At the end of what is allocated: nothing is read behind it. */
                char *from = malloc(escapes[i].length > 0 ? escapes[i].length : 1);

                assert_non_null(from);
                memcpy(from, escapes[i].from, escapes[i].length);
                assert_ptr_equal(escape_text(from, escapes[i].length, to, sizeof(to)), to);
                assert_string_equal(to, escapes[i].expected);
                free(from);
        }
}

/* Whatever the room, the result is whole characters, has its NUL, and says that it was cut. */
static void test_escape_cut(void **state) {
        static const char *const texts[] = {"abcdefghijklmnopqrstuvwxyz", "\n\n\n\n\n\n\n\n\n\n",
                "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
                "a\xc3\xa4\n\xc3"};
        char whole[256], again[256];

        (void)state;
        for (size_t i = 0; i < COUNT(texts); i++) {
                (void)escape_text(texts[i], strlen(texts[i]), whole, sizeof(whole));
                for (size_t size = 8; size < 64; size++) {
                        char *to = malloc(size);
                        size_t length;

                        assert_non_null(to);
                        (void)escape_text(texts[i], strlen(texts[i]), to, size);
                        length = strlen(to);
                        assert_true(length < size);
                        if (strcmp(to, whole) != 0) {
                                assert_true(length >= 3);
                                assert_string_equal(to + length - 3, "...");
                                assert_memory_equal(to, whole, length - 3);
                        } else
                                assert_true(strlen(whole) < size);
                        /* A character in half would be escaped now. */
                        (void)escape_text(to, length, again, sizeof(again));
                        assert_true(strchr(to, '\\') || strcmp(again, to) == 0);
                        free(to);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escape),
                cmocka_unit_test(test_escape_cut),
        };

        harness_init();
        return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
