/* SPDX-License-Identifier: Apache-2.0
 *
 * IMGPROXY_*: every kind of value, what is wrong with it, files, and remarks.
 */
#include "imgproxy.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

static void defaults(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, NULL);
    assert_text(w.config->bind, ":8080");
    assert_int_equal(w.config->signature_size, 32);
    assert_int_equal(w.config->timeout, INT64_C(10000000000));
    assert_int_equal(w.config->ttl, 31536000);
    assert_true(w.config->allow_private && !w.config->allow_loopback && w.config->etag &&
                w.config->sanitize_svg);
    assert_int_equal(w.config->preferred_count, 3);
    assert_int_equal(w.config->last_modified_buster, INT64_MIN);
    assert_false(alb_imgproxy_config_signs(w.config));
    struct alb_imgproxy_config *again = alb_imgproxy_config_ref(w.config);
    alb_imgproxy_config_unref(again);
    alb_imgproxy_config_unref(NULL);
    assert_null(alb_imgproxy_config_ref(NULL));
    world_end(&w);
}

static void values(void **state)
{
    static const char *const env[] = {"HOME=/root",
                                      "NOEQUALS",
                                      "IMGPROXY_KEY=00ff, 0102",
                                      "IMGPROXY_SALT=aa,BB",
                                      "IMGPROXY_SIGNATURE_SIZE=12",
                                      "IMGPROXY_TRUSTED_SIGNATURES= a , b",
                                      "IMGPROXY_SECRET=s3cret",
                                      "IMGPROXY_TIMEOUT=30",
                                      "IMGPROXY_KEEP_ALIVE_TIMEOUT=0",
                                      "IMGPROXY_MAX_SRC_RESOLUTION=1.5",
                                      "IMGPROXY_QUALITY=90",
                                      "IMGPROXY_FORMAT_QUALITY=jpeg=70, avif = 40",
                                      "IMGPROXY_PREFERRED_FORMATS=webp,jpg,svg,webp",
                                      "IMGPROXY_SKIP_PROCESSING_FORMATS=gif, svg",
                                      "IMGPROXY_WEBP_PRESET=PHOTO",
                                      "IMGPROXY_LOG_LEVEL=Warn",
                                      "IMGPROXY_PATH_PREFIX=a/b/?x#y",
                                      "IMGPROXY_HEALTH_CHECK_PATH=/",
                                      "IMGPROXY_WATERMARK_OPACITY=0.5",
                                      "IMGPROXY_LAST_MODIFIED_BUSTER=2024-01-02T15:04:05Z",
                                      "IMGPROXY_USE_S3=true",
                                      "IMGPROXY_AUTOQUALITY_METHOD=dssim",
                                      "IMGPROXY_AUTOQUALITY_FORMAT_MAX=avif=50",
                                      "IMGPROXY_ENABLE_WEBP_DETECTION=1",
                                      "IMGPROXY_SOURCE_URL_ENCRYPTION_KEY=000102030405060708090a0b0c0d0e0f",
                                      "IMGPROXY_QUALITY_X=1",
                                      "IMGPROXY_BASE_URL= ",
                                      "IMGPROXY_DATADOG_ENABLE=true",
                                      "IMGPROXY_ALLOWED_PROCESSING_OPTIONS=w,widht",
                                      "IMGPROXY_IGNORE_SSL_VERIFICATION=t",
                                      "IMGPROXY_SOURCE_URL_QUERY_SEPARATOR=",
                                      "PORT=9000",
                                      "IMGPROXY_ALLOWED_SOURCES=https://a/, local://",
                                      "IMGPROXY_ALLOWED_INFO_OPTIONS=exif",
                                      "IMGPROXY_ONLY_PRESETS=1",
                                      NULL};
    struct alb_buf remarks = ALB_BUF_INIT(ALB_IMGPROXY_REMARKS_MAX);
    struct alb_imgproxy_config *c;
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    if (alb_imgproxy_config_from_env(env, &c, &remarks, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    assert_true(c->keys.count == 2 && c->keys.item[0].n == 2 && (unsigned char)c->keys.item[0].p[1] == 0xff);
    assert_true(c->salts.count == 2 && (unsigned char)c->salts.item[1].p[0] == 0xbb);
    assert_text(c->trusted.item[1], "b");
    assert_text(c->secret, "s3cret");
    assert_true(c->timeout == INT64_C(30000000000) && c->keep_alive == 0 &&
                c->limits.source_pixels == 1500000);
    assert_true(c->format_quality[ALB_IMGPROXY_JPEG] == 70 && c->format_quality[ALB_IMGPROXY_AVIF] == 40);
    assert_int_equal(c->format_quality[ALB_IMGPROXY_WEBP], 79); /* over the defaults */
    assert_true(c->preferred_count == 2 && c->preferred[0] == ALB_IMGPROXY_WEBP &&
                c->preferred[1] == ALB_IMGPROXY_JPEG);
    assert_int_equal(c->skip_formats,
                     ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_GIF) | ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_SVG));
    assert_int_equal(c->webp_preset, ALB_IMGPROXY_PRESET_PHOTO);
    assert_text(c->log_level, "warn");
    assert_text(c->path_prefix, "/a/b");
    assert_int_equal(c->health_path.n, 0);
    assert_near(c->watermark_opacity, 0.5);
    assert_int_equal(c->last_modified_buster, INT64_C(1704207845000));
    assert_true(c->use_s3 && c->auto_webp && c->autoquality.method == ALB_IMGPROXY_AQ_DSSIM);
    assert_int_equal(c->encryption_key.n, 16);
    assert_text(c->bind, ":9000");
    assert_true(c->query_separator.n == 0 && c->base_url.n == 0 && c->info_only_presets);
    const char *text = alb_buf_cstr(&remarks);
    static const char *const said[] = {"IMGPROXY_QUALITY_X is no variable",
                                       "IMGPROXY_DATADOG_ENABLE has no effect",
                                       "IMGPROXY_USE_S3",
                                       "\"widht\"",
                                       "IMGPROXY_IGNORE_SSL_VERIFICATION",
                                       "svg is not written"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(said); i++) {
        if (strstr(text, said[i]) == NULL)
            fail_msg("%s is not in %s", said[i], text);
    }
    assert_null(strstr(text, "exif"));
    assert_null(strstr(text, "PORT"));
    assert_null(strstr(text, "every signature passes"));
    alb_buf_fini(&remarks);
    alb_imgproxy_config_unref(c);
}

