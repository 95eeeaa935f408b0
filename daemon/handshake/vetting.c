/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's side of the handshake.  Runs in a child of its own per connection, which may hang or die
 * without loss.  Owns the connection and whatever came over it.  Must never hand the daemon an fd that is no
 * seccomp listener, nor one whose first call isn't the knock of the very process that connected. */

#include "handshake/vetting.h"

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

typedef struct Vetting {
        const VettingArguments *arguments;
        const Limits *limits;
        uint64_t deadline_usec;
        int launcher_fd;
        int listener_fd;
        int probe_error; /* negative: there is no probe */
        ProbeFs probe_fs;
        gid_t gid;
        const Profile *profile;
        VettingFindings findings;
} Vetting;

/* Waits until fd is readable.  Returns 0, -ETIMEDOUT at the deadline, -EPIPE when the launcher has gone, or
 * -ESRCH when all targets of a listener have. */
static int wait_readable(const Vetting *vetting, int fd) {
        struct pollfd fds[] = {
                {.fd = fd, .events = POLLIN},
                {.fd = vetting->launcher_fd},
        };

        for (;;) {
                uint64_t now = clock_usec(CLOCK_MONOTONIC);
                int r;

                if (now >= vetting->deadline_usec)
                        return -ETIMEDOUT;
                r = poll(fds, 2, (int)((vetting->deadline_usec - now) / 1000) + 1);
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r <= 0)
                        continue;
                if (fds[0].revents & POLLIN)
                        return 0;
                return fds[1].revents != 0 ? -EPIPE : -ESRCH;
        }
}

/* Waits for one message.  Returns its size (which may be larger than room), or a negative errno. */
static ssize_t receive(const Vetting *vetting, void *message, size_t room, int *ret_fd) {
        ssize_t n;
        int r;

        r = wait_readable(vetting, vetting->launcher_fd);
        if (r < 0)
                return r;
        n = message_receive(vetting->launcher_fd, message, room, ret_fd);
        return n == 0 ? -EPIPE : n;
}

static void reply_send(const Vetting *vetting, const ProtocolReply *reply, int fd) {
        size_t size = PROTOCOL_REPLY_HEAD + reply->n_instructions * sizeof(reply->instructions[0]);

        /* A launcher that doesn't read is not waited for: the socket doesn't block. */
        (void)message_send(vetting->launcher_fd, reply, size, fd);
}

/* Tells the launcher and the daemon why not.  Always returns a negative number. */
__attribute__((format(printf, 3, 4))) static int refuse(
        Vetting *vetting, int error, const char *format, ...) {
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
        reply_send(vetting, &reply, -EBADF);
        memcpy(vetting->findings.text, reply.text, sizeof(reply.text));
        return -error;
}

/* The launcher left or idled - there is nobody to explain to, but the journal should know - or sent more
 * than a message. */
static int refuse_silence(Vetting *vetting, int error, const char *awaited) {
        if (error == -ETIMEDOUT)
                return refuse(vetting, ETIMEDOUT,
                        "no %s within %g s; see handshake-timeout= in snotify.conf(5)", awaited,
                        (double)vetting->limits->handshake_timeout_usec / 1e6);
        if (error == -EPROTO)
                return refuse(vetting, EPROTO, "the %s came with file descriptors that don't belong there",
                        awaited);
        return refuse(vetting, -error, "the connection ended before the %s came", awaited);
}

/* At once: a launcher for which there is no room is not waited for. */
static int vet_crowd(Vetting *vetting) {
        const Limits *limits = vetting->limits;
        uint32_t account = vetting->findings.account;
        VettingCrowd crowd = {};

        vetting->arguments->count_crowd(account, &crowd, vetting->arguments->userdata);
        if (crowd.sessions_of_account >= limits->sessions_per_user)
                return refuse(vetting, EUSERS,
                        "user %" PRIu32 " has as many sessions as a user may, %" PRIu64
                        "; see sessions-per-user= in snotify.conf(5)",
                        account, limits->sessions_per_user);
        if (crowd.sessions >= limits->sessions)
                return refuse(vetting, EUSERS,
                        "there are as many sessions as there may be, %" PRIu64
                        "; see sessions= in snotify.conf(5)",
                        limits->sessions);
        return 0;
}

