/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Acts as the target.  Run by the worker.  Owns the worker's credentials, root and working directory, and
 * the helper of the request in hand.  Must never act before the notification was seen to be valid after the
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

struct Executor {
        HostMounts *host_mounts; /* not ours */
        CredentialsOverride *override;
        RootDir rootdir;
        const ExecutorPart *part;
        const Sandbox *helper_sandbox;
        Helper *helper; /* NULL: the worker itself becomes the target */
};

int executor_new(int host_root_fd, HostMounts *host_mounts, const Sandbox *helper_sandbox, Executor **ret) {
        Executor *executor;
        int r;

        executor = calloc(1, sizeof(*executor));
        if (!executor)
                return -ENOMEM;
        executor->host_mounts = host_mounts;
        executor->helper_sandbox = helper_sandbox;
        r = credentials_override_new(&executor->override);
        if (r >= 0)
                r = rootdir_init(&executor->rootdir, executor->override, host_root_fd);
        if (r < 0) {
                executor_free(executor);
                return r;
        }
        *ret = executor;
        return 0;
}

Executor *executor_free(Executor *executor) {
        if (!executor)
                return NULL;
        (void)helper_dismiss(executor->helper);
        credentials_override_free(executor->override);
        free(executor);
        return NULL;
}

static int become_ourselves(Executor *executor) {
        int r = credentials_revert(executor->override);

        return r < 0 ? r : rootdir_leave(&executor->rootdir);
}

static bool is_gone(const ExecutorPart *part) {
        return notify_check_id(part->listener_fd, part->id) == NOTIFY_GONE;
}

static ProcfsReader reader_of(const Executor *executor, const ExecutorPart *part) {
        return (ProcfsReader){
                .target = part->target,
                .facts = part->facts,
                .override = executor->override,
                .listener_fd = part->listener_fd,
                .id = part->id,
        };
}

/* Opens what a relative path starts at. */
static int open_base(const ExecutorPart *part, int *ret_fd) {
        if (part->absolute)
                return 0;
        if (part->dirfd == AT_FDCWD)
                return target_open_cwd(part->target, ret_fd);
        return target_open_fd(part->target, part->dirfd, ret_fd);
}

/* The parent is to be found by a path. */
static int pin_path(
        Executor *executor, ProcfsReader *reader, int *ret_fd, bool *ret_in_host_root, int *ret_error) {
        const ExecutorPart *part = executor->part;
        _cleanup_close_ int base_fd = -EBADF;
        int r;

        r = rootdir_enter(&executor->rootdir, part->target);
        if (r != 0)
                return r;
        *ret_in_host_root = rootdir_is_host(&executor->rootdir);
        r = open_base(part, &base_fd);
        if (r != 0)
                return r;
        r = credentials_override(executor->override, &part->facts->credentials);
        if (r < 0)
                return r;
        *ret_error = resolve_parent(part->resolved, base_fd, reader, ret_fd);
        if (*ret_in_host_root)
                return 0;
        /* The target's root has served its turn, and what is judged is seen from the host's. */
        return become_ourselves(executor);
}

