/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/common/protocol.c: messages of every wrong size, version and ending are refused, and nothing
 * behind the received bytes is read (each message ends where its allocation ends, which the sanitizers
 * watch). */

#include "harness.h"

#include "common/protocol.h"

static ProtocolHello good_hello(void) {
        return (ProtocolHello){
                .magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION, .profile = "default", .label = ""};
}

/* Returns a copy of exactly size bytes. */
static bool hello_is_valid(const ProtocolHello *hello, size_t size, const char **ret_why) {
        ProtocolHello *copy = calloc(1, size > 0 ? size : 1);
        bool valid;

        assert_non_null(copy);
        memcpy(copy, hello, size < sizeof(*hello) ? size : sizeof(*hello));
        valid = protocol_hello_is_valid(copy, size, ret_why);
        free(copy);
        return valid;
}

static void test_hello_sizes(void **state) {
        const ProtocolHello hello = good_hello();
        const char *why;

        (void)state;
        for (size_t size = 0; size < 2 * sizeof(hello); size++) {
                why = NULL;
                assert_int_equal(hello_is_valid(&hello, size, &why), size == sizeof(hello));
                assert_int_equal(why == NULL, size == sizeof(hello));
        }
        assert_true(protocol_hello_is_valid(&hello, sizeof(hello), NULL));
        assert_false(protocol_hello_is_valid(&hello, 0, NULL));
}

static void test_hello_fields(void **state) {
        static const struct {
                size_t at;
                uint32_t word;
                const char *why;
        } words[] = {
                {offsetof(ProtocolHello, magic), 0, "no greeting"},
                {offsetof(ProtocolHello, magic), PROTOCOL_MAGIC + 1, "no greeting"},
                {offsetof(ProtocolHello, magic), PROTOCOL_MAGIC ^ 0x80000000, "no greeting"},
                {offsetof(ProtocolHello, version), 0, "different versions"},
                {offsetof(ProtocolHello, version), PROTOCOL_VERSION + 1, "different versions"},
                {offsetof(ProtocolHello, version), UINT32_MAX, "different versions"},
        };
        const char *why;

        (void)state;
        for (size_t i = 0; i < COUNT(words); i++) {
                ProtocolHello hello = good_hello();

                memcpy((char *)&hello + words[i].at, &words[i].word, sizeof(words[i].word));
                assert_false(hello_is_valid(&hello, sizeof(hello), &why));
                assert_non_null(strstr(why, words[i].why));
        }
        /* Another version may have another size: the user must learn of the version. */
        assert_false(hello_is_valid(
                &(const ProtocolHello){.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION + 1}, 8, &why));
        assert_non_null(strstr(why, "different versions"));
}

static void test_hello_strings(void **state) {
        ProtocolHello hello = good_hello();
        const char *why;

        (void)state;
        memset(hello.profile, 'p', sizeof(hello.profile) - 1);
        memset(hello.label, 'l', sizeof(hello.label) - 1);
        assert_true(hello_is_valid(&hello, sizeof(hello), &why));
        hello.label[sizeof(hello.label) - 1] = 'l';
        assert_false(hello_is_valid(&hello, sizeof(hello), &why));
        assert_non_null(strstr(why, "label"));
        hello = good_hello();
        /* The NUL must be the field's own, and not one in the next field. */
        memset(hello.profile, 'p', sizeof(hello.profile));
        assert_false(hello_is_valid(&hello, sizeof(hello), &why));
        assert_non_null(strstr(why, "profile"));
        hello = good_hello();
        hello.profile[0] = '\0';
        assert_false(hello_is_valid(&hello, sizeof(hello), &why));
        assert_non_null(strstr(why, "profile"));
}

static bool reply_is_valid(const ProtocolReply *reply, size_t size) {
        ProtocolReply *copy = calloc(1, size > 0 ? size : 1);
        bool valid;

        assert_non_null(copy);
        memcpy(copy, reply, size < sizeof(*reply) ? size : sizeof(*reply));
        valid = protocol_reply_is_valid(copy, size);
        free(copy);
        return valid;
}

