/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds libbpf's functions.  Run by the processes that load programs.  Owns nothing. */

#include "ebpf/libbpf.h"

#include <assert.h>
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY "libbpf.so.1"

typedef struct Symbol {
        const char *name;
        size_t at; /* in Libbpf */
} Symbol;

static const Symbol symbols[] = {
        {"libbpf_set_print", offsetof(Libbpf, set_print)},
        {"bpf_object__open_mem", offsetof(Libbpf, open_object)},
        {"bpf_object__load", offsetof(Libbpf, load_object)},
        {"bpf_object__close", offsetof(Libbpf, close_object)},
        {"bpf_object__find_program_by_name", offsetof(Libbpf, find_program)},
        {"bpf_object__find_map_by_name", offsetof(Libbpf, find_map)},
        {"bpf_program__attach", offsetof(Libbpf, attach_program)},
        {"bpf_program__fd", offsetof(Libbpf, program_fd)},
        {"bpf_program__set_autoload", offsetof(Libbpf, set_autoload)},
        {"bpf_link__fd", offsetof(Libbpf, link_fd)},
        {"bpf_map__fd", offsetof(Libbpf, map_fd)},
};
static_assert(sizeof(symbols) / sizeof(symbols[0]) * sizeof(void *) == sizeof(Libbpf), "one for each");

static int no_output(enum libbpf_print_level level, const char *format, va_list arguments) {
        (void)level;
        (void)format;
        (void)arguments;
        return 0;
}

const char *libbpf_open(Libbpf *ret) {
        void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

        if (!library)
                return LIBRARY " is not installed";
        for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
                void *symbol = dlsym(library, symbols[i].name);

                if (!symbol)
                        return LIBRARY " is too old";
                memcpy((char *)ret + symbols[i].at, &symbol, sizeof(symbol));
        }
        (void)ret->set_print(no_output);
        return NULL;
}
