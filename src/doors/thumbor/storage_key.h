/* SPDX-License-Identifier: Apache-2.0
 *
 * Where imagor's file storages keep things: a folder that imagor has filled is used as it is, and the other way round.
 *
 *   image or path of a URL  --style-->  key  --folder (prefix, safe characters)-->  path beneath the folder
 *
 * Of an original: its image, or "aa/bb/..." of the SHA-1 of that. Of a result: its path, the same digest of
 * that, or the image with ".<20 digits>" (and "_WxH") before its ending. A key is cleaned as Go's
 * path.Clean does, its slashes at both ends go, and every byte but [A-Za-z0-9/-_.~] and the safe characters becomes
 * %XX, a blank "+"; "--" as safe characters: nothing does. Pure; any thread.
 */
#ifndef ALB_DOORS_THUMBOR_STORAGE_KEY_H
#define ALB_DOORS_THUMBOR_STORAGE_KEY_H

#include "doors/thumbor/url.h"

enum alb_thumbor_style {
    ALB_THUMBOR_STYLE_ORIGINAL,
    ALB_THUMBOR_STYLE_DIGEST,
    ALB_THUMBOR_STYLE_SUFFIX, /* of results */
    ALB_THUMBOR_STYLE_SIZE    /* of results */
};
/* "original", "digest", and of results "suffix" and "size", in any case. */
bool alb_thumbor_style_of(struct alb_str name, bool results, enum alb_thumbor_style *style) ALB_MUST_CHECK;

/* Empty views below: no memory. */
struct alb_str alb_thumbor_original_key(struct alb_arena *arena, enum alb_thumbor_style style,
                                        struct alb_str image);
/* path: what the result is named by (door.h); u: what it was asked for by; format: the one that the client's Accept has
 * chosen, by name, or empty. */
struct alb_str alb_thumbor_result_key(struct alb_arena *arena, enum alb_thumbor_style style,
                                      struct alb_str path, const struct alb_thumbor_url *u,
                                      struct alb_str format);

struct alb_thumbor_folder {
    struct alb_str
        prefix; /* only keys that begin so lie there, without it; with or without slashes at its ends */
    struct alb_str safe; /* characters that stay as they are; "--": all */
};
/* Beneath the folder, NUL-terminated. False: nothing of that key ever lies there (another prefix, a segment that begins
 * with a dot, a NUL), or no memory. */
bool alb_thumbor_folder_path(struct alb_arena *arena, const struct alb_thumbor_folder *folder,
                             struct alb_str key, struct alb_str *path) ALB_MUST_CHECK;

#endif
