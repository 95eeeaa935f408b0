/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The meaning of the configuration: finds the files, and compiles their sections into a policy.  Owns both
 * until it returns.  Run by the daemon, its child that loads the configuration, and --check-config.  It must
 * never guess what an administrator meant, and never stop at the first error.
 *
 * Nothing is compiled before every file is read, so no order of files or sections matters. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "config/access-keys.h"
#include "config/config.h"
#include "config/effective-text.h"
#include "config/limits-section.h"
#include "config/sections.h"
#include "config/timespan.h"
#include "config/trust.h"

#define DELAY_MAX_USEC (UINT64_C(3600) * 1000 * 1000)

DEFINE_CLEANUP(Policy, policy_free)

static int is_drop_in(const struct dirent *entry) {
        size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* Unlike alphasort(3) the same in every locale. */
static int drop_in_compare(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int config_read_drop_in(Sections *sections, const char *directory, const char *name) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s", directory, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return sections_read(sections, path);
}

static void config_cannot_read(Sections *sections, const char *path, const char *why, const char *remedy) {
        sections_error(sections, path, 0, "%s%s%s", why, remedy ? " " : "", remedy ?: "");
        sections->incomplete = true;
}

/* Reports that the directory cannot be opened, or that others can change it. */
static void config_check_directory(Sections *sections, const char *path, TrustKind kind) {
        _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat status;
        const char *fault;

        if (fd < 0 || fstat(fd, &status) < 0) {
                if (errno != ENOENT)
                        config_cannot_read(sections, path, strerror(errno), NULL);
                return;
        }
        fault = trust_fault(&status, kind);
        if (fault)
                config_cannot_read(sections, path, fault, path);
}

static int config_read_directory(Sections *sections, const char *directory) {
        unsigned n_errors = sections->n_errors;
        struct dirent **entries;
        int count, r = 0;

        config_check_directory(sections, directory, TRUST_FILE);
        if (sections->n_errors != n_errors)
                return 0;
        count = scandir(directory, &entries, is_drop_in, drop_in_compare);
        if (count < 0) {
                if (errno != ENOENT)
                        config_cannot_read(sections, directory, strerror(errno), NULL);
                return 0;
        }
        for (int i = 0; i < count; i++) {
                if (r == 0)
                        r = config_read_drop_in(sections, directory, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        return r;
}

/* Returns the index of what the key was set to, or fallback where it is not set or an error was reported. */
static int section_choose(Sections *sections, const Section *section, unsigned key,
        const char *const *choices, const char *expected, int fallback) {
        const Value *value = &section->values[key];

        if (!value->text)
                return fallback;
        for (int i = 0; choices[i]; i++)
                if (strcmp(choices[i], value->text) == 0)
                        return i;
        section_error(sections, section, value->line, "%s '%s' is unknown; write %s",
                section_grammar[section->type].keys[key], value->text, expected);
        return fallback;
}

static Action section_action(Sections *sections, const Section *section, unsigned key, Action fallback) {
        static const char *const actions[] = {[ACTION_DENY] = "deny", [ACTION_ALLOW] = "allow", NULL};

        return (Action)section_choose(sections, section, key, actions, "allow or deny", (int)fallback);
}

static PolicyLog profile_section_log(Sections *sections, const Section *section) {
        static const char *const logs[] = {
                [POLICY_LOG_DENIED] = "denied",
                [POLICY_LOG_ALL] = "all",
                [POLICY_LOG_NONE] = "none",
                NULL,
        };

        return (PolicyLog)section_choose(
                sections, section, PROFILE_LOG, logs, "denied, all or none", POLICY_LOG_DENIED);
}

static int profile_section_errno(Sections *sections, const Section *section) {
        const Value *value = &section->values[PROFILE_ERRNO];

        if (!value->text)
                return EPERM;
        /* From 512 on (ERESTARTSYS, include/linux/errno.h) they are the kernel's own; no program sees them.
         */
        for (int error = 1; error < 512; error++) {
                const char *name = strerrorname_np(error);

                if (name && strcmp(name, value->text) == 0)
                        return error;
        }
        section_error(sections, section, value->line,
                "errno '%s' is unknown; write a name from errno(3) such as EPERM, EACCES, ENOENT or EROFS",
                value->text);
        return EPERM;
}

static uint64_t rule_section_delay(Sections *sections, const Section *section) {
        const Value *value = &section->values[RULE_DELAY];
        uint64_t usec = 0;
        int r;

        if (!value->text)
                return 0;
        r = timespan_parse(value->text, &usec);
        if (r == -EINVAL)
                section_error(sections, section, value->line,
                        "delay '%s' is no time span; write one such as 2s, 500ms or 1min 30s", value->text);
        else if (r < 0 || usec > DELAY_MAX_USEC)
                section_error(sections, section, value->line, "delay '%s' is longer than 1h", value->text);
        return usec <= DELAY_MAX_USEC ? usec : 0;
}

/* Returns the rule's path, or NULL after an error was reported. */
static const char *rule_section_path(Sections *sections, const Section *section) {
        const Value *value = &section->values[RULE_PATH];
        const char *why;

        if (!value->text)
                section_error(sections, section, section->line, "no path; write 'path = /DIRECTORY/'");
        else if (!policy_path_is_valid(value->text, &why))
                section_error(sections, section, value->line, "path '%s' %s", value->text, why);
        else if (strstr(value->text, " #") || strstr(value->text, "\t#"))
                /* Taken as it stands, the rule would cover a path that nobody meant. */
                section_error(sections, section, value->line,
                        "path '%s' has '#' after a blank; a comment after a value begins with ';'",
                        value->text);
        else
                return value->text;
        return NULL;
}

/* Reports that the path of a rule has a rule already, in the profile called so. */
static void rule_section_clash(
        Sections *sections, const Section *section, const char *profile, const char *existing) {
        const Section *other = sections_find(sections, SECTION_RULE, existing);
        const Value *path = &section->values[RULE_PATH];

        if (other == section)
                section_error(sections, section, section->values[RULE_PROFILE].line,
                        "profile '%s' is named twice", profile);
        else
                section_error(sections, section, path->line,
                        "path %s already has rule %s (%s:%u) in profile %s", path->text, existing,
                        other->file, other->values[RULE_PATH].line, profile);
}

/* Adds the rule to one profile.  With path NULL (wrong, and reported) only checks that the profile exists.
 */
static int rule_section_add(Sections *sections, const Section *section, const char *profile,
        const char *path, Action action, uint64_t delay_usec) {
        const Section *target = sections_find(sections, SECTION_PROFILE, profile);
        unsigned line =
                section->values[RULE_PROFILE].text ? section->values[RULE_PROFILE].line : section->line;
        const char *existing;
        int r;

        if (!target) {
                if (!sections->incomplete)
                        section_error(sections, section, line,
                                "there is no [profile %s]; 'profile' takes names of [profile NAME] "
                                "sections, divided by blanks",
                                profile);
                return 0;
        }
        if (!path) {
                profile_close(target->profile); /* it is not what it was meant to be */
                return 0;
        }
        if (section->duplicate)
                return 0;
        r = profile_add_rule(target->profile, section->name, path, action, delay_usec, &existing);
        if (r != -EEXIST)
                return r;
        rule_section_clash(sections, section, profile, existing);
        profile_close(target->profile);
        return 0;
}

static int rule_section_compile(Sections *sections, const Section *section) {
        const char *profiles = section->values[RULE_PROFILE].text ?: "default";
        unsigned n_errors = sections->n_errors;
        const char *path = rule_section_path(sections, section);
        Action action = section_action(sections, section, RULE_ACTION, ACTION_DENY);
        uint64_t delay_usec = rule_section_delay(sections, section);
        _cleanup_free_ char *names = strdup(profiles);
        char *rest = names, *name;
        int r;

        if (!names)
                return -ENOMEM;
        if (!section->values[RULE_ACTION].text)
                section_error(sections, section, section->line,
                        "no action; write 'action = allow' or 'action = deny'");
        if (section->damaged || sections->n_errors != n_errors)
                action = ACTION_DENY;
        if (*names == '\0')
                section_error(sections, section, section->values[RULE_PROFILE].line,
                        "'profile' is empty; write names of [profile NAME] sections, divided by blanks");
        while ((name = strsep(&rest, " \t"))) {
                if (*name == '\0')
                        continue;
                r = rule_section_add(sections, section, name, path, action, delay_usec);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int profile_section_compile(Sections *sections, Section *section, Policy *policy) {
        Action fallback = section_action(sections, section, PROFILE_DEFAULT, ACTION_DENY);
        Action private = section_action(sections, section, PROFILE_PRIVATE, ACTION_DENY);
        Action namespaces = section_action(sections, section, PROFILE_NAMESPACES, ACTION_ALLOW);
        int error = profile_section_errno(sections, section);
        PolicyLog log = profile_section_log(sections, section);
        int r;

        if (section->duplicate)
                return 0;
        r = policy_add_profile(policy, section->name, fallback, error, log, &section->profile);
        if (r >= 0) {
                profile_set_private(section->profile, private);
                profile_set_namespaces(section->profile, namespaces);
                r = access_keys_compile(sections, section, PROFILE_USERS);
        }
        if (r >= 0)
                r = access_keys_compile(sections, section, PROFILE_GROUPS);
        return r;
}

static void config_compile_limits(Sections *sections, Policy *policy) {
        Limits limits = LIMITS_DEFAULT;

        for (const Section *section = sections->first; section; section = section->next)
                if (section->type == SECTION_LIMITS)
                        limits_section_compile(sections, section, &limits);
        policy_set_limits(policy, &limits);
}

static int config_compile_profiles(Sections *sections, const char *path, Policy *policy) {
        bool found = false;

        for (Section *section = sections->first; section; section = section->next) {
                int r;

                if (section->type != SECTION_PROFILE)
                        continue;
                found = true;
                r = profile_section_compile(sections, section, policy);
                if (r < 0)
                        return r;
        }
        if (!found && !sections->incomplete) {
                sections_error(sections, path, 0, "no [profile NAME] section; snotify-run uses 'default'");
                /* Once is enough: not again for each rule. */
                sections->incomplete = true;
        }
        return 0;
}

static int config_compile_rules(Sections *sections) {
        for (const Section *section = sections->first; section; section = section->next) {
                int r;

                if (section->type != SECTION_RULE)
                        continue;
                r = rule_section_compile(sections, section);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A user that can replace these files need not write to them. */
static int config_check_parent(Sections *sections, const char *path) {
        _cleanup_free_ char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        config_check_directory(sections, dirname(copy), TRUST_DIRECTORY);
        return 0;
}

static int config_read(Sections *sections, const char *path) {
        _cleanup_free_ char *directory = NULL;
        int r;

        if (asprintf(&directory, "%s.d", path) < 0) {
                directory = NULL;
                return -ENOMEM;
        }
        r = config_check_parent(sections, path);
        if (r >= 0)
                r = sections_read(sections, path);
        return r < 0 ? r : config_read_directory(sections, directory);
}

static int config_compile(Sections *sections, const char *path, Policy *policy) {
        int r;

        config_compile_limits(sections, policy);
        r = config_compile_profiles(sections, path, policy);
        return r < 0 ? r : config_compile_rules(sections);
}

int config_load(const char *path, uint64_t generation, ConfigMessageFunction on_message, void *userdata,
        char **ret_text, Policy **ret) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        _cleanup_(sections_done) Sections sections;
        int r;

        sections_init(&sections, on_message, userdata);
        r = policy_new(generation, &policy);
        if (r >= 0)
                r = config_read(&sections, path);
        if (r >= 0)
                r = config_compile(&sections, path, policy);
        if (r < 0)
                return r;
        if (sections.n_errors > 0)
                return -EINVAL;
        if (ret_text) {
                r = effective_text_write(&sections, ret_text);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(policy);
        return 0;
}

int config_load_effective(const char *text, size_t size, uint64_t generation,
        ConfigMessageFunction on_message, void *userdata, Policy **ret) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        _cleanup_(sections_done) Sections sections;
        int r;

        sections_init(&sections, on_message, userdata);
        r = policy_new(generation, &policy);
        if (r >= 0)
                r = sections_read_effective(&sections, text, size);
        if (r >= 0)
                r = config_compile(&sections, "the last good configuration", policy);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(policy);
        return 0;
}
