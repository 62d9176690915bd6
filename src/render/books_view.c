/* SPDX-License-Identifier: Apache-2.0
 *
 * The books beside what the disk caches keep, and as /metrics shows them (contract: books.h).
 */
#include "render/books.h"

#include <string.h>

#include "blob/cache.h"
#include "render/job.h"
#include "render/origin.h"

struct alb_render_count alb_render_count(struct alb_render *r, enum alb_render_door door,
                                         enum alb_format format)
{
    struct alb_render_count c;
    alb_books_look(r->books, door, format, &c);
    if (r->config.cache)
        alb_cache_look_kind(r->config.cache, alb_books_kind(door, format), &c.files, &c.kept_bytes);
    return c;
}

/* ---- the disk caches ---- */

static struct alb_render_cache view_of(const struct alb_cache_view *v)
{
    return (struct alb_render_cache){.folder = v->folder,
                                     .complete = v->complete,
                                     .files = v->files,
                                     .bytes = v->bytes,
                                     .limit = v->limit,
                                     .index_bytes = v->index_bytes,
                                     .hits = v->hits,
                                     .misses = v->misses,
                                     .stored = v->stored,
                                     .refused = v->refused,
                                     .evicted = v->evicted,
                                     .expired = v->expired,
                                     .corrupt = v->corrupt};
}

struct alb_render_cache alb_render_results(struct alb_render *r)
{
    if (!r->config.cache)
        return (struct alb_render_cache){.folder = NULL};
    const struct alb_cache_view v = alb_cache_look(r->config.cache);
    return view_of(&v);
}

struct alb_render_cache alb_render_copies(struct alb_origins *origins)
{
    struct alb_cache *caches[2] = {NULL, NULL};
    struct alb_render_cache sum = {.folder = NULL};
    if (origins)
        alb_origins_caches(origins, &caches[0], &caches[1]);
    for (size_t i = 0; i < ALB_ARRAY_LEN(caches); i++) {
        if (!caches[i])
            continue;
        const struct alb_cache_view look = alb_cache_look(caches[i]);
        const struct alb_render_cache v = view_of(&look);
        sum.complete = (sum.folder == NULL || sum.complete) && v.complete;
        sum.folder = "sources";
        sum.files += v.files;
        sum.bytes += v.bytes;
        sum.limit += v.limit;
        sum.index_bytes += v.index_bytes;
        sum.hits += v.hits;
        sum.misses += v.misses;
        sum.stored += v.stored;
        sum.refused += v.refused;
        sum.evicted += v.evicted;
        sum.expired += v.expired;
        sum.corrupt += v.corrupt;
    }
    return sum;
}

/* ---- /metrics ---- */

struct series {
    const char *name, *kind, *help;
    size_t at; /* of a uint64_t in the count */
};

static void write_series(struct alb_render *r, const struct series *s, struct alb_buf *out)
{
    bool head = false;
    for (unsigned d = 0; d < ALB_RENDER_DOORS; d++)
        for (unsigned f = 0; f < ALB_FORMAT_COUNT; f++) {
            const struct alb_render_count c =
                alb_render_count(r, (enum alb_render_door)d, (enum alb_format)f);
            uint64_t n;
            memcpy(&n, (const char *)&c + s->at, sizeof(n));
            if (n == 0)
                continue;
            if (!head)
                alb_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", s->name, s->help, s->name, s->kind);
            head = true;
            alb_buf_printf(out, "%s{door=\"%s\",format=\"%s\"} %llu\n", s->name,
                           alb_render_door_name((enum alb_render_door)d),
                           f == ALB_FORMAT_SAME ? "" : alb_format_name((enum alb_format)f),
                           (unsigned long long)n);
        }
}

void alb_render_books_write(struct alb_render *r, struct alb_buf *out)
{
    static const struct series all[] = {
        {"albumen_picture_answers_total", "counter", "Answers with a picture",
         offsetof(struct alb_render_count, answers)},
        {"albumen_picture_answers_from_memory_total", "counter", "Answers whose picture was in memory",
         offsetof(struct alb_render_count, memory)},
        {"albumen_picture_answers_unchanged_total", "counter", "Answers that the client had already",
         offsetof(struct alb_render_count, unchanged)},
        {"albumen_picture_answer_bytes_total", "counter", "Bytes of the pictures of answers",
         offsetof(struct alb_render_count, bytes)},
        {"albumen_picture_disk_hits_total", "counter",
         "Pictures that came from the disk cache, once for all who wait",
         offsetof(struct alb_render_count, disk)},
        {"albumen_picture_renders_total", "counter", "Pictures that were made, once for all who wait",
         offsetof(struct alb_render_count, made)},
        {"albumen_picture_kept_files", "gauge", "Pictures in the disk cache, by who has made them",
         offsetof(struct alb_render_count, files)},
        {"albumen_picture_kept_bytes", "gauge", "Bytes in the disk cache, by who has made them",
         offsetof(struct alb_render_count, kept_bytes)},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(all); i++)
        write_series(r, &all[i], out);
}
