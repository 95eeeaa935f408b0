/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches and ends the processes of a session.  Run by the daemon.  A WorkerProcess owns the event source
 * that tells of its process's end.  Must never signal a process by a number that may be another's by now. */

#include "session/worker-process.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ledger.h"
#include "common/ownership.h"
#include "common/privileges.h"

void process_forget(WorkerProcess *process) {
        process->source = sd_event_source_unref(process->source);
}

int process_watch_child(WorkerProcess *process, sd_event *event, pid_t pid, sd_event_child_handler_t on_exit,
        void *userdata) {
        int r;

        *process = (WorkerProcess){.pid = pid, .is_child = true};
        r = sd_event_add_child(event, &process->source, pid, WEXITED, on_exit, userdata);
        if (r >= 0)
                return 0;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        *process = (WorkerProcess){};
        return r;
}

/* The pid may be another process's by now; but not any more if it still holds the lock once we have a pidfd.
 * Returns that, the caller's, or -EBADF. */
static int kill_lock_holder(int ledger_fd, uint32_t number, pid_t pid) {
        _cleanup_close_ int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);

        if (pid_fd < 0 || ledger_lock_holder(ledger_fd, number) != pid)
                return -EBADF;
        privileges_raise(CAP_KILL); /* a helper has its caller's user */
        (void)syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, NULL, 0);
        privileges_lower();
        return TAKE_FD(pid_fd);
}

static void watch_adopted(
        WorkerProcess *process, sd_event *event, int pid_fd, sd_event_io_handler_t on_gone, void *userdata) {
        if (sd_event_add_io(event, &process->source, pid_fd, EPOLLIN, on_gone, userdata) < 0 ||
                sd_event_source_set_io_fd_own(process->source, true) < 0) {
                process_forget(process);
                fd_close(pid_fd);
        }
}

bool process_adopt(WorkerProcess *process, sd_event *event, int ledger_fd, uint32_t number,
        sd_event_io_handler_t on_gone, void *userdata) {
        pid_t pid = ledger_lock_holder(ledger_fd, number);
        int pid_fd = -EBADF;

        process_forget(process);
        if (pid == 0) {
                *process = (WorkerProcess){};
                return false;
        }
        if (pid > 0)
                pid_fd = kill_lock_holder(ledger_fd, number, pid);
        /* Where the end of this very process was told already, a second source would tell it again and
         * again. */
        if (pid_fd >= 0 && (process->is_child || process->pid != pid))
                watch_adopted(process, event, TAKE_FD(pid_fd), on_gone, userdata);
        fd_close(pid_fd);
        process->is_child = false;
        process->pid = pid > 0 ? pid : -1;
        if (process->killed_usec == 0)
                process->killed_usec = clock_usec(CLOCK_MONOTONIC);
        return true;
}

void process_retire(WorkerProcess *process, uint64_t now_usec) {
        if (!process->is_child)
                return; /* process_adopt() has killed it */
        if (process->retired_usec == 0)
                process->retired_usec = now_usec;
        (void)kill(process->pid, SIGTERM);
}

void process_kill(WorkerProcess *process, uint64_t now_usec) {
        if (process->killed_usec == 0)
                process->killed_usec = now_usec;
        if (process->is_child) /* else process_adopt() has done so */
                (void)kill(process->pid, SIGKILL);
}

bool process_hangs(const WorkerProcess *process, uint64_t now_usec) {
        return process->pid != 0 && process->killed_usec != 0 &&
               now_usec - process->killed_usec >= PROCESS_HANG_USEC;
}
