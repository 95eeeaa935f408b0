/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decides on pinned places.  Run by the worker.  Owns nothing.  Must never decide by a string that the
 * target passed: what counts is the directory that is held. */

#include "worker/decision.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ownership.h"
#include "worker/judgement.h"
#include "worker/location/place.h"

/* How often the parent may be moved while its paths are looked for. */
#define ATTEMPTS_MAX 4U

/* In the target's root.  Returns as place_read(). */
static int read_target_path_here(const Decider *decider, Location *location) {
        const Parent *parent = &location->parent;
        size_t length;

        if (!parent->is_fuse && fchdir(parent->fd) == 0)
                return place_read(location->name, location->target_path, &length);
        return place_read_unentered(
                decider->request->target, parent->fd, location->name, location->target_path, &length);
}

/* In the host's root, where the target's serves its user namespace alone (FUSE), so that the worker may not
 * enter it. */
static int read_target_path_by_name(const Decider *decider, Location *location) {
        Target *target = decider->request->target;
        _cleanup_close_ int root_fd = -EBADF;
        char root[LEDGER_ARGUMENT_SIZE];
        size_t length, root_length;
        int r;

        r = target_open_root(target, &root_fd);
        if (r == 0)
                r = worker_proc_read_path(target_proc(target), root_fd, root, sizeof(root));
        if (r == 0)
                r = place_read_unentered(
                        target, location->parent.fd, location->name, location->target_path, &length);
        if (r != 0)
                return r;
        root_length = strcmp(root, "/") == 0 ? 0 : strlen(root);
        root[root_length] = '\0';
        if (!host_mounts_is_below(location->target_path, root))
                return PLACE_ELSEWHERE;
        memmove(location->target_path, location->target_path + root_length, length - root_length + 1);
        return 0;
}

/* The first parent is the working directory, where it was entered. */
static int return_to_parent(const Decider *decider) {
        const Parent *parent = &decider->request->locations[0].parent;

        if (!parent->entered)
                return 0;
        decider->impersonation->rootdir.away = true;
        return fchdir(parent->fd) < 0 ? -errno : 0;
}

/* Returns 0, PLACE_DELETED, TARGET_GONE, or a negative errno. */
static int read_target_path(const Decider *decider, Location *location) {
        Impersonation *impersonation = decider->impersonation;
        RootDir *rootdir = &impersonation->rootdir;
        Request *request = decider->request;
        int r, result;

        location->target_path_is_known = true;
        location->target_path[0] = '\0';
        r = credentials_revert(impersonation->override);
        if (r < 0)
                return r;
        if (impersonation_presumes_host_root(impersonation, request))
                return 0;
        r = impersonation_need_root(impersonation, request);
        if (r == 0 && rootdir_is(rootdir, &request->facts.root))
                return 0;
        if (r == 0)
                r = rootdir_enter(rootdir, request->target, &request->facts);
        if (r != 0 && r != -EACCES)
                return r;
        result = r == 0 ? read_target_path_here(decider, location)
                        : read_target_path_by_name(decider, location);
        if (result == PLACE_ELSEWHERE) /* outside even of its own root: it has no path for it */
                location->target_path[0] = '\0';
        r = rootdir_leave(rootdir);
        if (r < 0)
                return r;
        r = return_to_parent(decider);
        if (r < 0)
                return r;
        return result == PLACE_ELSEWHERE ? 0 : result;
}

void decider_forget(Decider *decider) {
        decider->now_usec = clock_usec(CLOCK_MONOTONIC);
        for (unsigned i = 0; i < LOCATIONS_MAX; i++)
                decider->request->locations[i].target_path_is_known = false;
}

static int need_target_path(const Decider *decider, Location *location) {
        return location->target_path_is_known ? 0 : read_target_path(decider, location);
}

/* Visits the paths of a parent that the worker has entered. */
static int visit_entered(
        const Decider *decider, const Location *location, bool reverted, Judgement *judgement) {
        int r = place_visit(decider->host_mounts, &location->parent, location->name, reverted,
                judgement_consider, judgement);

        /* The working directory is on the target's very mount, which the worker sees from the host's root.
         */
        judgement->is_on_targets_mount = r == 0;
        return r;
}

