/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the rules say of a directory that has several paths.
 *
 * The directory is denied if a rule denies any of its paths.  Else it is allowed if a rule allows one of
 * them.  Else the profile's default holds.  A path that another mount hides can deny, but cannot allow.  If
 * several rules deny, or else allow, the record names the rule for the path that the target used, or else
 * for the path that comes first in byte order.  The longest delay of these rules holds.  The order of mounts
 * has no influence. */

#include <stdbool.h>
#include <stddef.h>

#include "common/ledger.h"
#include "policy/policy.h"
#include "worker/location/host-paths.h"

/* Which verdict prevails: the first in this list. */
typedef enum JudgementRank {
        JUDGEMENT_DENIED,  /* by a rule */
        JUDGEMENT_ALLOWED, /* by a rule */
        JUDGEMENT_DEFAULT, /* no rule covers it */
        JUDGEMENT_NONE,    /* no path has been considered yet */
} JudgementRank;

typedef struct Judgement {
        const Profile *profile; /* NULL: everything is denied */
        OperationKind kind;
        JudgementRank rank;
        Verdict verdict;
        bool is_on_targets_mount; /* the caller has seen that; see may_see_denial() in decision.c */
        bool denies_tail;         /* see profile_denies_tail(): of a path that the target used */
        /* The path whose verdict prevails. */
        bool own; /* the target used this path */
        size_t length;
        char path[LEDGER_PATH_SIZE];
} Judgement;

/* Starts a judgement without paths.  profile must outlive it. */
void judgement_init(Judgement *judgement, const Profile *profile, OperationKind kind);

/* A HostPathVisit that takes one more path into account.  userdata is the Judgement.  Returns 0. */
int judgement_consider(const HostPath *path, void *userdata);
