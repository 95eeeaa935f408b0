/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What confines the daemon's children; made once, for libseccomp takes longer over it than a child lives. */

#include "common/sandbox.h"

typedef struct Sandboxes {
        Sandbox acceptor;
        Sandbox vetting;
        Sandbox worker; /* also of what it forks, up to where a helper has become its target */
        Sandbox helper; /* on top of the worker's */
} Sandboxes;

/* Makes them.  Returns 0 or a negative errno. */
int sandboxes_build(Sandboxes *ret);
