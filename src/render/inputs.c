/* SPDX-License-Identifier: Apache-2.0 */
#include "render/inputs.h"

#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/mem.h"
#include "image/probe.h"
#include "library/source.h"
#include "render/origin.h"

/* ---- headers ---- */

#define HEADERS 2048

struct alb_headers {
    struct alb_mutex mtx;
    struct {
        bool used;
        unsigned char identity[ALB_ORIGIN_IDENTITY_LEN];
        struct alb_image_header header;
    } at[HEADERS]; /* under mtx */
};

struct alb_headers *alb_headers_new(void)
{
    struct alb_headers *h = alb_mem_calloc(1, sizeof(*h));
    if (h)
        alb_mutex_init(&h->mtx, ALB_LOCK_RENDER_HEADERS);
    return h;
}

void alb_headers_free(struct alb_headers **headers)
{
    if (!*headers)
        return;
    alb_mutex_fini(&(*headers)->mtx);
    alb_mem_free(*headers);
    *headers = NULL;
}

/* The identity is a hash: any of its bytes choose. */
static size_t place_of(const unsigned char identity[32])
{
    return ((size_t)identity[0] << 8 | identity[1]) % HEADERS;
}

bool alb_headers_get(struct alb_headers *h, const unsigned char identity[32], struct alb_image_header *out)
{
    size_t i = place_of(identity);
    alb_mutex_lock(&h->mtx);
    bool found = h->at[i].used && memcmp(h->at[i].identity, identity, sizeof(h->at[i].identity)) == 0;
    if (found)
        *out = h->at[i].header;
    alb_mutex_unlock(&h->mtx);
    return found;
}

void alb_headers_put(struct alb_headers *h, const unsigned char identity[32],
                     const struct alb_image_header *header)
{
    size_t i = place_of(identity);
    alb_mutex_lock(&h->mtx);
    h->at[i].used = true;
    memcpy(h->at[i].identity, identity, sizeof(h->at[i].identity));
    h->at[i].header = *header;
    alb_mutex_unlock(&h->mtx);
}

/* ---- inputs ---- */

static void take(struct alb_render_inputs *in, struct alb_source *source, struct alb_origin *origin)
{
    in->in[in->count].source = alb_source_ref(source);
    in->in[in->count].origin = alb_origin_ref(origin);
    in->count++;
}

void alb_render_inputs_take(struct alb_render_inputs *in, const struct alb_render_ask *ask)
{
    memset(in, 0, sizeof(*in));
    take(in, ask->source, ask->origin);
    for (unsigned i = 0; i < ask->more_count; i++)
        take(in, ask->more[i].source, ask->more[i].origin);
}

void alb_render_inputs_drop(struct alb_render_inputs *in)
{
    for (unsigned i = 0; i < in->count; i++) {
        alb_blob_close(&in->in[i].reader);
        alb_source_unref(in->in[i].source);
        alb_origin_unref(in->in[i].origin);
    }
    in->count = 0;
    if (in->levelled)
        (void)close(in->level_fd);
    in->levelled = false;
}

static void add_key(const struct alb_source *source, const struct alb_origin *origin, struct alb_buf *out)
{
    if (source)
        alb_buf_add(out, source->sha256, sizeof(source->sha256));
    else
        alb_buf_add(out, origin->identity, sizeof(origin->identity));
}

/* An asset and an origin of the same bytes may share a result: both are named by what they contain. */
void alb_render_inputs_key(const struct alb_render_ask *ask, struct alb_buf *out)
{
    add_key(ask->source, ask->origin, out);
    for (unsigned i = 0; i < ask->more_count; i++)
        add_key(ask->more[i].source, ask->more[i].origin, out);
}

bool alb_render_inputs_headers(struct alb_render_inputs *in)
{
    for (unsigned i = 0; i < in->count; i++) {
        struct alb_render_held *h = &in->in[i];
        if (!h->known && h->source && h->source->header.n > 0)
            h->known = alb_header_unpack(h->source->header, &h->header, NULL) == ALB_OK;
        if (!h->known)
            return false;
    }
    return true;
}

