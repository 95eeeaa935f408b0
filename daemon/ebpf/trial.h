/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Puts the calling process, which is forked for a trial, under a filter that notifies mkdirat(2).  Returns
 * the caller's listener, or a negative errno. */
int trial_install_filter(void);
