/* SPDX-License-Identifier: Apache-2.0
 *
 * The thumbor door at the root: who may ask, other servers, colours, uploads, files by hooks, what is told of pictures,
 * base parameters, and what is said when something is wrong.
 */
#include "thumbor_world.h"

#define UPLOAD "Content-Type: image/png\r\n"

static void assert_status(const char *answer, int status)
{
    if (status_of(answer) != status)
        fail_msg("%d is wanted: %.600s", status, answer);
}

static void assert_error(const char *answer, int status, const char *message)
{
    char body[256];
    assert_status(answer, status);
    (void)snprintf(body, sizeof(body), "{\"message\":\"%s\",\"status\":%d}", message, status);
    assert_string_equal(body_of(answer), body);
    assert_has(header_of(answer, "Content-Type"), "application/json");
    assert_has(header_of(answer, "Cache-Control"), "no-store");
    assert_string_equal(header_of(answer, "Expires"), "");
}

/* ---- who ---- */

static void who(void **state)
{
    char hash[ALB_THUMBOR_SIGNATURE_MAX + 1], path[512];
    (void)state;
    world.config.signer.secret[0] = ALB_STR("mysecret");
    world.config.signer.secrets = 1;
    open_door();
    const struct alb_str signed_path = ALB_STR("8x8/color:red");
    (void)alb_thumbor_sign(&world.config.signer, ALB_STR("mysecret"), signed_path, hash);
    (void)snprintf(path, sizeof(path), "/%s/8x8/color:red", hash);
    const char *answer = fetched(path);
    assert_status(answer, 200);
    assert_string_equal(
        header_of(answer, "Cache-Control"),
        "public, s-maxage=604800, max-age=604800, no-transform, stale-while-revalidate=86400");
    assert_has(header_of(answer, "Expires"), " GMT");
    (void)snprintf(path, sizeof(path), "/%s/9x8/color:red", hash);
    assert_error(fetched(path), 403, "url signature mismatch");
    size_t n = strlen(hash) - 1; /* its "=" as whoever escapes all of it sends it */
    (void)snprintf(path, sizeof(path), "/%.*s%%3D/8x8/color:red", (int)n, hash);
    assert_status(fetched(path), 200);
    (void)snprintf(path, sizeof(path), "/%.*s%%3D/9x8/color:red", (int)n, hash);
    assert_error(fetched(path), 403, "url signature mismatch");
    assert_status(fetched("/unsafe/8x8/color:red"), 200);
    assert_error(fetched("/8x8/color:red"), 403, "url signature mismatch");
    assert_status(ask_for("DELETE", "/unsafe/8x8/color:red", ""), 405);
}

static void not_unsafe(void **state)
{
    (void)state;
    world.config.allow_unsafe = false;
    open_door();
    assert_error(fetched("/unsafe/8x8/color:red"), 403, "url signature mismatch");
    /* an empty secret signs nothing: this is HMAC-SHA1 with the key "" */
    assert_error(fetched("/_j6eYwmrRKbW4vnE2QpsHhCkGcs=/8x8/color:red"), 403, "url signature mismatch");
    assert_status(ask_for("POST", "/unsafe/8x8/", UPLOAD "Content-Length: 0\r\n"), 405);
}

/* ---- colours ---- */

