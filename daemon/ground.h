/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Neutral ground: a file system that is mounted nowhere, so that no rule is about it.  A launcher gets a
 * plot there, an empty directory, and has to make another in it before it is supervised.  Whoever is
 * restricted by landlock(7), or by another security module that doesn't let it make directories just
 * anywhere, can't - and would otherwise gain by supervision, for such rules do not bind the worker that acts
 * for it. */

#include <stdbool.h>
#include <stdint.h>

/* Makes ground.  Needs CAP_SYS_ADMIN.  Returns 0 and the caller's fd, with which it goes; or a negative
 * errno. */
int ground_new(int *ret_fd);

/* Have launchers left so much there that it should be made anew? */
bool ground_is_worn(int ground_fd);

/* Makes a plot, for number.  Returns 0 and the caller's fd, or a negative errno.  plot_remove() removes it
 * and the proof, and what else its launcher has made there not. */
int plot_new(int ground_fd, uint64_t number, int *ret_fd);
void plot_remove(int ground_fd, uint64_t number, int plot_fd);

/* Was the directory PROTOCOL_PROOF made there? */
bool plot_is_proven(int plot_fd);
