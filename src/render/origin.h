/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures that are not assets: http(s):// and local:// as futures, each fetched once, whoever and however
 * many ask, with a cache on disk. No slot of the darkroom and no thread waits for another machine (law 1).
 *
 *   ask -> key -> in memory and fresh? (alb_origin_hot, no I/O)
 *       -> flight of that key -> job on the io pool:
 *          http    note on disk? fresh: bytes verified, done; stale: asked again with its validators
 *                  transfer by fetch -> pipe -> written, hashed and sniffed on the io pool -> kept -> done
 *          local   opened beneath the root, never outside of it; looked at; done
 *
 * What comes out is a struct alb_origin: immutable, counted. What went wrong with the source is an answer
 * like any other and settles the future too (`failure`): everybody who asked gets it. The future fails only
 * for reasons of this machine: BUSY (bounds, closing), NO_MEMORY, NO_SPACE, IO, CANCELLED (nobody waited).
 *
 * The cache keeps two things, each bounded, each a blob/cache.h: `notes` (what an origin said: validators,
 * freshness, sums; derived files) and `bodies` (the bytes as plain files named by their SHA-256). Bytes are
 * verified against the sums of their note before anybody gets them; damage goes to quarantine and is fetched
 * again. A copy is found by URL, forwarded headers, reach, user agent and TLS verification together: what was
 * told to one set of credentials is never shown to another, what one policy may reach is no copy for another.
 *
 * Freshness is RFC 9111's: s-maxage (no credentials forwarded), max-age, Expires, Age, Date, no-cache,
 * no-store, Vary: *; without any of it no heuristic: revalidated, but at most once per `recheck_ns`. What
 * came by a temporary redirect is no fresher than the redirect. Nothing stale is ever served instead of an
 * error. Conditional requests are ours alone; a client's conditions are answered by the door from `etag`.
 *
 * Bodies are written as they come: in a memory file up to ALB_ORIGIN_MEMORY bytes, from there to a temporary
 * file below tmp_dirfd. A disk that is full or read-only costs the cache, not the request, as long as
 * `memory_max` of all requests together suffices. Content-Encoding gzip and deflate are undone, limits count
 * what comes out. Content types are not believed: the type is sniffed.
 *
 * When the last waiter leaves, the transfer is cut at once (law 8). Every transfer has `timeout_ns` for
 * everything together: waiting for its turn, redirects, body.
 *
 * Threads: any. Locks: ORIGINS, ORIGIN_HOT, ORIGIN_PIPE, RESULT_CACHE inside.
 *
 * What the imgproxy door makes of a failure (reference §3.4):
 *   BLOCKED 404 Invalid source URL · UNREACHABLE, REDIRECTS, SCHEME, MISSING 404 Source is unreachable
 *   STATUS 4xx: the same, 5xx: 502, else 404 · TIMEOUT 504 · INCOMPLETE 422 Source response is incomplete
 *   TOO_LARGE, TYPE, ENCODING 422 Invalid source image
 */
#ifndef ALB_RENDER_ORIGIN_H
#define ALB_RENDER_ORIGIN_H

#include "base/clock.h"
#include "base/future.h"
#include "base/obj.h"
#include "base/pool.h"
#include "fetch/fetch.h"
#include "fetch/url.h"
#include "image/sniff.h"

struct alb_origins;
struct alb_purges;
struct alb_quarantine;

#define ALB_ORIGIN_HEADERS_MAX 64
#define ALB_ORIGIN_IDENTITY_LEN 32
#define ALB_ORIGIN_MEMORY ((int64_t)1 << 20) /* larger bodies are spooled to disk */

struct alb_origins_config {
    const struct alb_clock *clock;
    struct alb_pool *pool;   /* the io pool */
    struct alb_fetch *fetch; /* NULL: http and https are not enabled */
    int data_dirfd;          /* where "sources/" lies and tmp/ exists, borrowed while open; -1: no cache */
    int tmp_dirfd;           /* for spool files, same file system as data_dirfd; -1: memory only */
    int64_t cache_bytes;     /* of the cache; 0: none. One body may take an eighth of it */
    struct alb_quarantine *quarantine;
    struct alb_purges *purges; /* borrowed; NULL: none */
    bool shared;          /* other processes may use data_dirfd too (blob/cache.h) */
    int local_dirfd;      /* --local-root, borrowed; -1: local:// is not enabled */
    char local_separator; /* from here on a local path is a query that is ignored; 0: none */
    unsigned jobs_max;    /* sources being fetched, revalidated or opened at once; more: BUSY */
    int64_t memory_max;   /* bytes of all bodies that lie in memory files */
    int64_t spool_max;    /* bytes of all bodies being spooled to disk; more: NO_SPACE */
    unsigned hot_max;     /* fresh sources that are remembered in memory */
    int64_t recheck_ns;   /* who says nothing of freshness is asked again after so long */
};
/* The limits of the option table (checked by whoever has read it); what is borrowed stays as it is. */
struct alb_options;
void alb_origins_config_options(struct alb_origins_config *c, const struct alb_options *o);
enum alb_code alb_origins_open(const struct alb_origins_config *config, struct alb_origins **out,
                               struct alb_err *err) ALB_MUST_CHECK;
