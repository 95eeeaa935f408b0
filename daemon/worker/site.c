/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judges a pinned parent and a name.  Run by the worker.  Owns nothing.  Must never judge a string that the
 * target passed: what counts is the directory that is held. */

#include "site.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "place.h"

int site_open(Site *site) {
        size_t length;
        int r;

        site->view[0] = '\0';
        if (standing_is_host(site->standing))
                return 0;
        r = place_read(site->name, site->view, &length);
        if (r == PLACE_DELETED)
                return SITE_DELETED;
        if (r < 0)
                return r;
        if (r == PLACE_ELSEWHERE) /* outside even of its own root: it has no view of it */
                site->view[0] = '\0';
        r = becomer_raise(site->becomer);
        return r < 0 ? r : standing_bring_home(site->standing);
}

/* Writes the parent's place on the host to the slot.  Returns 0, an outcome of place_read_on_host() or a
 * negative errno. */
static int find_place(Site *site) {
        char place[LEDGER_PATH_SIZE];
        Slot *slot = site->slot;
        size_t length = 0;
        int r;

        if (site->known) {
                slot->path_length = (uint32_t)strlen(site->known);
                memcpy(slot->path, site->known, slot->path_length + 1);
                return 0;
        }
        r = place_read(site->name, place, &length);
        if (r == PLACE_ELSEWHERE) {
                r = becomer_raise(site->becomer);
                if (r < 0)
                        return r;
                r = place_read_on_host(site->target, site->name, place, &length);
        }
        /* Not written piece by piece: after a death while ACTING it is compared with what is found then. */
        if (r == 0)
                memcpy(slot->path, place, length + 1);
        slot->path_length = r == 0 ? (uint32_t)length : 0;
        return r;
}

/* A target that sees the place elsewhere - in a root of its own - is held to the deny rules for what it
 * sees, too. */
static void judge_view(const Site *site, Verdict *verdict) {
        Verdict seen;

        if (site->view[0] == '\0' || verdict->action == ACTION_DENY)
                return;
        profile_judge(site->profile, site->view, &seen);
        if (seen.action == ACTION_DENY && seen.rule)
                *verdict = seen;
}

/* A place that the host doesn't see.  A tmpfs of the target's own can hold nothing of the host's; any other
 * file system may show a denied tree under another name. */
static void judge_unseen(Site *site, int outcome, Verdict *ret) {
        Slot *slot = site->slot;

        slot->path_length = (uint32_t)strlen(site->view);
        memcpy(slot->path, site->view, slot->path_length + 1);
        if (outcome == PLACE_PRIVATE) {
                (void)snprintf(slot->why, sizeof(slot->why), "on a tmpfs that the host does not see");
                *ret = (Verdict){.action = ACTION_ALLOW};
                judge_view(site, ret);
        } else
                (void)snprintf(
                        slot->why, sizeof(slot->why), "on a file system that has no place on the host");
}

int site_judge(Site *site, Verdict *ret) {
        Slot *slot = site->slot;
        int r;

        *ret = (Verdict){.action = ACTION_DENY, .error = EPERM};
        slot->why[0] = '\0';
        r = find_place(site);
        if (r == PLACE_DELETED)
                return SITE_DELETED;
        if (r < 0)
                return r;
        if (!site->profile)
                (void)snprintf(slot->why, sizeof(slot->why), "the configuration no longer has its profile");
        else if (r == PLACE_ELSEWHERE || r == PLACE_PRIVATE)
                judge_unseen(site, r, ret);
        else {
                profile_judge(site->profile, slot->path, ret);
                judge_view(site, ret);
        }
        if (ret->rule)
                slot->why[0] = '\0';
        (void)snprintf(slot->rule, sizeof(slot->rule), "%s", ret->rule ? ret->rule : "");
        return 0;
}