/* The launcher's groups, as the kernel knows them: the effective one and all others.  Returns how many, with
 * the caller's *ret; or a negative errno. */
static ssize_t read_groups(const Vetting *vetting, gid_t **ret) {
        _cleanup_free_ gid_t *groups = NULL;
        socklen_t size = 0;

        /* A launcher's groups don't change once it is connected: the first answer is the size. */
        if (getsockopt(vetting->launcher_fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) < 0 && errno != ERANGE)
                return -errno;
        groups = malloc(size + sizeof(*groups));
        if (!groups)
                return -ENOMEM;
        if (getsockopt(vetting->launcher_fd, SOL_SOCKET, SO_PEERGROUPS, groups + 1, &size) < 0)
                return -errno;
        groups[0] = vetting->gid;
        *ret = TAKE_PTR(groups);
        return (ssize_t)(size / sizeof(*groups)) + 1;
}

static int vet_groups(Vetting *vetting, const gid_t *groups, size_t n_groups) {
        const char *profile = vetting->findings.profile;
        char shown[128];

        if (profile_admits(vetting->profile, vetting->findings.uid, groups, n_groups))
                return 0;
        (void)escape_text(profile, strlen(profile), shown, sizeof(shown));
        return refuse(vetting, EACCES,
                "profile %s is not for user %u; see users= and groups= in its [profile %s] section", shown,
                vetting->findings.uid, shown);
}

/* Of the launcher that connected: one that is refused learns so before it installs a filter. */
static int vet_access_list(Vetting *vetting) {
        _cleanup_free_ gid_t *groups = NULL;
        ssize_t n;

        if (profile_admits(vetting->profile, vetting->findings.uid, NULL, 0))
                return 0;
        n = read_groups(vetting, &groups);
        if (n < 0)
                return refuse(
                        vetting, (int)-n, "cannot find out the launcher's groups: %s", strerror((int)-n));
        return vet_groups(vetting, groups, (size_t)n);
}

static int vet_hello(Vetting *vetting) {
        ProtocolHello hello;
        const char *why;
        char shown[128];
        ssize_t n;

        n = receive(vetting, &hello, sizeof(hello), NULL);
        if (n < 0)
                return refuse_silence(vetting, (int)n, "greeting");
        if (!protocol_hello_is_valid(&hello, (size_t)n, &why))
                return refuse(vetting, EPROTO, "%s", why);
        memcpy(vetting->findings.profile, hello.profile, sizeof(hello.profile));
        memcpy(vetting->findings.label, hello.label, sizeof(hello.label));
        if (policy_refusal(vetting->arguments->policy))
                return refuse(vetting, ECANCELED, "%s", policy_refusal(vetting->arguments->policy));
        (void)escape_text(hello.profile, strlen(hello.profile), shown, sizeof(shown));
        vetting->profile = policy_find_profile(vetting->arguments->policy, hello.profile);
        if (!vetting->profile)
                return refuse(vetting, ENOENT,
                        "there is no profile %s; see the [profile NAME] sections of " CONFIG_PATH, shown);
        return vet_access_list(vetting);
}

