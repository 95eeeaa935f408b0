/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The wall around a process of ours: a seccomp filter that lists the system calls which the process needs.
 * Any other kills it.  What a stranger sent or wrote may take such a process over; it can't start a program
 * then, trace another process, open a connection or load code into the kernel. */

#include "common/bpf-program.h"

typedef BpfProgram Sandbox;

/* Of who was killed by SIGSYS. */
#define SANDBOX_DEATH                                                                                       \
        ": it made a system call that its own filter forbids, whose number is in the kernel's log"

/* Goes behind it, for good, and so do children: what they enter then confines them further.  Needs no
 * capability.  Returns 0 or a negative errno. */
int sandbox_enter(const Sandbox *sandbox);
