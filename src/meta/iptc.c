/* SPDX-License-Identifier: Apache-2.0
 *
 * IPTC-IIM, parsed by libiptcdata: record 2, the data sets that people fill in. A Photoshop image-resource
 * block around it is taken off here: its resource 0x0404 holds the records.
 */
#include <libiptcdata/iptc-data.h>

#include "base/clock.h"
#include "meta/priv.h"

static uint32_t be(struct alb_str s, size_t off, size_t bytes)
{
    uint32_t v = 0;
    for (size_t i = 0; i < bytes && off < s.n && bytes <= s.n - off; i++)
        v = v << 8 | (unsigned char)s.p[off + i];
    return v;
}

/* "8BIM", id, pascal name padded to even, length, data padded to even. */
static struct alb_str resource(struct alb_str s, uint32_t wanted)
{
    while (alb_str_starts(s, ALB_STR("8BIM")) && s.n >= 12) {
        uint32_t id = be(s, 4, 2);
        size_t name = ((size_t)be(s, 6, 1) + 2) & ~(size_t)1;
        size_t n = be(s, 6 + name, 4);
        struct alb_str body = alb_str_sub(s, 10 + name, n);
        if (body.n != n)
            return ALB_STR_NONE;
        if (id == wanted)
            return body;
        s = alb_str_from(s, 10 + name + n + (n & 1));
    }
    return ALB_STR_NONE;
}

static struct alb_str first(struct alb_arena *a, IptcData *d, int tag, size_t max, bool lines)
{
    IptcDataSet *ds = iptc_data_get_dataset(d, IPTC_RECORD_APP_2, (IptcTag)tag);
    if (!ds)
        return ALB_STR_NONE;
    struct alb_str s = alb_meta_text(a, (struct alb_str){(const char *)ds->data, ds->size}, max, lines);
    iptc_dataset_unref(ds);
    return s;
}

static void read_keywords(struct alb_arena *a, struct alb_meta *m, IptcData *d)
{
    IptcDataSet *ds = NULL;
    for (unsigned i = 0; i < ALB_META_KEYWORDS_MAX; i++) {
        IptcDataSet *next = iptc_data_get_next_dataset(d, ds, IPTC_RECORD_APP_2, IPTC_TAG_KEYWORDS);
        if (ds)
            iptc_dataset_unref(ds);
        ds = next;
        if (!ds)
            return;
        alb_meta_keyword(a, m,
                         alb_meta_text(a, (struct alb_str){(const char *)ds->data, ds->size},
                                       ALB_META_KEYWORD_MAX, false));
    }
    if (ds)
        iptc_dataset_unref(ds);
}

/* CCYYMMDD and HHMMSS±HHMM */
static void read_time(struct alb_arena *a, struct alb_meta *m, IptcData *d)
{
    struct alb_str day = first(a, d, IPTC_TAG_DATE_CREATED, 16, false);
    struct alb_str t = first(a, d, IPTC_TAG_TIME_CREATED, 16, false);
    if (day.n != 8)
        return;
    if (t.n < 6)
        t = ALB_STR("000000");
    struct alb_str whole = alb_arena_printf(a, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s%.*s", day.p, day.p + 4,
                                            day.p + 6, t.p, t.p + 2, t.p + 4, (int)(t.n - 6), t.p + 6);
    if (!alb_meta_time_parse(whole, &m->taken))
        m->taken.known = false;
}

enum alb_code alb_meta_iptc(struct alb_arena *a, struct alb_meta *m, const void *p, size_t n,
                            struct alb_err *err)
{
    struct alb_str s = {p, n};
    if (n > ALB_META_BLOCK_MAX)
        return ALB_OK;
    if (alb_str_starts(s, ALB_STR("Photoshop 3.0\0")))
        s = alb_str_from(s, 14);
    if (alb_str_starts(s, ALB_STR("8BIM")))
        s = resource(s, 0x0404);
    if (s.n < 5 || s.p[0] != 0x1c)
        return ALB_OK;
    IptcData *d = iptc_data_new_from_data((const unsigned char *)s.p, (unsigned)s.n);
    if (!d)
        return ALB_OK;
    m->title = first(a, d, IPTC_TAG_OBJECT_NAME, ALB_META_TITLE_MAX, false);
    if (m->title.n == 0)
        m->title = first(a, d, IPTC_TAG_HEADLINE, ALB_META_TITLE_MAX, false);
    m->description = first(a, d, IPTC_TAG_CAPTION, ALB_META_TEXT_MAX, true);
    m->author = first(a, d, IPTC_TAG_BYLINE, ALB_META_NAME_MAX, false);
    m->copyright = first(a, d, IPTC_TAG_COPYRIGHT_NOTICE, ALB_META_TITLE_MAX, false);
    m->city = first(a, d, IPTC_TAG_CITY, ALB_META_NAME_MAX, false);
    m->state = first(a, d, IPTC_TAG_STATE, ALB_META_NAME_MAX, false);
    m->country = first(a, d, IPTC_TAG_COUNTRY_NAME, ALB_META_NAME_MAX, false);
    read_keywords(a, m, d);
    read_time(a, m, d);
    iptc_data_unref(d);
    return alb_meta_done(a, err);
}
