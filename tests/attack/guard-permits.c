/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Uses the permit of one call for another one.  The filter sees each call that could create a directory, so
 * that a judged call and an unjudged one of the same thread never meet; here guard-hole opens a hole in the
 * filter after a call was judged and allowed.
 *
 *      guard-permits SOCKET TREE   SOCKET is guard-hole's; the rules allow TREE/open/ and deny TREE/shut/
 *
 * Prints "WAY: created", or an error, for each unjudged call.  Each is to be refused: most create a denied
 * directory, those that end in "-same" the very one that was allowed, by another call.  Exits with 0, or
 * with 255 and a reason where it cannot do what it wants. */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard-hole.h"

#define I386_MKDIR 39
#define PATH_SIZE 1024
#define TRIES_MAX 200

static const char *hole_path, *tree;

/* At addresses of 32 bits, for the other ABI.  The judged call names the first. */
static char *paths[2];

__attribute__((noreturn)) static void fail(const char *what, int error) {
        (void)printf("%s: %s\n", what, strerror(error));
        (void)fflush(stdout);
        _exit(255);
}

static void name(char *path, const char *where, const char *way) {
        (void)snprintf(path, PATH_SIZE, "%s/%s/%s", tree, where, way);
}

/* ---- the hole, which is one thread's ---- */

static int hole_connect(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        (void)strcpy(address.sun_path, hole_path);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                fail(hole_path, errno);
        return fd;
}

static void hole_ask(int fd, int what, pid_t tid) {
        HoleRequest request = {what, tid};
        int error = EPIPE;

        if (write(fd, &request, sizeof(request)) != sizeof(request) ||
                read(fd, &error, sizeof(error)) != sizeof(error) || error != 0)
                fail("guard-hole", error);
}

/* ---- the calls ---- */

typedef struct Call {
        long nr;
        uintptr_t arguments[3];
        bool is_i386; /* then rdi, rsi and rdx are as in the judged call, too */
} Call;

static long int80(long nr, uintptr_t b, uintptr_t c, const Call *judged) {
        long result;

        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"(nr), "b"(b), "c"(c), "d"(judged->arguments[2]), "D"(judged->arguments[0]),
                         "S"(judged->arguments[1])
                         : "memory", "r8", "r9", "r10", "r11");
        errno = (int)-result;
        return result < 0 ? -1 : result;
}

static long make(const Call *call, const Call *judged) {
        if (call->is_i386)
                return int80(call->nr, call->arguments[0], call->arguments[1], judged);
        return syscall(call->nr, call->arguments[0], call->arguments[1], call->arguments[2], 0, 0, 0);
}

static void make_judged(const Call *call) {
        if (make(call, call) < 0)
                fail("the judged call", errno);
        if (rmdir(paths[0]) < 0)
                fail(paths[0], errno);
}

static void make_unseen(const char *way, const Call *call, const Call *judged) {
        int fd = hole_connect(), error;

        hole_ask(fd, HOLE_OPEN, gettid());
        error = make(call, judged) < 0 ? errno : 0;
        hole_ask(fd, HOLE_CLOSE, gettid());
        (void)close(fd);
        (void)printf("%s: %s\n", way, error == 0 ? "created" : strerrorname_np(error));
        (void)fflush(stdout);
}

/* What was created where it is allowed; the test looks for the rest. */
static void clean(const char *way) {
        char path[PATH_SIZE];

        name(path, "open", way);
        (void)rmdir(path);
}

static Call judged_call(const char *way) {
        name(paths[0], "open", way);
        return (Call){.nr = SYS_mkdir, .arguments = {(uintptr_t)paths[0], 0755}};
}

/* ---- of the same thread ---- */

static void try_without_any(void) {
        Call call = judged_call("none");

        name(paths[0], "shut", "none");
        make_unseen("none", &call, &call);
}

static void try_memory(void) {
        Call call = judged_call("memory");

        make_judged(&call);
        name(paths[0], "shut", "memory");
        make_unseen("memory", &call, &call);
}

static void try_arguments(void) {
        Call judged = judged_call("argument"), call = judged;

        make_judged(&judged);
        call.arguments[0] = (uintptr_t)paths[1];
        name(paths[1], "shut", "argument");
        make_unseen("argument", &call, &judged);
        name(paths[1], "open", "argument");
        make_unseen("argument-same", &call, &judged);
        clean("argument");
        call = judged;
        call.arguments[1] = 0700;
        make_unseen("mode-same", &call, &judged);
        clean("argument");
        call = judged;
        call.arguments[2] = 1; /* mkdir(2) does not look at it */
        make_unseen("third-argument-same", &call, &judged);
        clean("argument");
}

