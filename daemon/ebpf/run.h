/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Running programs that stand in the kernel.  It takes no library and no capability: a process that holds a
 * program's descriptor may run it. */

#include <stdint.h>

/* Runs a program of the type "syscall" with a request, in which it also answers.  Returns what the program
 * returns, 0 or a negative errno, or the negative errno of bpf(2): -EBADF where program_fd is negative. */
int program_run(int program_fd, void *request, uint32_t size);
