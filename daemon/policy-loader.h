/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the configuration in a child, so that neither a slow file system nor a name service that does not
 * answer holds up the daemon, and so that what such a service brings along (nsswitch.conf(5)) is not loaded
 * into it. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

/* For how long the child may take. */
#define POLICY_LOADER_PATIENCE_USEC 20000000U

/* What came of it. */
typedef struct PolicyLoaderResult {
        int error;            /* 0; -EINVAL: messages say what is wrong; or another negative errno */
        const char *messages; /* each is 'e' (error) or 'w' (warning), a text, and a NUL */
        size_t messages_size;
        const char *text; /* 0: the effective text, see effective-text.h */
        size_t text_size;
        int text_fd; /* holds it, sealed; the loader's */
} PolicyLoaderResult;

typedef void (*PolicyLoaderFunction)(const PolicyLoaderResult *result, void *userdata);

typedef struct PolicyLoader PolicyLoader;

/* path stays the caller's.  Returns 0 or a negative errno.  policy_loader_free() takes NULL and returns
 * NULL, and kills a child that is at work. */
int policy_loader_new(sd_event *event, const char *path, PolicyLoaderFunction on_result, void *userdata,
        PolicyLoader **ret);
PolicyLoader *policy_loader_free(PolicyLoader *loader);

/* Reads the files as they are now or later, and calls on_result in the end, also for what goes wrong here.
 */
void policy_loader_start(PolicyLoader *loader);

/* Is a child at work? */
bool policy_loader_is_busy(const PolicyLoader *loader);

/* Reads what policy_loader_start() left in text_fd for a later daemon.  Returns 0 and the caller's text,
 * which ends with a NUL, -EBADMSG where the fd is nothing of the kind, or another negative errno. */
int policy_loader_read_text(int text_fd, char **ret, size_t *ret_size);
