/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies that are read on the io pool while the loop sends: a source of known size, whole or in ranges, and
 * multipart/byteranges of shared bytes. A list of segments (text, or a stretch of the source) is copied into
 * the out ring; when that is full the request waits for it to drain, like any step.
 */
#include <string.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "http/http_priv.h"

static bool make_segments(struct alb_req *r, unsigned n)
{
    r->segments = alb_arena_calloc(r->arena, n, sizeof(*r->segments));
    r->segment_at = 0;
    r->segment_off = 0;
    r->segment_n = r->segments ? n : 0;
    r->pumping = r->segments != NULL;
    if (!r->segments)
        alb_res_error(r, ALB_E_NO_MEMORY, NULL);
    return r->pumping;
}

void alb_pump_whole(struct alb_req *r)
{
    if (r->res.size > 0 && make_segments(r, 1))
        r->segments[0] = (struct alb_segment){NULL, 0, r->res.size};
}

static void pump_parts(struct alb_req *r, const struct alb_range *ranges, unsigned n)
{
    uint64_t size = r->res.kind == ALB_RES_SOURCE ? r->res.size : r->res.memory.n, total = 0;
    unsigned char noise[12];
    char boundary[25];
    struct alb_str text;

    alb_random(noise, sizeof(noise));
    alb_hex(noise, sizeof(noise), boundary);
    for (unsigned i = 0; i < n; i++) {
        text = alb_arena_printf(
            r->arena, "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n", boundary,
            r->res.type ? r->res.type : "application/octet-stream", (unsigned long long)ranges[i].off,
            (unsigned long long)(ranges[i].off + ranges[i].len - 1), (unsigned long long)size);
        r->segments[2 * i] = (struct alb_segment){text.p, 0, text.n};
        r->segments[2 * i + 1] = (struct alb_segment){NULL, ranges[i].off, ranges[i].len};
        total += text.n + ranges[i].len;
    }
    text = alb_arena_printf(r->arena, "\r\n--%s--\r\n", boundary);
    r->segments[2 * n] = (struct alb_segment){text.p, 0, text.n};
    r->body_size = total + text.n;
    text = alb_arena_printf(r->arena, "multipart/byteranges; boundary=%s", boundary);
    r->res.type = text.p;
    if (alb_arena_code(r->arena) != ALB_OK) {
        r->pumping = false;
        r->segment_n = 0;
        alb_res_error(r, ALB_E_NO_MEMORY, NULL);
    }
}

void alb_pump_ranges(struct alb_req *r, const struct alb_range *ranges, unsigned n)
{
    if (!make_segments(r, n == 1 ? 1 : 2 * n + 1))
        return;
    if (n == 1) {
        r->segments[0] = (struct alb_segment){NULL, ranges->off, ranges->len};
        r->body_size = ranges->len;
    } else {
        pump_parts(r, ranges, n);
    }
}

/* Fills to[0..room) from the segment at hand; 0: failed, r->err says why. */
static size_t fill(struct alb_req *r, const struct alb_segment *seg, char *to, size_t room)
{
    uint64_t left = seg->n - r->segment_off, off = seg->off + r->segment_off;
    size_t want = room < left ? room : (size_t)left, got = 0;
    struct alb_err err = ALB_ERR_INIT;

    if (seg->text) {
        memcpy(to, seg->text + r->segment_off, want);
        return want;
    }
    if (r->res.kind == ALB_RES_BYTES) {
        memcpy(to, r->res.memory.p + off, want);
        return want;
    }
    if (r->res.read(r->res.read_ctx, off, to, want, &got, &err) != ALB_OK)
        got = 0;
    else if (got == 0)
        (void)alb_fail(&err, ALB_E_CORRUPT, "a source ended before its size");
    ALB_CHECK(got <= want);
    if (got == 0)
        alb_req_log_err(r, &err);
    return got;
}

/* The first bytes could not be read: nothing was sent yet, so the client may get a proper error. */
static enum alb_step fail_early(struct alb_req *r)
{
    enum alb_code code = r->err.code;

    r->pumping = false;
    r->segment_n = 0;
    r->head_made = false;
    alb_res_error(r, code != ALB_OK ? code : ALB_E_IO, NULL);
    alb_res_finalise(r);
    return ALB_STEP_DONE;
}

enum alb_step alb_pump_step(struct alb_req *r)
{
    while (r->segment_at < r->segment_n) {
        const struct alb_segment *seg = &r->segments[r->segment_at];
        size_t room, n;
        char *to;

        alb_mutex_lock(&r->mtx);
        to = alb_ring_space(&r->out_ring, r->server, r->body_size, &room);
        alb_mutex_unlock(&r->mtx);
        if (!to && room == 0)
            return alb_req_wait_drain(r);
        n = to ? fill(r, seg, to, room) : 0;
        if (n == 0) {
            if (!r->head_ready && r->out_ring.fill == 0)
                return fail_early(r);
            r->res.abort = true;
            return ALB_STEP_DONE;
        }
        alb_mutex_lock(&r->mtx);
        alb_ring_filled(&r->out_ring, n);
        alb_mutex_unlock(&r->mtx);
        r->segment_off += n;
        if (r->segment_off == seg->n) {
            r->segment_at++;
            r->segment_off = 0;
        }
    }
    return ALB_STEP_DONE;
}
