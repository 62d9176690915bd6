/* SPDX-License-Identifier: Apache-2.0
 *
 * From what was set (r->res) to an answer: conditions and ranges are decided here (RFC 9110 §13.2, §14.2),
 * then the head is written into r->out_head, all but Date, Connection and the empty line, which only the loop
 * knows when it begins to send. Called once by the holder; afterwards r->head_made is true.
 */
#include <string.h>

#include "base/check.h"
#include "http/http_priv.h"

void alb_methods_text(unsigned bits, char out[64])
{
    size_t at = 0;

    if (bits & ALB_M_GET)
        bits |= ALB_M_HEAD;
    for (unsigned i = 0; i < ALB_ROUTE_METHODS; i++) {
        const char *name = alb_method_name(1u << i);
        size_t n = strlen(name);

        if (!(bits & 1u << i))
            continue;
        if (at > 0) {
            memcpy(out + at, ", ", 2);
            at += 2;
        }
        memcpy(out + at, name, n);
        at += n;
    }
    out[at] = '\0';
}

/* All values of a list header as one; p == NULL: absent. */
static struct alb_str joined(struct alb_req *r, enum alb_known_header id)
{
    struct alb_str value = alb_head_known(&r->head, id), more;
    const char *name;
    size_t at;

    if (!value.p)
        return value;
    at = r->head.known[id];
    name = id == ALB_H_IF_MATCH ? "if-match" : "if-none-match";
    while (alb_req_header_next(r, name, &at, &more))
        value =
            alb_arena_printf(r->arena, ALB_STR_FMT ", " ALB_STR_FMT, ALB_STR_ARG(value), ALB_STR_ARG(more));
    return value;
}

static struct alb_conditions conditions(struct alb_req *r)
{
    return (struct alb_conditions){
        .if_match = joined(r, ALB_H_IF_MATCH),
        .if_none_match = joined(r, ALB_H_IF_NONE_MATCH),
        .if_modified_since = alb_head_known(&r->head, ALB_H_IF_MODIFIED_SINCE),
        .if_unmodified_since = alb_head_known(&r->head, ALB_H_IF_UNMODIFIED_SINCE),
        .if_range = alb_head_known(&r->head, ALB_H_IF_RANGE),
    };
}

static struct alb_validators validators(const struct alb_req *r)
{
    return (struct alb_validators){true, r->res.etag, r->res.weak, r->res.modified_ms};
}

static bool is_safe(const struct alb_req *r)
{
    return r->method == ALB_M_GET || r->method == ALB_M_HEAD;
}

static enum alb_decision decide(struct alb_req *r)
{
    struct alb_conditions c;
    struct alb_validators v = validators(r);

    if (r->res.status != 200 || !is_safe(r) || (!v.etag.p && v.modified_ms < 0))
        return ALB_DECIDE_GO;
    c = conditions(r);
    return alb_decide(&c, true, &v);
}

bool alb_res_decided(struct alb_req *r)
{
    return decide(r) != ALB_DECIDE_GO;
}

bool alb_req_may_change(struct alb_req *r, struct alb_str tag, bool weak, int64_t wall_ms)
{
    struct alb_validators v = {tag.p != NULL || wall_ms >= 0, tag, weak, wall_ms};
    struct alb_conditions c = conditions(r);

    if (alb_decide(&c, is_safe(r), &v) == ALB_DECIDE_GO)
        return true;
    alb_res_error(r, ALB_E_PRECONDITION, NULL);
    return false;
}

/* ---- ranges -------------------------------------------------------------------------------------- */

static void content_range(struct alb_req *r, const struct alb_range *range, uint64_t size)
{
    char text[80];
    struct alb_buf b = ALB_BUF_INIT(sizeof(text));

    if (range)
        alb_buf_printf(&b, "bytes %llu-%llu/%llu", (unsigned long long)range->off,
                       (unsigned long long)(range->off + range->len - 1), (unsigned long long)size);
    else
        alb_buf_printf(&b, "bytes */%llu", (unsigned long long)size);
    alb_res_header_set(r, "Content-Range", alb_buf_view(&b));
    alb_buf_fini(&b);
}

