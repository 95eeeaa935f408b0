/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Acts as the target.  Run by the worker.  Owns the worker's credentials, root and working directory, and
 * the deputy of the request in hand.  Must never act before the notification was seen to be valid after the
 * last thing was read. */

#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/notify.h"
#include "common/ownership.h"
#include "deputy.h"
#include "identity.h"
#include "standing.h"

struct Actor {
        Becomer *becomer;
        Standing standing;
        const ActorPart *part;
        const Confinement *deputy_confinement;
        Deputy *deputy; /* NULL: the worker itself becomes the target */
};

int actor_new(int host_root_fd, const Confinement *deputy_confinement, Actor **ret) {
        Actor *actor;
        int r;

        actor = calloc(1, sizeof(*actor));
        if (!actor)
                return -ENOMEM;
        actor->deputy_confinement = deputy_confinement;
        r = becomer_new(&actor->becomer);
        if (r >= 0)
                r = standing_init(&actor->standing, host_root_fd);
        if (r < 0) {
                actor_free(actor);
                return r;
        }
        *ret = actor;
        return 0;
}

Actor *actor_free(Actor *actor) {
        if (!actor)
                return NULL;
        deputy_free(actor->deputy);
        becomer_free(actor->becomer);
        free(actor);
        return NULL;
}

static int become_ourselves(Actor *actor) {
        int r = becomer_raise(actor->becomer);

        return r < 0 ? r : standing_leave(&actor->standing);
}

static bool is_gone(const ActorPart *part) {
        return notify_check_id(part->listener_fd, part->id) == NOTIFY_GONE;
}

static ProcfsReader reader_of(const Actor *actor, const ActorPart *part) {
        return (ProcfsReader){
                .target = part->target,
                .status = part->status,
                .becomer = actor->becomer,
                .listener_fd = part->listener_fd,
                .id = part->id,
        };
}

/* Opens what a relative path starts at. */
static int open_base(const ActorPart *part, int *ret_fd) {
        if (part->absolute)
                return 0;
        if (part->dirfd == AT_FDCWD)
                return target_open_cwd(part->target, ret_fd);
        return target_open_fd(part->target, part->dirfd, ret_fd);
}

/* The same, or goes there, which is cheaper: then *ret_fd is AT_FDCWD. */
static int enter_base(const ActorPart *part, int *ret_fd) {
        int r;

        if (part->absolute || part->dirfd != AT_FDCWD)
                return open_base(part, ret_fd);
        r = target_enter_cwd(part->target);
        if (r == -EACCES) /* root may not go everywhere: see resolve.c */
                return open_base(part, ret_fd);
        *ret_fd = AT_FDCWD;
        return r;
}

/* The base itself is the parent: its root doesn't matter, and whether the target may search it will show. */
static int pin_base(Actor *actor, ProcfsReader *reader, int *ret_error) {
        const ActorPart *part = actor->part;
        _cleanup_close_ int base_fd = -EBADF;
        int r;

        r = enter_base(part, &base_fd);
        if (r != 0)
                return r;
        if (base_fd != AT_FDCWD) {
                /* There are directories that root may not enter, and their owner may. */
                r = becomer_lower(actor->becomer, &part->status->identity);
                if (r < 0)
                        return r;
        }
        *ret_error = resolve_parent(part->resolved, base_fd, reader);
        return r;
}

/* The parent is to be found by a path. */
static int pin_path(Actor *actor, ProcfsReader *reader, Site *site, int *ret_error) {
        const ActorPart *part = actor->part;
        _cleanup_close_ int base_fd = -EBADF;
        int r;

        r = standing_enter(&actor->standing, part->target);
        if (r != 0)
                return r;
        site->view_known = standing_is_host(&actor->standing);
        r = enter_base(part, &base_fd);
        if (r != 0)
                return r;
        if (is_gone(part))
                return TARGET_GONE;
        r = becomer_lower(actor->becomer, &part->status->identity);
        if (r < 0)
                return r;
        *ret_error = resolve_parent(part->resolved, base_fd, reader);
        if (*ret_error != 0 || standing_is_host(&actor->standing))
                return 0;
        /* The target's root has served its turn, and what is judged is seen from the host's. */
        r = becomer_raise(actor->becomer);
        return r < 0 ? r : standing_bring_home(&actor->standing);
}

