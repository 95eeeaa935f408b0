/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the configuration in a child process: then neither a slow file system nor a name service that does
 * not answer holds up the daemon, and the modules of such a service (nsswitch.conf(5)) are not loaded into
 * it. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

/* How long the child may take. */
#define POLICY_LOADER_PATIENCE_USEC 20000000U

typedef struct PolicyLoaderResult {
        /* 0; -EINVAL: messages say what is wrong; -ETIMEDOUT: the child took too long; -ECHILD: it was
         * killed, or could not say what is wrong; or the negative errno of what failed in the daemon */
        int error;
        const char *messages; /* each is 'e' (error) or 'w' (warning), a text, and a NUL */
        size_t messages_size;
        const char *text; /* the effective text, see effective-text.h; NULL after an error */
        size_t text_size;
        int text_fd; /* a memfd of the text, sealed; the loader owns it */
} PolicyLoaderResult;

typedef void (*PolicyLoaderFunction)(const PolicyLoaderResult *result, void *userdata);

typedef struct PolicyLoader PolicyLoader;

/* path stays the caller's, and outlives the loader.  Returns 0 or a negative errno.  policy_loader_free()
 * takes NULL and returns NULL; it kills a child that is running. */
int policy_loader_new(sd_event *event, const char *path, PolicyLoaderFunction on_result, void *userdata,
        PolicyLoader **ret);
PolicyLoader *policy_loader_free(PolicyLoader *loader);

/* Reads the files, in the state that they have now or later, and calls on_result() once that is done or has
 * failed.  Does not wait. */
void policy_loader_start(PolicyLoader *loader);

/* Is a child running? */
bool policy_loader_is_busy(const PolicyLoader *loader);

/* Reads the text of a result's text_fd, which an earlier daemon stored.  Returns 0 and the caller's text,
 * which ends with a NUL, -EBADMSG where the fd is not such a memfd, or another negative errno. */
int policy_loader_read_text(int text_fd, char **ret, size_t *ret_size);
