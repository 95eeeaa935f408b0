/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The launcher's side of the handshake (see daemon/common/protocol.h for the messages).  Runs in the process
 * that becomes the workload.  Owns the connection and, for a moment, the listener.  Must never return 0
 * unless the daemon itself answered the knock. */

#include "handshake.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/message.h"
#include "common/ownership.h"
#include "common/protocol.h"
#include "rings.h"

/* How long the daemon may take for an answer before it is given up. */
#define ANSWER_TIMEOUT_MSEC 30000

/* If too many launchers of one user connect at once, each tries again.  The pauses double, and add up to
 * five seconds. */
#define PAUSE_MSEC_MIN 40L
#define PAUSE_MSEC_MAX 2560L

/* How many file descriptors this process opens at a time: the connection, the probe directory and the
 * listener. */
#define FDS_NEEDED 3

/* What receive_reply() returns where the daemon's side was closed instead. */
enum {
        REPLY_CUT_OFF = 1,
};

/* After so many of these the launcher gives up. */
#define CUT_OFF_MAX 3U

/* Prints what is wrong; always returns -1. */
__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...) {
        va_list arguments;

        (void)fputs("snotify-run: ", stderr);
        va_start(arguments, format);
        (void)vfprintf(stderr, format, arguments);
        va_end(arguments);
        (void)fputc('\n', stderr);
        return -1;
}

/* Checks for free descriptor numbers before anything is sent: the kernel silently drops a descriptor that
 * comes with a message if it has no number for it. */
static int check_room_for_fds(void) {
        struct rlimit limit;
        rlim_t needed = 0;

        for (unsigned n_free = 0; n_free < FDS_NEEDED; needed++)
                if (fcntl((int)needed, F_GETFD) < 0)
                        n_free++;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
                return 0;
        return fail("this process may open %" PRIuMAX " file descriptors, and needs %" PRIuMAX
                    "; raise the limit with ulimit -n, or LimitNOFILE= in its unit",
                (uintmax_t)limit.rlim_cur, (uintmax_t)needed);
}

static const char *connect_remedy(int error) {
        switch (error) {
        case ENOENT:
        case ECONNREFUSED:
                return "is snotifyd running? systemctl enable --now snotifyd.socket";
        case EACCES:
                return "does this user have access to it?";
        case EAGAIN:
                return "snotifyd accepts no connections now; see journalctl -u snotifyd";
        default:
                return "is this the socket of snotifyd?";
        }
}

/* Because the socket has a timeout, connect() is interrupted in a process that is stopped and continued
 * (signal(7)).  No connection has begun then (unix_stream_connect() in the kernel's net/unix/af_unix.c). */
static int connect_wait(int fd, const struct sockaddr_un *address) {
        int r;

        do
                r = connect(fd, (const struct sockaddr *)address, sizeof(*address));
        while (r < 0 && errno == EINTR);
        return r;
}

static int connect_daemon(const char *path, int *ret) {
        const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_MSEC / 1000};
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = -EBADF;

        if (strlen(path) >= sizeof(address.sun_path))
                return fail("the socket's path is too long (%zu bytes at most): %s",
                        sizeof(address.sun_path) - 1, path);
        (void)strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0 && errno == EAFNOSUPPORT)
                return fail(
                        "cannot create a socket: %s; RestrictAddressFamilies= in its unit must name AF_UNIX",
                        strerror(errno));
        if (fd < 0)
                return fail("cannot create a socket: %s", strerror(errno));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
        if (connect_wait(fd, &address) < 0)
                return fail("cannot connect to %s: %s; %s", path, strerror(errno), connect_remedy(errno));
        *ret = TAKE_FD(fd);
        return 0;
}

static int fail_cut_off(void) {
        return fail("snotifyd closed the connection unexpectedly; see journalctl -u snotifyd");
}

/* Receives one reply, and the fd that may come with it unless ret_fd is NULL.  Returns 0, REPLY_CUT_OFF, or
 * -1. */
