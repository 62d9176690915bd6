/* SPDX-License-Identifier: Apache-2.0
 *
 * Headers of an origin that a policy wants to be kept (origin.h): lines "keep Name: value", in a note as in memory, so
 * that a note's text can be looked into without a copy.
 */
#include "render/origin_priv.h"

void alb_origin_kept_gather(const struct alb_origin_policy *policy, struct alb_str head, struct alb_buf *out)
{
    for (size_t i = 0; i < policy->keep_count; i++) {
        struct alb_str rest = head, value;
        while (alb_fetch_header_next(&rest, policy->keep[i], &value)) {
            if (value.n == 0 || alb_str_has_control(value) ||
                out->n + value.n + sizeof(ALB_ORIGIN_KEEP) + ALB_ORIGIN_KEPT_NAME > ALB_ORIGIN_KEPT_MAX)
                continue;
            alb_buf_printf(out, ALB_ORIGIN_KEEP "%s: ", policy->keep[i]);
            alb_buf_str(out, value);
            alb_buf_char(out, '\n');
        }
    }
}

bool alb_origin_kept_next(struct alb_str *rest, struct alb_str *name, struct alb_str *value)
{
    struct alb_str line;
    if (rest->n == 0 || !alb_str_next(rest, '\n', &line) || !alb_str_starts(line, ALB_STR(ALB_ORIGIN_KEEP)) ||
        !alb_str_cut(alb_str_from(line, sizeof(ALB_ORIGIN_KEEP) - 1), ':', name, value))
        return false;
    *value = alb_str_trim(*value);
    return true;
}
