/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A btrfs subvolume looks like a directory, and any user can create one in a directory of theirs with an
 * ioctl, without mkdir(2).  A snapshot of a subvolume is another one.
 *
 *      subvolume FORM DIRECTORY NAME   creates DIRECTORY/NAME.  FORM is create, create-v2, snapshot or
 *                                      snapshot-v2 (of DIRECTORY); ",high" after it sets bits in the half of
 *                                      the command that the kernel ignores, ",int80" after it uses the
 *                                      32-bit entry.
 *
 * The exit status is the errno. */

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define I386_IOCTL 54

/* Returns the errno. */
static int int80_ioctl(int fd, unsigned long command, const void *argument) {
        long result = I386_IOCTL;
        void *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

        if (low == MAP_FAILED)
                return 255;
        memcpy(low, argument, sizeof(struct btrfs_ioctl_vol_args));
        __asm__ volatile("int $0x80"
                         : "+a"(result)
                         : "b"((long)fd), "c"(command), "d"((uintptr_t)low)
                         : "memory", "r8", "r9", "r10", "r11");
        return (int)-result;
}

_Static_assert(sizeof(struct btrfs_ioctl_vol_args) == sizeof(struct btrfs_ioctl_vol_args_v2), "one size");

int main(int argc, char **argv) {
        struct btrfs_ioctl_vol_args arguments = {};
        struct btrfs_ioctl_vol_args_v2 arguments_v2 = {};
        unsigned long command;
        void *argument;
        int fd;

        if (argc != 4)
                return 255;
        fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return 255;
        (void)snprintf(arguments.name, sizeof(arguments.name), "%s", argv[3]);
        (void)snprintf(arguments_v2.name, sizeof(arguments_v2.name), "%s", argv[3]);
        arguments.fd = arguments_v2.fd = fd;

        if (strncmp(argv[1], "create", 6) == 0)
                command = strstr(argv[1], "-v2") ? BTRFS_IOC_SUBVOL_CREATE_V2 : BTRFS_IOC_SUBVOL_CREATE;
        else
                command = strstr(argv[1], "-v2") ? BTRFS_IOC_SNAP_CREATE_V2 : BTRFS_IOC_SNAP_CREATE;
        if (strstr(argv[1], ",high"))
                command |= 0x5eccULL << 32;
        argument = strstr(argv[1], "-v2") ? (void *)&arguments_v2 : (void *)&arguments;
        if (strstr(argv[1], ",int80"))
                return int80_ioctl(fd, command, argument);
        return syscall(SYS_ioctl, fd, command, argument) < 0 ? errno : 0;
}
