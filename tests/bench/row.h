/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One way of creating a directory: a process that creates some on request, and measures each call. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "samples.h"
#include "testbed.h"
#include "workload.h"

typedef enum RowStart {
        START_NATIVE,
        START_BARE,
        START_SNOTIFY,
        START_SNOTIFY_AS_USER,
        START_STRACE,
        START_PROOT,
        START_REFERENCE,
} RowStart;

typedef struct Row {
        const char *name;
        RowStart start;
        const char *kind; /* see workload.c */
        double goal;      /* of the median, in F; 0: none */
        int command_fd;
        Batch *batch;
        Samples samples;
        bool absent; /* the program that it needs is not installed */
} Row;

/* Starts the row's process.  Denied calls are made in TESTBED/denied, those of each other row in a directory
 * of its own below TESTBED.  Exits if that fails. */
void row_start(Row *row, const Programs *programs, const char *socket_path, unsigned number);

/* Makes n calls (at most BATCH_MAX) and adds their durations to the samples. */
void row_run(Row *row, uint32_t n);

/* Makes n calls without measuring them. */
void row_warm_up(Row *row, uint32_t n);
