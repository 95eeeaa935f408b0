/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* clang-format off */
/* stranger SOCKET KIND: connects to the daemon as snotify-run does, goes wrong in one way, and prints how that ends:
 * "refused: WHY", or "closed".
 *
 *      stranger SOCKET lend PROFILE PROGRAM     greets for a profile, and has PROGRAM, a set-user-ID copy of this one,
 *                                               knock in its place: prints "in" where the daemon takes that for its own
 *      stranger SOCKET flood COUNTER            connects and leaves, again and again, and counts in the file COUNTER
 *      stranger SOCKET hang NUMBER UID...       so many connections of each of these users at once, each with a file that
 *                                               hangs whoever closes it; prints "all" when each was heard, and waits for
 *                                               the end of its stdin
 *      stranger SOCKET crowd NUMBER ENOUGH      so many connections at once that say nothing; prints how many were refused
 *                                               when there are ENOUGH, then waits for the end of its stdin and prints how
 *                                               many are still open
 *      stranger SOCKET pile NUMBER UID...       connects, sends a descriptor before it is welcome, and leaves, so many times
 *                                               by a process for each of these users; some of the descriptors hang the
 *                                               process that drops them.  Prints "all", and stays until it is killed
 *      stranger SOCKET mixed NUMBER PROCESSES   so many in all, of all kinds that need no patience, by so many processes
 *                                               at a time */
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/fuse.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/message.h"
#include "common/protocol.h"

#define PATIENCE_MSEC 30000
#define FDS_MAX 200

/* One of so many descriptors hangs the process that drops it. */
#define PILE_HANGING 64

static const char *socket_path;
static int socket_fd = -1; /* of the connection in hand */
static int probe_fd = -1;
static ProtocolReply reply;
static bool quiet;

__attribute__((noreturn)) static void fail(const char *what) {
        perror(what);
        exit(255);
}

static int connect_daemon(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        (void)strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                fail("connect");
        return fd;
}

