/* SPDX-License-Identifier: Apache-2.0
 *
 * An upload as tusd writes it: into .info files and into what hooks are sent.
 */
#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "doors/tus/metadata.h"
#include "doors/tus/tus.h"

#define PAIRS_MAX 256
#define TEXT_MAX ((size_t)1 << 20)

/* Keys in the order of their bytes, as Go writes maps; of a key that is there twice the last one counts. */
static size_t sorted_pairs(struct alb_str metadata, struct alb_arena *a, struct alb_tus_pair *pairs)
{
    struct alb_str rest = metadata;
    struct alb_tus_pair pair;
    size_t n = 0;

    while (alb_tus_metadata_next(&rest, a, &pair)) {
        size_t at = 0;
        if (pair.key.n == 0 || pair.broken)
            continue; /* as tusd does */
        while (at < n && alb_str_cmp(pairs[at].key, pair.key) < 0)
            at++;
        bool same = at < n && alb_str_eq(pairs[at].key, pair.key);
        if (!same && n == PAIRS_MAX)
            break;
        if (!same) {
            memmove(pairs + at + 1, pairs + at, (n - at) * sizeof(*pairs));
            n++;
        }
        pairs[at] = pair;
    }
    return n;
}

static void write_key(struct alb_json *j, struct alb_str key)
{
    char text[512];

    if (alb_str_to_c(key, text, sizeof(text)))
        alb_json_key(j, text);
    else
        alb_json_key(j, "");
}

static void write_metadata(struct alb_json *j, struct alb_str metadata)
{
    struct alb_arena *a = alb_arena_new(TEXT_MAX);
    struct alb_tus_pair *pairs = alb_mem_calloc(PAIRS_MAX, sizeof(*pairs));

    alb_json_key(j, "MetaData");
    alb_json_object(j);
    if (a != NULL && pairs != NULL) {
        size_t n = sorted_pairs(metadata, a, pairs);
        for (size_t i = 0; i < n; i++) {
            write_key(j, pairs[i].key);
            alb_json_str(j, pairs[i].value.p != NULL ? pairs[i].value : ALB_STR(""));
        }
    }
    alb_json_end(j);
    alb_mem_free(pairs);
    alb_arena_free(&a);
}

static void write_parts(struct alb_json *j, struct alb_str parts)
{
    struct alb_str id;

    alb_json_key(j, "PartialUploads");
    if (parts.n == 0) {
        alb_json_null(j);
        return;
    }
    alb_json_array(j);
    while (alb_str_next(&parts, ' ', &id))
        alb_json_str(j, id);
    alb_json_end(j);
}

static void put_path(struct alb_buf *out, struct alb_str folder, struct alb_str path)
{
    if (folder.n > 2 && alb_str_starts(folder, ALB_STR("./")))
        folder = alb_str_from(folder, 2); /* filepath.Join cleans it */
    if (path.p[0] != '/') {
        alb_buf_str(out, folder);
        if (folder.n > 0 && folder.p[folder.n - 1] != '/')
            alb_buf_c(out, "/");
    }
    alb_buf_str(out, path);
}

static void write_storage(struct alb_json *j, const struct alb_tus_event *e)
{
    struct alb_buf path = ALB_BUF_INIT((size_t)16 << 10);

    alb_json_key(j, "Storage");
    if (e->folder.n == 0 || e->id.n == 0) {
        alb_json_null(j);
        return;
    }
    alb_json_object(j);
    put_path(&path, e->folder, e->id);
    alb_buf_c(&path, ".info");
    alb_json_kstr(j, "InfoPath", alb_buf_view(&path));
    alb_buf_reset(&path);
    put_path(&path, e->folder, e->path.n > 0 ? e->path : e->id);
    alb_json_kstr(j, "Path", alb_buf_view(&path));
    alb_json_kc(j, "Type", "filestore");
    alb_json_end(j);
    alb_buf_fini(&path);
}

