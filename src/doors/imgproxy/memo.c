/* SPDX-License-Identifier: Apache-2.0
 *
 * What a URL came to a moment ago: the key of its picture, and the head of its answer. Whoever asks for the same in
 * the same second of wall time, while nothing that the answer stands on has changed (the sources that are
 * remembered, the purges), gets it without the URL being parsed, its sources being looked up and its key being made
 * again, which is most of what a hot answer costs. The picture itself stays where it is, in the hot cache or, for who
 * looks on the io pool, in the cache of results: a memo only finds it.
 *
 * Only where an answer follows from the path, from one Accept header, and from what stands in a moment: not with a
 * library (rights), a secret, headers that go through or client hints, nor where the log tells what was asked for.
 *
 * A table of sets of WAYS places, a set by the hash; in a full one the places take turns. Bound: its places, each with
 * TEXT_MAX bytes at most. Threads: any. Lock: IMGPROXY_MEMO; entries are immutable and counted.
 */
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "doors/imgproxy/job.h"
#include "render/books.h"

#define SETS 128
#define WAYS 4
#define TEXT_MAX ((size_t)4096)

struct entry {
    struct alb_obj obj;
    struct alb_imgproxy_moment moment;
    enum alb_render_door door;
    struct alb_origin *origin; /* a reference: for the books */
    struct alb_flight_key key;
    struct alb_res_head head;
    struct alb_str path, accept;
    char text[]; /* what the views point to */
};

struct alb_imgproxy_memo {
    struct alb_mutex mtx;
    /* under mtx */
    struct entry *places[SETS][WAYS]; /* references; NULL: free */
    unsigned next[SETS];
};

/* ---- entries ---- */

static void entry_free(struct alb_obj *obj)
{
    struct entry *e = ALB_CONTAINER_OF(obj, struct entry, obj);
    alb_origin_unref(e->origin);
    alb_mem_free(e);
}

static struct alb_str move(char **at, struct alb_str text)
{
    struct alb_str moved = {*at, text.n};
    if (!text.p)
        return text;
    memcpy(*at, text.p, text.n);
    *at += text.n;
    return moved;
}

static struct entry *entry_new(const struct alb_imgproxy_job *job, const struct alb_render_ask *ask,
                               const struct alb_flight_key *key, const struct alb_res_head *head,
                               struct alb_str accept)
{
    struct alb_str path = alb_req_path(job->req);
    size_t n = head->lines.n + head->etag.n + path.n + accept.n;
    struct entry *e = n <= TEXT_MAX ? alb_mem_alloc(sizeof(*e) + n) : NULL;
    if (!e)
        return NULL;
    char *at = e->text;
    alb_obj_init(&e->obj, entry_free);
    e->moment = job->moment;
    e->door = ask->door;
    e->origin = alb_origin_ref(ask->origin);
    e->key = *key;
    e->head = *head;
    e->head.lines = move(&at, head->lines);
    e->head.etag = move(&at, head->etag);
    e->path = move(&at, path);
    e->accept = move(&at, accept);
    return e;
}

static void entry_unref(struct entry *e)
{
    if (e)
        alb_obj_unref(&e->obj);
}

/* ---- the table ---- */

struct alb_imgproxy_memo *alb_imgproxy_memo_new(void)
{
    struct alb_imgproxy_memo *m = alb_mem_calloc(1, sizeof(*m));
    if (m)
        alb_mutex_init(&m->mtx, ALB_LOCK_IMGPROXY_MEMO);
    return m;
}

void alb_imgproxy_memo_free(struct alb_imgproxy_memo **memo)
{
    struct alb_imgproxy_memo *m = *memo;
    *memo = NULL;
    if (!m)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t k = 0; k < WAYS; k++)
            entry_unref(m->places[i][k]);
    alb_mutex_fini(&m->mtx);
    alb_mem_free(m);
}

static bool same_moment(const struct alb_imgproxy_moment *a, const struct alb_imgproxy_moment *b)
{
    return a->second == b->second && a->purges == b->purges && a->sources == b->sources;
}

static bool is_of(const struct entry *e, struct alb_str path, struct alb_str accept)
{
    return alb_str_eq(e->path, path) && alb_str_eq(e->accept, accept);
}

static size_t set_of(struct alb_str path)
{
    return alb_xxh3(path.p, path.n) % SETS;
}

/* A reference, or NULL. */
static struct entry *find(struct alb_imgproxy_memo *m, const struct alb_imgproxy_moment *moment,
                          struct alb_str path, struct alb_str accept)
{
    struct entry *found = NULL;
    size_t set = set_of(path);
    alb_mutex_lock(&m->mtx);
    for (size_t k = 0; k < WAYS && !found; k++) {
        struct entry *e = m->places[set][k];
        if (e && same_moment(&e->moment, moment) && is_of(e, path, accept))
            found = e;
    }
    if (found)
        alb_obj_ref(&found->obj);
    alb_mutex_unlock(&m->mtx);
    return found;
}

