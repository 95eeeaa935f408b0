/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the parents of a call's locations.  Run by the worker, which impersonates the target meanwhile. Must
 * never take for the target's what was not seen with the target's credentials, or by its helper. */

#include "worker/executor/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/ownership.h"
#include "worker/location/mountinfo.h"
#include "worker/location/place.h"
#include "worker/location/resolve.h"
#include "worker/target/procfs.h"

/* The location that is being pinned. */
typedef struct Pin {
        Impersonation *impersonation;
        Request *request;
        Location *location;
        int32_t dirfd; /* as passed */
} Pin;

static PathLookup lookup_for(const Pin *pin) {
        return (PathLookup){
                .target = pin->request->target,
                .facts = &pin->request->facts,
                .override = pin->impersonation->override,
                .notification = &pin->request->notification,
                .minds_autofs = host_mounts_have_automounter(pin->impersonation->host_mounts),
        };
}

static int open_base_of(const Pin *pin, int *ret_fd) {
        if (pin->dirfd == AT_FDCWD)
                return target_open_cwd(pin->request->target, ret_fd);
        return target_open_fd(pin->request->target, pin->dirfd, ret_fd);
}

/* Opens the directory at which a relative path starts. */
static int open_base(const Pin *pin, int *ret_fd) {
        int r;

        if (!location_is_relative(pin->location))
                return 0;
        r = open_base_of(pin, ret_fd);
        if ((r != TARGET_GONE && r != -EBADF) || pin->request->facts.known != 0)
                return r;
        /* Nothing was read of the target yet: what is kept may be of a dead task that had its number. */
        r = target_reopen(pin->request->target);
        return r != 0 ? r : open_base_of(pin, ret_fd);
}

/* In the target's root. */
static int resolve(const Pin *pin, int base_fd, PathLookup *lookup, int *ret_fd, int *ret_error) {
        int r = credentials_override(pin->impersonation->override, &pin->request->facts.credentials);

        if (r < 0)
                return r;
        resolve_parent(pin->location, base_fd, lookup, ret_fd, ret_error);
        if (!lookup->wants_facts)
                return 0;
        r = request_need_facts(pin->request, TASK_STATUS);
        if (r == 0)
                resolve_parent(pin->location, base_fd, lookup, ret_fd, ret_error);
        return r;
}

static int enter_root(const Pin *pin) {
        Impersonation *impersonation = pin->impersonation;
        int r;

        if (impersonation_presumes_host_root(impersonation, pin->request))
                return 0;
        r = impersonation_need_root(impersonation, pin->request);
        if (r != 0)
                return r;
        return rootdir_enter(&impersonation->rootdir, pin->request->target, &pin->request->facts);
}

/* Finds the parent by a path. */
static int pin_path(
        const Pin *pin, PathLookup *lookup, int *ret_fd, bool *ret_in_host_root, int *ret_error) {
        Impersonation *impersonation = pin->impersonation;
        _cleanup_close_ int base_fd = -EBADF;
        int r;

        r = enter_root(pin);
        if (r != 0)
                return r;
        *ret_in_host_root = rootdir_is_host(&impersonation->rootdir);
        r = open_base(pin, &base_fd);
        if (r == 0)
                r = resolve(pin, base_fd, lookup, ret_fd, ret_error);
        if (r != 0)
                return r;
        if (*ret_in_host_root)
                return 0;
        /* The worker decides by what it sees from the host's root, and does not need the target's any more.
         */
        return impersonation_revert(impersonation);
}

/* Some directories of procfs can be searched only by the threads of the process that they are about: the
 * target may see its own, and must not see the worker's. */
static int look_into_procfs(const Pin *pin, PathLookup *lookup, bool *ret_wants_helper, int *ret_error) {
        const Parent *parent = &pin->location->parent;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = credentials_override(pin->impersonation->override, &pin->request->facts.credentials);
        if (r < 0)
                return r;
        fd = openat(parent->fd, ".", O_PATH | O_CLOEXEC);
        if (fd < 0)
                *ret_error = errno;
        if (*ret_error == EACCES)
                procfs_look_own(lookup, parent->fd, pin->location->name, ret_error);
        *ret_wants_helper |= fd >= 0 && procfs_may_be_ours(lookup, fd);
        return 0;
}

