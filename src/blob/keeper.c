/* SPDX-License-Identifier: Apache-2.0
 *
 * The upkeep of caches (contract: keeper.h). Everything but start, stop and look runs on its thread.
 */
#include "blob/keeper.h"

#include "base/lock.h"
#include "base/mem.h"
#include "base/stat.h"
#include "base/thread.h"

#define TEND_NS (2 * ALB_NS_PER_S)
#define AGAIN_NS (10 * ALB_NS_PER_S) /* after a disk that did not let all of it go */
#define BEHIND_NS ALB_NS_PER_S /* a reader that was slower than its rate may catch up so much, no more */

struct alb_keeper {
    /* fixed after start */
    struct alb_keeper_config config;
    struct alb_thread thread;
    /* owned by the thread */
    int64_t tend_at, scrub_at; /* real monotonic */
    int64_t paid_until;        /* what was read is paid for by waiting until then */
    size_t at_cache;
    struct alb_cache_scrub scrub;
    uint64_t purged;  /* files that this and older purges touch were looked for */
    int64_t again_at; /* they are not looked for before that */
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond changed;
    bool stop, hurry;
    struct alb_keeper_view view;
};

static int64_t now_ns(void)
{
    return alb_mono(alb_clock_real());
}

/* False: it is stopped. */
static bool sleep_until(struct alb_keeper *k, int64_t until, bool wakes_for_hurry)
{
    alb_mutex_lock(&k->mtx);
    while (!k->stop && !(wakes_for_hurry && k->hurry) && alb_cond_wait_until(&k->changed, &k->mtx, until)) {
    }
    bool stop = k->stop;
    alb_mutex_unlock(&k->mtx);
    return !stop;
}

static bool is_stopped(struct alb_keeper *k)
{
    alb_mutex_lock(&k->mtx);
    bool stop = k->stop;
    alb_mutex_unlock(&k->mtx);
    return stop;
}

/* False: some may be left, or it was stopped in between. */
static bool remove_purged(struct alb_keeper *k)
{
    size_t removed = 0;
    bool all = true;

    for (size_t i = 0; i < ALB_KEEPER_CACHES; i++) {
        int cursor = k->config.caches[i] != NULL ? 0 : -1;
        while (cursor >= 0 && !is_stopped(k))
            all &= alb_cache_purge_step(k->config.caches[i], k->config.purges, &cursor, &removed, NULL) ==
                   ALB_OK;
    }
    return all && !is_stopped(k);
}

/* A power cut must not bring back what only the purge would keep from being found. */
static bool are_gone_for_good(struct alb_keeper *k)
{
    for (size_t i = 0; i < ALB_KEEPER_CACHES; i++)
        if (k->config.caches[i] != NULL && alb_cache_sync(k->config.caches[i], NULL) != ALB_OK)
            return false;
    return true;
}

/* What is in memory goes first: with a purge forgotten it would be found again. */
static void forget_memory(struct alb_keeper *k)
{
    if (k->config.retired != NULL)
        k->config.retired(k->config.arg);
}

/* Another process has done with some. */
static void forget_offered(struct alb_keeper *k)
{
    struct alb_purges_view v = alb_purges_look(k->config.purges);

    if (v.offered <= v.retired)
        return;
    forget_memory(k);
    alb_purges_forget(k->config.purges);
}

/* Whatever was begun before a purge is done an ALB_PURGE_REST later: what is removed then does not come again. As
 * long as something of it may be left it is not retired. */
static void purge(struct alb_keeper *k)
{
    alb_purges_tend(k->config.purges);
    forget_offered(k);
    struct alb_purges_view v = alb_purges_look(k->config.purges);
    uint64_t rested = v.in_force > 0 ? alb_purges_older_than(k->config.purges, ALB_PURGE_REST) : 0;

    if (v.in_force == 0 || (v.now <= k->purged && rested <= v.retired) || now_ns() < k->again_at)
        return;
    bool all = remove_purged(k);
    k->again_at = all ? 0 : alb_deadline(now_ns(), AGAIN_NS);
    if (!all)
        return;
    k->purged = v.now;
    alb_purges_looked(k->config.purges, v.now);
    if (rested <= v.retired)
        return;
    if (!are_gone_for_good(k)) {
        k->again_at = alb_deadline(now_ns(), AGAIN_NS);
        return;
    }
    forget_memory(k);
    alb_purges_retire(k->config.purges, rested);
}

static void tend(struct alb_keeper *k)
{
    if (now_ns() < k->tend_at)
        return;
    if (k->config.purges != NULL)
        purge(k);
    for (size_t i = 0; i < ALB_KEEPER_CACHES; i++)
        while (k->config.caches[i] != NULL && !is_stopped(k) && alb_cache_tend(k->config.caches[i])) {
        }
    k->tend_at = alb_deadline(now_ns(), TEND_NS);
}

