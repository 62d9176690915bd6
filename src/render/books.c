/* SPDX-License-Identifier: Apache-2.0
 *
 * The books (contract: books.h).
 */
#include "render/books.h"

#include <stdatomic.h>
#include <string.h>

#include "base/codec.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/mem.h"
#include "library/source.h"
#include "render/job.h"
#include "render/origin.h"

#define ASSET "asset://"
#define LINE 64 /* of a processor's cache */
#define SHARDS 8
#define SETS 4 /* of a shard */
#define WAYS 8

enum what { ANSWERS, MEMORY, UNCHANGED, BYTES, DISK, MADE, WHATS };

struct tally { /* as long as a line, but no more aligned than memory of alb_mem is */
    atomic_uint_fast64_t n[WHATS];
    char rest[LINE - WHATS * sizeof(uint64_t)];
};
struct place {
    uint64_t hash, weight, over;
    uint64_t answers, bytes, made;
    size_t name_n; /* 0: free */
    char name[ALB_RENDER_SOURCE_MAX];
};
struct shard {
    struct alb_mutex mtx;
    struct place places[ALB_RENDER_TOPS][SETS][WAYS];
};
struct alb_books {
    /* atomic */
    struct tally tally[ALB_RENDER_DOORS][ALB_FORMAT_COUNT];
    /* each under its mtx */
    struct shard shards[SHARDS];
};

const char *alb_render_door_name(enum alb_render_door door)
{
    static const char *const names[] = {"other", "immich", "imgproxy", "thumbor", "jobs", "levels"};
    _Static_assert(ALB_ARRAY_LEN(names) == ALB_RENDER_DOORS, "a name for each");
    return names[door < ALB_RENDER_DOORS ? door : ALB_RENDER_DOOR_OTHER];
}

struct alb_books *alb_books_new(void)
{
    struct alb_books *b = alb_mem_calloc(1, sizeof(*b));
    for (size_t i = 0; b && i < SHARDS; i++)
        alb_mutex_init(&b->shards[i].mtx, ALB_LOCK_RENDER_BOOKS);
    return b;
}

void alb_books_free(struct alb_books **books)
{
    struct alb_books *b = *books;
    *books = NULL;
    for (size_t i = 0; b && i < SHARDS; i++)
        alb_mutex_fini(&b->shards[i].mtx);
    alb_mem_free(b);
}

/* ---- counts ---- */

static void add(struct alb_books *b, enum alb_render_door door, enum alb_format format, enum what what,
                uint64_t n)
{
    if (n > 0 && door < ALB_RENDER_DOORS && format < ALB_FORMAT_COUNT)
        atomic_fetch_add_explicit(&b->tally[door][format].n[what], n, memory_order_relaxed);
}

static uint64_t get(const struct alb_books *b, enum alb_render_door door, enum alb_format format,
                    enum what what)
{
    return atomic_load_explicit(&b->tally[door][format].n[what], memory_order_relaxed);
}

void alb_books_look(const struct alb_books *b, enum alb_render_door door, enum alb_format format,
                    struct alb_render_count *c)
{
    *c = (struct alb_render_count){.answers = get(b, door, format, ANSWERS),
                                   .memory = get(b, door, format, MEMORY),
                                   .unchanged = get(b, door, format, UNCHANGED),
                                   .bytes = get(b, door, format, BYTES),
                                   .disk = get(b, door, format, DISK),
                                   .made = get(b, door, format, MADE)};
}

/* ---- sources ---- */

struct alb_str alb_books_source(const struct alb_source *source, const struct alb_origin *origin,
                                char room[ALB_BOOKS_NAME_ROOM])
{
    _Static_assert(sizeof(ASSET) + 36 <= ALB_BOOKS_NAME_ROOM, "an asset's name");
    if (source) {
        memcpy(room, ASSET, sizeof(ASSET) - 1);
        alb_uuid_text(&source->asset_uuid, room + sizeof(ASSET) - 1);
        return alb_str_c(room);
    }
    return origin ? origin->asked : ALB_STR_NONE;
}

