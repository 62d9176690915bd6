/* SPDX-License-Identifier: Apache-2.0 */
#include "image/general_svg.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>
#include <string.h>

#define VALUE_MAX ((size_t)16 << 20)

static struct alb_str view(const xmlChar *p)
{
    return alb_str_c((const char *)p);
}

/* Behind the last colon: libxml2 keeps a prefix that nobody declared in the name itself. */
static struct alb_str local(struct alb_str name)
{
    size_t colon = alb_str_rfind(name, ':');
    return colon == ALB_STR_NPOS ? name : alb_str_from(name, colon + 1);
}

static bool is_one_of(struct alb_str name, const char *const *list)
{
    for (; *list; list++)
        if (alb_str_eq_ci(name, alb_str_c(*list)))
            return true;
    return false;
}

/* ---- text that a browser would read as an address or as CSS ---- */

/* Lower case, without what browsers leave out of addresses: blanks and control characters. */
static void squeeze(struct alb_str s, struct alb_buf *out)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] > 0x20 && s.p[i] != 0x7f)
            alb_buf_char(out, alb_lower(s.p[i]));
}

static bool has_scheme(struct alb_str s)
{
    size_t colon = alb_str_find(s, ':');
    for (size_t i = 0; i < s.n && i < colon; i++)
        if (strchr("/?#", s.p[i]))
            return false;
    return colon != ALB_STR_NPOS;
}

static bool is_picture_data(struct alb_str s)
{
    static const char *const kinds[] = {"data:image/png", "data:image/jpeg", "data:image/jpg",
                                        "data:image/gif", "data:image/webp", "data:image/avif"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        struct alb_str kind = alb_str_c(kinds[i]);
        if (alb_str_starts(s, kind) && s.n > kind.n && (s.p[kind.n] == ';' || s.p[kind.n] == ','))
            return true;
    }
    return false;
}

/* `s` squeezed. Pictures may be data or lie elsewhere, links may lead elsewhere, everything else stays inside. */
static bool is_good_address(struct alb_str element, struct alb_str s)
{
    static const char *const pictures[] = {"image", "feImage", NULL};
    static const char *const links[] = {"a", NULL};
    bool picture = is_one_of(element, pictures);
    if (s.n == 0 || s.p[0] == '#')
        return true;
    if (!picture && !is_one_of(element, links))
        return false;
    if (alb_str_starts(s, ALB_STR("http://")) || alb_str_starts(s, ALB_STR("https://")) || !has_scheme(s))
        return true;
    return picture && is_picture_data(s);
}

static bool has(struct alb_str s, const char *what)
{
    return alb_str_find_str(s, alb_str_c(what)) != ALB_STR_NPOS;
}

/* `s` squeezed: CSS, or an attribute that may hold a url(). Backslashes could write any of these words in another
 * way. */
/* Behind "url". */
static bool is_good_url(struct alb_str s)
{
    if (s.n == 0 || s.p[0] != '(')
        return s.n == 0 || s.p[0] != '\\';
    s = alb_str_from(s, 1);
    if (s.n > 0 && (s.p[0] == '"' || s.p[0] == '\''))
        s = alb_str_from(s, 1);
    return s.n > 0 && (s.p[0] == '#' || is_picture_data(s));
}

static bool is_good_style(struct alb_str s, bool css)
{
    static const char *const bad[] = {
        "@import", "expression(", "-moz-binding", "behavior:", "javascript:", "image-set(", "src(", "\\"};
    size_t at;
    for (size_t i = 0; css && i < ALB_ARRAY_LEN(bad); i++)
        if (has(s, bad[i]))
            return false;
    while ((at = alb_str_find_str(s, ALB_STR("url"))) != ALB_STR_NPOS) {
        s = alb_str_from(s, at + 3);
        if (!is_good_url(s))
            return false;
    }
    return true;
}

/* ---- attributes ---- */

static bool is_handler(struct alb_str name)
{
    return name.n > 2 && alb_lower(name.p[0]) == 'o' && alb_lower(name.p[1]) == 'n';
}

static bool is_good_attribute(struct alb_str element, struct alb_str name, struct alb_str value)
{
    static const char *const addresses[] = {"href", "src",    "action", "formaction",
                                            "data", "poster", "ping",   NULL};
    struct alb_buf squeezed = ALB_BUF_INIT(VALUE_MAX);
    bool good = true;
    if (is_handler(name) || alb_str_eq_ci(name, ALB_STR("base")) || alb_str_eq_ci(name, ALB_STR("srcdoc")))
        return false;
    squeeze(value, &squeezed);
    if (is_one_of(name, addresses))
        good = is_good_address(element, alb_buf_view(&squeezed));
    else
        good = is_good_style(alb_buf_view(&squeezed), alb_str_eq_ci(name, ALB_STR("style")));
    good = good && alb_buf_code(&squeezed) == ALB_OK;
    alb_buf_fini(&squeezed);
    return good;
}

static bool clean_attributes(xmlNode *node)
{
    for (xmlAttr *a = node->properties, *next; a; a = next) {
        next = a->next;
        xmlChar *value = xmlNodeListGetString(node->doc, a->children, 1);
        if (!value && a->children)
            return false; /* no memory: nobody has looked at it */
        if (!is_good_attribute(local(view(node->name)), local(view(a->name)), view(value)))
            (void)xmlRemoveProp(a);
        xmlFree(value);
    }
    return true;
}

/* ---- elements ---- */

