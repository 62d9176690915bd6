/* SPDX-License-Identifier: Apache-2.0
 *
 * render: a request for a picture becomes bytes, once, whoever and however many ask.
 *
 *   key = hash(epochs, canonical options, identity of the source: its SHA-256 and the turn a person gave it)
 *   hot cache (memory) -> result cache (disk, verified) -> single flight -> plan -> admission -> darkroom
 *     -> publish
 *
 * Life of a miss: the first caller of a key gets the title of its flight and gives it to a render job, which
 * is driven by the io pool and by callbacks, never by the caller: so a caller that hangs up only leaves. When
 * the last waiter has left, the job is dropped if it queues; if it runs, its lease is abandoned: it may
 * finish and be published, and is killed as soon as its slot is wanted or its deadline comes (law 8). A job
 * that gives up for reasons of its own (no slot for its class in its time, its worker killed for another one)
 * resigns: a waiter with a later deadline or a better class inherits and starts a job of its own (law 2).
 * An origin's header is asked of the darkroom first, once; a plan that trims is made in rounds (plan.h).
 * Damage, limits and a picture that takes too long are answers: every waiter gets them.
 * A background job that somebody of the foreground joins becomes a foreground one: nobody who waits at a
 * screen stands behind the background queue.
 *
 * The bytes of an answer depend on the key alone. A slot of the darkroom is held only while a worker works:
 * not while bytes are read or verified, not while anything is sent (law 1). SVG and PDF have workers of their
 * own, so they have slots, a queue (a quarter as long) and memory of their own too: a slow one never holds
 * what a photo waits for. Background work holds at most half of the slots and of the memory; what is larger
 * than that share is TOO_LARGE for it, and is made when a person asks.
 * A picture whose plan names a level of its source (image/plan.h) waits until that is there: found on disk, or made
 * by a job of its own, one for all who wait. So its bytes are the same whether the level was there or not. When a
 * person's answer is out for which the source itself had to be decoded, the other standard sizes (sizes.h) follow.
 * What failed for what lies in the picture is answered the same way for a while, without another try
 * (failures.h).
 *
 * Threads: any. Locks: RENDER, RENDER_FAILURES, HOT_CACHE, RESULT_CACHE inside.
 */
#ifndef ALB_RENDER_RENDER_H
#define ALB_RENDER_RENDER_H

#include "base/clock.h"
#include "base/flight.h"
#include "base/lease.h"
#include "base/pool.h"
#include "base/timer.h"
#include "blob/purges.h" /* struct alb_purge_told */
#include "image/plan.h"

struct alb_cache;
struct alb_darkroom;
struct alb_origin;
struct alb_source;
struct alb_blob_store;
struct alb_render;

struct alb_render_config {
    const struct alb_clock *clock;
    struct alb_pool *pool;     /* the io pool */
    struct alb_timers *timers; /* where the admission queue arms its deadlines */
    struct alb_darkroom *darkroom;
    struct alb_blob_store *store; /* originals */
    struct alb_cache *cache;      /* results; NULL: none */
    struct alb_purges *purges;    /* of them; NULL: there are none */
    struct alb_claims *claims;    /* on them, of processes that share them; NULL: there are no others */
    unsigned slots;               /* renders at once, SVG and PDF not counted; 0 = alb_render_slots(0) */
    unsigned vector_slots;        /* SVG and PDF at once: workers of that lane; 0 = 2 */
    unsigned queue_max;           /* renders waiting for a slot; twice as many may be looked up and read */
    uint64_t budget_bytes;        /* memory that running renders may want together; vectors: half as much */
    int64_t deadline_ns;          /* one render in a worker */
    struct alb_plan_limits limits;
    size_t hot_bytes; /* hot cache */
    int64_t max_age_ms; /* what is older there is made again; 0: nothing is. Files: alb_cache_config */
    bool pyramid;     /* options.levels count; else everything is made of its source */
    bool ahead;       /* where a person's picture needed levels that were not there, its photo's other sizes follow */
};
enum alb_code alb_render_new(const struct alb_render_config *config, struct alb_render **out,
                             struct alb_err *err) ALB_MUST_CHECK;
/* How many slots there shall be when the operator asks for `wanted` (0: one per processor): two at least, for
 * background work holds half of them, rounded down, and never the only one. The darkroom needs as many
 * workers. */
unsigned alb_render_slots(unsigned wanted);
/* No new jobs; queued ones are cancelled, running ones are killed; returns when none is left (futures end
 * with BUSY). Pool, darkroom and timers still run. Blocks. */
void alb_render_free(struct alb_render **render);

/* Who asks: for the books (books.h); they decide nothing. Numbers are part of cached files: only append. */
enum alb_render_door {
    ALB_RENDER_DOOR_OTHER,
    ALB_RENDER_DOOR_IMMICH,
    ALB_RENDER_DOOR_IMGPROXY,
    ALB_RENDER_DOOR_THUMBOR,
    ALB_RENDER_DOOR_JOBS,
    ALB_RENDER_DOOR_LEVELS, /* render itself: what others are made of */
    ALB_RENDER_DOORS
};

