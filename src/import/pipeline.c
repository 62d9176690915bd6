/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame of a run: what the stages share, how they start and how they end. See pipeline.h.
 */
#include "import/pipeline.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/check.h"
#include "base/fs.h"

enum alb_code alb_run_init(struct alb_run *r, const struct alb_import_config *config, struct alb_err *err)
{
    memset(r, 0, sizeof(*r));
    r->config = config;
    r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    alb_queue_init(&r->to_hash, ALB_IMPORT_HASH_QUEUE, INT64_MAX / 2);
    alb_queue_init(&r->to_check, ALB_IMPORT_CHECK_QUEUE, INT64_MAX / 2);
    alb_queue_init(&r->to_send, ALB_IMPORT_SEND_QUEUE, ALB_IMPORT_SEND_QUEUE_BYTES);
    alb_twins_init(&r->twins);
    alb_tally_init(&r->tally);
    alb_mutex_init(&r->budget_lock, ALB_LOCK_IMPORT_QUEUE);
    alb_cond_init(&r->budget_free);
    alb_mutex_init(&r->fatal_lock, ALB_LOCK_IMPORT_TALLY);
    atomic_init(&r->hashers_left, 0);
    atomic_init(&r->uploaders_left, 0);
    struct alb_server_config server = {.base = alb_buf_view(&config->server),
                                       .key = alb_str_n(config->key.p, config->key.n),
                                       .stop = &r->stop,
                                       .retry_ns = config->retry_ns,
                                       .stall_ns = config->stall_ns};
    enum alb_code code = alb_stop_init(&r->stop, err);
    if (code == ALB_OK && r->done_fd < 0)
        code = alb_fail_sys(err, ALB_E_IO, errno, "cannot make an event descriptor");
    if (code == ALB_OK)
        code = alb_server_init(&r->server, &server, err);
    if (code != ALB_OK)
        alb_run_fini(r);
    return code;
}

void alb_run_fini(struct alb_run *r)
{
    if (r->source)
        r->source->free(r->source);
    r->source = NULL;
    alb_journal_close(&r->journal);
    alb_server_fini(&r->server);
    alb_stop_fini(&r->stop);
    alb_fs_close(&r->done_fd);
    alb_queue_fini(&r->to_hash);
    alb_queue_fini(&r->to_check);
    alb_queue_fini(&r->to_send);
    alb_twins_fini(&r->twins);
    alb_tally_fini(&r->tally);
    alb_cond_fini(&r->budget_free);
    alb_mutex_fini(&r->budget_lock);
    alb_mutex_fini(&r->fatal_lock);
    struct alb_select types = {.types = r->types};
    alb_select_fini(&types);
}

static enum alb_code spawn(struct alb_run *r, const char *name, void *(*body)(void *), struct alb_err *err)
{
    enum alb_code code = alb_thread_start(&r->threads[r->threads_n], name, body, r, err);
    r->threads_n += code == ALB_OK;
    return code;
}

/* From the last stage to the first, so that whoever produces has somebody who consumes. A stage that could
 * not be started at all says so itself: its queue is finished, the others end. */
enum alb_code alb_run_start(struct alb_run *r, struct alb_source *source, struct alb_journal *journal,
                            struct alb_err *err)
{
    r->source = source;
    r->journal = journal;
    r->select = r->config->select;
    r->select.types = r->types;
    r->env = (struct alb_upload_env){
        .journal = journal, .tally = &r->tally, .tags = alb_buf_view(&r->config->tags)};
    unsigned senders = r->config->dry_run ? 1 : r->config->jobs, hashers = r->config->hashers;
    atomic_store(&r->uploaders_left, senders);
    atomic_store(&r->hashers_left, hashers);
    enum alb_code code = ALB_OK;
    for (unsigned i = 0; i < senders && code == ALB_OK; i++)
        code = spawn(r, "import-send", alb_run_send, err);
    if (code == ALB_OK)
        code = spawn(r, "import-check", alb_run_check, err);
    for (unsigned i = 0; i < hashers && code == ALB_OK; i++)
        code = spawn(r, "import-hash", alb_run_hash, err);
    if (code == ALB_OK)
        code = spawn(r, "import-scan", alb_run_scan, err);
    if (code != ALB_OK) {
        alb_run_stop(r, ALB_STOP_ABORT);
        alb_run_join(r);
    }
    return code;
}

