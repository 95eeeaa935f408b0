/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's side of a handshake.  Run by a verifier, which may hang or die without loss.  Owns
 * the connection and all that comes over it.  Must never hand the daemon a descriptor that is no seccomp
 * listener, nor a listener whose first call is not the knock of the very process that connected. */

#include "handshake/verifier.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/calls.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/message.h"
#include "common/ownership.h"
#include "common/privileges.h"
#include "handshake/launcher-status.h"
#include "handshake/peer.h"
#include "handshake/probe-fs.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

typedef struct Verifier {
        const VerifierArguments *arguments;
        const Limits *limits;
        uint64_t deadline_usec;
        int launcher_fd;
        int listener_fd;
        int probe_error; /* negative errno: there is no probe */
        ProbeFs probe_fs;
        gid_t gid;
        const Profile *profile;
        HandshakeResult result;
} Verifier;

/* Waits until fd is readable.  Returns 0, -ETIMEDOUT at the deadline, -EPIPE where the launcher has
 * disconnected, or -ESRCH where fd is a listener and all its targets are dead. */
static int wait_readable(const Verifier *verifier, int fd) {
        struct pollfd fds[] = {
                {.fd = fd, .events = POLLIN},
                {.fd = verifier->launcher_fd},
        };

        for (;;) {
                uint64_t now = clock_usec(CLOCK_MONOTONIC);
                int r;

                if (now >= verifier->deadline_usec)
                        return -ETIMEDOUT;
                r = poll(fds, 2, (int)((verifier->deadline_usec - now) / 1000) + 1);
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r <= 0)
                        continue;
                if (fds[0].revents & POLLIN)
                        return 0;
                return fds[1].revents != 0 ? -EPIPE : -ESRCH;
        }
}

/* Waits for one message of the launcher.  Returns its size, which may be larger than room, or a negative
 * errno. */
static ssize_t receive(const Verifier *verifier, void *message, size_t room, int *ret_fd) {
        ssize_t n;
        int r;

        r = wait_readable(verifier, verifier->launcher_fd);
        if (r < 0)
                return r;
        n = message_receive(verifier->launcher_fd, message, room, ret_fd);
        return n == 0 ? -EPIPE : n;
}

static void reply_send(const Verifier *verifier, const ProtocolReply *reply, int fd) {
        size_t size = PROTOCOL_REPLY_HEAD + reply->n_instructions * sizeof(reply->instructions[0]);

        /* The socket does not block: a launcher that does not read gets nothing. */
        (void)message_send(verifier->launcher_fd, reply, size, fd);
}

/* Tells the launcher and the daemon why there will be no session.  error is a positive errno, for the
 * launcher.  Returns a negative errno. */
__attribute__((format(printf, 3, 4))) static int refuse(
        Verifier *verifier, int error, const char *format, ...) {
        ProtocolReply reply = {
                .magic = PROTOCOL_MAGIC,
                .version = PROTOCOL_VERSION,
                .verdict = PROTOCOL_REFUSED,
                .error = error,
        };
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(reply.text, sizeof(reply.text), format, arguments);
        va_end(arguments);
        reply_send(verifier, &reply, -EBADF);
        memcpy(verifier->result.text, reply.text, sizeof(reply.text));
        return -error;
}

/* The awaited message did not come, or came with descriptors.  The launcher may be gone: then the journal
 * alone shows why. */
static int refuse_silence(Verifier *verifier, int error, const char *awaited) {
        if (error == -ETIMEDOUT)
                return refuse(verifier, ETIMEDOUT,
                        "no %s within %g s; see handshake-timeout= in snotify.conf(5)", awaited,
                        (double)verifier->limits->handshake_timeout_usec / 1e6);
        if (error == -EPROTO)
                return refuse(verifier, EPROTO, "the %s came with file descriptors that do not belong there",
                        awaited);
        return refuse(verifier, -error, "the connection ended before the %s came", awaited);
}

/* Comes first: there is no waiting for a launcher that cannot get a session. */
static int verify_counts(Verifier *verifier) {
        const Limits *limits = verifier->limits;
        uint32_t account = verifier->result.account;
        AdmissionCounts counts = {};

        verifier->arguments->count_admissions(account, &counts, verifier->arguments->userdata);
        if (counts.sessions_of_account >= limits->sessions_per_user)
                return refuse(verifier, EUSERS,
                        "user %" PRIu32 " has as many sessions as a user may, %" PRIu64
                        "; see sessions-per-user= in snotify.conf(5)",
                        account, limits->sessions_per_user);
        if (counts.sessions >= limits->sessions)
                return refuse(verifier, EUSERS,
                        "there are as many sessions as there may be, %" PRIu64
                        "; see sessions= in snotify.conf(5)",
                        limits->sessions);
        return 0;
}

