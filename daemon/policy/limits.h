/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The limits of one configuration, from its section [limits]; snotify.conf(5) says what each is for.  They
 * are part of the policy, so that a reload replaces them together with the rules. */

#include <stdint.h>

/* The most that the daemon has room for, whatever the configuration says.  Each session takes two of the fds
 * that systemd stores. */
#define LIMITS_SESSIONS_MAX 1000U
#define LIMITS_CONNECTIONS_MAX 1000U

typedef struct Limits {
        uint64_t call_timeout_usec;
        uint64_t handshake_timeout_usec;
        uint64_t sessions;
        uint64_t sessions_per_user;
        uint64_t connections_per_user;
        uint64_t records_per_second; /* of a session */
} Limits;

/* Where the configuration says nothing. */
#define LIMITS_DEFAULT                                                                                      \
        ((Limits){                                                                                          \
                .call_timeout_usec = 30000000,                                                              \
                .handshake_timeout_usec = 2000000,                                                          \
                .sessions = LIMITS_SESSIONS_MAX,                                                            \
                .sessions_per_user = LIMITS_SESSIONS_MAX / 2,                                               \
                .connections_per_user = 128,                                                                \
                .records_per_second = 1000,                                                                 \
        })
