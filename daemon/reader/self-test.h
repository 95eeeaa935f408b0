/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells the reader which files are listeners, and tries it on a process whose facts are known.  Takes the
 * descriptors of the programs reader_read and reader_learn.  Returns NULL or a complaint: "it ...". */
const char *reader_self_test(int program_fd, int learn_fd);
