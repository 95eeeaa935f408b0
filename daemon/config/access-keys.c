/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiles users= and groups=, for compile.c.  Owns nothing.  It must never take a list without a known user
 * or group for a missing list, which would admit every user. */

#include "config/access-keys.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/ownership.h"
#include "config/accounts.h"

static int find_account(const Sections *sections, unsigned key, const char *word, uint32_t *ret) {
        if (sections->is_effective)
                return accounts_parse_id(word, ret);
        return key == PROFILE_USERS ? accounts_find_user(word, ret) : accounts_find_group(word, ret);
}

/* Admits the user or group that one word of the key names, and appends its number to numbers. */
static int admit_one(
        Sections *sections, const Section *section, unsigned key, const char *word, FILE *numbers) {
        AccessList *access_list = profile_access_list(section->profile);
        unsigned line = section->values[key].line;
        uint32_t id;
        const char *kind = key == PROFILE_USERS ? "user" : "group";
        int r;

        r = find_account(sections, key, word, &id);
        if (r == -ENOMEM)
                return r;
        /* Only a warning, as in sudoers(5): the account may have been removed, which must not lock out the
         * other users. */
        if (r == -ENOENT)
                section_warning(sections, section, line, "there is no %s '%s', so this name admits no user",
                        kind, word);
        else if (r < 0)
                section_error(sections, section, line, "cannot look up %s '%s' now; try again", kind, word);
        if (r < 0)
                return 0;
        (void)fprintf(numbers, "%s%" PRIu32, ftell(numbers) > 0 ? " " : "", id);
        return key == PROFILE_USERS ? access_list_add_user(access_list, id)
                                    : access_list_add_group(access_list, id);
}

static int admit_all(Sections *sections, const Section *section, unsigned key, FILE *numbers) {
        const Value *value = &section->values[key];
        _cleanup_free_ char *words = strdup(value->text);
        char *rest = words, *word;
        /* In an effective text the list is empty where every name was unknown. */
        bool found = sections->is_effective;
        int r;

        if (!words)
                return -ENOMEM;
        while ((word = strsep(&rest, " \t"))) {
                if (*word == '\0')
                        continue;
                found = true;
                r = admit_one(sections, section, key, word, numbers);
                if (r < 0)
                        return r;
        }
        /* A profile that admits no user is useless, and one that admits every user would be a surprise. */
        if (!found)
                section_error(sections, section, value->line,
                        "'%s' is empty; write names or numbers, separated by spaces",
                        section_grammar[section->type].keys[key]);
        return 0;
}

int access_keys_compile(Sections *sections, Section *section, unsigned key) {
        Value *value = &section->values[key];
        _cleanup_free_ char *numbers = NULL;
        FILE *stream;
        size_t size;
        int r;

        if (!value->text)
                return 0;
        stream = open_memstream(&numbers, &size);
        if (!stream)
                return -ENOMEM;
        access_list_restrict(profile_access_list(section->profile));
        r = admit_all(sections, section, key, stream);
        if (fclose(stream) != 0 || r < 0)
                return -ENOMEM;
        free(value->text);
        value->text = TAKE_PTR(numbers);
        return 0;
}
