/* SPDX-License-Identifier: Apache-2.0
 *
 * How often an AVIF animation is played. ISO/IEC 23008-12, 9.6.1: the track has an edit list of one entry with the flag
 * that it repeats, and the track lasts so many times as long as its media; all bits of the duration set is without end.
 * libavif writes that from its version 1.0 on, so it is put in here: behind the header of each track, by which all that
 * comes later moves. Only the form in which libavif writes is changed (32-bit boxes, one file offset per extent).
 */
#include <string.h>

#include "image/frames.h"

#define EDITS 44u /* bytes of an edit list of one entry, version 1 */
#define ENDLESS UINT64_MAX

static uint64_t be(struct alb_str s, size_t off, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (off + i < s.n ? (unsigned char)s.p[off + i] : 0u);
    return v;
}

static void put(char *at, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)(v >> 8 * (bytes - 1 - i) & 0xff);
}

/* The box of that name from *at on: its body, *at behind it. Empty: there is none. */
static struct alb_str next_box(struct alb_str s, const char *name, size_t *at)
{
    while (*at + 8 <= s.n) {
        uint64_t size = be(s, *at, 4), head = 8;
        if (size == 1) {
            size = be(s, *at + 8, 8);
            head = 16;
        } else if (size == 0) {
            size = s.n - *at;
        }
        if (size < head || size > s.n - *at)
            break;
        struct alb_str body = {s.p + *at + head, (size_t)(size - head)};
        bool found = memcmp(s.p + *at + 4, name, 4) == 0;
        *at += (size_t)size;
        if (found)
            return body;
    }
    *at = s.n;
    return ALB_STR_NONE;
}

static struct alb_str box(struct alb_str s, const char *name)
{
    size_t at = 0;
    return next_box(s, name, &at);
}

/* tkhd and mvhd: where the duration lies, and how wide it is. */
static size_t duration_at(struct alb_str head, bool track, size_t *bytes)
{
    bool wide = be(head, 0, 1) == 1;
    *bytes = wide ? 8 : 4;
    return (wide ? 24u : 16u) + (track ? 4u : 0u);
}

static bool is_colour(struct alb_str track)
{
    struct alb_str hdlr = box(box(track, "mdia"), "hdlr");
    return hdlr.n >= 12 && memcmp(hdlr.p + 8, "pict", 4) == 0;
}

static int plays_of(struct alb_str track)
{
    struct alb_str elst = box(box(track, "edts"), "elst"), head = box(track, "tkhd");
    size_t bytes, at = duration_at(head, true, &bytes);
    if (elst.n < 20 || be(elst, 4, 4) != 1)
        return 0; /* not told: as browsers take it */
    if ((be(elst, 1, 3) & 1) == 0)
        return 1;
    uint64_t once = be(elst, 8, be(elst, 0, 1) == 1 ? 8 : 4), all = be(head, at, bytes);
    if (once == 0 || all == (bytes == 8 ? ENDLESS : UINT32_MAX))
        return 0;
    uint64_t plays = all / once + (all % once != 0);
    return plays < 1 ? 1 : plays > INT32_MAX ? INT32_MAX : (int)plays;
}

int alb_avif_plays(struct alb_str avif)
{
    struct alb_str moov = box(avif, "moov");
    for (size_t at = 0; at < moov.n;) {
        struct alb_str track = next_box(moov, "trak", &at);
        if (track.n > 0 && is_colour(track))
            return plays_of(track);
    }
    return 0;
}

/* ---- putting it in ---- */

/* File offsets behind `from` grow. `p` is a writable copy of the file, `s` the same as a string. */
static bool move_items(char *p, struct alb_str s, uint64_t grown)
{
    struct alb_str meta = box(s, "meta");
    if (meta.n == 0)
        return true; /* a sequence without a still */
    struct alb_str iloc = box(alb_str_sub(meta, 4, meta.n), "iloc");
    if (iloc.n < 8 || be(iloc, 0, 4) != 0 || be(iloc, 4, 2) != 0x4400)
        return false;
    size_t at = 8;
    for (uint64_t n = be(iloc, 6, 2); n > 0; n--) {
        uint64_t extents = be(iloc, at + 4, 2);
        at += 6;
        for (; extents > 0; extents--, at += 8) {
            if (at + 8 > iloc.n)
                return false;
            put(p + (iloc.p - s.p) + at, be(iloc, at, 4) + grown, 4);
        }
    }
    return true;
}