/* The daemon may be gone already. */
static void say(const void *message, size_t size, const int *fds, size_t n_fds) {
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control = {.header = {CMSG_LEN(n_fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
        struct iovec iov = {(void *)(uintptr_t)message, size};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

        if (n_fds > 0) {
                memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
                msg.msg_control = &control;
                msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        }
        (void)sendmsg(socket_fd, &msg, MSG_NOSIGNAL);
}

static ProtocolHello hello(const char *profile) {
        ProtocolHello message = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};

        (void)strncpy(message.profile, profile, sizeof(message.profile) - 1);
        return message;
}

/* Returns the size of what the daemon says, 0 when it has closed. */
static ssize_t hear(void) {
        struct pollfd fd = {.fd = socket_fd, .events = POLLIN};
        ssize_t n = -ETIMEDOUT;

        if (poll(&fd, 1, PATIENCE_MSEC) > 0)
                n = message_receive(socket_fd, &reply, sizeof(reply), &probe_fd);
        if (n < 0) {
                (void)fprintf(stderr, "stranger: no answer: %s\n", strerror((int)-n));
                exit(255);
        }
        return n;
}

/* Hears the daemon out. */
static void listen_to_end(void) {
        bool refused = false;

        while (hear() > 0) {
                if (reply.verdict != PROTOCOL_REFUSED)
                        continue;
                refused = true;
                if (!quiet)
                        (void)printf("refused: %s\n", reply.text);
        }
        if (!refused && !quiet)
                (void)puts("closed");
}

/* As a launcher does, up to the welcome and the proof. */
static void greet(void) {
        const ProtocolHello message = hello("default");

        say(&message, sizeof(message), NULL, 0);
        if (hear() == 0 || reply.verdict != PROTOCOL_WELCOME) {
                (void)fprintf(stderr, "stranger: not welcome: %s\n", reply.text);
                exit(255);
        }
        if (mkdirat(probe_fd, PROTOCOL_PROOF, 0700) < 0)
                fail("proof");
        (void)close(probe_fd);
        probe_fd = -1;
}

static void send_fds(const int *fds, size_t n_fds) {
        const ProtocolListener message = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};

        say(&message, sizeof(message), fds, n_fds);
}

static void send_fd(int fd) {
        if (fd < 0)
                fail("fd");
        greet();
        send_fds(&fd, 1);
        (void)close(fd);
}

static void do_nothing(void) {
}

static void do_byte(void) {
        say("S", 1, NULL, 0);
}

static void do_empty(void) {
        say("", 0, NULL, 0);
}

static void do_short(void) {
        const ProtocolHello message = hello("default");

        say(&message, sizeof(message) - 1, NULL, 0);
}

static void do_long(void) {
        static char message[65536];
        const ProtocolHello first = hello("default");

        memcpy(message, &first, sizeof(first));
        say(message, sizeof(message), NULL, 0);
}

static void do_version(void) {
        ProtocolHello message = hello("default");

        message.version++;
        say(&message, sizeof(message), NULL, 0);
}

static void do_endless_name(void) {
        ProtocolHello message = hello("default");

        memset(message.profile, 'x', sizeof(message.profile));
        say(&message, sizeof(message), NULL, 0);
}

static void do_profile(void) {
        const ProtocolHello message = hello("no\nwhere");

        say(&message, sizeof(message), NULL, 0);
}

static void do_not_permitted(void) {
        const ProtocolHello message = hello("certain");

        say(&message, sizeof(message), NULL, 0);
}

static void do_twice(void) {
        const ProtocolHello message = hello("default");

        greet();
        say(&message, sizeof(message), NULL, 0);
}

static void do_early_fds(void) {
        const ProtocolHello message = hello("default");
        const int fds[] = {STDIN_FILENO, STDERR_FILENO};

        say(&message, sizeof(message), fds, 2);
}

static void do_no_fd(void) {
        greet();
        send_fds(NULL, 0);
}

static void do_many(size_t n) {
        int fds[FDS_MAX];

        for (size_t i = 0; i < n; i++)
                fds[i] = STDERR_FILENO;
        greet();
        send_fds(fds, n);
}

static void do_2_fds(void) {
        do_many(2);
}

static void do_200_fds(void) {
        do_many(200);
}

static void do_pipe(void) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                fail("pipe");
        (void)close(ends[1]);
        send_fd(ends[0]);
}

static void do_memfd(void) {
        send_fd(memfd_create("seccomp notify", MFD_CLOEXEC));
}

