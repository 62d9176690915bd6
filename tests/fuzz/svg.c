/* SPDX-License-Identifier: Apache-2.0
 *
 * An SVG that somebody sends and a browser shall read. Promises: what comes out is an SVG again, is clean (looking
 * through it a second time changes nothing), and has no element that runs anything, no handler and no link to a script
 * in it. The tags of the result are read here by other code than the sanitiser's.
 */
#include <string.h>

#include "base/check.h"
#include "fuzz.h"
#include "image/general_svg.h"

static bool ends_name(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '/' || c == '>' || c == '=';
}

/* Reads a name at *at, gives what is behind its last colon. */
static struct alb_str local_name(struct alb_str s, size_t *at)
{
    size_t from = *at;
    while (*at < s.n && !ends_name(s.p[*at]))
        (*at)++;
    struct alb_str name = alb_str_sub(s, from, *at - from);
    size_t colon = alb_str_rfind(name, ':');
    return colon == ALB_STR_NPOS ? name : alb_str_from(name, colon + 1);
}

static void check_value(struct alb_str name, struct alb_str value)
{
    char start[12] = "";
    size_t n = 0;
    for (size_t i = 0; i < value.n && n + 1 < sizeof(start); i++)
        if ((unsigned char)value.p[i] > ' ')
            start[n++] = alb_lower(value.p[i]);
    ALB_CHECK(!(name.n > 2 && alb_lower(name.p[0]) == 'o' && alb_lower(name.p[1]) == 'n'));
    ALB_CHECK(!alb_str_eq_ci(name, ALB_STR("href")) || strncmp(start, "javascript:", 11) != 0);
}

/* Everything between < and >. The writer puts attributes into double quotes, and those in them into entities. */
static void check_tag(struct alb_str tag)
{
    static const char *const gone[] = {"script", "foreignObject", "iframe", "object",
                                       "embed",  "handler",       "link"};
    size_t at = tag.n > 0 && tag.p[0] == '/';
    struct alb_str name = local_name(tag, &at);
    for (size_t i = 0; i < ALB_ARRAY_LEN(gone); i++)
        ALB_CHECK(!alb_str_eq_ci(name, alb_str_c(gone[i])));
    while (at < tag.n) {
        if (ends_name(tag.p[at])) {
            at++;
            continue;
        }
        name = local_name(tag, &at);
        size_t from = at + 2, end = alb_str_find(alb_str_from(tag, from), '"');
        ALB_CHECK(end != ALB_STR_NPOS);
        check_value(name, alb_str_sub(tag, from, end));
        at = from + end + 1;
    }
}

static void check_tags(struct alb_str text)
{
    size_t open = alb_str_find(text, '<');
    if (alb_str_starts(text, ALB_STR("<?xml")))
        text = alb_str_from(text, alb_str_find(text, '>') + 1);
    while ((open = alb_str_find(text, '<')) != ALB_STR_NPOS) {
        text = alb_str_from(text, open + 1);
        size_t end = 0;
        for (bool quoted = false; end < text.n && (quoted || text.p[end] != '>'); end++)
            quoted = quoted != (text.p[end] == '"');
        ALB_CHECK(end < text.n && text.p[0] != '!' && text.p[0] != '?');
        check_tag(alb_str_sub(text, 0, end));
        text = alb_str_from(text, end);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alb_buf once = ALB_BUF_INIT((size_t)4 << 20), twice = ALB_BUF_INIT((size_t)4 << 20);
    if (alb_svg_sanitise((struct alb_str){(const char *)data, size}, &once, NULL) == ALB_OK) {
        struct alb_str text = alb_buf_view(&once);
        check_tags(text);
        ALB_CHECK(alb_svg_sanitise(text, &twice, NULL) == ALB_OK);
        ALB_CHECK(alb_str_eq(text, alb_buf_view(&twice)));
    }
    alb_buf_fini(&once);
    alb_buf_fini(&twice);
    return 0;
}
