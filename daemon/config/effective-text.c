/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes and reads the effective text of a configuration.  Owns nothing.  The loading child writes it; the
 * daemon reads it. */

#include "config/effective-text.h"

#include <errno.h>
#include <string.h>

#include "common/ownership.h"

static void write_section(FILE *stream, const Section *section) {
        const struct SectionGrammar *grammar = &section_grammar[section->type];

        (void)fprintf(stream, "[%s%s%s]\n", grammar->word, section->name[0] ? " " : "", section->name);
        for (size_t i = 0; i < SECTION_KEYS_MAX; i++)
                if (section->values[i].text)
                        (void)fprintf(stream, "%s=%s\n", grammar->keys[i], section->values[i].text);
}

int effective_text_write(const Sections *sections, char **ret) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        if (!stream)
                return -ENOMEM;
        for (const Section *section = sections->first; section; section = section->next)
                write_section(stream, section);
        if (fclose(stream) != 0)
                return -ENOMEM;
        *ret = TAKE_PTR(text);
        return 0;
}

/* Reads one line, which comes without its newline. */
static int read_line(char *line, unsigned number, const IniEvents *events, void *userdata) {
        size_t length = strlen(line);
        char *value = strchr(line, '=');

        if (length == 0)
                return 0;
        if (line[0] == '[' && line[length - 1] == ']') {
                line[length - 1] = '\0';
                return events->on_section(line + 1, number, userdata);
        }
        if (!value || value == line) {
                events->on_error("this line is neither a section nor a key", number, userdata);
                return 0;
        }
        *value++ = '\0';
        return events->on_key(line, value, number, userdata);
}

int effective_text_read(const char *text, size_t size, const IniEvents *events, void *userdata) {
        _cleanup_free_ char *copy = strndup(text, size);
        char *rest = copy, *line;
        int r = 0;

        if (!copy)
                return -ENOMEM;
        for (unsigned number = 1; r == 0 && (line = strsep(&rest, "\n")); number++)
                r = read_line(line, number, events, userdata);
        return r;
}
