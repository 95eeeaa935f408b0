/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The compiled programs.bpf.c, whole, as data of snotifyd.  Only the pages that are read are ever in memory,
 * and only reader/load.c reads them. */

        .section .rodata.reader, "a", %progbits
        .balign 8
        .globl reader_object
        .hidden reader_object
reader_object:
        .incbin READER_OBJECT
        .globl reader_object_end
        .hidden reader_object_end
reader_object_end:

        .section .note.GNU-stack, "", %progbits
