/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the identities of sessions.  Run by the daemon.  An Identities owns the memfd and an index of it. It
 * must never use what it reads unchecked, and never share the memfd with a child:
 * child_fork() closes it there. */

#include "session/identities.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "policy/limits.h"

#define MAGIC UINT64_C(0x746e6564696e73) /* "snident" */
#define VERSION_OF_LAYOUT 1U
#define SLOTS LIMITS_SESSIONS_MAX
/* No slot crosses a page: the kernel copies each in one piece, whenever the daemon is killed. */
#define SLOT_SIZE 256U
#define MEMORY_SIZE ((SLOTS + 1) * SLOT_SIZE)
/* No process may shrink it, or add a seal that keeps the next daemon from writing. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

typedef struct Header {
        uint64_t magic;
        uint32_t version;
        uint32_t n_slots;
} Header;
static_assert(sizeof(Header) == 16, "lies in systemd's store");
static_assert(sizeof(SessionIdentity) <= SLOT_SIZE, "a slot must fit");

struct Identities {
        int fd;
        uint64_t ids[SLOTS]; /* by slot; 0: the slot is free */
};

static const Header expected = {.magic = MAGIC, .version = VERSION_OF_LAYOUT, .n_slots = SLOTS};

static off_t slot_offset(uint32_t slot) {
        return (off_t)(slot + 1) * SLOT_SIZE;
}

static int slot_write(const Identities *identities, uint32_t slot, const SessionIdentity *identity) {
        ssize_t n = pwrite(identities->fd, identity, sizeof(*identity), slot_offset(slot));

        if (n < 0)
                return -errno;
        return n == sizeof(*identity) ? 0 : -ENOSPC;
}

static int slot_read(const Identities *identities, uint32_t slot, SessionIdentity *ret) {
        ssize_t n = pread(identities->fd, ret, sizeof(*ret), slot_offset(slot));

        if (n < 0)
                return -errno;
        return n == sizeof(*ret) ? 0 : -EBADMSG;
}

/* Returns SLOTS where there is none; the id 0 finds a free slot. */
static uint32_t find_slot(const Identities *identities, uint64_t session_id) {
        uint32_t slot = 0;

        while (slot < SLOTS && identities->ids[slot] != session_id)
                slot++;
        return slot;
}

static bool is_valid(const SessionIdentity *identity) {
        return identity->session_id != 0 && identity->profile[0] != '\0' &&
               memchr(identity->profile, '\0', sizeof(identity->profile)) &&
               memchr(identity->label, '\0', sizeof(identity->label));
}

/* Is it memory that an earlier daemon of this version created? */
static bool is_ours(int fd) {
        int seals = fcntl(fd, F_GET_SEALS);
        struct stat status;
        Header header;

        return seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &status) == 0 &&
               status.st_size == MEMORY_SIZE && pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
               memcmp(&header, &expected, sizeof(header)) == 0;
}

static int create_memory(int *ret) {
        _cleanup_close_ int fd = memfd_create("snotify-identities", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        ssize_t n;

        if (fd < 0 || ftruncate(fd, MEMORY_SIZE) < 0)
                return -errno;
        n = pwrite(fd, &expected, sizeof(expected), 0);
        if (n < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
                return -errno;
        if (n != sizeof(expected))
                return -ENOSPC;
        *ret = TAKE_FD(fd);
        return 0;
}

/* Fills the index; a slot that is not a valid identity becomes free. */
static int load(Identities *identities) {
        static const SessionIdentity nothing;

        for (uint32_t slot = 0; slot < SLOTS; slot++) {
                SessionIdentity identity;
                int r;

                r = slot_read(identities, slot, &identity);
                if (r < 0)
                        return r;
                if (is_valid(&identity) && find_slot(identities, identity.session_id) == SLOTS)
                        identities->ids[slot] = identity.session_id;
                else if (memcmp(&identity, &nothing, sizeof(identity)) != 0)
                        r = slot_write(identities, slot, &nothing);
                if (r < 0)
                        return r;
        }
        return 0;
}

int identities_open(int fd, Identities **ret) {
        _cleanup_close_ int own = fd;
        Identities *identities;
        bool is_new = false;
        int r = 0;

        if (own >= 0 && !is_ours(own))
                own = fd_close(own);
        if (own < 0) {
                is_new = true;
                r = create_memory(&own);
        }
        if (r < 0)
                return r;
        identities = calloc(1, sizeof(*identities));
        if (!identities)
                return -ENOMEM;
        identities->fd = TAKE_FD(own);
        r = load(identities);
        if (r < 0) {
                identities_free(identities);
                return r;
        }
        *ret = identities;
        return is_new;
}

Identities *identities_free(Identities *identities) {
        if (!identities)
                return NULL;
        fd_close(identities->fd);
        free(identities);
        return NULL;
}

int identities_fd(const Identities *identities) {
        return identities->fd;
}

int identities_add(Identities *identities, const SessionIdentity *identity) {
        uint32_t slot = find_slot(identities, 0);
        int r;

        if (!is_valid(identity))
                return -EINVAL;
        if (find_slot(identities, identity->session_id) < SLOTS)
                return -EEXIST;
        if (slot == SLOTS)
                return -ENOSPC;
        r = slot_write(identities, slot, identity);
        if (r >= 0)
                identities->ids[slot] = identity->session_id;
        return r;
}

int identities_find(const Identities *identities, uint64_t session_id, SessionIdentity *ret) {
        uint32_t slot = session_id == 0 ? SLOTS : find_slot(identities, session_id);

        return slot == SLOTS ? -ENOENT : slot_read(identities, slot, ret);
}

void identities_remove(Identities *identities, uint64_t session_id) {
        static const SessionIdentity nothing;
        uint32_t slot = session_id == 0 ? SLOTS : find_slot(identities, session_id);

        if (slot == SLOTS)
                return;
        (void)slot_write(identities, slot, &nothing); /* what stays of it, the next daemon prunes */
        identities->ids[slot] = 0;
}

uint32_t identities_prune(
        Identities *identities, bool (*is_used)(uint64_t session_id, void *userdata), void *userdata) {
        uint32_t n = 0;

        for (uint32_t slot = 0; slot < SLOTS; slot++) {
                uint64_t id = identities->ids[slot];

                if (id == 0 || is_used(id, userdata))
                        continue;
                identities_remove(identities, id);
                n++;
        }
        return n;
}