static int welcome(Vetting *vetting) {
        const VettingArguments *arguments = vetting->arguments;
        const Filter *filter = &arguments->filters->by_namespaces[profile_namespaces(vetting->profile)];
        ProtocolReply reply = {
                .magic = PROTOCOL_MAGIC,
                .version = PROTOCOL_VERSION,
                .verdict = PROTOCOL_WELCOME,
                .session_id = arguments->session_id,
                .nonce = arguments->nonce,
                .n_instructions = filter->n_instructions,
        };

        if (vetting->probe_error < 0)
                return refuse(vetting, -vetting->probe_error,
                        "snotifyd cannot create a tmpfs, for which it needs CAP_SYS_ADMIN: %s",
                        strerror(-vetting->probe_error));
        /* The acceptor has forbidden them. */
        (void)setsockopt(vetting->launcher_fd, SOL_SOCKET, SO_PASSRIGHTS, &(int){1}, sizeof(int));
        memcpy(reply.instructions, filter->instructions,
                reply.n_instructions * sizeof(reply.instructions[0]));
        reply_send(vetting, &reply, vetting->probe_fs.dir_fd);
        return 0;
}

/* The error is the launcher's word, which nothing but the explanation depends on. */
static int vet_proof(Vetting *vetting, int error) {
        if (probe_fs_is_passed(&vetting->probe_fs))
                return 0;
        if (error == EACCES || error == EPERM)
                return refuse(vetting, EACCES,
                        "the launcher is restricted by landlock(7) or another security module, whose rules "
                        "snotifyd cannot apply; start snotify-run outside of that sandbox");
        if (error > 0)
                return refuse(vetting, EIO,
                        "the launcher could not create a directory in an empty tmpfs: %s", strerror(error));
        return refuse(vetting, EPROTO, "the launcher did not create the directory that it was asked for");
}

static int vet_listener(Vetting *vetting) {
        ProtocolListener message;
        ssize_t n;

        n = receive(vetting, &message, sizeof(message), &vetting->listener_fd);
        if (n == -EPIPE) /* the launcher itself cannot say why it was killed */
                return refuse(vetting, EPIPE,
                        "the connection ended before the listener came; if SIGSYS killed snotify-run, its "
                        "unit's SystemCallFilter= lacks seccomp: see snotify-run(1)");
        if (n < 0)
                return refuse_silence(vetting, (int)n, "listener");
        if (n != sizeof(message) || message.magic != PROTOCOL_MAGIC || message.version != PROTOCOL_VERSION)
                return refuse(vetting, EPROTO, "the message with the listener is malformed");
        if (vetting->listener_fd < 0)
                return refuse(vetting, EPROTO, "the message with the listener holds no file descriptor");
        if (!notify_is_listener(vetting->listener_fd))
                return refuse(vetting, EPROTO, "the file descriptor that was sent is no seccomp listener");
        return vet_proof(vetting, message.proof_error);
}

static bool is_knock(const Vetting *vetting, const struct seccomp_notif *notif) {
        const Call *call = call_find(&notif->data);
        Arguments knock;

        /* 0 is any process that our PID namespace does not show. */
        if (!call || call->dirfd_at < 0 || notif->pid == 0 || notif->pid != vetting->findings.pid)
                return false;
        call_arguments(call, &notif->data, &knock);
        return knock.dirfds[0] == PROTOCOL_KNOCK_DIRFD &&
               knock.paths[0] == protocol_knock_path(vetting->arguments->nonce) && knock.mode == 0;
}

static int compare_knocker(Vetting *vetting, const TaskFacts *status) {
        const Credentials *credentials = &status->credentials;
        _cleanup_free_ gid_t *groups = NULL;

        if (status->uids[1] != vetting->findings.uid)
                return refuse(vetting, EPERM,
                        "the launcher connected as user %" PRIu32 " and has become user %" PRIu32 " since",
                        vetting->findings.uid, (uint32_t)status->uids[1]);
        groups = malloc((credentials->n_groups + 1) * sizeof(*groups));
        if (!groups)
                return refuse(vetting, ENOMEM, "snotifyd has no memory left");
        groups[0] = status->gids[1];
        for (size_t i = 0; i < credentials->n_groups; i++)
                groups[i + 1] = credentials->groups[i];
        return vet_groups(vetting, groups, credentials->n_groups + 1);
}

