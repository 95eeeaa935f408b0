/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answers as the kernel does where nobody holds the listener: ENOSYS; but what is done already with its
 * result. Run in a process of its own that outlives the daemon.  Owns nothing.  Must never perform a call,
 * nor answer one that another daemon has taken up. */

#include "worker/caretaker.h"

#include <errno.h>
#include <poll.h>

#include "common/notify.h"

static void answer(int listener_fd, uint64_t id) {
        NotifyReply reply;

        notify_reply(&reply, id, 0, ENOSYS);
        (void)notify_send(listener_fd, &reply); /* it may have been answered, or its target be gone */
}

/* Those that were received: by the one that hangs, and before it did. */
static void answer_received(const WorkerArguments *arguments, Ledger *ledger) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                Slot *slot = ledger_slot(ledger, i);

                switch (slot_phase(slot)) {
                case SLOT_EMPTY:
                        break;
                case SLOT_RECEIVED:
                case SLOT_ACTING:
                        answer(arguments->listener_fd, slot->request.notif.id);
                        break;
                case SLOT_DONE: /* by a worker that was killed before it could say so */
                        (void)notify_send(arguments->listener_fd, &slot->reply);
                        break;
                }
        }
}

int caretaker_run(const WorkerArguments *arguments) {
        struct pollfd fd = {.fd = arguments->listener_fd, .events = POLLIN};
        static NotifyRequest request;
        Ledger *ledger;
        int r;

        r = sandbox_enter(arguments->sandbox);
        if (r >= 0)
                r = ledger_lock_worker(arguments->ledger_fd, arguments->number);
        if (r >= 0)
                r = ledger_map(arguments->ledger_fd, &ledger);
        if (r < 0)
                return WORKER_EXIT_FAILED;
        (void)poll(NULL, 0, (int)(policy_limits(arguments->policy)->call_timeout_usec / 1000));
        answer_received(arguments, ledger);
        for (;;) {
                if (poll(&fd, 1, -1) < 0) {
                        if (errno != EINTR)
                                return WORKER_EXIT_FAILED;
                        continue;
                }
                if (fd.revents & POLLHUP)
                        return WORKER_EXIT_IDLE;
                request = (NotifyRequest){};
                if ((fd.revents & POLLIN) && notify_receive(arguments->listener_fd, &request) == 0)
                        answer(arguments->listener_fd, request.notif.id);
        }
}
