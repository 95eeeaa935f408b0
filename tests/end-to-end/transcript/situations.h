/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preparations. */

#pragma once

#include "case.h"

Preparation do_nothing, be_undumpable, forbid_files;

/* For a thread: its cwd and umask differ from its leader's, or its ids from those of the process. */
Preparation take_own_cwd, take_own_fs, take_own_descriptors, take_fsuid, take_fsgid, take_uids, take_groups;

/* For a process. */
Preparation take_many_groups, take_euid, drop_dac, drop_all, keep_dac;

/* Other root and working directories. */
Preparation enter_chroot, enter_chroot_as_user, change_root_only, thread_in_chroot;
Preparation go_elsewhere, leave_for_deleted, leave_for_deleted_deep, enter_unsearchable;

/* In directories of /proc that only the process itself may search. */
Preparation enter_proc_fd, enter_proc_fdinfo, enter_proc_map_files, enter_proc_thread_fd;
