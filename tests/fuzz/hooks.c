/* SPDX-License-Identifier: Apache-2.0
 *
 * What hooks answer, and what they are told (hooks/hooks.h): no answer harms, and whatever a client sends
 * becomes JSON that reads back, without the bytes that Go hides.
 */
#include <jansson.h>
#include <string.h>

#include "base/check.h"
#include "fuzz.h"
#include "hooks/hooks.h"

#define HEADERS_MAX 16

static void answer(struct alb_str text)
{
    struct alb_hook_reply *reply;
    struct alb_err err = ALB_ERR_INIT;
    if (alb_hook_reply_parse(text, &reply, &err) != ALB_OK) {
        ALB_CHECK(reply == NULL && err.msg[0] != '\0');
        return;
    }
    ALB_CHECK(reply->status == 0 || (reply->status >= 200 && reply->status <= 599));
    for (size_t i = 1; i < reply->metadata_count; i++)
        ALB_CHECK(alb_str_cmp(reply->metadata[i - 1].key, reply->metadata[i].key) < 0);
    alb_obj_unref(&reply->obj);
}

/* Lines: uri, method, host, then names and values of headers in turn. */
static void event(enum alb_hook_type type, struct alb_str text)
{
    struct alb_hook_pair headers[HEADERS_MAX];
    struct alb_hook_event e = {.upload = ALB_STR("{\"MetaData\":{\"a<&>\":\"\\u0000\"}}"),
                               .headers = headers};
    struct alb_buf out = ALB_BUF_INIT((size_t)16 << 20);
    json_error_t why;
    (void)alb_str_next(&text, '\n', &e.uri);
    (void)alb_str_next(&text, '\n', &e.method);
    (void)alb_str_next(&text, '\n', &e.host);
    struct alb_str name, value;
    while (e.header_count < HEADERS_MAX && alb_str_next(&text, '\n', &name)) {
        (void)alb_str_next(&text, '\n', &value);
        if (alb_str_find(name, '\0') != ALB_STR_NPOS)
            return; /* no request has such a name, and jansson cannot read one */
        headers[e.header_count++] = (struct alb_hook_pair){name, value};
    }
    enum alb_code code = alb_hook_event_json(type, &e, &out);
    if (code == ALB_OK) {
        json_t *root = json_loadb(out.p, out.n, JSON_ALLOW_NUL, &why);
        if (!root)
            alb_panic("fuzz_hooks", "%s", why.text);
        json_decref(root);
        ALB_CHECK(!memchr(out.p, '<', out.n) && !memchr(out.p, '>', out.n) && !memchr(out.p, '&', out.n));
    }
    alb_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t which = fuzz_take_byte(&data, &size);
    struct alb_str text = alb_str_n((const char *)data, size);
    if (which % 16 < ALB_HOOK_COUNT)
        event((enum alb_hook_type)(which % 16), text);
    else
        answer(text);
    return 0;
}
