/* SPDX-License-Identifier: Apache-2.0
 *
 * What the threads of a run do; the picture is in pipeline.h.
 */
#include "import/pipeline.h"

#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "import/hash.h"

/* --- scan --------------------------------------------------------------------------------------------------
 */

static bool on_file(void *ctx, const struct alb_found *found)
{
    struct alb_run *r = ctx;
    struct alb_item *item = alb_run_item(r, found);
    if (item && !alb_queue_put(&r->to_hash, item))
        alb_run_end_early(r, item, ALB_OUTCOME_LEFT, NULL);
    return !alb_stop_asked(&r->stop);
}

static bool on_skip(void *ctx, enum alb_skip why, struct alb_str path, int64_t size)
{
    struct alb_run *r = ctx;
    alb_tally_found(&r->tally, size);
    alb_tally_skip(&r->tally, why, path, size);
    return !alb_stop_asked(&r->stop);
}

static bool on_fail(void *ctx, struct alb_str path, const struct alb_err *err)
{
    struct alb_run *r = ctx;
    alb_run_failed(r, path, 0, true, err);
    return !alb_stop_asked(&r->stop);
}

void *alb_run_scan(void *run)
{
    struct alb_run *r = run;
    const struct alb_sink sink = {.ctx = r, .file = on_file, .skip = on_skip, .fail = on_fail};
    r->source->walk(r->source, &sink);
    alb_tally_scanned(&r->tally);
    alb_queue_finish(&r->to_hash);
    return NULL;
}

/* --- hash --------------------------------------------------------------------------------------------------
 */

static void pass_to_check(struct alb_run *r, struct alb_item *item)
{
    if (!alb_queue_put(&r->to_check, item))
        alb_run_end_early(r, item, ALB_OUTCOME_LEFT, NULL);
}

static void hash_one(struct alb_run *r, struct alb_item *item, int fd, unsigned char *room,
                     struct alb_err *err)
{
    enum alb_code code = fd < 0 ? err->code : alb_hash_item(item, fd, &r->stop, room, err);
    if (code == ALB_OK) {
        alb_journal_hashed(r->journal, item);
        pass_to_check(r, item);
    } else {
        enum alb_outcome how = code == ALB_E_CANCELLED ? ALB_OUTCOME_LEFT : ALB_OUTCOME_FAILED;
        alb_run_end_early(r, item, how, err);
    }
}

/* Two at a time: while the first is hashed the system reads the second. */
static void hash_pair(struct alb_run *r, struct alb_item *const *items, size_t n, unsigned char *room)
{
    int fd[2] = {-1, -1};
    struct alb_err err[2] = {ALB_ERR_INIT, ALB_ERR_INIT};
    for (size_t i = 0; i < n; i++) {
        items[i]->hashed = alb_journal_hash(r->journal, items[i], items[i]->sha1);
        if (!items[i]->hashed)
            fd[i] = alb_hash_open(items[i], &err[i]);
    }
    for (size_t i = 0; i < n; i++) {
        if (items[i]->hashed) {
            alb_tally_known(&r->tally);
            pass_to_check(r, items[i]);
        } else {
            hash_one(r, items[i], fd[i], room, &err[i]);
            alb_fs_close(&fd[i]);
        }
    }
}

void *alb_run_hash(void *run)
{
    struct alb_run *r = run;
    struct alb_item *items[2];
    size_t n;
    unsigned char *room = alb_mem_alloc_nofail(ALB_HASH_CHUNK);
    while ((n = alb_queue_take_batch(&r->to_hash, items, 2, 0)) > 0) {
        if (!alb_stop_asked(&r->stop))
            hash_pair(r, items, n, room);
        else
            for (size_t i = 0; i < n; i++)
                alb_run_end_early(r, items[i], ALB_OUTCOME_LEFT, NULL);
    }
    alb_mem_free(room);
    if (atomic_fetch_sub(&r->hashers_left, 1) == 1)
        alb_queue_finish(&r->to_check);
    return NULL;
}

