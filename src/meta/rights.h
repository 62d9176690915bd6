/* SPDX-License-Identifier: Apache-2.0
 *
 * Of metadata only what says whose work it is, as blocks that are made anew from the few values that stay, so that
 * nothing else can be given away by whoever writes them (places, devices, thumbnails). On buffers of hostile bytes; any
 * thread, after alb_meta_global_init. Nothing is written to `out` where nothing stays.
 */
#ifndef ALB_META_RIGHTS_H
#define ALB_META_RIGHTS_H

#include "base/buf.h"

/* Artist and Copyright (EXIF 2.32, tags 315 and 33432); their values also by themselves. */
void alb_meta_rights_exif(struct alb_str block, struct alb_buf *out, struct alb_buf *artist,
                          struct alb_buf *copyright);
/* IIM 2:80, 2:110 and 2:116, and 1:90 which says how they are written; inside a Photoshop block if they came so. */
void alb_meta_rights_iptc(struct alb_str block, struct alb_buf *out);
/* dc:rights, contributor, creator, publisher, and all of xmpRights and cc. */
void alb_meta_rights_xmp(struct alb_str block, struct alb_buf *out);

#endif
