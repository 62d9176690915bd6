/* SPDX-License-Identifier: Apache-2.0
 *
 * One log record per request, when it is over: who, what, how it ended, and where the time went. On the loop.
 * The path is logged without its query, which may hold keys.
 */
#include "base/stat.h"
#include "http/http_priv.h"

#define SLOW_NS (5 * ALB_NS_PER_S)
#define FIXED 15

static int final_status(const struct alb_req *r)
{
    if (r->answered && r->head_made)
        return r->res.status;
    return alb_code_status(r->gone_code != ALB_OK ? r->gone_code : ALB_E_CANCELLED);
}

static enum alb_log_level level_of(const struct alb_req *r, int status, int64_t total)
{
    if (status >= 500 && status != 503 && status != 504)
        return ALB_LOG_ERROR;
    if (status >= 500 || status == 429)
        return ALB_LOG_WARN;
    if (r->match.entry && (r->match.entry->route->flags & ALB_ROUTE_QUIET) && status < 400 && total < SLOW_NS)
        return ALB_LOG_DEBUG;
    return ALB_LOG_INFO;
}

static void write_record(const struct alb_req *r, enum alb_log_level level, int status, int64_t now)
{
    struct alb_log_field f[FIXED + ALB_REQ_LOG_FIELDS + 4];
    int64_t entry = r->t_entry ? r->t_entry : now;
    size_t n = 0;

    f[n++] = ALB_LOG_STR("id", alb_req_id(r));
    f[n++] = ALB_LOG_STR("client", alb_req_client(r));
    f[n++] = ALB_LOG_STR("method", r->head.method.p ? r->head.method : ALB_STR("-"));
    f[n++] = ALB_LOG_STR("path", r->head.path.p ? r->head.path : ALB_STR("-"));
    f[n++] = ALB_LOG_C("route", r->match.entry ? r->match.entry->route->pattern : "-");
    f[n++] = ALB_LOG_INT("status", status);
    f[n++] = ALB_LOG_UINT("in", r->in_seen + r->drained);
    f[n++] = ALB_LOG_UINT("out", r->bytes_out);
    f[n++] = ALB_LOG_MS("ms", now - r->t_first);
    f[n++] = ALB_LOG_MS("head_ms", r->t_head - r->t_first);
    f[n++] = ALB_LOG_MS("queue_ms", entry - r->t_head);
    if (r->steps > 0) {
        f[n++] = ALB_LOG_UINT("steps", r->steps);
        f[n++] = ALB_LOG_MS("step_ms", r->step_ns);
    }
    if (r->t_answer) {
        f[n++] = ALB_LOG_MS("answer_ms", r->t_answer - r->t_first);
        f[n++] = ALB_LOG_MS("send_ms", now - r->t_answer);
    }
    for (unsigned i = 0; i < r->log_n; i++)
        f[n++] = r->log[i];
    if (r->err.code != ALB_OK) {
        f[n++] = ALB_LOG_C("code", alb_code_name(r->err.code));
        f[n++] = ALB_LOG_C("at", r->err.where);
        f[n++] = ALB_LOG_C("message", r->err.msg);
    }
    f[n] = (struct alb_log_field){NULL, ALB_F_END, {.u = 0}};
    alb_log_write(level, "request", f);
}

/* In the words of the program that this one stands for. */
static void tell_ended(const struct alb_req *r, int status, int64_t now)
{
    const struct alb_http_voice *voice = r->server->config.voice;
    const struct alb_http_ended how = {.status = status,
                                       .gone = r->gone_code != ALB_OK || !r->answered,
                                       .total_ns = now - r->t_first,
                                       .send_ns = r->t_answer ? now - r->t_answer : 0,
                                       .fields = r->log,
                                       .field_count = r->log_n,
                                       .err = &r->err};
    voice->ended(voice->ctx, r, &how);
}

void alb_req_record(struct alb_req *r, int64_t now)
{
    enum alb_log_level level;
    int status;

    if (r->recorded || !r->t_head)
        return;
    r->recorded = true;
    alb_stat_observe(ALB_HIST_HTTP_REQUEST, now - r->t_first);
    status = final_status(r);
    if (r->server->config.voice) {
        tell_ended(r, status, now);
        return;
    }
    level = level_of(r, status, now - r->t_first);
    if (alb_log_on(level))
        write_record(r, level, status, now);
}
