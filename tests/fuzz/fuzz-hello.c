/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends any message over a socket as launcher and verifier do, and takes it for a hello and for a
 * reply. One that is called valid has its own size and strings that end; one that isn't comes with a reason;
 * no fd comes where none is taken, and never a second one. */

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "common/message.h"
#include "common/ownership.h"
#include "common/protocol.h"

#define FDS_MAX 3U

static int ends[2], passed_fd;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void)argc;
        (void)argv;
        HOLDS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        passed_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        HOLDS(passed_fd >= 0);
        return 0;
}

/* As a rogue launcher may, with more than one fd. */
static void send_bytes(const Input *input, unsigned n_fds) {
        union {
                struct cmsghdr header;
                uint8_t bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control = {.header = {.cmsg_level = SOL_SOCKET,
                             .cmsg_type = SCM_RIGHTS,
                             .cmsg_len = CMSG_LEN(n_fds * sizeof(int))}};
        struct iovec iov = {.iov_base = (void *)(uintptr_t)input->at, .iov_len = input->left};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

        for (unsigned i = 0; i < n_fds; i++)
                memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &passed_fd, sizeof(int));
        if (n_fds > 0) {
                msg.msg_control = &control;
                msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        }
        HOLDS(sendmsg(ends[0], &msg, 0) == (ssize_t)input->left);
}

/* The lowest number that is not in use tells what was let in. */
static int next_fd(void) {
        int fd = fcntl(passed_fd, F_DUPFD_CLOEXEC, 0);

        HOLDS(fd >= 0 && close(fd) == 0);
        return fd;
}

/* Receives into room bytes, in memory of just that size. */
static void *receive(const Input *input, unsigned n_fds, size_t room, bool takes_fd) {
        int fd = -EBADF, next = next_fd();
        void *message = calloc(1, room);
        ssize_t n;

        HOLDS(message);
        send_bytes(input, n_fds);
        n = message_receive(ends[1], message, room, takes_fd ? &fd : NULL);
        HOLDS(n == (n_fds > takes_fd ? -EPROTO : (ssize_t)input->left));
        HOLDS((fd >= 0) == (takes_fd && n_fds > 0));
        fd_close(fd);
        HOLDS(next_fd() == next);
        HOLDS(memcmp(message, input->at, room < input->left ? room : input->left) == 0);
        return message;
}

static void try_hello(const Input *input, unsigned n_fds) {
        _cleanup_free_ ProtocolHello *hello = receive(input, n_fds, sizeof(*hello), false);
        const char *why = NULL;
        bool valid = protocol_hello_is_valid(hello, input->left, &why);

        HOLDS(!why == valid);
        HOLDS(protocol_hello_is_valid(hello, input->left, NULL) == valid);
        if (!valid)
                return;
        HOLDS(input->left == sizeof(*hello));
        HOLDS(hello->magic == PROTOCOL_MAGIC && hello->version == PROTOCOL_VERSION);
        HOLDS(strnlen(hello->profile, sizeof(hello->profile)) - 1 < sizeof(hello->profile) - 1);
        HOLDS(strnlen(hello->label, sizeof(hello->label)) < sizeof(hello->label));
}

static void try_reply(const Input *input, unsigned n_fds) {
        _cleanup_free_ ProtocolReply *reply = receive(input, n_fds, sizeof(*reply), true);

        if (!protocol_reply_is_valid(reply, input->left))
                return;
        HOLDS(input->left == PROTOCOL_REPLY_HEAD + reply->n_instructions * sizeof(reply->instructions[0]));
        HOLDS(input->left <= sizeof(*reply));
        HOLDS(strnlen(reply->text, sizeof(reply->text)) < sizeof(reply->text));
}

static void try_listener(const Input *input, unsigned n_fds) {
        ProtocolListener *message = receive(input, n_fds, sizeof(*message), true);

        free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        Input input = {bytes, size};
        unsigned n_fds = input_byte(&input) % (FDS_MAX + 1);
        uint64_t nonce = 0;

        if (input.left == 0) /* the end of a connection */
                return -1;
        try_hello(&input, n_fds);
        try_reply(&input, n_fds);
        try_listener(&input, n_fds);
        (void)input_take(&input, &nonce, sizeof(nonce));
        HOLDS(protocol_knock_answer(nonce) > 0);
        HOLDS(protocol_knock_path(nonce) >> 63 == 1);
        return 0;
}
