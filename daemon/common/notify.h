/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The seccomp notification ioctls, with each answer that the kernel is known to give as a named outcome. See
 * seccomp_unotify(2).  libseccomp's wrappers fold every errno into ECANCELED, which is why they are not
 * used. */

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

/* The room that we give a request and a reply.  The kernel tells its own sizes (SECCOMP_GET_NOTIF_SIZES):
 * its structures may grow, and it writes all of them. */
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

/* Compares the kernel's sizes with ours.  Returns 0, -E2BIG (a kernel whose structures have outgrown ours)
 * or -ENOSYS (no seccomp notification). */
int notify_check_sizes(void);

/* Does this kernel know SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (Linux 5.19)?  Without it signals interrupt
 * calls that were already performed, which then seem to fail with EEXIST. */
bool notify_can_wait_killable(void);

/* Is fd a seccomp listener, and nothing that only looks like one? */
bool notify_is_listener(int fd);

/* Asks the kernel to keep target and supervisor on one CPU (Linux 6.6), or not to, as at first.  It makes a
 * round trip several times faster where the supervisor has nothing else to do.  Returns 0, or -EOPNOTSUPP
 * where the kernel is older. */
int notify_set_sync_wake_up(int listener_fd, bool sync);

/* Receives one request into *ret, which must be all zero and must not cross a page boundary: the kernel
 * writes it in one piece, so that after a kill it is either complete or still zero.  Blocks while there is
 * none: poll first.  Returns 0, NOTIFY_GONE (its target left first: nothing was consumed, go on), -EINTR, or
 * another negative errno. */
int notify_receive(int listener_fd, NotifyRequest *ret);

/* Is the call with this id still waiting for its answer?  Returns 0 or NOTIFY_GONE, or a negative errno. */
int notify_check_id(int listener_fd, uint64_t id);

/* Does nothing wait for an answer to the call any more?  What was read of a task while its number still was
 * that of the target is true only if this says no afterwards. */
bool notification_is_gone(const Notification *notification);

/* Answers the call reply->response.id.  Returns 0, NOTIFY_GONE, or a negative errno. */
int notify_send(int listener_fd, NotifyReply *reply);

/* Fills *ret: a positive value that the call returns, or a positive errno that it fails with.  The kernel
 * hands any error number to the target, even those that libc takes for a pointer (above 4095) and those that
 * mean "restart this call" (512 to 530): such an error becomes EIO. */
void notify_reply(NotifyReply *ret, uint64_t id, int64_t value, int error);

/* Fills *ret: the kernel goes on with the call, as if it had never been stopped.  Only for a call that was
 * not decided by what can change until the kernel looks at it: what its pointers point to, and what its
 * descriptors are. */
void notify_continue(NotifyReply *ret, uint64_t id);
