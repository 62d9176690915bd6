/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar of thumbor's URLs as imagor reads them: a path to a value, and a value back to its one canonical path.
 *
 *   [params/] [unsafe/ | HASH/] [debug/] [meta/] [trim[:top-left|:bottom-right][:N]/] [LxT:RxB/]
 *       [[adaptive-][full-]fit-in/] [stretch/] [[-]W x [-]H /] [LxT[:RxB]/] [left|right|center/] [top|bottom|middle/]
 *       [smart/] [filters:name(args):name(args).../] IMAGE
 *
 * Every part is optional and stands in this order; what does not fit begins the image. Nothing is refused: any path
 * means something, if only an image of a strange name. Leniencies that clients rely on:
 *   - runs of "/" are passed over before the path and behind the hash; line breaks are taken out of all of it;
 *   - a first segment of 17 or more of [A-Za-z0-9-_=] is a hash, but for "adaptive-full-fit-in";
 *   - numbers that are too large are the largest one;
 *   - filters count parentheses: ":" and "/" within them are text; a chunk without any is dropped at the end, of two
 *     in one chunk the last one counts, and one that is never closed swallows the image;
 *   - only the image is percent-decoded ("+" is a blank); with a broken escape it stays as it is written.
 * Of our own: "debug" and "orig" as a side are thumbor's, and b64: images may be padded or end in "/".
 *
 * Views point into the path or into the arena. Pure; any thread.
 */
#ifndef ALB_DOORS_THUMBOR_URL_H
#define ALB_DOORS_THUMBOR_URL_H

#include "base/arena.h"

#define ALB_THUMBOR_PATH_MAX ((size_t)64 << 10)
#define ALB_THUMBOR_HASH_MIN 17     /* characters of a first segment that is taken for a signature */
#define ALB_THUMBOR_FILTERS_MAX 256 /* more of them are passed over */

enum alb_thumbor_align { /* of either axis: left and top are START */
                         ALB_THUMBOR_ALIGN_NONE,
                         ALB_THUMBOR_ALIGN_START,
                         ALB_THUMBOR_ALIGN_MIDDLE,
                         ALB_THUMBOR_ALIGN_END
};

struct alb_thumbor_filter { /* as it is written */
    struct alb_str name, args;
};

struct alb_thumbor_url {
    bool params;    /* asks what the path means */
    bool is_unsafe; /* says that it is not signed */
    struct alb_str hash;
    struct alb_str path; /* what is signed: all behind the hash, without line breaks */
    bool debug;          /* thumbor's: outlines of what decides instead of a cut */
    bool meta;
    bool trim, trim_last; /* trim_last: the ground is the colour of the last pixel, not of the first one */
    int64_t trim_tolerance;
    double crop[4]; /* left, top, right, bottom; all 0: none */
    bool fit_in, adaptive, full, stretch;
    int64_t width, height; /* >= 0; 0: not given */
    bool orig_width, orig_height;
    bool flip_h, flip_v;
    int64_t padding[4]; /* left, top, right, bottom */
    enum alb_thumbor_align halign, valign;
    bool smart;
    const struct alb_thumbor_filter *filters;
    size_t filter_count;
    struct alb_str image; /* decoded */
    bool is_base64;
};

/* Applies a path on top of what is in *u, which begins as all zeroes: scalars that the path has replace, its filters
 * come behind those that are there. `path` without a query. False: no memory. */
bool alb_thumbor_url_apply(struct alb_thumbor_url *u, struct alb_arena *arena,
                           struct alb_str path) ALB_MUST_CHECK;
/* Without the characters that end a line; the same view if there are none. Empty view: no memory. */
struct alb_str alb_thumbor_url_clean(struct alb_arena *arena, struct alb_str path);
static inline bool alb_thumbor_url_crops(const struct alb_thumbor_url *u)
{
    return u->crop[0] > 0 || u->crop[1] > 0 || u->crop[2] > 0 || u->crop[3] > 0;
}

/* The one path of all that mean the same, without a hash: what results are stored under. Empty view: no memory. */
struct alb_str alb_thumbor_url_canonical(struct alb_arena *arena, const struct alb_thumbor_url *u);

/* What purges call the answers of a path (that is signed, without the hash): decoded, whichever form of it was signed
 * or sent. is_decoded: it is already. Empty: no path, or no memory. */
struct alb_str alb_thumbor_url_label(struct alb_arena *arena, struct alb_str path, bool is_decoded);

/* Commas outside of parentheses part arguments; an empty one at the end is none. Takes the next of *rest. */
bool alb_thumbor_next_arg(struct alb_str *rest, struct alb_str *arg);

#endif
