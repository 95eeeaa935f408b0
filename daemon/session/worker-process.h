/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One process that works for a session: a child of this daemon, or a process that this daemon did not fork
 * and has adopted.  Times are CLOCK_MONOTONIC in microseconds. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

/* A process that is not gone so long after SIGKILL hangs in the kernel: in a file system that does not
 * answer. */
#define PROCESS_HANG_USEC 1000000U

typedef struct WorkerProcess {
        pid_t pid;               /* 0: there is none; -1: it has no number in our PID namespace */
        bool is_child;           /* false: adopted */
        sd_event_source *source; /* tells of its end; NULL: only process_adopt() can tell */
        uint64_t retired_usec;   /* 0: it is in service */
        uint64_t killed_usec;    /* when we killed it; 0: we did not */
        bool said_hang;
} WorkerProcess;

/* Stops watching it.  The process itself goes on. */
void process_forget(WorkerProcess *process);

/* A child has been forked.  on_exit gets userdata.  Returns 0, or a negative errno: then the child is killed
 * and reaped, and there is no process. */
int process_watch_child(WorkerProcess *process, sd_event *event, pid_t pid, sd_event_child_handler_t on_exit,
        void *userdata);

/* Looks for a process that works as the worker with this number and is not our child: a worker that an
 * earlier daemon left, or the helper of a worker that is dead.  It may be about to act, so that no other
 * process may take the number before it is gone.  Kills it; on_gone tells of its end where the kernel can
 * (pidfd_open(2)). The process must not be a child that is still watched.  Returns whether there is one. */
bool process_adopt(WorkerProcess *process, sd_event *event, int ledger_fd, uint32_t number,
        sd_event_io_handler_t on_gone, void *userdata);

/* Tells a child to finish what it has in hand and to exit. */
void process_retire(WorkerProcess *process, uint64_t now_usec);

void process_kill(WorkerProcess *process, uint64_t now_usec);

/* Was it killed in vain? */
bool process_hangs(const WorkerProcess *process, uint64_t now_usec);
