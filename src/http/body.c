/* SPDX-License-Identifier: Apache-2.0
 *
 * The step's end of the two rings: the body as it comes in, and an answer that is written piece by piece; and
 * interim answers. Called by the holder on a pool thread; the loop is at the other end (conn_body.c,
 * conn_send.c). Lock: HTTP_REQUEST for the positions only, never while bytes are copied.
 */
#include <string.h>

#include "base/check.h"
#include "http/hand.h"

#define INTERIM_MAX 32000 /* bytes of interim answers that wait to be sent; twice that fits into one buffer */

/* ---- in ------------------------------------------------------------------------------------------ */

static enum alb_body read_collected(struct alb_req *r, struct alb_str *view)
{
    *view = alb_str_from(alb_buf_view(&r->small), r->small_at);
    return view->n > 0 ? ALB_BODY_DATA : ALB_BODY_END;
}

static bool is_stream(const struct alb_req *r)
{
    return r->match.entry && r->match.entry->route->body == ALB_BODY_STREAM;
}

enum alb_body alb_req_body_read(struct alb_req *r, struct alb_str *view)
{
    enum alb_body said = ALB_BODY_AGAIN;
    bool first;

    *view = ALB_STR_NONE;
    if (!is_stream(r))
        return read_collected(r, view);
    alb_mutex_lock(&r->mtx);
    first = !r->in_wanted;
    r->in_wanted = true;
    view->p = alb_ring_view(&r->in_ring, &view->n);
    if (view->n > 0)
        said = ALB_BODY_DATA;
    else if (r->in_end)
        said = ALB_BODY_END;
    else if (r->in_code != ALB_OK)
        said = ALB_BODY_GONE;
    alb_mutex_unlock(&r->mtx);
    if (said == ALB_BODY_GONE)
        r->gone_told = true;
    if (said == ALB_BODY_END)
        alb_req_read_trailers(r);
    if (first && said == ALB_BODY_AGAIN && r->head.expect)
        alb_loop_post(r->loop, &r->mail, ALB_MAIL_BODY);
    return said;
}

void alb_req_body_consume(struct alb_req *r, size_t n)
{
    bool kick;

    if (!is_stream(r)) {
        ALB_CHECK(n <= r->small.n - r->small_at);
        r->small_at += n;
        return;
    }
    alb_mutex_lock(&r->mtx);
    alb_ring_used(&r->in_ring, n);
    kick = r->in_paused && r->in_ring.fill <= r->in_ring.cap / 2;
    if (kick)
        r->in_paused = false;
    alb_mutex_unlock(&r->mtx);
    if (kick)
        alb_loop_post(r->loop, &r->mail, ALB_MAIL_BODY);
}

enum alb_code alb_req_body_code(const struct alb_req *r)
{
    return r->in_code; /* set before GONE was said, and never again */
}

void alb_req_body_refuse(struct alb_req *r)
{
    switch ((int)r->in_code) {
    case ALB_E_TIMEOUT:
        alb_res_error_status(r, 408, "the body came too slowly");
        break;
    case ALB_E_INVALID:
        alb_res_error_status(r, 400, "the framing of the body is broken");
        break;
    default:
        alb_res_error(r, r->in_code != ALB_OK ? r->in_code : ALB_E_INTERNAL, NULL);
        break;
    }
    alb_res_close(r);
}

int64_t alb_req_content_length(const struct alb_req *r)
{
    return r->head.length;
}

void alb_req_body_limit(struct alb_req *r, uint64_t max)
{
    alb_mutex_lock(&r->mtx);
    r->in_max = max;
    if (r->in_seen > max && !r->in_end && r->in_code == ALB_OK)
        r->in_code = ALB_E_TOO_LARGE;
    alb_mutex_unlock(&r->mtx);
}

struct alb_str alb_req_body(const struct alb_req *r)
{
    return alb_buf_view(&r->small);
}

void alb_req_read_trailers(struct alb_req *r)
{
    const struct alb_buf *raw = &r->chunked.trailers;
    int n = alb_fields_parse(raw->p, raw->n, r->trailers, ALB_CHUNK_TRAILER_FIELDS);

    r->trailer_n = n > 0 ? (unsigned)n : 0; /* the decoder has checked them */
}