/* Judges all paths that the host has for the place.  Returns 0, an outcome of place_visit_on_host() or a
 * negative errno. */
static int judge_paths(const Decider *decider, const Location *location, Judgement *judgement) {
        HostMounts *mounts = decider->host_mounts;
        const Parent *parent = &location->parent;
        int r = PLACE_ELSEWHERE, reverted;

        if (parent->entered)
                r = visit_entered(decider, location, false, judgement);
        if (r != PLACE_SHARED && r != PLACE_ELSEWHERE)
                return r;
        reverted = credentials_revert(decider->impersonation->override);
        if (reverted < 0)
                return reverted;
        if (r == PLACE_SHARED)
                return visit_entered(decider, location, true, judgement);
        r = parent->entered ? PLACE_ELSEWHERE
                            : place_visit_by_link(decider->request->target, mounts, parent, location->name,
                                      judgement_consider, judgement);
        if (r != PLACE_ELSEWHERE)
                return r;
        decider->impersonation->rootdir.away = true; /* the search enters directories */
        return place_visit_on_host(
                decider->request->target, mounts, parent, location->name, judgement_consider, judgement);
}

/* The same, as often as the directory is moved meanwhile; and notes the path in the slot.  A directory that
 * the worker has not entered is on the host if its mount is: that must be so now. */
static int judge_place(
        const Decider *decider, const Location *location, SlotLocation *slot, Judgement *judgement) {
        int r;

        slot->path_length = 0;
        r = location->parent.entered ? host_mounts_refresh(decider->host_mounts, decider->now_usec)
                                     : host_mounts_update(decider->host_mounts);
        for (unsigned attempt = 0; r >= 0; attempt++) {
                judgement_init(judgement, decider->profile, decider->request->operation->kind);
                r = judge_paths(decider, location, judgement);
                if (r != -ESTALE || attempt == ATTEMPTS_MAX)
                        break;
                r = host_mounts_reload(decider->host_mounts);
        }
        if (r != 0)
                return r;
        memcpy(slot->path, judgement->path, judgement->length + 1);
        slot->path_length = (uint32_t)judgement->length;
        return 0;
}

/* Could a deny rule hold for what the target takes the place for?  From a root on the host, it sees of the
 * path of its own mount what follows that root; from any other root, no path leads there. */
static bool may_see_denial(const Judgement *judgement) {
        return !judgement || !judgement->is_on_targets_mount || judgement->denies_tail;
}

/* A target that sees the place elsewhere - in a root of its own - is held to the deny rules for what it
 * sees, too.  judgement: of the place's paths on the host, or NULL where it has none. */
static int judge_target_path(
        const Decider *decider, Location *location, const Judgement *judgement, Verdict *verdict) {
        Verdict seen;
        int r;

        if (verdict->action == ACTION_DENY || !profile_has_denials(decider->profile) ||
                !may_see_denial(judgement))
                return 0;
        r = need_target_path(decider, location);
        if (r != 0 || location->target_path[0] == '\0')
                return r;
        profile_judge(decider->profile, decider->request->operation->kind, location->target_path, &seen);
        if (seen.action == ACTION_DENY && seen.rule)
                *verdict = seen;
        return 0;
}

static void note_private_path(const Location *location, SlotLocation *slot) {
        int n = 0;

        slot->path[0] = '\0';
        if (location->target_path[0] != '\0')
                n = snprintf(slot->path, sizeof(slot->path), DECISION_PRIVATE "%s", location->target_path);
        slot->path_length = n < (int)sizeof(slot->path) ? (uint32_t)n : (uint32_t)sizeof(slot->path) - 1;
}

/* A place that the host does not see.  Where nothing can be created the kernel may say so itself; a tmpfs of
 * the target's own can hold nothing of the host's; any other file system may show a denied tree under
 * another name, if any is denied; that risk is for the administrator to take. */