/* The directory of a dead process cannot be looked at any more. */
static int ask_procfs(const Pin *pin, int *ret_error) {
        int r = credentials_override(pin->impersonation->override, &pin->request->facts.credentials);

        if (r >= 0)
                procfs_refuse(pin->location->parent.fd, pin->location->name, ret_error);
        return r;
}

/* The kernel tells an automounter the uid and gid of the process that asks for a directory.  It recognizes
 * the automounter itself by its process group (autofs_oz_mode() in fs/autofs/autofs_i.h), and does not let
 * it wait for itself. */
static int meet_autofs(const Pin *pin, bool *ret_wants_helper) {
        _cleanup_close_ int list_fd = -EBADF;
        Request *request = pin->request;
        int r;

        *ret_wants_helper = true;
        r = credentials_revert(pin->impersonation->override);
        if (r < 0)
                return r;
        r = request_need_facts(request, TASK_PROCESS_GROUP);
        if (r == 0)
                r = target_open_file(request->target, "mountinfo", &list_fd);
        if (r == 0)
                r = mounts_have_automounter(list_fd, request->facts.process_group);
        else if (r > 0)
                return r;
        return r > 0 ? -EDEADLK : r;
}

/* The kernel itself performs the call, and what it says of procfs and of an autofs it says natively.  What
 * it refuses to root it may allow the target. */
static int take_unchanged(const Pin *pin, int fd, bool *ret_wants_helper, int *ret_error) {
        Parent *parent = &pin->location->parent;
        int r;

        if (*ret_error != 0) {
                *ret_wants_helper |= *ret_error == EACCES;
                return 0;
        }
        r = parent_take(parent, fd, pin->impersonation->host_mounts);
        if (r < 0 && procfs_is_it(parent->fd)) /* the entry of a process that has died meanwhile */
                *ret_error = ENOENT;
        else if (r < 0)
                return r;
        *ret_wants_helper |= r == 0 && parent->object.ino == 0;
        return 0;
}

/* Pins the parent by the worker itself, with the target's file system credentials if it acts.  Sets
 * *ret_wants_helper if only a helper, which has all of the target's credentials, can get any further. */
static int pin_by_worker(const Pin *pin, bool *ret_wants_helper, int *ret_error) {
        Parent *parent = &pin->location->parent;
        PathLookup lookup = lookup_for(pin);
        bool in_host_root = false;
        int r, fd = -EBADF;

        /* Where the base itself is the parent its root does not matter, and whether the target may search it
         * will show. */
        if (pin->location->directory[0] == '\0')
                r = open_base(pin, &fd);
        else
                r = pin_path(pin, &lookup, &fd, &in_host_root, ret_error);
        *ret_wants_helper = lookup.wants_helper;
        if (r == 0 && lookup.met_autofs)
                return meet_autofs(pin, ret_wants_helper);
        if (r != 0)
                return r;
        if (!pin->impersonation->acts) {
                r = take_unchanged(pin, fd, ret_wants_helper, ret_error);
                parent->in_host_root = in_host_root;
                return r;
        }
        if (*ret_error != 0)
                return 0;
        r = parent_take(parent, fd, pin->impersonation->host_mounts);
        parent->in_host_root = in_host_root;
        if (r < 0)
                return procfs_is_it(parent->fd) ? ask_procfs(pin, ret_error) : r;
        if (parent->is_autofs)
                return meet_autofs(pin, ret_wants_helper);
        *ret_wants_helper |= parent->object.ino == 0;
        return parent->is_inert ? look_into_procfs(pin, &lookup, ret_wants_helper, ret_error) : 0;
}

/* Opens what a helper needs to become the target and to find the parents. */
static int open_for_helper(Impersonation *impersonation, Request *request, bool in_our_namespace,
        HelperRequest *helper_request) {
        int r = in_our_namespace
                        ? 0
                        : target_open_user_namespace(request->target, &helper_request->user_namespace_fd);

        if (r == 0)
                r = target_open_root(request->target, &helper_request->root_fd);
        for (unsigned i = 0; r == 0 && i < request_n_locations(request); i++) {
                const Pin pin = {
                        impersonation, request, &request->locations[i], request->slot->arguments.dirfds[i]};

                r = open_base(&pin, &helper_request->base_fds[i]);
        }
        return r;
}

