/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds the readers of mountinfo any list, for the mount and the device that its first line names.  A device
 * that is found stands in the list; what is visited is a directory, and is left open to nobody.  A list that
 * a kernel would write of that line tells the same device. */

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "mounts.h"

static int list_fd;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void)argc;
        (void)argv;
        list_fd = memfd_create("mountinfo", MFD_CLOEXEC);
        HOLDS(list_fd >= 0);
        return 0;
}

static void fill(const void *bytes, size_t size) {
        HOLDS(ftruncate(list_fd, 0) == 0);
        HOLDS(pwrite(list_fd, bytes, size, 0) == (ssize_t)size);
}

static int visit(int mount_fd, void *userdata) {
        unsigned *n = userdata;
        struct stat st;

        HOLDS(fstat(mount_fd, &st) == 0 && S_ISDIR(st.st_mode));
        (*n)++;
        return -EXDEV;
}

static void check_any(const uint8_t *bytes, size_t size, uint64_t id) {
        char device[MOUNTS_DEVICE_SIZE] = "";
        unsigned n = 0;
        int r;

        fill(bytes, size);
        r = mounts_find_device(list_fd, id, device);
        HOLDS(r == 0 || r == MOUNTS_NONE);
        HOLDS(strnlen(device, sizeof(device)) < sizeof(device));
        if (r == 0) {
                HOLDS(memmem(bytes, size, device, strlen(device)));
                HOLDS(mounts_visit_device(list_fd, device, visit, &n) == -EXDEV);
        }
        r = mounts_visit_device(list_fd, "0:1", visit, &n);
        HOLDS(r == -EXDEV || r == MOUNTS_NONE);
}

/* Any name below the root, as mangle_path() in the kernel's fs/seq_file.c writes it. */
static void write_escaped(FILE *to, Input *input) {
        (void)fputc('/', to);
        for (unsigned n = input_byte(input); n > 0; n--) {
                char byte = (char)input_byte(input);

                if (byte != '\0' && strchr(" \t\n\\#", byte))
                        (void)fprintf(to, "\\%03o", (unsigned)byte);
                else if (byte != '\0')
                        (void)fputc(byte, to);
        }
}

static void check_kernels(Input *input) {
        uint32_t id = input_number(input), major = input_number(input) & 0xfff, minor = input_number(input);
        _cleanup_free_ char *text = NULL, *expected = NULL;
        char device[MOUNTS_DEVICE_SIZE];
        size_t size;
        FILE *to = open_memstream(&text, &size);

        HOLDS(to);
        (void)fprintf(to, "%u 1 %u:%u ", id, major, minor);
        write_escaped(to, input);
        (void)fputc(' ', to);
        write_escaped(to, input);
        (void)fputs(" rw,relatime shared:1 - tmpfs tmpfs rw\n", to);
        HOLDS(fclose(to) == 0);
        HOLDS(asprintf(&expected, "%u:%u", major, minor) >= 0);
        fill(text, size);
        HOLDS(mounts_find_device(list_fd, id, device) == 0);
        HOLDS(strcmp(device, expected) == 0);
        HOLDS(mounts_find_device(list_fd, (uint64_t)id + 1, device) == MOUNTS_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        Input input = {bytes, size}, copy = input;
        _cleanup_free_ char *text = input_string(&copy, '\n');

        check_any(bytes, size, strtoull(text, NULL, 10));
        check_kernels(&input);
        return 0;
}