static void unwise(void **state)
{
    static const char *const env[] = {"IMGPROXY_SOURCE_URL_ENCRYPTION_KEY=000102030405060708090a0b0c0d0e0f",
                                      NULL};
    struct alb_buf remarks = ALB_BUF_INIT(ALB_IMGPROXY_REMARKS_MAX);
    struct alb_imgproxy_config *c;

    (void)state;
    assert_int_equal(alb_imgproxy_config_from_env(env, &c, &remarks, NULL), ALB_OK);
    assert_non_null(strstr(alb_buf_cstr(&remarks), "every signature passes"));
    assert_non_null(strstr(alb_buf_cstr(&remarks), "without keys"));
    alb_buf_fini(&remarks);
    alb_imgproxy_config_unref(c);
}

static void mistakes(void **state)
{
    static const char *const bad[] = {"KEY=0",
                                      "KEY=zz",
                                      "KEY=00",
                                      "SALT=00",
                                      "KEY=,",
                                      "SIGNATURE_SIZE=0",
                                      "SIGNATURE_SIZE=33",
                                      "SIGNATURE_SIZE=x",
                                      "QUALITY=0",
                                      "QUALITY=101",
                                      "QUALITY=1.5",
                                      "ARGUMENTS_SEPARATOR=/",
                                      "TIMEOUT=0",
                                      "TIMEOUT=5s",
                                      "TIMEOUT=-1",
                                      "TTL=-1",
                                      "MAX_SRC_RESOLUTION=0",
                                      "MAX_SRC_RESOLUTION=x",
                                      "MAX_SRC_RESOLUTION=1e20",
                                      "MAX_ANIMATION_FRAMES=0",
                                      "MAX_ANIMATION_FRAME_RESOLUTION=-1",
                                      "FORMAT_QUALITY=jpeg",
                                      "FORMAT_QUALITY=jpeg=0",
                                      "FORMAT_QUALITY=foo=5",
                                      "FORMAT_QUALITY=jpeg=x",
                                      "PREFERRED_FORMATS=foo",
                                      "PREFERRED_FORMATS=svg",
                                      "SKIP_PROCESSING_FORMATS=tif",
                                      "WEBP_PRESET=foo",
                                      "WEBP_PRESET=0123456789012345678901234567890123456789",
                                      "LOG_FORMAT=xml",
                                      "NETWORK=udp",
                                      "ALLOWED_SOURCES=https://a/,",
                                      "ALLOWED_SOURCES=example.com",
                                      "ALLOWED_SOURCES=:x",
                                      "ALLOWED_SOURCES=a/b:c",
                                      "URL_REPLACEMENTS=abc",
                                      "URL_REPLACEMENTS=*****************=a",
                                      "USE_ETAG=yes",
                                      "WATERMARK_OPACITY=0",
                                      "WATERMARK_OPACITY=1.1",
                                      "UNSHARP_MASKING_WEIGHT=0",
                                      "UNSHARP_MASKING_WEIGHT=NaN",
                                      "VIDEO_THUMBNAIL_SECOND=x",
                                      "FALLBACK_IMAGE_HTTP_CODE=99",
                                      "FALLBACK_IMAGE_HTTP_CODE=600",
                                      "LAST_MODIFIED_BUSTER=yesterday",
                                      "SOURCE_URL_ENCRYPTION_KEY=00",
                                      "SOURCE_URL_ENCRYPTION_KEY=zz",
                                      "PRESETS=abc",
                                      "PRESETS=a=w:x",
                                      "INFO_PRESETS=a=w:1",
                                      "PRESETS_PATH=/nonexistent/presets",
                                      "ENV_LOCAL_FILE_PATH=/nonexistent/env",
                                      "WORKERS=0",
                                      "MAX_REDIRECTS=-1",
                                      "JPEG_QUANT_TABLE=9",
                                      "AVIF_SPEED=10",
                                      "PROMETHEUS_BIND=:8080",
                                      "USE_S3=maybe",
                                      "BEST_FORMAT_COMPLEXITY_THRESHOLD=-1"};

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_imgproxy_config *c;
        struct alb_err err = ALB_ERR_INIT;
        char text[200], name[64];
        const char *const env[] = {text, NULL};
        (void)snprintf(text, sizeof(text), "IMGPROXY_%s", bad[i]);
        (void)snprintf(name, sizeof(name), "IMGPROXY_%.*s", (int)strcspn(bad[i], "="), bad[i]);
        if (alb_imgproxy_config_from_env(env, &c, NULL, &err) == ALB_OK)
            fail_msg("%s was taken", text);
        assert_null(c);
        if (strstr(err.msg, name) == NULL) /* the variable is named */
            fail_msg("%s: %s", text, err.msg);
    }
    static const char *const port[] = {"PORT=70000", NULL};
    struct alb_imgproxy_config *c;
    assert_int_not_equal(alb_imgproxy_config_from_env(port, &c, NULL, NULL), ALB_OK);
    static const char *const secret[] = {"IMGPROXY_KEY=0badzz", NULL};
    struct alb_err err = ALB_ERR_INIT;
    assert_int_not_equal(alb_imgproxy_config_from_env(secret, &c, NULL, &err), ALB_OK);
    assert_null(strstr(err.msg, "0bad")); /* of a key nothing is shown */
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static enum alb_code from_file(const char *path, const char *text, struct alb_imgproxy_config **c,
                               struct alb_err *err)
{
    char variable[200];
    const char *const env[] = {"IMGPROXY_QUALITY=10", variable, "IMGPROXY_PRESETS=a=w:1", NULL};

