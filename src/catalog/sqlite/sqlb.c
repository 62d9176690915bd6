/* SPDX-License-Identifier: Apache-2.0
 *
 * Query builder (contract: sqlb.h).
 */
#include "catalog/sqlite/sqlb.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void alb_sqlb_init(struct alb_sqlb *b)
{
    alb_buf_init(&b->sql, ALB_SQLB_TEXT);
    alb_buf_init(&b->params, ALB_SQLB_PARAMS * sizeof(struct alb_sqlb_param));
    b->count = 0;
    b->code = ALB_OK;
}

void alb_sqlb_fini(struct alb_sqlb *b)
{
    alb_buf_fini(&b->sql);
    alb_buf_fini(&b->params);
}

static int add_param(struct alb_sqlb *b, const struct alb_sqlb_param *p)
{
    alb_buf_add(&b->params, p, sizeof(*p));
    if (alb_buf_code(&b->params) != ALB_OK) {
        b->code = alb_buf_code(&b->params);
        return 1;
    }
    return ++b->count;
}

int alb_sqlb_int(struct alb_sqlb *b, int64_t v)
{
    return add_param(b, &(struct alb_sqlb_param){.kind = ALB_SQLB_INT, .v.i = v});
}

int alb_sqlb_str(struct alb_sqlb *b, struct alb_str v)
{
    return add_param(b, &(struct alb_sqlb_param){.kind = ALB_SQLB_TEXT_VALUE, .v.s = v});
}

int alb_sqlb_bytes(struct alb_sqlb *b, const void *p, size_t n)
{
    return add_param(b, &(struct alb_sqlb_param){.kind = ALB_SQLB_BYTES, .v.s = alb_str_n(p, n)});
}

void alb_sqlb_add(struct alb_sqlb *b, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text))
        b->code = ALB_E_TOO_LARGE;
    else
        alb_buf_add(&b->sql, text, (size_t)n);
}

void alb_sqlb_open(struct alb_sqlb *b, struct alb_q *q, struct alb_snap *s)
{
    int named;

    if (b->code != ALB_OK) {
        alb_q_open_failed(q, s, b->code);
        return;
    }
    alb_q_open_built(q, s, &b->sql);
    /* Parameters behind the last one that the text names do not exist for SQLite. */
    named = q->st != NULL ? sqlite3_bind_parameter_count(q->st) : 0;
    for (int i = 0; i < b->count && i < named; i++) {
        struct alb_sqlb_param v, *p = &v;

        memcpy(p, b->params.p + (size_t)i * sizeof(v), sizeof(v));
        if (p->kind == ALB_SQLB_INT)
            alb_q_i64(q, p->v.i);
        else if (p->kind == ALB_SQLB_TEXT_VALUE)
            alb_q_str(q, p->v.s);
        else
            alb_q_blob(q, p->v.s.p, p->v.s.n);
    }
}
