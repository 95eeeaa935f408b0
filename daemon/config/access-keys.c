/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the keys users= and groups= of a profile, for config.c.  Owns nothing.  It must never take a list of
 * which nobody is known for no list. */

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

/* Adds one of the words of users= or groups=, and to numbers the number that it stands for. */
static int admit_one(
        Sections *sections, const Section *section, unsigned key, const char *word, FILE *numbers) {
        AccessList *access_list = profile_access_list(section->profile);
        unsigned line = section->values[key].line;
        uint32_t id;
        int r;

        r = find_account(sections, key, word, &id);
        if (r == -ENOMEM)
                return r;
        /* As in sudoers(5): the account may have been removed, which must lock no user out. */
        if (r == -ENOENT)
                section_warning(sections, section, line,
                        "there is no %s '%s': nobody is let in by that name",
                        key == PROFILE_USERS ? "user" : "group", word);
        else if (r < 0)
                section_error(sections, section, line, "cannot find out who '%s' is now; try again", word);
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
        bool found = sections->is_effective; /* there, all that were may be unknown */
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
        /* Taken for "nobody" it would be no use, taken for "everybody" a surprise. */
        if (!found)
                section_error(sections, section, value->line,
                        "'%s' is empty; write names or numbers, divided by blanks",
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
