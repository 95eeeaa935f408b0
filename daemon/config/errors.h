/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the configuration's reader says what is wrong with it. */

typedef enum ConfigSeverity {
        CONFIG_ERROR,   /* the configuration is not to be used */
        CONFIG_WARNING, /* part of it has no effect now */
} ConfigSeverity;

/* Receives each error and warning as one sentence that starts with "FILE:LINE: " (or "FILE: " where there is
 * no line).  message is gone when the function returns. */
typedef void (*ConfigMessageFunction)(ConfigSeverity severity, const char *message, void *userdata);
