/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole of all uploads: limits, open, stop, free, sweep, view (contract: upload.h).
 */
#include "upload/upload.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "upload/priv.h"
#include "upload/recover.h"

#define SWEEP_BUCKETS 1024 /* looked at in one critical section */
#define TRIES_WITHOUT_REST 8
#define REST_DOUBLED_MAX 6 /* 64 minutes */

static int64_t ms(int64_t ns)
{
    return ns == ALB_NEVER ? INT64_MAX / 4 : ns / ALB_NS_PER_MS;
}

void alb_upload_limits_default(struct alb_upload_limits *l)
{
    *l = (struct alb_upload_limits){
        .max_bytes = (int64_t)64 << 30,
        .max_total = (int64_t)512 << 30,
        .max_count = 100000,
        .max_per_owner = 20000,
        .min_free = (int64_t)256 << 20,
        .keep_ms = (int64_t)14 * 24 * 3600 * 1000,
        .keep_done_ms = (int64_t)24 * 3600 * 1000,
        .checkpoint = (int64_t)64 << 20,
        .metadata_max = (size_t)128 << 10,
        .waiters_max = 16,
    };
}

void alb_upload_limits_options(struct alb_upload_limits *l, const struct alb_options *o)
{
    alb_upload_limits_default(l);
    l->max_bytes = alb_opt_size(o, ALB_P_UPLOAD_SIZE);
    l->max_total = alb_opt_size(o, ALB_P_UPLOAD_SPACE);
    l->max_count = alb_opt_int(o, ALB_P_UPLOAD_COUNT);
    l->max_per_owner = alb_opt_int(o, ALB_P_UPLOADS_PER_USER);
    l->max_owner_bytes = alb_opt_size(o, ALB_P_UPLOAD_SPACE_PER_USER);
    l->min_free = alb_opt_size(o, ALB_P_UPLOAD_MIN_FREE);
    l->keep_ms = ms(alb_opt_duration(o, ALB_P_UPLOAD_KEEP));
    l->keep_done_ms = ms(alb_opt_duration(o, ALB_P_UPLOAD_KEEP_DONE));
}

/* ---- open and free ---- */

static void destroy(struct alb_uploads *u)
{
    alb_upload_table_fini(u);
    alb_bytes_unref(u->token);
    alb_fs_close(&u->dirfd);
    alb_fs_close(&u->state_dirfd);
    alb_cond_fini(&u->work);
    alb_cond_fini(&u->idle);
    alb_mutex_fini(&u->mtx);
    alb_mem_free(u);
}

enum alb_code alb_uploads_open(const struct alb_uploads_config *config, struct alb_uploads **uploads,
                               struct alb_err *err)
{
    struct alb_uploads *u = alb_mem_calloc(1, sizeof(*u));

