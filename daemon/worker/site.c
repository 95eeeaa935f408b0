/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judges a pinned parent and a name.  Run by the worker.  Owns nothing.  Must never judge a string that the
 * target passed: what counts is the directory that is held. */

#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ownership.h"
#include "place.h"

/* In the target's root. */
static int read_view_here(Site *site) {
        const Parent *parent = site->parent;
        size_t length;
        int r;

        if (parent->entered && fchdir(parent->fd) == 0)
                r = place_read(site->name, site->view, &length);
        else
                r = place_read_unentered(site->target, parent->fd, site->name, site->view, &length);
        if (r == PLACE_ELSEWHERE) /* outside even of its own root: it has no path for it */
                site->view[0] = '\0';
        return r == PLACE_DELETED ? SITE_DELETED : r < 0 ? r : 0;
}

int site_read_view(Site *site) {
        const Parent *parent = site->parent;
        int r, result;

        site->view_known = true;
        site->view[0] = '\0';
        r = becomer_raise(site->becomer);
        if (r < 0)
                return r;
        r = standing_is_targets(site->standing, site->target);
        if (r != 0)
                return r == STANDING_IS_TARGETS ? 0 : r;
        r = standing_enter(site->standing, site->target);
        if (r != 0)
                return r;
        result = read_view_here(site);
        r = standing_leave(site->standing);
        if (r < 0)
                return r;
        return parent->entered && fchdir(parent->fd) < 0 ? -errno : result;
}

void site_forget_view(Site *site) {
        site->view_known = false;
}

static int need_view(Site *site) {
        return site->view_known ? 0 : site_read_view(site);
}

/* A directory that the worker has not entered is on the host if its mount is: that must be so now. */
static int read_place(Site *site, char *place, size_t *ret_length) {
        int r;

        if (site->parent->entered) {
                r = place_read(site->name, place, ret_length);
                if (r != PLACE_ELSEWHERE)
                        return r;
                r = host_mounts_refresh(site->host_mounts, site->slot->taken_usec);
        } else
                r = host_mounts_update(site->host_mounts);
        if (r < 0)
                return r;
        r = becomer_raise(site->becomer);
        if (r < 0)
                return r;
        return place_read_on_host(
                site->target, site->host_mounts, site->parent, site->name, place, ret_length);
}

/* Writes the parent's place on the host to the slot.  Returns as place_read_on_host(). */
static int find_place(Site *site) {
        Slot *slot = site->slot;
        size_t length = 0;
        int r;

        r = read_place(site, slot->path, &length);
        slot->path_length = r == 0 ? (uint32_t)length : 0;
        return r;
}

/* A target that sees the place elsewhere - in a root of its own - is held to the deny rules for what it
 * sees, too. */
static int judge_view(Site *site, Verdict *verdict) {
        Verdict seen;
        int r;

        if (verdict->action == ACTION_DENY || !profile_has_denials(site->profile))
                return 0;
        r = need_view(site);
        if (r != 0 || site->view[0] == '\0')
                return r;
        profile_judge(site->profile, site->view, &seen);
        if (seen.action == ACTION_DENY && seen.rule)
                *verdict = seen;
        return 0;
}

static void note_private_path(const Site *site) {
        Slot *slot = site->slot;
        int n = 0;

        slot->path[0] = '\0';
        if (site->view[0] != '\0')
                n = snprintf(slot->path, sizeof(slot->path), SITE_PRIVATE "%s", site->view);
        slot->path_length = n < (int)sizeof(slot->path) ? (uint32_t)n : (uint32_t)sizeof(slot->path) - 1;
}

/* A place that the host doesn't see.  Where nothing can be made the kernel may say so itself; a tmpfs of the
 * target's own can hold nothing of the host's; any other file system may show a denied tree under another
 * name, if any is denied; that risk is for the administrator to take. */
static int judge_unseen(Site *site, int outcome, Verdict *ret) {
        Slot *slot = site->slot;
        int r;

        r = need_view(site);
        if (r != 0)
                return r;
        note_private_path(site);
        if (outcome == PLACE_ELSEWHERE) {
                bool allowed = profile_allows_private(site->profile);

                (void)snprintf(slot->why, sizeof(slot->why),
                        "on a file system that has no place on the host%s",
                        allowed ? "" : "; see private= in snotify.conf(5)");
                if (!allowed)
                        return 0;
        }
        if (outcome == PLACE_PRIVATE)
                (void)snprintf(slot->why, sizeof(slot->why), "on a tmpfs that the host does not see");
        *ret = (Verdict){.action = ACTION_ALLOW};
        return judge_view(site, ret);
}

int site_judge(Site *site, Verdict *ret) {
        Slot *slot = site->slot;
        int r;

        *ret = (Verdict){.action = ACTION_DENY, .error = EPERM};
        slot->why[0] = '\0';
        r = find_place(site);
        if (r == PLACE_DELETED)
                return SITE_DELETED;
        if (r == -ENAMETOOLONG && site->profile && profile_allows_all(site->profile)) {
                *ret = (Verdict){.action = ACTION_ALLOW};
                return 0;
        }
        if (r < 0)
                return r;
        if (!site->profile) {
                (void)snprintf(slot->why, sizeof(slot->why), "the configuration no longer has its profile");
                r = 0;
        } else if (r == PLACE_ELSEWHERE || r == PLACE_PRIVATE || r == PLACE_INERT)
                r = judge_unseen(site, r, ret);
        else {
                profile_judge(site->profile, slot->path, ret);
                r = judge_view(site, ret);
        }
        if (ret->rule)
                slot->why[0] = '\0';
        slot->rule[0] = '\0';
        if (ret->rule)
                (void)strncat(slot->rule, ret->rule, sizeof(slot->rule) - 1);
        return r;
}
