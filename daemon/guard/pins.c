/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pins guards, and finds them again.  Run by the process that loads the guard, and by the daemon at its
 * start. Owns nothing.  Must never remove a name outside of its own directory. */

#include "guard/pins.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "common/ownership.h"

const Pin pins[GUARD_FDS] = {
        [GUARD_FD_PERMIT] = {"guard_permit", PIN_PROGRAM},
        [GUARD_FD_FATE] = {"guard_fate", PIN_PROGRAM},
        [GUARD_FD_SESSION] = {"guard_session", PIN_PROGRAM},
        [GUARD_FD_CLEAN] = {"guard_clean", PIN_PROGRAM},
        [GUARD_FD_REFUSALS] = {"refusals", PIN_MAP},
        [GUARD_FD_HOOK_MKDIR] = {"hook_mkdir", PIN_LINK},
        [GUARD_FD_HOOK_ATTEMPT] = {"hook_attempt", PIN_LINK},
        [GUARD_FD_HOOK_COPY_UP] = {"hook_copy_up", PIN_LINK},
        [GUARD_FD_AFTER_MKDIR] = {"after_mkdir", PIN_OPTIONAL_LINK},
};

/* The root directory of PID 1, or where the kernel does not let this process open that, its own. */
static int open_bpf_fs(void) {
        int fd = open("/proc/1/root/sys/fs/bpf", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd >= 0 ? fd : open("/sys/fs/bpf", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int pins_open_all(void) {
        _cleanup_close_ int bpf_fs_fd = open_bpf_fs();
        struct statfs fs;
        int fd;

        if (bpf_fs_fd < 0 || fstatfs(bpf_fs_fd, &fs) < 0)
                return -errno;
        if ((uint32_t)fs.f_type != BPF_FS_MAGIC)
                return -ENOTDIR;
        if (mkdirat(bpf_fs_fd, "snotify", 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(bpf_fs_fd, "snotify", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int pins_list(int all_fd, char ret[PINS_GUARDS_MAX][PINS_NAME_SIZE]) {
        int fd = openat(all_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;
        int n = 0;

        if (!dir) {
                fd_close(fd);
                return -ENOMEM;
        }
        while (n < PINS_GUARDS_MAX && (entry = readdir(dir)))
                if (entry->d_name[0] != '.' && strlen(entry->d_name) < PINS_NAME_SIZE)
                        memcpy(ret[n++], entry->d_name, strlen(entry->d_name) + 1);
        (void)closedir(dir);
        return n;
}

int pins_open_dir(int all_fd, const char *name) {
        int fd = openat(all_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* bpf(2) takes names below a descriptor since Linux 6.5. */
static int bpf_object(int command, int dir_fd, const char *name, int fd) {
        char path[64];
        union bpf_attr attributes = {.pathname = (uintptr_t)path, .bpf_fd = (uint32_t)fd};
        int r;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
        r = (int)syscall(SYS_bpf, command, &attributes, offsetof(union bpf_attr, file_flags));
        return r < 0 ? -errno : r;
}

int pins_get(int dir_fd, const char *name) {
        return bpf_object(BPF_OBJ_GET, dir_fd, name, 0);
}

int pins_open_guard(int dir_fd, bool with_refusals, Guard **ret) {
        int fds[GUARD_FDS];
        int r = 0;

        for (size_t i = 0; i < GUARD_FDS; i++) {
                fds[i] = r < 0 ? -EBADF : pins_get(dir_fd, pins[i].name);
                if (fds[i] == -ENOENT && pins[i].kind == PIN_OPTIONAL_LINK)
                        fds[i] = -EBADF;
                else if (r >= 0 && fds[i] < 0)
                        r = fds[i];
        }
        if (!with_refusals)
                fds[GUARD_FD_REFUSALS] = fd_close(fds[GUARD_FD_REFUSALS]);
        if (r < 0) {
                guard_close_fds(fds);
                return r;
        }
        return guard_new(fds, ret);
}

int pins_put_guard(int dir_fd, const Guard *guard) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < GUARD_FDS; i++) {
                int fd = guard_fd(guard, (enum GuardFd)i);

                if (fd >= 0 || pins[i].kind != PIN_OPTIONAL_LINK)
                        r = bpf_object(BPF_OBJ_PIN, dir_fd, pins[i].name, fd);
        }
        return r < 0 ? r : 0;
}

int pins_remove(int all_fd, const char *name) {
        int dir_fd = pins_open_dir(all_fd, name);
        const struct dirent *entry;
        DIR *dir;

        if (dir_fd < 0)
                return dir_fd;
        dir = fdopendir(dir_fd);
        if (!dir) {
                fd_close(dir_fd);
                return -ENOMEM;
        }
        while ((entry = readdir(dir)))
                (void)unlinkat(dir_fd, entry->d_name, 0);
        (void)closedir(dir);
        return unlinkat(all_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

void pins_write_name(uint32_t version, uint64_t number, char ret[PINS_NAME_SIZE]) {
        (void)snprintf(ret, PINS_NAME_SIZE, "%" PRIu32 "-%016" PRIx64, version, number);
}

uint32_t pins_read_version(const char *name) {
        char again[PINS_NAME_SIZE];
        uint64_t number;
        uint32_t version;

        if (sscanf(name, "%" SCNu32 "-%" SCNx64, &version, &number) != 2)
                return 0;
        pins_write_name(version, number, again);
        return strcmp(name, again) == 0 ? version : 0;
}
