/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that are part of the program, answered on the event loop from memory. One route per file; the table
 * of a call becomes an array of routes and bodies that lives as long as the server.
 */
#include <string.h>

#include "base/mem.h"
#include "http/http_priv.h"

struct file {
    struct alb_route route; /* first: the route found leads back here */
    const struct alb_static_file *f;
    struct alb_str etag, etag_gzip; /* two encodings are two representations */
    struct alb_bytes *plain, *gzip;
};

struct table {
    struct table *next;
    size_t n;
    struct file files[];
};

static enum alb_hot serve_file(struct alb_req *r)
{
    const struct file *file = (const struct file *)(const void *)r->match.entry->route;
    bool gzip = file->gzip && alb_accepts_gzip(r);

    alb_res_type(r, file->f->type);
    alb_res_etag(r, gzip ? file->etag_gzip : file->etag, false);
    if (file->gzip)
        alb_res_header_block(r, ALB_STR("Vary: Accept-Encoding\r\n"));
    if (gzip)
        alb_res_header_block(r, ALB_STR("Content-Encoding: gzip\r\n"));
    if (file->f->immutable)
        alb_res_header_block(r, ALB_STR("Cache-Control: public, max-age=31536000, immutable\r\n"));
    else
        alb_res_header_block(r, ALB_STR("Cache-Control: no-cache\r\n"));
    if (file->f->headers)
        alb_res_header_block(r, alb_str_c(file->f->headers));
    alb_res_bytes(r, gzip ? file->gzip : file->plain);
    return ALB_HOT_HIT;
}

static void keep(void *arg, const unsigned char *p, size_t n)
{
    (void)arg;
    (void)p;
    (void)n;
}

static void fini_file(struct file *file)
{
    alb_bytes_unref(file->plain);
    alb_bytes_unref(file->gzip);
    alb_mem_free((void *)(uintptr_t)file->etag_gzip.p);
}

static bool init_file(struct file *file, const struct alb_static_file *f)
{
    struct alb_buf tag = ALB_BUF_INIT(256);

    file->route = (struct alb_route){.pattern = f->path, .methods = ALB_M_GET, .hot = serve_file};
    file->f = f;
    file->etag = alb_str_c(f->etag);
    alb_buf_printf(&tag, "%s-gz", f->etag);
    if (alb_buf_code(&tag) != ALB_OK)
        return false;
    file->etag_gzip.p = alb_buf_give(&tag, &file->etag_gzip.n);
    file->plain = alb_bytes_wrap(f->p, f->n, keep, NULL);
    if (f->gzip)
        file->gzip = alb_bytes_wrap(f->gzip, f->gzip_n, keep, NULL);
    return file->plain && (!f->gzip || file->gzip);
}

enum alb_code alb_http_static(struct alb_http *s, const struct alb_static_file *files, size_t n,
                              struct alb_err *err)
{
    struct table *t = alb_mem_calloc(1, sizeof(*t) + n * sizeof(t->files[0]));

    if (!t)
        return alb_fail(err, ALB_E_NO_MEMORY, "static files");
    t->next = s->static_tables;
    s->static_tables = t;
    s->files_group.name = "static";
    for (size_t i = 0; i < n; i++) {
        enum alb_code code;

        t->n++;
        if (!init_file(&t->files[i], &files[i]))
            return alb_fail(err, ALB_E_NO_MEMORY, "static file %s", files[i].path);
        code = alb_http_routes(s, &s->files_group, &t->files[i].route, 1, err);
        if (code != ALB_OK)
            return code;
    }
    return ALB_OK;
}

void alb_static_free(struct alb_http *s)
{
    struct table *t = s->static_tables, *next;

    for (; t; t = next) {
        next = t->next;
        for (size_t i = 0; i < t->n; i++)
            fini_file(&t->files[i]);
        alb_mem_free(t);
    }
    s->static_tables = NULL;
}