/* After each piece that the scrub has read. */
static bool pace(void *arg, int64_t bytes)
{
    struct alb_keeper *k = arg;
    int64_t now = now_ns(),
            cost = (int64_t)((double)bytes / (double)k->config.scrub_rate * (double)ALB_NS_PER_S);

    if (k->paid_until < now - BEHIND_NS)
        k->paid_until = now - BEHIND_NS;
    k->paid_until += cost;
    tend(k);
    return k->paid_until <= now ? !is_stopped(k) : sleep_until(k, k->paid_until, false);
}

static void end_round(struct alb_keeper *k)
{
    alb_mutex_lock(&k->mtx);
    k->view.rounds++;
    k->view.before = k->view.now;
    k->view.now = (struct alb_cache_checked){0};
    alb_mutex_unlock(&k->mtx);
    alb_stat_inc(ALB_STAT_CACHE_SCRUBS);
    k->scrub_at = alb_deadline(now_ns(), k->config.scrub_pause_ns);
}

/* One file. */
static void scrub(struct alb_keeper *k)
{
    struct alb_cache_checked sum = {0};
    struct alb_cache *c = k->config.caches[k->at_cache];

    if (c != NULL && alb_cache_scrub_step(c, &k->scrub, pace, k, &sum)) {
        alb_mutex_lock(&k->mtx);
        k->view.now.seen += sum.seen;
        k->view.now.bad += sum.bad;
        k->view.now.bytes += sum.bytes;
        alb_mutex_unlock(&k->mtx);
        alb_stat_add(ALB_STAT_CACHE_SCRUBBED, sum.bytes);
        return;
    }
    alb_cache_scrub_init(&k->scrub);
    if (++k->at_cache < ALB_KEEPER_CACHES)
        return;
    k->at_cache = 0;
    end_round(k);
}

/* When the next round is due; a hurry is taken. */
static bool is_scrub_due(struct alb_keeper *k)
{
    if (k->config.scrub_rate <= 0)
        return false;
    alb_mutex_lock(&k->mtx);
    bool hurry = k->hurry;
    k->hurry = false;
    alb_mutex_unlock(&k->mtx);
    return hurry || k->at_cache > 0 || k->scrub.begun || now_ns() >= k->scrub_at;
}

static void *keeper_main(void *arg)
{
    struct alb_keeper *k = arg;

    while (!is_stopped(k)) {
        tend(k);
        if (is_scrub_due(k)) {
            scrub(k);
            continue;
        }
        int64_t next = k->tend_at;
        if (k->config.scrub_rate > 0 && k->scrub_at < next)
            next = k->scrub_at;
        (void)sleep_until(k, next, k->config.scrub_rate > 0);
    }
    return NULL;
}

enum alb_code alb_keeper_start(const struct alb_keeper_config *config, struct alb_keeper **keeper,
                               struct alb_err *err)
{
    struct alb_keeper *k = alb_mem_calloc(1, sizeof(*k));

    *keeper = k;
    if (k == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the upkeep of caches");
    k->config = *config;
    k->scrub_at = alb_deadline(now_ns(), config->scrub_pause_ns);
    alb_cache_scrub_init(&k->scrub);
    alb_mutex_init(&k->mtx, ALB_LOCK_CACHE_KEEPER);
    alb_cond_init(&k->changed);
    enum alb_code code = alb_thread_start(&k->thread, "cache-keeper", keeper_main, k, err);
    if (code != ALB_OK)
        alb_keeper_stop(keeper);
    return code;
}

void alb_keeper_stop(struct alb_keeper **keeper)
{
    struct alb_keeper *k = *keeper;

    *keeper = NULL;
    if (k == NULL)
        return;
    alb_mutex_lock(&k->mtx);
    k->stop = true;
    alb_cond_broadcast(&k->changed);
    alb_mutex_unlock(&k->mtx);
    alb_thread_join(&k->thread);
    alb_cond_fini(&k->changed);
    alb_mutex_fini(&k->mtx);
    alb_mem_free(k);
}

void alb_keeper_hurry(struct alb_keeper *k)
{
    alb_mutex_lock(&k->mtx);
    k->hurry = true;
    alb_cond_broadcast(&k->changed);
    alb_mutex_unlock(&k->mtx);
}

struct alb_keeper_view alb_keeper_look(struct alb_keeper *k)
{
    alb_mutex_lock(&k->mtx);
    struct alb_keeper_view view = k->view;
    alb_mutex_unlock(&k->mtx);
    return view;
}
