/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The raw notification ioctls.  Owns nothing.  Run by workers and verifiers; the daemon only asks what the
 * kernel can do.  Must never retry what may block, and never decide anything. */

#include "common/notify.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ANON_INODE_FS_MAGIC 0x09041934

static_assert(sizeof(struct seccomp_notif) <= NOTIFY_REQUEST_SIZE, "a request must fit");
static_assert(sizeof(struct seccomp_notif_resp) <= NOTIFY_REPLY_SIZE, "a reply must fit");

int notify_check_sizes(void) {
        struct seccomp_notif_sizes sizes;

        if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
                return -ENOSYS;
        if (sizes.seccomp_notif > NOTIFY_REQUEST_SIZE || sizes.seccomp_notif_resp > NOTIFY_REPLY_SIZE)
                return -E2BIG;
        return 0;
}

bool notify_can_wait_killable(void) {
        unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

        /* The kernel checks the flags before it reads the program.  EFAULT means that it knows the flags,
         * and that nothing was installed. */
        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

bool notify_is_listener(int fd) {
        static const char expected[] = "anon_inode:seccomp notify";
        char link[sizeof("/proc/self/fd/") + 3 * sizeof(fd)], name[sizeof(expected) + 1];
        struct statfs fs;
        ssize_t length;

        if (fstatfs(fd, &fs) < 0 || fs.f_type != ANON_INODE_FS_MAGIC)
                return false;
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        length = readlink(link, name, sizeof(name));
        if (length != sizeof(expected) - 1 || memcmp(name, expected, sizeof(expected) - 1) != 0)
                return false;

        /* Another kind of file may have that name one day; only a listener gives this answer.  Id 0 is as
         * unlikely to exist as any other. */
        return notify_check_id(fd, 0) == NOTIFY_GONE;
}

int notify_set_sync_wake_up(int listener_fd, bool sync) {
        unsigned long flags = sync ? SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP : 0;

        return ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags) < 0 ? -EOPNOTSUPP : 0;
}

int notify_receive(int listener_fd, NotifyRequest *ret) {
        if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &ret->notif) >= 0)
                return 0;
        return errno == ENOENT ? NOTIFY_GONE : -errno;
}

int notify_check_id(int listener_fd, uint64_t id) {
        while (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
                if (errno != EINTR) /* interrupted while it waited for a lock: says nothing about the id */
                        return errno == ENOENT ? NOTIFY_GONE : -errno;
        return 0;
}

bool notification_is_gone(const Notification *notification) {
        return notify_check_id(notification->listener_fd, notification->id) == NOTIFY_GONE;
}

int notify_send(int listener_fd, NotifyReply *reply) {
        while (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &reply->response) < 0)
                if (errno != EINTR) /* EINPROGRESS: answered already, and the target has not run since */
                        return errno == ENOENT || errno == EINPROGRESS ? NOTIFY_GONE : -errno;
        return 0;
}

void notify_reply(NotifyReply *ret, uint64_t id, int64_t value, int error) {
        if (error < 0 || error > 4095 || (error >= 512 && error <= 530))
                error = EIO;
        *ret = (NotifyReply){
                .response = {.id = id, .val = error ? 0 : value, .error = -error},
        };
}

void notify_continue(NotifyReply *ret, uint64_t id) {
        *ret = (NotifyReply){
                .response = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE},
        };
}
