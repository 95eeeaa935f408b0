/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Brings the calling thread or process into particular situations. */

#include "situations.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void do_nothing(void) {
}
void take_own_cwd(void) {
        must(unshare(CLONE_FS) == 0 && chdir("dir") == 0, "have a cwd of my own");
}

void take_own_fs(void) {
        must(unshare(CLONE_FS) == 0, "have a cwd and umask of my own");
}

void take_own_descriptors(void) {
        must(unshare(CLONE_FILES) == 0, "have descriptors of my own");
}

void go_elsewhere(void) {
        must(chdir("dir") == 0, "go elsewhere");
        (void)umask(0777);
}

/* Raw system calls: libc would change the ids of all threads. */
void take_fsuid(void) {
        (void)syscall(SYS_setfsuid, USER);
        must(syscall(SYS_setfsuid, -1) == USER, "setfsuid");
}

void take_fsgid(void) {
        (void)syscall(SYS_setfsgid, GROUP);
        must(syscall(SYS_setfsgid, -1) == GROUP, "setfsgid");
}

void take_uids(void) {
        must(syscall(SYS_setresuid, USER, USER, USER) == 0, "setresuid");
}

void take_groups(void) {
        const gid_t groups[] = {GROUP};

        must(syscall(SYS_setgroups, 1, groups) == 0, "setgroups");
        take_uids();
}

void take_many_groups(void) {
        static gid_t groups[4000];

        for (size_t i = 0; i < 4000; i++)
                groups[i] = (gid_t)(1000 + i);
        groups[3999] = GROUP;
        must(syscall(SYS_setgroups, 4000, groups) == 0, "setgroups");
        take_uids();
}

void take_euid(void) {
        must(seteuid(USER) == 0, "seteuid");
}

static void set_capabilities(uint64_t bits) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2];

        must(syscall(SYS_capget, &header, data) == 0, "capget");
        data[0].effective = (uint32_t)bits & data[0].permitted;
        data[1].effective = (uint32_t)(bits >> 32) & data[1].permitted;
        must(syscall(SYS_capset, &header, data) == 0, "capset");
}

#define CAP(name) (UINT64_C(1) << (name))
void drop_dac(void) {
        set_capabilities(~(CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH)));
}

void drop_all(void) {
        set_capabilities(0);
}

void keep_dac(void) {
        must(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0, "keep capabilities");
        must(setresuid(USER, USER, USER) == 0, "setresuid");
        set_capabilities(CAP(CAP_DAC_OVERRIDE));
}

void enter_chroot(void) {
        must(chdir("new-root") == 0 && chroot(".") == 0, "chroot");
}

void enter_chroot_as_user(void) {
        enter_chroot();
        must(setresuid(USER, USER, USER) == 0, "setresuid");
}

void change_root_only(void) {
        must(chroot("new-root") == 0, "chroot");
}

void thread_in_chroot(void) {
        must(unshare(CLONE_FS) == 0 && chroot("new-root") == 0 && chdir("/dir") == 0, "chroot");
}

void leave_for_deleted(void) {
        must((mkdir("doomed-too", 0755) == 0 || errno == EEXIST) && chdir("doomed-too") == 0 &&
                        rmdir("../doomed-too") == 0,
                "lose my cwd");
}

void leave_for_deleted_deep(void) {
        must(chdir("doomed-parent/child") == 0 && rmdir("../child") == 0 &&
                        rmdir("../../doomed-parent") == 0,
                "lose my cwd");
}

void enter_unsearchable(void) {
        (void)chmod("shut-behind", 0755);
        must(chdir("shut-behind") == 0 && chmod(".", 0) == 0, "shut my cwd");
}

void forbid_files(void) {
        const struct rlimit nothing = {};

        must(setrlimit(RLIMIT_FSIZE, &nothing) == 0 && setrlimit(RLIMIT_NOFILE, &nothing) == 0,
                "limit myself");
}

void be_undumpable(void) {
        must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "be undumpable");
}

void enter_proc_fd(void) {
        must(chdir("/proc/self/fd") == 0, "enter my descriptors");
}

void enter_proc_fdinfo(void) {
        must(chdir("/proc/self/fdinfo") == 0, "enter what is known of my descriptors");
}

void enter_proc_map_files(void) {
        must(chdir("/proc/self/map_files") == 0, "enter my mappings");
}

void enter_proc_thread_fd(void) {
        must(unshare(CLONE_FS) == 0 && chdir("/proc/thread-self/fd") == 0, "enter my thread's descriptors");
}
