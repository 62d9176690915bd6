/* SPDX-License-Identifier: Apache-2.0
 *
 * IMGPROXY_* (doors/imgproxy): one variable per line, as environ or as a dotenv text. Nothing harms; what is refused
 * has its reason, and what is taken is within the ranges that the door relies on. Variables that name files are left
 * out.
 */
#include <string.h>

#include "base/check.h"
#include "doors/imgproxy/env.h"
#include "doors/imgproxy/env_priv.h"
#include "fuzz.h"

#define LINES_MAX 24
#define LINE_MAX_BYTES 600

static bool names_a_file(struct alb_str line)
{
    return alb_str_find_str(line, ALB_STR("PRESETS_PATH")) != ALB_STR_NPOS ||
           alb_str_find_str(line, ALB_STR("ENV_LOCAL_FILE_PATH")) != ALB_STR_NPOS;
}

static void check_config(const struct alb_imgproxy_config *c)
{
    ALB_CHECK(c->signature_size >= 1 && c->signature_size <= 32 && c->keys.count == c->salts.count);
    ALB_CHECK(c->quality >= 1 && c->quality <= 100 && c->separator.n > 0 && c->preferred_count > 0);
    ALB_CHECK(c->limits.source_pixels > 0 && c->limits.frames > 0 && c->limits.source_bytes >= 0);
    ALB_CHECK(c->timeout > 0 && c->download_timeout > 0 && c->ttl >= 0 && c->max_redirects >= 0);
    ALB_CHECK(c->watermark_opacity > 0 && c->watermark_opacity <= 1 && c->unsharp.divider > 0);
    ALB_CHECK(c->path_prefix.n == 0 || c->path_prefix.p[0] == '/');
    for (int f = 0; f < ALB_IMGPROXY_FORMATS; f++)
        ALB_CHECK(c->format_quality[f] <= 100);
    for (size_t i = 0; i < c->allowed_sources.count; i++)
        ALB_CHECK(c->allowed_sources.item[i].n > 0); /* an empty one would allow everything */
    ALB_CHECK(alb_imgproxy_config_check(c, NULL) == ALB_OK);
}

static void as_environment(struct alb_str text)
{
    static char room[LINES_MAX][LINE_MAX_BYTES];
    const char *envp[LINES_MAX + 1];
    struct alb_buf remarks = ALB_BUF_INIT(ALB_IMGPROXY_REMARKS_MAX);
    struct alb_imgproxy_config *c;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_str line;
    size_t n = 0;

    while (n < LINES_MAX && alb_str_next(&text, '\n', &line)) {
        if (!names_a_file(line) && alb_str_to_c(line, room[n], LINE_MAX_BYTES)) {
            envp[n] = room[n];
            n++;
        }
    }
    envp[n] = NULL;
    enum alb_code code = alb_imgproxy_config_from_env(envp, &c, &remarks, &err);
    ALB_CHECK((code == ALB_OK) == (err.msg[0] == '\0') && (code == ALB_OK) == (c != NULL));
    if (c != NULL)
        check_config(c);
    alb_imgproxy_config_unref(c);
    alb_buf_fini(&remarks);
}

static void as_file(struct alb_str text)
{
    struct alb_imgproxy_env e = {.config = alb_imgproxy_config_new()};
    struct alb_err err = ALB_ERR_INIT;

    ALB_CHECK(e.config != NULL);
    enum alb_code code = alb_imgproxy_env_text(&e, text, "file", &err);
    ALB_CHECK((code == ALB_OK) == (err.msg[0] == '\0'));
    alb_imgproxy_config_unref(e.config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool file = fuzz_take_byte(&data, &size) % 2 != 0;
    struct alb_str text = alb_str_n((const char *)data, size);

    if (file)
        as_file(text);
    else
        as_environment(text);
    return 0;
}
