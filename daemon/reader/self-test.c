/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tries the reader.  Run by the process that loads it.  A child installs a filter, and its own child makes a
 * call: the first reads the second, and knows what it must learn, because both have the same credentials.
 * Must never wait for ever. */

#include "reader/self-test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/notify.h"
#include "common/ownership.h"
#include "ebpf/run.h"
#include "ebpf/trial.h"
#include "reader/reader.h"

#define PATIENCE_MSEC 10000

static const char *const complaints[] = {
        NULL,
        "cannot be tried: its trial could install no filter",
        "cannot tell listeners from other files",
        "cannot be tried: no call comes",
        "does not find a call that waits",
        "tells of a call that does not wait",
        "tells wrong numbers",
        "tells wrong users or groups",
        "tells a wrong umask or wrong capabilities",
        "does not know a root directory",
};
typedef enum Complaint {
        COMPLAINT_NONE,
        COMPLAINT_FILTER,
        COMPLAINT_LISTENERS,
        COMPLAINT_NO_CALL,
        COMPLAINT_NOT_FOUND,
        COMPLAINT_OTHERS,
        COMPLAINT_NUMBERS,
        COMPLAINT_USERS,
        COMPLAINT_REST,
        COMPLAINT_ROOT,
        COMPLAINTS,
} Complaint;

/* Its call waits until the child is killed, or the listener is closed. */
static pid_t fork_caller(void) {
        pid_t pid = fork();

        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)mkdirat(-1, "probe", 0700);
                _exit(EXIT_SUCCESS);
        }
        return pid;
}

static bool has_own_users(const ReaderRequest *answer) {
        gid_t groups[READER_GROUPS_MAX];
        uid_t uids[4];
        gid_t gids[4];
        int n = getgroups(READER_GROUPS_MAX, groups);

        (void)getresuid(&uids[0], &uids[1], &uids[2]);
        (void)getresgid(&gids[0], &gids[1], &gids[2]);
        uids[3] = (uid_t)setfsuid((uid_t)-1);
        gids[3] = (gid_t)setfsgid((gid_t)-1);
        return n >= 0 && (uint32_t)n == answer->n_groups &&
               memcmp(groups, answer->groups, (size_t)n * sizeof(groups[0])) == 0 &&
               memcmp(uids, answer->uids, sizeof(uids)) == 0 &&
               memcmp(gids, answer->gids, sizeof(gids)) == 0;
}

static bool has_own_rest(const ReaderRequest *answer) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2] = {};
        mode_t mask = umask(0);

        (void)umask(mask);
        return mask == answer->umask && syscall(SYS_capget, &header, data) == 0 &&
               answer->capabilities == ((uint64_t)data[1].effective << 32 | data[0].effective);
}

/* A process in several PID namespaces knows its last number alone. */
static bool has_numbers_of(const ReaderRequest *answer, pid_t pid) {
        char comm[READER_COMM_SIZE] = "";

        return answer->n_levels == 1 && answer->tids[0] == (uint32_t)pid &&
               answer->tgids[0] == (uint32_t)pid && answer->birth != 0 && prctl(PR_GET_NAME, comm) == 0 &&
               memcmp(comm, answer->comm, sizeof(comm)) == 0;
}

static bool is_blank(const ReaderRequest *answer) {
        const char *bytes = (const char *)answer + offsetof(ReaderRequest, capabilities);
        size_t size = sizeof(*answer) - offsetof(ReaderRequest, capabilities);

        return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static Complaint read_caller(int program_fd, ReaderRequest *request, pid_t pid) {
        ReaderRequest other;

        if (reader_ask(program_fd, request) < 0)
                return COMPLAINT_NOT_FOUND;
        other = *request;
        other.id++;
        if (reader_ask(program_fd, &other) >= 0 || !is_blank(&other))
                return COMPLAINT_OTHERS;
        if (!has_numbers_of(request, pid))
                return COMPLAINT_NUMBERS;
        if (!has_own_users(request))
                return COMPLAINT_USERS;
        if (!has_own_rest(request))
                return COMPLAINT_REST;
        return request->flags & READER_ROOT_IS_GIVEN ? COMPLAINT_NONE : COMPLAINT_ROOT;
}

static Complaint receive(int program_fd, int listener_fd, pid_t pid) {
        struct pollfd poll_fd = {.fd = listener_fd, .events = POLLIN};
        NotifyRequest notification = {};
        ReaderRequest request;

        if (poll(&poll_fd, 1, PATIENCE_MSEC) != 1 || notify_receive(listener_fd, &notification) != 0)
                return COMPLAINT_NO_CALL;
        request = (ReaderRequest){
                .id = notification.notif.id,
                .listener_fd = listener_fd,
                .root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
        };
        return read_caller(program_fd, &request, pid);
}

static Complaint try_reader(int program_fd, int learn_fd) {
        int listener_fd = trial_install_filter();
        Complaint complaint;
        pid_t pid;

        if (listener_fd < 0)
                return COMPLAINT_FILTER;
        if (program_run(learn_fd, &listener_fd, sizeof(listener_fd)) < 0)
                return COMPLAINT_LISTENERS;
        pid = fork_caller();
        if (pid < 0)
                return COMPLAINT_NO_CALL;
        complaint = receive(program_fd, listener_fd, pid);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return complaint;
}

const char *reader_self_test(int program_fd, int learn_fd) {
        const int keep[] = {program_fd, learn_fd};
        pid_t pid = child_fork("snotifyd-reader", keep, sizeof(keep) / sizeof(keep[0]));
        int status = -1, r;

        if (pid == 0)
                _exit((int)try_reader(program_fd, learn_fd));
        if (pid < 0)
                return "cannot be tried: its trial cannot be forked";
        r = child_wait(pid, 2 * PATIENCE_MSEC, &status);
        if (r == -ETIME) {
                (void)kill(pid, SIGKILL);
                (void)child_wait(pid, PATIENCE_MSEC, NULL);
        }
        if (r < 0 || !WIFEXITED(status) || WEXITSTATUS(status) >= COMPLAINTS)
                return "cannot be tried: its trial failed";
        return complaints[WEXITSTATUS(status)];
}