static void send_range(struct alb_req *r, const struct alb_range *ranges, unsigned n, uint64_t size)
{
    r->res.status = 206;
    if (n > 1) {
        alb_pump_ranges(r, ranges, n);
        return;
    }
    content_range(r, ranges, size);
    if (r->res.kind == ALB_RES_BYTES) {
        r->res.memory = alb_str_sub(r->res.memory, (size_t)ranges->off, (size_t)ranges->len);
        r->body_size = ranges->len;
    } else {
        alb_pump_ranges(r, ranges, 1);
    }
}

/* The body of a 200 with a size, and perhaps the wish for a part of it. */
static void choose_part(struct alb_req *r, uint64_t size)
{
    struct alb_range ranges[ALB_RANGES_MAX];
    struct alb_str header = alb_head_known(&r->head, ALB_H_RANGE);
    struct alb_conditions c;
    struct alb_validators v = validators(r);
    unsigned n = 0;

    r->body_size = size;
    if (r->res.kind == ALB_RES_MEMORY)
        return;
    if (header.p && r->res.status == 200 && r->method == ALB_M_GET) {
        c = conditions(r);
        if (alb_if_range_holds(&c, &v)) {
            switch (alb_range_parse(header, size, ranges, &n)) {
            case ALB_RANGE_PART:
                send_range(r, ranges, n, size);
                return;
            case ALB_RANGE_NOT:
                alb_res_error_status(r, 416, NULL);
                content_range(r, NULL, size);
                return;
            case ALB_RANGE_ALL:
                break;
            }
        }
    }
    if (r->res.kind == ALB_RES_SOURCE)
        alb_pump_whole(r);
}

/* ---- the head ------------------------------------------------------------------------------------ */

static void line(struct alb_buf *b, const char *name, struct alb_str value)
{
    alb_buf_c(b, name);
    alb_buf_str(b, value);
    alb_buf_add(b, "\r\n", 2);
}

static void status_line(struct alb_buf *b, int status)
{
    if (status == 200) {
        alb_buf_add(b, "HTTP/1.1 200 OK\r\n", 17);
        return;
    }
    alb_buf_add(b, "HTTP/1.1 ", 9);
    alb_buf_u64(b, (uint64_t)status);
    alb_buf_char(b, ' ');
    line(b, "", alb_str_c(alb_http_reason(status)));
}

static void validator_lines(struct alb_buf *b, const struct alb_res *res)
{
    char date[30];

    if (res->etag.p) {
        alb_buf_c(b, res->weak ? "ETag: W/\"" : "ETag: \"");
        alb_buf_str(b, res->etag);
        alb_buf_add(b, "\"\r\n", 3);
    }
    if (res->modified_ms >= 0) {
        alb_time_http(res->modified_ms, date);
        line(b, "Last-Modified: ", alb_str_n(date, 29));
    }
}

static void length_lines(struct alb_req *r, struct alb_buf *b)
{
    if (r->body_size != UINT64_MAX) {
        alb_buf_add(b, "Content-Length: ", 16);
        alb_buf_u64(b, r->body_size);
        alb_buf_add(b, "\r\n", 2);
    } else if (r->head.v11) {
        alb_buf_c(b, "Transfer-Encoding: chunked\r\n");
    } else {
        r->res.close = true; /* HTTP/1.0: the end of the connection is the end of the body */
    }
}

