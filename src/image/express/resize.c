/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring and the order of work. Source rows are kept as pairs (an even row and the one below it), since the
 * processor's fastest instruction multiplies and adds two samples at a time; a result row is made of whole pairs, with
 * weight 0 for what it does not need. The ring has as many pairs as a result row needs at most: whoever pulls all that
 * can be pulled after each push never loses a row that is still needed.
 */
#include "image/express/resize_priv.h"

#include <string.h>

#include "base/check.h"

#define PLANES 4

struct alb_resize {
    struct alb_axis ax, ay;
    struct alb_samples samples;
    struct alb_resize_ops ops;
    struct alb_taps x, y;
    bool copy;       /* nothing is mixed: nearest, or the same size */
    bool rows_first; /* across before the ring */
    uint32_t first, end;
    uint32_t pushed, pairs; /* rows that came; pairs that are complete, counted from the top of the source */
    uint32_t next;          /* result row */
    uint32_t slots;
    size_t wide;              /* samples of a row in the ring */
    int16_t *ring[PLANES];    /* slots of 2 * wide samples */
    int16_t *source[PLANES];  /* one row, as wide as the source */
    int16_t *upper[PLANES];   /* the even row of a pair that is not complete, as wide as the ring ... */
    uint8_t *held;            /* ... or as it came */
    int16_t *between[PLANES]; /* what the first direction made */
    int16_t *result[PLANES];
    const int16_t **list; /* of pairs */
    uint32_t *pick;       /* copies: columns of the source */
};

/* ---- paths ---- */

/* False: not on this processor, or not in this build. */
static bool ops_of(enum alb_resize_path path, struct alb_resize_ops *ops)
{
    *ops = alb_resize_plain;
#if defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2");
    if (path == ALB_RESIZE_AVX2 || (path == ALB_RESIZE_BEST && avx2)) {
        *ops = alb_resize_avx2;
        return avx2;
    }
    if (path == ALB_RESIZE_SSE2 || path == ALB_RESIZE_BEST) {
        alb_resize_sse2(ops);
        return true;
    }
#elif defined(__aarch64__)
    if (path == ALB_RESIZE_NEON || path == ALB_RESIZE_BEST) {
        *ops = alb_resize_neon;
        return true;
    }
#endif
    return path == ALB_RESIZE_PLAIN || path == ALB_RESIZE_BEST;
}

bool alb_resize_path_works(enum alb_resize_path path)
{
    struct alb_resize_ops ops;
    return ops_of(path, &ops);
}

/* ---- what is asked ---- */

static bool axis_ok(const struct alb_axis *a, bool mirror)
{
    double step = a->span / a->out;
    return a->in > 0 && a->in <= ALB_RESIZE_SIDE && a->out > 0 && a->out <= ALB_RESIZE_SIDE &&
           a->from >= -4e6 && a->from <= 4e6 && (step > 0 || (mirror && step < 0)) &&
           step <= ALB_RESIZE_SHRINK && step >= -ALB_RESIZE_SHRINK;
}

static bool lit_ok(const struct alb_resize_ask *ask)
{
    return !ask->lit || (ask->linear && !ask->alpha && ask->bits_in == 16 && ask->kernel != ALB_KERNEL_NEAREST);
}

static bool samples_ok(const struct alb_resize_ask *ask)
{
    return ask->samples >= (ask->alpha ? 2u : 1u) && ask->samples <= PLANES && ask->bits_in >= 8 &&
           ask->bits_in <= 16 && ask->bits_out >= 8 && ask->bits_out <= 16 && lit_ok(ask);
}

static bool gain_ok(const struct alb_resize_ask *ask)
{
    bool none = ask->gain >= 1 && ask->gain <= 1 && ask->bias >= 0 && ask->bias <= 0;
    return none || (!ask->alpha && ask->gain >= -1e3f && ask->gain <= 1e3f && ask->bias >= -1e6f &&
                    ask->bias <= 1e6f);
}

static bool ask_ok(const struct alb_resize_ask *ask)
{
    return axis_ok(&ask->x, true) && axis_ok(&ask->y, false) && samples_ok(ask) && gain_ok(ask) &&
           (unsigned)ask->kernel < ALB_KERNEL_COUNT;
}

static bool is_whole(const struct alb_axis *a)
{
    return !a->halved && a->in == a->out && a->from >= 0 && a->from <= 0 && a->span >= a->in && a->span <= a->in;
}

/* Instructions of both orders, roughly as the AVX2 path needs them. Rings that fit no cache cost as much again: then
 * memory is what one waits for. The same on every machine, for the order shows in the last bits of a result. */
