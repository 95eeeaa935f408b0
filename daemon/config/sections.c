/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Collects the sections of the configuration files.  Owns them, their values and the names of their files.
 * It must never interpret a value, and never stop at the first error. */

#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <string.h>

#include "common/ownership.h"
#include "config/effective-text.h"
#include "config/inifile.h"
#include "config/sections.h"

#define BLANKS " \t"
#define NAME_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:@"

const struct SectionGrammar section_grammar[SECTION_TYPES] = {
        [SECTION_LIMITS] =
                {
                        .word = "limits",
                        .keys = {[LIMITS_CALL_TIMEOUT] = "call-timeout",
                                [LIMITS_HANDSHAKE_TIMEOUT] = "handshake-timeout",
                                [LIMITS_SESSIONS] = "sessions",
                                [LIMITS_SESSIONS_PER_USER] = "sessions-per-user",
                                [LIMITS_CONNECTIONS_PER_USER] = "connections-per-user",
                                [LIMITS_RECORDS_PER_SECOND] = "records-per-second"},
                        .known = "call-timeout, handshake-timeout, sessions, sessions-per-user, "
                                 "connections-per-user, records-per-second",
                },
        [SECTION_PROFILE] =
                {
                        .word = "profile",
                        .keys = {[PROFILE_DEFAULT] = "default",
                                [PROFILE_ERRNO] = "errno",
                                [PROFILE_LOG] = "log",
                                [PROFILE_PRIVATE] = "private",
                                [PROFILE_NAMESPACES] = "namespaces",
                                [PROFILE_GUARD] = "guard",
                                [PROFILE_USERS] = "users",
                                [PROFILE_GROUPS] = "groups"},
                        .known = "default, errno, log, private, namespaces, guard, users, groups",
                },
        [SECTION_RULE] =
                {
                        .word = "rule",
                        .keys = {[RULE_PATH] = "path",
                                [RULE_ACTION] = "action",
                                [RULE_DELAY] = "delay",
                                [RULE_PROFILE] = "profile"},
                        .known = "path, action, delay, profile",
                },
};

/* Returns what stands between the section's word and its name. */
static const char *section_blank(const Section *section) {
        return section->type == SECTION_LIMITS ? "" : " ";
}

__attribute__((format(printf, 6, 0))) static void sections_report(Sections *sections,
        ConfigSeverity severity, const char *file, unsigned line, const Section *about, const char *format,
        va_list arguments) {
        _cleanup_free_ char *message = NULL;
        size_t size;
        FILE *stream = open_memstream(&message, &size);

        sections->n_errors += severity == CONFIG_ERROR;
        if (stream) {
                (void)fputs(file, stream);
                if (line > 0)
                        (void)fprintf(stream, ":%u", line);
                (void)fputs(severity == CONFIG_WARNING ? ": warning: " : ": ", stream);
                if (about)
                        (void)fprintf(stream, "%s%s%s: ", section_grammar[about->type].word,
                                section_blank(about), about->name);
                (void)vfprintf(stream, format, arguments);
        }
        if (!stream || fclose(stream) != 0)
                sections->on_message(CONFIG_ERROR, "out of memory", sections->userdata);
        else
                sections->on_message(severity, message, sections->userdata);
}

void sections_error(Sections *sections, const char *file, unsigned line, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        sections_report(sections, CONFIG_ERROR, file, line, NULL, format, arguments);
        va_end(arguments);
}

void section_error(Sections *sections, const Section *section, unsigned line, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        sections_report(sections, CONFIG_ERROR, section->file, line, section, format, arguments);
        va_end(arguments);
}

void section_warning(Sections *sections, const Section *section, unsigned line, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        sections_report(sections, CONFIG_WARNING, section->file, line, section, format, arguments);
        va_end(arguments);
}

static const char *sections_file(const Sections *sections) {
        return sections->files[sections->file_count - 1];
}

/* Orders sections by type and name, for tsearch(3). */
static int section_compare(const void *a, const void *b) {
        const Section *left = a, *right = b;

        if (left->type != right->type)
                return left->type < right->type ? -1 : 1;
        return strcmp(left->name, right->name);
}

Section *sections_find(const Sections *sections, SectionType type, const char *name) {
        Section key = {.type = type};
        Section *const *found;

        if (strlen(name) > POLICY_NAME_MAX)
                return NULL;
        memcpy(key.name, name, strlen(name));
        found = tfind(&key, &sections->index, section_compare);
        return found ? *found : NULL;
}

/* Returns whether a section may have the name; reports why it must not. */
static bool sections_check_name(
        Sections *sections, SectionType type, const char *text, const char *name, unsigned line) {
        if (type == SECTION_LIMITS && *name == '\0')
                return true;
        if (type == SECTION_LIMITS)
                sections_error(sections, sections_file(sections), line,
                        "[limits] takes no name, but has '%s'; write [limits]", name);
        else if (*name == '\0')
                sections_error(sections, sections_file(sections), line,
                        "[%s] without a name; write [%s NAME]", text, text);
        else if (strlen(name) > POLICY_NAME_MAX)
                sections_error(sections, sections_file(sections), line, "name '%s' is longer than %d bytes",
                        name, POLICY_NAME_MAX);
        else if (name[strspn(name, NAME_BYTES)] != '\0')
                sections_error(sections, sections_file(sections), line,
                        "name '%s' is not one word of letters, digits, '-', '_', '.', ':' and '@'", name);
        else
                return true;
        return false;
}