/* What the program says of itself in every answer, but for what this answer says differently. */
static void voice_lines(const struct alb_req *r, struct alb_buf *b)
{
    struct alb_str rest = r->server->config.voice->lines, one, name, value, other;

    while (rest.n > 0 && alb_str_next(&rest, '\n', &one)) {
        struct alb_str lines = alb_buf_view(&r->res.lines);
        bool own = false;
        if (!alb_str_cut(one, ':', &name, &value))
            continue;
        while (!own && lines.n > 0 && alb_str_next(&lines, '\n', &other))
            own = other.n > name.n && other.p[name.n] == ':' && alb_str_eq_ci(alb_str_sub(other, 0, name.n), name);
        if (!own) {
            alb_buf_str(b, one);
            alb_buf_char(b, '\n');
        }
    }
}

static void write_head(struct alb_req *r, bool bodiless)
{
    struct alb_buf *b = &r->out_head;
    const struct alb_res *res = &r->res;

    alb_buf_reset(b);
    status_line(b, res->status);
    if (!bodiless) {
        if (res->type)
            line(b, "Content-Type: ", alb_str_c(res->type));
        length_lines(r, b);
        if ((res->kind == ALB_RES_BYTES || res->kind == ALB_RES_SOURCE) &&
            (res->status == 200 || res->status == 206))
            alb_buf_c(b, "Accept-Ranges: bytes\r\n");
    }
    validator_lines(b, res);
    if (res->no_store)
        alb_buf_c(b, "Cache-Control: no-store\r\n");
    if (res->retry_after_s > 0)
        alb_buf_printf(b, "Retry-After: %d\r\n", res->retry_after_s);
    alb_buf_str(b, alb_buf_view(&res->lines));
    if (r->server->config.voice)
        voice_lines(r, b);
    line(b, "X-Request-ID: ", alb_req_id(r));
}

static void set_size(struct alb_req *r)
{
    switch (r->res.kind) {
    case ALB_RES_EMPTY:
        r->body_size = 0;
        break;
    case ALB_RES_MEMORY:
    case ALB_RES_BYTES:
        choose_part(r, r->res.memory.n);
        break;
    case ALB_RES_SOURCE:
        choose_part(r, r->res.size);
        break;
    case ALB_RES_STREAM:
        r->body_size = UINT64_MAX;
        break;
    }
    if (r->res.kind == ALB_RES_MEMORY) /* perhaps only now, because the choice failed */
        r->body_size = r->res.memory.n;
}

void alb_res_finalise(struct alb_req *r)
{
    enum alb_code code = alb_arena_code(r->arena);
    bool bodiless;

    ALB_CHECK(!r->head_made);
    if (code == ALB_OK)
        code = alb_buf_code(&r->res.lines);
    if (code != ALB_OK && r->res.status < 400)
        alb_res_error(r, code == ALB_E_TOO_LARGE ? ALB_E_INTERNAL : code, NULL);
    switch (decide(r)) {
    case ALB_DECIDE_GO:
        break;
    case ALB_DECIDE_NOT_MODIFIED:
        alb_res_clear_body(r);
        r->res.status = 304;
        break;
    case ALB_DECIDE_FAILED:
        alb_res_error(r, ALB_E_PRECONDITION, NULL);
        break;
    }
    bodiless = r->res.status == 304 || r->res.status == 204;
    if (bodiless)
        alb_res_clear_body(r);
    set_size(r);
    alb_cors_lines(r);
    write_head(r, bodiless);
    r->head_only = bodiless || r->method == ALB_M_HEAD;
    if (r->head_only) {
        r->pumping = false;
        r->segment_n = 0;
    }
    if (alb_buf_code(&r->out_head) != ALB_OK ||
        alb_buf_code(&r->res.lines) !=
            ALB_OK) { /* headers larger than the bound, or no memory: nothing to say */
        alb_buf_reset(&r->out_head);
        alb_buf_c(&r->out_head, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n");
        r->res.status = 500;
        r->head_only = true;
        r->pumping = false;
        r->segment_n = 0;
        r->res.abort = alb_buf_code(&r->out_head) != ALB_OK;
    }
    r->t_answer = alb_mono(r->server->config.clock);
    r->head_made = true;
}