/* The profile must be for the process that knocks, not only for the one that connected. */
static int vet_knocker(Vetting *vetting) {
        TaskFacts status;
        int r;

        credentials_init(&status.credentials);
        r = launcher_read_status(vetting->arguments->proc_fd, (pid_t)vetting->findings.pid, &status);
        if (r >= 0 && notify_check_id(vetting->listener_fd, vetting->findings.knock.notif.id) != 0)
                r = -ESRCH;
        if (r < 0)
                r = refuse(vetting, -r, "cannot read whose process knocks: %s", strerror(-r));
        else
                r = compare_knocker(vetting, &status);
        credentials_done(&status.credentials);
        return r;
}

static int vet_knock(Vetting *vetting) {
        NotifyRequest *knock = &vetting->findings.knock;
        int r;

        /* Only tried: the daemon, which answers the knock, has more to do then. */
        vetting->findings.has_sync_wake_up = notify_set_sync_wake_up(vetting->listener_fd, false) == 0;
        r = wait_readable(vetting, vetting->listener_fd);
        if (r < 0 && r != -ESRCH)
                return refuse_silence(vetting, r, "knock");
        if (r == 0)
                r = notify_receive(vetting->listener_fd, knock);
        if (r != 0)
                return refuse(vetting, ESRCH, "the process that was to be supervised died");
        if (!is_knock(vetting, &knock->notif))
                return refuse(vetting, EPERM,
                        "the listener is not the launcher's own, or its first call was no knock");
        return vet_knocker(vetting);
}

static void tell_daemon(Vetting *vetting, VettingStage stage) {
        vetting->findings.stage = stage;
        (void)message_send(vetting->arguments->daemon_fd, &vetting->findings, sizeof(vetting->findings),
                stage == VETTING_PASSED ? vetting->listener_fd : -EBADF);
}

/* Returns false where there is none, or only one to close. */
static bool take_connection(Vetting *vetting) {
        VettingFindings *findings = &vetting->findings;
        AcceptorTicket ticket;
        Peer peer;
        ssize_t n;

        n = message_receive(vetting->arguments->handover_fd, &ticket, sizeof(ticket), &vetting->launcher_fd);
        if (n == sizeof(ticket)) {
                findings->number = ticket.number;
                findings->account = ticket.account;
        }
        if (vetting->launcher_fd < 0 || peer_identify(vetting->launcher_fd, &peer) < 0) {
                tell_daemon(vetting, VETTING_NOTHING);
                return false;
        }
        findings->pid = peer.pid;
        findings->uid = peer.uid;
        vetting->gid = peer.gid;
        tell_daemon(vetting, VETTING_CONNECTED);
        return n == sizeof(ticket) && !ticket.is_refused;
}

int vetting_run(const VettingArguments *arguments) {
        Vetting vetting = {
                .arguments = arguments,
                .limits = policy_limits(arguments->policy),
                .launcher_fd = -EBADF,
                .listener_fd = -EBADF,
                .probe_fs = PROBE_FS_NONE,
        };
        bool passed;

        /* With privileges, and so before anything of the launcher's is there. */
        privileges_raise(CAP_SYS_ADMIN);
        vetting.probe_error = probe_fs_new(&vetting.probe_fs);
        if (privileges_drop() < 0 || sandbox_enter(arguments->sandbox) < 0)
                return EXIT_FAILURE;
        if (!take_connection(&vetting))
                return EXIT_SUCCESS;
        vetting.deadline_usec = clock_usec(CLOCK_MONOTONIC) + vetting.limits->handshake_timeout_usec;
        passed = vet_crowd(&vetting) == 0 && vet_hello(&vetting) == 0 && welcome(&vetting) == 0 &&
                 vet_listener(&vetting) == 0 && vet_knock(&vetting) == 0;
        tell_daemon(&vetting, passed ? VETTING_PASSED : VETTING_REFUSED);
        return EXIT_SUCCESS;
}
