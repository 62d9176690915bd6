/* SPDX-License-Identifier: Apache-2.0
 *
 * The timeline: months with counts, the columns of one month, statistics.
 */
#include <stdio.h>
#include <string.h>

#include "doors/immich/door.h"
#include "library/timeline.h"

static struct alb_library *library_of(const struct alb_req *req)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    return door->auth.library;
}

/* False: 400 is answered. */
static bool parse_query(struct alb_req *req, struct alb_timeline *t)
{
    struct alb_str word;
    enum alb_visibility v;
    bool flag;
    *t = alb_timeline_default();
    if (alb_req_query_get(req, "visibility", &word)) {
        if (!alb_immich_visibility(word, &v)) {
            (void)alb_immich_bad(req, "visibility must be timeline, archive, hidden or locked");
            return false;
        }
        t->visibility = ALB_VIS_BIT(v);
    }
    if (alb_immich_query_flag(req, "isTrashed", &flag))
        t->trashed = flag;
    if (alb_immich_query_flag(req, "isFavorite", &flag))
        t->favorites = flag;
    if (alb_immich_query_flag(req, "withStacked", &flag))
        t->with_stacked = flag;
    t->has_album = alb_immich_query_uuid(req, "albumId", &t->album);
    t->has_tag = alb_immich_query_uuid(req, "tagId", &t->tag);
    if ((!t->has_album && alb_req_query_get(req, "albumId", &word)) ||
        (!t->has_tag && alb_req_query_get(req, "tagId", &word))) {
        (void)alb_immich_bad(req, "albumId and tagId are UUIDs"); /* no filter would show everything */
        return false;
    }
    t->ascending = alb_req_query_get(req, "order", &word) && alb_str_eq_c(word, "asc");
    return true;
}

