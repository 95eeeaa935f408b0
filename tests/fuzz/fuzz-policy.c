/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds a profile of rules and judges paths by it: a line "+PATH" allows, "-PATH" denies, "?PATH" asks.
 * Verdicts are those of a list that is searched from its start to its end, by the words of
 * rule-path.h and rule-tree.h. */

#include "fuzz.h"

#include <errno.h>
#include <limits.h>

#include "common/ownership.h"
#include "policy/policy.h"
#include "policy/rule-path.h"

#define RULES_MAX 64U
#define DELAY_USEC 17U
#define ERROR EROFS

DEFINE_CLEANUP(Policy, policy_free)

typedef struct List {
        char *paths[RULES_MAX];
        Action actions[RULES_MAX];
        size_t n;
} List;

static void list_done(List *list) {
        for (size_t i = 0; i < list->n; i++)
                free(list->paths[i]);
}

/* The component at *at, of a path without empty ones; *at then is behind it and its slash. */
static size_t component(const char **at, const char **ret) {
        size_t length = strcspn(*at, "/");

        *ret = *at;
        *at += length + ((*at)[length] == '/');
        return length;
}

static bool is(const char *component, size_t length, const char *text) {
        return strlen(text) == length && memcmp(component, text, length) == 0;
}

/* A path without a star in company is one that may be judged, too, if it has no slash at its end. */
static bool is_valid(const char *path, bool with_stars) {
        const char *at = path + 1, *start;

        if (path[0] != '/' || strlen(path) >= PATH_MAX)
                return false;
        while (*at != '\0') {
                size_t length = component(&at, &start);

                if (length == 0 || is(start, length, ".") || is(start, length, ".."))
                        return false;
                if (with_stars && length > 1 && memchr(start, '*', length))
                        return false;
        }
        return true;
}

static bool is_below(const char *rule) {
        return rule[strlen(rule) - 1] == '/';
}

static bool covers(const char *rule, const char *path) {
        const char *of_rule, *of_path;
        const char *at = rule + 1;

        path++;
        while (*at != '\0') {
                size_t length = component(&at, &of_rule), n = component(&path, &of_path);

                if (n == 0 ||
                        (!is(of_rule, length, "*") && (n != length || memcmp(of_rule, of_path, n) != 0)))
                        return false;
        }
        return (*path != '\0') == is_below(rule);
}

static size_t depth(const char *rule) {
        const char *at = rule + 1, *start;
        size_t n = 0;

        for (; *at != '\0'; n++)
                (void)component(&at, &start);
        return n;
}

/* Both cover one path. */
static bool beats(const char *a, const char *b) {
        const char *of_a, *of_b;
        size_t of_depth = depth(a);

        if (of_depth != depth(b))
                return of_depth > depth(b);
        for (a++, b++; *a != '\0';) {
                size_t n = component(&a, &of_a), m = component(&b, &of_b);

                if (n != m || memcmp(of_a, of_b, n) != 0)
                        return is(of_b, m, "*");
        }
        return false;
}

static void add(List *list, Profile *profile, const char *path, Action action) {
        const char *existing = NULL, *why = NULL;
        bool valid = is_valid(path, true), known = false;
        char name[16];
        int r;

        for (size_t i = 0; i < list->n; i++)
                known = known || strcmp(list->paths[i], path) == 0;
        (void)snprintf(name, sizeof(name), "%zu", list->n);
        HOLDS(rule_path_is_valid(path, &why) == valid);
        HOLDS(!why == valid);
        r = profile_add_rule(profile, &(const Rule){name, path, action, DELAY_USEC}, &existing);
        HOLDS(r == (!valid ? -EINVAL : known ? -EEXIST : 0));
        HOLDS(!existing == (r != -EEXIST));
        if (r < 0)
                return;
        list->paths[list->n] = strdup(path);
        HOLDS(list->paths[list->n]);
        list->actions[list->n++] = action;
}

static void ask(const List *list, const Profile *profile, const char *path) {
        size_t best = list->n;
        Verdict verdict;

        if (!is_valid(path, false) || is_below(path))
                return;
        for (size_t i = 0; i < list->n; i++)
                if (covers(list->paths[i], path) &&
                        (best == list->n || beats(list->paths[i], list->paths[best])))
                        best = i;
        profile_judge(profile, OPERATION_MKDIR, path, &verdict);
        HOLDS(!verdict.rule == (best == list->n));
        HOLDS(!verdict.rule || strtoul(verdict.rule, NULL, 10) == best);
        HOLDS(verdict.action == (best == list->n ? ACTION_DENY : list->actions[best]));
        HOLDS(verdict.error == (verdict.action == ACTION_DENY ? ERROR : 0));
        HOLDS(verdict.delay_usec == (best == list->n ? 0 : DELAY_USEC));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        _cleanup_(list_done) List list = {};
        Input input = {bytes, size};
        Profile *profile;

        HOLDS(policy_new(1, &policy) == 0);
        HOLDS(policy_add_profile(policy, "default", ACTION_DENY, ERROR, POLICY_LOG_DENIED, &profile) == 0);
        while (input.left > 0 && list.n < RULES_MAX) {
                _cleanup_free_ char *line = input_string(&input, '\n');

                if (line[0] == '+' || line[0] == '-')
                        add(&list, profile, line + 1, line[0] == '+' ? ACTION_ALLOW : ACTION_DENY);
                else if (line[0] == '?')
                        ask(&list, profile, line + 1);
        }
        return 0;
}
