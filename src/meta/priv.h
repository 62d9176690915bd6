/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the readers of this room only: clean text, times and positions into struct alb_meta. Text helpers
 * put their result into the arena; when it is full they give the empty view and alb_meta_done reports it.
 */
#ifndef ALB_META_PRIV_H
#define ALB_META_PRIV_H

#include "meta/meta.h"

/* Makes text of bytes that claim to be text: UTF-8 stays (without half a character at the end), anything else
 * is read as Windows-1252, which is Latin-1 with quotes and dashes; up to the first NUL; control characters
 * go (newline and tab stay if `lines`); blanks at both ends go; cut at max bytes. */
struct alb_str alb_meta_text(struct alb_arena *a, struct alb_str raw, size_t max, bool lines);
/* The same for UTF-16 (Windows' XP tags, user comments). */
struct alb_str alb_meta_text_utf16(struct alb_arena *a, struct alb_str raw, bool big, size_t max, bool lines);

/* Adds a keyword path (already clean) unless it is empty, there already, or the list is full. */
void alb_meta_keyword(struct alb_arena *a, struct alb_meta *m, struct alb_str path);
/* A path whose parts are separated by `sep` becomes "a/b"; a slash inside a part becomes U+2215. */
struct alb_str alb_meta_path(struct alb_arena *a, struct alb_str raw, char sep);

/* "2020:01:25 19:53:20[.5][+01:00|Z]", also with - and T. False if there is no such date. */
bool alb_meta_time_parse(struct alb_str s, struct alb_meta_time *t) ALB_MUST_CHECK;
/* "+01:00", "-0530", "Z" */
bool alb_meta_offset_parse(struct alb_str s, int16_t *minutes) ALB_MUST_CHECK;
void alb_meta_time_set_offset(struct alb_meta_time *t, int16_t minutes);
/* Drops 0,0 (which devices write for "unknown") and what is out of range. */
void alb_meta_set_gps(struct alb_meta *m, double latitude, double longitude);
/* Takes the rating if it is -1..5. */
void alb_meta_set_rating(struct alb_meta *m, int64_t rating);
/* ISO 6709: "+48.8577+002.2950+35.2/" */
bool alb_meta_iso6709(struct alb_str s, struct alb_meta *m) ALB_MUST_CHECK;

/* Gathers the tags that matter out of TIFF directories, wherever they lie, into one compact EXIF block.
 * Bounded in tags and bytes; all directories must have one byte order. */
enum alb_tiff_dir { ALB_TIFF_IFD0, ALB_TIFF_EXIF, ALB_TIFF_GPS };
struct alb_tiff_gather;
struct alb_tiff_gather *alb_tiff_gather_new(struct alb_arena *a); /* NULL: the arena is full */
/* The first directory of a TIFF structure is taken as directory `as`. */
bool alb_tiff_gather_file(struct alb_tiff_gather *g, enum alb_tiff_dir as,
                          const struct alb_meta_source *src) ALB_MUST_CHECK;
struct alb_str alb_tiff_gather_block(struct alb_tiff_gather *g); /* empty if there is nothing */

/* The end of each reader: OK, or what the arena says. */
enum alb_code alb_meta_done(const struct alb_arena *a, struct alb_err *err) ALB_MUST_CHECK;

#endif
