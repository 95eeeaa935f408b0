/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snotifyd with one compromised process: wrappers around four of its functions make a system call on demand,
 * and then continue as if nothing had happened.
 *
 *      mkdir ...worker-CALL...               the worker that reads this path makes the call
 *      mkdir helper-CALL                     the helper that creates this directory makes it
 *      snotify-run --label handshake-CALL    the verifier that reads this label makes it
 *      COMPROMISED_CALL=CALL snotifyd        the acceptor makes it when it identifies a connection's peer
 *
 * CALL is a name in the table below. */

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/protocol.h"
#include "handshake/peer.h"
#include "worker/location/resolve.h"
#include "worker/target/memory.h"

#define X32 0x40000000

static char path[] = "/bin/true";
static char *const arguments[] = {path, NULL};
static uint8_t room[256];

#define WORD(pointer) (long)(uintptr_t)(pointer)

static const struct {
        const char *name;
        long nr;
        long arguments[5];
} calls[] = {
        /* allowed in each of the processes */
        {"getpid", SYS_getpid, {0}},
        /* allowed in none */
        {"execve", SYS_execve, {WORD(path), WORD(arguments)}},
        {"execveat", SYS_execveat, {0, WORD(path), WORD(arguments)}},
        {"ptrace", SYS_ptrace, {PTRACE_TRACEME}},
        {"socket", SYS_socket, {AF_UNIX, SOCK_DGRAM}},
        {"mount", SYS_mount, {WORD("none"), WORD("/"), WORD("tmpfs")}},
        {"fsopen", SYS_fsopen, {WORD("tmpfs")}},
        {"bpf", SYS_bpf, {BPF_MAP_CREATE, WORD(room), sizeof(room)}},
        {"io_uring", SYS_io_uring_setup, {1, WORD(room)}},
        {"module", SYS_init_module, {WORD(room), 1, WORD("")}},
        {"keyctl", SYS_keyctl, {0}},
        {"userfaultfd", SYS_userfaultfd, {0}},
        {"perf", SYS_perf_event_open, {WORD(room), 0, -1, -1}},
        {"memfd", SYS_memfd_create, {WORD(""), 0}},
        {"unshare", SYS_unshare, {CLONE_NEWUSER}},
        {"clone3", SYS_clone3, {WORD(room), 64}},
        {"steal", SYS_pidfd_getfd, {0, 0}},
        {"write-memory", SYS_process_vm_writev, {1, WORD(room), 0, WORD(room), 0}},
        {"unlink", SYS_unlinkat, {-1, WORD(""), 0}},
        {"rename", SYS_renameat2, {-1, WORD(""), -1, WORD("")}},
        {"chmod", SYS_fchmod, {-1, 0777}},
        {"map-code", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
        {"make-code", SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC}},
        {"other-abi", SYS_getpid | X32, {0}},
        {"no-such-call", 100000, {0}},
        /* allowed in none with these arguments */
        {"thread", SYS_clone, {CLONE_VM | CLONE_SIGHAND | CLONE_THREAD}},
        {"signal", SYS_kill, {1, SIGKILL}},
        {"signal-by-descriptor", SYS_pidfd_send_signal, {-1, SIGKILL}},
        {"signal-by-owner", SYS_fcntl, {-1, F_SETOWN, 1}},
        {"signal-by-socket", SYS_ioctl, {-1, FIOSETOWN, WORD(room)}},
        {"terminal", SYS_ioctl, {-1, TIOCSTI, WORD("x")}},
        {"open-for-writing", SYS_openat, {AT_FDCWD, WORD("/etc/passwd"), O_WRONLY}},
        {"open-for-both", SYS_openat, {AT_FDCWD, WORD("/etc/passwd"), O_RDWR | O_CLOEXEC}},
        {"open-and-create", SYS_openat, {AT_FDCWD, WORD("/etc/passwd"), O_CREAT, 0666}},
        {"open-and-empty", SYS_openat, {AT_FDCWD, WORD("/etc/passwd"), O_TRUNC}},
        {"open-handle-for-writing", SYS_open_by_handle_at, {-1, WORD(room), O_RDWR}},
        {"open-without-name", SYS_openat, {AT_FDCWD, WORD("/etc"), O_TMPFILE, 0666}},
        {"mount-namespace", SYS_setns, {-1, CLONE_NEWNS}},
        {"keep-capabilities", SYS_prctl, {PR_SET_SECUREBITS, 0}},
        {"limit", SYS_prlimit64, {0, 7, 0, WORD(room)}},
        {"listen", SYS_seccomp, {1, 1U << 3, WORD(room)}},
        /* allowed in the worker alone */
        {"open-by-handle", SYS_open_by_handle_at, {-1, WORD(room), 0}},
        {"read-memory", SYS_process_vm_readv, {1, WORD(room), 0, WORD(room), 0}},
        {"fork", SYS_clone, {SIGCHLD}},
        {"user", SYS_setresuid, {-1, -1, -1}},
        {"user-namespace", SYS_setns, {-1, CLONE_NEWUSER}},
        {"chroot", SYS_chroot, {WORD("")}},
        {"capabilities", SYS_capset, {0, 0}},
        {"pidfd", SYS_pidfd_open, {1, 0}},
        {"write", SYS_write, {-1, WORD(""), 0}},
        {"filter", SYS_seccomp, {1, 1U << 2, 0}},
};

/* The 32-bit system calls have an entry of their own. */
static void call_i386(void) {
        long result = 20; /* getpid */

        __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
}

static void make_call(const char *name) {
        size_t length = strcspn(name, "/");

        if (strncmp(name, "i386", length) == 0)
                call_i386();
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
                if (strlen(calls[i].name) == length && memcmp(name, calls[i].name, length) == 0)
                        (void)syscall(calls[i].nr, calls[i].arguments[0], calls[i].arguments[1],
                                calls[i].arguments[2], calls[i].arguments[3], calls[i].arguments[4], 0);
}

#define WRAP(Type, function, ...)                                                                           \
        extern Type __real_##function(__VA_ARGS__);                                                         \
        extern Type __wrap_##function(__VA_ARGS__);                                                         \
        Type __wrap_##function(__VA_ARGS__)

WRAP(int, memory_read_string, Target *target, uint64_t address, char ret[static LEDGER_ARGUMENT_SIZE],
        size_t *ret_length) {
        int r = __real_memory_read_string(target, address, ret, ret_length);
        const char *found = r == 0 ? strstr(ret, "worker-") : NULL;

        if (found)
                make_call(found + strlen("worker-"));
        return r;
}

WRAP(void, resolve_parent, const Location *location, int base_fd, PathLookup *lookup, int *ret_fd,
        int *ret_error) {
        if (strncmp(location->name, "helper-", strlen("helper-")) == 0)
                make_call(location->name + strlen("helper-"));
        __real_resolve_parent(location, base_fd, lookup, ret_fd, ret_error);
}

WRAP(bool, protocol_hello_is_valid, const ProtocolHello *hello, size_t size, const char **ret_why) {
        if (strncmp(hello->label, "handshake-", strlen("handshake-")) == 0)
                make_call(hello->label + strlen("handshake-"));
        return __real_protocol_hello_is_valid(hello, size, ret_why);
}

WRAP(int, peer_find_account, const PeerReader *reader, int connection_fd, Peer *peer) {
        const char *name = getenv("COMPROMISED_CALL");

        if (name)
                make_call(name);
        return __real_peer_find_account(reader, connection_fd, peer);
}
