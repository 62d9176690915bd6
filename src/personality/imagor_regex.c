/* SPDX-License-Identifier: Apache-2.0
 *
 * -http-loader-allowed-source-regexp. A pattern that cannot be is an error at the start (imagor drops it silently, and
 * then allows everything). Matching: any thread.
 */
#include "base/mem.h"
#include "personality/origin.h"

struct alb_regex_of_sources {
    struct alb_origin pattern;
};

enum alb_code alb_regex_of_sources_new(const char *pattern, struct alb_regex_of_sources **out,
                                       struct alb_err *err) ALB_MUST_CHECK;
void alb_regex_of_sources_free(struct alb_regex_of_sources **regex);
bool alb_regex_of_sources_matches(const void *regex, struct alb_str url);

enum alb_code alb_regex_of_sources_new(const char *pattern, struct alb_regex_of_sources **out,
                                       struct alb_err *err)
{
    struct alb_regex_of_sources *r = alb_mem_calloc(1, sizeof(*r));
    *out = NULL;
    if (!r)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a pattern");
    if (alb_origin_compile(&r->pattern, pattern, err) != ALB_OK) {
        alb_mem_free(r);
        return err->code;
    }
    *out = r;
    return ALB_OK;
}

void alb_regex_of_sources_free(struct alb_regex_of_sources **regex)
{
    struct alb_regex_of_sources *r = *regex;
    *regex = NULL;
    if (r)
        alb_origin_fini(&r->pattern);
    alb_mem_free(r);
}

bool alb_regex_of_sources_matches(const void *regex, struct alb_str url)
{
    const struct alb_regex_of_sources *r = regex;
    return alb_origin_allows(&r->pattern, url);
}
