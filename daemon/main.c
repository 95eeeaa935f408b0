/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snotifyd's command line.  Owns the options and the reporter; the manager owns everything else. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"
#include "common/privileges.h"
#include "common/protocol.h"
#include "common/report.h"
#include "common/stdio-fill.h"
#include "config/load.h"
#include "guard/set-up.h"
#include "manager.h"
#include "policy/policy.h"
#include "reader/set-up.h"

typedef struct Options {
        ManagerOptions manager;
        ReportTarget log_target;
        bool check_config;
} Options;

static void print_help(void) {
        (void)puts("Usage: snotifyd [OPTION...]\n"
                   "\n"
                   "Creates directories on behalf of programs started by snotify-run, where the rules\n"
                   "in " CONFIG_PATH " allow it.\n"
                   "\n"
                   "      --config FILE          read FILE (and FILE.d/*.conf) instead of " CONFIG_PATH "\n"
                   "      --socket PATH          listen on PATH instead of " PROTOCOL_SOCKET ";\n"
                   "                             a socket passed by systemd takes precedence\n"
                   "      --check-config [FILE]  check the configuration and exit\n"
                   "      --log-target TARGET    auto (default), journal or stderr\n"
                   "      --help                 show this\n"
                   "      --version              show the version\n"
                   "\n"
                   "SIGHUP reloads the configuration, SIGTERM and SIGINT stop.\n"
                   "See snotifyd(8), snotify.conf(5), snotify-run(1).");
}

static int parse_log_target(const char *name, ReportTarget *ret) {
        static const char *const names[] = {
                [REPORT_TO_AUTO] = "auto",
                [REPORT_TO_JOURNAL] = "journal",
                [REPORT_TO_STDERR] = "stderr",
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (strcmp(name, names[i]) == 0) {
                        *ret = (ReportTarget)i;
                        return 0;
                }
        (void)fprintf(stderr, "snotifyd: unknown log target \"%s\"; use auto, journal or stderr\n", name);
        return -EINVAL;
}

/* Returns 1 to go on, 0 where the options ask for nothing more, or -EINVAL after a message. */
static int parse_options(int argc, char **argv, Options *ret) {
        enum {
                OPTION_CONFIG = 256,
                OPTION_SOCKET,
                OPTION_CHECK_CONFIG,
                OPTION_LOG_TARGET,
                OPTION_HELP,
                OPTION_VERSION
        };
        static const struct option options[] = {
                {"config", required_argument, NULL, OPTION_CONFIG},
                {"socket", required_argument, NULL, OPTION_SOCKET},
                {"check-config", optional_argument, NULL, OPTION_CHECK_CONFIG},
                {"log-target", required_argument, NULL, OPTION_LOG_TARGET},
                {"help", no_argument, NULL, OPTION_HELP},
                {"version", no_argument, NULL, OPTION_VERSION},
                {},
        };
        int option;

        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (option) {
                case OPTION_CONFIG:
                        ret->manager.config_path = optarg;
                        break;
                case OPTION_SOCKET:
                        ret->manager.socket_path = optarg;
                        break;
                case OPTION_CHECK_CONFIG:
                        ret->check_config = true;
                        if (optarg)
                                ret->manager.config_path = optarg;
                        break;
                case OPTION_LOG_TARGET:
                        if (parse_log_target(optarg, &ret->log_target) < 0)
                                return -EINVAL;
                        break;
                case OPTION_HELP:
                        print_help();
                        return 0;
                case OPTION_VERSION:
                        (void)puts("snotifyd " VERSION);
                        return 0;
                default:
                        (void)fputs("Try 'snotifyd --help'.\n", stderr);
                        return -EINVAL;
                }
        if (ret->check_config && optind == argc - 1) /* --check-config FILE, without "=" */
                ret->manager.config_path = argv[optind++];
        if (optind < argc) {
                (void)fprintf(stderr, "snotifyd: unexpected argument \"%s\"; try 'snotifyd --help'\n",
                        argv[optind]);
                return -EINVAL;
        }
        return 1;
}

static void on_config_message(ConfigSeverity severity, const char *message, void *userdata) {
        (void)severity;
        (void)userdata;
        (void)fprintf(stderr, "%s\n", message);
}

static int check_config(const char *path) {
        Policy *policy;
        int r;

        r = config_load(path, 1, on_config_message, NULL, NULL, &policy);
        if (r == -ENOMEM)
                (void)fprintf(stderr, "snotifyd: out of memory\n");
        if (r < 0)
                return EXIT_FAILURE;
        policy_free(policy);
        (void)printf("%s: OK\n", path);
        return EXIT_SUCCESS;
}

DEFINE_CLEANUP(Guard, guard_free)

static int run(const Options *options) {
        ManagerOptions manager_options = options->manager;
        _cleanup_(guard_free_p) Guard *guard = NULL;
        _cleanup_close_ int guard_dir_fd = -EBADF, reader_fd = -EBADF;
        ReaderSetUp reader;
        GuardSetUp set_up;
        Manager *manager;
        Report *report;
        int r;

        guard_set_up(&set_up); /* needs more capabilities than the daemon keeps */
        guard = set_up.guard;
        guard_dir_fd = set_up.dir_fd;
        manager_options.guard = &set_up;
        reader_set_up(&reader);
        reader_fd = reader.program_fd;
        manager_options.reader = &reader;
        r = privileges_limit();
        if (r < 0) {
                (void)fprintf(stderr, "snotifyd: cannot give up capabilities: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        /* Neither the daemon nor a worker dies because the reader of its stderr has exited. */
        (void)signal(SIGPIPE, SIG_IGN);
        r = report_new(options->log_target, &report);
        if (r < 0) {
                (void)fprintf(stderr, "snotifyd: cannot connect to the journal: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        r = manager_new(&manager_options, report, &manager);
        if (r >= 0) {
                r = manager_run(manager);
                manager_free(manager);
        }
        report_free(report);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        Options options = {
                .manager = {.config_path = CONFIG_PATH, .socket_path = PROTOCOL_SOCKET},
                .log_target = REPORT_TO_AUTO,
        };
        int r;

        /* Before anything is opened: children inherit standard streams, which must not be a socket or a
         * listener. */
        r = stdio_fill("/dev/null", O_RDWR);
        if (r < 0) {
                (void)fprintf(stderr, "snotifyd: cannot open /dev/null: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        r = parse_options(argc, argv, &options);
        if (r <= 0)
                return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (options.check_config)
                return check_config(options.manager.config_path);
        return run(&options);
}
