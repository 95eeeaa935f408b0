/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists and counts handshakes.  Run by the daemon; verifiers count in the copy that fork gave
 * them. Owns nothing. */

#include "handshake/handshake-list.h"

#include <stdlib.h>

void handshake_list_add(HandshakeList *list, Handshake *handshake) {
        handshake->next = list->first;
        if (list->first)
                list->first->previous = handshake;
        list->first = list->accepting = handshake;
        list->n_at_work++;
}

void handshake_list_remove(HandshakeList *list, Handshake *handshake) {
        if (handshake->previous)
                handshake->previous->next = handshake->next;
        else
                list->first = handshake->next;
        if (handshake->next)
                handshake->next->previous = handshake->previous;
        handshake_list_accepted(list, handshake);
        if (handshake->hangs)
                list->n_hanging--;
        else
                list->n_at_work--;
}

void handshake_list_accepted(HandshakeList *list, const Handshake *handshake) {
        if (list->accepting == handshake)
                list->accepting = NULL;
}

void handshake_list_hang(HandshakeList *list) {
        list->n_at_work--;
        list->n_hanging++;
}

bool handshake_count(const Handshake *handshake, AcceptorChange *ret) {
        *ret = (AcceptorChange){
                .account = handshake->result.account,
                .at_work = !handshake->hangs,
                .hanging = handshake->hangs,
        };
        return handshake->is_connected;
}

void handshake_list_count(const HandshakeList *list, uint32_t account, AdmissionCounts *counts) {
        for (const Handshake *handshake = list->first; handshake; handshake = handshake->next) {
                bool may_pass = handshake->is_connected && !handshake->is_over && !handshake->is_killed;

                counts->sessions += may_pass;
                counts->sessions_of_account += may_pass && handshake->result.account == account;
        }
}

AcceptorChange *handshake_list_changes(
        const HandshakeList *list, const HandoverQueue *handover, size_t *ret_n) {
        AcceptorChange *changes =
                calloc(list->n_at_work + list->n_hanging + handover->n + 1, sizeof(*changes));
        size_t n = 0;

        if (!changes)
                return NULL;
        for (const Handshake *handshake = list->first; handshake; handshake = handshake->next)
                n += handshake_count(handshake, &changes[n]);
        for (size_t i = 0; i < handover->n; i++)
                if (handover->entries[i].number != 0)
                        changes[n++] =
                                (AcceptorChange){.account = handover->entries[i].account, .at_work = 1};
        *ret_n = n;
        return changes;
}
