/* SPDX-License-Identifier: Apache-2.0
 *
 * The books of render: what each door has answered with, in which format, and which sources are asked for most. For
 * people (GET /cache/stats, /metrics, `albumen cache stats`); nothing decides by them. They count from the start of the
 * process.
 *
 * Two sides write them. A door counts each answer with a picture (alb_render_answered). Whoever gets the picture from
 * the disk, or makes it, counts that once, for the door that asked first, however many wait for it. So of one door and
 * format a hit is an answer that nothing was made for: answers - made, or 0 while somebody's answer is on its way.
 *
 * Sources: those with the most answers, and those with the most bytes, by Space-Saving (Metwally, Agrawal, El Abbadi,
 * ICDT 2005) in sets of eight: a newcomer takes the place of the least and begins with its count, so what a source is
 * said to have may be too much by `over`, never too little, and what is asked for often is not missed.
 *
 * Threads: any. Counts are atomics; the sources have locks, RENDER_BOOKS, for the time of a look through eight places.
 */
#ifndef ALB_RENDER_BOOKS_H
#define ALB_RENDER_BOOKS_H

#include "base/buf.h"
#include "image/plan.h"
#include "render/render.h"

const char *alb_render_door_name(enum alb_render_door door); /* "immich" */

/* An answer with p goes out, for the door of the ask; p is NULL if the client had it and it was not looked for.
 * hot: it came from alb_render_hot. unchanged: the client has it already, and gets no bytes. */
void alb_render_answered(struct alb_render *render, const struct alb_render_ask *ask,
                         const struct alb_picture *p, bool hot, bool unchanged);

struct alb_render_count {
    uint64_t answers, memory, unchanged, bytes; /* of answers: from memory, without bytes, bytes */
    uint64_t disk, made;                        /* pictures that came from the disk or a worker */
    int64_t files, kept_bytes;                  /* in the cache of results, those that it has made */
};
/* ALB_FORMAT_SAME: what had none (answers without a look, files of older versions). */
struct alb_render_count alb_render_count(struct alb_render *render, enum alb_render_door door,
                                         enum alb_format format);
static inline uint64_t alb_render_count_hits(const struct alb_render_count *c)
{
    return c->answers > c->made ? c->answers - c->made : 0;
}

#define ALB_RENDER_SOURCE_MAX 240
enum alb_render_top { ALB_RENDER_TOP_ANSWERS, ALB_RENDER_TOP_BYTES, ALB_RENDER_TOPS };
struct alb_render_source {
    char name[ALB_RENDER_SOURCE_MAX]; /* as it is purged by; a long one is cut */
    uint64_t answers, bytes,
        made;      /* the one it is ordered by is an estimate, the others count since it got its place */
    uint64_t over; /* the estimate is too high by so much at most */
};
/* The first ones, the most first; how many. */
size_t alb_render_top(struct alb_render *render, enum alb_render_top by, struct alb_render_source *out,
                      size_t max);

/* A disk cache in numbers (blob/cache.h says what they mean). */
struct alb_origins;
struct alb_render_cache {
    const char *folder; /* NULL: there is none */
    bool complete;
    int64_t files, bytes, limit, index_bytes;
    uint64_t hits, misses, stored, refused, evicted, expired, corrupt;
};
/* Of results; and copies of sources: their notes and their bodies together (origins may be NULL). */
struct alb_render_cache alb_render_results(struct alb_render *render);
struct alb_render_cache alb_render_copies(struct alb_origins *origins);

/* For /metrics, as alb_stat_write: by door and format. */
void alb_render_books_write(struct alb_render *render, struct alb_buf *out);

/* What doors show of the scrub (blob/keeper.h) without knowing it: of the round that goes on. */
struct alb_render_scrub {
    uint64_t rounds;
    int64_t files, bytes, corrupt;
};

/* ---- inside of render ---- */

struct alb_books;
struct alb_books *alb_books_new(void) ALB_MUST_CHECK; /* NULL: no memory */
void alb_books_free(struct alb_books **books);
/* It came from the disk, or was made (then also for its source, by its name). */
void alb_books_disk(struct alb_books *b, enum alb_render_door door, enum alb_format format);
void alb_books_made(struct alb_books *b, enum alb_render_door door, enum alb_format format,
                    struct alb_str source);
/* What was counted, without the files. */
void alb_books_look(const struct alb_books *b, enum alb_render_door door, enum alb_format format,
                    struct alb_render_count *c);
/* By what the first input of an ask is purged; empty: nothing. */
#define ALB_BOOKS_NAME_ROOM 48
struct alb_str alb_books_source(const struct alb_source *source, const struct alb_origin *origin,
                                char room[ALB_BOOKS_NAME_ROOM]);
/* The kind byte of a file of results. */
static inline uint8_t alb_books_kind(enum alb_render_door door, enum alb_format format)
{
    return (uint8_t)((unsigned)door << 4 | (unsigned)format);
}
_Static_assert(ALB_FORMAT_COUNT <= 16, "a format is half a byte");

#endif
