/* SPDX-License-Identifier: Apache-2.0
 *
 * The style that a request adds to a drawing: where it goes, and that no text can leave it.
 */
#include "general_world.h"

static void expect(const char *svg, const char *style, const char *wanted)
{
    struct alb_buf out = ALB_BUF_INIT(10000);
    bool done = alb_svg_style(alb_str_c(svg), alb_str_c(style), &out);
    if (done != (wanted != NULL))
        fail_msg("%s: %s", svg, done ? alb_buf_cstr(&out) : "not styled");
    if (wanted)
        assert_string_equal(alb_buf_cstr(&out), wanted);
    alb_buf_fini(&out);
}

static void test_place(void **state)
{
    (void)state;
    expect("<svg><g/></svg>", "a{}", "<svg><style>a{}</style><g/></svg>");
    expect("\xef\xbb\xbf <svg\n x='1'>\n</svg>", "a", "\xef\xbb\xbf <svg\n x='1'><style>a</style>\n</svg>");
    expect("<?xml version='>'?><!-- <svg> --><svg a='>' b=\">'\"></svg>", "a",
           "<?xml version='>'?><!-- <svg> --><svg a='>' b=\">'\"><style>a</style></svg>");
    expect("<!DOCTYPE svg [<!ENTITY a '>'><!-- ]> ' -->]><svg>&a;</svg>", "a",
           "<!DOCTYPE svg [<!ENTITY a '>'><!-- ]> ' -->]><svg><style>a</style>&a;</svg>");
    expect("<x:svg></x:svg>", "a", "<x:svg><x:style>a</x:style></x:svg>");
    static const char *const nothing[] = {"",        "<svg/>",      "<svg a='/>'", "<svg",
                                          "text",    "<!-- <svg> ", "<!DOCTYPE [", "<?xml <svg>",
                                          "<a<b:c>", "<>x</>"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(nothing); i++)
        expect(nothing[i], "a", NULL);
}

static void test_cannot_be_left(void **state)
{
    (void)state;
    expect("<svg></svg>", "</style><script>&x;",
           "<svg><style>&lt;/style&gt;&lt;script&gt;&amp;x;</style></svg>");
    expect("<svg></svg>", "]]><!-- -->", "<svg><style>]]&gt;&lt;!-- --&gt;</style></svg>");
    expect("<svg></svg>",
           "\x01\x02"
           "a\x7f\n\xff\xc0\x80",
           "<svg><style>a\x7f\n</style></svg>");
    expect("<svg></svg>", "\xc3\xa4\xef\xbf\xbf\xf0\x9f\x8c\xb2",
           "<svg><style>&#228;&#127794;</style></svg>");
}

/* Red as it stands, blue by the style; in a drawing that says that it is Latin-1, too. */
static void test_drawn(void **state)
{
    static const char *const drawings[] = {
        "<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'><rect width='8' height='8' "
        "fill='red'/></svg>",
        "<?xml version='1.0' encoding='ISO-8859-1'?><!-- \xe4 --><s:svg xmlns:s='http://www.w3.org/2000/svg' "
        "width='8' height='8'><s:rect width='8' height='8' fill='red'/></s:svg>"};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(drawings); i++) {
        struct alb_load l = ALB_LOAD_INIT(ALB_TYPE_SVG, alb_str_c(drawings[i]));
        for (int styled = 0; styled < 2; styled++) {
            double *v;
            int n;
            l.style = styled ? ALB_STR("/* \xc3\xa4 > & */ rect { fill: blue }") : ALB_STR_NONE;
            VipsImage *image = alb_load_open(&l, NULL);
            assert_non_null(image);
            assert_int_equal(vips_getpoint(image, &v, &n, 4, 4, NULL), 0);
            assert_int_equal(n, 4);
            assert_true(v[styled ? 2 : 0] > 250 && v[styled ? 0 : 2] < 5);
            g_free(v);
            g_object_unref(image);
        }
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_cannot_be_left),
        cmocka_unit_test(test_drawn),
    };
    if (!begin(argv[0]))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vips_shutdown();
    return rc;
}
