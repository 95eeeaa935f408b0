/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shows that a guard does what it is for on this kernel, before it is relied on. */

#include "guard/guard.h"

/* Guards a child: in a file system of its own it must be refused to create a directory that no permit names,
 * be given a permit's error, and create what a permit names.  Teaches the guard what a listener is.  Needs
 * CAP_SYS_ADMIN.  Returns NULL, or a static text: what the guard did wrong. */
const char *guard_self_test(const Guard *guard);
