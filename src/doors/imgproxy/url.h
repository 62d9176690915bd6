/* SPDX-License-Identifier: Apache-2.0
 *
 * The outer shape of a request: raw request target -> signature, path that was signed, and what it is split
 * into. What proxies do to URLs on the way is undone exactly as imgproxy undoes it, because the mended text
 * is what is signed:
 *   - the target is never percent-decoded as a whole; everything from the first "?" on is dropped and not signed;
 *   - before the source (before "/plain/", or all of it when there is none) every "%3A" becomes ":", upper case only;
 *   - in a plain source the last ":/" that is followed by something else than "/" and preceded by no blank becomes
 *     "://" ("local:/x" becomes "local:///x"). Being the last one, it also mangles "http://h/a:/b" into
 *     "http://h/a://b": wanted, since imgproxy's signatures are made over that; percent-encode such a colon.
 * Views point into the target or into the arena. Pure; any thread.
 */
#ifndef ALB_DOORS_IMGPROXY_URL_H
#define ALB_DOORS_IMGPROXY_URL_H

#include "base/arena.h"
#include "doors/imgproxy/config.h"
#include "doors/imgproxy/refusal.h"

#define ALB_IMGPROXY_TARGET_MAX ((size_t)64 << 10)
#define ALB_IMGPROXY_SEGMENTS_MAX 1024

struct alb_imgproxy_url {
    bool info;                /* /info/…: asks for facts, not for a picture */
    struct alb_str signature; /* never empty */
    struct alb_str path;      /* what was signed, without its first "/"; never empty */
    struct alb_str received;  /* the same before it was mended: for explanations */
};

/* `target`: origin form, as it stood in the request line. BAD_URL: outside the prefix, or nothing to sign. */
enum alb_imgproxy_refusal alb_imgproxy_url_split(const struct alb_imgproxy_config *c, struct alb_arena *arena,
                                                 struct alb_str target, struct alb_imgproxy_url *out,
                                                 struct alb_err *err) ALB_MUST_CHECK;
/* The mending alone, of a path without signature. Empty view: no memory. */
struct alb_str alb_imgproxy_url_mend(struct alb_arena *arena, struct alb_str path);

/* A path taken apart: the segments before the source, and the source. A segment without the separator begins
 * the source; "-" (a new pipeline) does not. only_presets: the first segment is a list of presets, whatever
 * it holds. */
struct alb_imgproxy_path {
    struct alb_str options; /* segments with "/" between; empty: none */
    struct alb_str source;  /* the rest; p == NULL: there is none */
};
void alb_imgproxy_path_split(struct alb_str path, struct alb_str separator, bool only_presets,
                             struct alb_imgproxy_path *out);
/* As alb_str_next, with a text as separator. */
bool alb_imgproxy_next(struct alb_str *rest, struct alb_str separator, struct alb_str *piece);

#endif
