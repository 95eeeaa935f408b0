/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the configuration in a child, which does nothing but config_load().  Run by the daemon.  A
 * PolicyLoader owns the child and the two memfds that the child writes: messages, and the effective text.
 * The daemon must never wait for the child to read. */

#include "policy-loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/child.h"
#include "common/ownership.h"
#include "common/privileges.h"
#include "config/load.h"

#define TEXT_SIZE_MAX ((off_t)256 * 1024 * 1024)
#define TEXT_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* How long a child that was killed may take to die before it has read anything. */
#define CHILD_DEATH_MSEC 1000

/* The child's exit status. */
enum {
        CHILD_LOADED = 0,
        CHILD_MUTE = 1,     /* failed, and could not write why */
        CHILD_REJECTED = 2, /* the last messages say why */
};

DEFINE_CLEANUP(Policy, policy_free)

struct PolicyLoader {
        sd_event *event;
        const char *path;
        PolicyLoaderFunction on_result;
        void *userdata;
        pid_t pid;  /* 0: no child is running */
        bool again; /* start another one as soon as it ends */
        int text_fd;
        int messages_fd;
        sd_event_source *child_source;
        sd_event_source *timer_source;
};

static int write_all(int fd, const char *bytes, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, bytes, size);

                if (n < 0)
                        return -errno;
                bytes += n;
                size -= (size_t)n;
        }
        return 0;
}

/* Run by the child. */
static void on_message(ConfigSeverity severity, const char *message, void *userdata) {
        const PolicyLoader *loader = userdata;
        const char kind = severity == CONFIG_WARNING ? 'w' : 'e';

        if (write_all(loader->messages_fd, &kind, 1) < 0 ||
                write_all(loader->messages_fd, message, strlen(message) + 1) < 0)
                _exit(CHILD_MUTE);
}

/* Ends the child with a message.  Allocates nothing, for memory may be what is missing. */
__attribute__((noreturn)) static void child_fail(const PolicyLoader *loader, const char *what, int error) {
        char message[PATH_MAX + 128];

        (void)snprintf(message, sizeof(message), "%s: %s: %s", loader->path, what, strerror(-error));
        on_message(CONFIG_ERROR, message, (void *)loader);
        _exit(CHILD_REJECTED);
}

__attribute__((noreturn)) static void child_run(const PolicyLoader *loader) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        r = privileges_reduce(CAP_DAC_READ_SEARCH); /* the files may belong to any user */
        if (r < 0)
                child_fail(loader, "the process that reads it cannot give up its capabilities", r);
        r = config_load(loader->path, 1, on_message, (void *)loader, &text, &policy);
        if (r == -EINVAL)
                _exit(CHILD_REJECTED);
        if (r < 0)
                child_fail(loader, "it cannot be read", r);
        r = write_all(loader->text_fd, text, strlen(text));
        if (r < 0)
                child_fail(loader, "the process that reads it cannot pass it on", r);
        _exit(CHILD_LOADED);
}

static void loader_forget_child(PolicyLoader *loader) {
        loader->pid = 0;
        loader->child_source = sd_event_source_unref(loader->child_source);
        loader->timer_source = sd_event_source_unref(loader->timer_source);
}

static void loader_close(PolicyLoader *loader) {
        loader->text_fd = fd_close(loader->text_fd);
        loader->messages_fd = fd_close(loader->messages_fd);
}

/* Reads the memfd, and adds a NUL.  Returns 0 and the caller's bytes, -EBADMSG where they are too many, or
 * another negative errno. */
static int read_all(int fd, char **ret, size_t *ret_size) {
        _cleanup_free_ char *bytes = NULL;
        struct stat status;
        ssize_t n;

        if (fstat(fd, &status) < 0)
                return -errno;
        if (status.st_size > TEXT_SIZE_MAX)
                return -EBADMSG;
        bytes = calloc(1, (size_t)status.st_size + 1);
        if (!bytes)
                return -ENOMEM;
        n = pread(fd, bytes, (size_t)status.st_size, 0);
        if (n != status.st_size)
                return n < 0 ? -errno : -EBADMSG;
        *ret = TAKE_PTR(bytes);
        *ret_size = (size_t)n;
        return 0;
}

static int seal_text(int fd) {
        return fcntl(fd, F_ADD_SEALS, TEXT_SEALS) < 0 ? -errno : 0;
}

