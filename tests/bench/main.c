/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The benchmark: what snotify costs, in one table.  This is the main process.  The rows take turns in small
 * batches, so that other load on the machine affects all of them alike.  The benchmark fails if a call has
 * the wrong result, never because it is slow. */

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lookup.h"
#include "memory.h"
#include "row.h"
#include "start.h"
#include "testbed.h"

#define ROUNDS 44U
#define BATCH 250U
#define STARTS 500U
#define SOCKET TESTBED "/socket"
#define CONFIG TESTBED "/conf"

enum { ROW_NATIVE, ROW_BARE, ROW_BARE_NEWCOMER, ROW_NEWCOMER, ROW_RELATIVE };

/* The sum of the first two is F, the least time that the kernel itself needs. */
static Row rows[] = {
        [ROW_NATIVE] = {.name = "native mkdir", .start = START_NATIVE, .kind = "relative"},
        [ROW_BARE] = {.name = "bare round trip", .start = START_BARE, .kind = "answered"},
        [ROW_BARE_NEWCOMER] = {.name = "bare, first call of a new process",
                .start = START_BARE,
                .kind = "answered newcomer"},
        [ROW_NEWCOMER] = {.name = "allowed, first call of a new process",
                .start = START_SNOTIFY,
                .kind = "newcomer"},
        [ROW_RELATIVE] = {.name = "allowed, relative path",
                .start = START_SNOTIFY,
                .kind = "relative",
                .goal = 3.1},
        {.name = "allowed, absolute path, 6 deep", .start = START_SNOTIFY, .kind = "absolute", .goal = 3.2},
        {.name = "allowed, dirfd", .start = START_SNOTIFY, .kind = "dirfd", .goal = 3.1},
        {.name = "allowed, 3 deep below where it is", .start = START_SNOTIFY, .kind = "below"},
        {.name = "allowed, relative path, as a user",
                .start = START_SNOTIFY_AS_USER,
                .kind = "relative",
                .goal = 3.4},
        {.name = "denied, relative path", .start = START_SNOTIFY, .kind = "denied", .goal = 2.9},
        {.name = "strace --seccomp-bpf", .start = START_STRACE, .kind = "relative"},
        {.name = "proot", .start = START_PROOT, .kind = "relative"},
        {.name = "supervisor as in seccomp_unotify(2)", .start = START_REFERENCE, .kind = "absolute"},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void start_rows(const Programs *programs) {
        /* A denied call is measured with its record. */
        testbed_write(CONFIG, "[limits]\nrecords-per-second = 1000000\n"
                              "[profile default]\ndefault = deny\n"
                              "[rule rows]\npath = " TESTBED "/*/\naction = allow\n"
                              "[rule denied]\npath = " TESTBED "/denied/\naction = deny\n");
        testbed_start_journal();
        (void)testbed_start_daemon(programs, CONFIG, SOCKET);
        for (size_t i = 0; i < N_ROWS; i++)
                row_start(&rows[i], programs, SOCKET, (unsigned)i);
}

static void run_rows(void) {
        for (size_t i = 0; i < N_ROWS; i++)
                row_warm_up(&rows[i], BATCH);
        for (unsigned round = 0; round < ROUNDS; round++)
                for (size_t i = 0; i < N_ROWS; i++)
                        row_run(&rows[i], BATCH);
}

static void print_row(Row *row, double f) {
        double median = samples_quantile(&row->samples, 0.5), p99 = samples_quantile(&row->samples, 0.99);

        if (row->absent) {
                (void)printf("%-38s %9s\n", row->name, "not installed");
                return;
        }
        (void)printf(
                "%-38s %9.2f %9.2f %8.2f %8.2f", row->name, median / 1000, p99 / 1000, median / f, p99 / f);
        if (row->goal > 0)
                (void)printf("   <= %.1f F", row->goal);
        (void)puts("");
}

static void print_rows(void) {
        double f = samples_quantile(&rows[ROW_NATIVE].samples, 0.5) +
                   samples_quantile(&rows[ROW_BARE].samples, 0.5);

        (void)printf("%-38s %9s %9s %8s %8s   %s\n", "one mkdir, in us and in F", "median", "p99",
                "median/F", "p99/F", "goal of the median");
        for (size_t i = 0; i < N_ROWS; i++)
                print_row(&rows[i], f);
        (void)printf("%-38s %9.2f\n", "F = native mkdir + bare round trip", f / 1000);
        (void)printf("%-38s %28.2f            <= 2.3\n", "first call of a new process, to the bare one",
                samples_quantile(&rows[ROW_NEWCOMER].samples, 0.5) /
                        samples_quantile(&rows[ROW_BARE_NEWCOMER].samples, 0.5));
}

static void print_start(const char *program, Start *start, const char *goal) {
        double base = samples_quantile(&start->bare, 0.5),
               median = samples_quantile(&start->supervised, 0.5);

        (void)printf("%-38s %9.1f %9.1f %8.2f\n", program, base / 1000,
                samples_quantile(&start->bare, 0.99) / 1000, 1.0);
        (void)printf("%-38s %9.1f %9.1f %8.2f            %s\n", "  through snotify-run", median / 1000,
                samples_quantile(&start->supervised, 0.99) / 1000, median / base, goal);
}

static void print_starts(Start *ordinary, Start *nothing) {
        (void)printf("\n%-36s %9s %9s %8s\n", "fork, exec and begin, in us", "median", "p99", "ratio");
        print_start("a program with libc, to main()", ordinary, "<= 1.8");
        print_start("one without, to its first instruction", nothing, "");
}

static void print_lookups(const Lookup *few, const Lookup *many) {
        (void)printf("\n%-36s %9s %9s %8s\n", "policy", "10 rules", "10000", "ratio");
        (void)printf("%-38s %9.3f %9.3f %8s            <= 100 ms\n", "loading the configuration, ms",
                few->load_ns / 1e6, many->load_ns / 1e6, "");
        (void)printf("%-38s %9.0f %9.0f %8.2f            <= 1\n", "lookup, the same paths, ns", few->one_ns,
                many->one_ns, many->one_ns / few->one_ns);
        (void)printf("%-38s %9.0f %9.0f %8.2f\n", "lookup, under each rule in turn, ns", few->in_turn_ns,
                many->in_turn_ns, many->in_turn_ns / few->in_turn_ns);
}

static void print_memory(const Memory *memory) {
        (void)printf("\n%-36s %9s\n", "memory, in KiB", "");
        (void)printf("%-38s %9.0f %29s <= 4096\n", "idle daemon, PSS", memory->daemon_kib, "");
        (void)printf(
                "%-38s %9.2f %29s <= 1.5\n", "one idle session, PSS in the daemon", memory->session_kib, "");
        (void)printf("%-38s %9.2f\n", "one idle session, its ledger", memory->ledger_kib);
}

static void print_machine(void) {
        char line[256], model[200] = "unknown CPU";
        struct utsname name;
        FILE *file = fopen("/proc/cpuinfo", "re");

        while (file && fgets(line, sizeof(line), file))
                if (sscanf(line, "model name : %199[^\n]", model) == 1)
                        break;
        if (file)
                (void)fclose(file);
        (void)uname(&name);
        (void)printf(
                "\n%s, %ld cores, %s %s, on tmpfs; %u calls per row, rows interleaved in batches of %u\n",
                model, sysconf(_SC_NPROCESSORS_ONLN), name.sysname, name.release, ROUNDS * BATCH, BATCH);
}

int main(int argc, char **argv) {
        Programs programs;
        Start ordinary = {}, nothing = {};
        Lookup few, many;
        Memory memory;
        MemoryTest *memory_test;

        if (argc != 6)
                errx(1, "use: meson test -C build --benchmark -v");
        programs = (Programs){argv[1], argv[2], argv[3], argv[4], argv[5]};
        testbed_enter(&programs);
        start_rows(&programs);
        memory_test = memory_begin(&programs, CONFIG);
        run_rows();
        memory_go_on(memory_test);
        start_measure(&programs, programs.ordinary, SOCKET, STARTS, &ordinary);
        start_measure(&programs, programs.nothing, SOCKET, STARTS, &nothing);
        lookup_measure(10, &few);
        lookup_measure(10000, &many);
        memory_end(memory_test, &memory);

        print_rows();
        print_starts(&ordinary, &nothing);
        print_lookups(&few, &many);
        print_memory(&memory);
        print_machine();
        return 0;
}
