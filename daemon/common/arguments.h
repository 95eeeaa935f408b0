/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The arguments of a supervised call, as the kernel itself would take them from the registers.  What an
 * operation has no use for is zero. */

#include <stdint.h>

/* A call names one place in the file system, or two: the old one comes first. */
#define LOCATIONS_MAX 2U

typedef struct Arguments {
        int32_t dirfds[LOCATIONS_MAX]; /* where relative paths start; AT_FDCWD where the call has none */
        uint64_t paths[LOCATIONS_MAX]; /* addresses in the target */
        uint64_t text;                 /* the address of a string that is no path to be resolved */
        uint64_t device;               /* a device number, as mknod(2) takes it */
        uint32_t mode;
        uint32_t flags;
        int32_t pid; /* 0: the caller itself, or the call has none */
        uint32_t reserved;
} Arguments;