static int receive_reply(int socket_fd, ProtocolReply *ret, int *ret_fd) {
        struct pollfd pollfd = {.fd = socket_fd, .events = POLLIN};
        ssize_t n;
        int r;

        do
                r = poll(&pollfd, 1, ANSWER_TIMEOUT_MSEC);
        while (r < 0 && errno == EINTR);
        if (r == 0)
                return fail("snotifyd does not answer; see systemctl status snotifyd");
        n = r < 0 ? -errno : message_receive(socket_fd, ret, sizeof(*ret), ret_fd);
        if (n == 0 || n == -ECONNRESET)
                return REPLY_CUT_OFF;
        if (n < 0)
                return fail("cannot receive from snotifyd: %s", strerror((int)-n));
        if (!protocol_reply_is_valid(ret, (size_t)n))
                return fail("snotify-run and snotifyd are of different versions; restart snotifyd after an "
                            "upgrade");
        return 0;
}

static int fail_refused(const ProtocolReply *reply) {
        return fail("snotifyd refuses: %s", reply->text);
}

static int send_hello(int socket_fd, const char *profile, const char *label) {
        ProtocolHello hello = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};

        if (strlen(profile) >= sizeof(hello.profile))
                return fail("the profile's name is too long (%zu bytes at most)", sizeof(hello.profile) - 1);
        if (strlen(label) >= sizeof(hello.label))
                return fail("the label is too long (%zu bytes at most)", sizeof(hello.label) - 1);
        (void)strcpy(hello.profile, profile);
        (void)strcpy(hello.label, label);
        /* The daemon may have refused already; its reason is of more use than "broken pipe". */
        if (send(socket_fd, &hello, sizeof(hello), MSG_NOSIGNAL) < 0 && errno != EPIPE &&
                errno != ECONNRESET)
                return fail("cannot send to snotifyd: %s", strerror(errno));
        return 0;
}

/* Connects until the daemon accepts or refuses this launcher.  A daemon that is killed or restarted just
 * then cuts the connection, and does so again while its acceptor has not seen that yet.  The next daemon
 * takes over the socket, where the launcher may wait for it.  Returns 0 with the connection, the welcome,
 * and its fd; or -1. */
static int request_session(const char *socket_path, const char *profile, const char *label,
        ProtocolReply *ret, int *ret_probe_fd, int *ret_socket_fd) {
        unsigned n_cut_off = 0;

        for (long pause_msec = PAUSE_MSEC_MIN;; pause_msec *= 2) {
                const struct timespec pause = {pause_msec / 1000, pause_msec % 1000 * 1000000};
                _cleanup_close_ int socket_fd = -EBADF;
                int r;

                if (connect_daemon(socket_path, &socket_fd) < 0 || send_hello(socket_fd, profile, label) < 0)
                        return -1;
                r = receive_reply(socket_fd, ret, ret_probe_fd);
                if (r == REPLY_CUT_OFF && ++n_cut_off < CUT_OFF_MAX) {
                        (void)nanosleep(&pause, NULL);
                        continue;
                }
                if (r != 0)
                        return r == REPLY_CUT_OFF ? fail_cut_off() : -1;
                if (ret->verdict != PROTOCOL_REFUSED) {
                        *ret_socket_fd = TAKE_FD(socket_fd);
                        return 0;
                }
                if (ret->error != EAGAIN || pause_msec > PAUSE_MSEC_MAX)
                        return fail_refused(ret);
                (void)nanosleep(&pause, NULL);
        }
}

