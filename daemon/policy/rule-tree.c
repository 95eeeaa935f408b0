/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the rule for a path.  Owns the nodes of the tree and the rules at them.  The daemon builds a tree;
 * workers read it, in the copy that fork gave them.  It must never read a file, log or touch a target.
 *
 * A child is found in one hash table per tree, by its parent and its component, and not in a list per
 * directory: ten thousand rules below one directory cost a lookup what ten do. */

#include "policy/rule-tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"
#include "policy/rule-path.h"

/* The multiplier of Knuth's multiplicative hashing, 2^32 divided by the golden ratio. */
#define GOLDEN_RATIO 2654435769U

#define CAPACITY_FIRST 16U

/* A node is known by its index in RuleTree.nodes.  0 is the root, which is no node's child: as the index of
 * a child it means none. */
typedef struct Node {
        PathComponent component; /* inside the path of the rule for which the node was added */
        uint32_t parent;
        uint32_t wildcard; /* the child "*" */
        Rule *exact;       /* the rule for this very path */
        Rule *below;       /* the rule for everything below it */
} Node;

struct RuleTree {
        Node *nodes;
        uint32_t n_nodes;
        uint32_t capacity; /* a power of two */
        uint32_t *slots;   /* 2 * capacity indices of nodes, 0 where empty; open addressing */
        bool is_selective; /* some rule does not speak of all operations */
};

typedef struct Search {
        const RuleTree *tree;
        OperationKind kind;
        const Rule *best;
        size_t best_depth;
} Search;

/* Multiplying by an odd number keeps the low bits of equal components under different parents apart. */
static uint32_t tree_first_slot(const RuleTree *tree, uint32_t parent, uint32_t hash) {
        return (hash ^ (parent * GOLDEN_RATIO)) & (2 * tree->capacity - 1);
}

static uint32_t tree_next_slot(const RuleTree *tree, uint32_t slot) {
        return (slot + 1) & (2 * tree->capacity - 1);
}

/* Returns the child with this component, or 0. */
static uint32_t tree_find_child(const RuleTree *tree, uint32_t parent, const PathComponent *component) {
        uint32_t slot = tree_first_slot(tree, parent, component->hash);

        for (;; slot = tree_next_slot(tree, slot)) {
                const Node *node = &tree->nodes[tree->slots[slot]];

                if (tree->slots[slot] == 0)
                        return 0;
                if (node->parent == parent && node->component.hash == component->hash &&
                        node->component.length == component->length &&
                        memcmp(node->component.start, component->start, component->length) == 0)
                        return tree->slots[slot];
        }
}

static void tree_hash_node(RuleTree *tree, uint32_t index) {
        const Node *node = &tree->nodes[index];
        uint32_t slot = tree_first_slot(tree, node->parent, node->component.hash);

        while (tree->slots[slot] != 0)
                slot = tree_next_slot(tree, slot);
        tree->slots[slot] = index;
}

/* Allocates room for more nodes, so that adding them cannot fail half-way. */
static int tree_reserve(RuleTree *tree, uint32_t more) {
        uint32_t capacity = tree->capacity > 0 ? tree->capacity : CAPACITY_FIRST;
        uint32_t *slots;
        Node *nodes;

        while (capacity < tree->n_nodes + more)
                capacity *= 2;
        if (capacity == tree->capacity)
                return 0;
        nodes = reallocarray(tree->nodes, capacity, sizeof(Node));
        if (!nodes)
                return -ENOMEM;
        tree->nodes = nodes;
        slots = calloc(capacity, 2 * sizeof(uint32_t));
        if (!slots)
                return -ENOMEM;
        free(tree->slots);
        tree->slots = slots;
        tree->capacity = capacity;
        for (uint32_t i = 1; i < tree->n_nodes; i++)
                tree_hash_node(tree, i);
        return 0;
}

static uint32_t tree_add_child(RuleTree *tree, uint32_t parent, const PathComponent *component) {
        uint32_t index = tree->n_nodes++;

        tree->nodes[index] = (Node){.component = *component, .parent = parent};
        if (path_component_is_wildcard(component))
                tree->nodes[parent].wildcard = index;
        tree_hash_node(tree, index);
        return index;
}

/* Returns the node at the end of a valid path, after adding it and its missing ancestors.  Room for them is
 * reserved. */
