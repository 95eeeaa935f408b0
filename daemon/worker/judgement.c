/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judges all paths of a directory.  Run by the worker.  Owns nothing.  Must never allow a call because of a
 * path that leads elsewhere on the host. */

#include "worker/judgement.h"

#include <errno.h>
#include <string.h>

void judgement_init(Judgement *judgement, const Profile *profile, OperationKind kind) {
        judgement->profile = profile;
        judgement->kind = kind;
        judgement->rank = JUDGEMENT_NONE;
        judgement->verdict = (Verdict){.action = ACTION_DENY, .error = EPERM};
        judgement->is_on_targets_mount = judgement->denies_tail = false;
        judgement->own = false;
        judgement->length = 0;
        judgement->path[0] = '\0';
}

static JudgementRank rank_of(const Verdict *verdict) {
        if (!verdict->rule)
                return JUDGEMENT_DEFAULT;
        return verdict->action == ACTION_DENY ? JUDGEMENT_DENIED : JUDGEMENT_ALLOWED;
}

/* Can the path allow?  host_path_is_shown() makes several system calls.  The worker saves them if the path
 * is the target's own, or if the target's own path is allowed already: then this path changes nothing. */
static bool can_allow(const Judgement *judgement, const HostPath *path) {
        return path->own || (judgement->rank == JUDGEMENT_ALLOWED && judgement->own) ||
               host_path_is_shown(path);
}

static void judge_path(const Judgement *judgement, const HostPath *path, Verdict *ret) {
        *ret = (Verdict){.action = ACTION_DENY, .error = EPERM};
        if (!judgement->profile)
                return;
        profile_judge(judgement->profile, judgement->kind, path->path, ret);
        if (rank_of(ret) == JUDGEMENT_ALLOWED && judgement->rank >= JUDGEMENT_ALLOWED &&
                !can_allow(judgement, path))
                profile_judge_uncovered(judgement->profile, ret);
}

/* Does the path's verdict prevail over the present one? */
static bool path_prevails(const Judgement *judgement, JudgementRank rank, const HostPath *path) {
        if (rank != judgement->rank)
                return rank < judgement->rank;
        if (path->own != judgement->own)
                return path->own;
        return strcmp(path->path, judgement->path) < 0;
}

int judgement_consider(const HostPath *path, void *userdata) {
        Judgement *judgement = userdata;
        uint64_t delay = judgement->verdict.delay_usec;
        JudgementRank rank;
        Verdict verdict;

        if (path->own && judgement->profile)
                judgement->denies_tail |=
                        profile_denies_tail(judgement->profile, judgement->kind, path->path);
        judge_path(judgement, path, &verdict);
        rank = rank_of(&verdict);
        if (rank > judgement->rank)
                return 0;
        if (rank < judgement->rank || delay < verdict.delay_usec)
                delay = verdict.delay_usec;
        if (path_prevails(judgement, rank, path)) {
                judgement->rank = rank;
                judgement->verdict = verdict;
                judgement->own = path->own;
                judgement->length = path->length;
                memcpy(judgement->path, path->path, path->length + 1);
        }
        judgement->verdict.delay_usec = delay;
        return 0;
}