/* Reads the launcher's effective group and its supplementary groups, as the kernel noted them.  Returns how
 * many there are, and the caller's *ret; or a negative errno. */
static ssize_t read_groups(const Verifier *verifier, gid_t **ret) {
        _cleanup_free_ gid_t *groups = NULL;
        socklen_t size = 0;

        /* The kernel noted the groups when the launcher connected: their number stays what it is. */
        if (getsockopt(verifier->launcher_fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) < 0 && errno != ERANGE)
                return -errno;
        groups = malloc(size + sizeof(*groups));
        if (!groups)
                return -ENOMEM;
        if (getsockopt(verifier->launcher_fd, SOL_SOCKET, SO_PEERGROUPS, groups + 1, &size) < 0)
                return -errno;
        groups[0] = verifier->gid;
        *ret = TAKE_PTR(groups);
        return (ssize_t)(size / sizeof(*groups)) + 1;
}

static int verify_groups(Verifier *verifier, const gid_t *groups, size_t n_groups) {
        const char *profile = verifier->result.profile;
        char shown[128];

        if (profile_admits(verifier->profile, verifier->result.uid, groups, n_groups))
                return 0;
        (void)escape_text(profile, strlen(profile), shown, sizeof(shown));
        return refuse(verifier, EACCES,
                "profile %s is not for user %u; see users= and groups= in its [profile %s] section", shown,
                verifier->result.uid, shown);
}

/* Checks the process that connected, so that the launcher is refused before it installs a filter. */
static int verify_access_list(Verifier *verifier) {
        _cleanup_free_ gid_t *groups = NULL;
        ssize_t n;

        if (profile_admits(verifier->profile, verifier->result.uid, NULL, 0))
                return 0;
        n = read_groups(verifier, &groups);
        if (n < 0)
                return refuse(verifier, (int)-n, "snotifyd cannot read the launcher's groups: %s",
                        strerror((int)-n));
        return verify_groups(verifier, groups, (size_t)n);
}

static int verify_hello(Verifier *verifier) {
        ProtocolHello hello;
        const char *why;
        char shown[128];
        ssize_t n;

        n = receive(verifier, &hello, sizeof(hello), NULL);
        if (n < 0)
                return refuse_silence(verifier, (int)n, "greeting");
        if (!protocol_hello_is_valid(&hello, (size_t)n, &why))
                return refuse(verifier, EPROTO, "%s", why);
        memcpy(verifier->result.profile, hello.profile, sizeof(hello.profile));
        memcpy(verifier->result.label, hello.label, sizeof(hello.label));
        if (policy_refusal(verifier->arguments->policy))
                return refuse(verifier, ECANCELED, "%s", policy_refusal(verifier->arguments->policy));
        (void)escape_text(hello.profile, strlen(hello.profile), shown, sizeof(shown));
        verifier->profile = policy_find_profile(verifier->arguments->policy, hello.profile);
        if (!verifier->profile)
                return refuse(verifier, ENOENT,
                        "there is no profile %s; see the [profile NAME] sections of " CONFIG_PATH, shown);
        return verify_access_list(verifier);
}

/* The way that is chosen here stays the session's. */
static int choose_way(Verifier *verifier) {
        const char *trouble = verifier->arguments->guard_trouble, *name = verifier->result.profile;
        PolicyGuard guard = profile_guard(verifier->profile);
        char shown[128];

        if (guard == POLICY_GUARD_REQUIRE && trouble)
                return refuse(verifier, EOPNOTSUPP,
                        "profile %s requires the guard, which there is not: %s; see guard= in "
                        "snotify.conf(5)",
                        escape_text(name, strlen(name), shown, sizeof(shown)), trouble);
        verifier->result.guarded = guard != POLICY_GUARD_OFF && !trouble;
        return 0;
}

static const Filter *choose_filter(const Verifier *verifier) {
        FilterWay way = verifier->result.guarded ? FILTER_GUARDED : FILTER_ACTING;

        return &verifier->arguments->filters->by_way[way][profile_namespaces(verifier->profile)];
}

