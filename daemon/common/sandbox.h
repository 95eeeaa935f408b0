/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A sandbox around a process of the daemon: a seccomp filter that lists the system calls which the process
 * needs.  Any other call kills the process.  Input from a launcher or a workload might take such a process
 * over.  Even then the process cannot start a program, trace another process, open a connection or load code
 * into the kernel. */

#include "common/bpf-program.h"

typedef BpfProgram Sandbox;

/* How the record of a process that SIGSYS killed ends. */
#define SANDBOX_DEATH                                                                                       \
        ": it made a system call that its sandbox forbids; the kernel's log has the number of the call"

/* Confines this process and its future children, for good.  A sandbox that is entered later confines them
 * further.  Needs no capability.  Returns 0 or a negative errno. */
int sandbox_enter(const Sandbox *sandbox);
