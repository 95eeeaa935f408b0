/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every fd and pointer has one owner, which frees it.  A local variable that owns one has a cleanup
 * attribute; TAKE_FD() and TAKE_PTR() hand it over.  An empty fd is -EBADF, an empty pointer is NULL. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Declares the cleanup function of a type whose free function takes the pointer. */
#define DEFINE_CLEANUP(Type, function)                                                                      \
        static inline void function##_p(Type **pointer) {                                                   \
                if (*pointer)                                                                               \
                        function(*pointer);                                                                 \
        }

#define TAKE_PTR(pointer)                                                                                   \
        ({                                                                                                  \
                typeof(pointer) *_from = &(pointer);                                                        \
                typeof(pointer) _taken = *_from;                                                            \
                *_from = NULL;                                                                              \
                _taken;                                                                                     \
        })

#define TAKE_FD(fd)                                                                                         \
        ({                                                                                                  \
                int *_from = &(fd);                                                                         \
                int _taken = *_from;                                                                        \
                *_from = -EBADF;                                                                            \
                _taken;                                                                                     \
        })

/* Closes fd unless it is empty; keeps errno; returns an empty fd. */
static inline int fd_close(int fd) {
        int saved = errno;

        if (fd >= 0)
                (void)close(fd);
        errno = saved;
        return -EBADF;
}

static inline void fd_close_p(int *fd) {
        *fd = fd_close(*fd);
}

static inline void free_p(void *pointer) {
        free(*(void **)pointer);
}

DEFINE_CLEANUP(FILE, fclose)

#define _cleanup_close_ _cleanup_(fd_close_p)
#define _cleanup_free_ _cleanup_(free_p)
#define _cleanup_fclose_ _cleanup_(fclose_p)
