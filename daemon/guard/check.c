/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at the machine.  Run by the process that loads the guard.  Owns nothing. */

#include "guard/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "common/ownership.h"

static void caps_free_p(cap_t *caps) {
        if (*caps)
                (void)cap_free(*caps);
}

static bool has_capability(cap_value_t capability) {
        _cleanup_(caps_free_p) cap_t caps = cap_get_proc();
        cap_flag_value_t value = CAP_CLEAR;

        return caps && cap_get_flag(caps, capability, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET;
}

/* As the host sees the file, if this process may look. */
static int read_host_file(const char *path, char *ret, size_t size) {
        char host_path[128];
        _cleanup_close_ int fd = -EBADF;
        ssize_t n;

        (void)snprintf(host_path, sizeof(host_path), "/proc/1/root%s", path);
        fd = open(host_path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, ret, size - 1);
        if (n < 0)
                return -errno;
        ret[n] = '\0';
        return 0;
}

static bool list_has(char *list, const char *word) {
        char *rest = list, *entry;

        while ((entry = strsep(&rest, ",\n")))
                if (strcmp(entry, word) == 0)
                        return true;
        return false;
}

/* The kernel takes the program even if nothing ever runs it. */
static const char *check_modules(void) {
        char text[512];

        if (read_host_file("/sys/kernel/security/lsm", text, sizeof(text)) < 0)
                return "the kernel's list of security modules, /sys/kernel/security/lsm, cannot be read";
        if (!list_has(text, "bpf"))
                return "bpf is not among the kernel's security modules (/sys/kernel/security/lsm); "
                       "the kernel's parameter lsm= can add it";
        if (read_host_file("/sys/kernel/security/lockdown", text, sizeof(text)) == 0 &&
                strstr(text, "[confidentiality]"))
                return "the kernel is locked down for confidentiality (/sys/kernel/security/lockdown)";
        return NULL;
}

static const char *check_capabilities(void) {
        return has_capability(CAP_BPF) && has_capability(CAP_PERFMON) && has_capability(CAP_SYS_ADMIN)
                       ? NULL
                       : "snotifyd was started without CAP_BPF, CAP_PERFMON or CAP_SYS_ADMIN";
}

static const char *check_types(void) {
        return access("/sys/kernel/btf/vmlinux", R_OK) == 0
                       ? NULL
                       : "the kernel does not describe its types (/sys/kernel/btf/vmlinux)";
}

int check_system(char *reason, size_t size) {
        const char *why = check_modules();

        if (!why)
                why = check_capabilities();
        if (!why)
                why = check_types();
        if (!why)
                return 0;
        (void)snprintf(reason, size, "%s", why);
        return -EOPNOTSUPP;
}
