/* SPDX-License-Identifier: Apache-2.0
 *
 * Resolving references to bytes, and remembering the positive answers (contract: source.h).
 *
 * A remembered answer is keyed by (credential, reference, purpose) and tagged before its snapshot was opened
 * (priv.h, epochs). Locked assets and their motion parts are not remembered: they end with the elevation of a
 * session, by time.
 */
#include "library/source.h"

#include <string.h>

#include "base/mem.h"
#include "catalog/asset.h"
#include "catalog/blob.h"
#include "library/priv.h"

bool alb_ref_parse(struct alb_str text, struct alb_ref *ref)
{
    uint64_t id;

    memset(ref, 0, sizeof(*ref));
    if (alb_str_starts(text, ALB_STR("asset://")))
        text = alb_str_from(text, 8);
    else if (alb_str_starts(text, ALB_STR("asset:")))
        text = alb_str_from(text, 6);
    if (alb_uuid_parse(text, &ref->uuid)) {
        ref->by_uuid = true;
        return true;
    }
    if (!alb_str_u64(text, &id) || id == 0 || id > INT64_MAX)
        return false;
    ref->id = (int64_t)id;
    return true;
}

void alb_source_cleanup(struct alb_source **s)
{
    alb_source_unref(*s);
    *s = NULL;
}

/* ---- the memo ---- */

static void memo_key(const struct alb_principal *p, const struct alb_ref *ref, enum alb_purpose purpose,
                     unsigned char key[ALB_MEMO_KEY_LEN])
{
    int64_t who = p->credential_id != 0 ? p->credential_id : p->user_id;

    memset(key, 0, ALB_MEMO_KEY_LEN);
    key[0] = (unsigned char)p->credential;
    key[1] = (unsigned char)purpose;
    key[2] = ref->by_uuid;
    key[3] = p->credential_id != 0;
    memcpy(key + 8, &who, sizeof(who));
    if (ref->by_uuid)
        memcpy(key + 16, ref->uuid.b, sizeof(ref->uuid.b));
    else
        memcpy(key + 16, &ref->id, sizeof(ref->id));
}

struct alb_source *alb_library_resolve_hot(struct alb_library *lib, const struct alb_principal *p,
                                           const struct alb_ref *ref, enum alb_purpose purpose)
{
    unsigned char key[ALB_MEMO_KEY_LEN];

    if (p->expires_ms <= alb_wall(lib->clock))
        return NULL;
    memo_key(p, ref, purpose, key);
    return (struct alb_source *)(void *)alb_library_remembered(lib, lib->sources, key);
}

/* ---- from a row ---- */

static void source_release(struct alb_obj *obj)
{
    alb_mem_free(ALB_CONTAINER_OF(obj, struct alb_source, obj));
}

#define RESOLVE_ARENA                                                                                        \
    ((size_t)160 << 20) /* holds the block sums of a file of 16 TiB; grows only as needed                    \
                         */

static struct alb_str put_text(char **to, struct alb_str s)
{
    struct alb_str copy = alb_str_n(*to, s.n);

    if (s.n > 0)
        memcpy(*to, s.p, s.n);
    (*to)[s.n] = '\0';
    *to += s.n + 1;
    return copy;
}

/* One allocation; every text has a NUL behind it. */
static struct alb_source *source_new(const struct alb_asset_bytes *b, bool is_private)
{
    size_t n = sizeof(struct alb_source) + b->store.n + b->key.n + b->sums.n + b->mime.n + b->header.n +
               b->name.n + 6;
    struct alb_source *s = alb_mem_calloc(1, n);
    char *text;

    if (s == NULL)
        return NULL;
    alb_obj_init(&s->obj, source_release);
    text = (char *)(s + 1);
    s->asset_id = b->asset_id;
    s->owner_id = b->owner_id;
    s->asset_uuid = b->uuid;
    s->blob_id = b->blob_id;
    s->size = b->size;
    memcpy(s->sha256, b->sha256, sizeof(s->sha256));
    s->sums = put_text(&text, b->sums); /* first: aligned like the struct */
    s->header = put_text(&text, b->header);
    s->store = put_text(&text, b->store);
    s->key = put_text(&text, b->key);
    s->mime = put_text(&text, b->mime);
    s->name = put_text(&text, b->name);
    s->kind = b->kind;
    s->width = b->width;
    s->height = b->height;
    s->orientation = b->orientation;
    s->rotation = b->rotation;
    s->duration_ms = b->duration_ms;
    s->render_rev = b->render_rev;
    s->damaged = b->damaged;
    s->is_private = is_private;
    s->modified_ms = b->created_at;
    return s;
}

/* ---- resolving ---- */

static enum alb_code check_permission(const struct alb_principal *p, enum alb_purpose purpose,
                                      struct alb_err *err)
{
    bool original = purpose == ALB_PURPOSE_ORIGINAL;

