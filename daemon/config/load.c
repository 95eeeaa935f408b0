/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds and reads the files of a configuration, and has their sections compiled.  Owns sections and policy
 * until it returns.  Run by the daemon's child that loads the configuration and by --check-config; the
 * daemon itself compiles effective texts alone.  It must never stop at the first error.
 *
 * Every file is read before any section is compiled, so that the order of files and sections does not
 * matter. */

#include "config/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "config/compile.h"
#include "config/effective-text.h"
#include "config/sections.h"
#include "config/trust.h"

DEFINE_CLEANUP(Policy, policy_free)

static int is_drop_in(const struct dirent *entry) {
        size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* Unlike alphasort(3) the same in every locale. */
static int drop_in_compare(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_drop_in(Sections *sections, const char *directory, const char *name) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s", directory, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return sections_read(sections, path);
}

static void report_unreadable(Sections *sections, const char *path, const char *why, const char *remedy) {
        sections_error(sections, path, 0, "%s%s%s", why, remedy ? " " : "", remedy ?: "");
        sections->incomplete = true;
}

/* Reports where the directory cannot be opened, and where other users can change it. */
static void check_directory(Sections *sections, const char *path, TrustKind kind) {
        _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat status;
        const char *fault;

        if (fd < 0 || fstat(fd, &status) < 0) {
                if (errno != ENOENT)
                        report_unreadable(sections, path, strerror(errno), NULL);
                return;
        }
        fault = trust_fault(&status, kind);
        if (fault)
                report_unreadable(sections, path, fault, path);
}

static int read_directory(Sections *sections, const char *directory) {
        unsigned n_errors = sections->n_errors;
        struct dirent **entries;
        int count, r = 0;

        check_directory(sections, directory, TRUST_FILE);
        if (sections->n_errors != n_errors)
                return 0;
        count = scandir(directory, &entries, is_drop_in, drop_in_compare);
        if (count < 0) {
                if (errno != ENOENT)
                        report_unreadable(sections, directory, strerror(errno), NULL);
                return 0;
        }
        for (int i = 0; i < count; i++) {
                if (r == 0)
                        r = read_drop_in(sections, directory, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        return r;
}

/* A user that can replace the file has no need to write to it. */
static int check_parent(Sections *sections, const char *path) {
        _cleanup_free_ char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        check_directory(sections, dirname(copy), TRUST_DIRECTORY);
        return 0;
}

static int read_files(Sections *sections, const char *path) {
        _cleanup_free_ char *directory = NULL;
        int r;

        if (asprintf(&directory, "%s.d", path) < 0) {
                directory = NULL;
                return -ENOMEM;
        }
        r = check_parent(sections, path);
        if (r >= 0)
                r = sections_read(sections, path);
        return r < 0 ? r : read_directory(sections, directory);
}

int config_load(const char *path, uint64_t generation, ConfigMessageFunction on_message, void *userdata,
        char **ret_text, Policy **ret) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        _cleanup_(sections_done) Sections sections;
        int r;

        sections_init(&sections, on_message, userdata);
        r = policy_new(generation, &policy);
        if (r >= 0)
                r = read_files(&sections, path);
        if (r >= 0)
                r = config_compile(&sections, path, policy);
        if (r < 0)
                return r;
        if (sections.n_errors > 0)
                return -EINVAL;
        if (ret_text) {
                r = effective_text_write(&sections, ret_text);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(policy);
        return 0;
}

int config_load_effective(const char *text, size_t size, uint64_t generation,
        ConfigMessageFunction on_message, void *userdata, Policy **ret) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        _cleanup_(sections_done) Sections sections;
        int r;

        sections_init(&sections, on_message, userdata);
        r = policy_new(generation, &policy);
        if (r >= 0)
                r = sections_read_effective(&sections, text, size);
        if (r >= 0)
                r = config_compile(&sections, SECTIONS_EFFECTIVE, policy);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(policy);
        return 0;
}
