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
 * not kept. Age: with `max_age_ms` a file that is older is a miss, and goes.
 *
 * Start: CACHE/journal (cache_journal.h) says what lies there; no file is opened or looked at. Where it is missing or
 * damaged, the folders are walked through afterwards (alb_cache_tend): until that is done files are found by trying,
 * and none is stored, because the bound could not be kept. After a crash they are walked through too, while everything
 * works. Files that vanish are misses; foreign files are left alone and not counted.
 *
 * Several processes may share a folder (`shared`; on file systems with flock): each knows of the others' files by the
 * journal, and the bound is that of all together (but for files that one of them unlinks at this moment). Who evicts
 * looks at its own hits.
 *
 * A disk that is full, read-only or failing is not an error of the caller: the answer is a miss, or NO_SPACE, IO: the
 * body is served without caching. alb_cache_look tells of it until it works again; alb_cache_tend tries. A file
 * that the disk cannot read is as good as damaged.
 *
 * Threads: any. Locks: CACHE_JOURNAL around changes of the index and the journal's file calls, RESULT_CACHE inside of
 * it around the index; neither around calls on the files that are kept.
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
    bool shared;        /* other processes may have it open too */
    int64_t max_age_ms; /* 0: any */
};
/* Start-up only (reads the journal). A disk that cannot be written to is no error, as long as there is the folder. */
enum alb_code alb_cache_open(const struct alb_cache_config *config, struct alb_cache **cache,
                             struct alb_err *err) ALB_MUST_CHECK;
void alb_cache_close(struct alb_cache **cache);

/* ALB_OK and *out, or NOT_FOUND: not there, or it was damaged (then it is in quarantine and counted); make it
 * again. Other codes: the disk failed or memory is short; treat as a miss too. */
enum alb_code alb_cache_get(struct alb_cache *c, const struct alb_derived_key *key, struct alb_derived *out,
                            struct alb_err *err) ALB_MUST_CHECK;
/* The same for what is read on the way to something else: neither a hit nor a miss in the books, and only with `use`
 * a use of the file, which keeps it longer. */
enum alb_code alb_cache_get_aside(struct alb_cache *c, const struct alb_derived_key *key, bool use,
                                  struct alb_derived *out, struct alb_err *err) ALB_MUST_CHECK;
/* alb_cache_get of what the index knows to take `most` bytes on the disk at most; of everything else NOT_FOUND, without
 * a file call. What is not found is not counted as a miss: alb_cache_get comes next. */
enum alb_code alb_cache_get_small(struct alb_cache *c, const struct alb_derived_key *key, int64_t most,
                                  struct alb_derived *out, struct alb_err *err) ALB_MUST_CHECK;
/* The same without waiting for the disk, for an event loop: what the kernel has in its memory. Of everything else, and
 * of what is damaged or too old, NOT_FOUND and no effect: the others above say and do what is right. */
enum alb_code alb_cache_get_at_hand(struct alb_cache *c, const struct alb_derived_key *key, int64_t most,
                                    struct alb_derived *out, struct alb_err *err) ALB_MUST_CHECK;
/* Stores a body (replaces an older one of the same key). Failure never harms: NO_SPACE (disk full), TOO_LARGE
 * (not worth keeping), BUSY (another one's turn, or not known yet what lies there), IO. Serve the body anyway. */
enum alb_code alb_cache_put(struct alb_cache *c, const struct alb_derived_key *key,
                            const struct alb_derived_front *front, struct alb_str body,
                            struct alb_err *err) ALB_MUST_CHECK;
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

/* The scrub: reads what the index knows from the disk (past the page cache, where the file system lets it), one file
 * per call; bad ones go to quarantine. `pace` is called after each piece, without locks, and may wait; false from it
 * stops in the middle of the file. False: there is no further file. */
#define ALB_CACHE_SCRUB_FILES 64
struct alb_cache_scrub {
    bool begun;
    unsigned folder;
    uint32_t place;
    size_t at, count;
    unsigned char keys[ALB_CACHE_SCRUB_FILES][16];
};
typedef bool alb_cache_pace_fn(void *arg, int64_t bytes);
void alb_cache_scrub_init(struct alb_cache_scrub *scrub);
bool alb_cache_scrub_step(struct alb_cache *c, struct alb_cache_scrub *scrub, alb_cache_pace_fn *pace,
                          void *arg, struct alb_cache_checked *sum);

/* Removes the files of one folder of 256 that a purge touches by their labels and that were begun before it, known
 * to the index or not; *removed is counted on. *cursor begins at 0; -1 after the last. Not OK: the disk does not
 * let it look at, or remove, all of them (it goes on with the others): one that it touches may be left. */
struct alb_purges;
enum alb_code alb_cache_purge_step(struct alb_cache *c, struct alb_purges *purges, int *cursor,
                                   size_t *removed, struct alb_err *err) ALB_MUST_CHECK;
/* What was removed until now does not come back with a power cut. Waits for the disk. */
enum alb_code alb_cache_sync(struct alb_cache *c, struct alb_err *err) ALB_MUST_CHECK;

/* Upkeep, in short steps, from one thread at a time (blob/keeper.h): repairs the journal or writes it anew when it is
 * long, walks through the folders when that is due, one of 256 per call, and takes out what is too old. True: there is
 * more to do now. */
bool alb_cache_tend(struct alb_cache *c);
/* Everything that is due, to its end: for commands, and tests. */
void alb_cache_tend_all(struct alb_cache *c);
/* The folders are to be walked through: names and sizes against the index. */
void alb_cache_want_walk(struct alb_cache *c);

struct alb_cache_fault {
    enum alb_code code; /* OK: none */
    int sys;            /* errno */
    int64_t since_ms;   /* wall */
};
struct alb_cache_view {
    int64_t files, bytes, limit, small_bytes, main_bytes, index_bytes;
    const char *folder;
    bool complete; /* what lies there is known */
    struct alb_cache_fault reads, writes;
    uint64_t hits, misses, stored, evicted, corrupt, refused, expired;
};
struct alb_cache_view alb_cache_look(struct alb_cache *c);
/* Files and bytes of one kind (of files found by a walk the kind is 0 until they are read). */
void alb_cache_look_kind(struct alb_cache *c, uint8_t kind, int64_t *files, int64_t *bytes);

#endif
