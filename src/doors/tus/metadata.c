/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/tus/metadata.h"

#include "base/codec.h"
#include "doors/tus/tus.h"

#define KEYS_MAX 64
#define ZONE_MAX (18 * 60) /* minutes; there is no such place beyond */

/* The name without folders, as browsers and scripts may send them; p == NULL: that is none. */
static struct alb_str base_name(struct alb_str path)
{
    size_t i = path.n;

    while (i > 0 && path.p[i - 1] != '/' && path.p[i - 1] != '\\')
        i--;
    path = alb_str_from(path, i);
    return path.n == 0 || alb_str_eq_c(path, ".") || alb_str_eq_c(path, "..") ? ALB_STR_NONE : path;
}

static void take_taken(struct alb_str value, struct alb_ingest_hints *h)
{
    int64_t utc;
    int offset;
    if (!alb_time_rfc3339_parse(value.p, value.n, &utc, &offset) || offset < -ZONE_MAX || offset > ZONE_MAX)
        return;
    h->has_taken = true;
    /* "Z" says that the sender knows the instant, not where the camera was. */
    h->taken = alb_capture_utc(utc, !alb_str_ends_ci(value, ALB_STR("z")), offset);
}

/* A name that is too long is not cut: an album that nobody meant helps nobody. */
static void take_album(struct alb_str name, struct alb_ingest_hints *h)
{
    if (name.n > 0 && name.n <= ALB_INGEST_ALBUM_NAME_MAX && !alb_str_has_control(name))
        h->albums[h->album_count++] = name;
}

static void take_tags(struct alb_str value, struct alb_ingest_hints *h)
{
    struct alb_str rest = value, tag;
    while (h->tag_count < ALB_INGEST_TAGS_MAX && alb_str_next(&rest, ',', &tag)) {
        tag = alb_str_trim(tag);
        if (tag.n > 0)
            h->tags[h->tag_count++] = tag;
    }
}

static void take(struct alb_str key, struct alb_str value, struct alb_ingest_hints *h)
{
    struct alb_str name = base_name(value);
    if (!alb_str_is_utf8(value))
        return;
    if (alb_str_eq_c(key, "filename") || (alb_str_eq_c(key, "name") && !h->name.p))
        h->name = name.p ? name : h->name;
    else if (alb_str_eq_c(key, "taken-at"))
        take_taken(value, h);
    else if (alb_str_eq_c(key, "modified-at"))
        alb_ignore(!alb_time_rfc3339_parse(value.p, value.n, &h->file_modified_ms, NULL), "only a hint");
    else if (alb_str_eq_c(key, "title"))
        h->title = value;
    else if (alb_str_eq_c(key, "description"))
        h->description = value;
    else if (alb_str_eq_c(key, "album"))
        take_album(alb_str_trim(value), h);
    else if (alb_str_eq_c(key, "tags"))
        take_tags(value, h);
    else if (alb_str_eq_c(key, "favorite"))
        h->favorite = alb_str_eq_c(value, "true");
}

static bool is_key(struct alb_str key)
{
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] <= ' ' || key.p[i] > '~')
            return false;
    return key.n > 0;
}

static bool is_new(struct alb_str key, struct alb_str *seen, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        if (alb_str_eq(key, seen[i]))
            return false;
    seen[(*count)++] = key;
    return true;
}

static enum alb_code decode(struct alb_str encoded, struct alb_arena *a, struct alb_str *out,
                            struct alb_err *err)
{
    unsigned char *room = alb_arena_alloc(a, encoded.n + 1);
    if (!room)
        return alb_fail(err, ALB_E_NO_MEMORY, "Upload-Metadata");
    int64_t n = alb_b64_decode(encoded, room, encoded.n, ALB_B64_STD);
    if (n < 0)
        return alb_fail(err, ALB_E_INVALID, "Upload-Metadata: a value is not base64");
    *out = alb_str_n((const char *)room, (size_t)n);
    return ALB_OK;
}

enum alb_code alb_tus_metadata(struct alb_str header, struct alb_arena *a, struct alb_ingest_hints *h,
                               struct alb_err *err)
{
    struct alb_str seen[KEYS_MAX], rest = alb_str_trim(header), pair;
    size_t count = 0;
    if (rest.n == 0)
        return ALB_OK;
    while (alb_str_next(&rest, ',', &pair)) {
        struct alb_str key, encoded, value = ALB_STR_NONE;
        (void)alb_str_cut(alb_str_trim(pair), ' ', &key, &encoded);
        if (count == KEYS_MAX)
            return alb_fail(err, ALB_E_INVALID, "Upload-Metadata: more than %d keys", KEYS_MAX);
        if (!is_key(key))
            return alb_fail(err, ALB_E_INVALID, "Upload-Metadata: a key is empty or not printable ASCII");
        if (!is_new(key, seen, &count))
            return alb_fail(err, ALB_E_INVALID, "Upload-Metadata: a key is there twice");
        enum alb_code code = decode(alb_str_trim(encoded), a, &value, err);
        if (code != ALB_OK)
            return code;
        take(key, value, h);
    }
    return ALB_OK;
}

bool alb_tus_metadata_next(struct alb_str *rest, struct alb_arena *a, struct alb_tus_pair *pair)
{
    struct alb_str text, encoded;

    *pair = (struct alb_tus_pair){0};
    if (!alb_str_next(rest, ',', &text))
        return false;
    (void)alb_str_cut(alb_str_trim(text), ' ', &pair->key, &encoded);
    pair->broken = decode(alb_str_trim(encoded), a, &pair->value, NULL) != ALB_OK;
    return true;
}

struct alb_str alb_tus_metadata_find(struct alb_str header, struct alb_str key, struct alb_arena *a)
{
    struct alb_str rest = header, found = ALB_STR_NONE;
    struct alb_tus_pair pair;

    while (header.n > 0 && alb_tus_metadata_next(&rest, a, &pair)) {
        if (!pair.broken && alb_str_eq(pair.key, key))
            found = pair.value;
    }
    return found;
}

void alb_tus_metadata_add(struct alb_buf *out, struct alb_str key, struct alb_str value)
{
    if (out->n > 0)
        alb_buf_c(out, ",");
    alb_buf_str(out, key);
    if (value.n > 0)
        alb_buf_c(out, " ");
    alb_b64_encode(out, value.p, value.n, ALB_B64_STD);
}
