/* SPDX-License-Identifier: Apache-2.0
 *
 * See validators.h. A broken date is as good as no header; a broken entity tag matches nothing (so If-Match
 * with rubbish fails, which is the safe side).
 */
#include "http/validators.h"

#include "base/clock.h"

bool alb_is_etag(struct alb_str tag)
{
    for (size_t i = 0; i < tag.n; i++) {
        unsigned char c = (unsigned char)tag.p[i];

        if (c <= 0x20 || c == '"' || c == 0x7f)
            return false;
    }
    return true;
}

/* Takes the next `W/"…"` of *rest; false at the end or at something that is no tag. */
static bool next_tag(struct alb_str *rest, struct alb_str *tag, bool *weak)
{
    size_t end;

    while (rest->n > 0 && (rest->p[0] == ',' || rest->p[0] == ' ' || rest->p[0] == '\t'))
        *rest = alb_str_from(*rest, 1);
    *weak = alb_str_starts(*rest, ALB_STR("W/"));
    if (*weak)
        *rest = alb_str_from(*rest, 2);
    if (rest->n < 2 || rest->p[0] != '"')
        return false;
    *rest = alb_str_from(*rest, 1);
    end = alb_str_find(*rest, '"');
    if (end == ALB_STR_NPOS)
        return false;
    *tag = alb_str_sub(*rest, 0, end);
    *rest = alb_str_from(*rest, end + 1);
    return alb_is_etag(*tag);
}

bool alb_etag_in(struct alb_str list, struct alb_str tag, bool tag_weak, bool strong)
{
    struct alb_str one;
    bool weak;

    if (alb_str_eq_c(alb_str_trim(list), "*"))
        return true;
    if (!tag.p || (strong && tag_weak))
        return false;
    while (next_tag(&list, &one, &weak))
        if (alb_str_eq(one, tag) && !(strong && weak))
            return true;
    return false;
}

/* Is the resource newer than the date in the header? *valid tells whether the header says anything. */
static bool newer_than(struct alb_str date, const struct alb_validators *v, bool *valid)
{
    int64_t then = 0;

    *valid = v->modified_ms >= 0 && alb_time_http_parse(date.p, date.n, &then);
    return *valid && v->modified_ms / 1000 > then / 1000;
}

enum alb_decision alb_decide(const struct alb_conditions *c, bool safe, const struct alb_validators *v)
{
    bool valid;

    if (c->if_match.p) {
        if (!v->exists || !alb_etag_in(c->if_match, v->etag, v->weak, true))
            return ALB_DECIDE_FAILED;
    } else if (c->if_unmodified_since.p && newer_than(c->if_unmodified_since, v, &valid)) {
        return ALB_DECIDE_FAILED;
    }
    if (c->if_none_match.p) {
        if (v->exists && alb_etag_in(c->if_none_match, v->etag, v->weak, false))
            return safe ? ALB_DECIDE_NOT_MODIFIED : ALB_DECIDE_FAILED;
    } else if (safe && v->exists && c->if_modified_since.p) {
        if (!newer_than(c->if_modified_since, v, &valid) && valid)
            return ALB_DECIDE_NOT_MODIFIED;
    }
    return ALB_DECIDE_GO;
}

bool alb_if_range_holds(const struct alb_conditions *c, const struct alb_validators *v)
{
    struct alb_str rest = c->if_range, tag;
    int64_t then = 0;
    bool weak;

    if (!c->if_range.p)
        return true;
    if (next_tag(&rest, &tag, &weak))
        return rest.n == 0 && !weak && !v->weak && v->etag.p && alb_str_eq(tag, v->etag);
    /* A date is a strong validator only if it is exactly ours. */
    return v->modified_ms >= 0 && alb_time_http_parse(c->if_range.p, c->if_range.n, &then) &&
           then / 1000 == v->modified_ms / 1000;
}
