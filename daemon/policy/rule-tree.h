/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The rules of a profile, as a tree of path components.  A lookup makes no system call, allocates nothing,
 * and costs by the depth of the path, not by the number of rules. */

#include "policy/rule.h"

typedef struct RuleTree RuleTree;

/* Returns 0 or -ENOMEM.  rule_tree_free() takes NULL and returns NULL; it frees the rules too. */
int rule_tree_new(RuleTree **ret);
RuleTree *rule_tree_free(RuleTree *tree);

/* Adds a copy of the rule, whose path is valid.  Returns 0, -ENOMEM, or -EEXIST where the tree has a rule
 * for this path: then *ret_existing is that rule's name, which the tree owns. */
int rule_tree_add(RuleTree *tree, const Rule *rule, const char **ret_existing);

/* Returns the rule that decides about the operation at path, or NULL where none covers it; the tree owns the
 * rule.  path is
 * absolute and normalised: no empty, "." or ".." components, no trailing slash.  Of the rules that cover it
 * the one with more components wins; among those, the one that is literal at the first component where they
 * differ. */
const Rule *rule_tree_find(const RuleTree *tree, OperationKind kind, const char *path);
