/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's mounts: a table with one row for each mount in /proc/1/mountinfo (proc_pid_mountinfo(5)).
 *
 * A file system can be mounted several times.  Each mount shows the whole file system or one directory of
 * it.  Most file systems are mounted once: then the row of a directory's mount tells, without a system call,
 * that the directory has no other path.  The table keeps the mounts of one file system together.  A mount
 * that shows a directory comes before the mounts that show only a part of that directory. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A change of the host's mounts takes effect, at the latest, for calls that begin this long after it. */
#define HOST_MOUNTS_LOOK_USEC 20000U

typedef enum HostMountKind {
        HOST_MOUNT_ORDINARY,
        HOST_MOUNT_TMPFS,
        HOST_MOUNT_INERT, /* procfs or sysfs: the workload cannot create anything there */
        HOST_MOUNT_AUTOFS,
        HOST_MOUNT_FUSE, /* a server process answers for it, and can hang or lie */
} HostMountKind;

/* What host_mounts_identify() found at the mount point. */
typedef enum HostMountRoot {
        HOST_MOUNT_UNSEEN,  /* it has not looked yet */
        HOST_MOUNT_SHOWN,   /* the mount's root: root_dev and root_ino are valid */
        HOST_MOUNT_COVERED, /* another mount, or nothing */
        HOST_MOUNT_BARRED,  /* the kernel refuses the worker the look */
        HOST_MOUNT_FILE,    /* the mount's root, which is not a directory */
} HostMountRoot;

typedef struct HostMount {
        uint64_t id;
        uint64_t device; /* see mounts_device() */
        HostMountKind kind;
        /* Another mount of the file system may show a directory that this mount shows: the root of one is
         * the root of the other, or lies below it.  No rename makes relatives of two mounts that are none:
         * a directory moves between the parts that two mounts show only through a third that shows both. */
        bool has_relatives;
        bool apart;        /* its root has no path in the file system: a removed directory, for example */
        HostMountRoot saw; /* what is at the mount point */
        uint64_t root_dev; /* as DirectoryId.dev */
        uint64_t root_ino;
        uint32_t above;    /* the row of the nearest mount that shows this one's root, or HOST_MOUNT_NONE */
        const char *root;  /* the mount's root in its file system; "" is the file system's root directory */
        const char *point; /* the mount point; "" is the host's root directory */
} HostMount;

#define HOST_MOUNT_NONE UINT32_MAX

typedef struct HostMounts HostMounts;

/* Reads the mountinfo file mountinfo_fd.  The table owns the fd from here on, also on failure.  Returns 0
 * with the caller's table, or a negative errno.  host_mounts_free() takes NULL and returns NULL. */
int host_mounts_new(int mountinfo_fd, HostMounts **ret);
HostMounts *host_mounts_free(HostMounts *mounts);

/* Reads the list again if it has changed, for a call that began at now_usec (CLOCK_MONOTONIC).  Looks for a
 * change at most once in HOST_MOUNTS_LOOK_USEC.  Invalidates pointers to rows.  Returns 0 or a negative
 * errno: then the table may be out of date, and the worker must not allow a call by it. */
int host_mounts_refresh(HostMounts *mounts, uint64_t now_usec);

/* Reads the list again if it has changed, however short the last look is past.  The kernel may give a mount
 * id to another mount within HOST_MOUNTS_LOOK_USEC.  Only after this call is the row that host_mounts_find()
 * returns certainly the mount of a directory that the worker already held open.  Invalidates pointers to
 * rows.  Returns as host_mounts_refresh(). */
int host_mounts_update(HostMounts *mounts);

/* Reads the list again, changed or not.  Invalidates pointers to rows.  Returns as host_mounts_refresh(). */
int host_mounts_reload(HostMounts *mounts);

/* Does the host have an autofs mount whose automounter is not process 1?  Such an automounter may be part of
 * a workload, or may depend on which process triggers a mount. */
bool host_mounts_have_automounter(const HostMounts *mounts);

/* Finds the row of a mount by its id (stx_mnt_id of statx(2)).  Returns NULL if there is none. */
const HostMount *host_mounts_find(const HostMounts *mounts, uint64_t id);

/* Returns the rows of a file system's mounts.  *ret_n is their number, 0 if the host has none. */
HostMount *host_mounts_of(HostMounts *mounts, uint64_t device, size_t *ret_n);

/* Looks at the mount points of the file system's mounts, each once, and sets saw, root_dev and root_ino. May
 * change has_relatives and above.  The worker must have its own credentials and be in the host's root. */
void host_mounts_identify(HostMounts *mounts, uint64_t device);

/* Opens the root directory of a mount at its mount point, with these flags.  The worker must have its own
 * credentials and be in the host's root.  Returns 0 with the caller's fd, -EXDEV if another mount is at the
 * mount point, or another negative errno. */
int host_mount_open(const HostMount *mount, int flags, int *ret_fd);

/* Is path the directory, or below it?  All paths are below "". */
bool host_mounts_is_below(const char *path, const char *directory);