static bool is_foreign(const xmlNode *node)
{
    return node->ns && node->ns->href && has(view(node->ns->href), "/xhtml");
}

/* An animation of a link or a handler is the same as having it. */
static bool animates_danger(const xmlNode *node)
{
    static const char *const animations[] = {"animate",       "set",          "animateTransform",
                                             "animateMotion", "animateColor", NULL};
    bool danger = false;
    if (!is_one_of(local(view(node->name)), animations))
        return false;
    for (const xmlAttr *a = node->properties; a && !danger; a = a->next) {
        if (!alb_str_eq_ci(local(view(a->name)), ALB_STR("attributeName")))
            continue;
        xmlChar *value = xmlNodeListGetString(node->doc, a->children, 1);
        struct alb_str name = local(alb_str_trim(view(value)));
        danger = !value || is_handler(name) || alb_str_eq_ci(name, ALB_STR("href")) ||
                 alb_str_eq_ci(name, ALB_STR("style"));
        xmlFree(value);
    }
    return danger;
}

static bool is_bad_sheet(xmlNode *node)
{
    struct alb_buf squeezed = ALB_BUF_INIT(VALUE_MAX);
    if (!alb_str_eq_ci(local(view(node->name)), ALB_STR("style")))
        return false;
    xmlChar *text = xmlNodeGetContent(node);
    squeeze(view(text), &squeezed);
    bool bad = !text || alb_buf_code(&squeezed) != ALB_OK || !is_good_style(alb_buf_view(&squeezed), true);
    alb_buf_fini(&squeezed);
    xmlFree(text);
    return bad;
}

static bool must_go(xmlNode *node)
{
    static const char *const gone[] = {"script", "iframe",   "frame",  "foreignObject",  "form",
                                       "object", "embed",    "audio",  "video",          "canvas",
                                       "link",   "meta",     "base",   "handler",        "listener",
                                       "portal", "template", "applet", "xml-stylesheet", NULL};
    if (node->type != XML_ELEMENT_NODE) /* instructions, comments, references, declarations */
        return node->type != XML_TEXT_NODE && node->type != XML_CDATA_SECTION_NODE;
    return is_one_of(local(view(node->name)), gone) || is_foreign(node) || animates_danger(node) ||
           is_bad_sheet(node);
}

/* The next node in the order of the document, not below this one. */
static xmlNode *behind(const xmlNode *node, const xmlDoc *doc)
{
    while (node && !node->next) {
        node = node->parent;
        if (node == (const xmlNode *)doc)
            return NULL;
    }
    return node ? node->next : NULL;
}

/* Text that was written in another way: as text, so that what looks like a tag in the result is one. */
static xmlNode *as_text(xmlNode *node)
{
    xmlNode *text = node->type == XML_CDATA_SECTION_NODE ? xmlNewDocText(node->doc, node->content) : NULL;
    if (!text)
        return node->type == XML_CDATA_SECTION_NODE ? NULL : node;
    (void)xmlReplaceNode(node, text);
    xmlFreeNode(node);
    return text;
}

static bool clean(xmlDoc *doc)
{
    xmlNode *node = doc->children;
    while (node) {
        if (must_go(node)) {
            xmlNode *next = behind(node, doc);
            xmlUnlinkNode(node);
            if (node == (xmlNode *)doc->intSubset)
                doc->intSubset = NULL;
            if (node->type == XML_DTD_NODE)
                xmlFreeDtd((xmlDtd *)node);
            else
                xmlFreeNode(node);
            node = next;
            continue;
        }
        node = as_text(node);
        if (!node || (node->type == XML_ELEMENT_NODE && !clean_attributes(node)))
            return false;
        node = node->type == XML_ELEMENT_NODE && node->children ? node->children : behind(node, doc);
    }
    return true;
}

/* ---- the whole ---- */

static xmlParserInput *load_nothing(const char *url, const char *id, xmlParserCtxt *context)
{
    (void)url;
    (void)id;
    (void)context;
    return NULL;
}

static bool is_svg(xmlDoc *doc)
{
    const xmlNode *root = xmlDocGetRootElement(doc);
    return root && alb_str_eq_c(view(root->name), "svg") && !is_foreign(root);
}

static enum alb_code write_out(xmlDoc *doc, struct alb_buf *out, struct alb_err *err)
{
    xmlChar *text = NULL;
    int n = 0;
    xmlDocDumpFormatMemoryEnc(doc, &text, &n, "UTF-8", 0);
    if (!text || n <= 0)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to write an SVG");
    alb_buf_add(out, text, (size_t)n);
    xmlFree(text);
    return alb_buf_code(out) == ALB_OK ? ALB_OK : alb_fail(err, alb_buf_code(out), "an SVG to be sent");
}

enum alb_code alb_svg_sanitise(struct alb_str source, struct alb_buf *out, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    if (source.n > INT_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "an SVG of more than 2 GB");
    xmlSetExternalEntityLoader(load_nothing);
    xmlDoc *doc = xmlReadMemory(source.p, (int)source.n, NULL, NULL,
                                XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!doc)
        return alb_fail(err, ALB_E_UNPROCESSABLE, "not well-formed");
    if (!is_svg(doc))
        code = alb_fail(err, ALB_E_UNPROCESSABLE, "the root is no <svg>");
    else if (!clean(doc) || !is_svg(doc))
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory to look through an SVG");
    else
        code = write_out(doc, out, err);
    xmlFreeDoc(doc);
    return code;
}
