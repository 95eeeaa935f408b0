/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* abi32 FORM DIRECTORY NAME: mkdir-as as a 32-bit program.  Built with -m32 and without a libc, because a
 * 64-bit machine may have no 32-bit one.  FORM is mkdir (i386 number 39), mkdirat (296, relative to a
 * descriptor of DIRECTORY) or mkdir-cwd; the exit status is the errno. */

enum {
        NR_EXIT = 1,
        NR_OPEN = 5,
        NR_CHDIR = 12,
        NR_MKDIR = 39,
        NR_MKDIRAT = 296,
        FLAG_DIRECTORY = 0200000,
};

static int call(int nr, int a, int b, int c) {
        int result;

        __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
        return result;
}

static int equal(const char *a, const char *b) {
        while (*a && *a == *b)
                a++, b++;
        return *a == *b;
}

static int make(const char *form, const char *directory, const char *name) {
        static char path[4096];
        unsigned n = 0;
        int fd;

        for (const char *from = directory; *from && n < sizeof(path) - 2; from++)
                path[n++] = *from;
        path[n++] = '/';
        for (const char *from = name; *from && n < sizeof(path) - 1; from++)
                path[n++] = *from;

        if (equal(form, "mkdir"))
                return call(NR_MKDIR, (int)path, 0755, 0);
        if (equal(form, "mkdir-cwd")) {
                fd = call(NR_CHDIR, (int)directory, 0, 0);
                return fd < 0 ? fd : call(NR_MKDIR, (int)name, 0755, 0);
        }
        if (!equal(form, "mkdirat"))
                return -255;
        fd = call(NR_OPEN, (int)directory, FLAG_DIRECTORY, 0);
        return fd < 0 ? fd : call(NR_MKDIRAT, fd, (int)name, 0755);
}

__attribute__((used)) void start(int *stack);

void start(int *stack) {
        const char *const *argv = (const char *const *)(stack + 1);

        (void)call(NR_EXIT, stack[0] == 4 ? -make(argv[1], argv[2], argv[3]) : 255, 0, 0);
}

/* argc and argv are at the beginning of the stack. */
__asm__(".globl _start\n"
        "_start:\n"
        "        mov %esp, %eax\n"
        "        and $-16, %esp\n"
        "        sub $12, %esp\n"
        "        push %eax\n"
        "        call start\n");
