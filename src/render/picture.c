/* SPDX-License-Identifier: Apache-2.0 */
#include "render/picture.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes_file.h"
#include "base/codec.h"
#include "base/mem.h"
#include "blob/cache.h"
#include "render/hot.h"

#define META_MAX 64
#define AT_HAND_MOST ((int64_t)64 << 10)

static void picture_free(struct alb_obj *obj)
{
    struct alb_picture *p = ALB_CONTAINER_OF(obj, struct alb_picture, obj);
    alb_bytes_unref(p->bytes);
    alb_mem_free(p);
}

struct alb_picture *alb_picture_new(const struct alb_flight_key *key, struct alb_bytes *bytes,
                                    enum alb_format format, uint32_t width, uint32_t height)
{
    struct alb_picture *p = alb_mem_calloc(1, sizeof(*p));
    if (!p) {
        alb_bytes_unref(bytes);
        return NULL;
    }
    alb_obj_init(&p->obj, picture_free);
    p->bytes = bytes;
    p->format = format;
    p->content_type = alb_format_mime(format);
    p->width = width;
    p->height = height;
    alb_hex(key->b, 16, p->etag);
    return p;
}

static struct alb_derived_key file_key(const struct alb_flight_key *key)
{
    struct alb_derived_key k;
    memcpy(k.b, key->b, sizeof(k.b));
    return k;
}

/* "jpeg 512 341 4000 3000": what a file in the result cache says about its body and its source; older ones say nothing
 * of that. */
struct meta {
    enum alb_format format;
    uint32_t size[4];
};

static bool meta_parse(struct alb_str text, struct meta *m)
{
    struct alb_str word;
    uint64_t v;
    unsigned n = 0;
    memset(m, 0, sizeof(*m));
    if (!alb_str_next(&text, ' ', &word))
        return false;
    m->format = alb_format_of_name(word);
    for (; n < ALB_ARRAY_LEN(m->size) && alb_str_next(&text, ' ', &word); n++) {
        if (!alb_str_u64(word, &v) || v > UINT32_MAX)
            return false;
        m->size[n] = (uint32_t)v;
    }
    return m->format != ALB_FORMAT_SAME && !text.p && (n == 2 || n == 4);
}

/* What an event loop reads of: it copies and sums them in less time than a worker is woken in. What goes into a memory
 * file then takes longer. */
static int64_t at_hand_most(const struct alb_hot_cache *hot)
{
    bool into_file = hot && alb_hot_cache_takes(hot, ALB_BYTES_FILE_LEAST);
    return into_file ? ALB_BYTES_FILE_LEAST : AT_HAND_MOST;
}

static enum alb_code read_file(struct alb_cache *cache, const struct alb_derived_key *key, enum alb_picture_for of,
                               const struct alb_hot_cache *hot, struct alb_derived *file)
{
    if (of == ALB_PICTURE_AT_HAND)
        return alb_cache_get_at_hand(cache, key, at_hand_most(hot), file, NULL);
    if (of == ALB_PICTURE_FOR_A_CLIENT)
        return alb_cache_get(cache, key, file, NULL);
    if (of == ALB_PICTURE_AT_ONCE)
        return alb_cache_get_small(cache, key, ALB_PICTURE_SMALL, file, NULL);
    return alb_cache_get_aside(cache, key, of == ALB_PICTURE_FOR_ANOTHER, file, NULL);
}

struct alb_picture *alb_picture_from_disk(struct alb_cache *cache, const struct alb_flight_key *key,
                                          enum alb_picture_for of, const struct alb_hot_cache *hot)
{
    struct alb_derived_key k = file_key(key);
    struct alb_derived file = {0};
    struct alb_picture *p = NULL;
    struct meta m;
    if (!cache || read_file(cache, &k, of, hot, &file) != ALB_OK)
        return NULL;
    if (meta_parse(alb_str_n(file.meta, file.meta_n), &m))
        p = alb_picture_new(key, alb_bytes_ref(file.body), m.format, m.size[0], m.size[1]);
    if (p) {
        p->source_width = m.size[2];
        p->source_height = m.size[3];
        p->made_ms = file.created_ms;
        if (hot && alb_hot_cache_takes(hot, p->bytes->n))
            p->bytes = alb_bytes_into_file(p->bytes);
    }
    alb_derived_fini(&file);
    return p;
}

void alb_picture_to_disk(struct alb_cache *cache, const struct alb_flight_key *key, enum alb_format format,
                         const struct alb_picture *p, struct alb_derived_front *front)
{
    char meta[META_MAX];
    struct alb_derived_key k = file_key(key);
    if (!cache)
        return;
    int n = snprintf(meta, sizeof(meta), "%s %u %u %u %u", alb_format_name(format), p->width, p->height,
                     p->source_width, p->source_height);
    front->meta = alb_str_n(meta, (size_t)n);
    alb_ignore(alb_cache_put(cache, &k, front, alb_bytes_view(p->bytes), NULL),
               "a full disk only means that it is made again (counted by the cache)");
}
