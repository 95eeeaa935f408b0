/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judges all paths of a directory.  Run by the worker.  Owns nothing.  Must never let a path allow that the
 * host does not show. */

#include "worker/judgement.h"

#include <errno.h>
#include <string.h>

void judgement_init(Judgement *judgement, const Profile *profile, OperationKind kind) {
        judgement->profile = profile;
        judgement->kind = kind;
        judgement->rank = JUDGEMENT_NONE;
        judgement->verdict = (Verdict){.action = ACTION_DENY, .error = EPERM};
        judgement->own = false;
        judgement->length = 0;
        judgement->path[0] = '\0';
}

static JudgementRank rank_of(const Verdict *verdict) {
        if (!verdict->rule)
                return JUDGEMENT_DEFAULT;
        return verdict->action == ACTION_DENY ? JUDGEMENT_DENIED : JUDGEMENT_ALLOWED;
}

/* Looking costs some system calls: a path that changes nothing is not looked at. */
static bool may_allow(const Judgement *judgement, const HostPath *path) {
        return path->own || (judgement->rank == JUDGEMENT_ALLOWED && judgement->own) ||
               host_path_is_shown(path);
}

static void judge(const Judgement *judgement, const HostPath *path, Verdict *ret) {
        *ret = (Verdict){.action = ACTION_DENY, .error = EPERM};
        if (!judgement->profile)
                return;
        profile_judge(judgement->profile, judgement->kind, path->path, ret);
        if (rank_of(ret) == JUDGEMENT_ALLOWED && judgement->rank >= JUDGEMENT_ALLOWED &&
                !may_allow(judgement, path))
                profile_judge_uncovered(judgement->profile, ret);
}

static bool comes_first(const Judgement *judgement, JudgementRank rank, const HostPath *path) {
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

        judge(judgement, path, &verdict);
        rank = rank_of(&verdict);
        if (rank > judgement->rank)
                return 0;
        if (rank < judgement->rank || delay < verdict.delay_usec)
                delay = verdict.delay_usec;
        if (comes_first(judgement, rank, path)) {
                judgement->rank = rank;
                judgement->verdict = verdict;
                judgement->own = path->own;
                judgement->length = path->length;
                memcpy(judgement->path, path->path, path->length + 1);
        }
        judgement->verdict.delay_usec = delay;
        return 0;
}
