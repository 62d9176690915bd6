/* SPDX-License-Identifier: Apache-2.0
 *
 * An image that comes with the request: the body itself, or a field of a form. It is the source like any other, kept
 * nowhere. It has been collected within the bounds of http before this is asked.
 */
#include "doors/common/pattern.h"
#include "doors/thumbor/job.h"
#include "http/multipart.h"
#include "render/origin_given.h"

static const char form_before[] =
    "<!doctype html><html><head><meta charset=\"utf-8\"><title>Upload</title></head><body>"
    "<form method=\"post\" enctype=\"multipart/form-data\">"
    "<input type=\"file\" name=\"";
static const char form_behind[] = "\"> <input type=\"submit\" value=\"Upload\"></form></body></html>\n";

/* Names of fields are tokens in practice; of what else an operator may have written no byte becomes markup. */
static void put_escaped(struct alb_buf *b, struct alb_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (alb_is_digit(text.p[i]) || (alb_lower(text.p[i]) >= 'a' && alb_lower(text.p[i]) <= 'z'))
            alb_buf_char(b, text.p[i]);
        else
            alb_buf_printf(b, "&#%u;", (unsigned)c);
    }
}

enum alb_thumbor_next alb_thumbor_show_form(struct alb_thumbor_job *job)
{
    struct alb_buf page = ALB_BUF_INIT(8192);
    alb_buf_c(&page, form_before);
    put_escaped(&page, job->door->config.config->upload.field);
    alb_buf_c(&page, form_behind);
    alb_res_header_set(job->req, "Cache-Control", ALB_STR("no-store"));
    alb_res_header_set(job->req, "Content-Security-Policy",
                       ALB_STR("default-src 'none'; form-action 'self'"));
    alb_res_type(job->req, "text/html; charset=utf-8");
    alb_res_buf(job->req, &page);
    return ALB_THUMBOR_DONE;
}

/* A list of media types with "*" in them. */
static bool accepts(struct alb_str list, struct alb_str type)
{
    struct alb_str plain, parameters, glob;
    (void)alb_str_cut(type, ';', &plain, &parameters);
    plain = alb_str_trim(plain);
    while (list.n > 0 && alb_str_next(&list, ',', &glob))
        if (alb_door_glob(alb_str_trim(glob), plain))
            return true;
    return false;
}

/* The field's bytes; they lie side by side in the body, but for what the parser holds back. */
static enum alb_code read_form(const struct alb_thumbor_upload *c, struct alb_multipart *m,
                               struct alb_str body, struct alb_buf *out, struct alb_str *type,
                               struct alb_arena *arena, struct alb_err *err)
{
    enum alb_multipart_event event;
    struct alb_str data;
    bool is_it = false, found = false;
    while ((event = alb_multipart_next(m, &body, &data)) != ALB_PARTS_END) {
        if (event == ALB_PARTS_BAD || event == ALB_PART_MORE)
            return alb_fail(err, ALB_E_INVALID, "the form is broken: %s",
                            m->why ? m->why : "it ends too early");
        if (event == ALB_PART_BEGIN) {
            is_it = !found && alb_str_eq(m->name, c->field);
            if (is_it)
                *type = alb_arena_str(arena, m->type);
            found = found || is_it;
        } else if (event == ALB_PART_DATA && is_it) {
            alb_buf_str(out, data);
        }
    }
    if (!found)
        return alb_fail(err, ALB_E_INVALID, "the form has no field " ALB_STR_FMT, ALB_STR_ARG(c->field));
    return alb_buf_code(out);
}

static enum alb_thumbor_next take(struct alb_thumbor_job *job, struct alb_str bytes, struct alb_str type)
{
    const struct alb_thumbor_upload *c = &job->door->config.config->upload;
    struct alb_err err = ALB_ERR_INIT;
    if (type.n == 0 || bytes.n == 0) {
        (void)alb_fail(&err, ALB_E_INVALID, "an image needs a media type, and bytes");
        return alb_thumbor_fail(job, &err, NULL);
    }
    if (!accepts(c->accept, type)) {
        (void)alb_fail(&err, ALB_E_UNSUPPORTED, "images of the type " ALB_STR_FMT " are not accepted",
                       ALB_STR_ARG(type));
        return alb_thumbor_fail(job, &err, NULL);
    }
    if ((uint64_t)bytes.n > (uint64_t)c->max_bytes) {
        (void)alb_fail(&err, ALB_E_TOO_LARGE, "the image has %zu bytes", bytes.n);
        return alb_thumbor_fail_status(job, &err, 400, "maximum size exceeded");
    }
    if (alb_origin_given(bytes, &job->input[0].origin, &err) != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    job->stage = ALB_THUMBOR_INPUTS;
    return ALB_THUMBOR_ON;
}

enum alb_thumbor_next alb_thumbor_upload(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_upload *c = &job->door->config.config->upload;
    struct alb_multipart *m = ALB_ARENA_NEW(job->arena, struct alb_multipart);
    struct alb_str type = alb_req_header(job->req, "content-type"), body = alb_req_body(job->req);
    struct alb_buf bytes = ALB_BUF_INIT(body.n + 1);
    struct alb_err err = ALB_ERR_INIT;
    if (!m || !alb_multipart_init(m, type))
        return take(job, body, type);
    type = ALB_STR_NONE;
    enum alb_code code = read_form(c, m, body, &bytes, &type, job->arena, &err);
    enum alb_thumbor_next next =
        code == ALB_OK ? take(job, alb_buf_view(&bytes), type) : alb_thumbor_fail(job, &err, NULL);
    alb_buf_fini(&bytes);
    return next;
}
