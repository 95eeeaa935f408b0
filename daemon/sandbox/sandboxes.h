/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What confines the daemon's children; made once, for libseccomp takes longer over it than a child lives. */

#include "common/sandbox.h"

typedef struct Confinements {
        Confinement acceptor;
        Confinement vetting;
        Confinement worker; /* also of what it forks, up to where a deputy has become its target */
        Confinement deputy; /* on top of the worker's */
} Confinements;

/* Makes them.  Returns 0 or a negative errno. */
int confinements_build(Confinements *ret);