void alb_run_join(struct alb_run *r)
{
    while (r->threads_n > 0)
        alb_thread_join(&r->threads[--r->threads_n]);
}

void alb_run_stop(struct alb_run *r, enum alb_stop_step step)
{
    alb_stop_raise(&r->stop, step);
    alb_queue_close(&r->to_hash);
    alb_queue_close(&r->to_check);
    alb_queue_close(&r->to_send);
    alb_mutex_lock(&r->budget_lock);
    r->budget_closed = true;
    alb_cond_broadcast(&r->budget_free);
    alb_mutex_unlock(&r->budget_lock);
}

void alb_run_fatal(struct alb_run *r, const struct alb_err *why)
{
    alb_mutex_lock(&r->fatal_lock);
    if (r->fatal.code == ALB_OK)
        r->fatal = *why;
    alb_mutex_unlock(&r->fatal_lock);
    alb_run_stop(r, ALB_STOP_DRAIN);
}

/* --- items -------------------------------------------------------------------------------------------------
 */

static bool take_place(struct alb_run *r)
{
    alb_mutex_lock(&r->budget_lock);
    while (!r->budget_closed && r->items >= ALB_IMPORT_ITEMS_MAX)
        alb_cond_wait(&r->budget_free, &r->budget_lock);
    bool ok = !r->budget_closed;
    r->items += ok;
    alb_mutex_unlock(&r->budget_lock);
    return ok;
}

static void give_place(struct alb_run *r)
{
    alb_mutex_lock(&r->budget_lock);
    ALB_CHECK(r->items > 0);
    r->items--;
    alb_cond_signal(&r->budget_free);
    alb_mutex_unlock(&r->budget_lock);
}

struct alb_item *alb_run_item(struct alb_run *r, const struct alb_found *found)
{
    alb_tally_found(&r->tally, found->size);
    if (!take_place(r)) {
        alb_tally_end(&r->tally, ALB_OUTCOME_LEFT, found->size);
        return NULL;
    }
    uint64_t labels = alb_item_labels(found->album, alb_buf_view(&r->config->tags));
    struct alb_item *item = alb_item_new(r->source, found->path, found->album, labels);
    if (!item) {
        struct alb_err err = {.code = ALB_E_NO_MEMORY, .msg = "no memory"};
        give_place(r);
        alb_run_failed(r, found->path, found->size, false, &err);
        return NULL;
    }
    item->size = found->size;
    item->mtime_ns = found->mtime_ns;
    item->ino = found->ino;
    return item;
}

void alb_run_drop(struct alb_run *r, struct alb_item *item)
{
    alb_item_free(&item);
    give_place(r);
}

void alb_run_failed(struct alb_run *r, struct alb_str path, int64_t bytes, bool folder,
                    const struct alb_err *why)
{
    uint64_t n = alb_tally_fail(&r->tally, path, bytes, folder, alb_str_c(why->msg));
    if (r->config->errors_max == 0 || n < r->config->errors_max)
        return;
    struct alb_err err = ALB_ERR_INIT;
    if (alb_fail(&err, ALB_E_CONFLICT, "stopped after %llu failure%s (--on-errors)", (unsigned long long)n,
                 n == 1 ? "" : "s") != ALB_OK)
        alb_run_fatal(r, &err);
}

void alb_run_end_early(struct alb_run *r, struct alb_item *item, enum alb_outcome how,
                       const struct alb_err *why)
{
    if (how == ALB_OUTCOME_FAILED)
        alb_run_failed(r, alb_str_c(item->path), item->size, false, why);
    else
        alb_tally_end(&r->tally, how, item->size);
    alb_run_drop(r, item);
}
