/* SPDX-License-Identifier: Apache-2.0
 *
 * Does a file end where its own structure says that it does? What a crash, a full disk or a writer that has not come to
 * its end has left does not. For files that somebody else has put into a folder that we use too; ours have checksums.
 *
 * Looks at structure alone: markers, chunks, boxes, offsets; nothing is decoded. A file of a kind whose structure says
 * nothing (some RAW formats, a bare JPEG XL codestream) is whole. Untrusted bytes: bounded, no recursion, nothing is
 * mapped, for the file may be cut while it is looked at. Reads all of a JPEG, little of most others. Any thread.
 */
#ifndef ALB_IMAGE_WHOLE_H
#define ALB_IMAGE_WHOLE_H

#include "base/err.h"
#include "image/sniff.h"

/* Of `size` bytes. type: as alb_sniff says; UNKNOWN: one JSON object, else not whole. IO, NO_MEMORY. */
enum alb_code alb_whole(int fd, int64_t size, enum alb_type type, bool *whole,
                        struct alb_err *err) ALB_MUST_CHECK;

#endif
