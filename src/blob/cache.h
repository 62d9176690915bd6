/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded cache of derived files (blob/derived.h): the result cache of render, and its cache of remote
 * sources. The files are the truth; the index in memory (about 40 bytes per file) only decides who goes.
 *
 * A `plain` cache keeps files of any size as they are, for who needs a descriptor and not memory. A file's
 * key is the SHA-256 of its bytes, and its user keeps the sums that it is verified against; it comes in by
 * alb_cache_adopt and out by alb_cache_open_file. get and put are for the other kind.
 *
 * Eviction is S3-FIFO (Yang et al., SOSP 2023): a small first-in-first-out queue (10 % of the bytes) takes
 * newcomers, the main queue those that were asked for again, a ghost list of fingerprints remembers who was
 * thrown out of the small one and lets them straight into main when they come back. Chosen over LRU because
 * one scan (a crawler, scrolling once through 100 000 photos, warming jobs) passes through the small queue
 * and leaves the working set alone, and because a hit only raises a 2-bit counter: no list moves under the
 * lock.
 *
 * Bound: bytes (rounded up to 4 KiB per file, as disks do) of all files and of those being written stay
 * <= limit at any time; room is made before a file is written. A file larger than an eighth of the limit is
 * not kept. Start: folders are scanned (names, sizes, times; no file is read), oldest first into main; what
 * is above the limit goes. Files that vanish are misses; foreign files are left alone and not counted.
 * A full disk is not an error of the caller: the answer is NO_SPACE and the body is served without caching.
 *
 * Threads: any. Lock: RESULT_CACHE around the index only, never around file calls.
 */
#ifndef ALB_BLOB_CACHE_H
#define ALB_BLOB_CACHE_H

#include "blob/derived.h"

struct alb_cache;

struct alb_cache_config {
    int data_dirfd;     /* borrowed during open; tmp/ must exist (alb_blob_disk_open makes and empties it) */
    const char *folder; /* below the data directory: "cache" */
    int64_t limit;      /* bytes; 0 = keep nothing */
    const struct alb_clock *clock;
    struct alb_quarantine *quarantine; /* borrowed, outlives the cache */
    bool plain;
};
/* Start-up only (scans). */
enum alb_code alb_cache_open(const struct alb_cache_config *config, struct alb_cache **cache,
                             struct alb_err *err) ALB_MUST_CHECK;
void alb_cache_close(struct alb_cache **cache);

/* ALB_OK and *out, or NOT_FOUND: not there, or it was damaged (then it is in quarantine and counted); make it
 * again. Other codes: the disk failed or memory is short; treat as a miss too. */
enum alb_code alb_cache_get(struct alb_cache *c, const struct alb_derived_key *key, struct alb_derived *out,
                            struct alb_err *err) ALB_MUST_CHECK;
/* Stores a body (replaces an older one of the same key). Failure never harms: NO_SPACE (disk full), TOO_LARGE
 * (not worth keeping), IO. Serve the body anyway. */
enum alb_code alb_cache_put(struct alb_cache *c, const struct alb_derived_key *key, struct alb_str meta,
                            struct alb_str body, struct alb_err *err) ALB_MUST_CHECK;
/* A plain cache takes over a complete temporary file of the same file system; its fd stays open and is the
 * caller's. Failure never harms: the file keeps its temporary name, and TOO_LARGE, BUSY, NO_SPACE, IO say
 * why. */
struct alb_publish;
enum alb_code alb_cache_adopt(struct alb_cache *c, const struct alb_derived_key *key,
                              struct alb_publish *file, int64_t size, struct alb_err *err) ALB_MUST_CHECK;
/* A plain cache's file, read-only, as it lies there: verify it. NOT_FOUND: it is not there. */
enum alb_code alb_cache_open_file(struct alb_cache *c, const struct alb_derived_key *key, int *fd,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* It was verified, and is damaged: to quarantine with it. */
void alb_cache_reject(struct alb_cache *c, const struct alb_derived_key *key, const char *why);
/* Whether the index knows the key (no file call, no effect on eviction). */
bool alb_cache_has(struct alb_cache *c, const struct alb_derived_key *key);
/* Removes one key; absent is fine. */
void alb_cache_purge(struct alb_cache *c, const struct alb_derived_key *key);
/* Removes everything that is in the index. */
void alb_cache_purge_all(struct alb_cache *c);

/* `albumen check`: reads every file of the folder, page by page (one folder of 256 per call; *cursor starts
 * at 0, -1 at the end); bad ones go to quarantine. */
struct alb_cache_checked {
    int64_t seen, bad, foreign, bytes;
};
enum alb_code alb_cache_check_step(struct alb_cache *c, int64_t *cursor, struct alb_cache_checked *sum,
                                   struct alb_err *err) ALB_MUST_CHECK;

struct alb_cache_view {
    int64_t files, bytes, limit, small_bytes, main_bytes, index_bytes;
    uint64_t hits, misses, stored, evicted, corrupt, refused;
};
struct alb_cache_view alb_cache_look(struct alb_cache *c);

#endif