static int welcome(Verifier *verifier) {
        const VerifierArguments *arguments = verifier->arguments;
        const Filter *filter = choose_filter(verifier);
        ProtocolReply reply = {
                .magic = PROTOCOL_MAGIC,
                .version = PROTOCOL_VERSION,
                .verdict = PROTOCOL_WELCOME,
                .session_id = arguments->session_id,
                .nonce = arguments->nonce,
                .n_instructions = filter->n_instructions,
        };

        if (verifier->probe_error < 0)
                return refuse(verifier, -verifier->probe_error, "snotifyd cannot create a tmpfs: %s%s",
                        strerror(-verifier->probe_error), probe_fs_remedy(verifier->probe_error));
        /* The listener will come as a descriptor, which the acceptor has forbidden. */
        (void)setsockopt(verifier->launcher_fd, SOL_SOCKET, SO_PASSRIGHTS, &(int){1}, sizeof(int));
        memcpy(reply.instructions, filter->instructions,
                reply.n_instructions * sizeof(reply.instructions[0]));
        reply_send(verifier, &reply, verifier->probe_fs.dir_fd);
        return 0;
}

/* The launcher tells the error of its mkdirat().  Only the explanation depends on it.  What restricts the
 * launcher binds a guarded workload as it does natively, because no worker acts for it. */
static int verify_probe(Verifier *verifier, int error) {
        if (verifier->result.guarded || probe_fs_is_passed(&verifier->probe_fs))
                return 0;
        if (error == EACCES || error == EPERM)
                return refuse(verifier, EACCES,
                        "the launcher is restricted by landlock(7) or another security module, whose rules "
                        "snotifyd cannot apply; start snotify-run outside of that sandbox");
        if (error > 0)
                return refuse(verifier, EIO,
                        "the launcher could not create a directory in an empty tmpfs: %s", strerror(error));
        return refuse(verifier, EPROTO, "the launcher did not create the directory that it was asked for");
}

static int verify_listener(Verifier *verifier) {
        ProtocolListener message;
        ssize_t n;

        n = receive(verifier, &message, sizeof(message), &verifier->listener_fd);
        if (n == -EPIPE) /* a launcher that SIGSYS killed cannot say so */
                return refuse(verifier, EPIPE,
                        "the connection ended before the listener came; if SIGSYS killed snotify-run, its "
                        "unit's SystemCallFilter= lacks seccomp: see snotify-run(1)");
        if (n < 0)
                return refuse_silence(verifier, (int)n, "listener");
        if (n != sizeof(message) || message.magic != PROTOCOL_MAGIC || message.version != PROTOCOL_VERSION)
                return refuse(verifier, EPROTO, "the message with the listener is malformed");
        if (verifier->listener_fd < 0)
                return refuse(verifier, EPROTO, "the message with the listener holds no file descriptor");
        if (!notify_is_listener(verifier->listener_fd))
                return refuse(
                        verifier, EPROTO, "the file descriptor that was sent is not a seccomp listener");
        return verify_probe(verifier, message.probe_error);
}

static bool is_knock(const Verifier *verifier, const struct seccomp_notif *notif) {
        const Call *call = call_find(&notif->data);
        Arguments knock;

        /* The kernel writes 0 for each process outside of the daemon's PID namespace. */
        if (!call || call->dirfd_at < 0 || notif->pid == 0 || notif->pid != verifier->result.pid)
                return false;
        call_arguments(call, &notif->data, &knock);
        return knock.dirfds[0] == PROTOCOL_KNOCK_DIRFD &&
               knock.paths[0] == protocol_knock_path(verifier->arguments->nonce) && knock.mode == 0;
}

static int compare_knocker(Verifier *verifier, const TaskFacts *status) {
        const Credentials *credentials = &status->credentials;
        _cleanup_free_ gid_t *groups = NULL;

        if (status->uids[1] != verifier->result.uid)
                return refuse(verifier, EPERM,
                        "the launcher connected as user %" PRIu32 " and has become user %" PRIu32 " since",
                        verifier->result.uid, (uint32_t)status->uids[1]);
        groups = malloc((credentials->n_groups + 1) * sizeof(*groups));
        if (!groups)
                return refuse(verifier, ENOMEM, "snotifyd has no memory left");
        groups[0] = status->gids[1];
        for (size_t i = 0; i < credentials->n_groups; i++)
                groups[i + 1] = credentials->groups[i];
        return verify_groups(verifier, groups, credentials->n_groups + 1);
}

