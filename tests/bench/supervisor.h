/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Two small supervisors to compare with. */

typedef enum SupervisorKind {
        SUPERVISOR_BARE,      /* answers mkdir() with 0 at once, with SYNC_WAKE_UP: none can be faster */
        SUPERVISOR_REFERENCE, /* as in seccomp_unotify(2): creates absolute paths, checks nothing */
} SupervisorKind;

/* Starts argv with its mkdir() and mkdirat(), or with its mkdir() alone (SUPERVISOR_BARE), supervised by
 * this process; doesn't return. */
__attribute__((noreturn)) void supervisor_run(SupervisorKind kind, char *const *argv);
