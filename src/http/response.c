/* SPDX-License-Identifier: Apache-2.0
 *
 * Setting an answer (res.h). Called by the holder. What is set here is only noted; answer.c makes bytes of
 * it.
 */
#include <string.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/http_priv.h"
#include "http/query.h"

void alb_res_clear_body(struct alb_req *r)
{
    alb_bytes_unref(r->res.bytes);
    r->res.bytes = NULL;
    alb_mem_free(r->res.owned);
    r->res.owned = NULL;
    r->res.memory = ALB_STR_NONE;
    r->res.kind = ALB_RES_EMPTY;
}

void alb_req_reset_response(struct alb_req *r)
{
    alb_res_clear_body(r);
    r->res.status = 200;
    r->res.type = NULL;
    alb_buf_reset(&r->res.lines);
    r->res.etag = ALB_STR_NONE;
    r->res.weak = r->res.close = r->res.no_store = r->res.abort = false;
    r->res.modified_ms = -1;
    r->res.retry_after_s = 0;
    alb_buf_reset(&r->out_head);
}

void alb_res_status(struct alb_req *r, int status)
{
    ALB_CHECK(status >= 200 && status <= 599);
    r->res.status = status;
}

int alb_res_get_status(const struct alb_req *r)
{
    return r->res.status;
}

static bool is_framing(const char *name)
{
    static const char *const own[] = {"connection", "content-length", "date", "keep-alive",
                                      "transfer-encoding"};

    for (size_t i = 0; i < ALB_ARRAY_LEN(own); i++)
        if (alb_str_eq_ci(alb_str_c(name), alb_str_c(own[i])))
            return true;
    return false;
}

void alb_res_header(struct alb_req *r, const char *name, struct alb_str value)
{
    struct alb_buf *b = &r->res.lines;
    size_t at;

    ALB_CHECK(!is_framing(name) && alb_is_token(alb_str_c(name)));
    if (alb_str_eq_ci(alb_str_c(name), ALB_STR("cache-control")))
        r->res.no_store = false;
    alb_buf_c(b, name);
    alb_buf_add(b, ": ", 2);
    at = b->n;
    alb_buf_str(b, value);
    for (; at < b->n; at++)
        if ((unsigned char)b->p[at] < 0x20 || b->p[at] == 0x7f)
            b->p[at] = ' ';
    alb_buf_add(b, "\r\n", 2);
}

void alb_res_header_c(struct alb_req *r, const char *name, const char *value)
{
    alb_res_header(r, name, alb_str_c(value));
}

void alb_res_header_i64(struct alb_req *r, const char *name, int64_t value)
{
    char text[24];
    struct alb_buf b = ALB_BUF_INIT(sizeof(text));

    alb_buf_i64(&b, value);
    alb_res_header(r, name, alb_buf_view(&b));
    alb_buf_fini(&b);
}

/* Does the line begin with this name? prefix: or with a name that begins so. */
static bool line_is(struct alb_str line, struct alb_str name, bool prefix)
{
    return alb_str_eq_ci(alb_str_sub(line, 0, name.n), name) &&
           (prefix || (line.n > name.n && line.p[name.n] == ':'));
}

static void remove_lines(struct alb_buf *b, struct alb_str name, bool prefix)
{
    size_t in = 0, out = 0;

    while (in < b->n) {
        const char *lf = memchr(b->p + in, '\n', b->n - in);
        size_t n = lf ? (size_t)(lf - (b->p + in)) + 1 : b->n - in;

        if (!line_is(alb_str_n(b->p + in, n), name, prefix)) {
            memmove(b->p + out, b->p + in, n);
            out += n;
        }
        in += n;
    }
    b->n = out;
}

void alb_res_header_set(struct alb_req *r, const char *name, struct alb_str value)
{
    remove_lines(&r->res.lines, alb_str_c(name), false);
    if (value.p)
        alb_res_header(r, name, value);
}

void alb_res_header_block(struct alb_req *r, struct alb_str lines)
{
    alb_buf_str(&r->res.lines, lines);
}

void alb_res_type(struct alb_req *r, const char *type)
{
    r->res.type = type && alb_str_has_control(alb_str_c(type)) ? "application/octet-stream" : type;
}

