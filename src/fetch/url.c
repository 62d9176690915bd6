/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses by curl's own parser (contract: url.h). One allocation holds the text and every part, each with a
 * NUL behind it.
 */
#include "fetch/url.h"

#include <curl/curl.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define SET_FLAGS (CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE | CURLU_ALLOW_SPACE)

struct part {
    char *text; /* curl's; NULL: none */
};

static struct part get(CURLU *u, CURLUPart what, unsigned flags)
{
    struct part p = {NULL};
    if (curl_url_get(u, what, &p.text, flags) != CURLUE_OK)
        p.text = NULL;
    return p;
}

/* Appends a part with its NUL; *at says where. */
static void put(struct alb_buf *b, const struct part *p, size_t *at)
{
    *at = b->n;
    alb_buf_add(b, p->text ? p->text : "", (p->text ? strlen(p->text) : 0) + 1);
}

static struct alb_str view(const char *memory, size_t at)
{
    return alb_str_c(memory + at);
}

/* IPv6 without brackets, names in lower case, no zone. */
static bool tidy_host(char *host)
{
    size_t n = strlen(host);
    if (n == 0 || strchr(host, '%'))
        return false;
    if (host[0] == '[') {
        memmove(host, host + 1, n - 2);
        host[n - 2] = '\0';
    }
    for (char *c = host; *c; c++)
        *c = alb_lower(*c);
    return true;
}

enum { SCHEME, TEXT, USER, PASSWORD, HOST, PORT, PATH, QUERY, PARTS };

/* All parts in one piece of memory, each with its NUL; at[PARTS]: user and password together, as written.
 * NULL: *code says why. */
static char *gather(CURLU *u, size_t at[PARTS + 1], bool *has_query, enum alb_code *code)
{
    static const CURLUPart what[PARTS] = {
        [SCHEME] = CURLUPART_SCHEME,     [TEXT] = CURLUPART_URL,   [USER] = CURLUPART_USER,
        [PASSWORD] = CURLUPART_PASSWORD, [HOST] = CURLUPART_HOST,  [PORT] = CURLUPART_PORT,
        [PATH] = CURLUPART_PATH,         [QUERY] = CURLUPART_QUERY};
    struct part parts[PARTS];
    struct alb_buf b = ALB_BUF_INIT(4 * ALB_URL_MAX);
    size_t given;
    for (size_t i = 0; i < PARTS; i++) {
        parts[i] = get(u, what[i], i == PORT ? CURLU_DEFAULT_PORT : 0);
        put(&b, &parts[i], &at[i]);
    }
    at[PARTS] = b.n;
    alb_buf_c(&b, parts[USER].text ? parts[USER].text : "");
    if (parts[PASSWORD].text)
        alb_buf_printf(&b, ":%s", parts[PASSWORD].text);
    alb_buf_char(&b, '\0');
    *has_query = parts[QUERY].text != NULL;
    for (size_t i = 0; i < PARTS; i++)
        curl_free(parts[i].text);
    *code = alb_buf_code(&b);
    char *memory = alb_buf_give(&b, &given);
    if (!memory && *code != ALB_E_TOO_LARGE)
        *code = ALB_E_NO_MEMORY;
    alb_buf_fini(&b);
    return memory;
}

static enum alb_code take_parts(CURLU *u, struct alb_url *url, struct alb_err *err)
{
    size_t at[PARTS + 1];
    bool has_query;
    uint64_t port = 0;
    enum alb_code code;
    char *memory = gather(u, at, &has_query, &code);
    if (!memory)
        return code == ALB_E_NO_MEMORY ? alb_fail(err, code, "no memory for an address")
                                       : alb_fail(err, ALB_E_INVALID, "an address that is too long");
    *url = (struct alb_url){.memory = memory};
    url->secure = strcmp(memory + at[SCHEME], "https") == 0;
    bool ok = (url->secure || strcmp(memory + at[SCHEME], "http") == 0) && tidy_host(memory + at[HOST]) &&
              alb_str_u64(view(memory, at[PORT]), &port) && port > 0 && port <= UINT16_MAX;
    url->text = view(memory, at[TEXT]);
    if (!ok || url->text.n > ALB_URL_MAX) {
        alb_url_fini(url);
        return alb_fail(err, ALB_E_INVALID, "not an address of http or https");
    }
    url->user = view(memory, at[PARTS]);
    url->host = view(memory, at[HOST]);
    url->path = view(memory, at[PATH]);
    url->query = has_query ? view(memory, at[QUERY]) : ALB_STR_NONE;
    url->port = (uint16_t)port;
    return ALB_OK;
}