int policy_loader_read_text(int text_fd, char **ret, size_t *ret_size) {
        int seals = fcntl(text_fd, F_GET_SEALS);

        if (seals < 0 || (seals & TEXT_SEALS) != TEXT_SEALS)
                return -EBADMSG;
        return read_all(text_fd, ret, ret_size);
}

static void loader_deliver(PolicyLoader *loader, int error) {
        _cleanup_free_ char *text = NULL, *messages = NULL;
        PolicyLoaderResult result = {.error = error, .text_fd = loader->text_fd};
        int r = 0;

        if (loader->messages_fd >= 0)
                r = read_all(loader->messages_fd, &messages, &result.messages_size);
        if (r >= 0 && error == 0)
                r = seal_text(loader->text_fd);
        if (r >= 0 && error == 0)
                r = read_all(loader->text_fd, &text, &result.text_size);
        if (r < 0)
                result.error = r;
        result.messages = messages;
        result.text = text;
        loader->on_result(&result, loader->userdata);
        loader_close(loader);
        if (!loader->again)
                return;
        loader->again = false;
        policy_loader_start(loader);
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
        PolicyLoader *loader = userdata;

        if (info->si_pid != loader->pid) { /* on_timeout() has given it up */
                (void)sd_event_source_set_floating(source, false);
                return 0;
        }
        loader_forget_child(loader);
        if (info->si_code == CLD_EXITED && info->si_status == CHILD_LOADED)
                loader_deliver(loader, 0);
        else if (info->si_code == CLD_EXITED && info->si_status == CHILD_REJECTED)
                loader_deliver(loader, -EINVAL);
        else
                loader_deliver(loader, -ECHILD);
        return 0;
}

/* Gives the child up.  Where it hangs in the kernel, SIGKILL ends it only later: sd-event reaps it then. */
static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        PolicyLoader *loader = userdata;

        (void)source;
        (void)usec;
        (void)kill(loader->pid, SIGKILL);
        (void)sd_event_source_set_floating(loader->child_source, true);
        loader_forget_child(loader);
        loader_deliver(loader, -ETIMEDOUT);
        return 0;
}

static int loader_watch(PolicyLoader *loader) {
        int r;

        r = sd_event_add_child(loader->event, &loader->child_source, loader->pid, WEXITED, on_child, loader);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(loader->event, &loader->timer_source, CLOCK_MONOTONIC,
                POLICY_LOADER_PATIENCE_USEC, 0, on_timeout, loader);
}

static int loader_fork(PolicyLoader *loader) {
        int r;

        loader->text_fd = memfd_create("snotify-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        loader->messages_fd = memfd_create("snotify-messages", MFD_CLOEXEC);
        if (loader->text_fd < 0 || loader->messages_fd < 0)
                return -errno;
        loader->pid = child_fork("snotifyd-config", (const int[]){loader->text_fd, loader->messages_fd}, 2);
        if (loader->pid == 0)
                child_run(loader);
        if (loader->pid < 0) {
                r = (int)loader->pid;
                loader->pid = 0;
                return r;
        }
        r = loader_watch(loader);
        if (r < 0) {
                pid_t pid = loader->pid;

                /* No event source is left that reaps it. */
                loader_forget_child(loader);
                (void)kill(pid, SIGKILL);
                (void)child_wait(pid, CHILD_DEATH_MSEC, NULL);
        }
        return r;
}

void policy_loader_start(PolicyLoader *loader) {
        int r;

        if (loader->pid != 0) {
                loader->again = true;
                return;
        }
        r = loader_fork(loader);
        if (r < 0)
                loader_deliver(loader, r);
}

bool policy_loader_is_busy(const PolicyLoader *loader) {
        return loader->pid != 0;
}

int policy_loader_new(sd_event *event, const char *path, PolicyLoaderFunction on_result, void *userdata,
        PolicyLoader **ret) {
        PolicyLoader *loader = calloc(1, sizeof(*loader));

        if (!loader)
                return -ENOMEM;
        *loader = (PolicyLoader){
                .event = sd_event_ref(event),
                .path = path,
                .on_result = on_result,
                .userdata = userdata,
                .text_fd = -EBADF,
                .messages_fd = -EBADF,
        };
        *ret = loader;
        return 0;
}

PolicyLoader *policy_loader_free(PolicyLoader *loader) {
        if (!loader)
                return NULL;
        if (loader->pid != 0) {
                (void)kill(loader->pid, SIGKILL);
                loader_forget_child(loader);
        }
        loader_close(loader);
        sd_event_unref(loader->event);
        free(loader);
        return NULL;
}
