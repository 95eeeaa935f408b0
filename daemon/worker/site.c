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

/* In the target's root, with the parent as the working directory. */
static int read_view_here(Site *site) {
        size_t length;
        int r;

        r = place_read(site->name, site->view, &length);
        if (r == PLACE_ELSEWHERE) /* outside even of its own root: it has no path for it */
                site->view[0] = '\0';
        return r == PLACE_DELETED ? SITE_DELETED : r < 0 ? r : 0;
}

int site_read_view(Site *site) {
        _cleanup_close_ int parent_fd = -EBADF;
        int r, result = 0;

        site->view_known = true;
        site->view[0] = '\0';
        r = becomer_raise(site->becomer);
        if (r < 0)
                return r;
        r = standing_is_targets(site->standing, site->target);
        if (r != 0)
                return r == STANDING_IS_TARGETS ? 0 : r;
        parent_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0)
                return -errno;
        r = standing_enter(site->standing, site->target);
        if (r != 0)
                return r;
        if (fchdir(parent_fd) < 0)
                return -errno;
        result = read_view_here(site);
        r = standing_leave(site->standing);
        if (r < 0)
                return r;
        return fchdir(parent_fd) < 0 ? -errno : result;
}

void site_forget_view(Site *site) {
        site->view_known = site->view_is_deputys;
}

/* The target may stand in a directory that it may search and the worker, as the target, may not: raised. */
bool site_is_inert(Site *site) {
        return becomer_raise(site->becomer) >= 0 && place_is_inert();
}

static int need_view(Site *site, bool *ret_read) {
        if (site->view_known)
                return 0;
        *ret_read = true;
        return site_read_view(site);
}

/* Writes the parent's place on the host to the slot.  Returns 0, an outcome of place_read_on_host() or a
 * negative errno. */
static int find_place(Site *site) {
        char place[LEDGER_PATH_SIZE];
        Slot *slot = site->slot;
        size_t length = 0;
        int r;

        if (site->known) {
                length = strlen(site->known);
                memcpy(slot->path, site->known, length + 1);
                slot->path_length = (uint32_t)length;
                return 0;
        }
        if (site->out_of_reach) {
                slot->path_length = 0;
                return PLACE_ELSEWHERE;
        }
        r = place_read(site->name, place, &length);
        if (r == PLACE_ELSEWHERE) {
                r = host_mounts_refresh(site->host_mounts, slot->taken_usec);
                if (r < 0)
                        return r;
                r = becomer_raise(site->becomer);
                if (r < 0)
                        return r;
                r = place_read_on_host(site->target, site->host_mounts, site->name, place, &length);
        }
        /* Not written piece by piece: after a death while ACTING it is compared with what is found then. */
        if (r == 0)
                memcpy(slot->path, place, length + 1);
        slot->path_length = r == 0 ? (uint32_t)length : 0;
        return r;
}

/* A target that sees the place elsewhere - in a root of its own - is held to the deny rules for what it
 * sees, too. */
static int judge_view(Site *site, Verdict *verdict, bool *ret_read) {
        Verdict seen;
        int r;

        if (verdict->action == ACTION_DENY || !profile_has_denials(site->profile))
                return 0;
        r = need_view(site, ret_read);
        if (r != 0 || site->view[0] == '\0')
                return r;
        profile_judge(site->profile, site->view, &seen);
        if (seen.action == ACTION_DENY && seen.rule)
                *verdict = seen;
        return 0;
}

/* A place that the host doesn't see.  Where nothing can be made the kernel may say so itself; a tmpfs of the
 * target's own can hold nothing of the host's; any other file system may show a denied tree under another
 * name, if any is denied; that risk is for the administrator to take. */
static int judge_unseen(Site *site, int outcome, Verdict *ret, bool *ret_read) {
        Slot *slot = site->slot;
        size_t length;
        int r;

        r = need_view(site, ret_read);
        if (r != 0)
                return r;
        length = strlen(site->view);
        memcpy(slot->path, site->view, length + 1);
        slot->path_length = (uint32_t)length;
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
        return judge_view(site, ret, ret_read);
}

int site_judge(Site *site, Verdict *ret, bool *ret_read) {
        Slot *slot = site->slot;
        int r;

        *ret = (Verdict){.action = ACTION_DENY, .error = EPERM};
        *ret_read = false;
        slot->why[0] = '\0';
        r = find_place(site);
        if (r == PLACE_DELETED)
                return SITE_DELETED;
        if (r < 0)
                return r;
        if (!site->profile) {
                (void)snprintf(slot->why, sizeof(slot->why), "the configuration no longer has its profile");
                r = 0;
        } else if (r == PLACE_ELSEWHERE || r == PLACE_PRIVATE || r == PLACE_INERT)
                r = judge_unseen(site, r, ret, ret_read);
        else {
                profile_judge(site->profile, slot->path, ret);
                r = judge_view(site, ret, ret_read);
        }
        if (ret->rule)
                slot->why[0] = '\0';
        slot->rule[0] = '\0';
        if (ret->rule)
                (void)strncat(slot->rule, ret->rule, sizeof(slot->rule) - 1);
        return r;
}
