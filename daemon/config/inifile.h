/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads one INI file line by line, and tells its caller what stands in each line, but not what it means.
 *
 * A line is blank, a comment (after blanks it begins with ';' or '#'), "[section]" or "key = value".  A
 * section and a value may be followed by a comment that begins with a blank and ';'.  Everything else is an
 * error. */

/* The longest line, without its newline and the blanks around it.  A libinih that was built with a fixed
 * limit may allow less. */
#define INIFILE_LINE_MAX 8192

#define INIFILE_SIZE_MAX (16 * 1024 * 1024)

typedef enum InifileStatus {
        /* The file cannot be read to its end, or other users can change it; on_error() was called. */
        INIFILE_UNREADABLE = 1,
} InifileStatus;

typedef struct IniEvents {
        /* text is what stands between the brackets, without the blanks around it; NULL where the line is
         * wrong, after on_error() was called.  Returns 0, or a negative errno, which ends the reading. */
        int (*on_section)(const char *text, unsigned line, void *userdata);

        /* Neither key nor value has blanks around it; the value may be empty.  Returns as on_section. */
        int (*on_key)(const char *key, const char *value, unsigned line, void *userdata);

        /* message is a sentence that does not name the place; line is 0 where it is about the whole file. */
        void (*on_error)(const char *message, unsigned line, void *userdata);
} IniEvents;

/* Reads the regular file at path.  The strings that events receive are gone when the event returns.  Returns
 * 0, INIFILE_UNREADABLE, what an event returned, or -ENOMEM. */
int inifile_read(const char *path, const IniEvents *events, void *userdata);
