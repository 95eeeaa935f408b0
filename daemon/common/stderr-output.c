/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes lines to standard error without being held up by its reader.  The daemon creates an output, and its
 * children inherit it.  Owns a descriptor, and a byte of memory that they share.  Must never change the open
 * file description that stderr shares with other processes. */

#include "common/stderr-output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ownership.h"

struct StderrOutput {
        int fd;
        bool is_socket;
        bool torn; /* the end of the last line did not fit */
        /* The last wait was in vain.  All processes share this: otherwise each new worker would wait again.
         */
        _Atomic bool *stuck;
};

/* In a user namespace that does not map the owner of a pipe, the daemon must not open the pipe.  It then
 * polls before each write, although another process may fill the pipe in between. */
static int open_anew(mode_t mode) {
        int fd = -1;

        if (S_ISFIFO(mode) || S_ISCHR(mode))
                fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return fd < 0 ? STDERR_FILENO : fd;
}

int stderr_output_new(StderrOutput **ret) {
        StderrOutput *output = calloc(1, sizeof(*output));
        struct stat st = {};
        void *shared;

        if (!output)
                return -ENOMEM;
        shared = mmap(
                NULL, sizeof(*output->stuck), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) {
                free(output);
                return -ENOMEM;
        }
        (void)fstat(STDERR_FILENO, &st);
        *output = (StderrOutput){
                .fd = open_anew(st.st_mode), .is_socket = S_ISSOCK(st.st_mode), .stuck = shared};
        *ret = output;
        return 0;
}

StderrOutput *stderr_output_free(StderrOutput *output) {
        if (!output)
                return NULL;
        if (output->fd != STDERR_FILENO)
                fd_close(output->fd);
        (void)munmap((void *)output->stuck, sizeof(*output->stuck));
        free(output);
        return NULL;
}

int stderr_output_fd(const StderrOutput *output) {
        return output->fd;
}

/* Waits for room for at most usec.  Returns false where there is none by then. */
static bool wait_for_room(const StderrOutput *output, uint64_t usec) {
        struct pollfd pollfd = {.fd = output->fd, .events = POLLOUT};

        return poll(&pollfd, 1, (int)(usec / 1000)) > 0;
}

/* Writes what fits now.  Returns how many bytes, or a negative errno. */
static ssize_t write_some(const StderrOutput *output, char *bytes, size_t size) {
        struct iovec iov = {.iov_base = bytes, .iov_len = size};
        const struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
        ssize_t n;

        if (output->fd == STDERR_FILENO && !output->is_socket && !wait_for_room(output, 0))
                return -EAGAIN;
        do
                n = output->is_socket ? sendmsg(output->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)
                                      : write(output->fd, bytes, size);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

/* Writes the line from *at on, and moves *at.  Returns 0 after the whole line, or a negative errno. */
static int write_line(StderrOutput *output, char *line, size_t size, size_t *at) {
        while (*at < size) {
                ssize_t n = write_some(output, line + *at, size - *at);

                if (n <= 0)
                        return n < 0 ? (int)n : -EIO;
                *at += (size_t)n;
                output->torn = line[*at - 1] != '\n';
        }
        return 0;
}

static bool take_line(StderrOutput *output, uint64_t patience_usec, char *line, size_t size) {
        size_t at = 0;
        int r = write_line(output, line, size, &at);

        if (r == -EAGAIN && !atomic_load(output->stuck)) {
                atomic_store(output->stuck, true); /* first: meanwhile no other process waits, too */
                (void)wait_for_room(output, patience_usec);
                r = write_line(output, line, size, &at);
        }
        if (r == 0 && atomic_load(output->stuck))
                atomic_store(output->stuck, false);
        return r == 0;
}

bool stderr_output_vprint(
        StderrOutput *output, uint64_t patience_usec, const char *format, va_list arguments) {
        char line[PIPE_BUF + 1] = "\n";      /* with vsnprintf()'s NUL */
        size_t start = output->torn ? 1 : 0; /* begin with the newline that is missing */
        size_t room = PIPE_BUF - start - 1, length;
        int n = vsnprintf(line + start, room + 1, format, arguments);

        if (n < 0)
                return false;
        length = start + ((size_t)n < room ? (size_t)n : room);
        line[length++] = '\n';
        return take_line(output, patience_usec, line, length);
}
