/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates directories by way of an overlay: a change to what is in a lower directory makes the kernel create
 * that directory and those above it in the upper one, in calls that no filter asks about.
 *
 *      guard-overlays MERGED [ALLOWED]   changes things in MERGED/WAY/dir, one per way, and prints "WAY:
 *                                        done", or an error.  ALLOWED is a path that a rule allows, and the
 *                                        session creates it first
 *
 * Each MERGED/WAY is to be a lower directory with dir/file in it.  Exits with 0. */

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "guard-ring.h"

#define I386_SYMLINK 83 /* in the other ABI, the number of mkdir */

static const char *merged;

static const char *path_of(const char *way, const char *rest) {
        static char paths[2][4096];
        static unsigned n;

        n++;
        (void)snprintf(paths[n % 2], sizeof(paths[n % 2]), "%s/%s/%s", merged, way, rest);
        return paths[n % 2];
}

static void tell(const char *way, int error) {
        (void)printf("%s: %s\n", way, error == 0 ? "done" : strerrorname_np(error));
        (void)fflush(stdout);
}

#define TRY(way, call) tell(way, (long)(call) < 0 ? errno : 0)

static void try_calls(void) {
        TRY("open", open(path_of("open", "dir/file"), O_WRONLY | O_CLOEXEC));
        TRY("create", open(path_of("create", "dir/new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        TRY("truncate", truncate(path_of("truncate", "dir/file"), 0));
        TRY("chmod", chmod(path_of("chmod", "dir"), 0700));
        TRY("utimes", utimes(path_of("utimes", "dir"), NULL));
        TRY("xattr", setxattr(path_of("xattr", "dir"), "user.x", "y", 1, 0));
        TRY("unlink", unlink(path_of("unlink", "dir/file")));
        TRY("rename", rename(path_of("rename", "dir/file"), path_of("rename", "dir/other")));
        TRY("link", link(path_of("link", "dir/file"), path_of("link", "dir/other")));
        TRY("symlink", symlink("x", path_of("symlink", "dir/new")));
        TRY("mknod", mknod(path_of("mknod", "dir/new"), S_IFIFO | 0644, 0));
        TRY("mkdir", mkdir(path_of("mkdir", "dir/new"), 0755));
}

static void try_rings(void) {
        unsigned credentials = 0;
        Ring ring;
        int error = ring_open(0, &ring);

        if (error == 0)
                error = ring_note_credentials(&ring, &credentials);
        if (error != 0) {
                tell("ring", error);
                tell("ring-personality", error);
                tell("ring-mkdir", error);
                return;
        }
        tell("ring", ring_open_for_writing(&ring, path_of("ring", "dir/file"), 0, 0));
        tell("ring-personality", ring_open_for_writing(&ring, path_of("ring-personality", "dir/file"),
                                         credentials, RING_ASYNC));
        tell("ring-mkdir", ring_mkdir(&ring, path_of("ring-mkdir", "dir/new"), credentials, 0));
}

/* The calls of the other ABI, with the registers that a call of this one had. */
static long int80(long nr, uintptr_t b, uintptr_t c, uintptr_t rdi, uintptr_t rsi) {
        long result;

        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"(nr), "b"(b), "c"(c), "D"(rdi), "S"(rsi)
                         : "memory", "r8", "r9", "r10", "r11");
        return result;
}

/* Where the kernel has no such calls, the program is killed by a signal; so this comes last. */
static void try_other_abi(const char *allowed) {
        char *memory =
                mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        char *place = memory + 4096, *text = place + 2048;
        long r;

        if (memory == MAP_FAILED)
                return;
        (void)snprintf(memory, 4096, "%s", allowed);
        (void)snprintf(place, 2048, "%s", path_of("int80", "dir/new"));
        (void)strcpy(text, "x");
        r = syscall(SYS_mkdir, memory, 0755);
        tell("allowed", r < 0 ? errno : 0);
        r = int80(I386_SYMLINK, (uintptr_t)text, (uintptr_t)place, (uintptr_t)memory, 0755);
        tell("int80", (int)-r);
}

int main(int argc, char **argv) {
        if (argc < 2)
                return 255;
        merged = argv[1];
        try_calls();
        try_rings();
        if (argc > 2)
                try_other_abi(argv[2]);
        return 0;
}
