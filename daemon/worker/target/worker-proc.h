/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The /proc that the worker found when it started.  The worker moves between root directories, where a
 * target may have arranged another /proc; no workload mounts anything on this one. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct WorkerProc {
        int fd;                             /* O_PATH, owned; -EBADF: none */
        char number[3 * sizeof(pid_t) + 1]; /* the worker's entry */
} WorkerProc;

/* Returns 0 or a negative errno.  worker_proc_close() takes one that failed, too. */
int worker_proc_open(WorkerProc *ret);
void worker_proc_close(WorkerProc *proc);

/* Reads the path of a descriptor of this process, as seen from the root directory that the process has now.
 * The path is NUL-terminated.  It does not tell whether the file is below that root, nor for certain whether
 * the file was removed.  Returns 0, -ENAMETOOLONG or another negative errno. */
int worker_proc_read_path(const WorkerProc *proc, int fd, char *ret, size_t size);

/* Opens, O_PATH, what a name below this /proc means.  Where the name is built of a target's numbers, check
 * the notification afterwards: it tells whether they still were the target's.  Returns 0 and the caller's
 * fd, or a negative errno. */
int worker_proc_open_entry(const WorkerProc *proc, const char *name, int flags, int *ret_fd);

/* Opens the list of mounts (proc_pid_mountinfo(5)) of process 1 or, where own is set, of the worker. Returns
 * 0 and the caller's fd, or a negative errno. */
int worker_proc_open_mounts(const WorkerProc *proc, bool own, int *ret_fd);
