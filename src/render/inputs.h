/* SPDX-License-Identifier: Apache-2.0
 *
 * What a render job reads: the source and what is laid over it, each an asset's original or a remote or local
 * origin. Assets come with their header and are verified block by block; origins come verified, and their header
 * is asked of the darkroom once and remembered. Private to src/render. Owned by the turn of a job.
 */
#ifndef ALB_RENDER_INPUTS_H
#define ALB_RENDER_INPUTS_H

#include "blob/store.h"
#include "image/darkroom.h"
#include "render/render.h"

struct alb_headers;

struct alb_render_held {
    struct alb_source *source; /* references; one of both */
    struct alb_origin *origin;
    struct alb_blob_reader *reader;
    bool known; /* the header is */
    struct alb_image_header header;
};
struct alb_render_inputs {
    unsigned count, verified;
    bool opened;
    bool levelled; /* workers get this instead of the first one, which is not opened */
    int level_fd;
    int64_t level_bytes;
    struct alb_render_held in[ALB_PLAN_INPUTS];
};

void alb_render_inputs_take(struct alb_render_inputs *in, const struct alb_render_ask *ask); /* references */
void alb_render_inputs_drop(struct alb_render_inputs *in);
/* What makes them the same: part of a key. */
void alb_render_inputs_key(const struct alb_render_ask *ask, struct alb_buf *out);

/* Whether all headers are known without opening anything. */
bool alb_render_inputs_headers(struct alb_render_inputs *in) ALB_MUST_CHECK;
/* Opens originals and finds headers. UNPROCESSABLE, UNSUPPORTED: nothing is known of it, or it cannot be shown. */
enum alb_code alb_render_inputs_open(struct alb_render_inputs *in, struct alb_blob_store *store,
                                     struct alb_headers *headers, struct alb_err *err) ALB_MUST_CHECK;
/* Reads at most about `budget` bytes of one input; *done: all are good. */
enum alb_code alb_render_inputs_verify(struct alb_render_inputs *in, int64_t budget, bool *done,
                                       struct alb_err *err) ALB_MUST_CHECK;
/* The first whose header must be asked for, or count. */
unsigned alb_render_inputs_unknown(const struct alb_render_inputs *in);
/* A borrowed descriptor and its size, after verification. */
enum alb_code alb_render_inputs_fd(struct alb_render_inputs *in, unsigned i, int *fd, int64_t *bytes,
                                   struct alb_err *err) ALB_MUST_CHECK;
/* The source of a darkroom job, and the others behind it. */
enum alb_code alb_render_inputs_lend(struct alb_render_inputs *in, struct alb_darkroom_job *job,
                                     struct alb_err *err) ALB_MUST_CHECK;
/* Whether the files are still those that were asked for. */
bool alb_render_inputs_same(const struct alb_render_inputs *in);
bool alb_render_inputs_no_store(const struct alb_render_inputs *in);

/* Headers of origins by their identity: a fixed number, a newcomer takes the place of whom it collides with.
 * Threads: any. Lock: RENDER_HEADERS. */
struct alb_headers *alb_headers_new(void) ALB_MUST_CHECK; /* NULL: no memory */
void alb_headers_free(struct alb_headers **headers);
bool alb_headers_get(struct alb_headers *h, const unsigned char identity[32], struct alb_image_header *out);
void alb_headers_put(struct alb_headers *h, const unsigned char identity[32],
                     const struct alb_image_header *header);

#endif
