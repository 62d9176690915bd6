/* SPDX-License-Identifier: Apache-2.0 */
#include "render/picture.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "blob/cache.h"

#define META_MAX 64

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

/* "jpeg 512 341": what a file in the result cache says about its body. */
static bool meta_parse(struct alb_str meta, enum alb_format *format, uint32_t *width, uint32_t *height)
{
    struct alb_str name, rest, w, h;
    uint64_t wide, high;
    if (!alb_str_cut(meta, ' ', &name, &rest) || !alb_str_cut(rest, ' ', &w, &h) || !alb_str_u64(w, &wide) ||
        !alb_str_u64(h, &high) || wide > UINT32_MAX || high > UINT32_MAX)
        return false;
    *format = alb_format_of_name(name);
    *width = (uint32_t)wide;
    *height = (uint32_t)high;
    return *format != ALB_FORMAT_SAME;
}

struct alb_picture *alb_picture_from_disk(struct alb_cache *cache, const struct alb_flight_key *key)
{
    struct alb_derived_key k = file_key(key);
    struct alb_derived file = {0};
    struct alb_picture *p = NULL;
    enum alb_format format;
    uint32_t width, height;
    if (!cache || alb_cache_get(cache, &k, &file, NULL) != ALB_OK)
        return NULL;
    if (meta_parse(alb_str_n(file.meta, file.meta_n), &format, &width, &height))
        p = alb_picture_new(key, alb_bytes_ref(file.body), format, width, height);
    alb_derived_fini(&file);
    return p;
}

void alb_picture_to_disk(struct alb_cache *cache, const struct alb_flight_key *key, enum alb_format format,
                         const struct alb_picture *p)
{
    char meta[META_MAX];
    struct alb_derived_key k = file_key(key);
    if (!cache)
        return;
    int n = snprintf(meta, sizeof(meta), "%s %u %u", alb_format_name(format), p->width, p->height);
    alb_ignore(alb_cache_put(cache, &k, alb_str_n(meta, (size_t)n), alb_bytes_view(p->bytes), NULL),
               "a full disk only means that it is made again (counted by the cache)");
}
