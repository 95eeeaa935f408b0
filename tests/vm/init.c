// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The first process of a virtual machine, in its initrd: loads the modules that /modules lists, mounts the
// disk with the Debian tree, and becomes the tree's systemd.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel panics when this process ends, and the machine with it.
static _Noreturn void fail(const char *what) {
        printf("init: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void load_modules(void) {
        char path[256];
        FILE *list = fopen("/modules", "re");
        if (!list)
                fail("/modules");
        while (fgets(path, sizeof(path), list)) {
                path[strcspn(path, "\n")] = '\0';
                int fd = open(path, O_RDONLY | O_CLOEXEC);
                // ENODEV: the module is for an instruction that the processor does not have.
                if (fd < 0 ||
                        (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST && errno != ENODEV))
                        fail(path);
                close(fd);
        }
        fclose(list);
}

int main(void) {
        mkdir("/dev", 0755);
        mkdir("/tree", 0755);
        if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) < 0)
                fail("/dev");
        load_modules();
        if (mount("/dev/vda", "/tree", "ext4", MS_NOATIME, NULL) < 0)
                fail("/dev/vda");
        if (chdir("/tree") < 0 || mount("/dev", "dev", NULL, MS_MOVE, NULL) < 0 ||
                mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
                fail("root directory");
        execl("/lib/systemd/systemd", "systemd", NULL);
        fail("systemd");
}
