/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The reader as workers use it: one program that stands in the kernel (see programs.bpf.c). */

#include "reader/reader-abi.h"

/* Fills in the answer.  Returns 0 or a negative errno, which reader-abi.h describes, or that of bpf(2). */
int reader_ask(int program_fd, ReaderRequest *request);
