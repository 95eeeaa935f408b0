/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds the readers of mountinfo any list, for the mount in its first line.  The table has each mount once,
 * sorted by id; the mounts of a file system together, and each parent before its children.  From a list that
 * a kernel could write, the readers get back the fields that it was made of. */

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "common/ownership.h"
#include "worker/location/host-mounts.h"
#include "worker/location/mountinfo.h"

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

static HostMounts *read_table(void) {
        HostMounts *mounts;
        int fd = fcntl(list_fd, F_DUPFD_CLOEXEC, 0);

        HOLDS(fd >= 0);
        HOLDS(host_mounts_new(fd, &mounts) == 0);
        return mounts;
}

static void check_row(const HostMount *rows, size_t i) {
        const HostMount *row = &rows[i];

        HOLDS(row->device == rows[0].device);
        HOLDS(row->saw == HOST_MOUNT_UNSEEN);
        HOLDS(row->above == HOST_MOUNT_NONE || row->has_relatives);
        HOLDS(!row->apart || !row->has_relatives);
        if (row->apart)
                return;
        for (size_t j = 0; j < i; j++) {
                HOLDS(rows[j].apart || !host_mounts_is_below(rows[j].root, row->root) ||
                        strcmp(rows[j].root, row->root) == 0);
                if (!rows[j].apart && host_mounts_is_below(row->root, rows[j].root))
                        HOLDS(row->above != HOST_MOUNT_NONE && row->has_relatives && rows[j].has_relatives);
        }
}

static void check_table(uint64_t device) {
        HostMounts *mounts = read_table();
        const HostMount *rows;
        size_t n;

        rows = host_mounts_of(mounts, device, &n);
        HOLDS(n > 0);
        for (size_t i = 0; i < n; i++) {
                HOLDS(host_mounts_find(mounts, rows[i].id)->id == rows[i].id);
                check_row(rows, i);
        }
        host_mounts_free(mounts);
}

/* One reader ends at a NUL, the other does not. */
static void check_any(const uint8_t *bytes, size_t size, uint64_t id) {
        uint64_t device;
        int r;

        fill(bytes, size);
        r = mounts_find_device(list_fd, id, &device);
        HOLDS(r == 0 || r == MOUNTS_NONE);
        if (r == 0 && !memchr(bytes, '\0', size))
                check_table(device);
        else
                host_mounts_free(read_table());
}

/* Any name below the root, as mangle_path() in the kernel's fs/seq_file.c writes it. */
static void write_escaped(FILE *to, FILE *plain, Input *input) {
        (void)fputc('/', to);
        (void)fputc('/', plain);
        for (unsigned n = input_byte(input); n > 0; n--) {
                char byte = (char)input_byte(input);

                if (byte == '\0')
                        continue;
                (void)fputc(byte, plain);
                if (strchr(" \t\n\\#", byte))
                        (void)fprintf(to, "\\%03o", (unsigned)byte);
                else
                        (void)fputc(byte, to);
        }
        (void)fputc('\0', plain);
}

static void check_kernels(Input *input) {
        uint32_t id = input_number(input), major = input_number(input) & 0xfff, minor = input_number(input);
        _cleanup_free_ char *text = NULL, *expected = NULL;
        size_t size, plain_size;
        FILE *to = open_memstream(&text, &size), *plain = open_memstream(&expected, &plain_size);
        const HostMount *row;
        HostMounts *mounts;
        uint64_t device;

        HOLDS(to && plain);
        (void)fprintf(to, "%u 1 %u:%u ", id, major, minor);
        write_escaped(to, plain, input);
        (void)fputc(' ', to);
        write_escaped(to, plain, input);
        (void)fputs(" rw,relatime shared:1 - tmpfs tmpfs rw\n", to);
        HOLDS(fclose(to) == 0 && fclose(plain) == 0);
        fill(text, size);
        HOLDS(mounts_find_device(list_fd, id, &device) == 0);
        HOLDS(device == mounts_device(major, minor));
        HOLDS(mounts_find_device(list_fd, (uint64_t)id + 1, &device) == MOUNTS_NONE);

        mounts = read_table();
        row = host_mounts_find(mounts, id);
        HOLDS(row && row->device == mounts_device(major, minor) && row->kind == HOST_MOUNT_TMPFS);
        HOLDS(strcmp(row->root[0] == '\0' ? "/" : row->root, expected) == 0);
        HOLDS(strcmp(row->point[0] == '\0' ? "/" : row->point, expected + strlen(expected) + 1) == 0);
        host_mounts_free(mounts);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        Input input = {bytes, size}, copy = input;
        _cleanup_free_ char *text = input_string(&copy, '\n');

        check_any(bytes, size, strtoull(text, NULL, 10));
        check_kernels(&input);
        return 0;
}