/* Checks the profile against the process that knocks: since it connected it may have executed a set-user-ID
 * program. */
static int verify_knocker(Verifier *verifier) {
        TaskFacts status;
        int r;

        credentials_init(&status.credentials);
        r = launcher_read_status(verifier->arguments->proc_fd, (pid_t)verifier->result.pid, &status);
        if (r >= 0 && notify_check_id(verifier->listener_fd, verifier->result.knock.notif.id) != 0)
                r = -ESRCH;
        if (r < 0)
                r = refuse(verifier, -r, "snotifyd cannot read the user of the process that knocks: %s",
                        strerror(-r));
        else
                r = compare_knocker(verifier, &status);
        credentials_done(&status.credentials);
        return r;
}

static int verify_knock(Verifier *verifier) {
        NotifyRequest *knock = &verifier->result.knock;
        int r;

        /* Finds out whether the kernel knows the flag, and leaves it off: workers set it. */
        verifier->result.has_sync_wake_up = notify_set_sync_wake_up(verifier->listener_fd, false) == 0;
        r = wait_readable(verifier, verifier->listener_fd);
        if (r < 0 && r != -ESRCH)
                return refuse_silence(verifier, r, "knock");
        if (r == 0)
                r = notify_receive(verifier->listener_fd, knock);
        if (r != 0)
                return refuse(verifier, ESRCH, "the process that was to be supervised died");
        if (!is_knock(verifier, &knock->notif))
                return refuse(verifier, EPERM,
                        "the listener is not the launcher's own, or its first call was not the knock");
        return verify_knocker(verifier);
}

static void tell_daemon(Verifier *verifier, HandshakeStage stage) {
        verifier->result.stage = stage;
        (void)message_send(verifier->arguments->daemon_fd, &verifier->result, sizeof(verifier->result),
                stage == HANDSHAKE_VERIFIED ? verifier->listener_fd : -EBADF);
}

/* Returns false where there is no connection, or one that is only to be closed: by the end of this process.
 */
static bool take_connection(Verifier *verifier) {
        HandshakeResult *result = &verifier->result;
        AcceptorTicket ticket;
        Peer peer;
        ssize_t n;

        n = message_receive(
                verifier->arguments->handover_fd, &ticket, sizeof(ticket), &verifier->launcher_fd);
        if (n == sizeof(ticket)) {
                result->number = ticket.number;
                result->account = ticket.account;
        }
        if (verifier->launcher_fd < 0 || peer_identify(verifier->launcher_fd, &peer) < 0) {
                tell_daemon(verifier, HANDSHAKE_NOTHING);
                return false;
        }
        result->pid = peer.pid;
        result->uid = peer.uid;
        verifier->gid = peer.gid;
        tell_daemon(verifier, HANDSHAKE_CONNECTED);
        return n == sizeof(ticket) && !ticket.is_refused;
}

int verifier_run(const VerifierArguments *arguments) {
        Verifier verifier = {
                .arguments = arguments,
                .limits = policy_limits(arguments->policy),
                .launcher_fd = -EBADF,
                .listener_fd = -EBADF,
                .probe_fs = PROBE_FS_NONE,
        };
        bool is_verified;

        /* The probe needs a capability, so it is created before anything of the launcher's is here. */
        privileges_raise(CAP_SYS_ADMIN);
        verifier.probe_error = probe_fs_new(&verifier.probe_fs);
        if (privileges_drop() < 0 || sandbox_enter(arguments->sandbox) < 0)
                return EXIT_FAILURE;
        if (!take_connection(&verifier))
                return EXIT_SUCCESS;
        verifier.deadline_usec = clock_usec(CLOCK_MONOTONIC) + verifier.limits->handshake_timeout_usec;
        is_verified = verify_counts(&verifier) == 0 && verify_hello(&verifier) == 0 &&
                      choose_way(&verifier) == 0 && welcome(&verifier) == 0 &&
                      verify_listener(&verifier) == 0 && verify_knock(&verifier) == 0;
        tell_daemon(&verifier, is_verified ? HANDSHAKE_VERIFIED : HANDSHAKE_REFUSED);
        return EXIT_SUCCESS;
}