/* Its own, or that of the least, whose weight it takes over. Locked. */
static struct place *place_of(struct place set[WAYS], uint64_t hash, struct alb_str name)
{
    struct place *least = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].name_n > 0 && set[i].hash == hash)
            return &set[i];
        if (set[i].weight < least->weight)
            least = &set[i];
    }
    *least = (struct place){.hash = hash, .weight = least->weight, .over = least->weight};
    least->name_n = name.n < sizeof(least->name) - 1 ? name.n : sizeof(least->name) - 1;
    memcpy(least->name, name.p, least->name_n);
    return least;
}

static void weigh(struct alb_books *b, struct alb_str name, uint64_t answers, uint64_t bytes, uint64_t made)
{
    const uint64_t weights[ALB_RENDER_TOPS] = {answers, bytes};
    if (name.n == 0)
        return;
    uint64_t hash = alb_xxh3(name.p, name.n);
    struct shard *s = &b->shards[hash % SHARDS];
    alb_mutex_lock(&s->mtx);
    for (size_t by = 0; by < ALB_RENDER_TOPS; by++) {
        struct place *p = place_of(s->places[by][hash / SHARDS % SETS], hash, name);
        p->weight += weights[by];
        p->answers += answers;
        p->bytes += bytes;
        p->made += made;
    }
    alb_mutex_unlock(&s->mtx);
}

static void place_in(struct alb_render_source *out, size_t *count, size_t max, const struct place *p,
                     enum alb_render_top by)
{
    struct alb_render_source s = {.answers = p->answers, .bytes = p->bytes, .made = p->made, .over = p->over};
    uint64_t *weights[ALB_RENDER_TOPS] = {&s.answers, &s.bytes};
    *weights[by] = p->weight;
    memcpy(s.name, p->name, p->name_n);
    size_t at = *count;
    while (at > 0 && (by == ALB_RENDER_TOP_BYTES ? out[at - 1].bytes : out[at - 1].answers) < p->weight)
        at--;
    if (at == max)
        return;
    if (*count < max)
        ++*count;
    memmove(&out[at + 1], &out[at], (*count - at - 1) * sizeof(*out));
    out[at] = s;
}

size_t alb_render_top(struct alb_render *r, enum alb_render_top by, struct alb_render_source *out, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &r->books->shards[i];
        alb_mutex_lock(&s->mtx);
        for (size_t at = 0; at < (size_t)SETS * WAYS; at++) {
            const struct place *p = &s->places[by][at / WAYS][at % WAYS];
            if (p->weight > 0)
                place_in(out, &count, max, p, by);
        }
        alb_mutex_unlock(&s->mtx);
    }
    return count;
}

/* ---- what is counted ---- */

void alb_render_answered(struct alb_render *r, const struct alb_render_ask *ask, const struct alb_picture *p,
                         bool hot, bool unchanged)
{
    char room[ALB_BOOKS_NAME_ROOM];
    enum alb_format format = p ? p->format : ALB_FORMAT_SAME;
    uint64_t bytes = p && !unchanged ? p->bytes->n : 0;
    add(r->books, ask->door, format, ANSWERS, 1);
    add(r->books, ask->door, format, MEMORY, hot);
    add(r->books, ask->door, format, UNCHANGED, unchanged);
    add(r->books, ask->door, format, BYTES, bytes);
    weigh(r->books, alb_books_source(ask->source, ask->origin, room), 1, bytes, 0);
}

void alb_books_disk(struct alb_books *b, enum alb_render_door door, enum alb_format format)
{
    add(b, door, format, DISK, 1);
}

void alb_books_made(struct alb_books *b, enum alb_render_door door, enum alb_format format,
                    struct alb_str source)
{
    add(b, door, format, MADE, 1);
    if (door != ALB_RENDER_DOOR_JOBS && door != ALB_RENDER_DOOR_LEVELS) /* nobody has asked for it */
        weigh(b, source, 0, 0, 1);
}
