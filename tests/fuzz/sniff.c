/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server itself looks at: types, sizes of results, plans, headers and probes from a worker.
 * Promises: sizes are not 0 when they are told, an unpacked plan passes its own check, an unpacked probe
 * packs to the same bytes.
 */
#include <string.h>

#include "base/check.h"
#include "fuzz.h"
#include "image/probe.h"

static void sizes(struct alb_str s)
{
    uint32_t w, h;
    enum alb_type t = alb_sniff(s.p, s.n);
    ALB_CHECK((unsigned)t < ALB_TYPE_COUNT);
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        enum alb_type want = alb_format_type((enum alb_format)f);
        bool ok = alb_sniff_size(want, s.p, s.n, &w, &h);
        ALB_CHECK(!ok || (w > 0 && h > 0 && t == want));
    }
}

static void plans(struct alb_str s)
{
    static struct alb_plan p;
    struct alb_buf b = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX);
    if (alb_plan_unpack(s, &p, NULL) == ALB_OK) {
        ALB_CHECK(alb_plan_check(&p, NULL) == ALB_OK);
        alb_plan_pack(&p, &b);
        ALB_CHECK(alb_str_eq(alb_buf_view(&b), s));
    }
    alb_buf_fini(&b);
}

static void probes(struct alb_str s)
{
    struct alb_probe *p;
    struct alb_buf b = ALB_BUF_INIT(ALB_PROBE_PACKED_MAX);
    if (alb_probe_unpack(s, &p, NULL) == ALB_OK) {
        struct alb_probe *again;
        alb_probe_pack(p, &b);
        ALB_CHECK(alb_probe_unpack(alb_buf_view(&b), &again, NULL) == ALB_OK);
        alb_probe_free(&again);
    }
    alb_probe_free(&p);
    alb_buf_fini(&b);
}

static void make_plan(struct alb_buf *b)
{
    struct alb_image_header h = {.type = ALB_TYPE_PNG,
                                 .width = 4000,
                                 .height = 3000,
                                 .orientation = 6,
                                 .pages = 1,
                                 .alpha = true,
                                 .bits = 8};
    struct alb_plan_options o;
    struct alb_plan_limits l;
    static struct alb_plan p;
    alb_plan_options_init(&o);
    alb_plan_limits_default(&l);
    o.fit = ALB_FIT_COVER;
    o.width = 300;
    o.height = 200;
    o.flatten = true;
    const struct alb_plan_ask ask = {.headers = &h, .header_count = 1, .options = &o, .limits = &l};
    ALB_CHECK(alb_plan_make(&ask, &p, NULL) == ALB_OK);
    alb_plan_pack(&p, b);
}

static void make_probe(struct alb_buf *b)
{
    struct alb_probe p;
    memset(&p, 0, sizeof(p));
    p.type = p.header.type = ALB_TYPE_NEF;
    p.header.orientation = 1;
    p.header.pages = 1;
    p.thumbhash_len = 5;
    alb_meta_init(&p.meta);
    p.meta.make = ALB_STR("NIKON");
    alb_probe_pack(&p, b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alb_buf b = ALB_BUF_INIT(ALB_PROBE_PACKED_MAX);
    uint8_t kind = fuzz_take_byte(&data, &size);
    struct alb_str s = {(const char *)data, size};
    if (kind == 's')
        sizes(s);
    else if (kind == 'p')
        plans(s);
    else if (kind == 'b')
        probes(s);
    if (kind == 'P' || kind == 'B') { /* a good one with changes: place, value */
        if (kind == 'P')
            make_plan(&b);
        else
            make_probe(&b);
        for (; size >= 2; data += 2, size -= 2)
            b.p[data[0] % b.n] = (char)data[1];
        if (kind == 'P')
            plans(alb_buf_view(&b));
        else
            probes(alb_buf_view(&b));
    }
    alb_buf_fini(&b);
    return 0;
}
