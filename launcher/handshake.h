/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From an ordinary process to a supervised one. */

#include <stdint.h>

/* Puts this process under the supervision of the daemon at socket_path: connects, gets the filter, installs
 * it, hands the listener over and knocks.  On return every supervised call of this process and its
 * descendants goes to the daemon, which keeps the session whatever happens to the connection.
 *
 * Returns 0 and the session's id, or -1 after saying on stderr, in one sentence, what is wrong and what to
 * do: then the process may have a filter without a supervisor, and must exit without executing anything.
 * Leaves no fd behind; changes neither signals nor the environment. */
int handshake(const char *socket_path, const char *profile, const char *label, uint64_t *ret_session_id);
