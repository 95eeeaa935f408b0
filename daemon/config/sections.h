/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sections of all configuration files as they are written, with the file and line of each section and
 * value.  Sections and keys are known and unique; whether the values make sense is for compile.h. */

#include <stdbool.h>
#include <stddef.h>

#include "config/errors.h"
#include "policy/policy.h"

#define SECTION_KEYS_MAX 8

/* The name of an effective text in messages, in place of a file's. */
#define SECTIONS_EFFECTIVE "the last good configuration"

typedef enum SectionType {
        SECTION_LIMITS, /* has the name "", so that there is only one */
        SECTION_PROFILE,
        SECTION_RULE,
        SECTION_TYPES,
} SectionType;

enum LimitsKey {
        LIMITS_CALL_TIMEOUT,
        LIMITS_HANDSHAKE_TIMEOUT,
        LIMITS_SESSIONS,
        LIMITS_SESSIONS_PER_USER,
        LIMITS_CONNECTIONS_PER_USER,
        LIMITS_RECORDS_PER_SECOND,
};

enum ProfileKey {
        PROFILE_DEFAULT,
        PROFILE_ERRNO,
        PROFILE_LOG,
        PROFILE_PRIVATE,
        PROFILE_NAMESPACES,
        PROFILE_GUARD,
        PROFILE_USERS,
        PROFILE_GROUPS,
};

enum RuleKey {
        RULE_PATH,
        RULE_ACTION,
        RULE_DELAY,
        RULE_PROFILE,
};

/* The words and keys as administrators write them. */
extern const struct SectionGrammar {
        const char *word;
        const char *keys[SECTION_KEYS_MAX];
        const char *known; /* the keys, as messages name them */
} section_grammar[SECTION_TYPES];

typedef struct Value {
        char *text; /* NULL where the section does not have the key */
        unsigned line;
} Value;

typedef struct Section {
        struct Section *next;
        SectionType type;
        const char *file; /* Sections owns it */
        unsigned line;
        bool damaged;     /* one of its lines was refused, and reported */
        bool duplicate;   /* an earlier section has the name: this one is checked, but not compiled in */
        Profile *profile; /* of a profile section, once compiled; the policy owns it */
        Value values[SECTION_KEYS_MAX];
        char name[POLICY_NAME_MAX + 1];
} Section;

typedef struct Sections {
        ConfigMessageFunction on_message;
        void *userdata;
        unsigned n_errors; /* reported so far */
        bool is_effective; /* read from an effective text, not from files */
        bool incomplete;   /* a file or section could not be read: a name that is missing may be in it */
        Section *first;
        Section **end;    /* where the next section is linked */
        Section *current; /* NULL before the first section of a file, and in one that was refused */
        bool refused;     /* the last section was */
        void *index;      /* tsearch(3) tree of the sections that are not duplicates */
        char **files;     /* their paths; the last one is being read */
        size_t file_count;
} Sections;

/* sections_done() frees what sections_read() collected. */
void sections_init(Sections *sections, ConfigMessageFunction on_message, void *userdata);
void sections_done(Sections *sections);

/* Adds the sections of the file at path.  Returns 0, also where errors were reported, or -ENOMEM. */
int sections_read(Sections *sections, const char *path);

/* Adds the sections of an effective text.  Returns as sections_read(). */
int sections_read_effective(Sections *sections, const char *text, size_t size);

/* Returns the first section of the type and name, or NULL. */
Section *sections_find(const Sections *sections, SectionType type, const char *name);

/* Reports an error at a line of a file, or of the whole file where line is 0. */
__attribute__((format(printf, 4, 5))) void sections_error(
        Sections *sections, const char *file, unsigned line, const char *format, ...);

/* Reports an error of the section at the line of one of its values, or at its own line. */
__attribute__((format(printf, 4, 5))) void section_error(
        Sections *sections, const Section *section, unsigned line, const char *format, ...);

/* Likewise, but a warning: the configuration can be used nevertheless. */
__attribute__((format(printf, 4, 5))) void section_warning(
        Sections *sections, const Section *section, unsigned line, const char *format, ...);
