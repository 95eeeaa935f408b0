/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gives up capabilities.  Run by the daemon, the acceptor and verifiers.  Owns the capabilities of the
 * process. */

#include "common/privileges.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "common/ownership.h"

/* snotifyd.service has the same list, and snotifyd(8) says what each is for. */
static const cap_value_t needed[] = {
        CAP_DAC_OVERRIDE,
        CAP_DAC_READ_SEARCH,
        CAP_KILL,
        CAP_SETGID,
        CAP_SETUID,
        CAP_SYS_ADMIN,
        CAP_SYS_CHROOT,
        CAP_SYS_PTRACE,
        CAP_SYS_RESOURCE,
};

static void caps_free_p(cap_t *caps) {
        if (*caps)
                (void)cap_free(*caps);
}

static bool is_needed(cap_value_t capability) {
        for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
                if (needed[i] == capability)
                        return true;
        return false;
}

/* Needs CAP_SETPCAP, which the daemon does not keep.  Where the daemon has not got it, its service manager
 * has limited the bounding set already. */
static void limit_bound(void) {
        for (cap_value_t capability = 0; capability < cap_max_bits(); capability++)
                if (!is_needed(capability) && cap_get_bound(capability) > 0)
                        (void)cap_drop_bound(capability);
}

int privileges_limit(void) {
        _cleanup_(caps_free_p) cap_t had = cap_get_proc(), caps = cap_init();
        cap_flag_value_t value;

        if (!had || !caps)
                return -errno;
        limit_bound();
        for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
                if (cap_get_flag(had, needed[i], CAP_PERMITTED, &value) < 0 ||
                        cap_set_flag(caps, CAP_PERMITTED, 1, &needed[i], value) < 0 ||
                        cap_set_flag(caps, CAP_EFFECTIVE, 1, &needed[i], value) < 0)
                        return -errno;
        return cap_set_proc(caps) < 0 ? -errno : 0;
}

void privileges_lower(void) {
        _cleanup_(caps_free_p) cap_t caps = cap_get_proc();

        if (caps && cap_clear_flag(caps, CAP_EFFECTIVE) == 0)
                (void)cap_set_proc(caps);
}

/* Where the capability is not permitted, the step that needs it fails and says so. */
void privileges_raise(cap_value_t capability) {
        _cleanup_(caps_free_p) cap_t caps = cap_get_proc();

        if (caps && cap_set_flag(caps, CAP_EFFECTIVE, 1, &capability, CAP_SET) == 0)
                (void)cap_set_proc(caps);
}

int privileges_reduce(cap_value_t capability) {
        _cleanup_(caps_free_p) cap_t had = cap_get_proc(), caps = cap_init();
        cap_flag_value_t value;

        if (!had || !caps || cap_get_flag(had, capability, CAP_PERMITTED, &value) < 0 ||
                cap_set_flag(caps, CAP_PERMITTED, 1, &capability, value) < 0 ||
                cap_set_flag(caps, CAP_EFFECTIVE, 1, &capability, value) < 0)
                return -errno;
        return cap_set_proc(caps) < 0 ? -errno : 0;
}

int privileges_drop(void) {
        _cleanup_(caps_free_p) cap_t none = cap_init();

        if (!none)
                return -errno;
        /* Clear dumpable before dropping capabilities: afterwards any process of the same uid could trace
         * this one. */
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || cap_set_proc(none) < 0)
                return -errno;
        return 0;
}