/* What is a mode to mkdir(2) is the path to mkdirat(2), which ignores a descriptor before an absolute one.
 */
static void try_other_call(const char *way, const char *where) {
        Call judged = judged_call(way), call;

        judged.arguments[1] = (uintptr_t)paths[1];
        judged.arguments[2] = 0755;
        name(paths[1], where, way);
        make_judged(&judged);
        call = judged;
        call.nr = SYS_mkdirat;
        make_unseen(way, &call, &judged);
        clean(way);
}

static void try_other_abi(const char *way, const char *where) {
        Call judged = judged_call(way), call = {.nr = I386_MKDIR, .is_i386 = true};

        make_judged(&judged);
        name(paths[0], where, way);
        call.arguments[0] = judged.arguments[0];
        call.arguments[1] = judged.arguments[1];
        make_unseen(way, &call, &judged);
        clean(way);
}

/* ---- of another one ---- */

typedef struct Twin {
        const char *way;
        Call call;
        pid_t tid; /* of the thread that makes the judged call */
        bool is_reused;
} Twin;

static void *make_judged_in_thread(void *argument) {
        Twin *twin = argument;

        twin->tid = gettid();
        make_judged(&twin->call);
        return NULL;
}

static void *make_unseen_in_thread(void *argument) {
        Twin *twin = argument;

        twin->is_reused = gettid() == twin->tid;
        if (twin->tid == 0 || twin->is_reused)
                make_unseen(twin->way, &twin->call, &twin->call);
        return NULL;
}

static void run_thread(void *(*function)(void *), Twin *twin) {
        pthread_t thread;
        int error = pthread_create(&thread, NULL, function, twin);

        if (error == 0)
                error = pthread_join(thread, NULL);
        if (error != 0)
                fail("a thread", error);
}

static void try_other_thread(const char *way, const char *where) {
        Twin twin = {.way = way, .call = judged_call(way)};

        make_judged(&twin.call);
        name(paths[0], where, way);
        run_thread(make_unseen_in_thread, &twin);
        clean(way);
}

static void try_other_process(const char *way, const char *where) {
        Call judged = judged_call(way);
        int status;
        pid_t pid;

        make_judged(&judged);
        name(paths[0], where, way);
        pid = fork();
        if (pid == 0) {
                make_unseen(way, &judged, &judged);
                _exit(0);
        }
        if (waitpid(pid, &status, 0) != pid || status != 0)
                fail("a child", ECHILD);
        clean(way);
}

/* Another process may take the number first; then once more. */
static void try_reused_tid(const char *way, const char *where) {
        Twin twin = {.way = way};
        int fd = hole_connect();

        for (unsigned i = 0; i < TRIES_MAX && !twin.is_reused; i++) {
                twin.call = judged_call(way);
                run_thread(make_judged_in_thread, &twin);
                name(paths[0], where, way);
                hole_ask(fd, HOLE_NEXT, twin.tid);
                (void)close(fd); /* guard-hole serves one client after the other */
                run_thread(make_unseen_in_thread, &twin);
                fd = hole_connect();
        }
        (void)close(fd);
        if (!twin.is_reused)
                fail("the number of a thread that is gone", EAGAIN);
        clean(way);
}

int main(int argc, char **argv) {
        if (argc != 3)
                return 255;
        hole_path = argv[1];
        tree = argv[2];
        paths[0] = mmap(NULL, (size_t)2 * PATH_SIZE, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        if (paths[0] == MAP_FAILED)
                fail("memory", errno);
        paths[1] = paths[0] + PATH_SIZE;
        try_without_any();
        try_memory();
        try_arguments();
        try_other_call("call", "shut");
        try_other_call("call-same", "open");
        try_other_thread("thread", "shut");
        try_other_thread("thread-same", "open");
        try_other_process("process", "shut");
        try_other_process("process-same", "open");
        try_reused_tid("tid", "shut");
        try_reused_tid("tid-same", "open");
        try_other_abi("abi", "shut");
        try_other_abi("abi-same", "open");
        return 0;
}
