/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* clang-format off */
/* The messages of launcher and daemon: over SOCK_SEQPACKET, one struct each, in host byte order.
 *
 *      launcher                                         daemon
 *      ProtocolHello                              -->
 *                                                 <--  ProtocolReply: welcome, with the filter program and an
 *                                                      fd of a directory (see probe-fs.h); or refused
 *      creates the directory PROTOCOL_PROBE_NAME there
 *      ProtocolListener, and the listener's fd    -->
 *      the knock: a mkdirat(), which the filter
 *      turns into a notification                  -->
 *                                                 <--  its return value; or ProtocolReply: refused, and ENOSYS
 *
 * The daemon trusts no byte of these messages.  It asks the kernel for the launcher's pid and user
 * (SO_PEERCRED). */
/* clang-format on */

#include <assert.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_SOCKET "/run/snotify/socket"
#define PROTOCOL_MAGIC 0x59464e53U /* "SNFY" */
#define PROTOCOL_VERSION 3U

/* A launcher that creates this shows that nothing binds it that would not bind a worker: see probe-fs.h. */
#define PROTOCOL_PROBE_NAME "probe"

#define PROTOCOL_PROFILE_SIZE 48 /* with the NUL */
#define PROTOCOL_LABEL_SIZE 80   /* with the NUL */
#define PROTOCOL_TEXT_SIZE 512
#define PROTOCOL_FILTER_MAX 512 /* instructions */

typedef struct ProtocolHello {
        uint32_t magic;
        uint32_t version;
        char profile[PROTOCOL_PROFILE_SIZE];
        char label[PROTOCOL_LABEL_SIZE];
} ProtocolHello;
static_assert(sizeof(ProtocolHello) == 136, "crosses a process boundary");

typedef enum ProtocolVerdict {
        PROTOCOL_WELCOME = 1,
        PROTOCOL_REFUSED = 2,
} ProtocolVerdict;

typedef struct ProtocolReply {
        uint32_t magic;
        uint32_t version;
        uint32_t verdict; /* ProtocolVerdict */
        int32_t error;    /* refused: a positive errno; EAGAIN: the launcher may try again */
        uint64_t session_id;
        uint64_t nonce;
        char text[PROTOCOL_TEXT_SIZE]; /* refused: a sentence for the user, NUL-terminated */
        uint32_t n_instructions;       /* welcome: how many of the following are sent */
        uint32_t reserved;
        struct sock_filter instructions[PROTOCOL_FILTER_MAX];
} ProtocolReply;
#define PROTOCOL_REPLY_HEAD offsetof(ProtocolReply, instructions)
static_assert(PROTOCOL_REPLY_HEAD == 552, "crosses a process boundary");
static_assert(sizeof(struct sock_filter) == 8, "crosses a process boundary");

typedef struct ProtocolListener {
        uint32_t magic;
        uint32_t version;
        int32_t probe_error; /* a positive errno: why PROTOCOL_PROBE_NAME could not be created */
        uint32_t reserved;
} ProtocolListener;
static_assert(sizeof(ProtocolListener) == 16, "crosses a process boundary");

/* The knock: mkdirat(PROTOCOL_KNOCK_DIRFD, (char *)protocol_knock_path(nonce), 0).  It creates no directory,
 * even if it reaches the kernel or another supervisor: no process has memory at that address, and the kernel
 * fails with EFAULT. */
#define PROTOCOL_KNOCK_DIRFD (-0x6b6b)
uint64_t protocol_knock_path(uint64_t nonce);

/* What the knock returns where the daemon accepts the session.  It is positive, which mkdirat() itself never
 * returns. */
int32_t protocol_knock_answer(uint64_t nonce);

/* Is this a well-formed message of size bytes?  If not, *ret_why is a static text that says why. */
bool protocol_hello_is_valid(const ProtocolHello *hello, size_t size, const char **ret_why);
bool protocol_reply_is_valid(const ProtocolReply *reply, size_t size);
