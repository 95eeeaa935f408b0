/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a program that a process runs finds a call that waits: by a listener in the process's own table of
 * descriptors.  So a process reaches only calls whose listener it holds. */

#include "ebpf/kernel.bpf.h"

/* More calls than can wait at once. */
#define NOTIFICATIONS_MAX (1 << 16)

uint64_t listener_operations = 0; /* address of the file operations of listeners */

static __always_inline struct task_struct *current(void) {
        return (struct task_struct *)bpf_get_current_task_btf();
}

/* Reads the caller's own table of descriptors.  A caller with several threads could exchange the file
 * meanwhile; the daemon and its workers have one. */
static __always_inline struct file *own_file(int32_t fd) {
        struct task_struct *task = current();
        struct fdtable *table = BPF_CORE_READ(task, files, fdt);
        struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

        if (fd < 0 || (uint32_t)fd >= BPF_CORE_READ(table, max_fds))
                return NULL;
        bpf_probe_read_kernel(&file, sizeof(file), files + fd);
        return file;
}

/* Returns the filter that the descriptor is the listener of. */
static __always_inline struct seccomp_filter *own_filter(int32_t fd) {
        struct file *file = own_file(fd);

        if (!file || listener_operations == 0 || (uint64_t)BPF_CORE_READ(file, f_op) != listener_operations)
                return NULL;
        return BPF_CORE_READ(file, private_data);
}

typedef struct Search {
        struct list_head *head;
        struct list_head *at;
        uint64_t id;
        struct seccomp_knotif *found;
} Search;

static long look_at_notification(uint32_t i, void *userdata) {
        Search *search = userdata;
        struct list_head *at = search->at;
        struct seccomp_knotif *knotif;

        if (!at || at == search->head)
                return 1;
        knotif = (void *)at - bpf_core_field_offset(struct seccomp_knotif, list);
        if (BPF_CORE_READ(knotif, id) == search->id) {
                search->found = knotif;
                return 1;
        }
        search->at = BPF_CORE_READ(at, next);
        return 0;
}

/* The notification with this id; or NULL, also where the list changes meanwhile: it is read without its
 * lock. */
static __always_inline struct seccomp_knotif *find_notification(struct seccomp_filter *filter, uint64_t id) {
        struct notification *notif = BPF_CORE_READ(filter, notif);
        struct list_head *head;
        Search search = {.id = id};

        if (!notif)
                return NULL;
        head = (void *)notif + bpf_core_field_offset(struct notification, notifications);
        search.head = head;
        search.at = BPF_CORE_READ(head, next);
        bpf_loop(NOTIFICATIONS_MAX, look_at_notification, &search, 0);
        return search.found;
}

/* The notification stands on the stack of the thread that waits.  What was read of it before was its own if
 * it still says so. */
static __always_inline bool still_waits(struct seccomp_knotif *knotif, uint64_t id) {
        return BPF_CORE_READ(knotif, id) == id && BPF_CORE_READ(knotif, state) == SECCOMP_NOTIFY_SENT;
}

/* The number that the kernel's struct pid has in the caller's PID namespace; 0: none. */
static __always_inline uint32_t local_number(struct pid *pid) {
        uint32_t level = BPF_CORE_READ(current(), thread_pid, level);
        int number = 0;

        if (!pid || level > BPF_CORE_READ(pid, level))
                return 0;
        bpf_probe_read_kernel(&number, sizeof(number),
                (const void *)pid + bpf_core_field_offset(struct pid, numbers) +
                        level * bpf_core_type_size(struct upid));
        return (uint32_t)number;
}
