/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judges a pinned parent and a name.  Run by the worker.  Owns nothing.  Must never judge a string that the
 * target passed: what counts is the directory that is held. */

#include "worker/decision.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/judgement.h"
#include "worker/location/place.h"

/* How often the parent may be moved while its paths are looked for. */
#define ATTEMPTS_MAX 4U

/* In the target's root.  Returns as place_read(). */
static int read_view_here(Site *site) {
        const Parent *parent = site->parent;
        size_t length;

        if (parent->entered && fchdir(parent->fd) == 0)
                return place_read(site->name, site->view, &length);
        return place_read_unentered(site->target, parent->fd, site->name, site->view, &length);
}

/* In the host's root, where the target's serves its user namespace alone (FUSE), so that the worker may not
 * enter it. */
static int read_view_by_name(Site *site) {
        char root[LEDGER_ARGUMENT_SIZE];
        size_t length, root_length;
        int r;

        r = target_read_root_path(site->target, root, sizeof(root));
        if (r == 0)
                r = place_read_unentered(site->target, site->parent->fd, site->name, site->view, &length);
        if (r != 0)
                return r;
        root_length = strcmp(root, "/") == 0 ? 0 : strlen(root);
        root[root_length] = '\0';
        if (!host_mounts_is_below(site->view, root))
                return PLACE_ELSEWHERE;
        memmove(site->view, site->view + root_length, length - root_length + 1);
        return 0;
}

int site_read_view(Site *site) {
        const Parent *parent = site->parent;
        int r, result;

        site->view_known = true;
        site->view[0] = '\0';
        r = credentials_revert(site->override);
        if (r < 0)
                return r;
        r = rootdir_is_targets(site->rootdir, site->target);
        if (r == ROOTDIR_IS_TARGETS)
                return 0;
        if (r == 0)
                r = rootdir_enter(site->rootdir, site->target);
        if (r != 0 && r != -EACCES)
                return r;
        result = r == 0 ? read_view_here(site) : read_view_by_name(site);
        if (result == PLACE_ELSEWHERE) /* outside even of its own root: it has no path for it */
                site->view[0] = '\0';
        r = rootdir_leave(site->rootdir);
        if (r < 0)
                return r;
        if (parent->entered && fchdir(parent->fd) < 0)
                return -errno;
        return result == PLACE_ELSEWHERE ? 0 : result == PLACE_DELETED ? SITE_DELETED : result;
}

void site_forget_view(Site *site) {
        site->now_usec = clock_usec(CLOCK_MONOTONIC);
        site->view_known = false;
}

static int need_view(Site *site) {
        return site->view_known ? 0 : site_read_view(site);
}

/* Judges all paths that the host has for the place.  Returns 0, an outcome of place_visit_on_host() or a
 * negative errno. */
static int judge_paths(Site *site, Judgement *judgement) {
        HostMounts *mounts = site->host_mounts;
        const Parent *parent = site->parent;
        int r = PLACE_ELSEWHERE, raised;

        if (parent->entered)
                r = place_visit(mounts, parent, site->name, false, judgement_consider, judgement);
        if (r != PLACE_SHARED && r != PLACE_ELSEWHERE)
                return r;
        raised = credentials_revert(site->override);
        if (raised < 0)
                return raised;
        if (r == PLACE_SHARED)
                return place_visit(mounts, parent, site->name, true, judgement_consider, judgement);
        return place_visit_on_host(site->target, mounts, parent, site->name, judgement_consider, judgement);
}

/* The same, as often as the directory is moved meanwhile; and notes the path in the slot.  A directory that
 * the worker has not entered is on the host if its mount is: that must be so now. */
static int judge_place(Site *site, Judgement *judgement) {
        Slot *slot = site->slot;
        int r;

        slot->locations[0].path_length = 0;
        r = site->parent->entered ? host_mounts_refresh(site->host_mounts, site->now_usec)
                                  : host_mounts_update(site->host_mounts);
        for (unsigned attempt = 0; r >= 0; attempt++) {
                judgement_init(judgement, site->profile);
                r = judge_paths(site, judgement);
                if (r != -ESTALE || attempt == ATTEMPTS_MAX)
                        break;
                r = host_mounts_reload(site->host_mounts);
        }
        if (r != 0)
                return r;
        memcpy(slot->locations[0].path, judgement->path, judgement->length + 1);
        slot->locations[0].path_length = (uint32_t)judgement->length;
        return 0;
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

        slot->locations[0].path[0] = '\0';
        if (site->view[0] != '\0')
                n = snprintf(slot->locations[0].path, sizeof(slot->locations[0].path), SITE_PRIVATE "%s",
                        site->view);
        slot->locations[0].path_length = n < (int)sizeof(slot->locations[0].path)
                                                 ? (uint32_t)n
                                                 : (uint32_t)sizeof(slot->locations[0].path) - 1;
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
        Judgement judgement;
        int r;

        *ret = (Verdict){.action = ACTION_DENY, .error = EPERM};
        slot->why[0] = '\0';
        r = judge_place(site, &judgement);
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
                *ret = judgement.verdict;
                r = judge_view(site, ret);
        }
        if (ret->rule)
                slot->why[0] = '\0';
        slot->rule[0] = '\0';
        if (ret->rule)
                (void)strncat(slot->rule, ret->rule, sizeof(slot->rule) - 1);
        return r;
}
