/* SPDX-License-Identifier: Apache-2.0
 *
 * Immutable bytes in a sealed memory file (memfd_create(2)): nobody can change or shorten it any more, so a mapping of
 * it never faults, and http sends from its pages without copying them (sendfile(2)).
 *
 * Each costs a descriptor and a mapping. So they are for what is sent often and is not small, and bounded: at most
 * ALB_BYTES_FILES_MAX at a time, and a quarter of the descriptors that the process may have. Beyond that, or when the
 * system refuses, bytes are kept as before: it is never an error.
 *
 * Threads: any. No locks.
 */
#ifndef ALB_BASE_BYTES_FILE_H
#define ALB_BASE_BYTES_FILE_H

#include "base/obj.h"

#define ALB_BYTES_FILES_MAX 4096
/* Shorter ones are copied into the socket in less time than the calls take that a file needs (bench/cache). */
#define ALB_BYTES_FILE_LEAST 32768

/* Takes a reference to bytes over, and gives one to the same bytes in a file: a copy of them, or they themselves if
 * they are in one already, are shorter than ALB_BYTES_FILE_LEAST, or there can be no more files. */
struct alb_bytes *alb_bytes_into_file(struct alb_bytes *bytes) ALB_MUST_CHECK;
/* The n > 0 bytes of a memory file that is sealed against writing, growing and shrinking. It keeps a descriptor of its
 * own, if there can be one more; fd stays the caller's. NULL: it cannot be mapped, or no memory. */
struct alb_bytes *alb_bytes_of_file(int fd, size_t n) ALB_MUST_CHECK;

#endif
