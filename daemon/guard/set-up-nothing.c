/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands in for guard/set-up.c where snotifyd is built without the guard. */

#include "guard/set-up.h"

#include <stdio.h>

void guard_set_up(GuardSetUp *ret) {
        *ret = (GuardSetUp){.dir_fd = -EBADF};
        (void)snprintf(ret->reason, sizeof(ret->reason), "this snotifyd was built without it");
}
