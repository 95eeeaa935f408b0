/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Acts as the target.  Run by the worker.  Owns the worker's credentials, root and working directory, and
 * the deputy of the request in hand.  Must never act before the notification was seen to be valid after the
 * last thing was read. */

#include "worker/executor/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/notify.h"
#include "common/ownership.h"
#include "worker/executor/helper.h"
#include "worker/location/mountinfo.h"
#include "worker/location/object.h"
#include "worker/location/place.h"
#include "worker/target/credentials.h"

struct Actor {
        HostMounts *host_mounts; /* not ours */
        Becomer *becomer;
        Standing standing;
        const ActorPart *part;
        const Confinement *deputy_confinement;
        Deputy *deputy; /* NULL: the worker itself becomes the target */
};

int actor_new(
        int host_root_fd, HostMounts *host_mounts, const Confinement *deputy_confinement, Actor **ret) {
        Actor *actor;
        int r;

        actor = calloc(1, sizeof(*actor));
        if (!actor)
                return -ENOMEM;
        actor->host_mounts = host_mounts;
        actor->deputy_confinement = deputy_confinement;
        r = becomer_new(&actor->becomer);
        if (r >= 0)
                r = standing_init(&actor->standing, actor->becomer, host_root_fd);
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
        (void)deputy_dismiss(actor->deputy);
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

/* The parent is to be found by a path. */
static int pin_path(
        Actor *actor, ProcfsReader *reader, int *ret_fd, bool *ret_in_host_root, int *ret_error) {
        const ActorPart *part = actor->part;
        _cleanup_close_ int base_fd = -EBADF;
        int r;

        r = standing_enter(&actor->standing, part->target);
        if (r != 0)
                return r;
        *ret_in_host_root = standing_is_host(&actor->standing);
        r = open_base(part, &base_fd);
        if (r != 0)
                return r;
        r = becomer_lower(actor->becomer, &part->status->identity);
        if (r < 0)
                return r;
        *ret_error = resolve_parent(part->resolved, base_fd, reader, ret_fd);
        if (*ret_in_host_root)
                return 0;
        /* The target's root has served its turn, and what is judged is seen from the host's. */
        return become_ourselves(actor);
}

static int pin_by_deputy(Actor *actor, bool in_our_namespace, int *ret_error) {
        _cleanup_close_ int namespace_fd = -EBADF, root_fd = -EBADF, base_fd = -EBADF;
        const ActorPart *part = actor->part;
        ProcfsReader reader = {
                .target = part->target,
                .status = part->status,
                .minds_autofs = host_mounts_have_automounter(actor->host_mounts),
        };
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
        LedgerObject seen;
        int r, fd;

        r = in_our_namespace ? 0 : target_open_user_namespace(part->target, &namespace_fd);
        if (r == 0)
                r = target_open_root(part->target, &root_fd);
        if (r == 0)
                r = open_base(part, &base_fd);
        if (r != 0)
                return r;
        /* Nobody but the target may be served by a process that becomes it. */
        if (is_gone(part))
                return TARGET_GONE;

        orders.user_namespace_fd = namespace_fd;
        orders.root_fd = root_fd;
        orders.base_fd = base_fd;
        r = deputy_new(&orders, &actor->deputy, &seen, &fd, ret_error);
        if (r < 0 || *ret_error != 0)
                return r;
        r = parent_take(part->parent, fd, actor->host_mounts);
        if (part->parent->object.ino == 0) /* its file system shows it to the target alone */
                part->parent->object.ino = seen.ino;
        return r;
}

static int enter_parent(Actor *actor) {
        Parent *parent = actor->part->parent;
        int r;

        r = parent_enter(parent);
        if (r < 0 || parent->entered || parent->is_fuse)
                return r;
        /* The target may not; it gets its error when the call is made. */
        r = becomer_raise(actor->becomer);
        return r < 0 ? r : parent_enter(parent);
}

/* There are directories of procfs that the kernel lets the threads of one process search, and others not:
 * the target's are no secret to it, and the worker's are. */
static int look_into_procfs(Actor *actor, ProcfsReader *reader, bool *ret_wants_deputy, int *ret_error) {
        const ActorPart *part = actor->part;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = becomer_lower(actor->becomer, &part->status->identity);
        if (r < 0)
                return r;
        fd = openat(part->parent->fd, ".", O_PATH | O_CLOEXEC);
        if (fd < 0)
                *ret_error = errno;
        if (*ret_error == EACCES)
                *ret_error = procfs_look_own(
                        reader, part->parent->fd, part->resolved->name ? part->resolved->name : ".");
        *ret_wants_deputy |= fd >= 0 && procfs_may_be_ours(reader, fd);
        return 0;
}

/* A directory of a process that is dead by now is no object any more. */
static int ask_procfs(Actor *actor, int *ret_error) {
        const ActorPart *part = actor->part;
        int r = becomer_lower(actor->becomer, &part->status->identity);

        if (r >= 0)
                *ret_error =
                        procfs_refuse(part->parent->fd, part->resolved->name ? part->resolved->name : ".");
        return r;
}

/* An automounter is told by its uids who wants a directory, and by its process group the kernel knows that
 * it is the automounter itself (autofs_oz_mode() in fs/autofs/autofs_i.h), which may not wait for itself. */
static int meet_autofs(Actor *actor, bool *ret_wants_deputy) {
        _cleanup_close_ int list_fd = -EBADF;
        pid_t group;
        int r;

        *ret_wants_deputy = true;
        r = becomer_raise(actor->becomer);
        if (r < 0)
                return r;
        r = target_read_group(actor->part->target, &group);
        if (r == 0)
                r = target_open_file(actor->part->target, "mountinfo", &list_fd);
        if (r == 0)
                r = mounts_have_automounter(list_fd, group);
        else if (r > 0)
                return r;
        return r > 0 ? -EDEADLK : r;
}

/* As the worker, with the target's file system credentials.  *ret_wants_deputy says that only a process that
 * is the target altogether gets any further. */
static int pin_by_worker(Actor *actor, bool *ret_wants_deputy, int *ret_error) {
        const ActorPart *part = actor->part;
        ProcfsReader reader = reader_of(actor, part);
        bool in_host_root = false;
        int r, fd = -EBADF;

        reader.minds_autofs = host_mounts_have_automounter(actor->host_mounts);
        /* Where the base itself is the parent its root does not matter, and whether the target may search it
         * will show. */
        if (part->resolved->parent[0] == '\0')
                r = open_base(part, &fd);
        else
                r = pin_path(actor, &reader, &fd, &in_host_root, ret_error);
        *ret_wants_deputy = reader.wants_deputy;
        if (r == 0 && reader.met_autofs)
                return meet_autofs(actor, ret_wants_deputy);
        if (r != 0 || *ret_error != 0)
                return r;
        r = parent_take(part->parent, fd, actor->host_mounts);
        part->parent->in_host_root = in_host_root;
        if (r < 0)
                return procfs_is_it(part->parent->fd) ? ask_procfs(actor, ret_error) : r;
        if (part->parent->is_autofs)
                return meet_autofs(actor, ret_wants_deputy);
        *ret_wants_deputy |= part->parent->object.ino == 0;
        return part->parent->is_inert ? look_into_procfs(actor, &reader, ret_wants_deputy, ret_error) : 0;
}

static int pin(Actor *actor, int *ret_error) {
        bool wants_deputy = false;
        int r;

        r = host_mounts_refresh(actor->host_mounts, actor->part->taken_usec);
        if (r < 0)
                return r;
        r = target_in_our_user_namespace(actor->part->target);
        if (r < 0)
                return r;
        if (r == 0)
                return pin_by_deputy(actor, false, ret_error);
        r = pin_by_worker(actor, &wants_deputy, ret_error);
        if (r != 0 || !wants_deputy)
                return r;
        parent_release(actor->part->parent);
        *ret_error = 0;
        r = become_ourselves(actor);
        return r < 0 ? r : pin_by_deputy(actor, true, ret_error);
}

int actor_pin(Actor *actor, const ActorPart *part, int *ret_error) {
        int r;

        actor->part = part;
        r = pin(actor, ret_error);
        if (r == -ENOTDIR) {
                *ret_error = ENOTDIR;
                return 0;
        }
        return r != 0 || *ret_error != 0 ? r : enter_parent(actor);
}

Becomer *actor_becomer(Actor *actor) {
        return actor->becomer;
}

Standing *actor_standing(Actor *actor) {
        return &actor->standing;
}

int actor_find(Actor *actor, const LedgerObject *noted, int *ret_error) {
        const ActorPart *part = actor->part;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = becomer_raise(actor->becomer);
        if (r < 0)
                return r;
        if (!part->resolved->name) /* a call of no such name was never begun */
                return -ESTALE;
        if (part->parent->fd >= 0 && object_equal(&part->parent->object, noted)) {
                *ret_error = act_find(part->parent->fd, part->resolved->name, part->deed);
                return 0;
        }
        /* Where there is no parent now the worker may still stand in the target's root. */
        if (part->parent->fd < 0)
                r = standing_leave(&actor->standing);
        if (r < 0)
                return r;
        r = host_mounts_reload(actor->host_mounts);
        if (r == 0)
                r = place_open_object(actor->host_mounts, noted, &fd);
        if (r < 0)
                return r;
        /* What cannot be told of that directory must not be tried in another one. */
        if (!part->deed->absent)
                return -ESTALE;
        *ret_error = act_find(fd, part->resolved->name, part->deed);
        return 0;
}

/* Judging may have raised the worker. */
static int lower(Actor *actor) {
        return becomer_lower(actor->becomer, &actor->part->status->identity);
}

int actor_look(Actor *actor, int *ret_error) {
        const ActorPart *part = actor->part;
        int r;

        if (actor->deputy)
                return deputy_look(actor->deputy, ret_error);
        r = lower(actor);
        if (r < 0)
                return r;
        *ret_error = act_look(part->parent->fd, part->resolved->name);
        return 0;
}

int actor_perform(Actor *actor, Act act, uint32_t mode, int *ret_error) {
        const ActorPart *part = actor->part;
        const Parent *parent = part->parent;
        int r;

        if (actor->deputy) {
                if (is_gone(part))
                        return TARGET_GONE;
                return deputy_perform(actor->deputy, act, mode, !parent->is_fuse, ret_error);
        }
        r = lower(actor);
        if (r < 0)
                return r;
        act_prepare(parent->fd, part->resolved->name, part->status->identity.fsuid, !parent->is_fuse,
                part->deed);
        /* After all that was read, and with nothing between this and the call: a target that was killed
         * should find, after its death, all done that ever will be. */
        if (is_gone(part))
                return TARGET_GONE;
        *ret_error = act_perform(act, parent->fd, part->resolved->name, mode, part->deed);
        return 0;
}

int actor_leave(Actor *actor) {
        int dismissed = deputy_dismiss(actor->deputy), r;

        actor->deputy = NULL;
        if (actor->part)
                parent_release(actor->part->parent);
        actor->part = NULL;
        r = become_ourselves(actor);
        return dismissed < 0 ? dismissed : r;
}
