/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipe between the fetch loop and a job (contract: origin_pipe.h).
 */
#include "render/origin_pipe.h"

#include <string.h>

#include "base/mem.h"

bool alb_origin_is_whole(int status, struct alb_str head)
{
    struct alb_str range, first, last, total;
    uint64_t end, size;
    if (status != 206)
        return status == 200;
    if (!alb_fetch_header_in(head, "Content-Range", &range) || !alb_str_starts(range, ALB_STR("bytes ")))
        return false;
    if (!alb_str_cut(alb_str_from(range, 6), '/', &range, &total) ||
        !alb_str_cut(alb_str_trim(range), '-', &first, &last))
        return false;
    return alb_str_eq_c(first, "0") && alb_str_u64(last, &end) && alb_str_u64(alb_str_trim(total), &size) &&
           end < size && end + 1 == size;
}

int64_t alb_origin_length(struct alb_str head)
{
    struct alb_str value;
    int64_t n;
    if (!alb_fetch_header_in(head, "Content-Length", &value) || !alb_str_i64(value, &n) || n < 0)
        return -1;
    return n;
}

static struct alb_origin_pipe *pipe_of(struct alb_fetch_sink *sink)
{
    return ALB_CONTAINER_OF(sink, struct alb_origin_pipe, sink);
}

static void pipe_free(struct alb_obj *obj)
{
    struct alb_origin_pipe *p = pipe_of(ALB_CONTAINER_OF(obj, struct alb_fetch_sink, obj));
    alb_buf_fini(&p->in);
    alb_mutex_fini(&p->mtx);
    alb_mem_free(p);
}

/* More than one, or one that is too long, is none that we know. */
static void note_encoding(struct alb_origin_pipe *p, struct alb_str head)
{
    struct alb_str value, second;
    p->encoding[0] = '\0';
    if (!alb_fetch_header_next(&head, "Content-Encoding", &value))
        return;
    if (alb_fetch_header_next(&head, "Content-Encoding", &second) ||
        !alb_str_to_c(value, p->encoding, sizeof(p->encoding)))
        memcpy(p->encoding, "several", sizeof("several"));
}

static bool on_head(struct alb_fetch_sink *sink, int status, struct alb_str head)
{
    struct alb_origin_pipe *p = pipe_of(sink);
    bool wanted = alb_origin_is_whole(status, head) && alb_origin_length(head) <= p->max_bytes;
    alb_mutex_lock(&p->mtx);
    p->accepted = wanted;
    note_encoding(p, head);
    alb_mutex_unlock(&p->mtx);
    return wanted || status == 304; /* that one has no body: the connection may be kept */
}

/* Whether the job is to have a look now. */
static bool is_news(struct alb_origin_pipe *p, size_t n)
{
    if (p->early >= ALB_ORIGIN_PIPE_EARLY)
        return p->in.n >= ALB_ORIGIN_PIPE_TELL;
    p->early += n;
    return true;
}

static enum alb_fetch_take on_body(struct alb_fetch_sink *sink, const void *data, size_t n)
{
    struct alb_origin_pipe *p = pipe_of(sink);
    enum alb_fetch_take take = ALB_FETCH_TAKEN;
    alb_mutex_lock(&p->mtx);
    if (!p->actor || !p->accepted) {
        take = ALB_FETCH_STOP;
    } else if (p->in.n > 0 && n > p->in.max - p->in.n) {
        take = ALB_FETCH_LATER;
        p->full = true;
    } else {
        alb_buf_add(&p->in, data, n);
        if (is_news(p, n))
            alb_actor_post(p->actor, p->event);
    }
    if (alb_buf_code(&p->in) != ALB_OK) /* no memory: the job sees it in what it takes */
        take = ALB_FETCH_STOP;
    alb_mutex_unlock(&p->mtx);
    return take;
}

struct alb_origin_pipe *alb_origin_pipe_new(struct alb_fetch *fetch, struct alb_actor *actor, unsigned event,
                                            int64_t max_bytes)
{
    struct alb_origin_pipe *p = alb_mem_calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    alb_obj_init(&p->sink.obj, pipe_free);
    p->sink.head = on_head;
    p->sink.body = on_body;
    p->fetch = fetch;
    p->max_bytes = max_bytes;
    alb_mutex_init(&p->mtx, ALB_LOCK_ORIGIN_PIPE);
    p->actor = actor;
    p->event = event;
    alb_buf_init(&p->in, ALB_ORIGIN_PIPE_MAX);
    return p;
}

void alb_origin_pipe_take(struct alb_origin_pipe *p, struct alb_buf *empty)
{
    alb_mutex_lock(&p->mtx);
    struct alb_buf taken = p->in;
    bool was_full = p->full;
    p->in = *empty;
    p->full = false;
    alb_mutex_unlock(&p->mtx);
    *empty = taken;
    if (was_full)
        alb_fetch_go_on(p->fetch, &p->sink);
}

bool alb_origin_pipe_accepted(struct alb_origin_pipe *p, char encoding[32])
{
    alb_mutex_lock(&p->mtx);
    bool accepted = p->accepted;
    memcpy(encoding, p->encoding, sizeof(p->encoding));
    alb_mutex_unlock(&p->mtx);
    return accepted;
}

void alb_origin_pipe_detach(struct alb_origin_pipe **pipe)
{
    struct alb_origin_pipe *p = *pipe;
    *pipe = NULL;
    if (!p)
        return;
    alb_mutex_lock(&p->mtx);
    p->actor = NULL;
    alb_mutex_unlock(&p->mtx);
    alb_obj_unref(&p->sink.obj);
}