static void colours(void **state)
{
    static const struct {
        const char *path, *says;
    } table[] = {
        {"color:red", "\"format\":\"jpeg\",\"content_type\":\"image/jpeg\",\"width\":1,\"height\":1"},
        {"30x20/color:red", "\"width\":30,\"height\":20"},
        {"30x/COLOR:%23f00", "\"width\":30,\"height\":30"},
        {"x20/color:0000ff80", "\"width\":20,\"height\":20"},
        {"fit-in/30x20/filters:rotate(90)/color:blue", "\"width\":20,\"height\":30"},
        {"20000x10/color:blue", "\"width\":9999,\"height\":10"},
        {"5x5/filters:format(png)/color:none",
         "\"format\":\"png\",\"content_type\":\"image/png\",\"width\":5,"
         "\"height\":5,\"orientation\":0,\"pages\":1,\"bands\":4,\"exif\":{}"},
        {"5x5/filters:format(png)/color:f00", "\"bands\":3"},
        {"5x5/filters:format(png)/color:f0000080", "\"bands\":4"},
        {"5x5/filters:format(jp2)/color:f00", "\"format\":\"jp2k\",\"content_type\":\"image/jp2\""},
    };
    char path[256];
    (void)state;
    world.config.max_resolution = 1000000;
    open_door();
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        (void)snprintf(path, sizeof(path), "/unsafe/meta/%s", table[i].path);
        const char *answer = fetched(path);
        assert_status(answer, 200);
        assert_string_equal(header_of(answer, "Content-Type"), "application/json");
        assert_has(body_of(answer), table[i].says);
    }
    assert_error(fetched("/unsafe/1001x1000/color:red"), 422, "maximum resolution exceeded");
    assert_has(body_of(fetched("/unsafe/meta/9x9/filters:avgcolor():format(png)/color:336699")),
               "\"average_color\":{\"r\":51,\"g\":102,\"b\":153}");
    assert_has(body_of(fetched("/unsafe/meta/9x9/filters:avgcolor():format(png)/color:none")),
               "\"average_color\":{\"r\":255,\"g\":255,\"b\":255}");
}

/* ---- what is told ---- */

static void told(void **state)
{
    char tag[256], lines[512];
    (void)state;
    open_door();
    const char *answer = fetched("/unsafe/meta/8x8/filters:blurhash(4,3):thumbhash()/color:red");
    assert_status(answer, 200);
    assert_has(body_of(answer),
               "{\"format\":\"jpeg\",\"content_type\":\"image/jpeg\",\"width\":8,\"height\":8,"
               "\"orientation\":0,\"pages\":1,\"bands\":3,\"exif\":{");
    assert_has(body_of(answer), "},\"blurhash\":\"L");
    assert_has(body_of(answer), "\",\"thumbhash\":\"");
    (void)snprintf(tag, sizeof(tag), "%s", header_of(answer, "ETag"));
    assert_int_equal(tag[0], '"');
    (void)snprintf(lines, sizeof(lines), "If-None-Match: %s\r\n", tag);
    assert_status(ask_for("GET", "/unsafe/meta/8x8/filters:blurhash(4,3):thumbhash()/color:red", lines), 304);
    assert_status(ask_for("GET", "/unsafe/meta/8x8/filters:blurhash(4,4):thumbhash()/color:red", lines), 200);
    for (size_t i = 0; i < 4; i++) {
        static const char *const bad[] = {"blurhash(4)", "blurhash(0,3)", "blurhash(4,3,2)", "avgcolor(1)"};
        (void)snprintf(lines, sizeof(lines), "/unsafe/meta/8x8/filters:%s/color:red", bad[i]);
        assert_error(fetched(lines), 400,
                     i < 3 ? "blurhash(): two whole numbers from 1 to 9 are needed"
                           : "avgcolor(): it takes no arguments");
    }
    assert_has(body_of(fetched("/params/unsafe/8x8/a.jpg")), "\"image\": \"a.jpg\"");
    assert_status(ask_for("HEAD", "/unsafe/meta/8x8/color:red", ""), 200);
}

static void told_nothing(void **state)
{
    (void)state;
    world.config.disable_params = world.config.disable_error_body = true;
    open_door();
    const char *answer = fetched("/params/unsafe/8x8/a.jpg");
    assert_status(answer, 200);
    assert_string_equal(body_of(answer), "");
    answer = fetched("/8x8/a.jpg");
    assert_status(answer, 403);
    assert_string_equal(body_of(answer), "");
}

/* ---- other servers ---- */

static bool only_red(const void *ctx, struct alb_str url)
{
    (void)ctx;
    return alb_str_find_str(url, ALB_STR("/red.png")) != ALB_STR_NPOS;
}

