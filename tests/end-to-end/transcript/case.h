/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A row of the table. */

#pragma once

#include <stdbool.h>
#include <stddef.h>

#define USER 65534  /* makes the calls that root does not make */
#define GROUP 60001 /* a supplementary group of USER, and none of root */

/* For .mode and .umask: no bit at all (0 means the default). */
#define NONE 0x80000000U

/* What the path is relative to.  The first is mkdir(), the others are mkdirat(). */
typedef enum At {
        MKDIR,
        AT_CWD,
        AT_DIR,    /* dir/, opened for reading */
        AT_O_PATH, /* dir/, with O_PATH */
        AT_FILE,   /* a file */
        AT_O_PATH_FILE,
        AT_O_PATH_LINK,
        AT_SOCKET,
        AT_EPOLL,
        AT_DELETED,   /* a removed directory */
        AT_SHUT,      /* a directory without search permission, opened before that */
        AT_READ_ONLY, /* in a read-only mount */
        AT_PROC_SELF, /* /proc/self */
        AT_PROC_FD,   /* directories below it, which only the process itself may search */
        AT_PROC_THREAD_FD,
        AT_PROC_FDINFO,
        AT_PROC_MAP_FILES,
        AT_PROC_NS,
        AT_PROC_TASK,
        AT_PROC_ATTR,
        AT_PROC_NET,
        AT_CLOSED, /* no descriptor has this number */
        AT_MINUS_ONE,
        AT_MINUS_BIG,
        AT_INT80, /* AT_FDCWD, through the i386 entry */
        AT_INT80_DIR,
} At;

/* What is not possible in each context. */
typedef enum Need {
        NEEDS_CHROOT = 1 << 0,
        NEEDS_IDS = 1 << 1,  /* becoming USER */
        NEEDS_PROC = 1 << 2, /* a procfs at /proc */
} Need;

/* Makes a path. */
typedef char *PathMaker(void);

/* Brings the caller into a special situation. */
typedef void Preparation(void);

typedef struct Case {
        At at;
        const char *path;
        PathMaker *make; /* instead of path */
        const char *says;
        unsigned mode;        /* 0: 0777 */
        unsigned umask;       /* 0: 022 */
        Preparation *process; /* made by a new process after this */
        Preparation *thread;  /* made by a thread, of a new process, after this */
        unsigned needs;
} Case;

extern const Case table[];
extern const size_t table_size;

/* Makes the call and prints a line. */
void perform(const Case *this);

/* Writes a failure to the transcript, and exits; test-fidelity.sh then reports it. */
void must(bool good, const char *what);
