/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The site of a request: the pinned parent (the working directory) and a name in it - where that really is,
 * and what the rules say of it. */

#include "common/ledger.h"
#include "common/policy.h"
#include "identity.h"
#include "standing.h"
#include "target.h"

/* A positive outcome: the parent has been removed. */
#define SITE_DELETED 16

typedef struct Site {
        /* Set by the request. */
        const Profile *profile; /* NULL: everything is denied */
        Target *target;
        const char *name;
        Slot *slot;

        /* Set by the actor. */
        Becomer *becomer;
        Standing *standing;

        /* The parent is one that root itself may not enter, and this is its path on the host; else NULL. */
        const char *known;

        /* The path from the target's own root, where that isn't the host's and shows the parent; else empty.
         */
        char view[LEDGER_PATH_SIZE];
} Site;

/* To be called once the parent is pinned, in the target's root: notes what the target takes the parent for,
 * and goes back to the host's root with it.  May leave the worker raised.  Returns 0, SITE_DELETED,
 * -ENAMETOOLONG (the path is too long to be judged), or another negative errno. */
int site_open(Site *site);

/* Finds where the parent is now and judges; fills the slot's path, rule and why.  May leave the worker
 * raised.  Returns as site_open(). */
int site_judge(Site *site, Verdict *ret);