/* Every byte that needs no quoting inside a quoted-string and means the same to every client. */
static bool is_plain_filename(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] >= 0x7f || strchr("\"\\%/", s.p[i]))
            return false;
    return true;
}

void alb_res_disposition(struct alb_req *r, bool attachment, struct alb_str filename)
{
    struct alb_buf b = ALB_BUF_INIT(8192);
    bool plain = is_plain_filename(filename);

    alb_buf_c(&b, attachment ? "attachment" : "inline");
    if (filename.n > 0) {
        alb_buf_c(&b, "; filename=\"");
        for (size_t i = 0; i < filename.n; i++)
            alb_buf_char(&b, is_plain_filename(alb_str_sub(filename, i, 1)) ? filename.p[i] : '_');
        alb_buf_char(&b, '"');
        if (!plain && alb_str_is_utf8(filename)) {
            alb_buf_c(&b, "; filename*=UTF-8''");
            alb_percent_encode(&b, filename);
        }
    }
    if (alb_buf_code(&b) == ALB_OK)
        alb_res_header_set(r, "Content-Disposition", alb_buf_view(&b));
    alb_buf_fini(&b);
}

void alb_res_cookie(struct alb_req *r, const struct alb_cookie *c)
{
    struct alb_buf b = ALB_BUF_INIT(8192);

    if (!alb_is_cookie_value(c->value))
        return;
    alb_buf_printf(&b, "%s=" ALB_STR_FMT "; Path=%s", c->name, ALB_STR_ARG(c->value),
                   c->path ? c->path : "/");
    if (c->max_age_s >= 0) {
        alb_buf_c(&b, "; Max-Age=");
        alb_buf_i64(&b, c->max_age_s);
    }
    if (c->http_only)
        alb_buf_c(&b, "; HttpOnly");
    if (c->secure)
        alb_buf_c(&b, "; Secure");
    if (c->same_site)
        alb_buf_printf(&b, "; SameSite=%s", c->same_site);
    if (alb_buf_code(&b) == ALB_OK)
        alb_res_header(r, "Set-Cookie", alb_buf_view(&b));
    alb_buf_fini(&b);
}

/* ---- bodies -------------------------------------------------------------------------------------- */

void alb_res_literal(struct alb_req *r, struct alb_str body)
{
    alb_res_clear_body(r);
    r->res.kind = ALB_RES_MEMORY;
    r->res.memory = body;
}

void alb_res_copy(struct alb_req *r, const void *p, size_t n)
{
    alb_res_literal(r, alb_arena_str(r->arena, alb_str_n(p, n))); /* a full arena shows in answer.c */
}

void alb_res_buf(struct alb_req *r, struct alb_buf *b)
{
    enum alb_code code = alb_buf_code(b);
    size_t n;
    char *p;

    if (code != ALB_OK) {
        alb_buf_fini(b);
        alb_res_error(r, code == ALB_E_TOO_LARGE ? ALB_E_INTERNAL : code, NULL);
        return;
    }
    p = alb_buf_give(b, &n);
    alb_res_literal(r, alb_str_n(p, n));
    r->res.owned = p;
}

void alb_res_bytes(struct alb_req *r, struct alb_bytes *bytes)
{
    struct alb_bytes *mine = alb_bytes_ref(bytes);

    alb_res_clear_body(r);
    r->res.kind = ALB_RES_BYTES;
    r->res.bytes = mine;
    r->res.memory = alb_bytes_view(mine);
}

void alb_res_source(struct alb_req *r, uint64_t size, alb_read_fn *fn, void *ctx)
{
    alb_res_clear_body(r);
    r->res.kind = ALB_RES_SOURCE;
    r->res.size = size;
    r->res.read = fn;
    r->res.read_ctx = ctx;
}

/* ---- errors -------------------------------------------------------------------------------------- */

