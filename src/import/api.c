/* SPDX-License-Identifier: Apache-2.0
 *
 * See api.h. Answers are parsed with jansson; their size is bounded by the client.
 */
#include "import/api.h"

#include <jansson.h>
#include <string.h>

#include "base/codec.h"
#include "base/json.h"
#include "import/tally.h"

#define AGENT "albumen-import"
#define HELLO_NS (5 * ALB_NS_PER_S)
#define REFUSAL_MAX 200u
#define QUESTION_MAX ((size_t)1 << 20)

enum alb_code alb_server_init(struct alb_server *s, const struct alb_server_config *config,
                              struct alb_err *err)
{
    *s = (struct alb_server){
        .stop = config->stop, .clock = alb_clock_real(), .retry_ns = config->retry_ns, .base = config->base};
    alb_outage_init(&s->outage);
    struct alb_client_config c = {.base = config->base,
                                  .key = config->key,
                                  .agent = AGENT,
                                  .connect_ns = ALB_IMPORT_CONNECT_NS,
                                  .stall_ns = config->stall_ns,
                                  .answer_max = ALB_IMPORT_ANSWER_MAX,
                                  .cancel_fd = config->stop->abort_fd};
    return alb_client_new(&c, &s->client, err);
}

void alb_server_fini(struct alb_server *s)
{
    alb_client_free(&s->client);
}

enum alb_code alb_api_init(struct alb_api *a, struct alb_server *server, struct alb_err *err)
{
    a->server = server;
    alb_client_answer_init(&a->answer);
    return alb_client_conn_new(server->client, &a->conn, err);
}

void alb_api_fini(struct alb_api *a)
{
    alb_client_conn_free(&a->conn);
    alb_client_answer_fini(&a->answer);
}

/* --- refusals ----------------------------------------------------------------------------------------------
 */

enum alb_code alb_api_code(int status)
{
    switch (status) {
    case 401:
        return ALB_E_UNAUTHENTICATED;
    case 403:
        return ALB_E_FORBIDDEN;
    case 404:
        return ALB_E_NOT_FOUND;
    case 413:
        return ALB_E_TOO_LARGE;
    case 415:
        return ALB_E_UNSUPPORTED;
    case 422:
        return ALB_E_UNPROCESSABLE;
    case 507:
        return ALB_E_NO_SPACE;
    default:
        return status >= 500 ? ALB_E_INTERNAL : ALB_E_INVALID;
    }
}

/* Immich-shaped errors carry `message`, a text or a list of texts. */
static void json_message(struct alb_str body, struct alb_buf *out)
{
    json_t *root = json_loadb(body.p, body.n, 0, NULL);
    json_t *m = json_object_get(root, "message");
    if (json_is_array(m))
        m = json_array_get(m, 0);
    if (!json_is_string(m))
        m = json_object_get(root, "error");
    if (json_is_string(m))
        alb_buf_add(out, json_string_value(m), json_string_length(m));
    json_decref(root);
}

void alb_api_refusal(const struct alb_client_answer *a, struct alb_buf *out)
{
    struct alb_buf text = ALB_BUF_INIT(ALB_IMPORT_ANSWER_MAX);
    struct alb_str type, body = alb_buf_view(&a->body), line = ALB_STR_NONE;
    if (alb_client_header(a, "content-type", &type) &&
        alb_str_find_str(type, ALB_STR("json")) != ALB_STR_NPOS) {
        json_message(body, &text);
        line = alb_buf_view(&text);
    } else if (alb_str_starts(type, ALB_STR("text/plain"))) {
        struct alb_str rest;
        alb_str_cut(body, '\n', &line, &rest);
    }
    line = alb_str_trim(line);
    if (line.n == 0 && a->status == 507)
        line = ALB_STR("the disk of the server is full");
    alb_buf_printf(out, "%d", a->status);
    if (line.n > 0) {
        alb_buf_c(out, ": ");
        alb_tally_safe_text(out, alb_str_sub(line, 0, REFUSAL_MAX));
    }
    alb_buf_fini(&text);
}

/* --- one call ----------------------------------------------------------------------------------------------
 */

static enum alb_code no_answer(const struct alb_api *a, enum alb_code code, const struct alb_err *cause,
                               struct alb_err *err)
{
    if (code == ALB_OK) {
        struct alb_buf text = ALB_BUF_INIT(1024);
        alb_api_refusal(&a->answer, &text);
        code = alb_fail(err, ALB_E_BUSY, "the server is not ready: %s", alb_buf_cstr(&text));
        alb_buf_fini(&text);
        return code;
    }
    return alb_fail(err, code, "%s", cause->msg);
}

