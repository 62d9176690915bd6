/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics under imgproxy's names (its namespace before each), on a port of their own at any path; albumen's own
 * follow them. What imgproxy measures inside libvips is measured here where it happens: in slots of the darkroom.
 */
#include "base/stat.h"
#include "personality/imgproxy_priv.h"
#include "render/books.h"

#define METRICS_MAX ((size_t)1 << 20)

struct page {
    struct alb_imgproxy_service *s;
    struct alb_buf out;
};

static void head(struct page *p, const char *name, const char *type, const char *help)
{
    alb_buf_printf(&p->out, "# HELP " ALB_STR_FMT "%s %s\n# TYPE " ALB_STR_FMT "%s %s\n",
                   ALB_STR_ARG(p->s->prefix), name, help, ALB_STR_ARG(p->s->prefix), name, type);
}

static void number(struct page *p, const char *name, const char *type, const char *help, uint64_t value)
{
    head(p, name, type, help);
    alb_buf_printf(&p->out, ALB_STR_FMT "%s %llu\n", ALB_STR_ARG(p->s->prefix), name,
                   (unsigned long long)value);
}

static void counters(struct page *p)
{
    static const struct {
        enum alb_imgproxy_trouble trouble;
        const char *type;
    } errors[] = {
        {ALB_IMGPROXY_TROUBLE_TIMEOUT, "timeout"},       {ALB_IMGPROXY_TROUBLE_SIZE, "image_data_size"},
        {ALB_IMGPROXY_TROUBLE_PATH, "path_parsing"},     {ALB_IMGPROXY_TROUBLE_SECURITY, "security"},
        {ALB_IMGPROXY_TROUBLE_QUEUE, "queue"},           {ALB_IMGPROXY_TROUBLE_DOWNLOAD, "download"},
        {ALB_IMGPROXY_TROUBLE_PROCESSING, "processing"}, {ALB_IMGPROXY_TROUBLE_UNEXPECTED, "unexpected"}};
    struct alb_imgproxy_view view = alb_imgproxy_door_look(p->s->door);
    number(p, "requests_total", "counter",
           "A counter of the total number of HTTP requests imgproxy processed.",
           atomic_load(&p->s->requests));
    head(p, "status_codes_total", "counter", "A counter of the response status codes.");
    for (int i = 0; i < ALB_IMGPROXY_STATUS_MAX; i++) {
        unsigned long long n = atomic_load(&p->s->status[i]);
        if (n > 0)
            alb_buf_printf(&p->out, ALB_STR_FMT "status_codes_total{status=\"%d\"} %llu\n",
                           ALB_STR_ARG(p->s->prefix), i, n);
    }
    head(p, "errors_total", "counter", "A counter of the occurred errors separated by type.");
    for (size_t i = 0; i < ALB_ARRAY_LEN(errors); i++)
        alb_buf_printf(&p->out, ALB_STR_FMT "errors_total{type=\"%s\"} %llu\n", ALB_STR_ARG(p->s->prefix),
                       errors[i].type, (unsigned long long)view.errors[errors[i].trouble]);
    alb_buf_printf(&p->out, /* a client that leaves is no error here; what is streamed is read and checked first */
                   ALB_STR_FMT "errors_total{type=\"IO\"} 0\n" ALB_STR_FMT "errors_total{type=\"streaming\"} 0\n",
                   ALB_STR_ARG(p->s->prefix), ALB_STR_ARG(p->s->prefix));
}

static void histograms(struct page *p)
{
    static const struct {
        const char *label;
        enum alb_histogram h;
    } spans[] = {{"span=\"queue\",", ALB_HIST_RENDER_QUEUE},
                 {"span=\"downloading_source_image\",", ALB_HIST_SOURCE},
                 {"span=\"processing_image\",", ALB_HIST_DARKROOM_RENDER},
                 {"span=\"streaming_image\",", ALB_HIST_IMGPROXY_SEND}};
    struct alb_buf name = ALB_BUF_INIT(512);
    head(p, "request_duration_seconds", "histogram", "A histogram of the response latency.");
    alb_buf_printf(&name, ALB_STR_FMT "request_duration_seconds", ALB_STR_ARG(p->s->prefix));
    alb_stat_write_as(&p->out, alb_buf_cstr(&name), "", ALB_HIST_IMGPROXY);
    head(p, "request_span_duration_seconds", "histogram",
         "A histogram of the request spans duration separated by span name.");
    alb_buf_reset(&name);
    alb_buf_printf(&name, ALB_STR_FMT "request_span_duration_seconds", ALB_STR_ARG(p->s->prefix));
    for (size_t i = 0; i < ALB_ARRAY_LEN(spans); i++)
        alb_stat_write_as(&p->out, alb_buf_cstr(&name), spans[i].label, spans[i].h);
    alb_buf_fini(&name);
}

static void gauges(struct page *p)
{
    struct alb_render_view render = alb_render_look(p->s->config.render);
    struct alb_imgproxy_view view = alb_imgproxy_door_look(p->s->door);
    unsigned images = render.lease.held + render.vectors.held;
    uint64_t memory = render.lease.budget_used + render.vectors.budget_used;
    uint64_t most = atomic_load(&p->s->memory_max);
    while (memory > most && !atomic_compare_exchange_weak(&p->s->memory_max, &most, memory))
        ;
    number(p, "workers", "gauge", "A gauge of the number of running workers.", render.lease.slots);
    number(p, "requests_in_progress", "gauge",
           "A gauge of the number of requests currently being in progress.", view.in_progress);
    number(p, "images_in_progress", "gauge", "A gauge of the number of images currently being in progress.",
           images);
    number(p, "workers_utilization", "gauge", "A gauge of the workers utilization in percents.",
           (uint64_t)render.lease.held * 100 / (render.lease.slots > 0 ? render.lease.slots : 1));
    number(p, "vips_memory_bytes", "gauge", "A gauge of the memory that running renders were granted.",
           memory);
    number(p, "vips_max_memory_bytes", "gauge", "A gauge of the most of it that was seen here.",
           atomic_load(&p->s->memory_max));
    number(p, "vips_allocs", "gauge", "Always 0: libvips runs in processes of its own.", 0);
}

static enum alb_step metrics(struct alb_req *req)
{
    struct page p = {.s = alb_req_ctx(req), .out = ALB_BUF_INIT(METRICS_MAX)};
    counters(&p);
    histograms(&p);
    gauges(&p);
    alb_stat_write(&p.out);
    alb_render_books_write(p.s->config.render, &p.out);
    alb_res_type(req, "text/plain; version=0.0.4; charset=utf-8");
    alb_res_header_c(req, "Cache-Control", "no-store");
    alb_res_buf(req, &p.out);
    alb_buf_fini(&p.out);
    return ALB_STEP_DONE;
}

static const struct alb_route routes[] = {
    {"/{rest*}", ALB_M_GET, ALB_BODY_NONE, ALB_ROUTE_QUIET, 0, NULL, metrics},
};

enum alb_code alb_imgproxy_metrics_add(struct alb_imgproxy_service *s, struct alb_err *err)
{
    struct alb_str space = s->config.config->prometheus_namespace;
    s->prefix = space.n > 0 ? alb_arena_printf(s->text, ALB_STR_FMT "_", ALB_STR_ARG(space)) : ALB_STR("");
    s->metrics_group = (struct alb_http_group){.name = "metrics", .ctx = s};
    return alb_http_routes(s->servers.metrics, &s->metrics_group, routes, ALB_ARRAY_LEN(routes), err);
}
