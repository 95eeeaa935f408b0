/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snotify-run: puts itself under supervision and becomes the command.  Linear, and short-lived: whatever
 * fails before the exec ends it with status 125. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/protocol.h"
#include "common/stdio-fill.h"
#include "handshake.h"

/* As env(1), nohup(1) and timeout(1) have it. */
enum {
        EXIT_OURS = 125,
        EXIT_CANNOT_EXECUTE = 126,
        EXIT_NOT_FOUND = 127,
};

typedef struct Options {
        const char *socket_path;
        const char *profile;
        const char *label;
        char **command;
} Options;

static void print_help(void) {
        (void)puts("Usage: snotify-run [OPTION...] [--] COMMAND [ARG...]\n"
                   "\n"
                   "Runs COMMAND, which can create directories only where snotifyd allows it.\n"
                   "\n"
                   "      --profile NAME  judge by the rules of profile NAME instead of \"default\"\n"
                   "      --label TEXT    show TEXT in the session's journal records\n"
                   "      --socket PATH   connect to PATH instead of " PROTOCOL_SOCKET "\n"
                   "      --help          show this\n"
                   "      --version       show the version\n"
                   "\n"
                   "Exit status: 125 if COMMAND could not be supervised and was not started,\n"
                   "126 if it cannot be executed, 127 if it was not found, else that of COMMAND.\n"
                   "See snotify-run(1), snotifyd(8).");
}

/* Returns 1 to go on, 0 when all is done, -1 after saying what is wrong. */
static int parse_options(int argc, char **argv, Options *ret) {
        enum { OPTION_PROFILE = 256, OPTION_SOCKET, OPTION_LABEL, OPTION_HELP, OPTION_VERSION };
        static const struct option options[] = {
                {"profile", required_argument, NULL, OPTION_PROFILE},
                {"socket", required_argument, NULL, OPTION_SOCKET},
                {"label", required_argument, NULL, OPTION_LABEL},
                {"help", no_argument, NULL, OPTION_HELP},
                {"version", no_argument, NULL, OPTION_VERSION},
                {},
        };
        int option;

        /* "+": the first word that is not an option is COMMAND; all words after it are its arguments. */
        while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                switch (option) {
                case OPTION_PROFILE:
                        ret->profile = optarg;
                        break;
                case OPTION_SOCKET:
                        ret->socket_path = optarg;
                        break;
                case OPTION_LABEL:
                        ret->label = optarg;
                        break;
                case OPTION_HELP:
                        print_help();
                        return 0;
                case OPTION_VERSION:
                        (void)puts("snotify-run " VERSION);
                        return 0;
                default:
                        (void)fputs("Try 'snotify-run --help'.\n", stderr);
                        return -1;
                }
        if (optind >= argc) {
                (void)fputs("snotify-run: no command given\nTry 'snotify-run --help'.\n", stderr);
                return -1;
        }
        ret->command = argv + optind;
        return 1;
}

static int execute(char **command) {
        int error;

        (void)execvp(command[0], command);
        error = errno;
        (void)fprintf(stderr, "snotify-run: cannot execute %s: %s\n", command[0], strerror(error));
        return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
}

int main(int argc, char **argv) {
        Options options = {.socket_path = PROTOCOL_SOCKET, .profile = "default", .label = ""};
        uint64_t session_id;
        char text[17];
        int r;

        /* exec(2) closes them again, so that COMMAND finds them closed.  O_PATH: as before, nothing can be
         * read or written there.  Unlike /dev/null, the root directory always exists. */
        r = stdio_fill("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (r < 0) {
                (void)fprintf(stderr, "snotify-run: cannot open /: %s\n", strerror(-r));
                return EXIT_OURS;
        }
        r = parse_options(argc, argv, &options);
        if (r <= 0)
                return r < 0 ? EXIT_OURS : EXIT_SUCCESS;
        if (handshake(options.socket_path, options.profile, options.label, &session_id) < 0)
                return EXIT_OURS;

        (void)snprintf(text, sizeof(text), "%016" PRIx64, session_id);
        if (setenv("SNOTIFY_SESSION", text, 1) < 0) {
                (void)fprintf(stderr, "snotify-run: cannot set SNOTIFY_SESSION: %s\n", strerror(errno));
                return EXIT_OURS;
        }
        return execute(options.command);
}