/* Takes e: over the one of the same request, or whose turn it is. */
static void put(struct alb_imgproxy_memo *m, struct entry *e)
{
    size_t set = set_of(e->path);
    alb_mutex_lock(&m->mtx);
    size_t at = m->next[set] % WAYS;
    for (size_t k = 0; k < WAYS; k++)
        if (m->places[set][k] && is_of(m->places[set][k], e->path, e->accept))
            at = k;
    m->next[set] += at == m->next[set] % WAYS;
    struct entry *old = m->places[set][at];
    m->places[set][at] = e;
    alb_mutex_unlock(&m->mtx);
    entry_unref(old);
}

/* ---- requests ---- */

bool alb_imgproxy_memo_helps(const struct alb_imgproxy_config *c, bool library)
{
    return !library && c->secret.n == 0 && c->pass_request.count == 0 && !c->cookies && !c->client_hints;
}

void alb_imgproxy_moment_now(const struct alb_imgproxy_door *door, struct alb_req *req,
                             struct alb_imgproxy_moment *moment)
{
    *moment = (struct alb_imgproxy_moment){
        .second = alb_wall(alb_req_clock(req)) / 1000,
        .purges = alb_render_purges_newest(door->config.render),
        .sources = door->config.origins ? alb_origins_changes(door->config.origins) : 0,
    };
}

/* False: more than one, which count together. */
static bool accept_of(const struct alb_req *req, struct alb_str *accept)
{
    struct alb_str second;
    size_t at = 0;
    *accept = ALB_STR_NONE;
    return !alb_req_header_next(req, "accept", &at, accept) ||
           !alb_req_header_next(req, "accept", &at, &second);
}

static void set_head(struct alb_req *req, const struct entry *e)
{
    struct alb_res_head head = e->head;
    head.etag = alb_arena_str(alb_req_arena(req), head.etag);
    alb_res_head_set(req, &head);
}

static void answer(struct alb_imgproxy_door *door, struct alb_req *req, const struct entry *e,
                   const struct alb_picture *p, bool hot)
{
    const struct alb_render_ask ask = {.door = e->door, .origin = e->origin};
    set_head(req, e);
    if (p)
        alb_res_bytes(req, p->bytes);
    alb_render_answered(door->config.render, &ask, p, hot, alb_res_decided(req));
    if (door->config.origins)
        alb_origins_count_hot(door->config.origins);
}

enum alb_imgproxy_memo_says alb_imgproxy_memo_answer(struct alb_imgproxy_door *door, struct alb_req *req,
                                                     const struct alb_imgproxy_moment *moment, bool on_loop)
{
    struct alb_str accept;
    if (!door->memo || alb_log_on(ALB_LOG_INFO) || !accept_of(req, &accept))
        return ALB_IMGPROXY_MEMO_NOTHING;
    struct entry *e = find(door->memo, moment, alb_req_path(req), accept);
    if (!e)
        return ALB_IMGPROXY_MEMO_NOTHING;
    bool hot;
    struct alb_picture *p = alb_render_at_hand(door->config.render, e->door, &e->key, &hot);
    if (!p && !on_loop)
        p = alb_render_kept(door->config.render, e->door, &e->key);
    if (p) {
        answer(door, req, e, p, hot);
        alb_obj_unref(&p->obj);
    }
    entry_unref(e);
    return p ? ALB_IMGPROXY_MEMO_ANSWER : ALB_IMGPROXY_MEMO_KEY;
}

void alb_imgproxy_memo_keep(const struct alb_imgproxy_job *job, const struct alb_render_ask *ask,
                            const struct alb_flight_key *key)
{
    struct alb_imgproxy_memo *m = job->door->memo;
    const struct alb_origin *o = job->input[0].origin;
    struct alb_res_head head;
    struct alb_str accept;
    if (!m || alb_log_on(ALB_LOG_INFO) || job->fell_back || job->want.expires > 0 || job->want.bypass_cache ||
        !o || !accept_of(job->req, &accept))
        return;
    for (unsigned i = 0; i <= job->wish.inputs; i++) { /* fresh to the end of the second */
        o = job->input[i].origin;
        if (o && o->fresh_until_ms > 0 && o->fresh_until_ms / 1000 <= job->moment.second)
            return;
    }
    alb_res_head_get(job->req, &head);
    struct entry *e = entry_new(job, ask, key, &head, accept);
    if (e)
        put(m, e);
}
