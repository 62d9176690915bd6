/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to image/plan_*.c: one walk over a struct's fields that either writes them or reads them, so that the
 * two can never differ. Reading is strict: a value has one form only (no NaN, no infinity, no -0, no byte above
 * 1 for a bool), and whatever is off sets `in->bad`. Pure; any thread.
 */
#ifndef ALB_IMAGE_PLAN_IO_H
#define ALB_IMAGE_PLAN_IO_H

#include <math.h>
#include <string.h>

#include "image/plan.h"
#include "meta/wire.h"

/* One of `out` and `in` is NULL. What is written waits in `room` (a key of a hundred fields is made for each
 * picture that is asked for) until alb_io_flush. */
struct alb_plan_io {
    struct alb_buf *out;
    struct alb_wire *in;
    size_t n;
    unsigned char room[512];
};

/* `room` is left as it is. */
static inline void alb_io_open(struct alb_plan_io *io, struct alb_buf *out, struct alb_wire *in)
{
    io->out = out;
    io->in = in;
    io->n = 0;
}

static inline void alb_io_flush(struct alb_plan_io *io)
{
    alb_buf_add(io->out, io->room, io->n);
    io->n = 0;
}

static inline void alb_io_put(struct alb_plan_io *io, uint64_t v, unsigned bytes)
{
    if (io->n + 8 > sizeof(io->room))
        alb_io_flush(io);
    for (unsigned i = 0; i < bytes; i++)
        io->room[io->n++] = (unsigned char)(v >> (8 * i));
}

static inline void alb_io_put_bytes(struct alb_plan_io *io, struct alb_str s)
{
    alb_io_put(io, s.n, 4);
    if (s.n == 0)
        return;
    alb_io_flush(io);
    alb_buf_str(io->out, s);
}

static inline uint64_t alb_io_int(struct alb_plan_io *io, uint64_t v, unsigned bytes)
{
    if (io->in)
        return alb_wire_get(io->in, bytes);
    alb_io_put(io, v, bytes);
    return v;
}

static inline void alb_io_u8(struct alb_plan_io *io, uint8_t *v)
{
    *v = (uint8_t)alb_io_int(io, *v, 1);
}

static inline void alb_io_u16(struct alb_plan_io *io, uint16_t *v)
{
    *v = (uint16_t)alb_io_int(io, *v, 2);
}

static inline void alb_io_u32(struct alb_plan_io *io, uint32_t *v)
{
    *v = (uint32_t)alb_io_int(io, *v, 4);
}

static inline void alb_io_u64(struct alb_plan_io *io, uint64_t *v)
{
    *v = alb_io_int(io, *v, 8);
}

static inline void alb_io_bool(struct alb_plan_io *io, bool *v)
{
    if (io->in)
        *v = alb_wire_bool(io->in);
    else
        alb_io_put(io, *v, 1);
}

static inline void alb_io_f64(struct alb_plan_io *io, double *v)
{
    uint64_t bits;
    if (!io->in) {
        double d = *v + 0.0; /* 0 and -0 are one number */
        memcpy(&bits, &d, sizeof(bits));
        alb_io_put(io, bits, 8);
        return;
    }
    bits = alb_wire_u64(io->in);
    memcpy(v, &bits, sizeof(bits));
    if (!isfinite(*v) || bits == (uint64_t)1 << 63) {
        io->in->bad = true;
        *v = 0;
    }
}

static inline unsigned alb_io_word(struct alb_plan_io *io, unsigned v, unsigned count)
{
    v = (unsigned)alb_io_int(io, v, 1);
    if (io->in && v >= count) {
        io->in->bad = true;
        return 0;
    }
    return v;
}
#define ALB_IO_ENUM(io, field, count)                                                                        \
    ((field) = (__typeof__(field))alb_io_word((io), (unsigned)(field), (count)))

void alb_io_gravity(struct alb_plan_io *io, struct alb_gravity *g);
void alb_io_spot(struct alb_plan_io *io, struct alb_spot *s);
void alb_io_output(struct alb_plan_io *io, struct alb_output *o);

#endif
