/* SPDX-License-Identifier: Apache-2.0
 *
 * Small things that both ways to fetch need (priv.h).
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fetch/fetch.h"
#include "fetch/priv.h"

#define NO_PROXY_MAX ((size_t)64 * 1024)

/* A proxy from the environment is right for the world and wrong for this machine. */
void alb_fetch_no_proxy(struct alb_buf *out)
{
    const char *env = getenv("no_proxy");
    if (!env)
        env = getenv("NO_PROXY");
    alb_buf_init(out, NO_PROXY_MAX);
    if (env && *env) {
        alb_buf_c(out, env);
        alb_buf_char(out, ',');
    }
    alb_buf_add(out, "localhost,127.0.0.1,::1", sizeof("localhost,127.0.0.1,::1")); /* with its NUL */
}

bool alb_fetch_headers_add(struct curl_slist **list, const char *line)
{
    struct curl_slist *more = curl_slist_append(*list, line);
    if (!more)
        return false;
    *list = more;
    return true;
}

void alb_fetch_headers_free(struct curl_slist *list)
{
    for (struct curl_slist *s = list; s; s = s->next)
        alb_wipe(s->data, strlen(s->data));
    curl_slist_free_all(list);
}

bool alb_fetch_header_next(struct alb_str *rest, const char *name, struct alb_str *value)
{
    struct alb_str line, want = alb_str_c(name);
    *value = ALB_STR_NONE;
    while (alb_str_next(rest, '\n', &line)) {
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        struct alb_str field, text;
        if (!alb_str_cut(line, ':', &field, &text) || !alb_str_eq_ci(field, want))
            continue;
        *value = alb_str_trim(text);
        return true;
    }
    return false;
}

bool alb_fetch_header_in(struct alb_str head, const char *name, struct alb_str *value)
{
    return alb_fetch_header_next(&head, name, value);
}

bool alb_fetch_is_hopeless(int curl_code)
{
    static const CURLcode hopeless[] = {
        CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT,      CURLE_PEER_FAILED_VERIFICATION,
        CURLE_SSL_CACERT_BADFILE,   CURLE_SSL_CERTPROBLEM,    CURLE_HTTP2,
        CURLE_NOT_BUILT_IN,         CURLE_WEIRD_SERVER_REPLY, CURLE_TOO_MANY_REDIRECTS};
    for (size_t i = 0; i < ALB_ARRAY_LEN(hopeless); i++)
        if ((int)hopeless[i] == curl_code)
            return true;
    return false;
}