static void servers(void **state)
{
    (void)state;
    world.config.http.max_bytes = 100;
    world.config.http.accept = ALB_STR("image/*, text/plain");
    open_door();
    const char *answer = from_wire("/unsafe/8x8/http://127.0.0.1:{port}/red.png");
    assert_status(answer, 200);
    assert_string_equal(header_of(answer, "Content-Type"), "image/png");
    assert_string_equal(header_of(answer, "Content-Disposition"), "inline");
    answer = from_wire("/unsafe/filters:attachment()/http://127.0.0.1:{port}/a/red.jpg%3Fx%3Dy/z");
    assert_string_equal(header_of(answer, "Content-Disposition"), "attachment; filename=\"red.png\"");
    assert_status(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/to/red.png"), 200);
    assert_error(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/missing"), 404, "Not Found");
    assert_error(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/status/503"), 503, "Service Unavailable");
    assert_error(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/status/204"), 404, "Not Found");
    assert_error(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/typed"), 406, "unsupported format");
    assert_error(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/text"), 406, "unsupported format");
    assert_error(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/cut"), 400, "maximum size exceeded");
    assert_error(fetched("/unsafe/8x8/http://127.0.0.1:1/red.png"), 404, "not found");
    assert_error(fetched("/unsafe/8x8/http://a%2520b/red.png"), 400, "invalid");
    assert_error(fetched("/unsafe/8x8/ftp://127.0.0.1/red.png"), 400, "invalid");
    answer = from_wire("/unsafe/filters:raw()/http://127.0.0.1:{port}/red.png");
    assert_status(answer, 200);
    assert_memory_equal(body_of(answer), world.png, sizeof(world.png));
    assert_has(header_of(answer, "Content-Security-Policy"), "default-src 'none'");
}

static void incomplete(void **state)
{
    (void)state;
    open_door();
    assert_error(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/cut"), 502, "source is incomplete");
}

static void allowed(void **state)
{
    char pattern[64];
    (void)state;
    (void)snprintf(pattern, sizeof(pattern), "127.*:%d", world.wire.port);
    const struct alb_str list[] = {alb_str_c(pattern), ALB_STR("*.example.com")};
    world.config.http.allowed = (struct alb_thumbor_list){list, 2};
    open_door();
    assert_status(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/red.png"), 200);
    assert_error(from_wire("/unsafe/8x8/http://localhost:{port}/red.png"), 403, "http source not allowed");
    /* and what a redirect leads to (wire: to localhost) */
    assert_error(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/to/red.png"), 403, "http source not allowed");
}

static void matched(void **state)
{
    (void)state;
    world.config.http.matches = only_red;
    open_door();
    assert_status(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/red.png"), 200);
    assert_error(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/blue.png"), 403, "http source not allowed");
}

static void blocked(void **state)
{
    struct alb_fetch_network network;
    (void)state;
    assert_true(alb_fetch_network_parse(ALB_STR("127.0.0.0/8"), &network));
    world.config.http.blocked = &network;
    world.config.http.blocked_count = 1;
    open_door();
    assert_error(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/red.png"), 403, "http source not allowed");
    assert_int_equal(atomic_load(&world.wire.requests), 0);
}

static void headers(void **state)
{
    const struct alb_str told_names[] = {ALB_STR("X-Ask")},
                         kept_names[] = {ALB_STR("Cache-Control"), ALB_STR("X-Thing"),
                                         ALB_STR("Content-Type")};
    char path[512];
    (void)state;
    world.config.http.forward = (struct alb_thumbor_list){told_names, 1};
    world.config.http.keep = (struct alb_thumbor_list){kept_names, 3};
    open_door();
    const char *answer = from_wire("/unsafe/8x8/filters:format(jpeg)/http://127.0.0.1:{port}/headed");
    assert_string_equal(header_of(answer, "Cache-Control"), "max-age=77");
    assert_string_equal(header_of(answer, "Expires"), "");
    assert_string_equal(header_of(answer, "X-Thing"), "t");
    assert_string_equal(header_of(answer, "Content-Type"), "image/jpeg");
    with_port("/unsafe/8x8/http://127.0.0.1:{port}/told", path);
    answer = ask_for("GET", path, "X-Ask: yes\r\n");
    assert_status(answer, 200);
    assert_has(header_of(answer, "Cache-Control"), "private"); /* it was asked for with somebody's header */
    assert_error(ask_for("GET", path, "X-Ask: no\r\n"), 401, "Unauthorized");
}

static void names(void **state)
{
    char base[64];
    (void)state;
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%d/to/", world.wire.port);
    world.config.http.base_url = alb_str_c(base);
    open_door();
    assert_status(fetched("/unsafe/8x8/red.png"), 200);
    assert_status(fetched("/unsafe/8x8/http://elsewhere.example/red.png"), 200);
    assert_int_equal(atomic_load(&world.wire.requests), 2); /* one address: kept; and where it led to */
}

/* ---- uploads ---- */

static const char *post(const char *path, const char *lines, const void *body, size_t n)
{
    char text[512];
    size_t got;
    int fd = dial();
    (void)snprintf(text, sizeof(text), "%sContent-Length: %zu\r\n", lines, n);
    ask(fd, "POST", path, text);
    if (n > 0)
        assert_int_equal(send(fd, body, n, MSG_NOSIGNAL), n);
    return answer_to(fd, &got);
}

static const char *post_form(const char *field, const char *type)
{
    static char body[2048];
    int n = snprintf(body, sizeof(body),
                     "--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b\r\n"
                     "Content-Disposition: form-data; name=\"%s\"; filename=\"a.png\"\r\n%s\r\n",
                     field, type);
    memcpy(body + n, world.png, sizeof(world.png));
    memcpy(body + n + sizeof(world.png), "\r\n--b--\r\n", 9);
    return post("/unsafe/8x8/", "Content-Type: multipart/form-data; boundary=b\r\n", body,
                (size_t)n + sizeof(world.png) + 9);
}

static void uploads(void **state)
{
    static char big[3000];
    (void)state;
    world.config.upload.on = true;
    world.config.upload.max_bytes = 1000;
    open_door();
    const char *answer = post("/unsafe/meta/9x5/passed/over.jpg", UPLOAD, world.png, sizeof(world.png));
    assert_status(answer, 200);
    assert_has(body_of(answer), "\"format\":\"png\",\"content_type\":\"image/png\",\"width\":9,\"height\":5");
    assert_status(post_form("image", "Content-Type: image/png\r\n"), 200);
    assert_error(post_form("image", ""), 400, "invalid");
    assert_error(post_form("image", "Content-Type: text/plain\r\n"), 406, "unsupported format");
    assert_error(post_form("picture", "Content-Type: image/png\r\n"), 400, "invalid");
    assert_error(post("/unsafe/8x8/", "", world.png, sizeof(world.png)), 400, "invalid");
    assert_error(post("/unsafe/8x8/", UPLOAD, "", 0), 400, "invalid");
    assert_error(post("/unsafe/8x8/", "Content-Type: text/html\r\n", world.png, sizeof(world.png)), 406,
                 "unsupported format");
    assert_error(post("/unsafe/8x8/", UPLOAD, "no picture, but a text", 22), 406, "unsupported format");
    assert_error(post("/unsafe/8x8/", UPLOAD, big, sizeof(big)), 400, "maximum size exceeded");
    assert_error(post("/8x8/", UPLOAD, world.png, sizeof(world.png)), 403, "url signature mismatch");
    answer = fetched("/unsafe/8x8/");
    assert_status(answer, 200);
    assert_has(header_of(answer, "Content-Type"), "text/html");
    assert_has(body_of(answer), "name=\"image\"");
    assert_status(fetched("/8x8/"), 403);
}

/* ---- files ---- */

static void hooks_reset(void)
{
    hooks.loads = hooks.saves = hooks.looks = hooks.keeps = 0;
    hooks.has_result = false;
    hooks.result_code = ALB_OK;
}

static void files(void **state)
{
    (void)state;
    hooks_reset();
    world.files = (struct alb_thumbor_files){NULL, fake_load, fake_save, fake_load_result, fake_save_result};
    open_door();
    assert_status(fetched("/unsafe/8x8/here.png"), 200);
    assert_string_equal(hooks.looked, "8x8/here.png");
    assert_string_equal(hooks.kept, "8x8/here.png");
    assert_int_equal(hooks.saves, 0); /* it lies here already */
    assert_error(fetched("/unsafe/8x8/secret.png"), 400, "invalid");
    assert_error(fetched("/unsafe/8x8/text.png"), 406, "unsupported format");
    assert_status(from_wire("/unsafe/8x8/http://127.0.0.1:{port}/red.png"), 200);
    assert_has(hooks.saved, "/red.png");
    assert_int_equal(hooks.saves, 1);
    assert_status(fetched("/unsafe/filters:attachment(a.png):expire(9000000000000):max_age(5)/here.png"),
                  200);
    assert_string_equal(hooks.kept, "here.png"); /* what only says how it is sent is no part of it */
    unsigned keeps = hooks.keeps, looks = hooks.looks;
    assert_status(fetched("/unsafe/7x7/filters:preview()/here.png"), 200);
    assert_status(fetched("/unsafe/filters:raw()/here.png"), 200);
    assert_int_equal(hooks.keeps, keeps);
    assert_int_equal(hooks.looks, looks);
    assert_status(fetched("/unsafe/meta/7x7/here.png"), 200);
    assert_string_equal(hooks.kept, "meta/7x7/here.png");
    assert_has(hooks.kept_bytes, "\"width\":7");
    hooks.has_result = true;
    const char *answer = fetched("/unsafe/3x3/here.png");
    assert_status(answer, 200);
    assert_memory_equal(body_of(answer), world.png, sizeof(world.png));
    assert_string_equal(header_of(answer, "Content-Type"), "image/png");
    assert_int_equal(header_of(answer, "ETag")[0], '"');
    assert_int_equal(hooks.keeps, keeps + 1);
    hooks.has_result = false;
    hooks.result_code = ALB_E_NOT_FOUND;
    assert_status(fetched("/unsafe/3x3/here.png"), 200);
    hooks.result_code = ALB_E_IO;
    assert_error(fetched("/unsafe/3x3/here.png"), 500, "internal error");
}

static void base(void **state)
{
    char hash[ALB_THUMBOR_SIGNATURE_MAX + 1], path[512];
    (void)state;
    hooks_reset();
    world.config.signer.secret[0] = ALB_STR("s");
    world.config.signer.secrets = 1;
    world.config.allow_unsafe = false;
    world.config.auto_webp = true;
    world.config.base_params = ALB_STR("30x0/filters:grayscale()/");
    world.files = (struct alb_thumbor_files){NULL, fake_load, fake_save, fake_load_result, fake_save_result};
    open_door();
    (void)alb_thumbor_sign(&world.config.signer, ALB_STR("s"), ALB_STR("meta/8x8/filters:blur(1)/here.png"),
                           hash);
    (void)snprintf(path, sizeof(path), "/%s/meta/8x8/filters:blur(1)/here.png", hash);
    const char *answer = ask_for("GET", path, "Accept: image/webp,*/*\r\n");
    assert_status(answer, 200); /* signed without them */
    assert_has(body_of(answer),
               "\"format\":\"webp\",\"content_type\":\"image/webp\",\"width\":30,\"height\":30");
    assert_string_equal(header_of(answer, "Vary"), "Accept");
    assert_string_equal(hooks.kept, "meta/30x0/filters:blur(1):grayscale():format(webp)/here.png");
    answer = ask_for("GET", path, "Accept: text/html\r\n");
    assert_has(body_of(answer), "\"format\":\"png\"");
    assert_string_equal(hooks.kept, "meta/30x0/filters:blur(1):grayscale()/here.png");
}

static void tag_of(const char *path, char out[128])
{
    const char *answer = fetched(path);
    assert_status(answer, 200);
    (void)snprintf(out, 128, "%s", header_of(answer, "ETag"));
    assert_int_equal(out[0], '"');
}

static void purge(const char *label)
{
    struct alb_err err = ALB_ERR_INIT;
    uint64_t number;
    assert_int_equal(alb_render_purge(world.render, alb_str_c(label), false, ALB_STR_NONE, &number, &err),
                     ALB_OK);
}

/* By the URL that people know: as it is signed, without what the operator has on top of it. */
static void purged_by_url(void **state)
{
    char before[128], after[128];
    (void)state;
    world.config.base_params = ALB_STR("30x0/filters:grayscale()/");
    open_door();
    tag_of("/unsafe/8x8/color:red", before);
    purge("u:30x0/filters:grayscale()/");
    purge("u:30x0/filters:grayscale()/color%3Ared");
    purge("u:9x8/color:red");
    tag_of("/unsafe/8x8/color:red", after);
    assert_string_equal(after, before);
    purge("u:8x8/color:red");
    tag_of("/unsafe/8x8/color:red", after);
    assert_string_not_equal(after, before);
}

/* ---- what goes wrong ---- */

static void raw_instead(void **state)
{
    static unsigned char broken[600];
    size_t n;
    (void)state;
    world.config.raw_on_error = world.config.upload.on = true;
    open_door();
    memcpy(broken, world.png, 40); /* a PNG that ends in nothing */
    int fd = dial();
    ask(fd, "POST", "/unsafe/8x8/", UPLOAD "Content-Length: 600\r\n");
    assert_int_equal(send(fd, broken, sizeof(broken), MSG_NOSIGNAL), sizeof(broken));
    const char *answer = answer_to(fd, &n);
    assert_status(answer, 406);
    assert_string_equal(header_of(answer, "Content-Type"), "image/png");
    assert_memory_equal(body_of(answer), broken, sizeof(broken));
    assert_string_equal(header_of(answer, "Cache-Control"), "no-store");
}

static void query(void **state)
{
    (void)state;
    world.config.strip_query = true;
    open_door();
    const char *answer = fetched("/unsafe/8x8/color:red?a=b");
    assert_status(answer, 307);
    assert_string_equal(header_of(answer, "Location"), "/unsafe/8x8/color:red");
    assert_string_equal(header_of(fetched("//evil.example/x?a"), "Location"), "/evil.example/x");
    assert_status(fetched("/unsafe/8x8/color:red"), 200);
}

static void answers(void **state)
{
    char lines[512];
    (void)state;
    open_door();
    const char *answer = fetched("/unsafe/8x8/color:red");
    (void)snprintf(lines, sizeof(lines), "If-None-Match: \"x\", W/%s\r\n", header_of(answer, "ETag"));
    assert_status(ask_for("GET", "/unsafe/8x8/color:red", lines), 304);
    assert_status(ask_for("GET", "/unsafe/8x9/color:red", lines), 200);
    assert_status(ask_for("GET", "/unsafe/8x8/color:red", "Range: bytes=0-3\r\n"), 206);
    answer = ask_for("GET", "/unsafe/8x8/color:red", "Imagor-Raw: 1\r\nImagor-Auto-Format: 1\r\n");
    assert_string_equal(header_of(answer, "Vary"), ""); /* nobody's word but the URL's */
    assert_string_equal(header_of(answer, "Content-Type"), "image/jpeg");
    assert_error(fetched("/unsafe/filters:expire(1)/color:red"), 410, "expired");
    assert_error(fetched("/unsafe/8x8/"), 404, "not found");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who, setup, teardown),
        cmocka_unit_test_setup_teardown(not_unsafe, setup, teardown),
        cmocka_unit_test_setup_teardown(colours, setup, teardown),
        cmocka_unit_test_setup_teardown(told, setup, teardown),
        cmocka_unit_test_setup_teardown(told_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(servers, setup, teardown),
        cmocka_unit_test_setup_teardown(incomplete, setup, teardown),
        cmocka_unit_test_setup_teardown(allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(matched, setup, teardown),
        cmocka_unit_test_setup_teardown(blocked, setup, teardown),
        cmocka_unit_test_setup_teardown(headers, setup, teardown),
        cmocka_unit_test_setup_teardown(names, setup, teardown),
        cmocka_unit_test_setup_teardown(uploads, setup, teardown),
        cmocka_unit_test_setup_teardown(files, setup, teardown),
        cmocka_unit_test_setup_teardown(base, setup, teardown),
        cmocka_unit_test_setup_teardown(purged_by_url, setup, teardown),
        cmocka_unit_test_setup_teardown(raw_instead, setup, teardown),
        cmocka_unit_test_setup_teardown(query, setup, teardown),
        cmocka_unit_test_setup_teardown(answers, setup, teardown),
    };
    assert_true(argc > 1);
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