static size_t read_text(void *ctx, void *p, size_t n)
{
    struct alb_str *left = ctx;
    size_t m = n < left->n ? n : left->n;
    memcpy(p, left->p, m);
    *left = alb_str_from(*left, m);
    return m;
}

/* Until there is an answer that trying again would not change. text: a JSON body, or none. */
static enum alb_code call(struct alb_api *a, const char *method, const char *target, struct alb_str text,
                          int64_t retry_ns, struct alb_err *err)
{
    static const char *const headers[] = {"Accept: application/json", "Content-Type: application/json", NULL};
    struct alb_str left;
    struct alb_client_body body = {.length = (int64_t)text.n, .read = read_text, .ctx = &left};
    struct alb_client_request r = {
        .method = method, .target = alb_str_c(target), .headers = headers, .body = text.n > 0 ? &body : NULL};
    struct alb_patience p;
    alb_patience_init(&p, &a->server->outage, a->server->clock, retry_ns);
    for (;;) {
        struct alb_err cause = ALB_ERR_INIT;
        int64_t pause;
        left = text;
        enum alb_code code = alb_client_do(a->conn, &r, &a->answer, &cause);
        switch (alb_patience_judge(&p, code, &a->answer, &pause)) {
        case ALB_VERDICT_ANSWER:
            return ALB_OK;
        case ALB_VERDICT_GIVE_UP:
            return no_answer(a, code, &cause, err);
        case ALB_VERDICT_AGAIN:
            break;
        }
        if (!alb_patience_wait(a->server->stop->drain_fd, pause))
            return alb_fail(err, ALB_E_CANCELLED, "stopped");
    }
}

static enum alb_code refuse(const struct alb_api *a, const char *what, struct alb_err *err)
{
    struct alb_buf text = ALB_BUF_INIT(1024);
    struct alb_str to;
    enum alb_code code;
    alb_api_refusal(&a->answer, &text);
    if (a->answer.status >= 300 && a->answer.status < 400 && alb_client_header(&a->answer, "location", &to))
        code = alb_fail(err, ALB_E_INVALID, "the server sends us on to " ALB_STR_FMT "; give that address",
                        ALB_STR_ARG(alb_str_sub(to, 0, REFUSAL_MAX)));
    else
        code = alb_fail(err, alb_api_code(a->answer.status), "%s: the server answers %s", what,
                        alb_buf_cstr(&text));
    alb_buf_fini(&text);
    return code;
}

static enum alb_code parse(const struct alb_api *a, const char *what, json_t **root, struct alb_err *err)
{
    struct alb_str body = alb_buf_view(&a->answer.body);
    *root = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    return *root ? ALB_OK : alb_fail(err, ALB_E_INVALID, "%s: the server's answer is no JSON", what);
}

/* --- hello -------------------------------------------------------------------------------------------------
 */

static enum alb_code ask_who(struct alb_api *a, int64_t retry_ns, struct alb_buf *who, struct alb_err *err)
{
    json_t *root;
    enum alb_code code = call(a, "GET", "/api/users/me", ALB_STR_NONE, retry_ns, err);
    if (code != ALB_OK)
        return code;
    if (a->answer.status == 401)
        return alb_fail(err, ALB_E_UNAUTHENTICATED, "the server does not accept this key");
    if (a->answer.status == 403)
        return alb_fail(err, ALB_E_FORBIDDEN, "this key may not be used for imports");
    if (a->answer.status == 404)
        return alb_fail(err, ALB_E_INVALID, "something answers there, but it is no albumen server");
    if (a->answer.status != 200)
        return refuse(a, "who am I", err);
    code = parse(a, "who am I", &root, err);
    if (code != ALB_OK)
        return code;
    const char *name = json_string_value(json_object_get(root, "name"));
    if (!name || !*name)
        name = json_string_value(json_object_get(root, "email"));
    alb_tally_safe_text(who, alb_str_c(name));
    json_decref(root);
    return ALB_OK;
}

static enum alb_code add_types(struct alb_extension_set *types, const json_t *list, enum alb_kind kind,
                               struct alb_err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *ext = json_string_value(json_array_get(list, i));
        /* What is no extension to us is none of our files' either. */
        struct alb_err one = ALB_ERR_INIT;
        if (ext && alb_extension_add(types, alb_str_c(ext), kind, &one) == ALB_E_NO_MEMORY)
            return alb_fail(err, one.code, "%s", one.msg);
    }
    return ALB_OK;
}

