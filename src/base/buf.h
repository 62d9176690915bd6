/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer with a mandatory maximum. Errors are sticky: after a failed append (maximum
 * reached or no memory) every further append does nothing, and the builder asks once at the end with
 * alb_buf_code(). So building needs no check per line and can never grow without bound.
 * One thread at a time. After alb_buf_fini the struct is empty and may be used again after init.
 */
#ifndef ALB_BASE_BUF_H
#define ALB_BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct alb_buf {
    char *p;
    size_t n, cap, max;
    enum alb_code code; /* ALB_OK, ALB_E_TOO_LARGE or ALB_E_NO_MEMORY; sticky */
};

#define ALB_BUF_INIT(maximum) {NULL, 0, 0, (maximum), ALB_OK}

void alb_buf_init(struct alb_buf *b, size_t max);
void alb_buf_fini(struct alb_buf *b);
void alb_buf_reset(struct alb_buf *b); /* empty and without error; keeps its memory */

void alb_buf_add(struct alb_buf *b, const void *p, size_t n);
void alb_buf_str(struct alb_buf *b, struct alb_str s);
void alb_buf_c(struct alb_buf *b, const char *c);
void alb_buf_char(struct alb_buf *b, char c);
void alb_buf_u64(struct alb_buf *b, uint64_t v);
void alb_buf_i64(struct alb_buf *b, int64_t v);
void alb_buf_printf(struct alb_buf *b, const char *fmt, ...) ALB_PRINTF(2, 3);
/* Room for n bytes at b->p + b->n, or NULL (error sticks); commit with alb_buf_commit. */
char *alb_buf_reserve(struct alb_buf *b, size_t n);
void alb_buf_commit(struct alb_buf *b, size_t n);
void alb_buf_drop_front(struct alb_buf *b, size_t n);

enum alb_code alb_buf_code(const struct alb_buf *b) ALB_MUST_CHECK;
struct alb_str alb_buf_view(const struct alb_buf *b); /* valid until the next append */
/* The contents with a NUL behind; "" on error. Valid until the next append. */
const char *alb_buf_cstr(struct alb_buf *b);
/* Gives the memory away, with a NUL behind it (free with alb_mem_free), and leaves b empty and without
 * error. NULL if an error stuck to b or no memory was left for an empty text. */
char *alb_buf_give(struct alb_buf *b, size_t *n);

#endif