/* Takes over the parent that the deputy has found. */
static int adopt_parent(const Actor *actor, Site *site, int root_fd, int parent_fd) {
        bool same_root = standing_has_root(&actor->standing, root_fd);

        site->view_known = site->view_is_deputys = true;
        if (fchdir(parent_fd) < 0) {
                /* Then what the deputy says has to do, if it spoke of the host's tree. */
                if (errno != EACCES)
                        return -errno;
                if (same_root && site->view[0] == '/')
                        site->known = site->view;
                else
                        site->out_of_reach = true;
        } else if (same_root)
                site->view[0] = '\0';
        return 0;
}

static int pin_by_deputy(Actor *actor, bool in_our_namespace, Site *site, int *ret_error) {
        _cleanup_close_ int namespace_fd = -EBADF, root_fd = -EBADF, base_fd = -EBADF, parent_fd = -EBADF;
        const ActorPart *part = actor->part;
        ProcfsReader reader = {.target = part->target, .status = part->status};
        DeputyOrders orders = {
                .status = part->status,
                .resolved = part->resolved,
                .reader = &reader,
                .confinement = actor->deputy_confinement,
                .listener_fd = part->listener_fd,
                .id = part->id,
                .roll_fd = part->roll_fd,
                .number = part->number,
                .deed = part->deed,
        };
        int r;

        r = in_our_namespace ? 0 : target_open_user_namespace(part->target, &namespace_fd);
        if (r == 0)
                r = target_open_root(part->target, &root_fd);
        if (r == 0)
                r = open_base(part, &base_fd);
        if (r != 0)
                return r;
        if (is_gone(part))
                return TARGET_GONE;

        orders.user_namespace_fd = namespace_fd;
        orders.root_fd = root_fd;
        orders.base_fd = base_fd;
        r = deputy_new(&orders, &actor->deputy, &parent_fd, site->view, ret_error);
        if (r < 0 || *ret_error != 0 || !part->resolved->name)
                return r;
        return adopt_parent(actor, site, root_fd, parent_fd);
}

int actor_pin(Actor *actor, const ActorPart *part, Site *site, bool *ret_checked, int *ret_error) {
        ProcfsReader reader = reader_of(actor, part);
        int r;

        actor->part = part;
        site->becomer = actor->becomer;
        site->standing = &actor->standing;
        site->known = NULL;
        site->out_of_reach = false;
        site->view_known = site->view_is_deputys = false;
        site->view[0] = '\0';
        r = target_in_our_user_namespace(part->target);
        if (r < 0)
                return r;
        *ret_checked = true;
        if (r == 0)
                return pin_by_deputy(actor, false, site, ret_error);
        if (part->resolved->parent[0] != '\0')
                r = pin_path(actor, &reader, site, ret_error);
        else {
                *ret_checked = false;
                r = pin_base(actor, &reader, ret_error);
        }
        if (r != 0 || !reader.wants_deputy)
                return r;
        *ret_checked = true;
        r = become_ourselves(actor);
        return r < 0 ? r : pin_by_deputy(actor, true, site, ret_error);
}

/* Judging may have raised the worker. */
static int lower(Actor *actor) {
        return becomer_lower(actor->becomer, &actor->part->status->identity);
}

/* Nobody has searched the directory yet that the target stands in; it may be one that the kernel lets only
 * the target's own threads search.  Returns the errno that the target gets. */
static int look_again(Actor *actor, int error) {
        const ActorPart *part = actor->part;
        ProcfsReader reader = reader_of(actor, part);
        _cleanup_close_ int cwd_fd = -EBADF;

        if (error != EACCES || procfs_open_cwd(&reader, &cwd_fd) != 0)
                return error;
        return procfs_look_own(&reader, cwd_fd, part->resolved->name);
}

int actor_look(Actor *actor, int *ret_error) {
        int r;

        if (actor->deputy)
                return deputy_look(actor->deputy, ret_error);
        r = lower(actor);
        if (r < 0)
                return r;
        *ret_error = look_again(actor, act_look(actor->part->resolved->name));
        return 0;
}

int actor_perform(Actor *actor, Act act, uint32_t mode, int *ret_error) {
        const ActorPart *part = actor->part;
        int r;

        if (actor->deputy)
                return deputy_perform(actor->deputy, act, mode, ret_error);
        r = lower(actor);
        if (r < 0)
                return r;
        *ret_error = look_again(actor,
                act_perform(act, part->resolved->name, mode, part->status->identity.fsuid, part->deed));
        return 0;
}

int actor_leave(Actor *actor) {
        actor->deputy = deputy_free(actor->deputy);
        return become_ourselves(actor);
}