static void do_socket(void) {
        send_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/* Itself, with itself on the way. */
static void do_connection(void) {
        send_fd(dup(socket_fd));
}

static void do_directory(void) {
        send_fd(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int install_filter(void) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof(instructions) / sizeof(instructions[0]), instructions};
        long fd;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                fail("no_new_privs");
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
        if (fd < 0)
                fail("seccomp");
        return (int)fd;
}

static void knock(uint64_t nonce) {
        (void)syscall(SYS_mkdirat, PROTOCOL_KNOCK_DIRFD, protocol_knock_path(nonce), 0);
}

/* Forks a process with a filter, that knocks when it is told the nonce; hands its listener over. */
static pid_t fork_target(int *ret_socket_fd) {
        uint64_t nonce = 0;
        int ends[2], fd;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                fail("socketpair");
        pid = fork();
        if (pid < 0)
                fail("fork");
        if (pid == 0) {
                (void)close(ends[0]);
                (void)close(socket_fd);
                fd = install_filter();
                if (message_send(ends[1], "", 1, fd) < 0)
                        _exit(255);
                (void)close(fd);
                if (recv(ends[1], &nonce, sizeof(nonce), 0) == sizeof(nonce))
                        knock(nonce);
                _exit(0);
        }
        (void)close(ends[1]);
        *ret_socket_fd = ends[0];
        return pid;
}

static int take_listener(int target_fd) {
        struct pollfd fd = {.fd = target_fd, .events = POLLIN};
        int listener_fd = -1;
        char byte;

        (void)poll(&fd, 1, PATIENCE_MSEC);
        (void)message_receive(target_fd, &byte, 1, &listener_fd);
        return listener_fd;
}

/* Somebody else knocks. */
static void do_another(void) {
        int target_fd;
        pid_t pid = fork_target(&target_fd);

        send_fd(take_listener(target_fd));
        (void)send(target_fd, &reply.nonce, sizeof(reply.nonce), MSG_NOSIGNAL);
        (void)waitpid(pid, NULL, 0);
        (void)close(target_fd);
}

static void do_dead(void) {
        int target_fd, listener_fd;
        pid_t pid = fork_target(&target_fd);

        listener_fd = take_listener(target_fd);
        (void)close(target_fd);
        (void)waitpid(pid, NULL, 0);
        send_fd(listener_fd);
}

/* What follows goes on in a process of its own, for a filter stays. */
static void alone(void (*rest)(void)) {
        pid_t pid = getpid();
        int fd;

        greet();
        (void)fflush(stdout);
        if (quiet) {
                pid = fork();
                if (pid > 0)
                        (void)waitpid(pid, NULL, 0);
                if (pid != 0)
                        return;
        }
        fd = install_filter();
        send_fds(&fd, 1);
        (void)close(fd);
        rest();
        if (quiet)
                _exit(0);
}

static void wrong_nonce(void) {
        knock(reply.nonce ^ 1);
}

static void another_call(void) {
        (void)mkdirat(AT_FDCWD, "stranger", 0700);
}

static void leave_before_knock(void) {
        (void)shutdown(socket_fd, SHUT_RDWR);
        knock(reply.nonce);
}

/* As the others leave: the connection is all there is. */
static void hang_up(void) {
        (void)shutdown(socket_fd, SHUT_RDWR);
}

static void do_wrong_nonce(void) {
        /* Of the one that knocks the credentials are taken: it has to be the one that connected. */
        alone(wrong_nonce);
}

static void do_another_call(void) {
        alone(another_call);
}

static void do_silence(void) {
        alone(do_nothing);
}

static void do_leave_connected(void) {
        hang_up();
}

static void do_leave_greeting(void) {
        const ProtocolHello message = hello("default");

        say(&message, sizeof(message), NULL, 0);
        hang_up();
}

static void do_leave_welcome(void) {
        greet();
        hang_up();
}

/* As much as fits, which is half of all that there is, and more. */
static void do_litter(void) {
        char name[16];
        int fd;

        const ProtocolHello message = hello("default");

        say(&message, sizeof(message), NULL, 0);
        (void)hear();
        fd = probe_fd;
        for (unsigned i = 0; i < 10000; i++) {
                (void)snprintf(name, sizeof(name), "%u", i);
                if (mkdirat(fd, name, 0700) < 0)
                        break;
        }
        (void)printf("%s\n", strerror(errno));
        (void)fflush(stdout);
        (void)!read(STDIN_FILENO, name, 1);
        hang_up();
}

static void do_leave_listener(void) {
        alone(hang_up);
}

static void do_leave_knock(void) {
        alone(leave_before_knock);
}

enum { FILE_ID = 2 };

static union {
        struct fuse_in_header header;
        char room[FUSE_MIN_READ_BUFFER + 65536];
} request;

static void fuse_reply(int fuse_fd, uint64_t unique, int error, const void *body, size_t size) {
        struct fuse_out_header header = {(uint32_t)(sizeof(header) + size), -error, unique};
        const struct iovec pieces[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)body, size}};

        (void)!writev(fuse_fd, pieces, 2);
}

/* "file", each descriptor of which hangs the process that closes it: no flush is answered.  And files whose
 * names are numbers above FILE_ID: once something was written to one, the last descriptor of an open file of
 * it hangs the process that drops it, for no write is answered. */