/* One picture, asked for. Everything negotiated is inside: equal asks have equal keys. */
struct alb_render_ask {
    /* What the picture is made of, and what its options name as input 1, 2 ...: of each pair one is set, an asset or
     * an origin whose bytes are there. Borrowed for the call. */
    struct alb_source *source;
    struct alb_origin *origin;
    struct {
        struct alb_source *source;
        struct alb_origin *origin;
    } more[ALB_PLAN_INPUTS - 1];
    unsigned more_count;
    const struct alb_plan_options *options; /* borrowed for the call */
    const struct alb_plan_limits *limits;   /* stricter or laxer than the configuration's; NULL: those */
    /* When most of its time is used up, a picture in a slow format is made in a fast one instead: such an answer is
     * marked (no_store) and kept nowhere. */
    bool may_degrade;
    /* By what it can be purged (blob/purges.h), beside its assets ("asset://UUID") and origins (their URL as it was
     * asked for), which are labelled here. Borrowed for the call. */
    const struct alb_str *labels;
    size_t label_count;
    int64_t deadline; /* monotonic ns: then nobody waits any more, and the faster one must be there; 0: not said */
    enum alb_lease_class cls;
    int64_t queue_deadline; /* monotonic ns: longest wait for a slot; ALB_NEVER allowed */
    enum alb_render_door door;
};

/* What everybody who asked gets. Immutable, counted. */
struct alb_picture {
    struct alb_obj obj;
    struct alb_bytes *bytes;
    enum alb_format format;
    const char *content_type; /* literal */
    char etag[33];            /* strong, without quotes: from the key */
    uint32_t width, height;
    uint32_t source_width, source_height; /* as shown; 0: not known */
    int64_t made_ms;                      /* wall */
    bool anew; /* a level, and the source itself was decoded for it just now */
    bool no_store; /* degraded, or its origin forbids to keep it: in no cache of ours, nor of others */
};

/* Whoever begins after a purge that touches what is asked for gets another key: what was made, or is being made, from
 * before it is never found again. render may be NULL: without purges. */
void alb_render_key(struct alb_render *render, const struct alb_render_ask *ask, struct alb_flight_key *key);
/* The newest purge of all, 0: none. As long as it is the same, no purge gives an ask another key. */
uint64_t alb_render_purges_newest(struct alb_render *render);
/* Purges were retired: what is in memory may be of before them, and is forgotten. */
void alb_render_purges_retired(struct alb_render *render);

/* The picture if it is in memory (a reference), else NULL. No I/O. */
struct alb_picture *alb_render_hot(struct alb_render *render, const struct alb_flight_key *key);

/* For event loops: alb_render_hot (*hot), or else alb_render_kept of what the kernel has in its memory and is small
 * enough to be read and verified right here; never waits for the disk. NULL: a worker must look. */
struct alb_picture *alb_render_at_hand(struct alb_render *render, enum alb_render_door door,
                                       const struct alb_flight_key *key, bool *hot);

/* The picture if it lies on the disk and is small (a reference; then it is in memory too), else NULL: ask
 * alb_render_start. Saves the flight and its job, which a file of a few KB is not worth; what is large is read once for
 * all who ask. Reads and verifies a file: for the io pool. door: for the books. */
struct alb_picture *alb_render_kept(struct alb_render *render, enum alb_render_door door,
                                    const struct alb_flight_key *key);

/* Joins or starts the making of it, and registers w in the same step (may be NULL). *future, a reference,
 * settles with a struct alb_picture or fails: UNPROCESSABLE (damaged or hostile), UNSUPPORTED (cannot be
 * shown), INVALID (options), TOO_LARGE, CORRUPT (the original is bad), TIMEOUT (it takes too long to make),
 * CONFLICT (a local file has changed while it was read: get its origin anew), BUSY (no slot in time, closing: try
 * again), NO_MEMORY, IO. A waiter that is an heir passes the title it inherits to alb_render_inherit; askers of the
 * background must not be heirs. Short: no I/O on the calling thread. BUSY or NO_MEMORY as the code of the call:
 * nothing was begun, w is not registered. */
enum alb_code alb_render_start(struct alb_render *render, const struct alb_render_ask *ask,
                               struct alb_waiter *w, struct alb_future **future,
                               struct alb_err *err) ALB_MUST_CHECK;
/* Goes on with a flight whose title was passed to this caller; takes *owner (a title that is current: the one
 * of the wake). Registers w on it first, as an heir no more; it may be the waiter that was woken. What cannot
 * begin fails the flight, and so w. */
void alb_render_inherit(struct alb_render *render, const struct alb_render_ask *ask, struct alb_owner *owner,
                        struct alb_waiter *w);

struct alb_render_view {
    struct alb_lease_view lease, vectors; /* vectors: SVG and PDF */
    uint64_t hot_hits, disk_hits, misses, joined, failed, remembered;
    uint64_t hot_bytes, hot_limit;
    int64_t started_ms; /* wall: counters count from here */
    unsigned jobs;
    int64_t oldest_ns; /* longest wait of the foreground: /health looks at it */
};
struct alb_render_view alb_render_look(struct alb_render *render);

/* What keeps from using a disk cache now: that of results, and those of `origins` (may be NULL). */
struct alb_origins;
struct alb_render_trouble {
    const char *folder, *doing; /* literals: "read", "write", "purge" */
    int sys;                    /* errno */
    int64_t since_ms;           /* wall */
};
#define ALB_RENDER_TROUBLES 7
size_t alb_render_troubles(struct alb_render *render, struct alb_origins *origins,
                           struct alb_render_trouble troubles[ALB_RENDER_TROUBLES]);
/* alb_purges_add (blob/purges.h); IO: there is no list of purges. */
enum alb_code alb_render_purge(struct alb_render *render, struct alb_str label, bool prefix, struct alb_str by,
                               uint64_t *number, struct alb_err *err) ALB_MUST_CHECK;
/* alb_purges_recent, and how many are in force. Without a list of purges there are none. */
enum alb_code alb_render_purges(struct alb_render *render, struct alb_arena *a, struct alb_purge_told **list,
                                size_t *count, size_t *in_force, struct alb_err *err) ALB_MUST_CHECK;

/* Raised whenever the same plan would give other bytes: part of every key. */
#define ALB_RENDER_EPOCH 1

#endif
