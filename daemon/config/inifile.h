/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One INI file, line by line: what each line says and where, and nothing of what it means.
 *
 * A line is blank, a comment (its first byte that is no blank is ';' or '#'), "[section]" or "key = value";
 * a section and a value may be followed by a comment that begins with a blank and ';'.  Everything else is
 * an error. */

/* The longest line, without its newline and the blanks around it.  A libinih whose limit is fixed when it is
 * built may make it shorter. */
#define INIFILE_LINE_MAX 8192

#define INIFILE_SIZE_MAX (16 * 1024 * 1024)

/* The file could not be read, or not to its end, or others can change it; on_error was told. */
#define INIFILE_UNREADABLE 1

typedef struct IniEvents {
        /* text is what stands between the brackets, without the blanks around it; NULL where the line is
         * wrong, of which on_error was told.  Returns 0 or a negative errno, which ends the reading. */
        int (*on_section)(const char *text, unsigned line, void *userdata);

        /* Neither key nor value has blanks around it; the value may be empty.  Returns as on_section. */
        int (*on_key)(const char *key, const char *value, unsigned line, void *userdata);

        /* message is a sentence without a place; line is 0 where the whole file is meant. */
        void (*on_error)(const char *message, unsigned line, void *userdata);
} IniEvents;

/* Reads the regular file at path.  Strings that events receive are gone when they return.  Returns 0,
 * INIFILE_UNREADABLE, or what an event returned, or -ENOMEM. */
int inifile_read(const char *path, const IniEvents *events, void *userdata);
