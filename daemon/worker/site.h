/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The site of a request: the pinned parent (the working directory) and a name in it - where that really is,
 * and what the rules say of it. */

#include <stdbool.h>

#include "common/ledger.h"
#include "common/policy.h"
#include "host-mounts.h"
#include "identity.h"
#include "standing.h"
#include "target.h"

/* A positive outcome: the parent has been removed. */
#define SITE_DELETED 16

typedef struct Site {
        /* Set by the request. */
        const Profile *profile; /* NULL: everything is denied */
        HostMounts *host_mounts;
        Target *target;
        const char *name;
        Slot *slot;

        /* Set by the actor. */
        Becomer *becomer;
        Standing *standing;

        /* The parent is one that root itself may not enter, and this is its path on the host; else NULL. */
        const char *known;
        /* It is such a one, and in no tree of the host's. */
        bool out_of_reach;

        /* What the target takes the parent and the name for, where its root isn't the host's; empty where it
         * has no path for it, or none of its own.  Only looked for where it matters: view_known says whether
         * it was. */
        bool view_known;
        bool view_is_deputys; /* and can't be read again */
        char view[LEDGER_PATH_SIZE];
} Site;

/* Reads the view, from the target's root, and stays in the host's, with the parent.  May leave the worker
 * raised.  Returns 0, SITE_DELETED, TARGET_GONE, -ENAMETOOLONG (the path is too long to be judged), or
 * another negative errno. */
int site_read_view(Site *site);

/* Time has passed: lets the view be read again, where that can be. */
void site_forget_view(Site *site);

/* Is the parent in a file system where no process can create a directory?  May leave the worker raised. */
bool site_is_inert(Site *site);

/* Finds where the parent is now and judges; fills the slot's path, rule and why.  May leave the worker
 * raised, and may have read the target: where *ret_read says so, the notification must be checked once more.
 * Returns as site_read_view(). */
int site_judge(Site *site, Verdict *ret, bool *ret_read);
