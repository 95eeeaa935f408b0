/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The operations: what a worker, or its helper, can do for a target.  Each has a row in operation.c and a
 * file of its own. */

#include <stdbool.h>
#include <stdint.h>

#include "common/arguments.h"
#include "common/calls.h"
#include "common/ledger.h"
#include "worker/location/location.h"
#include "worker/operation/outcome.h"

/* What the system call is made of.  Nothing is owned. */
typedef struct OperationCall {
        const Arguments *arguments;
        struct {
                int parent_fd; /* O_PATH */
                const char *name;
        } at[LOCATIONS_MAX];
        const char *text; /* NULL: the call passes none */
        Intent *intent;
        uint32_t owner; /* the fsuid that acts */
        bool may_look;  /* looking for a name is a step that the file system does not notice */
} OperationCall;

/* What came of a system call that a process began and did not live to report. */
typedef enum OperationFinding {
        OPERATION_NOT_DONE, /* nothing */
        OPERATION_DONE,     /* the target gets the outcome */
        OPERATION_UNTOLD,   /* that cannot be told; a second call at the same places tells the target */
} OperationFinding;

typedef struct Operation {
        OperationKind kind;
        const char *word;    /* in rules */
        const char *success; /* in records: what happened */
        unsigned n_locations;
        bool has_text; /* the call passes a string that is no path to be resolved */
        /* What the kernel answers where a path ends in no name. */
        int last_errors[LAST_KINDS];
        /* What the kernel says before it asks a security module: an error, or none where it would ask. */
        void (*check)(const OperationCall *call, Outcome *ret);
        /* Notes in the intent what tells afterwards whether the system call was performed. */
        void (*note)(const OperationCall *call);
        /* The system call, and nothing else. */
        void (*perform)(const OperationCall *call, Outcome *ret);
        /* Finds out what came of an intent that a process had begun which is dead.  Raised.  Returns 0 or a
         * negative errno. */
        int (*find_out)(const OperationCall *call, OperationFinding *ret, Outcome *ret_outcome);
} Operation;

/* Returns the row of a kind, or NULL: there is nothing to be performed. */
const Operation *operation_of(OperationKind kind);

/* Performs the call, as the target, and notes in the intent how far it came. */
void operation_perform(const Operation *operation, const OperationCall *call, Outcome *ret);

/* Notes when the call begins, by which owner, and what operation->note() adds. */
void operation_note(const Operation *operation, const OperationCall *call);

extern const Operation operation_mkdir;
#ifdef TEST_OPERATIONS
extern const Operation operation_rmdir;
#endif