/* Ends what is under way with BUSY. Pool and fetch still run; origins that were handed out stay valid.
 * Blocks. */
void alb_origins_close(struct alb_origins **origins);

/* Who may ask for what: made once, by each door, from its options. Immutable, counted. */
struct alb_origin_policy {
    struct alb_obj obj;
    unsigned reach;     /* fetch.h: ALB_FETCH_PUBLIC with ALB_FETCH_LOOPBACK, _LINK_LOCAL, _PRIVATE */
    const struct alb_fetch_network *blocked; /* nor these; they live as long as the policy */
    size_t blocked_count;
    bool local;         /* local:// too */
    unsigned redirects; /* that are followed, to http and https only, never to anything else */
    bool insecure;      /* certificates are not checked */
    const char *agent;  /* User-Agent; lives as long as the policy */
    int64_t connect_ns; /* name, TCP and TLS of one connection, then UNREACHABLE; >= timeout_ns: no limit */
    int64_t timeout_ns; /* everything together, from the start of the job */
    /* Asked on any thread, without locks, for the address itself, for every redirect and for where a cached
     * copy came from; local: url == NULL, path. NULL: everything is allowed. */
    bool (*may)(const struct alb_origin_policy *policy, const struct alb_url *url, struct alb_str path);
    /* Names of headers that an origin's answer is to be remembered with, each at most ALB_ORIGIN_KEPT_NAME long; they
     * live as long as the policy. Part of the copy's key. */
    const char *const *keep;
    size_t keep_count;
};
#define ALB_ORIGIN_KEPT_NAME 64
#define ALB_ORIGIN_KEPT_MAX ((size_t)4096) /* bytes of all together; what is more is not kept */

struct alb_origin_ask {
    struct alb_str url;            /* http://, https:// or local:///path; any other scheme settles SCHEME */
    const struct alb_str *headers; /* "Name: value": forwarded (cookies, tracing); part of the copy's key */
    size_t header_count;           /* at most ALB_ORIGIN_HEADERS_MAX, else INVALID */
    bool headers_follow;           /* redirects to other hosts get them too; else only the first host does */
    bool any_type;     /* for raw answers; else what is sniffed as nothing known ends early with TYPE */
    bool reload;       /* the copy, however fresh, is revalidated */
    int64_t max_bytes; /* of the body, inflated; INT64_MAX: no limit of this ask's */
    struct alb_origin_policy *policy; /* referenced */
};

enum alb_origin_failure {
    ALB_ORIGIN_GOOD,
    ALB_ORIGIN_BLOCKED,     /* `may` says no, or the address is none that `reach` allows */
    ALB_ORIGIN_SCHEME,      /* unknown, or not enabled: err says what would be needed */
    ALB_ORIGIN_UNREACHABLE, /* no name, connection, HTTP or good certificate; cut off before an answer */
    ALB_ORIGIN_REDIRECTS,   /* too many, in a circle, without or with a bad Location, to another scheme */
    ALB_ORIGIN_STATUS,      /* `status`: neither 200 nor a whole 206 */
    ALB_ORIGIN_MISSING,     /* local: no such regular file beneath the root */
    ALB_ORIGIN_TIMEOUT,
    ALB_ORIGIN_INCOMPLETE, /* the body ended too early */
    ALB_ORIGIN_TOO_LARGE,
    ALB_ORIGIN_TYPE,     /* not a kind of file that albumen knows */
    ALB_ORIGIN_ENCODING, /* a Content-Encoding that nobody asked for, or a damaged one */
    ALB_ORIGIN_FAILURE_COUNT
};
const char *alb_origin_failure_name(enum alb_origin_failure f); /* "unreachable" */

