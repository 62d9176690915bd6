/* SPDX-License-Identifier: Apache-2.0
 *
 * Purges over HTTP: asking for one, and what has become of the newest ones (contract: ops.h).
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "doors/ops/priv.h"
#include "http/query.h"
#include "render/render.h"

#define LIST_ARENA ((size_t)1 << 20)
#define LIST_MAX ((size_t)1 << 20)

/* Numbers are larger than what JavaScript counts exactly. */
static void write_id(struct alb_json *j, uint64_t number)
{
    char id[24];
    (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)number);
    alb_json_kc(j, "id", id);
}

static void send(struct alb_req *req, struct alb_buf *out)
{
    alb_buf_add(out, "\n", 1);
    alb_res_type(req, "application/json");
    alb_res_header_c(req, "Cache-Control", "no-store");
    alb_res_buf(req, out);
    alb_buf_fini(out);
}

/* The only one of them that the query has; NULL: *err says why not. */
static const char *read_kind(struct alb_req *req, struct alb_str *text, struct alb_err *err)
{
    static const char *const kinds[] = {"url", "source", "prefix", "tag"};
    struct alb_str rest = alb_req_query(req), key, value;
    const char *found = NULL;
    unsigned count = 0;
    while (alb_query_next(&rest, &key, &value)) {
        for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
            if (alb_str_eq_c(key, kinds[i])) {
                found = kinds[i];
                count++;
            }
        }
    }
    if (count != 1)
        (void)alb_fail(err, ALB_E_INVALID, "one url, source, prefix or tag is needed, not %u", count);
    else if (!alb_req_query_get(req, found, text))
        (void)alb_fail(err, ALB_E_INVALID, "the %s is not encoded as it must be", found);
    return err->code == ALB_OK ? found : NULL;
}

enum alb_step alb_ops_purge(struct alb_req *req)
{
    const struct alb_door_ops *d = alb_req_ctx(req);
    struct alb_buf out = ALB_BUF_INIT(LIST_MAX);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_str text;
    struct alb_json j;
    uint64_t number;
    const char *kind = read_kind(req, &text, &err);
    struct alb_str label = kind ? d->label(alb_req_arena(req), kind, text, &err) : ALB_STR_NONE;
    enum alb_code code = label.n > 0 ? ALB_OK : err.code;
    if (label.n > 0)
        code = alb_render_purge(d->render, label, strcmp(kind, "prefix") == 0, alb_auth_principal(req)->name,
                                &number, &err);
    if (code != ALB_OK) {
        alb_res_error(req, code, code == ALB_E_INVALID ? err.msg : NULL);
        return ALB_STEP_DONE;
    }
    alb_json_init(&j, &out);
    alb_json_object(&j);
    alb_json_kbool(&j, "purged", true);
    write_id(&j, number);
    alb_json_end(&j);
    send(req, &out);
    return ALB_STEP_DONE;
}

/* As it was asked for: a label says by its beginning what it is. */
static void write_label(struct alb_json *j, const struct alb_purge_told *told)
{
    const char *what = told->prefix ? "prefix" : "source";
    struct alb_str text = told->label;
    if (!told->prefix && (alb_str_starts(text, ALB_STR("u:")) || alb_str_starts(text, ALB_STR("t:")))) {
        what = text.p[0] == 'u' ? "url" : "tag";
        text = alb_str_from(text, 2);
    }
    alb_json_kc(j, "what", what);
    alb_json_kstr(j, "text", text);
}

static void write_told(struct alb_json *j, const struct alb_purge_told *told)
{
    alb_json_object(j);
    write_id(j, told->number);
    alb_json_ki64(j, "atMs", told->wall_ms);
    write_label(j, told);
    alb_json_kstr(j, "by", told->by);
    alb_json_ki64(j, "files", told->files);
    alb_json_kbool(j, "done", told->done);
    alb_json_end(j);
}

enum alb_step alb_ops_purges(struct alb_req *req)
{
    const struct alb_door_ops *d = alb_req_ctx(req);
    struct alb_arena *a ALB_CLEANUP(alb_arena_free) = alb_arena_new(LIST_ARENA);
    struct alb_buf out = ALB_BUF_INIT(LIST_MAX);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_purge_told *list = NULL;
    size_t count = 0, in_force = 0;
    struct alb_json j;
    enum alb_code code = a ? ALB_OK : ALB_E_NO_MEMORY;
    if (code == ALB_OK)
        code = alb_render_purges(d->render, a, &list, &count, &in_force, &err);
    if (code != ALB_OK) {
        alb_res_error(req, code, NULL);
        return ALB_STEP_DONE;
    }
    alb_json_init(&j, &out);
    alb_json_object(&j);
    alb_json_ki64(&j, "inForce", (int64_t)in_force);
    alb_json_key(&j, "purges");
    alb_json_array(&j);
    for (size_t i = 0; i < count; i++)
        write_told(&j, &list[i]);
    alb_json_end(&j);
    alb_json_end(&j);
    send(req, &out);
    return ALB_STEP_DONE;
}
