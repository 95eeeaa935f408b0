/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The time from fork(2) to the moment at which a program reports that it has begun. */

#include "samples.h"
#include "testbed.h"

typedef struct Start {
        Samples bare;
        Samples supervised;
} Start;

/* Starts the program n times natively and n times through snotify-run, by turns. */
void start_measure(
        const Programs *programs, const char *program, const char *socket_path, unsigned n, Start *ret);