/* Takes the parents that a new helper has found. */
static int take_parents(Impersonation *impersonation, Request *request) {
        int r = 0;

        for (unsigned i = 0; r == 0 && i < request_n_locations(request); i++) {
                Parent *parent = &request->locations[i].parent;
                LedgerObject seen;
                int fd;

                helper_take_parent(impersonation->helper, i, &seen, &fd);
                r = parent_take(parent, fd, impersonation->host_mounts);
                if (parent->object.ino == 0) /* its file system shows it to the target's user alone */
                        parent->object.ino = seen.ino;
        }
        return r;
}

static int pin_by_helper(
        Impersonation *impersonation, Request *request, bool in_our_namespace, int *ret_error) {
        _cleanup_(helper_request_done) HelperRequest helper_request = {
                .request = request,
                .user_namespace_fd = -EBADF,
                .root_fd = -EBADF,
                .base_fds = {-EBADF, -EBADF},
                .impersonation = impersonation,
        };
        int r;

        r = open_for_helper(impersonation, request, in_our_namespace, &helper_request);
        if (r != 0)
                return r;
        /* Start no helper with the credentials of a process that has the dead target's number. */
        if (notification_is_gone(&request->notification))
                return REQUEST_GONE;
        r = helper_new(&helper_request, &impersonation->helper, ret_error);
        return r < 0 || *ret_error != 0 ? r : take_parents(impersonation, request);
}

static int pin_all_by_worker(
        Impersonation *impersonation, Request *request, bool *ret_wants_helper, int *ret_error) {
        int r = 0;

        for (unsigned i = 0; r == 0 && *ret_error == 0 && i < request_n_locations(request); i++) {
                const Pin pin = {
                        impersonation, request, &request->locations[i], request->slot->arguments.dirfds[i]};

                r = pin_by_worker(&pin, ret_wants_helper, ret_error);
                if (*ret_wants_helper)
                        break;
        }
        return r;
}

static int pin_all(Impersonation *impersonation, Request *request, int *ret_error) {
        bool wants_helper = false;
        int r;

        r = host_mounts_refresh(impersonation->host_mounts, request->slot->taken_usec);
        if (r < 0)
                return r;
        if (impersonation->acts && !request->facts.in_our_user_namespace)
                return pin_by_helper(impersonation, request, false, ret_error);
        r = pin_all_by_worker(impersonation, request, &wants_helper, ret_error);
        if (r != 0 || !wants_helper)
                return r;
        for (unsigned i = 0; i < LOCATIONS_MAX; i++)
                parent_release(&request->locations[i].parent);
        *ret_error = 0;
        r = impersonation_revert(impersonation);
        if (r == 0)
                r = request_need_facts(request, TASK_STATUS | TASK_USER_NAMESPACE);
        if (r != 0)
                return r;
        return pin_by_helper(impersonation, request, request->facts.in_our_user_namespace, ret_error);
}

static int enter_parent(Impersonation *impersonation, Parent *parent) {
        int r;

        if (!impersonation->acts && place_is_told_by_link(impersonation->host_mounts, parent))
                return 0;
        impersonation->rootdir.away = true;
        r = parent_enter(parent);
        if (r < 0 || parent->entered || parent->is_fuse)
                return r;
        /* The target must not; it gets its error when the call is made. */
        r = credentials_revert(impersonation->override);
        return r < 0 ? r : parent_enter(parent);
}

/* A file system may say EMFILE, and so does the kernel where the worker has no file descriptor left, which
 * is not the target's concern. */
static bool lacks_descriptors(const Request *request) {
        _cleanup_close_ int fd = fcntl(request->notification.listener_fd, F_DUPFD_CLOEXEC, 0);

        return fd < 0;
}

int pin_locations(Impersonation *impersonation, Request *request) {
        int error = 0, r = pin_all(impersonation, request, &error);

        if (r == -ENOTDIR || r == -EBADF) /* the path starts at no directory, or at no open descriptor */
                return request_fails(request, -r);
        if (r != 0)
                return r == TARGET_GONE ? REQUEST_GONE : r;
        if (error == EMFILE && lacks_descriptors(request))
                return -EMFILE;
        if (error != 0)
                return request_fails(request, error);
        return enter_parent(impersonation, &request->locations[0].parent);
}
