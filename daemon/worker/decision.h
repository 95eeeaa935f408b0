/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The site of a request: the pinned parent (the working directory) and a name in it - where that really is,
 * and what the rules say of it. */

#include <stdbool.h>

#include "common/ledger.h"
#include "policy/policy.h"
#include "worker/executor/rootdir.h"
#include "worker/location/host-mounts.h"
#include "worker/location/parent.h"
#include "worker/target/credentials.h"
#include "worker/target/target.h"

/* A positive outcome: the parent has been removed. */
#define SITE_DELETED 16

typedef struct Site {
        const Profile *profile; /* NULL: everything is denied */
        HostMounts *host_mounts;
        CredentialsOverride *override;
        RootDir *rootdir;

        /* Of the request in hand. */
        Target *target;
        const Parent *parent; /* pinned, and entered unless it says otherwise */
        const char *name;
        Slot *slot;
        uint64_t now_usec; /* CLOCK_MONOTONIC: host mounts that are HOST_MOUNTS_LOOK_USEC older count */

        /* What the target takes the parent and the name for, where its root isn't the host's; empty where it
         * has no path for it, or none of its own.  Only looked for where it matters: view_known says whether
         * it was. */
        bool view_known;
        char view[LEDGER_PATH_SIZE];
} Site;

/* Reads the view, from the target's root, and stays in the host's, with the parent.  May leave the worker
 * raised.  Returns 0, SITE_DELETED, TARGET_GONE, -ENAMETOOLONG (the path is too long to be judged), or
 * another negative errno. */
int site_read_view(Site *site);

/* Time has passed: lets the view be read again. */
void site_forget_view(Site *site);

/* Finds where the parent is now and judges; fills the slot's path, rule and why.  The path of a place that
 * the host does not have begins with SITE_PRIVATE, so that it is no path of the host's.  May leave the
 * worker raised.  Returns as site_read_view(). */
#define SITE_PRIVATE "(private)"
int site_judge(Site *site, Verdict *ret);