static void fuse_serve(int fuse_fd) {
        const struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION,
                .minor = FUSE_KERNEL_MINOR_VERSION,
                .max_write = 65536,
                .flags = FUSE_WRITEBACK_CACHE};
        const struct fuse_open_out opened = {};
        struct fuse_attr_out attr = {};
        struct fuse_entry_out entry = {.attr = {.mode = S_IFREG | 0666, .nlink = 1}};

        while (read(fuse_fd, &request, sizeof(request)) >= 0 || errno == EINTR || errno == ENOENT) {
                uint64_t unique = request.header.unique;

                switch (request.header.opcode) {
                case FUSE_INIT:
                        fuse_reply(fuse_fd, unique, 0, &init, sizeof(init));
                        break;
                case FUSE_GETATTR:
                        attr.attr = request.header.nodeid == FUSE_ROOT_ID
                                            ? (struct fuse_attr){.mode = S_IFDIR | 0777, .nlink = 2}
                                            : entry.attr;
                        attr.attr.ino = request.header.nodeid;
                        fuse_reply(fuse_fd, unique, 0, &attr, sizeof(attr));
                        break;
                case FUSE_LOOKUP:
                        entry.nodeid = strtoull((const char *)(&request.header + 1), NULL, 10);
                        entry.nodeid = entry.nodeid > FILE_ID ? entry.nodeid : FILE_ID;
                        entry.attr.ino = entry.nodeid;
                        fuse_reply(fuse_fd, unique, 0, &entry, sizeof(entry));
                        break;
                case FUSE_OPEN:
                        fuse_reply(fuse_fd, unique, 0, &opened, sizeof(opened));
                        break;
                case FUSE_FLUSH:
                        if (request.header.nodeid != FILE_ID)
                                fuse_reply(fuse_fd, unique, 0, NULL, 0);
                        break;
                case FUSE_WRITE:
                case FUSE_FORGET:
                case FUSE_BATCH_FORGET:
                case FUSE_INTERRUPT:
                        break;
                default:
                        fuse_reply(fuse_fd, unique, ENOSYS, NULL, 0);
                }
        }
}

/* Mounts these files where only we and our children see them, as long as the process lives whose pid is
 * returned. */
static pid_t mount_hanging(void) {
        int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        char options[128];
        pid_t pid;

        (void)snprintf(
                options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse_fd);
        if (fuse_fd < 0 || unshare(CLONE_NEWNS) < 0 ||
                mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                mount("stranger", "/mnt", "fuse", 0, options) < 0)
                fail("fuse");
        pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)close(socket_fd);
                fuse_serve(fuse_fd);
                _exit(0);
        }
        (void)close(fuse_fd);
        return pid;
}

/* Opens a file that hangs the process that closes it, as long as the process lives whose pid is in *ret_pid.
 */
static int open_hanging(pid_t *ret_pid) {
        int fd;

        *ret_pid = mount_hanging();
        fd = open("/mnt/file", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                fail("/mnt/file");
        return fd;
}

/* Until the end of stdin. */
static void do_flush(void) {
        pid_t pid;
        int fd = open_hanging(&pid);
        char byte;

        greet();
        send_fds(&fd, 1);
        (void)hear();
        (void)printf("refused: %s\n", reply.text);
        (void)fflush(stdout);
        (void)!read(STDIN_FILENO, &byte, 1);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        exit(0);
}

static const struct {
        const char *name;
        void (*act)(void);
        bool patient; /* it ends at the timeout, or takes more than a socket: not to be mixed */
} kinds[] = {
        {"nothing", do_nothing, true},
        {"byte", do_byte, false},
        {"empty", do_empty, false},
        {"short", do_short, false},
        {"long", do_long, false},
        {"version", do_version, false},
        {"endless-name", do_endless_name, false},
        {"profile", do_profile, false},
        {"not-permitted", do_not_permitted, false},
        {"twice", do_twice, false},
        {"early-fds", do_early_fds, true}, /* since Linux 6.16 nothing of it arrives */
        {"no-fd", do_no_fd, false},
        {"2-fds", do_2_fds, false},
        {"200-fds", do_200_fds, false},
        {"pipe", do_pipe, false},
        {"memfd", do_memfd, false},
        {"socket", do_socket, false},
        {"connection", do_connection, false},
        {"directory", do_directory, false},
        {"another", do_another, false},
        {"dead", do_dead, false},
        {"wrong-nonce", do_wrong_nonce, false},
        {"another-call", do_another_call, false},
        {"silence", do_silence, true},
        {"leave-connected", do_leave_connected, false},
        {"leave-greeting", do_leave_greeting, false},
        {"leave-welcome", do_leave_welcome, false},
        {"leave-listener", do_leave_listener, false},
        {"leave-knock", do_leave_knock, false},
        {"litter", do_litter, true},
        {"flush", do_flush, true},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void be(size_t kind) {
        socket_fd = connect_daemon();
        kinds[kind].act();
        listen_to_end();
        (void)close(socket_fd);
        socket_fd = -1;
}

/* The pid stays, and so does the connection. */
static int lend(const char *profile, char *program) {
        const ProtocolHello message = hello(profile);
        char number[16], nonce[32];

        socket_fd = connect_daemon();
        say(&message, sizeof(message), NULL, 0);
        if (hear() <= 0 || reply.verdict != PROTOCOL_WELCOME ||
                mkdirat(probe_fd, PROTOCOL_PROOF, 0700) < 0) {
                (void)printf("refused: %s\n", reply.text);
                return 0;
        }
        if (fcntl(socket_fd, F_SETFD, 0) < 0)
                fail("fcntl");
        (void)snprintf(number, sizeof(number), "%d", socket_fd);
        (void)snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)reply.nonce);
        (void)execl(program, program, socket_path, "borrow", number, nonce, (char *)NULL);
        fail(program);
}

