/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* clang-format off */
/* rogue-launcher SOCKET KIND: connects to the daemon as snotify-run does, goes wrong in one way, and prints how the
 * connection ends: "refused: WHY", or "closed".  faults.c has the kinds.
 *
 *      rogue-launcher SOCKET lend PROFILE PROGRAM     greets for a profile, and lets PROGRAM, a set-user-ID copy of
 *                                                     this one, knock in its place: prints "in" if the daemon accepts
 *                                                     that
 *      rogue-launcher SOCKET flood COUNTER            connects and leaves, again and again, and counts in the file
 *                                                     COUNTER
 *      rogue-launcher SOCKET hang NUMBER UID...       opens NUMBER connections at once for each of these users, and
 *                                                     sends over each a file that hangs the process that closes it;
 *                                                     prints "all" when each was answered, and waits for the end of
 *                                                     its stdin
 *      rogue-launcher SOCKET crowd NUMBER ENOUGH      opens NUMBER silent connections at once; when ENOUGH were
 *                                                     refused, prints how many; then waits for the end of its stdin,
 *                                                     and prints how many are still open
 *      rogue-launcher SOCKET pile NUMBER UID...       NUMBER times, by a process for each of these users, connects,
 *                                                     sends a descriptor before the daemon's welcome, and leaves; some
 *                                                     of the descriptors hang the process that drops them.  Prints
 *                                                     "all", and stays until it is killed
 *      rogue-launcher SOCKET mixed NUMBER PROCESSES   goes wrong NUMBER times, in all ways that do not take long, with
 *                                                     PROCESSES processes at a time */
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "faults.h"
#include "load.h"
#include "takeover.h"

int main(int argc, char **argv) {
        if (argc < 3)
                return 255;
        socket_path = argv[1];
        if (argc == 4 && strcmp(argv[2], "flood") == 0)
                return load_flood(argv[3]);
        if (argc >= 5 && strcmp(argv[2], "pile") == 0)
                return load_pile((unsigned)atoi(argv[3]), argv + 4);
        if (argc >= 5 && strcmp(argv[2], "hang") == 0)
                return load_hang((unsigned)atoi(argv[3]), argv + 4);
        if (argc == 5 && strcmp(argv[2], "lend") == 0)
                return takeover_lend(argv[3], argv[4]);
        if (argc == 5 && strcmp(argv[2], "borrow") == 0)
                return takeover_borrow(atoi(argv[3]), strtoull(argv[4], NULL, 10));
        if (argc == 5 && strcmp(argv[2], "crowd") == 0)
                return load_crowd((unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
        if (argc == 5 && strcmp(argv[2], "mixed") == 0)
                return load_mixed((unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
        return faults_commit(argv[2]) ? 0 : 255;
}