static bool move_chunks(char *p, struct alb_str s, struct alb_str track, uint64_t grown)
{
    struct alb_str stco = box(box(box(box(track, "mdia"), "minf"), "stbl"), "stco");
    uint64_t n = be(stco, 4, 4);
    if (stco.n < 8 || n > (stco.n - 8) / 4)
        return false;
    for (size_t i = 0; i < n; i++)
        put(p + (stco.p - s.p) + 8 + 4 * i, be(stco, 8 + 4 * i, 4) + grown, 4);
    return true;
}

static void set_duration(char *p, struct alb_str s, struct alb_str head, bool track, uint64_t once, int plays)
{
    size_t bytes, at = duration_at(head, track, &bytes);
    if (at + bytes <= head.n)
        put(p + (head.p - s.p) + at, plays == 0 ? ENDLESS : once * (unsigned)plays, bytes);
}

static void edit_list(char to[EDITS], uint64_t once)
{
    memset(to, 0, EDITS);
    put(to, EDITS, 4);
    memcpy(to + 4, "edts", 4);
    put(to + 8, EDITS - 8, 4);
    memcpy(to + 12, "elst\1\0\0\1", 8); /* version 1; it repeats */
    put(to + 20, 1, 4);
    put(to + 24, once, 8);
    put(to + 40, 1, 2); /* at its own speed */
}

/* Where the track's header ends, all in it made ready to move; 0: not as expected. */
static size_t ready(char *p, struct alb_str s, struct alb_str track, uint64_t once, int plays, uint64_t grown)
{
    struct alb_str head = box(track, "tkhd");
    if (head.n == 0 || box(track, "edts").n > 0 || !move_chunks(p, s, track, grown))
        return 0;
    set_duration(p, s, head, true, once, plays);
    put(p + (track.p - s.p) - 8, track.n + 8 + EDITS, 4);
    return (size_t)(head.p - s.p) + head.n;
}

#define TRACKS_MAX 2 /* colours and transparency */

static bool change(char *p, struct alb_str s, int plays, size_t cuts[TRACKS_MAX], unsigned *count,
                   char edits[EDITS])
{
    struct alb_str moov = box(s, "moov"), head = box(moov, "mvhd");
    size_t bytes, at = duration_at(head, false, &bytes);
    uint64_t once = be(head, at, bytes);
    unsigned tracks = 0;
    *count = 0;
    for (size_t i = 0; i < moov.n;)
        tracks += next_box(moov, "trak", &i).n > 0;
    if (tracks == 0 || tracks > TRACKS_MAX || once == 0)
        return false;
    for (size_t i = 0; i < moov.n;) {
        struct alb_str track = next_box(moov, "trak", &i);
        if (track.n > 0)
            cuts[*count] = ready(p, s, track, once, plays, tracks * EDITS);
        if (track.n > 0 && cuts[(*count)++] == 0)
            return false;
    }
    set_duration(p, s, head, false, once, plays);
    put(p + (moov.p - s.p) - 8, moov.n + 8 + tracks * EDITS, 4);
    edit_list(edits, once);
    return move_items(p, s, tracks * EDITS);
}

bool alb_avif_set_plays(struct alb_str avif, int plays, struct alb_buf *out)
{
    char *p = g_try_malloc(avif.n), edits[EDITS];
    size_t cuts[TRACKS_MAX], at = 0;
    unsigned count;
    if (!p)
        return false;
    memcpy(p, avif.p, avif.n);
    bool ok = change(p, avif, plays, cuts, &count, edits);
    for (unsigned i = 0; ok && i < count; i++) {
        alb_buf_add(out, p + at, cuts[i] - at);
        alb_buf_add(out, edits, EDITS);
        at = cuts[i];
    }
    if (ok)
        alb_buf_add(out, p + at, avif.n - at);
    g_free(p);
    return ok && alb_buf_code(out) == ALB_OK;
}
