/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiles sections into a policy.  Owns nothing.  Run by the daemon, by its child that loads the
 * configuration, and by --check-config.  It must never guess what an administrator meant, and never stop at
 * the first error. */

#include "config/compile.h"

#include <errno.h>
#include <string.h>

#include "common/ownership.h"
#include "config/access-keys.h"
#include "config/limits-section.h"
#include "config/timespan.h"
#include "policy/rule-path.h"

#define DELAY_MAX_USEC (UINT64_C(3600) * 1000 * 1000)

/* Returns the index of the key's value in choices, or fallback where the section does not have the key or an
 * error was reported. */
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

/* The same where what would be denied can be audited. */
static Action section_judging_action(Sections *sections, const Section *section, unsigned key) {
        static const char *const actions[] = {
                [ACTION_DENY] = "deny", [ACTION_ALLOW] = "allow", [ACTION_AUDIT] = "audit", NULL};

        return (Action)section_choose(sections, section, key, actions, "allow, deny or audit", ACTION_DENY);
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

static PolicyGuard profile_section_guard(Sections *sections, const Section *section) {
        static const char *const guards[] = {
                [POLICY_GUARD_AUTO] = "auto",
                [POLICY_GUARD_REQUIRE] = "require",
                [POLICY_GUARD_OFF] = "off",
                NULL,
        };

        return (PolicyGuard)section_choose(
                sections, section, PROFILE_GUARD, guards, "auto, require or off", POLICY_GUARD_AUTO);
}

/* Sets *ret to the errno that denied calls get. */
static void profile_section_errno(Sections *sections, const Section *section, int *ret) {
        const Value *value = &section->values[PROFILE_ERRNO];

        *ret = EPERM;
        if (!value->text)
                return;
        /* Those from 512 on (ERESTARTSYS, include/linux/errno.h) are internal to the kernel. */
        for (int error = 1; error < 512; error++) {
                const char *name = strerrorname_np(error);

                if (name && strcmp(name, value->text) == 0) {
                        *ret = error;
                        return;
                }
        }
        section_error(sections, section, value->line,
                "errno '%s' is unknown; write a name from errno(3) such as EPERM, EACCES, ENOENT or EROFS",
                value->text);
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
                        "delay '%s' is not a time span; write one such as 2s, 500ms or 1min 30s",
                        value->text);
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
        else if (!rule_path_is_valid(value->text, &why))
                section_error(sections, section, value->line, "path '%s' %s", value->text, why);
        else if (strstr(value->text, " #") || strstr(value->text, "\t#"))
                /* Otherwise the rule would cover a path that the administrator did not mean. */
                section_error(sections, section, value->line,
                        "path '%s' has '#' after a blank; a comment after a value begins with ';'",
                        value->text);
        else
                return value->text;
        return NULL;
}

/* Reports that a profile already has a rule, existing, for the path of this one. */
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

/* Adds the rule to one profile.  Where its path is wrong, which was reported, path is NULL: then closes the
 * profile. */
static int rule_section_add(Sections *sections, const Section *section, const char *profile,
        const char *path, Action action, uint64_t delay_usec) {
        const Section *owner = sections_find(sections, SECTION_PROFILE, profile);
        unsigned line =
                section->values[RULE_PROFILE].text ? section->values[RULE_PROFILE].line : section->line;
        const char *existing;
        int r;

        if (!owner) {
                if (!sections->incomplete)
                        section_error(sections, section, line,
                                "there is no [profile %s]; 'profile' takes names of [profile NAME] "
                                "sections, separated by spaces",
                                profile);
                return 0;
        }
        if (!path) {
                /* Without the rule the profile might allow what the rule was to deny. */
                profile_close(owner->profile);
                return 0;
        }
        if (section->duplicate)
                return 0;
        r = profile_add_rule(
                owner->profile, &(const Rule){section->name, path, action, delay_usec}, &existing);
        if (r != -EEXIST)
                return r;
        rule_section_clash(sections, section, profile, existing);
        profile_close(owner->profile);
        return 0;
}

static int rule_section_compile(Sections *sections, const Section *section) {
        const char *profiles = section->values[RULE_PROFILE].text ?: "default";
        unsigned n_errors = sections->n_errors;
        const char *path = rule_section_path(sections, section);
        Action action = section_judging_action(sections, section, RULE_ACTION);
        uint64_t delay_usec = rule_section_delay(sections, section);
        _cleanup_free_ char *names = strdup(profiles);
        char *rest = names, *name;
        int r;

        if (!names)
                return -ENOMEM;
        if (!section->values[RULE_ACTION].text)
                section_error(sections, section, section->line,
                        "no action; write 'action = allow', 'action = deny' or 'action = audit'");
        if (section->damaged || sections->n_errors != n_errors)
                action = ACTION_DENY;
        if (*names == '\0')
                section_error(sections, section, section->values[RULE_PROFILE].line,
                        "'profile' is empty; write names of [profile NAME] sections, separated by spaces");
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
        Action fallback = section_judging_action(sections, section, PROFILE_DEFAULT);
        Action private = section_judging_action(sections, section, PROFILE_PRIVATE);
        Action namespaces = section_action(sections, section, PROFILE_NAMESPACES, ACTION_ALLOW);
        PolicyGuard guard = profile_section_guard(sections, section);
        PolicyLog log = profile_section_log(sections, section);
        int error, r;

        profile_section_errno(sections, section, &error);
        if (section->duplicate)
                return 0;
        r = policy_add_profile(policy, section->name, fallback, error, log, &section->profile);
        if (r >= 0) {
                profile_set_private(section->profile, private);
                profile_set_namespaces(section->profile, namespaces);
                profile_set_guard(section->profile, guard);
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

static int config_compile_profiles(Sections *sections, const char *where, Policy *policy) {
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
                sections_error(sections, where, 0,
                        "no [profile NAME] section; add [profile default], which snotify-run uses unless "
                        "told otherwise");
                /* Keep each rule from reporting the same again. */
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

int config_compile(Sections *sections, const char *where, Policy *policy) {
        int r;

        config_compile_limits(sections, policy);
        r = config_compile_profiles(sections, where, policy);
        return r < 0 ? r : config_compile_rules(sections);
}
