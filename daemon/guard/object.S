/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The compiled programs.bpf.c, whole, as data of snotifyd.  Only the pages that are read are ever in memory,
 * and only guard/load.c reads them. */

        .section .rodata.guard, "a", %progbits
        .balign 8
        .globl guard_object
        .hidden guard_object
guard_object:
        .incbin GUARD_OBJECT
        .globl guard_object_end
        .hidden guard_object_end
guard_object_end:

        .section .note.GNU-stack, "", %progbits
