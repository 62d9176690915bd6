/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses an operator allows, in the words of the programs whose place a door takes:
 *   - URL patterns (imgproxy's allowed sources), matched on the parsed URL, not on its text: scheme, then host and
 *     port, then path. "*" stands for any run inside one host label or one path segment, so that "http://W.cdn.dev/"
 *     with "*" for W admits neither "http://evil?.cdn.dev/" nor "http://a.b.cdn.dev/". A host in a pattern is a whole
 *     host, with or without a slash behind it. Without a port it means the scheme's own; ":*" is any. Names and
 *     passwords match only where the pattern has them. Dot segments are resolved before the path is compared; the rest
 *     of the pattern is a prefix of path and query.
 *   - prefixes with "*" that take a run without "/", for replacements (imgproxy's), on text.
 *   - globs (Go's path.Match): "*" any run without "/", "?" one character, "[a-z]", "[^a]", "\\x"; imagor's hosts.
 * Pure; any thread.
 */
#ifndef ALB_DOORS_COMMON_PATTERN_H
#define ALB_DOORS_COMMON_PATTERN_H

#include "base/str.h"

#define ALB_DOOR_SOURCE_MAX ((size_t)32 << 10) /* bytes of a source's address */

/* An address that was taken apart already, by whoever will connect. */
struct alb_door_address {
    struct alb_str scheme, user, host; /* host: without brackets; user: "name:password" or empty */
    struct alb_str path;
    struct alb_str query; /* behind "?"; p == NULL: there is none */
    uint16_t port;        /* the scheme's own if none is written; 0: the scheme has none */
    bool authority;       /* "//" stands behind the scheme */
};

/* One pattern against one URL. */
bool alb_door_pattern_allows(struct alb_str pattern, struct alb_str url);
bool alb_door_pattern_fits(struct alb_str pattern, const struct alb_door_address *address);

/* A replacement rule: false = the pattern is no prefix of url; true: *end is how much of it matched, group[]
 * what each "*" took (greedy, first longest). At most ALB_DOOR_GROUPS_MAX "*". */
#define ALB_DOOR_GROUPS_MAX 16
bool alb_door_prefix_match(struct alb_str pattern, struct alb_str url, size_t *end,
                           struct alb_str group[ALB_DOOR_GROUPS_MAX], size_t *groups) ALB_MUST_CHECK;

/* The whole of a text; a pattern that cannot be read matches nothing. */
bool alb_door_glob(struct alb_str pattern, struct alb_str text);

#endif