enum alb_code alb_api_hello(struct alb_api *a, struct alb_extension_set *types, struct alb_buf *who,
                            struct alb_err *err)
{
    int64_t retry_ns = a->server->retry_ns < HELLO_NS ? a->server->retry_ns : HELLO_NS;
    json_t *root;
    enum alb_code code = ask_who(a, retry_ns, who, err);
    if (code == ALB_OK)
        code = call(a, "GET", "/api/server/media-types", ALB_STR_NONE, retry_ns, err);
    if (code != ALB_OK)
        return code;
    if (a->answer.status != 200)
        return refuse(a, "which files are taken", err);
    code = parse(a, "which files are taken", &root, err);
    if (code != ALB_OK)
        return code;
    code = add_types(types, json_object_get(root, "image"), ALB_KIND_MEDIA, err);
    if (code == ALB_OK)
        code = add_types(types, json_object_get(root, "video"), ALB_KIND_MEDIA, err);
    if (code == ALB_OK)
        code = add_types(types, json_object_get(root, "sidecar"), ALB_KIND_SIDECAR, err);
    json_decref(root);
    if (code == ALB_OK && types->n == 0)
        code = alb_fail(err, ALB_E_INVALID, "the server lists no kinds of files");
    return code;
}

/* --- check -------------------------------------------------------------------------------------------------
 */

/* Ids are numbers of this batch: the server need not learn our paths. */
static void write_question(struct alb_buf *out, struct alb_item *const *items, size_t n)
{
    struct alb_json j;
    char hex[2 * ALB_SHA1_LEN + 1], id[24];
    struct alb_buf text = ALB_BUF_INIT(sizeof(id));
    alb_json_init(&j, out);
    alb_json_object(&j);
    alb_json_key(&j, "assets");
    alb_json_array(&j);
    for (size_t i = 0; i < n; i++) {
        alb_hex(items[i]->sha1, ALB_SHA1_LEN, hex);
        alb_buf_reset(&text);
        alb_buf_u64(&text, i);
        alb_json_object(&j);
        alb_json_kstr(&j, "id", alb_buf_view(&text));
        alb_json_kc(&j, "checksum", hex);
        alb_json_end(&j);
    }
    alb_json_end(&j);
    alb_json_end(&j);
    alb_buf_fini(&text);
}

static enum alb_has read_verdict(const json_t *r)
{
    const char *action = json_string_value(json_object_get(r, "action"));
    const char *reason = json_string_value(json_object_get(r, "reason"));
    if (!action || strcmp(action, "reject") != 0)
        return ALB_HAS_NOT;
    if (reason && strcmp(reason, "duplicate") != 0)
        return ALB_HAS_NO_USE;
    return json_is_true(json_object_get(r, "isTrashed")) ? ALB_HAS_IN_TRASH : ALB_HAS_IT;
}

static enum alb_code read_verdicts(struct alb_api *a, size_t n, enum alb_has *out, struct alb_err *err)
{
    json_t *root;
    enum alb_code code = parse(a, "which files are there", &root, err);
    if (code != ALB_OK)
        return code;
    const json_t *results = json_object_get(root, "results");
    if (!json_is_array(results))
        code = alb_fail(err, ALB_E_INVALID, "which files are there: the server's answer has no results");
    /* No word about a file means: not there. Sending it once more does no harm. */
    for (size_t i = 0; i < n; i++)
        out[i] = ALB_HAS_NOT;
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *r = json_array_get(results, i);
        uint64_t id;
        if (alb_str_u64(alb_str_c(json_string_value(json_object_get(r, "id"))), &id) && id < n)
            out[id] = read_verdict(r);
    }
    json_decref(root);
    return code;
}

enum alb_code alb_api_check(struct alb_api *a, struct alb_item *const *items, size_t n, enum alb_has *out,
                            struct alb_err *err)
{
    struct alb_buf question = ALB_BUF_INIT(QUESTION_MAX);
    write_question(&question, items, n);
    enum alb_code code = alb_buf_code(&question);
    if (code != ALB_OK)
        code = alb_fail(err, code, "no memory for a question");
    else
        code = call(a, "POST", "/api/assets/bulk-upload-check", alb_buf_view(&question), a->server->retry_ns,
                    err);
    alb_buf_fini(&question);
    if (code != ALB_OK)
        return code;
    if (a->answer.status != 200)
        return refuse(a, "which files are there", err);
    return read_verdicts(a, n, out, err);
}
