/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names under which guards stay in the kernel when snotifyd is stopped: each has a directory below
 * /sys/fs/bpf/snotify, which only root may enter.  A directory's name begins with the GUARD_VERSION and ends
 * with a number that tells different programs apart. */

#include <stdbool.h>
#include <stdint.h>

#include "guard/guard.h"

#define PINS_NAME_SIZE 32
/* A guard is pinned under this name until it is whole. */
#define PINS_UNFINISHED "unfinished"
/* More guards than there are versions that leave sessions behind. */
#define PINS_GUARDS_MAX 64

typedef enum PinKind {
        PIN_PROGRAM,
        PIN_LINK,
        PIN_OPTIONAL_LINK, /* a guard does without */
        PIN_MAP,
} PinKind;

typedef struct Pin {
        const char *name;
        PinKind kind;
} Pin;
extern const Pin pins[GUARD_FDS];

/* Opens the directory with all guards, in the mount namespace of PID 1: systemd may show snotifyd another
 * one. Returns the caller's fd or a negative errno: -ENOTDIR: no bpf file system is mounted. */
int pins_open_all(void);

/* Reads the names of the guards' directories.  Returns how many there are, or a negative errno. */
int pins_list(int all_fd, char ret[PINS_GUARDS_MAX][PINS_NAME_SIZE]);

/* Opens one guard's directory.  Returns the caller's fd or a negative errno. */
int pins_open_dir(int all_fd, const char *name);

/* Returns the caller's fd of what has that name in a directory, or a negative errno. */
int pins_get(int dir_fd, const char *name);

/* Gives all that the guard has its names in a directory.  Returns 0 or a negative errno. */
int pins_put_guard(int dir_fd, const Guard *guard);

/* Opens what is pinned in a guard's directory, on demand with GUARD_FD_REFUSALS.  Returns 0 or a negative
 * errno: -ENOENT: something is missing.
 */
int pins_open_guard(int dir_fd, bool with_refusals, Guard **ret);

/* Removes a guard's directory and what is in it.  What no process holds leaves the kernel.  Returns 0 or a
 * negative errno. */
int pins_remove(int all_fd, const char *name);

/* Writes the name of the directory, or reads the version from it: 0 where it is none. */
void pins_write_name(uint32_t version, uint64_t number, char ret[PINS_NAME_SIZE]);
uint32_t pins_read_version(const char *name);
