/* SPDX-License-Identifier: Apache-2.0
 *
 * Crashes at will. A test links with -Wl,--wrap for every call of base/fs.h that changes a file; each one is
 * counted, and the n-th ends the process:
 *
 *   CRASH_KILL         kill -9 before the call: what was written stays in the kernel
 *   CRASH_KILL_HALF    kill -9 in the middle of a write
 *   CRASH_POWER        the power goes: only what was fsynced is left. File contents as of the last fsync or
 *                      fdatasync of the file; names as of the last fsync of their folder
 *   CRASH_POWER_MIXED  the power goes, and the disk had written some of the rest: for each name and each
 * sector of 512 bytes the old or the new one, at random
 *
 * For the power modes the disk as it would be found is written below `image`, and the process exits with
 * CRASH_EXIT. What the disk holds is followed from crash_begin on (everything that is there then is durable).
 * One thread only. Inode numbers must not be used again (tmpfs).
 */
#ifndef ALB_TESTS_BLOB_CRASH_H
#define ALB_TESTS_BLOB_CRASH_H

#include <stdint.h>

enum crash_mode { CRASH_NEVER, CRASH_KILL, CRASH_KILL_HALF, CRASH_POWER, CRASH_POWER_MIXED };
#define CRASH_EXIT 77

void crash_begin(enum crash_mode mode, uint64_t at, const char *data, const char *image, uint64_t seed);
void crash_end(void); /* calls are calls again; before begin they are */
uint64_t crash_calls(void);  /* so far, since begin */
uint64_t crash_fsyncs(void); /* fsync and fdatasync among them, those of folders too */

#endif
