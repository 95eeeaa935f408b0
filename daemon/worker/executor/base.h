/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finds the directory at which a relative path starts without a look into /proc.  A thread calls from the
 * same directory again and again: the worker goes to where the last call's directory was, by its path, and
 * then asks the reader in the kernel whether that is the directory of this call.  If so, the worker's
 * working directory is the parent.  Only the path is kept between calls, so that no mount is kept busy. */

#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"
#include "worker/executor/rootdir.h"
#include "worker/location/location.h"
#include "worker/target/task-reader.h"

#define BASES 16U
#define BASE_PATH_SIZE 256U

/* Where the last call of a thread began. */
typedef struct Base {
        pid_t tid; /* 0: empty */
        int32_t dirfd;
        uint32_t misses; /* how often it was not there any more */
        bool has_mark;   /* object is that of the directory which has this mark */
        TaskBase mark;
        LedgerObject object;
        char path[BASE_PATH_SIZE]; /* "": it is not known */
} Base;

typedef struct Bases {
        Base bases[BASES];
        Base *guessed; /* the worker is there for the request in hand; NULL: it is not */
} Bases;

/* Goes to where the call of this thread is likely to begin, if that is known.  The worker must be in the
 * host's root directory, and be about to read the task. */
void bases_guess(Bases *bases, RootDir *rootdir, const HostMounts *host_mounts, pid_t tid, int32_t dirfd);

/* Takes the working directory for the location's parent, if that is where the call begins.  Otherwise the
 * worker is in the host's root directory again, and the parent is to be pinned.  Returns 1, 0 or a negative
 * errno. */
int bases_take(Bases *bases, RootDir *rootdir, TaskReader *reader, Location *location,
        const HostMounts *host_mounts);

/* The directory of a call that is over: host_path is the path of its location on the host, "" where that is
 * not known. */
void bases_learn(Bases *bases, const Location *location, pid_t tid, int32_t dirfd, const char *host_path,
        const HostMounts *host_mounts);
