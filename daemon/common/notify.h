/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The seccomp notification ioctls (seccomp_unotify(2)).  Each answer that the kernel gives is a named
 * outcome.  libseccomp's wrappers are of no use here: they turn every errno into ECANCELED. */

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/gone.h"

/* Linux 6.6; absent from older headers. */
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

/* The call is over: its target died or was interrupted, or it was answered already. */
enum {
        NOTIFY_GONE = STATUS_GONE,
};

/* One call that waits for its answer. */
typedef struct Notification {
        int listener_fd; /* not owned */
        uint64_t id;
} Notification;

/* The room for a request and for a reply.  A later kernel's structures may be larger, and the kernel writes
 * all of a structure; notify_check_sizes() compares. */
#define NOTIFY_REQUEST_SIZE 256
#define NOTIFY_REPLY_SIZE 64

typedef union NotifyRequest {
        struct seccomp_notif notif;
        uint8_t room[NOTIFY_REQUEST_SIZE];
} NotifyRequest;

typedef union NotifyReply {
        struct seccomp_notif_resp response;
        uint8_t room[NOTIFY_REPLY_SIZE];
} NotifyReply;

/* Compares the kernel's structures with the room for them.  Returns 0, -E2BIG where one does not fit, or
 * -ENOSYS where the kernel has no seccomp notification. */
int notify_check_sizes(void);

/* Does this kernel know SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (Linux 5.19)?  Without that flag a signal
 * interrupts a call that a worker has already performed; the target repeats the call, and gets EEXIST. */
bool notify_can_wait_killable(void);

/* Is fd a seccomp listener, and not another kind of file with the same name? */
bool notify_is_listener(int fd);

/* Asks the kernel to keep target and worker on one CPU (Linux 6.6), or not to, which is the default.  A
 * round trip is then several times faster if the worker has nothing else to do.  Returns 0, or -EOPNOTSUPP
 * where the kernel is older. */
int notify_set_sync_wake_up(int listener_fd, bool sync);

/* Receives one request into *ret, which must be all zero and must not cross a page boundary.  The kernel
 * then writes it in one piece: after a kill it is either complete or still zero.  Blocks while there is no
 * request, hence poll first.  Returns 0, NOTIFY_GONE where the target died first and nothing was received,
 * -EINTR, or another negative errno. */
int notify_receive(int listener_fd, NotifyRequest *ret);

/* Is the call with this id still waiting for its answer?  Returns 0 or NOTIFY_GONE, or a negative errno. */
int notify_check_id(int listener_fd, uint64_t id);

/* Does no target wait for an answer to the call any more?  Another process may have got the target's number
 * then.  What was read under that number is about the target only if this says no afterwards. */
bool notification_is_gone(const Notification *notification);

/* Answers the call reply->response.id.  Returns 0, NOTIFY_GONE, or a negative errno. */
int notify_send(int listener_fd, NotifyReply *reply);

/* Fills *ret with a value that the call returns, or with a positive errno that it fails with.  The kernel
 * hands any number to the target.  libc takes those above 4095 for a result, and those from 512 to 530 make
 * the kernel restart the call: such an error becomes EIO. */
void notify_reply(NotifyReply *ret, uint64_t id, int64_t value, int error);

/* Fills *ret to let the kernel continue the call as if it had not been stopped.  Safe only if the decision
 * does not depend on the memory that the call points to, nor on what its descriptors are: other threads of
 * the target can change both until the kernel reads them. */
void notify_continue(NotifyReply *ret, uint64_t id);
