/* SPDX-License-Identifier: Apache-2.0
 *
 * CSS that a request adds to a drawing: a <style> right behind the start tag of the root. Written as character data
 * with every special character escaped, so that no text can leave the element: not by "</style>", not by "]]>", and in
 * no encoding that has ASCII in it, because what is not ASCII becomes a reference. What the sandboxed renderer may
 * reach from CSS is what it may reach from the drawing: nothing.
 */
#include "image/load.h"

#include <string.h>

static bool at(struct alb_str s, size_t off, const char *mark)
{
    size_t n = strlen(mark);
    return off <= s.n && n <= s.n - off && memcmp(s.p + off, mark, n) == 0;
}

static size_t behind(struct alb_str s, size_t off, const char *mark)
{
    size_t found =
        off <= s.n ? alb_str_find_str(alb_str_sub(s, off, s.n - off), alb_str_c(mark)) : ALB_STR_NPOS;
    return found == ALB_STR_NPOS ? s.n : off + found + strlen(mark);
}

/* The next '>' outside quotes; of a document type also outside its subset, whose comments may hold anything. */
static size_t tag_end(struct alb_str s, size_t off, bool doctype)
{
    char quote = 0;
    bool subset = false;
    while (off < s.n) {
        char c = s.p[off];
        if (!quote && doctype && at(s, off, "<!--")) {
            off = behind(s, off + 4, "-->");
            continue;
        }
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (doctype && (c == '[' || c == ']'))
            subset = c == '[';
        else if (c == '>' && !subset)
            return off;
        off++;
    }
    return s.n;
}

/* Where the root element begins: behind blanks, declarations and comments. */
static size_t find_root(struct alb_str s)
{
    size_t off = at(s, 0, "\xef\xbb\xbf") ? 3 : 0;
    while (off < s.n) {
        if (strchr(" \t\r\n", s.p[off]))
            off++;
        else if (at(s, off, "<?"))
            off = behind(s, off + 2, "?>");
        else if (at(s, off, "<!--"))
            off = behind(s, off + 4, "-->");
        else if (at(s, off, "<!DOCTYPE"))
            off = tag_end(s, off + 9, true) + 1;
        else
            return s.p[off] == '<' ? off : s.n;
    }
    return s.n;
}

static void put_char(struct alb_buf *out, uint32_t c)
{
    if (c == 0xfffe || c == 0xffff)
        return; /* no characters of XML */
    if (c >= 0x80)
        alb_buf_printf(out, "&#%u;", c);
    else if (c == '<' || c == '>' || c == '&')
        alb_buf_c(out, c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;");
    else if (c >= ' ' || c == '\t' || c == '\n' || c == '\r')
        alb_buf_char(out, (char)c);
}

/* "svg:" of <svg:svg ...>: the style must be of the same namespace. False: no name that XML knows. */
static bool read_prefix(struct alb_str svg, size_t root, size_t end, struct alb_str *prefix)
{
    size_t at = root + 1;
    *prefix = ALB_STR_NONE;
    for (; at < end && !strchr(" \t\r\n/>", svg.p[at]); at++) {
        unsigned char c = (unsigned char)svg.p[at];
        if (c == ':')
            *prefix = alb_str_sub(svg, root + 1, at - root);
        else if (c < 0x80 && !g_ascii_isalnum((gchar)c) && !strchr("_-.", (char)c))
            return false;
    }
    return at > root + 1;
}

bool alb_svg_style(struct alb_str svg, struct alb_str style, struct alb_buf *out)
{
    struct alb_str prefix;
    size_t root = find_root(svg), end = root < svg.n ? tag_end(svg, root, false) : svg.n;
    if (end >= svg.n || svg.p[end - 1] == '/' ||
        !read_prefix(svg, root, end, &prefix)) /* no root, or an empty one */
        return false;
    alb_buf_add(out, svg.p, end + 1);
    alb_buf_printf(out, "<%.*sstyle>", (int)prefix.n, prefix.p);
    for (size_t i = 0; i < style.n;) {
        uint32_t c;
        size_t n = alb_utf8_next(alb_str_sub(style, i, style.n - i), &c);
        if (n > 0)
            put_char(out, c);
        i += n > 0 ? n : 1;
    }
    alb_buf_printf(out, "</%.*sstyle>", (int)prefix.n, prefix.p);
    alb_buf_add(out, svg.p + end + 1, svg.n - end - 1);
    return alb_buf_code(out) == ALB_OK;
}