/* --- what becomes of a file --------------------------------------------------------------------------------
 */

struct verdict {
    bool send;
    enum alb_outcome how; /* when it is not sent */
    enum alb_skip skip;   /* with ALB_OUTCOME_SKIPPED */
    struct alb_err err;   /* with ALB_OUTCOME_FAILED */
};

static struct verdict decide(const struct alb_run *r, const struct alb_item *item, enum alb_has has)
{
    struct alb_str url;
    switch (has) {
    case ALB_HAS_NOT:
        if (r->config->dry_run)
            return (struct verdict){.how = ALB_OUTCOME_WOULD_UPLOAD};
        return (struct verdict){.send = true};
    case ALB_HAS_IT:
        /* Sending the bytes once more is how an asset that is there gets into an album; once is enough. */
        if (item->labels != 0 && !r->config->dry_run &&
            alb_journal_state(r->journal, item, &url) != ALB_JOURNAL_DONE)
            return (struct verdict){.send = true};
        return (struct verdict){.how = ALB_OUTCOME_DUPLICATE};
    case ALB_HAS_IN_TRASH:
        if (!r->config->restore_trashed)
            return (struct verdict){.how = ALB_OUTCOME_SKIPPED, .skip = ALB_SKIP_TRASHED};
        if (r->config->dry_run)
            return (struct verdict){.how = ALB_OUTCOME_WOULD_UPLOAD};
        return (struct verdict){.send = true};
    case ALB_HAS_NO_USE:
        break;
    }
    return (struct verdict){.how = ALB_OUTCOME_SKIPPED, .skip = ALB_SKIP_TYPE};
}

/* What a file's end says about the next with the same content. */
static struct verdict decide_twin(const struct alb_run *r, const struct alb_item *twin,
                                  const struct verdict *first)
{
    switch (first->how) {
    case ALB_OUTCOME_UPLOADED:
    case ALB_OUTCOME_RESTORED:
    case ALB_OUTCOME_DUPLICATE:
        return decide(r, twin, ALB_HAS_IT);
    case ALB_OUTCOME_WOULD_UPLOAD:
        return (struct verdict){.how = ALB_OUTCOME_DUPLICATE};
    case ALB_OUTCOME_FAILED:
        return decide(r, twin, ALB_HAS_NOT);
    case ALB_OUTCOME_SKIPPED:
    case ALB_OUTCOME_LEFT:
    case ALB_OUTCOME_COUNT:
        break;
    }
    return *first;
}

/* Ends an item that is in work and gives the next with the same content, which is in work then. */
static struct alb_item *settle(struct alb_run *r, struct alb_item *item, const struct verdict *v)
{
    struct alb_str path = alb_str_c(item->path);
    if (v->how == ALB_OUTCOME_FAILED)
        alb_run_failed(r, path, item->size, false, &v->err);
    else if (v->how == ALB_OUTCOME_SKIPPED)
        alb_tally_skip(&r->tally, v->skip, path, item->size);
    else
        alb_tally_end(&r->tally, v->how, item->size);
    struct alb_item *twin = alb_twins_leave(&r->twins, item);
    alb_run_drop(r, item);
    return twin;
}

/* --- check -------------------------------------------------------------------------------------------------
 */

/* Puts it on its way; its twins too, as far as they need not be sent. */
static void dispatch(struct alb_run *r, struct alb_item *item, struct verdict v)
{
    while (item) {
        if (v.send && alb_queue_put(&r->to_send, item))
            return;
        if (v.send)
            v = (struct verdict){.how = ALB_OUTCOME_LEFT};
        item = settle(r, item, &v);
        if (item)
            v = decide_twin(r, item, &v);
    }
}

/* The next question would be answered the same way. */
static bool is_fatal(enum alb_code code)
{
    return code == ALB_E_UNAUTHENTICATED || code == ALB_E_FORBIDDEN || code == ALB_E_NOT_FOUND ||
           code == ALB_E_INVALID;
}

