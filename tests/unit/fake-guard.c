/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guard that test-guarded.c links in place of the kernel's. */

#include "fake-guard.h"

#include "harness.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "common/notify.h"

int __wrap_guard_run_permit(const Guard *guard, GuardPermitRequest *request);
int __wrap_guard_run_fate(const Guard *guard, GuardFateRequest *request);

FakeGuard *fake_guard;

const Guard *fake_guard_begin(void) {
        static Guard *guard;

        if (!guard) {
                int fds[GUARD_FDS];

                for (size_t i = 0; i < GUARD_FDS; i++)
                        fds[i] = -EBADF;
                assert_int_equal(guard_new(fds, &guard), 0);
                fake_guard = mmap(NULL, sizeof(*fake_guard), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                assert_true(fake_guard != MAP_FAILED);
        }
        *fake_guard = (FakeGuard){};
        return guard;
}

static FakePermit *find(uint32_t tid) {
        for (size_t i = 0; i < FAKE_PERMITS_MAX; i++)
                if (fake_guard->permits[i].tid == tid)
                        return &fake_guard->permits[i];
        return NULL;
}

const FakePermit *fake_guard_find(uint32_t tid) {
        return find(tid);
}

static FakePermit *need(uint32_t tid) {
        FakePermit *permit = find(tid);

        if (permit)
                return permit;
        permit = find(0);
        if (permit)
                *permit = (FakePermit){.tid = tid};
        return permit;
}

static int32_t result_of(const FakePermit *permit) {
        return permit->fate & GUARD_RETURNED ? permit->result : fake_guard->answers_result;
}

static int count(int r) {
        fake_guard->n_calls++;
        return r;
}

static bool has_own_root(pid_t tid) {
        struct stat own, other;
        char path[32];

        (void)snprintf(path, sizeof(path), "/proc/%d/root", tid);
        CHECK_INT(count(stat("/", &own)), 0);
        CHECK_INT(count(stat(path, &other)), 0);
        return own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

int __wrap_guard_run_permit(const Guard *guard, GuardPermitRequest *request) {
        struct stat st = {};
        FakePermit *permit;

        CHECK(guard);
        fake_guard->n_runs++;
        if (fake_guard->failures > 0) {
                fake_guard->failures--;
                return fake_guard->failure;
        }
        if (count(notify_check_id(request->listener_fd, request->id)) != 0)
                return -ENOENT;
        if (request->parent_fd >= 0 && count(fstat(request->parent_fd, &st)) < 0)
                return -EBADF;
        if (request->has_own_root && !has_own_root((pid_t)fake_guard->tid))
                return -EXDEV;
        permit = need(fake_guard->tid);
        if (!permit)
                return -ENOSPC;
        request->tid = request->tgid = fake_guard->tid;
        request->uid = 4711;
        (void)snprintf(request->comm, sizeof(request->comm), "%s", "caller");
        request->last_id = permit->id;
        request->last_fate = permit->fate | fake_guard->answers_fate;
        request->last_result = result_of(permit);
        *permit = (FakePermit){
                .id = request->id,
                .tid = fake_guard->tid,
                .ino = st.st_ino,
                .error = request->error,
                .name_length = request->name_length,
        };
        memcpy(permit->name, request->name, sizeof(permit->name));
        fake_guard->n_permits++;
        return 0;
}

int __wrap_guard_run_fate(const Guard *guard, GuardFateRequest *request) {
        FakePermit *permit = find(request->tid);

        CHECK(guard);
        fake_guard->n_fates++;
        if (!permit || permit->id != request->id)
                return -ENOENT;
        request->fate = permit->fate | fake_guard->answers_fate;
        request->result = result_of(permit);
        return 0;
}