static void write_json_error(struct alb_req *r, int status, struct alb_str text)
{
    struct alb_buf b = ALB_BUF_INIT(4096);
    struct alb_json j;

    alb_json_init(&j, &b);
    alb_json_object(&j);
    alb_json_kstr(&j, "message", text);
    alb_json_kc(&j, "error", alb_http_reason(status));
    alb_json_ki64(&j, "statusCode", status);
    alb_json_kstr(&j, "correlationId", alb_req_id(r));
    alb_json_end(&j);
    if (alb_buf_code(&b) == ALB_OK)
        alb_res_copy(r, b.p, b.n);
    alb_buf_fini(&b);
    alb_res_type(r, "application/json; charset=utf-8");
}

void alb_res_error_status(struct alb_req *r, int status, const char *text)
{
    if (r->head_made) { /* too late for words: the answer is under way, all that is left is to cut it */
        r->res.abort = true;
        return;
    }
    alb_res_clear_body(r);
    alb_buf_reset(&r->out_head);
    if (alb_buf_code(&r->res.lines) != ALB_OK)
        alb_buf_reset(&r->res.lines); /* a line may be cut in it */
    remove_lines(&r->res.lines, ALB_STR("content-"), true);
    remove_lines(&r->res.lines, ALB_STR("cache-control"), false);
    remove_lines(&r->res.lines, ALB_STR("expires"), false);
    r->res.etag = ALB_STR_NONE;
    r->res.modified_ms = -1;
    r->res.type = NULL;
    r->res.no_store = true;
    r->res.retry_after_s = status == 429 || status == 503 ? 5 : 0;
    alb_res_status(r, status);
    if (r->group->error)
        r->group->error(r, status, alb_str_c(text ? text : alb_http_reason(status)));
    else
        write_json_error(r, status, alb_str_c(text ? text : alb_http_reason(status)));
}

void alb_res_error(struct alb_req *r, enum alb_code code, const char *text)
{
    int status = alb_code_status(code);

    /* 499 is for the log only (tbl/codes.h); whoever still reads gets something that is true. */
    alb_res_error_status(r, status == 499 ? 503 : status, text ? text : alb_code_client_text(code));
}

void alb_res_retry_after(struct alb_req *r, int seconds)
{
    r->res.retry_after_s = seconds;
}

void alb_res_fail(struct alb_req *r, const struct alb_err *err)
{
    alb_req_log_err(r, err);
    alb_res_error(r, err->code, NULL);
}

void alb_res_close(struct alb_req *r)
{
    r->res.close = true;
}

/* ---- validators ---------------------------------------------------------------------------------- */

void alb_res_etag(struct alb_req *r, struct alb_str tag, bool weak)
{
    ALB_CHECK(!tag.p || alb_is_etag(tag));
    r->res.etag = tag;
    r->res.weak = weak;
}

void alb_res_modified(struct alb_req *r, int64_t wall_ms)
{
    r->res.modified_ms = wall_ms;
}

void alb_res_head_get(const struct alb_req *r, struct alb_res_head *head)
{
    *head = (struct alb_res_head){.status = r->res.status,
                                  .weak = r->res.weak,
                                  .type = r->res.type,
                                  .lines = alb_buf_view(&r->res.lines),
                                  .etag = r->res.etag,
                                  .modified_ms = r->res.modified_ms};
}

void alb_res_head_set(struct alb_req *r, const struct alb_res_head *head)
{
    r->res.status = head->status;
    r->res.weak = head->weak;
    r->res.type = head->type;
    r->res.etag = head->etag;
    r->res.modified_ms = head->modified_ms;
    alb_buf_reset(&r->res.lines);
    alb_buf_str(&r->res.lines, head->lines);
}

const char *alb_http_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {404, "Not Found"},
        {304, "Not Modified"},
        {206, "Partial Content"},
        {204, "No Content"},
        {201, "Created"},
        {100, "Continue"},
        {102, "Processing"},
        {103, "Early Hints"},
        {104, "Upload Resumption Supported"},
        {202, "Accepted"},
        {203, "Non-Authoritative Information"},
        {205, "Reset Content"},
        {207, "Multi-Status"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {423, "Locked"},
        {424, "Failed Dependency"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {460, "Checksum Mismatch"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
        {508, "Loop Detected"},
    };

    for (size_t i = 0; i < ALB_ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}
