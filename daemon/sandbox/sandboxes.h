/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sandboxes of the daemon's children.  The daemon builds them once: libseccomp takes longer for one than
 * some children live. */

#include "common/sandbox.h"

typedef struct Sandboxes {
        Sandbox acceptor;
        Sandbox verifier;
        Sandbox worker; /* helpers inherit it */
        Sandbox helper; /* a helper enters it once it has its target's credentials */
} Sandboxes;

/* Builds them.  Returns 0 or a negative errno. */
int sandboxes_build(Sandboxes *ret);
