/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON writer: the input is a program of calls. Whatever is written must be valid UTF-8 and must be read
 * by another library (jansson); strings must come back as they went in if they were valid UTF-8.
 */
#include <jansson.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "fuzz.h"

#define OPS_MAX 2000

struct program {
    const uint8_t *p;
    size_t n;
    uint64_t objects; /* bit per level, as the writer is expected to keep it */
    unsigned depth;
};

static struct alb_str take_text(struct program *g)
{
    size_t n = fuzz_take_byte(&g->p, &g->n);

    if (n > g->n)
        n = g->n;
    struct alb_str s = alb_str_n((const char *)g->p, n);
    g->p += n;
    g->n -= n;
    return s;
}

static void put_value(struct alb_json *j, struct program *g, uint8_t op)
{
    uint64_t v = 0;
    double d;

    switch (op % 8) {
    case 0:
        alb_json_str(j, take_text(g));
        break;
    case 1:
    case 2:
        for (unsigned i = 0; i < 8; i++)
            v = v << 8 | fuzz_take_byte(&g->p, &g->n);
        memcpy(&d, &v, sizeof(d));
        if (op % 8 == 1)
            alb_json_i64(j, (int64_t)v);
        else
            alb_json_double(j, d);
        break;
    case 3:
        alb_json_bool(j, (op & 8) != 0);
        break;
    case 4:
        alb_json_null(j);
        break;
    default:
        if (g->depth == 32) {
            alb_json_null(j);
            break;
        }
        g->depth++;
        if (op % 8 == 5) {
            g->objects &= ~((uint64_t)1 << g->depth);
            alb_json_array(j);
        } else {
            g->objects |= (uint64_t)1 << g->depth;
            alb_json_object(j);
        }
        break;
    }
}

static void check_read_back(struct alb_str text)
{
    json_error_t error;

    ALB_CHECK(alb_str_is_utf8(text));
    json_t *tree = json_loadb(text.p, text.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    ALB_CHECK(tree != NULL);
    json_decref(tree);
}

static void check_string(struct alb_str s)
{
    struct alb_buf out = ALB_BUF_INIT((size_t)1 << 20);
    struct alb_json j;
    json_error_t error;

    alb_json_init(&j, &out);
    alb_json_str(&j, s);
    json_t *v = json_loadb(out.p, out.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    ALB_CHECK(v != NULL && json_is_string(v));
    if (alb_str_is_utf8(s))
        ALB_CHECK(alb_str_eq(s, alb_str_n(json_string_value(v), json_string_length(v))));
    json_decref(v);
    alb_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alb_buf out = ALB_BUF_INIT((size_t)1 << 20);
    struct program g = {.p = data, .n = size};
    struct alb_json j;
    char key[8];

    if (size > 0 && size < 4096)
        check_string(alb_str_n((const char *)data, size));
    alb_json_init(&j, &out);
    for (unsigned i = 0; i < OPS_MAX && (i == 0 || (g.n > 0 && g.depth > 0)); i++) {
        uint8_t op = fuzz_take_byte(&g.p, &g.n);
        if (g.depth > 0 && (op & 0xc0) == 0xc0) {
            alb_json_end(&j);
            g.depth--;
            continue;
        }
        if (g.depth > 0 && (g.objects >> g.depth & 1) != 0) {
            struct alb_str k = alb_str_sub(take_text(&g), 0, sizeof(key) - 1);
            if (!alb_str_to_c(k, key, sizeof(key)))
                key[0] = '\0';
            alb_json_key(&j, key);
        }
        put_value(&j, &g, op);
    }
    while (g.depth-- > 0 && j.depth > 0)
        alb_json_end(&j);
    ALB_CHECK(alb_buf_code(&out) == ALB_OK);
    check_read_back(alb_buf_view(&out));
    alb_buf_fini(&out);
    return 0;
}
