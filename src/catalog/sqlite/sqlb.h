/* SPDX-License-Identifier: Apache-2.0
 *
 * Building a query with many optional conditions: text and parameters side by side. Every value gets a
 * numbered parameter (?7) and may be named in the text as often as needed; text never contains a value.
 *
 *     struct alb_sqlb b;
 *     alb_sqlb_init(&b);
 *     alb_sqlb_add(&b, " AND a.kind = ?%d", alb_sqlb_int(&b, kind));
 *     alb_sqlb_open(&b, &q, snap);   binds all; then rows as usual
 *     alb_sqlb_fini(&b);             after alb_q_end
 *
 * Too many parameters or too much text sticks and makes the query fail (TOO_LARGE); no memory likewise.
 */
#ifndef ALB_CATALOG_SQLITE_SQLB_H
#define ALB_CATALOG_SQLITE_SQLB_H

#include "base/buf.h"
#include "catalog/sqlite/engine.h"

#define ALB_SQLB_PARAMS 340
#define ALB_SQLB_TEXT ((size_t)512 << 10)

struct alb_sqlb_param {
    enum { ALB_SQLB_INT, ALB_SQLB_TEXT_VALUE, ALB_SQLB_BYTES } kind;
    union {
        int64_t i;
        struct alb_str s; /* borrowed until alb_q_end */
    } v;
};
struct alb_sqlb {
    struct alb_buf sql, params; /* params: an array of struct alb_sqlb_param */
    int count;
    enum alb_code code; /* first failure: TOO_LARGE, NO_MEMORY */
};
void alb_sqlb_init(struct alb_sqlb *b);
void alb_sqlb_fini(struct alb_sqlb *b);
/* The number of the new parameter, for the text. */
int alb_sqlb_int(struct alb_sqlb *b, int64_t v);
int alb_sqlb_str(struct alb_sqlb *b, struct alb_str v);
int alb_sqlb_bytes(struct alb_sqlb *b, const void *p, size_t n);
void alb_sqlb_add(struct alb_sqlb *b, const char *fmt, ...) ALB_PRINTF(2, 3);
void alb_sqlb_open(struct alb_sqlb *b, struct alb_q *q, struct alb_snap *s);

#endif