static void check_batch(struct alb_run *r, struct alb_api *api, struct alb_item *const *items, size_t n)
{
    enum alb_has has[ALB_IMPORT_CHECK_BATCH];
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_api_check(api, items, n, has, &err);
    if (is_fatal(code))
        alb_run_fatal(r, &err);
    for (size_t i = 0; i < n; i++) {
        struct verdict v;
        if (code == ALB_OK)
            v = decide(r, items[i], has[i]);
        else if (code == ALB_E_CANCELLED)
            v = (struct verdict){.how = ALB_OUTCOME_LEFT};
        else
            v = (struct verdict){.how = ALB_OUTCOME_FAILED, .err = err};
        dispatch(r, items[i], v);
    }
}

void *alb_run_check(void *run)
{
    struct alb_run *r = run;
    struct alb_item *items[ALB_IMPORT_CHECK_BATCH];
    struct alb_api api;
    struct alb_err err = ALB_ERR_INIT;
    size_t n;
    if (alb_api_init(&api, &r->server, &err) != ALB_OK)
        alb_run_fatal(r, &err);
    while ((n = alb_queue_take_batch(&r->to_check, items, ALB_IMPORT_CHECK_BATCH,
                                     ALB_IMPORT_CHECK_WAIT_MS * ALB_NS_PER_MS)) > 0) {
        size_t firsts = 0;
        for (size_t i = 0; i < n; i++) {
            if (alb_stop_asked(&r->stop))
                alb_run_end_early(r, items[i], ALB_OUTCOME_LEFT, NULL);
            else if (alb_twins_enter(&r->twins, items[i]))
                items[firsts++] = items[i];
        }
        if (firsts > 0)
            check_batch(r, &api, items, firsts);
    }
    alb_api_fini(&api);
    alb_queue_finish(&r->to_send);
    return NULL;
}

/* --- send --------------------------------------------------------------------------------------------------
 */

static struct verdict send_one(struct alb_run *r, struct alb_api *api, struct alb_item *item)
{
    struct verdict v = {.how = ALB_OUTCOME_FAILED, .err = ALB_ERR_INIT};
    if (alb_stop_asked(&r->stop))
        return (struct verdict){.how = ALB_OUTCOME_LEFT};
    switch (alb_upload(api, &r->env, item, &v.err)) {
    case ALB_UPLOAD_CREATED:
        v.how = ALB_OUTCOME_UPLOADED;
        break;
    case ALB_UPLOAD_DUPLICATE:
        v.how = ALB_OUTCOME_DUPLICATE;
        break;
    case ALB_UPLOAD_RESTORED:
        v.how = ALB_OUTCOME_RESTORED;
        break;
    case ALB_UPLOAD_STOPPED:
        v.how = ALB_OUTCOME_LEFT;
        break;
    case ALB_UPLOAD_FATAL:
        alb_run_fatal(r, &v.err);
        break;
    case ALB_UPLOAD_FAILED:
        break;
    }
    return v;
}

void *alb_run_send(void *run)
{
    struct alb_run *r = run;
    struct alb_item *item;
    struct alb_api api;
    struct alb_err err = ALB_ERR_INIT;
    if (alb_api_init(&api, &r->server, &err) != ALB_OK)
        alb_run_fatal(r, &err);
    while ((item = alb_queue_take(&r->to_send)) != NULL) {
        while (item) {
            struct verdict v = send_one(r, &api, item);
            item = settle(r, item, &v);
            /* The twins that need not be sent end here; the next that must be goes round. */
            while (item) {
                v = decide_twin(r, item, &v);
                if (v.send)
                    break;
                item = settle(r, item, &v);
            }
        }
    }
    alb_api_fini(&api);
    if (atomic_fetch_sub(&r->uploaders_left, 1) == 1)
        alb_ignore(eventfd_write(r->done_fd, 1), "readable is all it says");
    return NULL;
}