/* Divides text such as "rule tmp" into type and name.  Returns false after an error was reported. */
static bool sections_divide(
        Sections *sections, const char *text, unsigned line, SectionType *ret_type, const char **ret_name) {
        size_t word_length = strcspn(text, BLANKS);
        const char *name = text + word_length + strspn(text + word_length, BLANKS);

        for (SectionType type = 0; type < SECTION_TYPES; type++) {
                const char *word = section_grammar[type].word;

                if (strlen(word) != word_length || memcmp(word, text, word_length) != 0)
                        continue;
                *ret_type = type;
                *ret_name = name;
                return sections_check_name(sections, type, text, name, line);
        }
        sections_error(sections, sections_file(sections), line,
                "unknown section [%s]; known sections: [limits], [profile NAME], [rule NAME]", text);
        return false;
}

static int sections_index(Sections *sections, Section *section) {
        Section *const *found = tsearch(section, &sections->index, section_compare);

        if (!found)
                return -ENOMEM;
        section->duplicate = *found != section;
        if (section->duplicate)
                section_error(sections, section, section->line, "already defined at %s:%u", (*found)->file,
                        (*found)->line);
        return 0;
}

static int on_section(const char *text, unsigned line, void *userdata) {
        Sections *sections = userdata;
        SectionType type;
        const char *name;
        Section *section;

        sections->current = NULL;
        sections->refused = !text || !sections_divide(sections, text, line, &type, &name);
        if (sections->refused) {
                sections->incomplete = true;
                return 0;
        }
        section = calloc(1, sizeof(Section));
        if (!section)
                return -ENOMEM;
        section->type = type;
        section->file = sections_file(sections);
        section->line = line;
        memcpy(section->name, name, strlen(name));
        *sections->end = section;
        sections->end = &section->next;
        sections->current = section;
        return sections_index(sections, section);
}

/* Returns the value to fill in, or NULL after an error was reported. */
static Value *section_find_value(Sections *sections, Section *section, const char *key, unsigned line) {
        for (size_t i = 0; i < SECTION_KEYS_MAX && section_grammar[section->type].keys[i]; i++) {
                Value *value = &section->values[i];

                if (strcmp(section_grammar[section->type].keys[i], key) != 0)
                        continue;
                if (!value->text)
                        return value;
                section_error(sections, section, line, "key '%s' is already set at %s:%u", key,
                        section->file, value->line);
                return NULL;
        }
        sections_error(sections, section->file, line, "unknown key '%s' in [%s%s%s]; known keys: %s", key,
                section_grammar[section->type].word, section_blank(section), section->name,
                section_grammar[section->type].known);
        return NULL;
}

static int on_key(const char *key, const char *text, unsigned line, void *userdata) {
        Sections *sections = userdata;
        Value *value;

        if (!sections->current) {
                if (!sections->refused)
                        sections_error(sections, sections_file(sections), line,
                                "key '%s' before any [section]", key);
                return 0;
        }
        value = section_find_value(sections, sections->current, key, line);
        if (!value) {
                sections->current->damaged = true;
                return 0;
        }
        value->text = strdup(text);
        value->line = line;
        return value->text ? 0 : -ENOMEM;
}

static void on_line_error(const char *message, unsigned line, void *userdata) {
        Sections *sections = userdata;

        sections_error(sections, sections_file(sections), line, "%s", message);
}

static const IniEvents events = {
        .on_section = on_section,
        .on_key = on_key,
        .on_error = on_line_error,
};

/* Attributes what is read from now on to this file. */
static int sections_begin_file(Sections *sections, const char *name) {
        char **files = reallocarray(sections->files, sections->file_count + 1, sizeof(char *));

        if (!files)
                return -ENOMEM;
        sections->files = files;
        files[sections->file_count] = strdup(name);
        if (!files[sections->file_count])
                return -ENOMEM;
        sections->file_count++;
        sections->current = NULL;
        sections->refused = false;
        return 0;
}

int sections_read(Sections *sections, const char *path) {
        int r;

        r = sections_begin_file(sections, path);
        if (r < 0)
                return r;
        r = inifile_read(path, &events, sections);
        if (r == INIFILE_UNREADABLE)
                sections->incomplete = true;
        return r < 0 ? r : 0;
}

int sections_read_effective(Sections *sections, const char *text, size_t size) {
        int r;

        sections->is_effective = true;
        r = sections_begin_file(sections, SECTIONS_EFFECTIVE);
        return r < 0 ? r : effective_text_read(text, size, &events, sections);
}

void sections_init(Sections *sections, ConfigMessageFunction on_message, void *userdata) {
        *sections = (Sections){.on_message = on_message, .userdata = userdata};
        sections->end = &sections->first;
}

static Section *section_free(Section *section) {
        for (size_t i = 0; i < SECTION_KEYS_MAX; i++)
                free(section->values[i].text);
        free(section);
        return NULL;
}

/* The tree does not own the sections. */
static void on_index_entry(void *section) {
        (void)section;
}

void sections_done(Sections *sections) {
        tdestroy(sections->index, on_index_entry);
        while (sections->first) {
                Section *next = sections->first->next;

                section_free(sections->first);
                sections->first = next;
        }
        for (size_t i = 0; i < sections->file_count; i++)
                free(sections->files[i]);
        free(sections->files);
}
