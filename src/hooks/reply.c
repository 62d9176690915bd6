/* SPDX-License-Identifier: Apache-2.0
 *
 * What a hook answers. Read as Go's decoder would, since hooks were written against it: members in any case
 * (exact names win), unknown ones passed over, null is as good as absent, a member of the wrong kind is an
 * error, and so is anything behind the object.
 */
#include <jansson.h>

#include "base/arena.h"
#include "hooks/priv.h"

#define REPLY_ARENA_MAX ((size_t)8 * 1024 * 1024)

struct reader {
    struct alb_arena *arena;
    struct alb_err *err;
    enum alb_code code;
};

static void reply_free(struct alb_obj *obj)
{
    struct alb_hook_reply *reply = ALB_CONTAINER_OF(obj, struct alb_hook_reply, obj);
    struct alb_arena *arena = reply->arena; /* the reply lies in it */
    alb_arena_free(&arena);
}

static void wrong_kind(struct reader *r, const char *name, const char *want)
{
    if (r->code == ALB_OK)
        r->code = alb_fail(r->err, ALB_E_INVALID, "the hook's answer: %s is not %s", name, want);
}

/* The member, or NULL if it is absent or null. */
static const json_t *member(json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!value) {
        const char *key;
        json_t *any;
        json_object_foreach(object, key, any) if (alb_str_eq_ci(alb_str_c(key), alb_str_c(name))) value = any;
    }
    return json_is_null(value) ? NULL : value;
}

static struct alb_str text_of(struct reader *r, const json_t *value)
{
    return alb_arena_str(r->arena, alb_str_n(json_string_value(value), json_string_length(value)));
}

static struct alb_str read_text(struct reader *r, json_t *object, const char *name)
{
    const json_t *value = member(object, name);
    if (!value)
        return ALB_STR_NONE;
    if (json_is_string(value))
        return text_of(r, value);
    wrong_kind(r, name, "a string");
    return ALB_STR_NONE;
}

static bool read_bool(struct reader *r, json_t *object, const char *name)
{
    const json_t *value = member(object, name);
    if (value && !json_is_boolean(value))
        wrong_kind(r, name, "true or false");
    return json_is_true(value);
}

static json_t *read_object(struct reader *r, json_t *object, const char *name)
{
    const json_t *value = member(object, name);
    if (!value)
        return NULL;
    if (!json_is_object(value)) {
        wrong_kind(r, name, "an object");
        return NULL;
    }
    return (json_t *)(uintptr_t)value; /* jansson's iterators want it writable */
}

/* An object of strings, sorted by key. */
static const struct alb_hook_pair *read_pairs(struct reader *r, json_t *object, size_t *count)
{
    const char *key;
    json_t *value;
    struct alb_hook_pair *list = alb_arena_calloc(r->arena, json_object_size(object) + 1, sizeof(*list));
    size_t n = 0;
    *count = 0;
    if (!list)
        return NULL;
    json_object_foreach(object, key, value)
    {
        struct alb_hook_pair pair = {alb_arena_str(r->arena, alb_str_c(key)), ALB_STR("")};
        size_t at = n;
        if (json_is_string(value))
            pair.value = text_of(r, value);
        else if (!json_is_null(value))
            wrong_kind(r, key, "a string");
        for (; at > 0 && alb_str_cmp(list[at - 1].key, pair.key) > 0; at--)
            list[at] = list[at - 1];
        list[at] = pair;
        n++;
    }
    *count = n;
    return list;
}

static void read_response(struct reader *r, json_t *root, struct alb_hook_reply *reply)
{
    json_t *response = read_object(r, root, "HTTPResponse");
    if (!response)
        return;
    const json_t *status = member(response, "StatusCode");
    json_int_t number = json_integer_value(status); /* 0 for anything that is none */
    if (status && (!json_is_integer(status) || (number != 0 && (number < 200 || number > 599))))
        wrong_kind(r, "StatusCode", "a final HTTP status");
    else
        reply->status = (int)number;
    reply->body = read_text(r, response, "Body");
    json_t *headers = read_object(r, response, "Header");
    if (headers)
        reply->headers = read_pairs(r, headers, &reply->header_count);
}

static void read_changes(struct reader *r, json_t *root, struct alb_hook_reply *reply)
{
    json_t *changes = read_object(r, root, "ChangeFileInfo");
    if (!changes)
        return;
    reply->change_id = read_text(r, changes, "ID");
    json_t *metadata = read_object(r, changes, "MetaData");
    if (metadata) {
        reply->change_metadata = true;
        reply->metadata = read_pairs(r, metadata, &reply->metadata_count);
    }
    json_t *storage = read_object(r, changes, "Storage");
    if (storage)
        reply->storage = read_pairs(r, storage, &reply->storage_count);
}

static void read_all(struct reader *r, json_t *root, struct alb_hook_reply *reply)
{
    read_response(r, root, reply);
    read_changes(r, root, reply);
    reply->reject_request = read_bool(r, root, "RejectRequest");
    reply->reject_upload = read_bool(r, root, "RejectUpload");
    reply->reject_termination = read_bool(r, root, "RejectTermination");
    reply->stop_upload = read_bool(r, root, "StopUpload");
}

enum alb_code alb_hook_reply_parse(struct alb_str json, struct alb_hook_reply **out, struct alb_err *err)
{
    json_error_t why;
    json_t *root = NULL;
    *out = NULL;
    struct alb_arena *arena = alb_arena_new(REPLY_ARENA_MAX);
    struct alb_hook_reply *reply = arena ? ALB_ARENA_NEW(arena, struct alb_hook_reply) : NULL;
    if (!reply) {
        alb_arena_free(&arena);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a hook's answer");
    }
    alb_obj_init(&reply->obj, reply_free);
    reply->arena = arena;
    struct reader r = {.arena = arena, .err = err, .code = ALB_OK};
    if (json.n > 0) {
        root = json_loadb(json.p, json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
        if (!root)
            r.code = alb_fail(err, ALB_E_INVALID, "the hook's answer is not JSON: %s", why.text);
        else if (json_is_object(root))
            read_all(&r, root, reply);
        else if (!json_is_null(root))
            wrong_kind(&r, "it", "an object");
    }
    json_decref(root);
    if (r.code == ALB_OK && alb_arena_code(arena) != ALB_OK)
        r.code = alb_fail(err, alb_arena_code(arena), "no memory for a hook's answer");
    if (r.code != ALB_OK)
        alb_obj_unref(&reply->obj);
    else
        *out = reply;
    return r.code;
}