bool alb_req_trailer_at(const struct alb_req *r, size_t i, struct alb_str *name, struct alb_str *value)
{
    if (i >= r->trailer_n)
        return false;
    *name = r->trailers[i].name;
    *value = r->trailers[i].value;
    return true;
}

struct alb_str alb_req_trailer(const struct alb_req *r, const char *name)
{
    for (size_t i = 0; i < r->trailer_n; i++)
        if (alb_str_eq_ci(r->trailers[i].name, alb_str_c(name)))
            return r->trailers[i].value;
    return ALB_STR_NONE;
}

/* ---- out ----------------------------------------------------------------------------------------- */

static void add_line(struct alb_buf *b, const char *name, struct alb_str value)
{
    size_t at;

    alb_buf_c(b, name);
    alb_buf_c(b, ": ");
    at = b->n;
    alb_buf_str(b, value);
    for (; at < b->n; at++)
        if ((unsigned char)b->p[at] < 0x20 || b->p[at] == 0x7f)
            b->p[at] = ' ';
    alb_buf_c(b, "\r\n");
}

void alb_req_interim(struct alb_req *r, int status, const struct alb_header *headers, size_t n)
{
    struct alb_buf text;

    ALB_CHECK(status >= 100 && status <= 199 && status != 101);
    if (!r->head.v11 || r->head_made)
        return;
    alb_buf_init(&text, r->server->config.limits.head_bytes);
    alb_buf_printf(&text, "HTTP/1.1 %d %s\r\n", status, alb_http_reason(status));
    for (size_t i = 0; i < n; i++) {
        ALB_CHECK(alb_is_token(alb_str_c(headers[i].name)));
        add_line(&text, headers[i].name, headers[i].value);
    }
    alb_buf_c(&text, "\r\n");
    if (alb_buf_code(&text) == ALB_OK) { /* else the client does without: interim answers are hints */
        alb_mutex_lock(&r->mtx);
        if (text.n <= INTERIM_MAX - r->interim.n) /* it reads none of them */
            alb_buf_str(&r->interim, alb_buf_view(&text));
        alb_mutex_unlock(&r->mtx);
        alb_loop_post(r->loop, &r->mail, ALB_MAIL_OUT);
    }
    alb_buf_fini(&text);
}

void alb_res_stream(struct alb_req *r)
{
    alb_res_clear_body(r);
    r->res.kind = ALB_RES_STREAM;
}

size_t alb_res_write(struct alb_req *r, const void *p, size_t n)
{
    size_t done = 0;

    if (!r->head_made) {
        ALB_CHECK(r->res.kind == ALB_RES_STREAM);
        alb_res_finalise(r);
    }
    if (r->head_only || r->res.kind != ALB_RES_STREAM)
        return n;
    if (atomic_load_explicit(&r->gone,
                             memory_order_relaxed)) /* ends it at the next wait, or lets it run dry */
        return r->match.entry->route->flags & ALB_ROUTE_TOLD ? n : 0;
    while (done < n) {
        size_t room;
        char *to;

        alb_mutex_lock(&r->mtx);
        to = alb_ring_space(&r->out_ring, r->server, 0, &room);
        alb_mutex_unlock(&r->mtx);
        if (!to && room > 0) { /* no memory for the ring: the answer cannot go on */
            r->res.abort = true;
            return n;
        }
        if (!to)
            break;
        if (room > n - done)
            room = n - done;
        memcpy(to, (const char *)p + done, room);
        done += room;
        alb_mutex_lock(&r->mtx);
        alb_ring_filled(&r->out_ring, room);
        alb_mutex_unlock(&r->mtx);
    }
    return done;
}

bool alb_res_write_buf(struct alb_req *r, struct alb_buf *b)
{
    if (alb_buf_code(b) != ALB_OK) { /* a piece is missing: the whole must not look complete */
        alb_res_abort(r);
        return true;
    }
    alb_buf_drop_front(b, alb_res_write(r, b->p, b->n));
    return b->n == 0;
}

void alb_res_abort(struct alb_req *r)
{
    r->res.abort = true;
}
