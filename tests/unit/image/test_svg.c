/* SPDX-License-Identifier: Apache-2.0
 *
 * What of an SVG may reach a browser: by table, each row a drawing, what must be gone and what must have stayed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "image/general_svg.h"

#define HEAD "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">"

static const struct {
    const char *inside, *gone, *stays;
} table[] = {
    {"<rect width='3'/><script>evil()</script>", "evil", "<rect width=\"3\"/>"},
    {"<SCRIPT>evil()</SCRIPT><g/>", "evil", "<g/>"},
    {"<x:script xmlns:x='http://www.w3.org/2000/svg'>evil()</x:script><g/>", "evil", "<g/>"},
    {"<g><g><g><script href='evil'/></g></g></g><path/>", "evil", "<path/>"},
    {"<iframe src='evil'/><foreignObject><p>evil</p></foreignObject><FOREIGNOBJECT>evil</FOREIGNOBJECT>",
     "evil", "<svg"},
    {"<form action='evil'/><g/>", "evil", "<g/>"},
    {"<h:body xmlns:h='http://www.w3.org/1999/xhtml'>evil</h:body><g/>", "evil", "<g/>"},
    {"<rect onload='evil()' width='3'/>", "evil", "width=\"3\""},
    {"<rect ONCLICK='evil()' width='3'/>", "evil", "width=\"3\""},
    {"<rect onanythingnew='evil()'/>", "evil", "<rect/>"},
    {"<a href='javascript:evil()'><text>hi</text></a>", "evil", "<text>hi</text>"},
    {"<a xlink:href='JaVaScRiPt:evil()'/>", "evil", "<a/>"},
    {"<a href=' java&#10;script:evil()'/>", "evil", "<a/>"},
    {"<a href='x' xlink:href='&#9;vbscript:evil()'/>", "evil", "href=\"x\""},
    {"<text><![CDATA[<script>kept</script>]]></text>", "<script>", "&lt;script&gt;kept"},
    {"<a href='data:text/html,evil'/>", "evil", "<a/>"},
    {"<a href='https://example.com/'/>", NULL, "href=\"https://example.com/\""},
    {"<image href='data:image/png;base64,AAAA'/>", NULL, "data:image/png"},
    {"<image href='data:image/svg+xml,evil'/>", "evil", "<image/>"},
    {"<image xlink:href='data:text/html,evil'/>", "evil", "<image/>"},
    {"<image href='http://example.com/a.png'/>", NULL, "http://example.com/a.png"},
    {"<use href='#a'/>", NULL, "href=\"#a\""},
    {"<use xlink:href='http://example.com/evil.svg#a'/>", "evil", "<use/>"},
    {"<use href='evil.svg#a'/>", "evil", "<use/>"},
    {"<linearGradient href='http://evil/'/>", "evil", "<linearGradient/>"},
    {"<style>@import url(http://evil/);</style><g/>", "evil", "<g/>"},
    {"<style>@IMPORT 'http://evil/';</style><g/>", "evil", "<g/>"},
    {"<style>rect{fill:url( 'http://evil/' )}</style><g/>", "evil", "<g/>"},
    {"<style>rect{fill:u\\72l(http://evil/)}</style><g/>", "evil", "<g/>"},
    {"<style><![CDATA[rect{fill:url(http://evil/)}]]></style><g/>", "evil", "<g/>"},
    {"<style>rect{fill:url(#ok)}</style>", NULL, "url(#ok)"},
    {"<rect style='fill:url(//evil/)'/>", "evil", "<rect/>"},
    {"<rect style='fill:red'/>", NULL, "fill:red"},
    {"<rect fill='url(#ok)' filter='URL(http://evil/)'/>", "evil", "url(#ok)"},
    {"<rect fill=\"url('#ok')\"/>", NULL, "url('#ok')"},
    {"<set attributeName='href' to='javascript:evil()'/><g/>", "evil", "<g/>"},
    {"<animate attributeName=' xlink:HREF ' values='javascript:evil()'/><g/>", "evil", "<g/>"},
    {"<set attributeName='onclick' to='evil()'/><g/>", "evil", "<g/>"},
    {"<animate attributeName='width' to='3'/>", NULL, "attributeName=\"width\""},
    {"<?xml-stylesheet href='evil'?><g/>", "evil", "<g/>"},
    {"<!-- evil --><g/>", "evil", "<g/>"},
    {"<g xml:base='http://evil/'/>", "evil", "<g/>"},
    {"<a nobody:href='javascript:evil()'/>", "evil", "<a/>"}, /* prefixes that nobody declared */
    {"<nobody:script>evil()</nobody:script><g/>", "evil", "<g/>"},
    {"<g nobody:onclick='evil()'/>", "evil", "<g/>"},
    {"<text>a &lt;script&gt; b</text>", NULL, "a &lt;script&gt; b"},
};

static void clean(const char *source, enum alb_code code, struct alb_buf *out)
{
    struct alb_err err = ALB_ERR_INIT;
    alb_buf_reset(out);
    assert_int_equal(alb_svg_sanitise(alb_str_c(source), out, &err), code);
}

static void test_table(void **state)
{
    struct alb_buf out = ALB_BUF_INIT(65536);
    char source[2048];
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        (void)snprintf(source, sizeof(source), HEAD "%s</svg>", table[i].inside);
        clean(source, ALB_OK, &out);
        const char *text = alb_buf_cstr(&out);
        if (table[i].gone && strstr(text, table[i].gone))
            fail_msg("row %zu still has \"%s\": %s", i, table[i].gone, text);
        if (table[i].stays && !strstr(text, table[i].stays))
            fail_msg("row %zu has lost \"%s\": %s", i, table[i].stays, text);
    }
    alb_buf_fini(&out);
}

static void test_entities(void **state)
{
    struct alb_buf out = ALB_BUF_INIT(65536);
    (void)state;
    clean("<!DOCTYPE svg [<!ENTITY e '<script>evil()</script>'><!ENTITY n 'http://www.w3.org/2000/svg'>]>"
          "<svg xmlns='&n;'><g>&e;</g></svg>",
          ALB_OK, &out);
    assert_null(strstr(alb_buf_cstr(&out), "evil"));
    assert_null(strstr(alb_buf_cstr(&out), "ENTITY"));
    assert_non_null(strstr(alb_buf_cstr(&out), "http://www.w3.org/2000/svg"));
    clean("<!DOCTYPE svg [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><svg><text>&e;</text></svg>", ALB_OK,
          &out);
    assert_null(strstr(alb_buf_cstr(&out), "root:"));
    assert_null(strstr(alb_buf_cstr(&out), "passwd"));
    clean("<!DOCTYPE svg [<!ATTLIST rect onload CDATA 'evil()'>]><svg><rect/></svg>", ALB_OK, &out);
    assert_null(strstr(alb_buf_cstr(&out), "evil"));
    alb_buf_fini(&out);
}

static void test_refused(void **state)
{
    static const char *const sources[] = {
        "",
        "<svg",
        "<svg><g></svg>",
        "<html xmlns='http://www.w3.org/1999/xhtml'><svg/></html>",
        "plain text",
        "<!DOCTYPE s [<!ENTITY a "
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'>"
        "<!ENTITY b "
        "'&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
        "<!ENTITY c "
        "'&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>"
        "<!ENTITY d "
        "'&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
        "<!ENTITY e "
        "'&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>]>"
        "<svg>&e;</svg>"};
    struct alb_buf out = ALB_BUF_INIT(65536);
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sources); i++)
        clean(sources[i], ALB_E_UNPROCESSABLE, &out);
    alb_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_entities),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