struct alb_origin {
    struct alb_obj obj;
    enum alb_origin_failure failure;
    int status;         /* the origin's, 0: none; also of a failure */
    struct alb_err err; /* of a failure: why, for the log and for development mode */
    /* GOOD from here on */
    bool is_local;
    bool has_bytes; /* false: from alb_origin_hot, only what is known of it */
    bool is_shared; /* nothing was forwarded: the same for everybody */
    bool no_store;  /* the origin forbids caches */
    enum alb_type type;
    int64_t size;
    /* http: the SHA-256 of the bytes, so a copy that was fetched again and did not change keeps its results.
     * local: SHA-256 of path, size, inode and both times of the last change (content, node): reading a
     * large file whole for every request costs more than making a picture again that was merely renamed
     * over itself. */
    unsigned char identity[ALB_ORIGIN_IDENTITY_LEN];
    struct alb_str asked; /* what was asked for; empty: a configured one */
    uint64_t purged, known; /* the newest purge that touched it, and the newest at all, when it was asked for */
    struct alb_str url; /* where it came from in the end, perhaps with user and password; local: path */
    struct alb_str etag, last_modified, cache_control, expires; /* as the origin said; empty: nothing */
    struct alb_str content_type;                                /* a claim; local: by content */
    struct alb_str kept;    /* what the policy wants kept of its headers: alb_origin_kept_next */
    int64_t modified_ms;                                        /* last_modified read, 0: none */
    int64_t fetched_ms, validated_ms;                           /* wall */
    int64_t fresh_until_ms;                                     /* wall; by the origin's own words, 0: none */
};
static inline struct alb_origin *alb_origin_ref(struct alb_origin *o)
{
    return o ? (struct alb_origin *)(void *)alb_obj_ref(&o->obj) : NULL;
}
static inline void alb_origin_unref(struct alb_origin *o)
{
    if (o)
        alb_obj_unref(&o->obj);
}

/* The next of the headers that were kept, from *rest, which begins as o->kept; false: no more. */
bool alb_origin_kept_next(struct alb_str *rest, struct alb_str *name, struct alb_str *value);

/* What is remembered of it, if that is fresh (a reference; `has_bytes` is false), else NULL. http only. No
 * I/O, fit for an event loop. `may` is asked. */
struct alb_origin *alb_origin_hot(struct alb_origins *origins, const struct alb_origin_ask *ask);

/* Raised whenever what is remembered changes: as long as it is the same, alb_origin_hot gives the same for the same
 * ask, but for what has become stale. */
uint64_t alb_origins_changes(struct alb_origins *origins);
/* Somebody did without asking alb_origin_hot, and would have had it. */
void alb_origins_count_hot(struct alb_origins *origins);

/* Joins or starts the flight of it and registers w in the same step (may be NULL; it is made no heir).
 * *future, a reference, settles with a struct alb_origin whose bytes are there and verified, or with its
 * failure. Short: no I/O on the calling thread. BUSY, INVALID, NO_MEMORY: nothing was begun, w is not
 * registered. */
enum alb_code alb_origin_start(struct alb_origins *origins, const struct alb_origin_ask *ask,
                               struct alb_waiter *w, struct alb_future **future,
                               struct alb_err *err) ALB_MUST_CHECK;

/* A descriptor of exactly `size` bytes for a worker: borrowed, as long as the reference is held; use pread or
 * mmap, its position is everybody's. -1 without bytes. */
int alb_origin_fd(const struct alb_origin *o);
/* True for the first one who asks: of all who were given this one, who does what is to be done once. */
bool alb_origin_claim(struct alb_origin *o);
/* Whether the file is still the one that was identified: ask when the worker is done, before a result is
 * published under its identity. Always true for http. One system call. */
bool alb_origin_is_same(const struct alb_origin *o);

/* Checked reading, for raw answers: every block against its sum (local: the file against alb_origin_is_same).
 * Each reader belongs to one thread at a time and holds its origin. */
struct alb_origin_reader;
enum alb_code alb_origin_reader_open(struct alb_origin *o, struct alb_origin_reader **reader,
                                     struct alb_err *err) ALB_MUST_CHECK;
/* [off, off + n), clamped at the end. CORRUPT: damaged, or changed under us; nothing of this call may be
 * used. */
enum alb_code alb_origin_read(struct alb_origin_reader *reader, int64_t off, void *p, size_t n, size_t *got,
                              struct alb_err *err) ALB_MUST_CHECK;
void alb_origin_reader_close(struct alb_origin_reader **reader);

/* The caches of notes and of bodies, for their upkeep: borrowed; NULL: none. */
struct alb_cache;
void alb_origins_caches(struct alb_origins *origins, struct alb_cache **notes, struct alb_cache **bodies);
/* Purges were retired: what is in memory may be of before them, and is forgotten. */
void alb_origins_purges_retired(struct alb_origins *origins);
/* Forgets every copy. Blocks. */
void alb_origins_purge(struct alb_origins *origins);
/* `albumen check`: reads every note and every body that is kept, page by page, as alb_cache_check_step does (*cursor
 * starts at 0, -1 at the end); bad ones go to quarantine, and are fetched again when asked for. */
struct alb_cache_checked;
enum alb_code alb_origins_check_step(struct alb_origins *origins, int64_t *cursor, struct alb_cache_checked *sum,
                                     struct alb_err *err) ALB_MUST_CHECK;

struct alb_origins_view {
    unsigned jobs;
    int64_t oldest_ns; /* longest of them: /health looks at it */
    int64_t memory, spool, cache_bytes;
    uint64_t hot_hits, disk_hits, revalidated, fetched, joined, failed;
};
struct alb_origins_view alb_origins_look(struct alb_origins *origins);

#endif