static int decide_unseen(
        const Decider *decider, Location *location, SlotLocation *slot_location, int outcome, Verdict *ret) {
        Slot *slot = decider->request->slot;
        int r;

        r = need_target_path(decider, location);
        if (r != 0)
                return r;
        note_private_path(location, slot_location);
        if (outcome == PLACE_ELSEWHERE) {
                bool allowed = profile_allows_private(decider->profile);

                (void)snprintf(slot->why, sizeof(slot->why),
                        "on a file system that has no place on the host%s",
                        allowed ? "" : "; see private= in snotify.conf(5)");
                if (!allowed)
                        return 0;
        }
        if (outcome == PLACE_PRIVATE)
                (void)snprintf(slot->why, sizeof(slot->why), "on a tmpfs that the host does not see");
        *ret = (Verdict){.action = ACTION_ALLOW};
        return judge_target_path(decider, location, NULL, ret);
}

/* Returns 0, PLACE_DELETED, TARGET_GONE or a negative errno. */
static int decide_location(const Decider *decider, unsigned i, Verdict *ret) {
        Location *location = &decider->request->locations[i];
        SlotLocation *slot_location = &decider->request->slot->locations[i];
        Slot *slot = decider->request->slot;
        Judgement judgement;
        int r;

        *ret = (Verdict){.action = ACTION_DENY, .error = EPERM};
        r = judge_place(decider, location, slot_location, &judgement);
        if (r == -ENAMETOOLONG && decider->profile && profile_allows_all(decider->profile)) {
                *ret = (Verdict){.action = ACTION_ALLOW};
                return 0;
        }
        if (r < 0 || r == PLACE_DELETED)
                return r;
        if (!decider->profile) {
                (void)snprintf(slot->why, sizeof(slot->why), "the configuration no longer has its profile");
                return 0;
        }
        if (r == PLACE_ELSEWHERE || r == PLACE_PRIVATE || r == PLACE_INERT)
                return decide_unseen(decider, location, slot_location, r, ret);
        *ret = judgement.verdict;
        return judge_target_path(decider, location, &judgement, ret);
}

/* Both ends must be allowed; the longest delay holds.  Returns as decide_location(). */
static int decide_all(const Decider *decider, Verdict *ret) {
        uint64_t delay_usec = 0;
        int r;

        for (unsigned i = 0; i < request_n_locations(decider->request); i++) {
                r = decide_location(decider, i, ret);
                if (r != 0)
                        return r;
                if (ret->delay_usec > delay_usec)
                        delay_usec = ret->delay_usec;
                if (ret->action == ACTION_DENY)
                        break;
        }
        ret->delay_usec = delay_usec;
        return 0;
}

/* Would what is allowed be denied, if what the profile audits were denied?  The slot then has the path and
 * the reason for which it would.  Returns as decide_location(). */
static int audit(const Decider *decider, Verdict *decision) {
        Decider enforced = *decider;
        Slot *slot = decider->request->slot;
        Verdict would;
        int r;

        enforced.profile = profile_enforced(decider->profile);
        r = decide_all(&enforced, &would);
        if (r == -ENAMETOOLONG) { /* only what is allowed without a look at its path comes here */
                (void)snprintf(slot->why, sizeof(slot->why), "its path is too long for the rules");
                would = (Verdict){.action = ACTION_DENY};
        } else if (r != 0)
                return r;
        if (would.action == ACTION_DENY) {
                decision->audited = true;
                decision->rule = would.rule;
        }
        return 0;
}

int decider_decide(Decider *decider) {
        Request *request = decider->request;
        Verdict *decision = &request->decision;
        Slot *slot = request->slot;
        int r;

        slot->why[0] = '\0';
        r = decide_all(decider, decision);
        if (r == 0 && decision->action == ACTION_ALLOW && decider->profile &&
                profile_enforced(decider->profile))
                r = audit(decider, decision);
        if (r == PLACE_DELETED)
                return request_fails(request, ENOENT);
        if (decision->rule)
                slot->why[0] = '\0';
        slot->rule[0] = '\0';
        if (decision->rule)
                (void)strncat(slot->rule, decision->rule, sizeof(slot->rule) - 1);
        if (r > 0)
                return REQUEST_GONE;
        return r;
}