/* Where that is root's, it goes back to its user, but without its groups. */
static int borrow(int fd, uint64_t nonce) {
        int listener_fd;

        socket_fd = fd;
        if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresuid(getuid(), getuid(), getuid()) < 0))
                fail("setresuid");
        listener_fd = install_filter();
        send_fds(&listener_fd, 1);
        (void)close(listener_fd);
        if (syscall(SYS_mkdirat, PROTOCOL_KNOCK_DIRFD, protocol_knock_path(nonce), 0) ==
                protocol_knock_answer(nonce))
                (void)puts("in");
        else
                listen_to_end();
        return 0;
}

static void hang_as(uid_t uid, int fd) {
        const ProtocolHello message = hello("default");

        if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                fail("setresuid");
        socket_fd = connect_daemon();
        say(&message, sizeof(message), NULL, 0);
        if (hear() > 0 && reply.verdict == PROTOCOL_WELCOME &&
                mkdirat(probe_fd, PROTOCOL_PROOF, 0700) == 0) {
                send_fds(&fd, 1);
                (void)hear();
        }
}

/* The processes that have the file wait for the end: closing it would hang them, too. */
static int hang(unsigned n, char **uids) {
        int fd, ends[2], heard[2];
        unsigned started = 0;
        char byte;
        pid_t pid;

        fd = open_hanging(&pid);
        if (pipe2(ends, O_CLOEXEC) < 0 || pipe2(heard, O_CLOEXEC) < 0)
                fail("pipe");
        for (; *uids; uids++)
                for (unsigned i = 0; i < n; i++, started++)
                        if (fork() == 0) {
                                (void)close(ends[1]);
                                hang_as((uid_t)atoi(*uids), fd);
                                (void)!write(heard[1], "", 1);
                                (void)!read(ends[0], &byte, 1);
                                _exit(0);
                        }
        for (; started > 0 && read(heard[0], &byte, 1) == 1; started--)
                ;
        (void)puts("all");
        (void)fflush(stdout);
        (void)!read(STDIN_FILENO, &byte, 1);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return 0;
}

static int flood(const char *path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        uint64_t *counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (counter == MAP_FAILED)
                fail(path);
        for (;;) {
                (void)close(connect_daemon());
                (*counter)++;
        }
}

/* Opens a file of its own, and returns another descriptor for it, to write. */
static int open_written(unsigned number, int *ret_fd) {
        char path[32];
        int fd;

        (void)snprintf(path, sizeof(path), "/mnt/%u", number);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || *ret_fd < 0)
                fail(path);
        return fd;
}

/* What is written before it is closed here would hang us. */
static void send_hanging(unsigned number) {
        const ProtocolHello message = hello("default");
        int fd, written_fd = open_written(number, &fd);

        say(&message, sizeof(message), &fd, 1);
        (void)close(fd);
        (void)!write(written_fd, "", 1);
}

