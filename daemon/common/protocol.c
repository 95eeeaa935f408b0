/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks the bytes that launcher and daemon exchange.  Pure functions; run by the launcher and by verifiers.
 * Must never read past the size that was received. */

#include "common/protocol.h"

#include <string.h>

uint64_t protocol_knock_path(uint64_t nonce) {
        return nonce | UINT64_C(1) << 63;
}

int32_t protocol_knock_answer(uint64_t nonce) {
        return (int32_t)(nonce & 0x3fffffff) + 1;
}

bool protocol_hello_is_valid(const ProtocolHello *hello, size_t size, const char **ret_why) {
        const char *why = NULL;

        if (size < offsetof(ProtocolHello, profile) || hello->magic != PROTOCOL_MAGIC)
                why = "this is no greeting of snotify-run";
        else if (hello->version != PROTOCOL_VERSION)
                why = "snotify-run and snotifyd are of different versions; restart snotifyd after an "
                      "upgrade";
        else if (size != sizeof(*hello))
                why = "the greeting has the wrong size";
        else if (!memchr(hello->profile, '\0', sizeof(hello->profile)) || hello->profile[0] == '\0')
                why = "the profile's name is empty or too long";
        else if (!memchr(hello->label, '\0', sizeof(hello->label)))
                why = "the label is too long";
        if (why && ret_why)
                *ret_why = why;
        return !why;
}

bool protocol_reply_is_valid(const ProtocolReply *reply, size_t size) {
        if (size < PROTOCOL_REPLY_HEAD || reply->magic != PROTOCOL_MAGIC ||
                reply->version != PROTOCOL_VERSION || reply->n_instructions > PROTOCOL_FILTER_MAX)
                return false;
        if (size != PROTOCOL_REPLY_HEAD + reply->n_instructions * sizeof(reply->instructions[0]))
                return false;
        return memchr(reply->text, '\0', sizeof(reply->text)) != NULL;
}
