/* SPDX-License-Identifier: Apache-2.0
 *
 * One import, from the walk to the last answer:
 *
 *   source.walk -> [to_hash] -> hashers -> [to_check] -> checker -> [to_send] -> uploaders
 *    1 thread                   1..4                     1 thread               --concurrent
 *
 * Queues are bounded (limits.h) and the number of files between walk and end is, too; whoever is too fast
 * waits.
 *   hashers    SHA-1, from the journal when the file has not changed
 *   checker    asks in batches what the server has. A file whose content is in work already becomes a twin
 *              (twins.h) and is decided when that is done
 *   uploaders  tus (upload.h)
 * Rules
 *  1. Every file that the source tells ends in exactly one outcome of the tally, whatever happens.
 *  2. What the server has is decided by the server alone; the journal saves work and nothing else.
 *  3. An uploader never puts anything into a queue, and nobody waits for a queue while holding something that
 * a later stage needs: so there is no deadlock.
 *  4. A stop only goes forward: after it no item begins a stage, and all of them end as LEFT.
 * Threads: alb_run_start, alb_run_join and alb_run_fini by one thread; alb_run_stop by any.
 */
#ifndef ALB_IMPORT_PIPELINE_H
#define ALB_IMPORT_PIPELINE_H

#include "base/thread.h"
#include "import/config.h"
#include "import/queue.h"
#include "import/twins.h"
#include "import/upload.h"

#define ALB_RUN_THREADS_MAX (2 + ALB_IMPORT_HASHERS_MAX + ALB_IMPORT_JOBS_MAX)

struct alb_run {
    /* fixed after init */
    const struct alb_import_config *config;
    struct alb_select select; /* with the server's types; sets are borrowed from config and types */
    struct alb_extension_set types;
    struct alb_journal *journal; /* may be NULL */
    struct alb_source *source;
    struct alb_server server;
    struct alb_upload_env env;
    int done_fd; /* readable once all threads have ended their work */
    /* shared by their own rules */
    struct alb_stop stop;
    struct alb_queue to_hash, to_check, to_send;
    struct alb_twins twins;
    struct alb_tally tally;
    /* under budget_lock */
    struct alb_mutex budget_lock;
    struct alb_cond budget_free;
    unsigned items;
    bool budget_closed;
    /* under fatal_lock */
    struct alb_mutex fatal_lock;
    struct alb_err fatal; /* why the run was ended by itself; code ALB_OK = it was not */
    /* atomic */
    _Atomic unsigned hashers_left, uploaders_left;
    /* owned by the thread that starts and joins */
    struct alb_thread threads[ALB_RUN_THREADS_MAX];
    unsigned threads_n;
};

/* Makes a run that can talk to the server; no thread, no file of the user is touched. */
enum alb_code alb_run_init(struct alb_run *r, const struct alb_import_config *config,
                           struct alb_err *err) ALB_MUST_CHECK;
/* Starts the threads. journal and source are taken (also on failure); types were filled by alb_api_hello. */
enum alb_code alb_run_start(struct alb_run *r, struct alb_source *source, struct alb_journal *journal,
                            struct alb_err *err) ALB_MUST_CHECK;
void alb_run_stop(struct alb_run *r, enum alb_stop_step step);
void alb_run_join(struct alb_run *r);
void alb_run_fini(struct alb_run *r);

/* Ends the run because nothing further can succeed; the first reason stays. */
void alb_run_fatal(struct alb_run *r, const struct alb_err *why);

/* The stages; each is the body of a thread and returns NULL. */
void *alb_run_scan(void *run);
void *alb_run_hash(void *run);
void *alb_run_check(void *run);
void *alb_run_send(void *run);

/* For the stages (pipeline.c) */
struct alb_item *alb_run_item(struct alb_run *r,
                              const struct alb_found *found); /* waits for room; NULL: stopped */
void alb_run_drop(struct alb_run *r, struct alb_item *item);  /* frees it and its place */
void alb_run_failed(struct alb_run *r, struct alb_str path, int64_t bytes, bool folder,
                    const struct alb_err *why);
/* The item ends before it was in work (no twins). */
void alb_run_end_early(struct alb_run *r, struct alb_item *item, enum alb_outcome how,
                       const struct alb_err *why);

#endif