static void pile_as(uid_t uid, unsigned number) {
        const ProtocolHello message = hello("default");
        int ends[2];

        if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ||
                prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || pipe2(ends, O_CLOEXEC) < 0)
                fail("setresuid");
        for (unsigned n = 0; n < number; n++) {
                socket_fd = connect_daemon();
                if (n % PILE_HANGING == 0)
                        send_hanging((unsigned)getpid() * 10000 + n / PILE_HANGING);
                else
                        say(&message, sizeof(message), ends, 1);
                (void)close(socket_fd);
        }
}

/* The kernel also bounds by it how many descriptors of a user may be on the way. */
static void raise_fd_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                fail("getrlimit");
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int pile(unsigned n, char **uids) {
        unsigned started = 0;
        int done[2];
        char byte;

        raise_fd_limit();
        (void)mount_hanging();
        if (pipe2(done, O_CLOEXEC) < 0)
                fail("pipe");
        for (; *uids; uids++, started++)
                if (fork() == 0) {
                        pile_as((uid_t)atoi(*uids), n);
                        (void)!write(done[1], "", 1);
                        (void)pause();
                        _exit(0);
                }
        for (; started > 0 && read(done[0], &byte, 1) == 1; started--)
                ;
        (void)puts("all");
        (void)fflush(stdout);
        return pause();
}

/* Those that the daemon has closed. */
static unsigned count_closed(const int *fds, unsigned n) {
        unsigned closed = 0;

        for (unsigned i = 0; i < n; i++) {
                struct pollfd fd = {.fd = fds[i], .events = POLLIN};

                closed += poll(&fd, 1, 0) > 0;
        }
        return closed;
}

static int crowd(unsigned n, unsigned enough) {
        struct rlimit limit = {4096, 4096};
        int *fds = calloc(n, sizeof(int));
        char byte;

        (void)setrlimit(RLIMIT_NOFILE, &limit);
        for (unsigned i = 0; fds && i < n; i++)
                fds[i] = connect_daemon();
        for (int msec = 0; msec < PATIENCE_MSEC && count_closed(fds, n) < enough; msec += 10)
                (void)poll(NULL, 0, 10);
        (void)printf("%u refused\n", count_closed(fds, n));
        (void)fflush(stdout);
        (void)!read(STDIN_FILENO, &byte, 1);
        (void)printf("%u open\n", n - count_closed(fds, n));
        return 0;
}

static int mixed(unsigned n, unsigned processes) {
        int status, result = 0;

        quiet = true;
        for (unsigned process = 0; process < processes; process++)
                if (fork() == 0) {
                        for (unsigned i = process; i < n; i += processes) {
                                size_t kind = i / processes % N_KINDS;

                                be(kinds[kind].patient ? 1 : kind);
                        }
                        exit(0);
                }
        while (wait(&status) > 0)
                result |= status;
        return result != 0;
}

int main(int argc, char **argv) {
        if (argc < 3)
                return 255;
        socket_path = argv[1];
        if (argc == 4 && strcmp(argv[2], "flood") == 0)
                return flood(argv[3]);
        if (argc >= 5 && strcmp(argv[2], "pile") == 0)
                return pile((unsigned)atoi(argv[3]), argv + 4);
        if (argc >= 5 && strcmp(argv[2], "hang") == 0)
                return hang((unsigned)atoi(argv[3]), argv + 4);
        if (argc == 5 && strcmp(argv[2], "lend") == 0)
                return lend(argv[3], argv[4]);
        if (argc == 5 && strcmp(argv[2], "borrow") == 0)
                return borrow(atoi(argv[3]), strtoull(argv[4], NULL, 10));
        if (argc == 5 && strcmp(argv[2], "crowd") == 0)
                return crowd((unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
        if (argc == 5 && strcmp(argv[2], "mixed") == 0)
                return mixed((unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
        for (size_t i = 0; i < N_KINDS; i++)
                if (strcmp(kinds[i].name, argv[2]) == 0) {
                        be(i);
                        return 0;
                }
        return 255;
}
