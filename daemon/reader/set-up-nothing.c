/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands in for reader/set-up.c where snotifyd is built without the reader. */

#include "reader/set-up.h"

#include <errno.h>
#include <stdio.h>

void reader_set_up(ReaderSetUp *ret) {
        *ret = (ReaderSetUp){.program_fd = -EBADF};
        (void)snprintf(ret->reason, sizeof(ret->reason), "this snotifyd was built without it");
}
