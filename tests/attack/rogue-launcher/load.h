/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Launchers that load the daemon.  See main.c for what each does; they return the exit status. */

int load_hang(unsigned n, char **uids);
int load_flood(const char *path);
int load_pile(unsigned n, char **uids);
int load_crowd(unsigned n, unsigned enough);
int load_mixed(unsigned n, unsigned processes);