/* curl takes one to three slashes behind the scheme; which part is the host then depends on who looks. */
static bool has_odd_slashes(struct alb_str text)
{
    struct alb_str scheme, rest;
    if (!alb_str_cut(text, ':', &scheme, &rest) ||
        !(alb_str_eq_ci(scheme, ALB_STR("http")) || alb_str_eq_ci(scheme, ALB_STR("https"))))
        return false;
    return !alb_str_starts(rest, ALB_STR("//")) || alb_str_starts(rest, ALB_STR("///"));
}

/* Sets text in u: an address, or what it means seen from the one that u holds. */
static enum alb_code set(CURLU *u, struct alb_str text, struct alb_err *err)
{
    struct alb_buf b = ALB_BUF_INIT(ALB_URL_MAX);
    enum alb_code code = ALB_OK;
    alb_buf_str(&b, text);
    const char *c = alb_buf_cstr(&b);
    if (!u || alb_buf_code(&b) == ALB_E_NO_MEMORY)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for an address");
    else if (alb_buf_code(&b) != ALB_OK || alb_str_has_control(text) || text.n == 0 || has_odd_slashes(text))
        code =
            alb_fail(err, ALB_E_INVALID, "not an address: too long, empty, or with characters out of place");
    CURLUcode rc = code == ALB_OK ? curl_url_set(u, CURLUPART_URL, c, SET_FLAGS) : CURLUE_OK;
    if (rc == CURLUE_OUT_OF_MEMORY)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for an address");
    else if (rc != CURLUE_OK)
        code = alb_fail(err, ALB_E_INVALID, "not an address: %s", curl_url_strerror(rc));
    if (code == ALB_OK) {
        struct part zone =
            get(u, CURLUPART_ZONEID, 0); /* of this machine's links: not an address for others */
        if (zone.text)
            code = alb_fail(err, ALB_E_INVALID, "not an address: it names a link");
        curl_free(zone.text);
        (void)curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    }
    alb_buf_fini(&b);
    return code;
}

enum alb_code alb_url_parse(struct alb_str text, struct alb_url *url, struct alb_err *err)
{
    *url = (struct alb_url){0};
    CURLU *u = curl_url();
    enum alb_code code = set(u, text, err);
    if (code == ALB_OK)
        code = take_parts(u, url, err);
    curl_url_cleanup(u);
    return code;
}

enum alb_code alb_url_resolve(const struct alb_url *base, struct alb_str reference, struct alb_url *url,
                              struct alb_err *err)
{
    *url = (struct alb_url){0};
    CURLU *u = curl_url();
    enum alb_code code = set(u, base->text, err);
    if (code == ALB_OK) {
        (void)curl_url_set(u, CURLUPART_USER, NULL, 0);
        (void)curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
        code = set(u, reference, err);
    }
    if (code == ALB_OK)
        code = take_parts(u, url, err);
    curl_url_cleanup(u);
    return code;
}

void alb_url_fini(struct alb_url *url)
{
    alb_mem_free(url->memory);
    *url = (struct alb_url){0};
}

bool alb_url_may_tell(const struct alb_url *from, const struct alb_url *to)
{
    if (!alb_str_eq(from->host, to->host))
        return false;
    if (from->secure == to->secure)
        return from->port == to->port;
    return to->secure && from->port == 80 && to->port == 443;
}
