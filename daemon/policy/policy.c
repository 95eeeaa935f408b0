/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The compiled policy: owns its profiles, and each profile a tree of path components with the rules at its
 * nodes.  The control plane builds it from the configuration; control plane and workers read it, the latter
 * in a copy that fork gave them.  Nothing here reads a file, logs or touches a target, and judging a path
 * neither allocates nor makes a system call.
 *
 * A child is found in one hash table per profile, by its parent and its component, and not in a list per
 * directory: ten thousand rules below one directory cost a lookup what ten do. */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"
#include "policy/policy.h"

typedef struct Rule {
        Action action;
        uint64_t delay_usec;
        const char *name; /* name and path point into text */
        const char *path;
        char text[];
} Rule;

/* A node is known by its index in Profile.nodes.  0 is the root, which is nobody's child: as a child's index
 * it means none. */
typedef struct Node {
        const char *component; /* inside the path of the rule that planted the node; not NUL-terminated */
        uint32_t length;
        uint32_t hash;
        uint32_t parent;
        uint32_t wildcard; /* the child "*" */
        Rule *exact;       /* the rule for this very path */
        Rule *below;       /* the rule for everything below it */
} Node;

struct Profile {
        Action fallback;
        int error;
        PolicyLog log;
        Action private;
        Action namespaces;
        bool has_denials;
        bool is_closed;
        bool has_delays;
        AccessList access_list;
        Node *nodes;
        uint32_t node_count;
        uint32_t node_capacity; /* a power of two */
        uint32_t *slots;        /* 2 * node_capacity indices of nodes, 0 where empty; open addressing */
        char name[POLICY_NAME_MAX + 1];
};

struct Policy {
        uint64_t generation;
        Limits limits;
        Profile **profiles;
        size_t profile_count;
        char *refusal;
};

typedef struct Component {
        const char *start;
        uint32_t length;
        uint32_t hash; /* FNV-1a */
} Component;

typedef struct Search {
        const Profile *profile;
        const Rule *best;
        size_t best_depth;
} Search;

/* Takes the component at *position, which must not be at the end, and moves *position behind it and its
 * slash. */
static Component component_take(const char **position) {
        Component component = {.start = *position, .hash = 2166136261U};
        const char *p = *position;

        for (; *p != '\0' && *p != '/'; p++)
                component.hash = (component.hash ^ (uint8_t)*p) * 16777619U;
        component.length = (uint32_t)(p - component.start);
        *position = *p == '/' ? p + 1 : p;
        return component;
}

static const char *component_fault(const char *start, size_t length) {
        if (length == 0)
                return "has an empty component";
        if (length == 1 && start[0] == '.')
                return "has a '.' component";
        if (length == 2 && start[0] == '.' && start[1] == '.')
                return "has a '..' component";
        if (length > 1 && memchr(start, '*', length))
                return "has '*' next to other bytes; '*' stands for one whole component";
        return NULL;
}

static const char *path_fault(const char *path) {
        const char *fault;

        if (path[0] != '/')
                return "is not absolute; it must begin with '/'";
        static_assert(PATH_MAX == 4096, "the sentence below says what PATH_MAX is");
        if (strlen(path) > PATH_MAX - 1)
                return "is longer than 4095 bytes";
        for (const char *p = path + 1; *p != '\0';) {
                size_t length = strcspn(p, "/");

                fault = component_fault(p, length);
                if (fault)
                        return fault;
                p += length;
                if (*p == '/')
                        p++;
        }
        return NULL;
}

bool policy_path_is_valid(const char *path, const char **ret_why) {
        const char *fault = path_fault(path);

        if (fault)
                *ret_why = fault;
        return !fault;
}

static bool name_is_valid(const char *name) {
        return name[0] != '\0' && strlen(name) <= POLICY_NAME_MAX;
}

/* Multiplying by an odd number keeps the low bits of equal components under different parents apart. */
static uint32_t profile_first_slot(const Profile *profile, uint32_t parent, uint32_t hash) {
        return (hash ^ (parent * 2654435769U)) & (2 * profile->node_capacity - 1);
}

static uint32_t profile_next_slot(const Profile *profile, uint32_t slot) {
        return (slot + 1) & (2 * profile->node_capacity - 1);
}

/* Returns the child that is called so, or 0. */
static uint32_t profile_find_child(const Profile *profile, uint32_t parent, const Component *component) {
        uint32_t slot = profile_first_slot(profile, parent, component->hash);

        for (;; slot = profile_next_slot(profile, slot)) {
                const Node *node = &profile->nodes[profile->slots[slot]];

                if (profile->slots[slot] == 0)
                        return 0;
                if (node->parent == parent && node->hash == component->hash &&
                        node->length == component->length &&
                        memcmp(node->component, component->start, component->length) == 0)
                        return profile->slots[slot];
        }
}