void alb_tus_event_json(struct alb_json *j, const struct alb_tus_event *e)
{
    bool deferred = e->size == ALB_UPLOAD_DEFERRED;

    alb_json_object(j);
    alb_json_kstr(j, "ID", e->id.p != NULL ? e->id : ALB_STR(""));
    alb_json_ki64(j, "Size", deferred ? 0 : e->size);
    alb_json_kbool(j, "SizeIsDeferred", deferred);
    alb_json_ki64(j, "Offset", e->offset);
    write_metadata(j, e->metadata);
    alb_json_kbool(j, "IsPartial", e->kind == ALB_UPLOAD_PARTIAL);
    alb_json_kbool(j, "IsFinal", e->kind == ALB_UPLOAD_FINAL);
    write_parts(j, e->parts);
    write_storage(j, e);
    alb_json_end(j);
}

void alb_tus_sidecar(void *ctx, const struct alb_upload_view *v, struct alb_buf *out)
{
    struct alb_json j;
    const struct alb_tus_event e = {
        .id = v->id,
        .size = v->length,
        .offset = 0, /* the size of the data file says it */
        .metadata = v->metadata,
        .kind = v->kind,
        .parts = v->parts,
        .path = v->path,
        .folder = v->folder,
    };

    (void)ctx;
    alb_json_init(&j, out);
    alb_tus_event_json(&j, &e);
}

/* ---- and back ---- */

static struct alb_str text_of(json_t *object, const char *key, struct alb_arena *a)
{
    json_t *v = json_object_get(object, key);

    return json_is_string(v) ? alb_arena_str(a, alb_str_n(json_string_value(v), json_string_length(v)))
                             : ALB_STR_NONE;
}

static struct alb_str metadata_of(json_t *map, struct alb_arena *a)
{
    struct alb_buf out = ALB_BUF_INIT(TEXT_MAX);
    const char *key;
    json_t *v;

    json_object_foreach(map, key, v)
    {
        if (json_is_string(v))
            alb_tus_metadata_add(&out, alb_str_c(key),
                                 alb_str_n(json_string_value(v), json_string_length(v)));
    }
    struct alb_str text = alb_arena_str(a, alb_buf_view(&out));
    alb_buf_fini(&out);
    return text;
}

static struct alb_str parts_of(json_t *list, struct alb_arena *a)
{
    struct alb_buf out = ALB_BUF_INIT(TEXT_MAX);
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
    {
        if (out.n > 0)
            alb_buf_c(&out, " ");
        alb_buf_str(&out, alb_str_n(json_string_value(v), json_string_length(v)));
    }
    struct alb_str text = alb_arena_str(a, alb_buf_view(&out));
    alb_buf_fini(&out);
    return text;
}

/* tusd writes the path from where it was started; only its last part says something here, unless it is
 * absolute and somewhere else altogether. */
static struct alb_str path_of(struct alb_str path, struct alb_str id)
{
    size_t slash;

    if (path.n == 0 || alb_str_eq(path, id))
        return ALB_STR_NONE;
    if (alb_str_ends(path, id) && path.p[path.n - id.n - 1] == '/')
        return ALB_STR_NONE;
    slash = alb_str_rfind(path, '/');
    return path.p[0] == '/' || slash == ALB_STR_NPOS ? path : alb_str_from(path, slash + 1);
}

bool alb_tus_adopt(void *ctx, struct alb_str text, struct alb_arena *arena, struct alb_upload_spec *spec)
{
    json_t *info = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    json_t *size = json_object_get(info, "Size");

    (void)ctx;
    bool good = json_is_object(info) && json_is_integer(size) && json_integer_value(size) >= 0;
    if (good) {
        *spec = (struct alb_upload_spec){
            .id = text_of(info, "ID", arena),
            .length = json_is_true(json_object_get(info, "SizeIsDeferred"))
                          ? ALB_UPLOAD_DEFERRED
                          : (int64_t)json_integer_value(size),
            .metadata = metadata_of(json_object_get(info, "MetaData"), arena),
            .parts = parts_of(json_object_get(info, "PartialUploads"), arena),
        };
        spec->path = path_of(text_of(json_object_get(info, "Storage"), "Path", arena), spec->id);
        if (json_is_true(json_object_get(info, "IsPartial")))
            spec->kind = ALB_UPLOAD_PARTIAL;
        else if (json_is_true(json_object_get(info, "IsFinal")))
            spec->kind = ALB_UPLOAD_FINAL;
    }
    json_decref(info);
    return good && spec->id.n > 0;
}