static enum alb_code open_asset(struct alb_render_held *h, struct alb_blob_store *store, struct alb_err *err)
{
    const struct alb_source *s = h->source;
    if (h->reader)
        return ALB_OK;
    if (s->header.n == 0) {
        enum alb_type type = alb_type_of_mime(s->mime);
        if (type != ALB_TYPE_UNKNOWN && !alb_type_can_show(type))
            return alb_fail(err, ALB_E_UNSUPPORTED, "no pictures are made of %s", alb_type_name(type));
        return alb_fail(err, ALB_E_UNPROCESSABLE,
                        "nothing is known about this picture: it could not be read");
    }
    enum alb_code code = alb_header_unpack(s->header, &h->header, err);
    if (code != ALB_OK)
        return code;
    h->known = true;
    struct alb_blob_ref ref = {.size = s->size, .key = s->key, .sums = s->sums};
    memcpy(ref.sha256, s->sha256, sizeof(ref.sha256));
    code = alb_blob_open(store, &ref, &h->reader, err);
    if (code == ALB_E_NOT_FOUND) /* the catalog knows it, the store does not */
        err->code = code = ALB_E_CORRUPT;
    return code;
}

static enum alb_code open_origin(struct alb_render_held *h, bool is_source, struct alb_headers *headers,
                                 struct alb_err *err)
{
    if (h->origin->type == ALB_TYPE_UNKNOWN && !is_source) { /* a colour profile: it has no header */
        h->header = (struct alb_image_header){.orientation = 1, .pages = 1, .bytes = h->origin->size};
        h->known = true;
        return ALB_OK;
    }
    if (!alb_type_can_show(h->origin->type))
        return alb_fail(err, ALB_E_UNSUPPORTED, "no pictures are made of %s", alb_type_name(h->origin->type));
    h->known = alb_headers_get(headers, h->origin->identity, &h->header);
    return ALB_OK;
}

enum alb_code alb_render_inputs_open(struct alb_render_inputs *in, struct alb_blob_store *store,
                                     struct alb_headers *headers, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    in->opened = true;
    for (unsigned i = in->levelled ? 1 : 0; code == ALB_OK && i < in->count; i++)
        code = in->in[i].source ? open_asset(&in->in[i], store, err)
                                : open_origin(&in->in[i], i == 0, headers, err);
    return code;
}

enum alb_code alb_render_inputs_verify(struct alb_render_inputs *in, int64_t budget, bool *done,
                                       struct alb_err *err)
{
    bool one = true;
    enum alb_code code = ALB_OK;
    while (in->verified < in->count && !in->in[in->verified].reader)
        in->verified++;
    if (in->verified < in->count)
        code = alb_blob_verify_step(in->in[in->verified].reader, budget, &one, err);
    if (code == ALB_OK && one && in->verified < in->count)
        in->verified++;
    *done = in->verified == in->count;
    return code;
}

unsigned alb_render_inputs_unknown(const struct alb_render_inputs *in)
{
    unsigned i = 0;
    while (i < in->count && in->in[i].known)
        i++;
    return i;
}

enum alb_code alb_render_inputs_fd(struct alb_render_inputs *in, unsigned i, int *fd, int64_t *bytes,
                                   struct alb_err *err)
{
    struct alb_render_held *h = &in->in[i];
    if (i == 0 && in->levelled) {
        *bytes = in->level_bytes;
        *fd = in->level_fd;
        return ALB_OK;
    }
    if (h->source) {
        *bytes = h->source->size;
        return alb_blob_verify_all(h->reader, fd, err); /* all verified before: lends the descriptor */
    }
    *bytes = h->origin->size;
    *fd = alb_origin_fd(h->origin);
    return *fd >= 0 ? ALB_OK : alb_fail(err, ALB_E_IO, "the bytes of a source are not there");
}

enum alb_code alb_render_inputs_lend(struct alb_render_inputs *in, struct alb_darkroom_job *job,
                                     struct alb_err *err)
{
    enum alb_code code = alb_render_inputs_fd(in, 0, &job->source_fd, &job->source_bytes, err);
    job->more_count = in->count - 1;
    for (unsigned i = 1; code == ALB_OK && i < in->count; i++)
        code = alb_render_inputs_fd(in, i, &job->more[i - 1].fd, &job->more[i - 1].bytes, err);
    return code;
}

bool alb_render_inputs_same(const struct alb_render_inputs *in)
{
    for (unsigned i = 0; i < in->count; i++) {
        if (in->in[i].origin && !alb_origin_is_same(in->in[i].origin))
            return false;
    }
    return true;
}

bool alb_render_inputs_no_store(const struct alb_render_inputs *in)
{
    for (unsigned i = 0; i < in->count; i++) {
        if (in->in[i].origin && in->in[i].origin->no_store)
            return true;
    }
    return false;
}