static int install_filter(const ProtocolReply *welcome, int *ret_listener_fd) {
        const unsigned long flags =
                SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
        struct sock_fprog program = {
                .len = (unsigned short)welcome->n_instructions,
                .filter = (struct sock_filter *)(uintptr_t)welcome->instructions,
        };
        long fd;

        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
        if (fd < 0 && errno == EACCES) {
                /* Without CAP_SYS_ADMIN the kernel demands no_new_privs.  With it, leave set-id programs
                 * working. */
                if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                        return fail("cannot set no_new_privs: %s", strerror(errno));
                fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
        }
        if (fd < 0 && errno == EBUSY)
                return fail("this process is supervised already, by snotify-run or another seccomp "
                            "supervisor, and a process can "
                            "have only one; run the command without snotify-run");
        if (fd < 0 && (errno == EPERM || errno == ENOSYS))
                return fail("cannot install the seccomp filter: %s; does SystemCallFilter= in its unit lack "
                            "seccomp? see snotify-run(1)",
                        strerror(errno));
        if (fd < 0 && errno == EINVAL)
                return fail("this kernel refuses the filter: %s; snotify needs Linux 5.19 or later",
                        strerror(errno));
        if (fd < 0)
                return fail("cannot install the seccomp filter: %s", strerror(errno));
        *ret_listener_fd = (int)fd;
        return 0;
}

static int send_listener(int socket_fd, int listener_fd, int probe_error) {
        const ProtocolListener message = {
                .magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION, .probe_error = probe_error};
        int r = message_send(socket_fd, &message, sizeof(message), listener_fd);

        if (r < 0)
                return fail("cannot hand the listener to snotifyd: %s; see journalctl -u snotifyd",
                        strerror(-r));
        return 0;
}

/* Returns once the daemon has answered, or the last holder of the listener is gone.  A signal that arrives
 * before the daemon has received the call interrupts it.  The daemon does not see that call: it is made
 * again. */
static int knock(int socket_fd, uint64_t nonce) {
        ProtocolReply reply;
        long answer;

        do
                answer = syscall(SYS_mkdirat, PROTOCOL_KNOCK_DIRFD, protocol_knock_path(nonce), 0);
        while (answer < 0 && errno == EINTR);
        if (answer == protocol_knock_answer(nonce))
                return 0;
        if (answer < 0 && errno == ENOSYS) { /* the daemon's side is closed; a reason may be in the socket */
                int r = receive_reply(socket_fd, &reply, NULL);

                if (r != 0)
                        return r == REPLY_CUT_OFF ? fail_cut_off() : -1;
                return reply.verdict == PROTOCOL_REFUSED
                               ? fail_refused(&reply)
                               : fail("snotifyd sent an unexpected message; see journalctl -u snotifyd");
        }
        return fail(
                "something other than snotifyd answers in its place (%s); is there another seccomp filter?",
                answer < 0 ? strerror(errno) : "no error");
}

static int check_rings(void) {
        int fd, r = rings_find(&fd);

        if (r < 0)
                return fail("cannot look for io_uring descriptors in /proc/self/fd: %s", strerror(-r));
        if (fd >= 0)
                return fail(
                        "file descriptor %d is an io_uring, by which the command could create directories "
                        "unseen; start snotify-run without it",
                        fd);
        return 0;
}

int handshake(const char *socket_path, const char *profile, const char *label, uint64_t *ret_session_id) {
        _cleanup_close_ int socket_fd = -EBADF, listener_fd = -EBADF, probe_fd = -EBADF;
        ProtocolReply welcome;
        int probe_error;

        /* The program's mode, 0711, keeps its user from tracing this process.  It does not do so if the
         * process was started with capabilities that it no longer has: then only this protects the listener.
         */
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return fail("cannot protect this process: %s", strerror(errno));
        if (check_room_for_fds() < 0 || check_rings() < 0)
                return -1;
        if (request_session(socket_path, profile, label, &welcome, &probe_fd, &socket_fd) < 0)
                return -1;
        /* Where this fails the daemon refuses, and says why it matters. */
        probe_error = mkdirat(probe_fd, PROTOCOL_PROBE_NAME, 0700) < 0 ? errno : 0;
        if (install_filter(&welcome, &listener_fd) < 0)
                return -1;
        if (send_listener(socket_fd, listener_fd, probe_error) < 0)
                return -1;
        /* Close our copy: with it, the knock would wait for ever if the daemon's copy is gone. */
        listener_fd = fd_close(listener_fd);
        if (knock(socket_fd, welcome.nonce) < 0)
                return -1;
        *ret_session_id = welcome.session_id;
        return 0;
}