static int pin_by_helper(Executor *executor, bool in_our_namespace, int *ret_error) {
        _cleanup_close_ int namespace_fd = -EBADF, root_fd = -EBADF, base_fd = -EBADF;
        const ExecutorPart *part = executor->part;
        ProcfsReader reader = {
                .target = part->target,
                .facts = part->facts,
                .minds_autofs = host_mounts_have_automounter(executor->host_mounts),
        };
        HelperRequest orders = {
                .facts = part->facts,
                .resolved = part->resolved,
                .reader = &reader,
                .sandbox = executor->helper_sandbox,
                .listener_fd = part->listener_fd,
                .id = part->id,
                .lock_fd = part->lock_fd,
                .number = part->number,
                .intent = part->intent,
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
        r = helper_new(&orders, &executor->helper, &seen, &fd, ret_error);
        if (r < 0 || *ret_error != 0)
                return r;
        r = parent_take(part->parent, fd, executor->host_mounts);
        if (part->parent->object.ino == 0) /* its file system shows it to the target alone */
                part->parent->object.ino = seen.ino;
        return r;
}

static int enter_parent(Executor *executor) {
        Parent *parent = executor->part->parent;
        int r;

        r = parent_enter(parent);
        if (r < 0 || parent->entered || parent->is_fuse)
                return r;
        /* The target may not; it gets its error when the call is made. */
        r = credentials_revert(executor->override);
        return r < 0 ? r : parent_enter(parent);
}

/* There are directories of procfs that the kernel lets the threads of one process search, and others not:
 * the target's are no secret to it, and the worker's are. */
static int look_into_procfs(
        Executor *executor, ProcfsReader *reader, bool *ret_wants_helper, int *ret_error) {
        const ExecutorPart *part = executor->part;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = credentials_override(executor->override, &part->facts->credentials);
        if (r < 0)
                return r;
        fd = openat(part->parent->fd, ".", O_PATH | O_CLOEXEC);
        if (fd < 0)
                *ret_error = errno;
        if (*ret_error == EACCES)
                *ret_error = procfs_look_own(
                        reader, part->parent->fd, part->resolved->name ? part->resolved->name : ".");
        *ret_wants_helper |= fd >= 0 && procfs_may_be_ours(reader, fd);
        return 0;
}

/* A directory of a process that is dead by now is no object any more. */
static int ask_procfs(Executor *executor, int *ret_error) {
        const ExecutorPart *part = executor->part;
        int r = credentials_override(executor->override, &part->facts->credentials);

        if (r >= 0)
                *ret_error =
                        procfs_refuse(part->parent->fd, part->resolved->name ? part->resolved->name : ".");
        return r;
}

/* An automounter is told by its uids who wants a directory, and by its process group the kernel knows that
 * it is the automounter itself (autofs_oz_mode() in fs/autofs/autofs_i.h), which may not wait for itself. */
static int meet_autofs(Executor *executor, bool *ret_wants_helper) {
        _cleanup_close_ int list_fd = -EBADF;
        pid_t group;
        int r;

        *ret_wants_helper = true;
        r = credentials_revert(executor->override);
        if (r < 0)
                return r;
        r = target_read_group(executor->part->target, &group);
        if (r == 0)
                r = target_open_file(executor->part->target, "mountinfo", &list_fd);
        if (r == 0)
                r = mounts_have_automounter(list_fd, group);
        else if (r > 0)
                return r;
        return r > 0 ? -EDEADLK : r;
}

/* As the worker, with the target's file system credentials.  *ret_wants_helper says that only a process that
 * is the target altogether gets any further. */
static int pin_by_worker(Executor *executor, bool *ret_wants_helper, int *ret_error) {
        const ExecutorPart *part = executor->part;
        ProcfsReader reader = reader_of(executor, part);
        bool in_host_root = false;
        int r, fd = -EBADF;

        reader.minds_autofs = host_mounts_have_automounter(executor->host_mounts);
        /* Where the base itself is the parent its root does not matter, and whether the target may search it
         * will show. */
        if (part->resolved->parent[0] == '\0')
                r = open_base(part, &fd);
        else
                r = pin_path(executor, &reader, &fd, &in_host_root, ret_error);
        *ret_wants_helper = reader.wants_helper;
        if (r == 0 && reader.met_autofs)
                return meet_autofs(executor, ret_wants_helper);
        if (r != 0 || *ret_error != 0)
                return r;
        r = parent_take(part->parent, fd, executor->host_mounts);
        part->parent->in_host_root = in_host_root;
        if (r < 0)
                return procfs_is_it(part->parent->fd) ? ask_procfs(executor, ret_error) : r;
        if (part->parent->is_autofs)
                return meet_autofs(executor, ret_wants_helper);
        *ret_wants_helper |= part->parent->object.ino == 0;
        return part->parent->is_inert ? look_into_procfs(executor, &reader, ret_wants_helper, ret_error) : 0;
}

static int pin(Executor *executor, int *ret_error) {
        bool wants_helper = false;
        int r;

        r = host_mounts_refresh(executor->host_mounts, executor->part->taken_usec);
        if (r < 0)
                return r;
        r = target_in_our_user_namespace(executor->part->target);
        if (r < 0)
                return r;
        if (r == 0)
                return pin_by_helper(executor, false, ret_error);
        r = pin_by_worker(executor, &wants_helper, ret_error);
        if (r != 0 || !wants_helper)
                return r;
        parent_release(executor->part->parent);
        *ret_error = 0;
        r = become_ourselves(executor);
        return r < 0 ? r : pin_by_helper(executor, true, ret_error);
}

int executor_pin(Executor *executor, const ExecutorPart *part, int *ret_error) {
        int r;

        executor->part = part;
        r = pin(executor, ret_error);
        if (r == -ENOTDIR) {
                *ret_error = ENOTDIR;
                return 0;
        }
        return r != 0 || *ret_error != 0 ? r : enter_parent(executor);
}

CredentialsOverride *executor_override(Executor *executor) {
        return executor->override;
}

RootDir *executor_rootdir(Executor *executor) {
        return &executor->rootdir;
}

int executor_find(Executor *executor, const LedgerObject *noted, int *ret_error) {
        const ExecutorPart *part = executor->part;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = credentials_revert(executor->override);
        if (r < 0)
                return r;
        if (!part->resolved->name) /* a call of no such name was never begun */
                return -ESTALE;
        if (part->parent->fd >= 0 && object_equal(&part->parent->object, noted)) {
                *ret_error = act_find(part->parent->fd, part->resolved->name, part->intent);
                return 0;
        }
        /* Where there is no parent now the worker may still stand in the target's root. */
        if (part->parent->fd < 0)
                r = rootdir_leave(&executor->rootdir);
        if (r < 0)
                return r;
        r = host_mounts_reload(executor->host_mounts);
        if (r == 0)
                r = place_open_object(executor->host_mounts, noted, &fd);
        if (r < 0)
                return r;
        /* What cannot be told of that directory must not be tried in another one. */
        if (part->intent->locations[0].sight != INTENT_ABSENT)
                return -ESTALE;
        *ret_error = act_find(fd, part->resolved->name, part->intent);
        return 0;
}

/* Judging may have raised the worker. */
static int lower(Executor *executor) {
        return credentials_override(executor->override, &executor->part->facts->credentials);
}

int executor_look(Executor *executor, int *ret_error) {
        const ExecutorPart *part = executor->part;
        int r;

        if (executor->helper)
                return helper_look(executor->helper, ret_error);
        r = lower(executor);
        if (r < 0)
                return r;
        *ret_error = act_look(part->parent->fd, part->resolved->name);
        return 0;
}

int executor_perform(Executor *executor, OperationKind act, uint32_t mode, int *ret_error) {
        const ExecutorPart *part = executor->part;
        const Parent *parent = part->parent;
        int r;

        if (executor->helper) {
                if (is_gone(part))
                        return TARGET_GONE;
                return helper_perform(executor->helper, act, mode, !parent->is_fuse, ret_error);
        }
        r = lower(executor);
        if (r < 0)
                return r;
        act_prepare(parent->fd, part->resolved->name, part->facts->credentials.fsuid, !parent->is_fuse,
                part->intent);
        /* After all that was read, and with nothing between this and the call: a target that was killed
         * should find, after its death, all done that ever will be. */
        if (is_gone(part))
                return TARGET_GONE;
        *ret_error = act_perform(act, parent->fd, part->resolved->name, mode, part->intent);
        return 0;
}

int executor_leave(Executor *executor) {
        int dismissed = helper_dismiss(executor->helper), r;

        executor->helper = NULL;
        if (executor->part)
                parent_release(executor->part->parent);
        executor->part = NULL;
        r = become_ourselves(executor);
        return dismissed < 0 ? dismissed : r;
}
