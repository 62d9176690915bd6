/* SPDX-License-Identifier: Apache-2.0
 *
 * The note of an upload: lines "key value\n", values percent-encoded, so that any text is one line. Unknown
 * keys of a newer albumen are skipped. And the result text of a finished upload.
 */
#include "base/codec.h"
#include "ingest/ingest.h"

static void put(struct alb_buf *out, const char *key, struct alb_str value)
{
    if (!value.p)
        return;
    alb_buf_c(out, key);
    alb_buf_char(out, ' ');
    alb_percent_encode(out, value);
    alb_buf_char(out, '\n');
}

static void put_int(struct alb_buf *out, const char *key, int64_t value)
{
    alb_buf_c(out, key);
    alb_buf_char(out, ' ');
    alb_buf_i64(out, value);
    alb_buf_char(out, '\n');
}

void alb_ingest_hints_init(struct alb_ingest_hints *h)
{
    *h = (struct alb_ingest_hints){.door = ALB_DOOR_TUS, .visibility = ALB_VIS_TIMELINE};
}

void alb_ingest_hints_pack(const struct alb_ingest_hints *h, struct alb_buf *out)
{
    put_int(out, "door", (int64_t)h->door);
    put(out, "name", h->name);
    put_int(out, "modified", h->file_modified_ms);
    if (h->has_taken) {
        put_int(out, "taken", h->taken.utc_ms);
        if (h->taken.has_offset)
            put_int(out, "offset", h->taken.offset_min);
    }
    put(out, "title", h->title);
    put(out, "description", h->description);
    put_int(out, "favorite", h->favorite);
    put_int(out, "visibility", (int64_t)h->visibility);
    put(out, "device", h->device_id);
    put(out, "device-asset", h->device_asset_id);
    for (size_t i = 0; i < h->tag_count; i++)
        put(out, "tag", h->tags[i]);
    for (size_t i = 0; i < h->album_count; i++)
        put(out, "album", h->albums[i]);
}

#define TIME_MAX ((int64_t)1 << 52) /* ms: far beyond the year 9999, and no sum overflows */

struct line {
    struct alb_str key, value; /* value decoded */
    int64_t number;
    bool is_number;
};

static enum alb_code parse_line(struct alb_str text, struct alb_arena *a, struct line *out,
                                struct alb_err *err)
{
    struct alb_str raw;
    size_t n = 0;
    if (!alb_str_cut(text, ' ', &out->key, &raw))
        return alb_fail(err, ALB_E_INVALID, "note: a line without a value");
    char *room = alb_arena_alloc(a, raw.n + 1);
    if (!room)
        return alb_fail(err, ALB_E_NO_MEMORY, "note");
    if (!alb_percent_decode(raw, false, room, raw.n + 1, &n))
        return alb_fail(err, ALB_E_INVALID, "note: a broken escape");
    out->value = alb_str_n(room, n);
    out->is_number = alb_str_i64(out->value, &out->number);
    return ALB_OK;
}

static bool in_range(const struct line *l, int64_t least, int64_t most)
{
    return l->is_number && l->number >= least && l->number <= most;
}

/* False: the value does not fit its key. */
static bool take_number(const struct line *l, struct alb_ingest_hints *h)
{
    if (alb_str_eq_c(l->key, "door")) {
        h->door = (enum alb_door)(in_range(l, 0, ALB_DOOR_LOCAL) ? l->number : 0);
        return in_range(l, 0, ALB_DOOR_LOCAL);
    }
    if (alb_str_eq_c(l->key, "visibility")) {
        h->visibility = (enum alb_visibility)(in_range(l, 0, ALB_VIS_COUNT - 1) ? l->number : 0);
        return in_range(l, 0, ALB_VIS_COUNT - 1);
    }
    if (alb_str_eq_c(l->key, "modified")) {
        h->file_modified_ms = l->number;
        return l->is_number;
    }
    if (alb_str_eq_c(l->key, "taken")) {
        h->has_taken = in_range(l, -TIME_MAX, TIME_MAX);
        h->taken = alb_capture_utc(h->has_taken ? l->number : 0, false, 0);
        return h->has_taken;
    }
    if (alb_str_eq_c(l->key, "offset")) {
        if (!in_range(l, -1080, 1080))
            return false;
        h->taken = alb_capture_utc(h->taken.utc_ms, true, (int32_t)l->number);
        return h->has_taken;
    }
    if (alb_str_eq_c(l->key, "favorite")) {
        h->favorite = l->number == 1;
        return in_range(l, 0, 1);
    }
    return true; /* a number where text is meant is text */
}

