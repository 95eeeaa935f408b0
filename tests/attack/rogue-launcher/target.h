/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Processes with a filter, whose listener a launcher can send. */

#include <stdint.h>
#include <sys/types.h>

/* Installs a filter in this process, for good.  Returns its listener. */
int target_install_filter(void);

/* Makes the call by which a launcher proves that its listener is its own. */
void target_knock(uint64_t nonce);

/* Forks a process with a filter.  It sends its listener over the socket that is returned in *ret_socket_fd,
 * and knocks when it receives the nonce there.  Returns its pid. */
pid_t target_fork(int *ret_socket_fd);

/* Receives the listener of a process that target_fork() has forked. */
int target_take_listener(int target_fd);
