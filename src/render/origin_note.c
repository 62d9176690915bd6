/* SPDX-License-Identifier: Apache-2.0
 *
 * Notes (origin_priv.h): what is kept beside a body: "albumen source 1 N", lines "name value", and at the
 * end N bytes of sums. Values come from header lines and addresses; one with control characters is left
 * out.
 */
#include <string.h>

#include "base/codec.h"
#include "render/origin_priv.h"

#define FIRST "albumen source 1 "

static void put_text(struct alb_buf *out, const char *name, struct alb_str value)
{
    if (value.n == 0 || alb_str_has_control(value))
        return;
    alb_buf_printf(out, "%s ", name);
    alb_buf_str(out, value);
    alb_buf_char(out, '\n');
}

void alb_origin_note_write(const struct alb_origin_note *note, struct alb_buf *out)
{
    const struct alb_origin *o = &note->o;
    char hex[2 * ALB_ORIGIN_IDENTITY_LEN + 1];
    alb_buf_printf(out, FIRST "%zu\n", note->sums.n);
    alb_hex(o->identity, sizeof(o->identity), hex);
    put_text(out, "sha256", alb_str_c(hex));
    alb_buf_printf(out, "size %lld\n", (long long)o->size);
    put_text(out, "type", alb_str_c(alb_type_name(o->type)));
    put_text(out, "url", o->url);
    put_text(out, "etag", o->etag);
    put_text(out, "last-modified", o->last_modified);
    put_text(out, "cache-control", o->cache_control);
    put_text(out, "expires", o->expires);
    put_text(out, "content-type", o->content_type);
    alb_buf_str(out, o->kept);
    alb_buf_printf(out, "fetched %lld\nvalidated %lld\n", (long long)o->fetched_ms,
                   (long long)o->validated_ms);
    if (o->is_shared)
        alb_buf_c(out, "shared\n");
    if (note->worded)
        alb_buf_printf(out, "until %lld\n", (long long)o->fresh_until_ms);
    if (note->always)
        alb_buf_c(out, "always\n");
    alb_buf_str(out, note->sums);
}

/* ---- reading ---- */

struct reading {
    struct alb_origin_note *note;
    bool has_hash, has_size;
};

static bool read_text(struct reading *r, struct alb_str name, struct alb_str value)
{
    struct alb_origin *o = &r->note->o;
    const struct {
        const char *name;
        struct alb_str *to;
    } texts[] = {
        {"url", &o->url},
        {"etag", &o->etag},
        {"last-modified", &o->last_modified},
        {"expires", &o->expires},
        {"cache-control", &o->cache_control},
        {"content-type", &o->content_type},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++)
        if (alb_str_eq_c(name, texts[i].name)) {
            *texts[i].to = value;
            return true;
        }
    return false;
}

static bool read_number(struct reading *r, struct alb_str name, struct alb_str value, bool *known)
{
    struct alb_origin *o = &r->note->o;
    const struct {
        const char *name;
        int64_t *to;
        bool *has;
    } numbers[] = {
        {"size", &o->size, &r->has_size},
        {"fetched", &o->fetched_ms, NULL},
        {"validated", &o->validated_ms, NULL},
        {"until", &o->fresh_until_ms, &r->note->worded},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(numbers); i++)
        if (alb_str_eq_c(name, numbers[i].name)) {
            if (numbers[i].has)
                *numbers[i].has = true;
            *known = true;
            return alb_str_i64(value, numbers[i].to);
        }
    return true;
}

static bool read_line(struct reading *r, struct alb_str line)
{
    struct alb_origin *o = &r->note->o;
    struct alb_str name, value;
    bool known = false;
    (void)alb_str_cut(line, ' ', &name, &value);
    if (read_text(r, name, value))
        return true;
    if (alb_str_starts(line, ALB_STR(ALB_ORIGIN_KEEP))) { /* these lines stand one after the other */
        o->kept = alb_str_n(o->kept.p ? o->kept.p : line.p,
                            o->kept.p ? (size_t)(line.p + line.n + 1 - o->kept.p) : line.n + 1);
        return true;
    }
    if (!read_number(r, name, value, &known) || known)
        return known;
    if (alb_str_eq_c(name, "sha256")) {
        r->has_hash = alb_hex_decode(value, o->identity, sizeof(o->identity));
        return r->has_hash;
    }
    if (alb_str_eq_c(name, "type"))
        o->type = alb_type_of_name(value);
    else if (alb_str_eq_c(name, "shared"))
        o->is_shared = true;
    else if (alb_str_eq_c(name, "always"))
        r->note->always = true;
    else
        return false;
    return true;
}

bool alb_origin_note_read(struct alb_str text, struct alb_origin_note *note)
{
    struct reading r = {.note = note};
    struct alb_str line;
    uint64_t sums;
    memset(note, 0, sizeof(*note));
    if (!alb_str_next(&text, '\n', &line) || !alb_str_starts(line, ALB_STR(FIRST)) ||
        !alb_str_u64(alb_str_from(line, sizeof(FIRST) - 1), &sums) || sums > text.n)
        return false;
    note->sums = alb_str_from(text, text.n - (size_t)sums);
    text = alb_str_sub(text, 0, text.n - (size_t)sums);
    while (alb_str_next(&text, '\n', &line))
        if (line.n > 0 && !read_line(&r, line))
            return false;
    if (!r.has_hash || !r.has_size || note->o.size < 0)
        return false;
    note->o.status = 200;
    if (!alb_time_http_parse(note->o.last_modified.p, note->o.last_modified.n, &note->o.modified_ms))
        note->o.modified_ms = 0;
    return true;
}

bool alb_origin_note_is_fresh(const struct alb_origin_note *note, int64_t now_ms, int64_t recheck_ms)
{
    if (note->always || now_ms < note->o.validated_ms) /* the clock was turned back: who knows */
        return false;
    if (note->worded)
        return now_ms < note->o.fresh_until_ms;
    return now_ms - note->o.validated_ms < recheck_ms;
}