static bool take_text(const struct line *l, struct alb_ingest_hints *h)
{
    const struct {
        const char *key;
        struct alb_str *to;
    } texts[] = {{"name", &h->name},
                 {"title", &h->title},
                 {"description", &h->description},
                 {"device", &h->device_id},
                 {"device-asset", &h->device_asset_id}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++)
        if (alb_str_eq_c(l->key, texts[i].key))
            *texts[i].to = l->value;
    if (alb_str_eq_c(l->key, "tag")) {
        if (h->tag_count == ALB_INGEST_TAGS_MAX)
            return false;
        h->tags[h->tag_count++] = l->value;
    }
    if (alb_str_eq_c(l->key, "album")) {
        if (h->album_count == ALB_INGEST_ALBUMS_MAX || l->value.n == 0 ||
            l->value.n > ALB_INGEST_ALBUM_NAME_MAX || !alb_str_is_utf8(l->value))
            return false;
        h->albums[h->album_count++] = l->value;
    }
    return true;
}

enum alb_code alb_ingest_hints_unpack(struct alb_str note, struct alb_arena *a, struct alb_ingest_hints *out,
                                      struct alb_err *err)
{
    struct alb_str rest = note, text;
    alb_ingest_hints_init(out);
    while (alb_str_next(&rest, '\n', &text)) {
        struct line l = {.number = 0};
        if (text.n == 0)
            continue;
        enum alb_code code = parse_line(text, a, &l, err);
        if (code != ALB_OK)
            return code;
        if (!take_number(&l, out) || !take_text(&l, out))
            return alb_fail(err, ALB_E_INVALID, "note: a bad value for " ALB_STR_FMT, ALB_STR_ARG(l.key));
    }
    return ALB_OK;
}

const char *alb_ingest_result_word(enum alb_created_as as)
{
    switch (as) {
    case ALB_CREATED:
        return "created";
    case ALB_DUPLICATE:
        return "duplicate";
    case ALB_RESTORED:
        return "restored";
    }
    return "created";
}

struct alb_bytes *alb_ingest_result_text(const struct alb_ingest_result *result)
{
    struct alb_buf text = ALB_BUF_INIT(ALB_UPLOAD_RESULT_MAX);
    char uuid[37];
    alb_uuid_text(&result->asset, uuid);
    alb_buf_printf(&text, "%s %s%s", alb_ingest_result_word(result->as), uuid,
                   result->trashed ? " trashed" : "");
    struct alb_bytes *bytes = alb_buf_code(&text) == ALB_OK ? alb_bytes_copy(text.p, text.n) : NULL;
    alb_buf_fini(&text);
    return bytes;
}

bool alb_ingest_result_parse(struct alb_str text, struct alb_ingest_result *out)
{
    struct alb_str rest = text, word, uuid, trashed;
    *out = (struct alb_ingest_result){.as = ALB_CREATED};
    if (!alb_str_next(&rest, ' ', &word) || !alb_str_next(&rest, ' ', &uuid) ||
        !alb_uuid_parse(uuid, &out->asset))
        return false;
    out->trashed = alb_str_next(&rest, ' ', &trashed) && alb_str_eq_c(trashed, "trashed");
    for (enum alb_created_as as = ALB_CREATED; as <= ALB_RESTORED; as++)
        if (alb_str_eq_c(word, alb_ingest_result_word(as))) {
            out->as = as;
            return true;
        }
    return false;
}
