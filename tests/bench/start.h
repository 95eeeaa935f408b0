/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From fork() to where a program says that it has begun. */

#include "room.h"
#include "samples.h"

typedef struct Start {
        Samples bare;
        Samples supervised;
} Start;

/* Starts program n times bare and n times under snotify-run, alternately. */
void start_measure(
        const Programs *programs, const char *program, const char *socket_path, unsigned n, Start *ret);
