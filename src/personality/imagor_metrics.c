/* SPDX-License-Identifier: Apache-2.0
 *
 * imagor's one metric, with the bounds of Go's client, on a port of its own; what our folders do, and albumen's own
 * metrics follow.
 */
#include "base/stat.h"
#include "personality/imagor_priv.h"
#include "render/books.h"

#define METRICS_MAX ((size_t)1 << 20)

static const struct {
    const char *text;
    int64_t ns;
} bounds[ALB_IMAGOR_BOUNDS] = {
    {"0.005", 5000000},  {"0.01", 10000000},  {"0.025", 25000000}, {"0.05", 50000000},
    {"0.1", 100000000},  {"0.25", 250000000}, {"0.5", 500000000},  {"1", 1000000000},
    {"2.5", 2500000000}, {"5", 5000000000},   {"10", 10000000000},
};

void alb_imagor_count(struct alb_imagor_service *s, int status, const char *method, int64_t ns)
{
    alb_mutex_lock(&s->mtx);
    size_t i = 0;
    while (i < s->tallies && (s->tally[i].status != status || s->tally[i].method != method))
        i++;
    if (i == s->tallies && i < ALB_IMAGOR_TALLIES)
        s->tally[s->tallies++] = (struct alb_imagor_tally){.status = status, .method = method};
    if (i < ALB_IMAGOR_TALLIES) {
        struct alb_imagor_tally *t = &s->tally[i];
        t->count++;
        t->sum_ns += ns;
        for (size_t b = 0; b < ALB_IMAGOR_BOUNDS; b++)
            t->bucket[b] += ns <= bounds[b].ns ? 1 : 0;
    }
    alb_mutex_unlock(&s->mtx);
}

static void put_tally(const struct alb_imagor_tally *t, const char *name, struct alb_buf *out)
{
    char labels[64];
    struct alb_buf text = ALB_BUF_INIT(sizeof(labels));
    alb_buf_printf(&text, "code=\"%d\",method=\"%s\"", t->status, t->method);
    const char *l = alb_buf_cstr(&text);
    for (size_t b = 0; b < ALB_IMAGOR_BOUNDS; b++)
        alb_buf_printf(out, "%s_bucket{%s,le=\"%s\"} %llu\n", name, l, bounds[b].text,
                       (unsigned long long)t->bucket[b]);
    alb_buf_printf(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n%s_sum{%s} %lld.%09lld\n%s_count{%s} %llu\n", name,
                   l, (unsigned long long)t->count, name, l, (long long)(t->sum_ns / ALB_NS_PER_S),
                   (long long)(t->sum_ns % ALB_NS_PER_S), name, l, (unsigned long long)t->count);
    alb_buf_fini(&text);
}

static void put_requests(struct alb_imagor_service *s, struct alb_buf *out)
{
    const char *space = s->config.flags->prometheus_namespace;
    struct alb_buf name = ALB_BUF_INIT(512);
    alb_buf_printf(&name, "%s%shttp_request_duration_seconds", space, space[0] ? "_" : "");
    const char *n = alb_buf_cstr(&name);
    alb_buf_printf(out, "# HELP %s A histogram of latencies for requests\n# TYPE %s histogram\n", n, n);
    alb_mutex_lock(&s->mtx);
    for (size_t i = 0; i < s->tallies; i++)
        put_tally(&s->tally[i], n, out);
    alb_mutex_unlock(&s->mtx);
    alb_buf_fini(&name);
}

static void put_folders(const struct alb_imagor_service *s, struct alb_buf *out)
{
    alb_buf_c(out, "# HELP albumen_storage_trouble Whether a folder of files cannot be read or written now\n"
                   "# TYPE albumen_storage_trouble gauge\n");
    for (size_t i = 0; i < ALB_IMAGOR_FOLDERS; i++) {
        struct alb_shelf *shelf = s->config.files->shelf[i];
        if (!shelf)
            continue;
        const struct alb_shelf_view v = alb_shelf_look(shelf);
        alb_buf_printf(out,
                       "albumen_storage_trouble{storage=\"%s\",doing=\"read\"} %d\n"
                       "albumen_storage_trouble{storage=\"%s\",doing=\"write\"} %d\n",
                       v.name, v.reading != 0, v.name, v.writing != 0);
    }
}

static enum alb_step metrics(struct alb_req *req)
{
    struct alb_imagor_service *s = alb_req_ctx(req);
    struct alb_buf out = ALB_BUF_INIT(METRICS_MAX);
    alb_imagor_files_tend(s->config.files);
    put_requests(s, &out);
    put_folders(s, &out);
    alb_stat_write(&out);
    alb_render_books_write(s->config.render, &out);
    alb_res_type(req, "text/plain; version=0.0.4; charset=utf-8");
    alb_res_header_c(req, "Cache-Control", "no-store");
    alb_res_buf(req, &out);
    alb_buf_fini(&out);
    return ALB_STEP_DONE;
}

enum alb_code alb_imagor_metrics_add(struct alb_imagor_service *s, struct alb_err *err)
{
    s->metrics_group = (struct alb_http_group){.name = "metrics", .ctx = s};
    s->metrics_route = (struct alb_route){.pattern = s->config.flags->prometheus_path,
                                          .methods = ALB_M_GET,
                                          .flags = ALB_ROUTE_QUIET,
                                          .step = metrics};
    return alb_http_routes(s->servers.metrics, &s->metrics_group, &s->metrics_route, 1, err);
}