static bool is_rows_first(const struct alb_resize_ask *ask, const struct alb_taps *x,
                          const struct alb_taps *y)
{
    double down = y->lanes * 0.16 + 0.5, across = x->lanes <= 8 ? 4 : 4 + x->lanes * 0.15,
           slots = y->lanes / 2.0;
    double rows_in = ask->y.in, rows_out = ask->y.out, wide = ask->x.in, narrow = ask->x.out;
    double ring = slots * 4 * ask->samples;
    double columns_first =
        rows_in * wide * 0.5 + rows_out * (wide * down * (ring * wide > 1e6 ? 2 : 1) + narrow * across);
    double rows_first = rows_in * (wide * 0.3 + narrow * (across + 0.3)) +
                        rows_out * narrow * down * (ring * narrow > 1e6 ? 2 : 1);
    return rows_first < columns_first;
}

/* ---- memory ---- */

static size_t padded(size_t n)
{
    return (n + ALB_RESIZE_BLOCK - 1) / ALB_RESIZE_BLOCK * ALB_RESIZE_BLOCK;
}

/* Both to count and to place: the same calls in the same order. */
static void lay_out(struct alb_resize *r, const struct alb_resize_ask *ask, struct alb_cutter *c)
{
    size_t in = padded(ask->x.in), out = padded(ask->x.out);
    r->copy = !ask->lit && (ask->kernel == ALB_KERNEL_NEAREST || (is_whole(&ask->x) && is_whole(&ask->y)));
    if (r->copy) {
        r->pick = alb_cut(c, ask->x.out, sizeof(*r->pick));
    } else {
        alb_taps_cut(&r->x, c, &ask->x, ask->kernel, false);
        alb_taps_cut(&r->y, c, &ask->y, ask->kernel, true);
        in = padded(ask->x.in + r->x.lanes); /* weights of 0 may reach behind the end */
        r->rows_first = is_rows_first(ask, &r->x, &r->y);
        r->wide = r->rows_first ? out : padded(ask->x.in);
        r->slots = r->y.lanes / 2;
        r->list = alb_cut(c, r->slots, sizeof(*r->list));
        r->held = alb_cut(c, (size_t)ask->x.in * ask->samples + ALB_ROW_SLACK, 1);
    }
    for (unsigned p = 0; p < ask->samples; p++) {
        r->source[p] = alb_cut(c, in, sizeof(int16_t));
        r->result[p] = alb_cut(c, out, sizeof(int16_t));
        if (!r->copy) {
            r->upper[p] = alb_cut(c, r->wide, sizeof(int16_t));
            r->between[p] = alb_cut(c, in > out ? in : out, sizeof(int16_t));
            r->ring[p] = alb_cut(c, 2 * r->wide * r->slots, sizeof(int16_t));
        }
    }
}

size_t alb_resize_memory(const struct alb_resize_ask *ask)
{
    struct alb_resize r = {.next = 0};
    struct alb_cutter c = {.block = NULL};
    if (!ask_ok(ask))
        return 0;
    alb_ignore(!alb_cut(&c, 1, sizeof(r)), "counts");
    lay_out(&r, ask, &c);
    return c.used;
}

struct alb_resize *alb_resize_place(const struct alb_resize_ask *ask, void *block, enum alb_resize_path path)
{
    struct alb_cutter c = {.block = block};
    struct alb_resize *r = alb_cut(&c, 1, sizeof(*r));
    memset(r, 0, sizeof(*r));
    bool works = ops_of(path, &r->ops);
    ALB_CHECK(works);
    r->ax = ask->x;
    r->ay = ask->y;
    lay_out(r, ask, &c);
    alb_samples_init(&r->samples, ask, r->copy, &r->ops);
    if (r->copy) {
        r->first = alb_taps_nearest(&r->ay, 0);
        r->end = alb_taps_nearest(&r->ay, r->ay.out - 1) + 1;
        for (uint32_t i = 0; i < r->ax.out; i++)
            r->pick[i] = alb_taps_nearest(&r->ax, i);
        return r;
    }
    alb_taps_fill(&r->x, &ask->x, ask->kernel);
    alb_taps_fill(&r->y, &ask->y, ask->kernel);
    uint32_t last = r->y.out - 1;
    r->first = r->y.first[0];
    r->end = r->y.first[last] + 2 * r->y.pairs[last];
    r->end = r->end < r->ay.in ? r->end : r->ay.in;
    r->pairs = r->first / 2;
    return r;
}

enum alb_code alb_resize_open(struct alb_express *x, const struct alb_resize_ask *ask,
                              struct alb_resize **out, struct alb_err *err)
{
    size_t bytes = alb_resize_memory(ask);
    *out = NULL;
    if (bytes == 0)
        return alb_fail(err, ALB_E_UNSUPPORTED, "not a size for the resizer");
    void *block = alb_scratch_take(x->scratch, bytes, 1);
    if (!block)
        return alb_fail(err, ALB_E_NO_MEMORY, "%zu bytes for the resizer", bytes);
    *out = alb_resize_place(ask, block, ALB_RESIZE_BEST);
    return ALB_OK;
}

