/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One way of making a directory: a process that makes some whenever it is told to, and times each. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "room.h"
#include "samples.h"
#include "workload.h"

typedef enum RowStart {
        START_NATIVE,
        START_BARE,
        START_SNOTIFY,
        START_SNOTIFY_AS_USER,
        START_STRACE,
        START_REFERENCE,
} RowStart;

typedef struct Row {
        const char *name;
        RowStart start;
        const char *kind; /* see workload.c */
        const char *goal; /* NULL: none */
        int command_fd;
        Batch *batch;
        Samples samples;
        bool absent; /* the program that it needs isn't installed */
} Row;

/* Starts the row's process; denied calls are made in directory ROOM/denied, all others in one of their own
 * below ROOM/allowed.  Ends the program where that fails. */
void row_start(Row *row, const Programs *programs, const char *socket_path, unsigned number);

/* Makes n calls (at most BATCH_MAX) and keeps their times. */
void row_run(Row *row, uint32_t n);

/* Makes n calls and forgets them. */
void row_warm_up(Row *row, uint32_t n);
