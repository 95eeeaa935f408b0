/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the rules say of a directory that has several paths.
 *
 * It is denied if a rule denies any of its paths; else allowed if a rule or the profile's default allows
 * one. A path that is hidden by another mount can deny, and not allow.  Of the rules that deny, or else
 * allow, the record names the one for the path that the target used, or else for the path that comes first
 * in the order of bytes; the longest of their delays holds.  Nothing depends on the order of mounts. */

#include <stdbool.h>
#include <stddef.h>

#include "common/ledger.h"
#include "policy/policy.h"
#include "worker/location/host-paths.h"

/* The higher ones first. */
typedef enum JudgementRank {
        JUDGEMENT_DENIED,  /* by a rule */
        JUDGEMENT_ALLOWED, /* by a rule */
        JUDGEMENT_DEFAULT, /* no rule covers it */
        JUDGEMENT_NONE,    /* no path was considered yet */
} JudgementRank;

typedef struct Judgement {
        const Profile *profile; /* NULL: everything is denied */
        OperationKind kind;
        JudgementRank rank;
        Verdict verdict;
        /* The path that the verdict is of. */
        bool own;
        size_t length;
        char path[LEDGER_PATH_SIZE];
} Judgement;

void judgement_init(Judgement *judgement, const Profile *profile, OperationKind kind);

/* A HostPathVisit: takes one more path into account.  Returns 0. */
int judgement_consider(const HostPath *path, void *userdata);