    *uploads = NULL;
    if (u == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for uploads");
    ALB_CHECK(config->layout.adopt == NULL || (config->layout.plain && config->layout.unhashed));
    u->dirfd = u->state_dirfd = -1;
    u->clock = config->clock;
    u->pool = config->pool;
    u->sink = config->sink;
    u->quarantine = config->quarantine;
    u->limits = config->limits;
    u->finished = config->finished;
    u->finished_ctx = config->finished_ctx;
    if (u->limits.waiters_max > ALB_UPLOAD_WAITERS_CAP)
        u->limits.waiters_max = ALB_UPLOAD_WAITERS_CAP;
    if (u->limits.max_bytes > ALB_BLOCKS_MAX * ALB_BLOCK_SIZE)
        u->limits.max_bytes = ALB_BLOCKS_MAX * ALB_BLOCK_SIZE;
    alb_mutex_init(&u->mtx, ALB_LOCK_UPLOAD_TABLE);
    alb_cond_init(&u->idle);
    alb_cond_init(&u->work);
    u->token = alb_bytes_copy("", 0);
    enum alb_code code = ALB_OK;
    if (u->token == NULL)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for uploads");
    if (code == ALB_OK)
        code = alb_upload_table_init(u, err);
    if (code == ALB_OK)
        code = alb_upload_open_folders(u, config, err);
    if (code == ALB_OK)
        code = alb_uploads_recover(u, err);
    if (code == ALB_OK)
        code = alb_uploads_adopt(u, err);
    if (code == ALB_OK)
        code = alb_upload_assembler_start(u, err);
    if (code != ALB_OK) {
        destroy(u);
        return code;
    }
    *uploads = u;
    return ALB_OK;
}

/* One upload per critical section whose holder or waiters have to hear of the end; false: none left in b. */
static bool stop_one(struct alb_uploads *u, size_t b)
{
    struct alb_upload_calls calls = {0};

    alb_mutex_lock(&u->mtx);
    struct alb_upload_entry *e = b < u->bucket_count ? u->buckets[b] : NULL;
    while (e != NULL && e->first == NULL &&
           (e->holder == NULL || e->finishing || atomic_load(&e->holder->interrupted)))
        e = e->next;
    if (e != NULL) {
        alb_upload_refuse_waiters_locked(e, ALB_E_BUSY, &calls);
        alb_upload_interrupt_locked(e, &calls);
    }
    alb_mutex_unlock(&u->mtx);
    alb_upload_calls_run(u, &calls);
    return e != NULL;
}

void alb_uploads_stop(struct alb_uploads *u)
{
    alb_mutex_lock(&u->mtx);
    u->stopped = true; /* no new entries: the buckets stay as they are */
    alb_cond_broadcast(&u->work);
    size_t buckets = u->bucket_count;
    alb_mutex_unlock(&u->mtx);
    for (size_t b = 0; b < buckets; b++) {
        while (stop_one(u, b))
            continue;
    }
}

bool alb_uploads_stopping(struct alb_uploads *u)
{
    alb_mutex_lock(&u->mtx);
    bool stopped = u->stopped;
    alb_mutex_unlock(&u->mtx);
    return stopped;
}

void alb_uploads_free(struct alb_uploads **uploads)
{
    struct alb_uploads *u = *uploads;

    *uploads = NULL;
    if (u == NULL)
        return;
    alb_uploads_stop(u);
    alb_upload_assembler_join(u);
    alb_mutex_lock(&u->mtx);
    while (u->ends_due > 0)
        alb_cond_wait(&u->idle, &u->mtx);
    ALB_CHECK(u->held == 0 && u->waiting == 0);
    alb_mutex_unlock(&u->mtx);
    destroy(u);
}

/* ---- sweep ---- */

enum due { NOT_DUE, EXPIRED, TO_FINISH, TO_ASSEMBLE };

/* A complete part, while a concatenation of its owner's is not finished: whether or not it is put together
 * just now, or the server was off for long, it may need it. */
static bool may_be_needed(const struct alb_upload_entry *e)
{
    return e->pins > 0 || (e->kind == ALB_UPLOAD_PARTIAL && e->state == ALB_UPLOAD_COMPLETE &&
                           e->owner != NULL && e->owner->finals > 0);
}

/* It does not expire, and each time all of it may be read: what fails for long is tried less and less often. */
static int64_t rest_after(unsigned tries)
{
    if (tries <= TRIES_WITHOUT_REST)
        return 0;
    unsigned doubled = tries - TRIES_WITHOUT_REST - 1;
    return (int64_t)60 * ALB_NS_PER_S << (doubled < REST_DOUBLED_MAX ? doubled : REST_DOUBLED_MAX);
}

static void count_try_locked(struct alb_upload_entry *e, int64_t mono)
{
    if (e->tries < UINT8_MAX)
        e->tries++;
    e->rest_until = mono + rest_after(e->tries);
}

struct moment {
    int64_t wall, mono;
};

/* All bytes of an OPEN one: its last request ended, or the server did, before it could be finished. */
static bool has_all_bytes(const struct alb_upload_entry *e)
{
    if (e->state == ALB_UPLOAD_OPEN)
        return e->length >= 0 && e->offset == e->length;
    return e->state == ALB_UPLOAD_COMPLETE && e->kind != ALB_UPLOAD_PARTIAL;
}

/* Who has sent all bytes has done what he could (U4): they are finished, and do not expire before. */
static enum due due_locked(const struct alb_upload_entry *e, struct moment now, bool finishing_too)
{
    bool rests = now.mono < e->rest_until;

    if (e->holder != NULL || e->first != NULL || !e->announced)
        return NOT_DUE;
    if (e->kind == ALB_UPLOAD_FINAL && e->state == ALB_UPLOAD_OPEN)
        return rests ? NOT_DUE : TO_ASSEMBLE;
    if (has_all_bytes(e))
        return finishing_too && !rests ? TO_FINISH : NOT_DUE;
    return e->expires_ms > 0 && e->expires_ms <= now.wall && !may_be_needed(e) ? EXPIRED : NOT_DUE;
}

/* Attaches s to the next upload that is due, from u->sweep_at on; *left buckets are still to be seen. */
static enum due claim(struct alb_uploads *u, struct alb_upload_session *s, bool finishing_too, size_t *left)
{
    const struct moment now = {alb_wall(u->clock), alb_mono(u->clock)};
    enum due why = NOT_DUE;

    alb_mutex_lock(&u->mtx);
    for (unsigned i = 0; i < SWEEP_BUCKETS && *left > 0 && why == NOT_DUE && !u->stopped; i++) {
        if (u->sweep_at >= u->bucket_count)
            u->sweep_at = 0;
        struct alb_upload_entry *e = u->buckets[u->sweep_at];
        while (e != NULL && (why = due_locked(e, now, finishing_too)) == NOT_DUE) {
            if (e->expires_ms > 0 && e->expires_ms <= now.wall)
                alb_upload_part_changed_locked(u, e); /* if a concatenation waits for it, it is to look */
            e = e->next;
        }
        if (e != NULL)
            alb_upload_attach_locked(s, e);
        if (why == TO_FINISH || why == TO_ASSEMBLE)
            count_try_locked(e, now.mono);
        u->sweep_at++; /* others in this bucket come next time: none is tried twice in a row */
        --*left;
    }
    if (u->stopped)
        *left = 0;
    alb_mutex_unlock(&u->mtx);
    return why;
}

static void expire(struct alb_upload_session *s, struct alb_upload_swept *swept)
{
    struct alb_err err = ALB_ERR_INIT;

    if (alb_upload_remove_files(s->u, s->e, &err) != ALB_OK) {
        alb_log_err("an expired upload is still there", &err);
    } else {
        alb_stat_inc(ALB_STAT_UPLOADS_EXPIRED);
        alb_upload_drop_entry(s, ALB_E_GONE);
        swept->expired++;
    }
    alb_upload_release(&s);
}

static void offer(struct alb_upload_session *s, struct alb_upload_swept *swept)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;