    if (!alb_principal_may(p, original ? "asset.download" : "asset.view"))
        return alb_fail(err, ALB_E_FORBIDDEN, "the key lacks the permission %s",
                        original ? "asset.download" : "asset.view");
    if (original && p->credential == ALB_CRED_SHARE && !p->share_download)
        return alb_fail(err, ALB_E_FORBIDDEN, "the share does not allow downloads");
    return ALB_OK;
}

static enum alb_code look_up(struct alb_library *lib, struct alb_snap *s, const struct alb_principal *p,
                             const struct alb_ref *ref, struct alb_arena *a, struct alb_asset_bytes *b,
                             bool *is_private, bool *locked, struct alb_err *err)
{
    struct alb_viewer v, guest;
    bool sees = false, open = false;
    enum alb_code code = alb_viewer_of(lib, s, p, &v, err);

    if (code == ALB_OK)
        code = alb_catalog_asset_bytes(s, ref->by_uuid ? &ref->uuid : NULL, ref->id, a, b, err);
    if (code == ALB_OK)
        code = alb_catalog_see(s, &v, b->asset_id, &sees, err);
    if (code == ALB_OK && !sees)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such asset");
    if (code == ALB_OK && b->blob_state != ALB_BLOB_LIVE)
        return alb_fail(err, ALB_E_GONE, "the original is being removed");
    if (code == ALB_OK)
        code = alb_viewer_guest(lib, s, &guest, err);
    if (code == ALB_OK)
        code = alb_catalog_see(s, &guest, b->asset_id, &open, err);
    *is_private = !open;
    return code == ALB_OK ? alb_catalog_locked(s, b->asset_id, locked, err) : code;
}

static void remember(struct alb_library *lib, const struct alb_principal *p, const struct alb_ref *ref,
                     enum alb_purpose purpose, struct alb_source *source, struct alb_tag_of_memo tag)
{
    unsigned char key[ALB_MEMO_KEY_LEN];
    struct alb_memo_value v = {
        .obj = &source->obj, .tag = tag, .asset_id = source->asset_id, .expires_ms = p->expires_ms};

    memo_key(p, ref, purpose, key);
    alb_memo_put(lib->sources, key, &v);
}

static enum alb_code resolve_once(struct alb_library *lib, const struct alb_principal *p,
                                  const struct alb_ref *ref, struct alb_source **source, bool *locked,
                                  struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new(RESOLVE_ARENA);
    struct alb_asset_bytes b;
    struct alb_snap *s;
    bool is_private = true;
    enum alb_code code;

    *source = NULL;
    if (a == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to resolve");
    code = alb_catalog_read(lib->cat, &s, err);
    if (code == ALB_OK) {
        code = look_up(lib, s, p, ref, a, &b, &is_private, locked, err);
        alb_catalog_read_end(&s);
    }
    if (code == ALB_OK) {
        *source = source_new(&b, is_private);
        if (*source == NULL)
            code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a source");
    }
    alb_arena_free(&a);
    return code;
}

/* The tag must be from before the snapshot, but a UUID does not tell the asset's slot. If no commit has
 * touched any asset since (asset_epoch, raised before the slots), the slot's generation of now is also that
 * of before; else the caller asks again, knowing the slot. */
static bool tag_afterwards(struct alb_library *lib, int64_t asset_id, uint64_t epoch,
                           struct alb_tag_of_memo *tag)
{
    tag->generation = alb_library_tag_now(lib, asset_id).generation;
    return atomic_load(&lib->asset_epoch) == epoch;
}

enum alb_code alb_library_resolve(struct alb_library *lib, struct alb_principal *p, const struct alb_ref *ref,
                                  enum alb_purpose purpose, struct alb_source **source, struct alb_err *err)
{
    uint64_t epoch = atomic_load(&lib->asset_epoch);
    struct alb_tag_of_memo tag = alb_library_tag_now(lib, ref->id);
    bool locked = true;
    enum alb_code code = check_permission(p, purpose, err);

    *source = NULL;
    if (code != ALB_OK)
        return code;
    *source = alb_library_resolve_hot(lib, p, ref, purpose);
    if (*source != NULL)
        return ALB_OK;
    code = resolve_once(lib, p, ref, source, &locked, err);
    if (code == ALB_OK && ref->by_uuid && !tag_afterwards(lib, (*source)->asset_id, epoch, &tag)) {
        tag = alb_library_tag_now(lib, (*source)->asset_id);
        alb_source_cleanup(source);
        code = resolve_once(lib, p, ref, source, &locked, err);
    }
    if (code == ALB_OK && !locked)
        remember(lib, p, ref, purpose, *source, tag);
    return code;
}