enum alb_step alb_immich_buckets(struct alb_req *req)
{
    struct alb_timeline t;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_bucket *list = NULL;
    size_t count = 0;
    struct alb_buf out;
    struct alb_json j;
    struct alb_arena *a ALB_CLEANUP(alb_arena_free) = NULL;
    if (!alb_auth_may(req, "asset.read") || !parse_query(req, &t) || !(a = alb_immich_arena(req)))
        return ALB_STEP_DONE;
    if (alb_library_buckets(library_of(req), alb_auth_principal(req), &t, a, &list, &count, &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_immich_begin(&j, &out);
    alb_json_array(&j);
    for (size_t i = 0; i < count; i++) {
        char month[32];
        (void)snprintf(month, sizeof(month), "%04d-%02d-01", list[i].month / 12, list[i].month % 12 + 1);
        alb_json_object(&j);
        alb_json_kc(&j, "timeBucket", month);
        alb_json_ki64(&j, "count", list[i].count);
        alb_json_end(&j);
    }
    alb_json_end(&j);
    return alb_immich_send_packed(req, &out);
}

/* "YYYY-MM-01", also with a time behind it. */
static bool parse_month(struct alb_str text, int32_t *month)
{
    uint64_t year, number;
    if (text.n < 7 || text.p[4] != '-' || !alb_str_u64(alb_str_sub(text, 0, 4), &year) ||
        !alb_str_u64(alb_str_sub(text, 5, 2), &number) || number < 1 || number > 12)
        return false;
    *month = (int32_t)(year * 12 + number - 1);
    return true;
}

/* ---- columns ---- */

static void column(struct alb_json *j, const char *key)
{
    alb_json_key(j, key);
    alb_json_array(j);
}

static void column_ids(struct alb_json *j, const char *key, const struct alb_uuid *ids, const bool *has,
                       size_t n)
{
    column(j, key);
    for (size_t i = 0; i < n; i++) {
        char text[37];
        if (has && !has[i]) {
            alb_json_null(j);
            continue;
        }
        alb_uuid_text(&ids[i], text);
        alb_json_c(j, text);
    }
    alb_json_end(j);
}

static void column_flags(struct alb_json *j, const char *key, const bool *flags, size_t n)
{
    column(j, key);
    for (size_t i = 0; i < n; i++)
        alb_json_bool(j, flags[i]);
    alb_json_end(j);
}

static void column_times(struct alb_json *j, const char *key, const int64_t *ms, size_t n)
{
    column(j, key);
    for (size_t i = 0; i < n; i++) {
        char text[25];
        alb_time_rfc3339(ms[i], text);
        alb_json_c(j, text);
    }
    alb_json_end(j);
}

static void column_texts(struct alb_json *j, const char *key, const struct alb_str *v, size_t n)
{
    column(j, key);
    for (size_t i = 0; i < n; i++)
        alb_json_str(j, v[i].n > 0 ? v[i] : ALB_STR_NONE);
    alb_json_end(j);
}

static void column_numbers(struct alb_json *j, const char *key, const double *v, const bool *has, size_t n)
{
    column(j, key);
    for (size_t i = 0; i < n; i++) {
        if (!has || has[i])
            alb_json_double(j, v[i]);
        else
            alb_json_null(j);
    }
    alb_json_end(j);
}

static void column_thumbhash(struct alb_json *j, const struct alb_str *v, size_t n)
{
    struct alb_buf text = ALB_BUF_INIT(256);
    column(j, "thumbhash");
    for (size_t i = 0; i < n; i++) {
        alb_buf_reset(&text);
        alb_b64_encode(&text, v[i].p, v[i].n, ALB_B64_STD);
        if (v[i].n > 0 && alb_buf_code(&text) == ALB_OK)
            alb_json_str(j, alb_buf_view(&text));
        else
            alb_json_null(j);
    }
    alb_json_end(j);
    alb_buf_fini(&text);
}

/* Hours between the wall clock and UTC, half hours included. */
static void column_offsets(struct alb_json *j, const struct alb_columns *c)
{
    column(j, "localOffsetHours");
    for (size_t i = 0; i < c->count; i++)
        alb_json_double(j, (double)(c->taken_local[i] - c->taken_utc[i]) / 3600000.0);
    alb_json_end(j);
}

static void column_stacks(struct alb_json *j, const struct alb_columns *c)
{
    column(j, "stack");
    for (size_t i = 0; i < c->count; i++) {
        char id[37], number[24];
        if (!c->has_stack[i]) {
            alb_json_null(j);
            continue;
        }
        alb_uuid_text(&c->stack[i], id);
        (void)snprintf(number, sizeof(number), "%lld", (long long)c->stack_count[i]);
        alb_json_array(j);
        alb_json_c(j, id);
        alb_json_c(j, number);
        alb_json_end(j);
    }
    alb_json_end(j);
}

static void write_columns(struct alb_json *j, const struct alb_columns *c)
{
    size_t n = c->count;
    alb_json_object(j);
    column_ids(j, "id", c->id, NULL, n);
    column_ids(j, "ownerId", c->owner, NULL, n);
    column_numbers(j, "ratio", c->ratio, NULL, n);
    column_flags(j, "isFavorite", c->favorite, n);
    column_flags(j, "isTrashed", c->trashed, n);
    column_flags(j, "isDamaged", c->damaged, n); /* ours, as in an asset (dto.c) */
    column(j, "visibility");
    for (size_t i = 0; i < n; i++)
        alb_json_c(j, alb_immich_visibility_word((enum alb_visibility)c->visibility[i]));
    alb_json_end(j);
    column(j, "isImage");
    for (size_t i = 0; i < n; i++)
        alb_json_bool(j, c->kind[i] == ALB_KIND_IMAGE);
    alb_json_end(j);
    column(j, "duration");
    for (size_t i = 0; i < n; i++)
        alb_json_null(j);
    alb_json_end(j);
    column_thumbhash(j, c->thumbhash, n);
    column_times(j, "fileCreatedAt", c->taken_utc, n);
    column_times(j, "createdAt", c->created_at, n);
    column_offsets(j, c);
    column_ids(j, "livePhotoVideoId", c->live, c->has_live, n);
    column_texts(j, "projectionType", c->projection, n);
    column_texts(j, "city", c->city, n);
    column_texts(j, "country", c->country, n);
    column_numbers(j, "latitude", c->latitude, c->has_gps, n);
    column_numbers(j, "longitude", c->longitude, c->has_gps, n);
    column_stacks(j, c);
    alb_json_end(j);
}

enum alb_step alb_immich_bucket(struct alb_req *req)
{
    struct alb_timeline t;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_columns columns;
    struct alb_str text;
    int32_t month;
    struct alb_buf out;
    struct alb_json j;
    struct alb_arena *a ALB_CLEANUP(alb_arena_free) = NULL;
    if (!alb_auth_may(req, "asset.read") || !parse_query(req, &t) || !(a = alb_immich_arena(req)))
        return ALB_STEP_DONE;
    if (!alb_req_query_get(req, "timeBucket", &text) || !parse_month(text, &month))
        return alb_immich_bad(req, "timeBucket must be a month, such as 2024-07-01");
    if (alb_library_bucket(library_of(req), alb_auth_principal(req), &t, month, a, &columns, &err) !=
        ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_immich_begin(&j, &out);
    write_columns(&j, &columns);
    return alb_immich_send_packed(req, &out);
}

enum alb_step alb_immich_statistics(struct alb_req *req)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_statistics s;
    struct alb_str word;
    enum alb_visibility v;
    uint32_t visibility = 0;
    bool trashed = false, favorite = false;
    struct alb_buf out;
    struct alb_json j;
    if (!alb_auth_may(req, "asset.statistics"))
        return ALB_STEP_DONE;
    if (alb_req_query_get(req, "visibility", &word) && alb_immich_visibility(word, &v))
        visibility = ALB_VIS_BIT(v);
    (void)alb_immich_query_flag(req, "isTrashed", &trashed);
    int favorites = alb_immich_query_flag(req, "isFavorite", &favorite) ? favorite : -1;
    if (alb_library_statistics(library_of(req), alb_auth_principal(req), visibility, trashed, favorites, &s,
                               &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_immich_begin(&j, &out);
    alb_json_object(&j);
    alb_json_ki64(&j, "images", s.images);
    alb_json_ki64(&j, "videos", s.videos);
    alb_json_ki64(&j, "total", s.total);
    alb_json_end(&j);
    return alb_immich_send(req, 200, &out);
}