    enum alb_code code = alb_upload_load(s, &err);
    if (code == ALB_OK)
        code = alb_upload_finish(&s, &future, &err);
    if (code == ALB_OK)
        swept->offered++;
    else
        alb_log_err("a complete upload cannot be finished", &err);
    alb_future_unref(future);
    alb_upload_release(&s);
}

void alb_uploads_sweep(struct alb_uploads *u, unsigned finishes, struct alb_upload_swept *swept)
{
    *swept = (struct alb_upload_swept){0, 0};
    alb_mutex_lock(&u->mtx);
    size_t left = u->bucket_count;
    alb_mutex_unlock(&u->mtx);
    while (left > 0) {
        struct alb_upload_session *s = alb_upload_session_new(u, ALB_UPLOAD_WRITE);
        if (s == NULL)
            return;
        switch (claim(u, s, swept->offered < finishes, &left)) {
        case EXPIRED:
            expire(s, swept);
            break;
        case TO_FINISH:
            offer(s, swept);
            break;
        case TO_ASSEMBLE:
            alb_upload_assemble_again(s);
            break;
        case NOT_DUE:
            alb_upload_session_free(s);
            break;
        }
    }
}

/* ---- bytes that the sink has moved ---- */

#define LOOKED_AT 64 /* in one go */

/* The next ones whose bytes the sink may have, from bucket *at on. Chains are taken whole: *doubt, if one is
 * too long for that. */
static size_t collect(struct alb_uploads *u, size_t *at, struct alb_upload_entry *found[LOOKED_AT],
                      bool *doubt)
{
    size_t n = 0;

    alb_mutex_lock(&u->mtx);
    for (size_t seen = 0; *at < u->bucket_count && seen < SWEEP_BUCKETS; seen++) {
        size_t before = n;
        struct alb_upload_entry *e = u->buckets[*at];
        for (; e != NULL && n < LOOKED_AT; e = e->next) {
            if (e->finishing || (e->state == ALB_UPLOAD_COMPLETE && e->kind != ALB_UPLOAD_PARTIAL)) {
                e->refs++;
                found[n++] = e;
            }
        }
        if (e != NULL && before > 0) { /* no room for all of this chain: it comes first next time */
            while (n > before)
                found[--n]->refs--;
            break;
        }
        *doubt = *doubt || e != NULL;
        ++*at;
    }
    alb_mutex_unlock(&u->mtx);
    return n;
}

bool alb_uploads_bytes_away(struct alb_uploads *u)
{
    struct alb_upload_entry *found[LOOKED_AT];
    char name[ALB_UPLOAD_NAME_MAX];
    size_t at = 0, n;
    bool away = false, more = true;

    while (more && !away) {
        n = collect(u, &at, found, &away);
        for (size_t i = 0; i < n && !away; i++) {
            alb_upload_data_name(u, found[i], name);
            away = faccessat(u->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
        }
        alb_mutex_lock(&u->mtx);
        for (size_t i = 0; i < n; i++)
            alb_upload_entry_unref(found[i]);
        more = at < u->bucket_count;
        alb_mutex_unlock(&u->mtx);
    }
    return away;
}

struct alb_uploads_view alb_uploads_look(struct alb_uploads *u)
{
    int64_t oldest = INT64_MAX;

    alb_mutex_lock(&u->mtx);
    for (const struct alb_upload_finishing *f = u->finishing; f != NULL; f = f->next) {
        if (f->since < oldest)
            oldest = f->since;
    }
    struct alb_uploads_view v = {
        .known = u->known,
        .unfinished = u->unfinished,
        .finishing = u->finishing_n,
        .held = u->held,
        .waiting = u->waiting,
        .stored_bytes = atomic_load(&u->stored),
        .memory_bytes = (int64_t)(sizeof(*u) + u->bucket_count * sizeof(struct alb_upload_entry *) +
                                  u->owner_buckets * sizeof(struct alb_upload_owner *)) +
                        u->known * (int64_t)sizeof(struct alb_upload_entry) + u->id_bytes,
        .oldest_finish_ns = oldest == INT64_MAX ? 0 : alb_mono(u->clock) - oldest,
    };
    alb_mutex_unlock(&u->mtx);
    return v;
}
