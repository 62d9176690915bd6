/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding ahead: a thread reads bands from a source and copies their rows into a ring of slots, from which the
 * lane takes them: bands of another height. The bytes are the same ones, only sooner. Used where a picture may
 * have two processors.
 *
 * Under the lock EXPRESS_AHEAD: put, got, end, stop, code. A slot belongs to the decoding thread while put - got <
 * SLOTS points at it, else to the reader, who gives it back with his next read. (Its rows are counted by whom it
 * belongs to.)
 */
#include <string.h>

#include "base/lock.h"
#include "base/thread.h"
#include "image/express/lane_priv.h"

#define SLOTS 8
#define ROWS 16 /* of a slot: of the coarsest plane */

struct slot {
    uint8_t *plane[ALB_PLANES];
    uint32_t rows[ALB_PLANES];
};

struct ahead {
    struct alb_source base;
    /* fixed after open */
    struct alb_source *inner;
    size_t stride[ALB_PLANES],
        row[ALB_PLANES]; /* bytes of a row in a slot, and those of them that are copied */
    uint32_t most[ALB_PLANES];
    struct alb_thread thread;
    struct slot slots[SLOTS];
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond moved;
    uint64_t put, got;
    bool end, stop;
    enum alb_code code; /* why it ended early */
    struct alb_err err;
    /* the lane's side only */
    bool lent; /* a slot is with the reader */
};

static struct ahead *of(struct alb_source *s)
{
    return ALB_CONTAINER_OF(s, struct ahead, base);
}

/* ---- the thread that decodes ---- */

/* A slot to fill, or NULL: nobody wants more. */
static struct slot *free_slot(struct ahead *a)
{
    struct slot *s = NULL;
    alb_mutex_lock(&a->mtx);
    while (!a->stop && a->put - a->got >= SLOTS)
        alb_cond_wait(&a->moved, &a->mtx);
    if (!a->stop)
        s = &a->slots[a->put % SLOTS];
    alb_mutex_unlock(&a->mtx);
    if (s)
        memset(s->rows, 0, sizeof(s->rows));
    return s;
}

/* The slot that is being filled goes to the reader. */
static void hand_over(struct ahead *a)
{
    alb_mutex_lock(&a->mtx);
    a->put++;
    alb_cond_broadcast(&a->moved);
    alb_mutex_unlock(&a->mtx);
}

static void end(struct ahead *a, enum alb_code code, const struct alb_err *err)
{
    alb_mutex_lock(&a->mtx);
    a->end = true;
    a->code = code;
    a->err = *err;
    alb_cond_broadcast(&a->moved);
    alb_mutex_unlock(&a->mtx);
}

/* Rows of the band from used on, as many as fit. True: the slot is full. */
static bool copy(const struct ahead *a, const struct alb_band *band, uint32_t used[ALB_PLANES],
                 struct slot *to)
{
    bool full = false;
    for (unsigned i = 0; i < ALB_PLANES; i++) {
        for (; used[i] < band->rows[i] && to->rows[i] < a->most[i]; used[i]++)
            memcpy(to->plane[i] + to->rows[i]++ * a->stride[i], band->plane[i] + used[i] * band->stride[i],
                   a->row[i]);
        full = full || (a->most[i] > 0 && to->rows[i] == a->most[i]);
    }
    return full;
}

static bool is_used(const struct alb_band *band, const uint32_t used[ALB_PLANES])
{
    return used[0] == band->rows[0] && used[1] == band->rows[1] && used[2] == band->rows[2];
}

/* False: nobody wants more. */
static bool keep(struct ahead *a, const struct alb_band *band, struct slot **to)
{
    uint32_t used[ALB_PLANES] = {0};
    while (!is_used(band, used)) {
        if (!*to)
            *to = free_slot(a);
        if (!*to)
            return false;
        if (copy(a, band, used, *to)) {
            hand_over(a);
            *to = NULL;
        }
    }
    return true;
}

