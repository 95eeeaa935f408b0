/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds config_load() a file, and after each form feed a drop-in.  A refused configuration has an error, an
 * accepted one has none; each message is one printable line; loading the files again has the same result.
 * The effective text of an accepted configuration loads without a message; any other input can be loaded as
 * an effective text without a crash.  The files are on a tmpfs in a mount namespace of this process. */

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <nss.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/ownership.h"
#include "config/load.h"

#define DROP_INS 2U
#define GENERATION 42U

DEFINE_CLEANUP(Policy, policy_free)

static char path[64];
static int drop_in_fd = -EBADF, main_fd = -EBADF;

typedef struct Messages {
        unsigned n_errors;
        char *all;
} Messages;

static int make_tmpfs(void) {
        int context_fd = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);

        if (context_fd < 0 || syscall(SYS_fsconfig, context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        return (int)syscall(SYS_fsmount, context_fd, FSMOUNT_CLOEXEC, 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        int fd = make_tmpfs();

        (void)argc;
        (void)argv;
        if (fd < 0) {
                (void)puts("1..0 # SKIP only root can mount a tmpfs");
                exit(EXIT_SKIP);
        }
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/main", fd);
        HOLDS(mkdirat(fd, "main.d", 0700) == 0);
        drop_in_fd = openat(fd, "main.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        main_fd = openat(fd, "main", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        HOLDS(drop_in_fd >= 0 && main_fd >= 0);
        /* Others than files would be asked over sockets, at each name that there isn't. */
        HOLDS(__nss_configure_lookup("passwd", "files") == 0 &&
                __nss_configure_lookup("group", "files") == 0);
        return 0;
}

static void fill(int fd, const Input *part) {
        HOLDS(ftruncate(fd, 0) == 0);
        HOLDS(pwrite(fd, part->at, part->left, 0) == (ssize_t)part->left);
}

/* Takes the input up to the next form feed, which it drops, or all of the rest. */
static Input take_part(Input *input) {
        const uint8_t *end = input->left > 0 ? memchr(input->at, '\f', input->left) : NULL;
        Input part = {input->at, end ? (size_t)(end - input->at) : input->left};
        size_t taken = part.left + (end ? 1 : 0);

        input->at += taken;
        input->left -= taken;
        return part;
}

static void write_drop_in(unsigned number, const Input *part) {
        const char name[] = {(char)('a' + number), '.', 'c', 'o', 'n', 'f', '\0'};
        _cleanup_close_ int fd = openat(drop_in_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        HOLDS(fd >= 0);
        fill(fd, part);
}

static void write_files(Input input) {
        Input part = take_part(&input);

        fill(main_fd, &part);
        for (unsigned i = 0; i < DROP_INS; i++) {
                part = take_part(&input);
                write_drop_in(i, &part);
        }
}

static void on_message(ConfigSeverity severity, const char *message, void *userdata) {
        Messages *messages = userdata;
        char *all;

        for (const char *at = message; *at != '\0'; at++)
                HOLDS(((uint8_t)*at >= 0x20 || *at == '\t') && *at != 0x7f);
        HOLDS(asprintf(&all, "%s%s\n", messages->all ? messages->all : "", message) >= 0);
        free(messages->all);
        messages->all = all;
        messages->n_errors += severity == CONFIG_ERROR;
}

static void on_any_message(ConfigSeverity severity, const char *message, void *userdata) {
        (void)severity;
        (void)userdata;
        HOLDS(message[0] != '\0');
}

/* What an accepted configuration is kept as. */
static void check_effective(const char *text) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        Messages messages = {};

        HOLDS(config_load_effective(text, strlen(text), GENERATION, on_message, &messages, &policy) == 0);
        HOLDS(!messages.all);
        HOLDS(policy_generation(policy) == GENERATION);
}

static void check_any_effective(const uint8_t *bytes, size_t size) {
        _cleanup_(policy_free_p) Policy *policy = NULL;

        HOLDS(config_load_effective((const char *)bytes, size, GENERATION, on_any_message, NULL, &policy) ==
                0);
}

static void load(Messages *messages) {
        _cleanup_(policy_free_p) Policy *policy = NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        r = config_load(path, GENERATION, on_message, messages, &text, &policy);
        HOLDS(r == 0 || r == -EINVAL);
        HOLDS((r == 0) == (messages->n_errors == 0));
        HOLDS((r == 0) == (policy != NULL) && (r == 0) == (text != NULL));
        HOLDS(!messages->all || strncmp(messages->all, path, strlen(path)) == 0);
        if (r < 0)
                return;
        HOLDS(policy_generation(policy) == GENERATION);
        check_effective(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        Messages first = {}, second = {};

        write_files((Input){bytes, size});
        load(&first);
        load(&second);
        HOLDS(first.n_errors == second.n_errors);
        HOLDS(!first.all || strcmp(first.all, second.all) == 0);
        free(first.all);
        free(second.all);
        check_any_effective(bytes, size);
        return 0;
}