static void profile_hash_node(Profile *profile, uint32_t index) {
        const Node *node = &profile->nodes[index];
        uint32_t slot = profile_first_slot(profile, node->parent, node->hash);

        while (profile->slots[slot] != 0)
                slot = profile_next_slot(profile, slot);
        profile->slots[slot] = index;
}

/* Makes room for more nodes, so that planting them cannot fail half-way. */
static int profile_reserve(Profile *profile, uint32_t more) {
        uint32_t capacity = profile->node_capacity > 0 ? profile->node_capacity : 16;
        uint32_t *slots;
        Node *nodes;

        while (capacity < profile->node_count + more)
                capacity *= 2;
        if (capacity == profile->node_capacity)
                return 0;
        nodes = reallocarray(profile->nodes, capacity, sizeof(Node));
        if (!nodes)
                return -ENOMEM;
        profile->nodes = nodes;
        slots = calloc(capacity, 2 * sizeof(uint32_t));
        if (!slots)
                return -ENOMEM;
        free(profile->slots);
        profile->slots = slots;
        profile->node_capacity = capacity;
        for (uint32_t i = 1; i < profile->node_count; i++)
                profile_hash_node(profile, i);
        return 0;
}

static uint32_t profile_plant_child(Profile *profile, uint32_t parent, const Component *component) {
        uint32_t index = profile->node_count++;

        profile->nodes[index] = (Node){
                .component = component->start,
                .length = component->length,
                .hash = component->hash,
                .parent = parent,
        };
        if (component->length == 1 && *component->start == '*')
                profile->nodes[parent].wildcard = index;
        profile_hash_node(profile, index);
        return index;
}

/* Returns the node at the end of a valid path; its missing ancestors and itself spring up.  Room for them is
 * reserved. */
static Node *profile_plant(Profile *profile, const char *path) {
        const char *position = path + 1;
        uint32_t index = 0;

        while (*position != '\0') {
                Component component = component_take(&position);
                uint32_t child = profile_find_child(profile, index, &component);

                index = child != 0 ? child : profile_plant_child(profile, index, &component);
        }
        return &profile->nodes[index];
}

static int rule_new(const char *name, const char *path, Action action, uint64_t delay_usec, Rule **ret) {
        size_t name_size = strlen(name) + 1, path_size = strlen(path) + 1;
        Rule *rule = malloc(sizeof(Rule) + name_size + path_size);

        if (!rule)
                return -ENOMEM;
        *rule = (Rule){
                .action = action,
                .delay_usec = delay_usec,
                .name = memcpy(rule->text, name, name_size),
                .path = memcpy(rule->text + name_size, path, path_size),
        };
        *ret = rule;
        return 0;
}

int profile_add_rule(Profile *profile, const char *name, const char *path, Action action,
        uint64_t delay_usec, const char **ret_existing) {
        _cleanup_free_ Rule *rule = NULL;
        uint32_t components = 0;
        Rule **place;
        Node *node;
        int r;

        if (!name_is_valid(name) || path_fault(path))
                return -EINVAL;
        for (const char *p = path; *p != '\0'; p++)
                components += *p == '/';
        r = profile_reserve(profile, components);
        if (r < 0)
                return r;
        r = rule_new(name, path, action, delay_usec, &rule);
        if (r < 0)
                return r;
        node = profile_plant(profile, rule->path);
        place = path[strlen(path) - 1] == '/' ? &node->below : &node->exact;
        if (*place) {
                /* The node was there, so none was planted that points into the path we are about to free. */
                *ret_existing = (*place)->name;
                return -EEXIST;
        }
        *place = TAKE_PTR(rule);
        profile->has_denials |= action == ACTION_DENY;
        profile->has_delays |= delay_usec > 0;
        return 0;
}

/* Rules of equal depth differ first where one is literal and the other is not, and the search goes down the
 * literal side first: so only a longer rule beats the one found before. */
static void search_consider(Search *search, const Rule *rule, size_t depth) {
        if (!rule || (search->best && depth <= search->best_depth))
                return;
        search->best = rule;
        search->best_depth = depth;
}

/* Recurses only where a literal and a wildcard child both match, so at most as deep as rules are, and comes
 * to no node twice. */
static void search_from(Search *search, uint32_t index, const char *position, size_t depth) {
        const Profile *profile = search->profile;

        for (; *position != '\0'; depth++) {
                uint32_t literal, wildcard = profile->nodes[index].wildcard;
                Component component;

                search_consider(search, profile->nodes[index].below, depth);
                component = component_take(&position);
                literal = profile_find_child(profile, index, &component);
                /* Where the target names a file "*", both are one child, which is searched once. */
                if (literal != 0 && wildcard != 0 && literal != wildcard)
                        search_from(search, literal, position, depth + 1);
                index = wildcard != 0 ? wildcard : literal;
                if (index == 0)
                        return;
        }
        search_consider(search, profile->nodes[index].exact, depth);
}