    alb_err_clear(err);
    write_file(path, text);
    (void)snprintf(variable, sizeof(variable), "IMGPROXY_ENV_LOCAL_FILE_PATH=%s", path);
    return alb_imgproxy_config_from_env(env, c, NULL, err);
}

static void files(void **state)
{
    char folder[] = "/tmp/alb-env-XXXXXX", path[64], presets[64], text[400];
    struct alb_imgproxy_config *c;
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/env", folder);
    (void)snprintf(presets, sizeof(presets), "%s/presets", folder);
    write_file(presets, "# mine\n\n sharp = sh:0.7 \r\na=w:2\n");
    (void)snprintf(text, sizeof(text),
                   "# comment\n\nexport IMGPROXY_QUALITY=20 # twenty\nIMGPROXY_BASE_URL='http://a/#b' # c\n"
                   "IMGPROXY_SECRET=\"a\\\"b\\nc\"\nOTHER=1\nIMGPROXY_PRESETS_PATH=%s\nIMGPROXY_TTL: 5\r\n",
                   presets);
    if (from_file(path, text, &c, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(c->quality, 20);
    assert_int_equal(c->ttl, 5);
    assert_text(c->base_url, "http://a/#b");
    assert_text(c->secret, "a\"b\nc");
    assert_int_equal(c->presets.count, 3);
    assert_text(alb_imgproxy_preset_find(&c->presets, ALB_STR("a"))->options, "w:2");
    assert_text(alb_imgproxy_preset_find(&c->presets, ALB_STR("sharp"))->options, "sh:0.7");
    alb_imgproxy_config_unref(c);
    static const char *const bad[] = {"IMGPROXY_QUALITY\n", "IMGPROXY_SECRET='a\n",
                                      "IMGPROXY_SECRET=\"a\" b\n", "\n\nIMGPROXY_SECRET=\"a\\"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        assert_int_equal(from_file(path, bad[i], &c, &err), ALB_E_INVALID);
        assert_non_null(strstr(err.msg, path));
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(presets), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void separators_of_presets(void **state)
{
    static const char *const env[] = {"IMGPROXY_PRESETS=a=w:1;b=h:2;", "IMGPROXY_PRESETS_SEPARATOR=;",
                                      "IMGPROXY_INFO_PRESETS=x=exif:0;;y=xmp:0", NULL};
    struct world w;

    (void)state;
    world_begin(&w, env);
    assert_int_equal(w.config->presets.count, 2);
    assert_int_equal(w.config->info_presets.count, 2);
    world_end(&w);
}

/* Wherever memory ends, it is said and nothing is left behind. */
static void memory_ends(void **state)
{
    static const char *const env[] = {"IMGPROXY_KEY=00",
                                      "IMGPROXY_SALT=00",
                                      "IMGPROXY_PRESETS=a=w:1",
                                      "PORT=5",
                                      "IMGPROXY_URL_REPLACEMENTS=a=b",
                                      "IMGPROXY_PATH_PREFIX=x",
                                      NULL};
    struct alb_imgproxy_config *c;
    enum alb_code code;
    unsigned n = 0;

    (void)state;
    do {
        struct alb_err err = ALB_ERR_INIT;
        alb_mem_fault(++n, true);
        code = alb_imgproxy_config_from_env(env, &c, NULL, &err);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        assert_int_equal(code == ALB_OK, !fired);
        assert_int_equal(c != NULL, code == ALB_OK);
    } while (code != ALB_OK && n < 100);
    alb_imgproxy_config_unref(c);
    assert_int_equal(code, ALB_OK);
}

static void too_much(void **state)
{
    static char many[ALB_IMGPROXY_CONFIG_MEMORY];
    const char *const env[] = {many, NULL};
    static const char *const starts[] = {
        "IMGPROXY_TRUSTED_SIGNATURES=", "IMGPROXY_URL_REPLACEMENTS=", "IMGPROXY_PRESETS="};
    static const char *const items[] = {"a,", "a=b;", "a=w:1,"};
    struct alb_imgproxy_config *c;

    (void)state;
    for (size_t k = 0; k < ALB_ARRAY_LEN(starts); k++) {
        size_t n = (size_t)snprintf(many, sizeof(many), "%s", starts[k]);
        for (int i = 0; i < 5000; i++)
            n += (size_t)snprintf(many + n, sizeof(many) - n, "%s", items[k]);
        assert_int_equal(alb_imgproxy_config_from_env(env, &c, NULL, NULL), ALB_E_INVALID);
    }
    memset(many, 'a', sizeof(many) - 1);
    memcpy(many, "IMGPROXY_SECRET=", 16);
    assert_int_equal(alb_imgproxy_config_from_env(env, &c, NULL, NULL), ALB_E_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),    cmocka_unit_test(values),   cmocka_unit_test(unwise),
        cmocka_unit_test(mistakes),    cmocka_unit_test(files),    cmocka_unit_test(separators_of_presets),
        cmocka_unit_test(memory_ends), cmocka_unit_test(too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
