/* SPDX-License-Identifier: Apache-2.0
 *
 * Two lines per request, "Started" and "Completed in", with imgproxy's fields; and the counts of statuses. Health
 * checks and favicons are silent unless they fail.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/stat.h"
#include "doors/imgproxy/url.h"
#include "personality/imgproxy_priv.h"

#define FIELDS_MAX 16

enum alb_log_format alb_imgproxy_log_format(const struct alb_imgproxy_config *config, int fd)
{
    static const struct {
        const char *name;
        enum alb_log_format format;
    } names[] = {{"pretty", ALB_LOG_PRETTY},
                 {"structured", ALB_LOG_STRUCTURED},
                 {"json", ALB_LOG_SLOG},
                 {"gcp", ALB_LOG_GCP}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(names); i++)
        if (alb_str_eq_c(config->log_format, names[i].name))
            return names[i].format;
    return isatty(fd) ? ALB_LOG_PRETTY : ALB_LOG_STRUCTURED;
}

enum alb_log_level alb_imgproxy_log_level(const struct alb_imgproxy_config *config)
{
    if (alb_str_eq_c(config->log_level, "error"))
        return ALB_LOG_ERROR;
    if (alb_str_eq_c(config->log_level, "warn"))
        return ALB_LOG_WARN;
    return alb_str_eq_c(config->log_level, "debug") ? ALB_LOG_DEBUG : ALB_LOG_INFO;
}

/* ---- time ---- */

/* `n` in units of `unit`, with as many decimals as it takes. */
static void in_units(int64_t n, int64_t unit, const char *name, struct alb_buf *out)
{
    char decimals[16];
    int digits = 0;
    int64_t rest = n % unit;
    alb_buf_i64(out, n / unit);
    for (; rest > 0; digits++) {
        unit /= 10;
        decimals[digits] = (char)('0' + rest / unit);
        rest %= unit;
    }
    if (digits > 0) {
        alb_buf_char(out, '.');
        alb_buf_add(out, decimals, (size_t)digits);
    }
    alb_buf_c(out, name);
}

void alb_imgproxy_duration(int64_t ns, char out[32])
{
    const int64_t minute = 60 * ALB_NS_PER_S, hour = 60 * minute;
    struct alb_buf b = ALB_BUF_INIT(31);
    if (ns < 0)
        ns = 0;
    if (ns > 0 && ns < 1000)
        alb_buf_printf(&b, "%dns", (int)ns);
    else if (ns > 0 && ns < ALB_NS_PER_MS)
        in_units(ns, 1000, "µs", &b);
    else if (ns > 0 && ns < ALB_NS_PER_S)
        in_units(ns, ALB_NS_PER_MS, "ms", &b);
    else {
        if (ns >= hour)
            alb_buf_printf(&b, "%dh", (int)(ns / hour));
        if (ns >= minute)
            alb_buf_printf(&b, "%dm", (int)(ns % hour / minute));
        in_units(ns % minute, ALB_NS_PER_S, "s", &b);
    }
    (void)snprintf(out, 32, "%s", alb_buf_cstr(&b));
    alb_buf_fini(&b);
}

/* ---- lines ---- */

/* For logs alone, as imgproxy does: whoever asks may write these headers. */
static struct alb_str client_ip(const struct alb_req *req)
{
    struct alb_str ip = alb_req_header(req, "CF-Connecting-IP");
    if (ip.n == 0) {
        struct alb_str rest = alb_req_header(req, "X-Forwarded-For"), first;
        ip = rest.n > 0 && alb_str_next(&rest, ',', &first) ? alb_str_trim(first) : ip;
    }
    if (ip.n == 0)
        ip = alb_req_header(req, "X-Real-IP");
    return ip.n > 0 ? ip : alb_req_client(req);
}

static const char *method_name(const struct alb_req *req)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(names); i++)
        if (alb_req_method(req) == 1u << i)
            return names[i];
    return "-";
}

static bool is_silent(const struct alb_req *req)
{
    return alb_req_route(req) && (alb_req_route(req)->flags & ALB_ROUTE_QUIET);
}

static void begun(void *ctx, const struct alb_req *req)
{
    struct alb_imgproxy_service *s = ctx;
    struct alb_buf text = ALB_BUF_INIT(ALB_IMGPROXY_TARGET_MAX);
    if (!alb_imgproxy_is_page(s, alb_req_route(req)))
        atomic_fetch_add(&s->requests, 1);
    if (is_silent(req) || !alb_log_on(ALB_LOG_INFO))
        return;
    alb_buf_printf(&text, "Started " ALB_STR_FMT, ALB_STR_ARG(alb_req_target(req)));
    alb_log(ALB_LOG_INFO, alb_buf_cstr(&text), ALB_LOG_STR("request_id", alb_req_id(req)),
            ALB_LOG_C("method", method_name(req)), ALB_LOG_STR("client_ip", client_ip(req)));
    alb_buf_fini(&text);
}

static void say_completed(const struct alb_req *req, const struct alb_http_ended *how,
                          enum alb_log_level level)
{
    struct alb_log_field f[FIELDS_MAX];
    struct alb_buf text = ALB_BUF_INIT(ALB_IMGPROXY_TARGET_MAX);
    char took[32];
    size_t n = 0;
    alb_imgproxy_duration(how->total_ns, took);
    alb_buf_printf(&text, "Completed in %s " ALB_STR_FMT, took, ALB_STR_ARG(alb_req_target(req)));
    f[n++] = ALB_LOG_STR("request_id", alb_req_id(req));
    f[n++] = ALB_LOG_C("method", method_name(req));
    f[n++] = ALB_LOG_INT("status", how->status);
    f[n++] = ALB_LOG_STR("client_ip", client_ip(req));
    for (size_t i = 0; i < how->field_count && n < FIELDS_MAX - 3; i++)
        f[n++] = how->fields[i];
    if (how->err->code != ALB_OK) {
        f[n++] = ALB_LOG_C("error", how->err->msg);
        f[n++] = ALB_LOG_C("at", how->err->where);
    }
    f[n] = (struct alb_log_field){NULL, ALB_F_END, {.u = 0}};
    alb_log_write(level, alb_buf_cstr(&text), f);
    alb_buf_fini(&text);
}

static void ended(void *ctx, const struct alb_req *req, const struct alb_http_ended *how)
{
    struct alb_imgproxy_service *s = ctx;
    if (!alb_imgproxy_is_page(s, alb_req_route(req))) {
        if (how->status >= 0 && how->status < ALB_IMGPROXY_STATUS_MAX)
            atomic_fetch_add(&s->status[how->status], 1);
        alb_stat_observe(ALB_HIST_IMGPROXY, how->total_ns);
        if (!how->gone)
            alb_stat_observe(ALB_HIST_IMGPROXY_SEND, how->send_ns);
    }
    enum alb_log_level level = how->status >= 500   ? ALB_LOG_ERROR
                               : how->status >= 400 ? ALB_LOG_WARN
                                                    : ALB_LOG_INFO;
    if (alb_log_on(level) && !(is_silent(req) && how->status < 500))
        say_completed(req, how, level);
}

void alb_imgproxy_voice_init(struct alb_imgproxy_service *s)
{
    s->voice = (struct alb_http_voice){
        .ctx = s,
        .lines = alb_arena_printf(
            s->text,
            "Server: " ALB_STR_FMT "\r\n"
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src "
            "data:; sandbox\r\n",
            ALB_STR_ARG(s->config.config->server_name)),
        .error = alb_imgproxy_error_words,
        .begun = begun,
        .ended = ended};
}