void alb_resize_rows(const struct alb_resize *r, uint32_t *first, uint32_t *end)
{
    *first = r->first;
    *end = r->end;
}

/* ---- rows in ---- */

static void across_all(struct alb_resize *r, int16_t *const *from, unsigned shift, int16_t *const *to)
{
    for (unsigned p = 0; p < r->samples.count; p++)
        r->ops.across(from[p], &r->x, shift, to[p]);
}

static void slots_of(struct alb_resize *r, uint32_t pair, int16_t **slot)
{
    for (unsigned p = 0; p < r->samples.count; p++)
        slot[p] = r->ring[p] + 2 * r->wide * (pair % r->slots);
}

/* A row as the ring has them, in planes. */
static void prepare(struct alb_resize *r, const void *row, int16_t *const *plane)
{
    if (!r->rows_first) {
        alb_samples_in(&r->samples, row, r->ax.in, plane);
        return;
    }
    alb_samples_in(&r->samples, row, r->ax.in, r->source);
    across_all(r, r->source, r->x.bits + 1, plane);
}

static void keep_upper(struct alb_resize *r, const void *row, bool bytes)
{
    if (bytes)
        memcpy(r->held, row, (size_t)r->ax.in * r->samples.count);
    else
        prepare(r, row, r->upper);
}

/* row: the lower one; NULL: there is none, its weights are 0. */
static void complete(struct alb_resize *r, const void *row, bool bytes)
{
    int16_t *slot[PLANES], **lower = r->rows_first ? r->between : r->source;
    slots_of(r, r->pairs, slot);
    if (bytes && r->samples.linear) {
        r->ops.zip_light3(r->samples.light, r->held, row ? row : r->held, r->ax.in, slot);
    } else if (bytes) {
        r->ops.zip_bytes[r->samples.count / 2](r->held, row ? row : r->held, r->ax.in, slot);
    } else {
        if (row)
            prepare(r, row, lower);
        for (unsigned p = 0; p < r->samples.count; p++)
            r->ops.zip(r->upper[p], row ? lower[p] : r->upper[p], r->wide, slot[p]);
    }
    r->pairs++;
}

void alb_resize_push(struct alb_resize *r, const void *row)
{
    uint32_t y = r->pushed++;
    if (y < r->first || y >= r->end)
        return;
    if (r->copy) {
        alb_samples_in(&r->samples, row, r->ax.in, r->source);
        return;
    }
    bool bytes = !r->rows_first && (alb_samples_bytes(&r->samples) || alb_samples_light(&r->samples));
    if (y & 1) {
        complete(r, row, bytes);
        return;
    }
    keep_upper(r, row, bytes);
    if (y + 1 == r->end)
        complete(r, NULL, bytes);
}

/* ---- rows out ---- */

static bool pull_copy(struct alb_resize *r, void *out)
{
    if (alb_taps_nearest(&r->ay, r->next) + 1 != r->pushed)
        return false;
    for (unsigned p = 0; p < r->samples.count; p++) {
        for (uint32_t i = 0; i < r->ax.out; i++)
            r->result[p][i] = r->source[p][r->pick[i]];
    }
    alb_samples_out(&r->samples, r->result, r->ax.out, out);
    r->next++;
    return true;
}

bool alb_resize_pull(struct alb_resize *r, void *out)
{
    if (alb_resize_done(r))
        return false;
    if (r->copy)
        return pull_copy(r, out);
    uint32_t first = r->y.first[r->next] / 2, pairs = r->y.pairs[r->next];
    const int16_t *weight = r->y.weight + (size_t)r->next * r->y.lanes;
    if (first + pairs > r->pairs)
        return false;
    int16_t *const *to = r->rows_first ? r->result : r->between;
    unsigned shift = r->rows_first ? r->y.bits - 1 : r->y.bits + 1;
    for (unsigned p = 0; p < r->samples.count; p++) {
        for (uint32_t k = 0; k < pairs; k++)
            r->list[k] = r->ring[p] + 2 * r->wide * ((first + k) % r->slots);
        r->ops.down(r->list, weight, pairs, shift, r->wide, to[p]);
    }
    if (!r->rows_first)
        across_all(r, r->between, r->x.bits - 1, r->result);
    alb_samples_out(&r->samples, r->result, r->ax.out, out);
    r->next++;
    return true;
}

bool alb_resize_done(const struct alb_resize *r)
{
    return r->next == r->ay.out;
}