static const struct {
        uint32_t n_instructions;
        size_t size;
        bool expected;
} reply_sizes[] = {
        {0, PROTOCOL_REPLY_HEAD, true},
        {0, 0, false},
        {0, PROTOCOL_REPLY_HEAD - 1, false},
        {0, PROTOCOL_REPLY_HEAD + 1, false},
        {0, PROTOCOL_REPLY_HEAD + 8, false},
        {0, sizeof(ProtocolReply), false},
        {1, PROTOCOL_REPLY_HEAD, false},
        {1, PROTOCOL_REPLY_HEAD + 7, false},
        {1, PROTOCOL_REPLY_HEAD + 8, true},
        {1, PROTOCOL_REPLY_HEAD + 16, false},
        {PROTOCOL_FILTER_MAX, sizeof(ProtocolReply), true},
        {PROTOCOL_FILTER_MAX, sizeof(ProtocolReply) - 1, false},
        {PROTOCOL_FILTER_MAX, sizeof(ProtocolReply) + 1, false},
        {PROTOCOL_FILTER_MAX + 1, sizeof(ProtocolReply) + 8, false},
        {PROTOCOL_FILTER_MAX + 1, sizeof(ProtocolReply), false},
        {UINT32_MAX, sizeof(ProtocolReply), false},
        /* for which a product of 32 bits overflows */
        {0x20000000, PROTOCOL_REPLY_HEAD, false},
        {0x20000001, PROTOCOL_REPLY_HEAD + 8, false},
};

static void test_reply_sizes(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(reply_sizes); i++) {
                ProtocolReply reply = {.magic = PROTOCOL_MAGIC,
                        .version = PROTOCOL_VERSION,
                        .verdict = PROTOCOL_WELCOME,
                        .n_instructions = reply_sizes[i].n_instructions};

                if (reply_is_valid(&reply, reply_sizes[i].size) != reply_sizes[i].expected)
                        fail_msg("row %zu", i);
        }
}

static void test_reply_fields(void **state) {
        ProtocolReply reply = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};

        (void)state;
        memset(reply.text, 't', sizeof(reply.text) - 1);
        assert_true(reply_is_valid(&reply, PROTOCOL_REPLY_HEAD));
        reply.text[sizeof(reply.text) - 1] = 't';
        assert_false(reply_is_valid(&reply, PROTOCOL_REPLY_HEAD));
        reply.text[0] = '\0';
        assert_true(reply_is_valid(&reply, PROTOCOL_REPLY_HEAD));
        reply.magic++;
        assert_false(reply_is_valid(&reply, PROTOCOL_REPLY_HEAD));
        reply.magic--;
        reply.version++;
        assert_false(reply_is_valid(&reply, PROTOCOL_REPLY_HEAD));
}

/* If another supervisor or the kernel answers a knock: its address cannot be read, and no result of
 * mkdirat() is the right answer. */
static void test_knock(void **state) {
        static const uint64_t nonces[] = {0, 1, 0x3fffffff, 0x40000000, 0x7fffffff, 0xffffffff, INT64_MAX,
                UINT64_MAX, 0x8000000000000000};

        (void)state;
        for (size_t i = 0; i < COUNT(nonces); i++) {
                assert_true(protocol_knock_path(nonces[i]) >> 63 == 1);
                assert_int_equal(protocol_knock_path(nonces[i]) & INT64_MAX, nonces[i] & INT64_MAX);
                assert_true(protocol_knock_answer(nonces[i]) > 0);
        }
        assert_int_not_equal(protocol_knock_answer(1), protocol_knock_answer(2));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hello_sizes),
                cmocka_unit_test(test_hello_fields),
                cmocka_unit_test(test_hello_strings),
                cmocka_unit_test(test_reply_sizes),
                cmocka_unit_test(test_reply_fields),
                cmocka_unit_test(test_knock),
        };

        harness_init();
        return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