static Node *tree_add_path(RuleTree *tree, const char *path) {
        const char *position = path + 1;
        uint32_t index = 0;

        while (*position != '\0') {
                PathComponent component = path_component_take(&position);
                uint32_t child = tree_find_child(tree, index, &component);

                index = child != 0 ? child : tree_add_child(tree, index, &component);
        }
        return &tree->nodes[index];
}

/* Copies a rule; its name and path lie behind it. */
static int rule_copy(const Rule *rule, Rule **ret) {
        size_t name_size = strlen(rule->name) + 1, path_size = strlen(rule->path) + 1;
        Rule *copy = malloc(sizeof(Rule) + name_size + path_size);
        char *text;

        if (!copy)
                return -ENOMEM;
        text = (char *)(copy + 1);
        *copy = *rule;
        copy->name = memcpy(text, rule->name, name_size);
        copy->path = memcpy(text + name_size, rule->path, path_size);
        *ret = copy;
        return 0;
}

static uint32_t count_slashes(const char *path) {
        uint32_t n = 0;

        for (; *path != '\0'; path++)
                n += *path == '/';
        return n;
}

int rule_tree_add(RuleTree *tree, const Rule *rule, const char **ret_existing) {
        _cleanup_free_ Rule *copy = NULL;
        Rule **place;
        Node *node;
        int r;

        r = tree_reserve(tree, count_slashes(rule->path));
        if (r >= 0)
                r = rule_copy(rule, &copy);
        if (r < 0)
                return r;
        node = tree_add_path(tree, copy->path);
        place = rule_path_is_directory(copy->path) ? &node->below : &node->exact;
        if (*place) {
                /* The node was there already: none was added that points into the path we are about to
                 * free. */
                *ret_existing = (*place)->name;
                return -EEXIST;
        }
        *place = TAKE_PTR(copy);
        tree->is_selective |= rule->operations != 0;
        return 0;
}

/* Rules of equal depth differ first where one is literal and the other is not, and the search goes down the
 * literal side first: so only a longer rule beats the one found before. */
static void search_consider(Search *search, const Rule *rule, size_t depth) {
        if (!rule || (search->best && depth <= search->best_depth))
                return;
        if (search->tree->is_selective && !rule_speaks_of(rule, search->kind))
                return;
        search->best = rule;
        search->best_depth = depth;
}

/* Recurses only where a literal and a wildcard child both match, so at most as deep as rules are, and visits
 * no node twice. */
static void search_from(Search *search, uint32_t index, const char *position, size_t depth) {
        const RuleTree *tree = search->tree;

        for (; *position != '\0'; depth++) {
                uint32_t literal, wildcard = tree->nodes[index].wildcard;
                PathComponent component;

                search_consider(search, tree->nodes[index].below, depth);
                component = path_component_take(&position);
                literal = tree_find_child(tree, index, &component);
                /* Where the target names a file "*", both are one child, which is searched once. */
                if (literal != 0 && wildcard != 0 && literal != wildcard)
                        search_from(search, literal, position, depth + 1);
                index = wildcard != 0 ? wildcard : literal;
                if (index == 0)
                        return;
        }
        search_consider(search, tree->nodes[index].exact, depth);
}

const Rule *rule_tree_find(const RuleTree *tree, OperationKind kind, const char *path) {
        Search search = {.tree = tree, .kind = kind};

        search_from(&search, 0, path + 1, 0);
        return search.best;
}

DEFINE_CLEANUP(RuleTree, rule_tree_free)

int rule_tree_new(RuleTree **ret) {
        _cleanup_(rule_tree_free_p) RuleTree *tree = calloc(1, sizeof(RuleTree));
        int r;

        if (!tree)
                return -ENOMEM;
        r = tree_reserve(tree, 1);
        if (r < 0)
                return r;
        tree->nodes[tree->n_nodes++] = (Node){};
        *ret = TAKE_PTR(tree);
        return 0;
}

RuleTree *rule_tree_free(RuleTree *tree) {
        if (!tree)
                return NULL;
        for (uint32_t i = 0; i < tree->n_nodes; i++) {
                free(tree->nodes[i].exact);
                free(tree->nodes[i].below);
        }
        free(tree->slots);
        free(tree->nodes);
        free(tree);
        return NULL;
}