static void *run(void *arg)
{
    struct ahead *a = arg;
    struct alb_err err = ALB_ERR_INIT;
    struct slot *to = NULL;
    struct alb_band band;
    enum alb_code code;
    do {
        code = a->inner->ops->read(a->inner, &band, &err);
        if (code == ALB_OK && !keep(a, &band, &to))
            return NULL;
    } while (code == ALB_OK && band.rows[0] > 0);
    if (code == ALB_OK && to)
        hand_over(a);
    end(a, code, &err);
    return NULL;
}

/* ---- the lane's side ---- */

static enum alb_code no_start(struct alb_source *s, enum alb_layout layout, struct alb_rect window,
                              struct alb_err *err)
{
    (void)s;
    (void)layout;
    (void)window;
    return alb_fail(err, ALB_E_INVALID, "a source that was started before");
}

static void lend(const struct ahead *a, const struct slot *from, struct alb_band *band)
{
    for (unsigned i = 0; i < ALB_PLANES; i++) {
        band->plane[i] = from->plane[i];
        band->stride[i] = a->stride[i];
        band->rows[i] = from->rows[i];
    }
}

static enum alb_code read_band(struct alb_source *s, struct alb_band *band, struct alb_err *err)
{
    struct ahead *a = of(s);
    enum alb_code code = ALB_OK;
    memset(band, 0, sizeof(*band));
    alb_mutex_lock(&a->mtx);
    a->got += a->lent;
    alb_cond_broadcast(&a->moved);
    while (a->put == a->got && !a->end)
        alb_cond_wait(&a->moved, &a->mtx);
    a->lent = a->put > a->got;
    if (a->lent)
        lend(a, &a->slots[a->got % SLOTS], band);
    else if (a->code != ALB_OK)
        code = alb_fail(err, a->code, "%s", a->err.msg);
    alb_mutex_unlock(&a->mtx);
    return code;
}

static void close_ahead(struct alb_source *s)
{
    struct ahead *a = of(s);
    alb_mutex_lock(&a->mtx);
    a->stop = true;
    alb_cond_broadcast(&a->moved);
    alb_mutex_unlock(&a->mtx);
    alb_thread_join(&a->thread);
    alb_cond_fini(&a->moved);
    alb_mutex_fini(&a->mtx);
    a->inner->ops->close(a->inner);
}

static const struct alb_source_ops ops = {no_start, read_band, close_ahead};

static bool make_slots(struct alb_express *x, struct ahead *a)
{
    const struct alb_source *in = a->inner;
    size_t pixel = alb_layout_samples(in->format.layout) * alb_rows_sample(&in->format);
    struct alb_rows_format part = in->format;
    part.width = in->area.width;
    for (unsigned i = 0; i < alb_layout_planes(in->format.layout); i++) {
        a->row[i] = alb_plane_width(&part, i) * pixel;
        a->stride[i] = (a->row[i] + ALB_SCRATCH_ALIGN - 1) & ~(size_t)(ALB_SCRATCH_ALIGN - 1);
        a->most[i] = i == 0 ? (uint32_t)ROWS << in->format.sub_y : ROWS;
        for (unsigned k = 0; k < SLOTS; k++) {
            a->slots[k].plane[i] = alb_scratch_take(x->scratch, a->stride[i] * a->most[i] + ALB_ROW_SLACK, 1);
            if (!a->slots[k].plane[i])
                return false;
        }
    }
    return true;
}

enum alb_code alb_lane_ahead_open(struct alb_express *x, struct alb_source *inner, struct alb_source **out,
                                  struct alb_err *err)
{
    struct ahead *a = alb_scratch_take(x->scratch, 1, sizeof(*a));
    *out = NULL;
    if (!a)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    memset(a, 0, sizeof(*a));
    a->inner = inner;
    a->base = *inner;
    a->base.ops = &ops;
    if (!make_slots(x, a))
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a picture");
    alb_mutex_init(&a->mtx, ALB_LOCK_EXPRESS_AHEAD);
    alb_cond_init(&a->moved);
    enum alb_code code = alb_thread_start(&a->thread, "decode-ahead", run, a, err);
    if (code != ALB_OK) {
        alb_cond_fini(&a->moved);
        alb_mutex_fini(&a->mtx);
        return code;
    }
    *out = &a->base;
    return ALB_OK;
}
