/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's mounts: a table of what the list of process 1 says (proc_pid_mountinfo(5)).
 *
 * One file system can be mounted at several places, and each mount shows it whole or a part of it.  Most are
 * mounted once; then one look at the row of a directory's mount, which costs nothing, tells that the
 * directory has no other path.  The table lists the mounts of each file system together, those first that
 * show more of it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A change counts for each call that begins this long after it. */
#define HOST_MOUNTS_LOOK_USEC 20000U

typedef enum HostMountKind {
        HOST_MOUNT_ORDINARY,
        HOST_MOUNT_TMPFS,
        HOST_MOUNT_INERT, /* procfs or sysfs: the workload cannot create anything there */
        HOST_MOUNT_AUTOFS,
        HOST_MOUNT_FUSE, /* a process serves it, which may hang or lie */
} HostMountKind;

/* What is known of the directory that a mount shows as its root. */
typedef enum HostMountRoot {
        HOST_MOUNT_UNSEEN,  /* host_mounts_identify() has not looked yet */
        HOST_MOUNT_SHOWN,   /* at the mount point, and root_dev and root_ino are valid */
        HOST_MOUNT_COVERED, /* another mount is at the mount point */
        HOST_MOUNT_BARRED,  /* the worker may not look */
        HOST_MOUNT_FILE,    /* it is no directory */
} HostMountRoot;

typedef struct HostMount {
        uint64_t id;
        uint64_t device; /* see mounts_device() */
        HostMountKind kind;
        /* Another mount of the file system may show a directory of this one: its root is the same, or above,
         * or below.  Without one this stays so whatever is renamed: a directory moves from the part that
         * one mount shows into the part that another shows only through a mount that shows both. */
        bool has_relatives;
        bool apart;        /* its root has no path in the file system, such as a removed directory */
        HostMountRoot saw; /* and what it saw */
        uint64_t root_dev; /* as DirectoryId has it */
        uint64_t root_ino;
        uint32_t above;    /* the row of the nearest mount that shows this one's root, or HOST_MOUNT_NONE */
        const char *root;  /* in the file system; "" is its root directory */
        const char *point; /* "" is the host's root directory */
} HostMount;

#define HOST_MOUNT_NONE UINT32_MAX

typedef struct HostMounts HostMounts;

/* Reads the list that the fd is of, which the table owns from here on, also on failure.  Returns 0 or a
 * negative errno.  host_mounts_free() takes NULL and returns NULL. */
int host_mounts_new(int mountinfo_fd, HostMounts **ret);
HostMounts *host_mounts_free(HostMounts *mounts);

/* Reads the list again where it has changed, for a call that began at now_usec (CLOCK_MONOTONIC).  Looks at
 * most every HOST_MOUNTS_LOOK_USEC.  Rows that were found before may be gone.  Returns 0 or a negative
 * errno: then the table may be out of date, and nothing should be allowed by it. */
int host_mounts_refresh(HostMounts *mounts, uint64_t now_usec);

/* Reads the list again where it has changed, without waiting.  A mount id is reused before 20 ms are over:
 * only from here on does a row that host_mounts_find() returns stand for the mount of a directory that was
 * held before.  Returns as host_mounts_refresh(). */
int host_mounts_update(HostMounts *mounts);

/* Reads the list again at once.  Returns as host_mounts_refresh(). */
int host_mounts_reload(HostMounts *mounts);

/* Does an automounter other than process 1 serve a directory of the host?  Such an automounter may be a
 * workload, or may want to know which user asks it. */
bool host_mounts_have_automounter(const HostMounts *mounts);

/* Finds a mount by its id, as statx(2) has it.  Returns NULL where the host has none. */
const HostMount *host_mounts_find(const HostMounts *mounts, uint64_t id);

/* Returns the mounts of a file system; *ret_n is 0 where the host has none. */
HostMount *host_mounts_of(HostMounts *mounts, uint64_t device, size_t *ret_n);

/* Looks at what the mounts of the file system show, where that is not known yet.  The worker must be raised,
 * in the host's root.  May change has_relatives. */
void host_mounts_identify(HostMounts *mounts, uint64_t device);

/* Opens the root directory of a mount, with these flags, if that is what is found at its mount point.  The
 * worker must be raised, in the host's root.  Returns 0 and the caller's fd, -EXDEV where another mount is
 * there, or another negative errno. */
int host_mount_open(const HostMount *mount, int flags, int *ret_fd);

/* Is path the directory, or below it?  "" is above all. */
bool host_mounts_is_below(const char *path, const char *directory);
