/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: of a picture's metadata only what says whose work it is. The blocks are made anew from the few values
 * that stay, so that no writer of any format can give away anything else (places, devices, thumbnails).
 */
#ifndef ALB_IMAGE_GENERAL_RIGHTS_H
#define ALB_IMAGE_GENERAL_RIGHTS_H

#include <vips/vips.h>

/* EXIF: Artist and Copyright. IPTC: 2:80, 2:110, 2:116 (and 1:90, which says how they are written). XMP: dc:rights,
 * contributor, creator, publisher, and all of xmpRights and cc. Blocks without any of them go. The image is the
 * caller's own copy. */
void alb_rights_only(VipsImage *image);

#endif
