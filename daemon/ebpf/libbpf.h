/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is needed of libbpf to load programs into the kernel.  The library is loaded with dlopen(3), and only
 * by a process that loads programs: linked with the daemon, the library and those that it needs would be in
 * the memory of each worker, and make each fork slower. */

#include <bpf/libbpf.h>

typedef struct Libbpf {
        typeof(libbpf_set_print) *set_print;
        typeof(bpf_object__open_mem) *open_object;
        typeof(bpf_object__load) *load_object;
        typeof(bpf_object__close) *close_object;
        typeof(bpf_object__find_program_by_name) *find_program;
        typeof(bpf_object__find_map_by_name) *find_map;
        typeof(bpf_program__attach) *attach_program;
        typeof(bpf_program__fd) *program_fd;
        typeof(bpf_program__set_autoload) *set_autoload;
        typeof(bpf_link__fd) *link_fd;
        typeof(bpf_map__fd) *map_fd;
} Libbpf;

/* Returns NULL, or a static text that says why the library cannot be used.  It stays loaded, and says
 * nothing on stderr. */
const char *libbpf_open(Libbpf *ret);