static void judge_by(const Profile *profile, const Rule *rule, Verdict *ret) {
        Action action = rule ? rule->action : profile->fallback;

        *ret = (Verdict){
                .action = action,
                .error = action == ACTION_DENY ? profile->error : 0,
                .delay_usec = rule ? rule->delay_usec : 0,
                .rule = rule ? rule->name : NULL,
        };
}

void profile_judge(const Profile *profile, const char *path, Verdict *ret) {
        Search search = {.profile = profile};

        search_from(&search, 0, path + 1, 0);
        judge_by(profile, search.best, ret);
}

void profile_judge_uncovered(const Profile *profile, Verdict *ret) {
        judge_by(profile, NULL, ret);
}

AccessList *profile_access_list(Profile *profile) {
        return &profile->access_list;
}

bool profile_admits(const Profile *profile, uid_t user, const gid_t *groups, size_t n_groups) {
        return access_list_includes(&profile->access_list, user, groups, n_groups);
}

bool profile_has_denials(const Profile *profile) {
        return profile->has_denials;
}

void profile_set_private(Profile *profile, Action action) {
        profile->private = action;
}

bool profile_allows_all(const Profile *profile) {
        return profile->fallback == ACTION_ALLOW && !profile->has_denials && !profile->has_delays;
}

void profile_set_namespaces(Profile *profile, Action action) {
        profile->namespaces = action;
}

Action profile_namespaces(const Profile *profile) {
        return profile->namespaces;
}

bool profile_allows_private(const Profile *profile) {
        return profile->private == ACTION_ALLOW ||
               (profile->fallback == ACTION_ALLOW && !profile->has_denials);
}

PolicyLog profile_log(const Profile *profile) {
        return profile->log;
}

static Profile *profile_free(Profile *profile) {
        if (!profile)
                return NULL;
        for (uint32_t i = 0; i < profile->node_count; i++) {
                free(profile->nodes[i].exact);
                free(profile->nodes[i].below);
        }
        access_list_done(&profile->access_list);
        free(profile->slots);
        free(profile->nodes);
        free(profile);
        return NULL;
}

DEFINE_CLEANUP(Profile, profile_free)

static int profile_new(const char *name, Action fallback, int error, PolicyLog log, Profile **ret) {
        _cleanup_(profile_free_p) Profile *profile = calloc(1, sizeof(Profile));
        int r;

        if (!profile)
                return -ENOMEM;
        profile->fallback = fallback;
        profile->namespaces = ACTION_ALLOW;
        profile->error = error;
        profile->log = log;
        memcpy(profile->name, name, strlen(name) + 1);
        r = profile_reserve(profile, 1);
        if (r < 0)
                return r;
        profile->nodes[profile->node_count++] = (Node){};
        *ret = TAKE_PTR(profile);
        return 0;
}

int policy_add_profile(
        Policy *policy, const char *name, Action fallback, int error, PolicyLog log, Profile **ret) {
        Profile **profiles;
        int r;

        if (!name_is_valid(name))
                return -EINVAL;
        if (policy_find_profile(policy, name))
                return -EEXIST;
        profiles = reallocarray(policy->profiles, policy->profile_count + 1, sizeof(Profile *));
        if (!profiles)
                return -ENOMEM;
        policy->profiles = profiles;
        r = profile_new(name, fallback, error, log, &profiles[policy->profile_count]);
        if (r < 0)
                return r;
        *ret = profiles[policy->profile_count++];
        return 0;
}

const Profile *policy_find_profile(const Policy *policy, const char *name) {
        for (size_t i = 0; i < policy->profile_count; i++)
                if (!policy->profiles[i]->is_closed && strcmp(policy->profiles[i]->name, name) == 0)
                        return policy->profiles[i];
        return NULL;
}

void profile_close(Profile *profile) {
        profile->is_closed = true;
}

int policy_set_refusal(Policy *policy, const char *why) {
        char *copy = strdup(why);

        if (!copy)
                return -ENOMEM;
        free(policy->refusal);
        policy->refusal = copy;
        return 0;
}

const char *policy_refusal(const Policy *policy) {
        return policy->refusal;
}

uint64_t policy_generation(const Policy *policy) {
        return policy->generation;
}

void policy_set_limits(Policy *policy, const Limits *limits) {
        policy->limits = *limits;
}

const Limits *policy_limits(const Policy *policy) {
        return &policy->limits;
}

int policy_new(uint64_t generation, Policy **ret) {
        Policy *policy = calloc(1, sizeof(Policy));

        if (!policy)
                return -ENOMEM;
        policy->generation = generation;
        policy->limits = LIMITS_DEFAULT;
        *ret = policy;
        return 0;
}

Policy *policy_free(Policy *policy) {
        if (!policy)
                return NULL;
        for (size_t i = 0; i < policy->profile_count; i++)
                profile_free(policy->profiles[i]);
        free(policy->profiles);
        free(policy->refusal);
        free(policy);
        return NULL;
}
