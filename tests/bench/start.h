/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From fork() to a program's first instruction. */

#include "room.h"
#include "samples.h"

/* Starts programs->nothing n times bare and n times under snotify-run, alternately. */
void start_measure(const Programs *programs, const char *socket_path, unsigned n, Samples *ret_bare,
        Samples *ret_supervised);
