/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Paths that cannot be literals. */

#pragma once

#include "case.h"

/* Addresses. */
PathMaker null_pointer, highest_address, kernel_address, non_canonical_address, inaccessible_page,
        in_last_bytes_of_a_mapping, across_a_page_boundary, running_into_an_inaccessible_page,
        unterminated_page, unterminated_long, beyond_the_end_of_a_file, in_read_only_memory,
        in_execute_only_memory, in_write_only_memory;

/* Lengths. */
PathMaker path_of_4094, path_of_4095, path_of_4096, path_of_5000, path_of_4095_slashes,
        path_of_4095_with_slash, name_of_255, name_of_256, name_of_256_in_nothing, name_of_256_in_a_file,
        name_of_256_in_unsearchable, name_of_256_on_read_only, name_of_256_on_full;

/* Absolute paths. */
PathMaker absolute, absolute_again, absolute_and_file, absolute_and_minus_one, absolute_with_slashes;

/* Through /proc. */
PathMaker proc_fd_dir, proc_fd_dir_up, proc_fd_o_path, proc_fd_itself, proc_fd_slash, proc_fd_dot,
        proc_fd_file, proc_fd_closed, proc_fd_none, proc_fd_socket, proc_fd_deleted, proc_fd_read_only,
        proc_fd_name_of_256, dev_fd, proc_thread_fd, proc_thread_fd_own, proc_pid_cwd, proc_task_cwd,
        proc_parent_cwd, proc_cwd_root, proc_task_root, fd_dir, fd_file, fd_own_mapping, task_cwd,
        task_fd_dir, proc_other_thread_cwd, proc_other_thread_fd;

/* A directory that nothing names any more. */
int open_deleted(void);
