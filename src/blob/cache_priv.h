/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of a cache share (contract: cache.h). Private to blob.
 *
 *   cache.c          get, put and what else its users do
 *   cache_start.c    open and close; the journal's records; the walk through the folders
 *   cache_check.c    reading every file
 *   cache_index.c    who goes next, pure memory
 *   cache_journal.c  what is known of the files across restarts and processes
 *
 * What one thread or process does to the index and then to the file, another may do in between in the other order;
 * the rules that make every such order harmless:
 *   - the index changes in the order of the journal's records alone, so all processes come to the same set;
 *   - PUT is written before the file, so its room is taken; when the file is there and its entry has gone meanwhile
 *     (evicted, purged), PUT is written again; a file without an entry is found by the next walk;
 *   - GONE is written before the file is unlinked; pages on their way out count as long as they lie there (leaving);
 *   - an entry without a file is a miss, and the miss takes the entry out.
 */
#ifndef ALB_BLOB_CACHE_PRIV_H
#define ALB_BLOB_CACHE_PRIV_H

#include <stdatomic.h>

#include "base/lock.h"
#include "blob/cache.h"
#include "blob/cache_index.h"
#include "blob/cache_journal.h"

#define ALB_CACHE_FOLDERS 256
#define ALB_CACHE_NAME_HEX ((size_t)2 * ALB_INDEX_KEY_LEN)

enum alb_cache_doing { ALB_CACHE_READS, ALB_CACHE_WRITES, ALB_CACHE_DOINGS };

struct alb_cache {
    /* fixed after create */
    int dirfd, tmpfd;
    const char *folder;
    int64_t limit; /* pages */
    int64_t max_age_ms;
    const struct alb_clock *clock;
    struct alb_quarantine *quarantine;
    bool plain, shared;
    /* any thread */
    atomic_bool cannot_tell; /* this file system cannot say what is in memory (alb_fs_read_cached) */
    /* under jmtx, which is taken first: file calls allowed */
    struct alb_mutex jmtx;
    struct alb_cache_journal journal;
    int64_t repair_at; /* monotonic: not before */
    bool wants_walk;   /* when it is repaired */
    bool wants_here;   /* nothing durable says that this process is there */
    /* of who tends it, one thread at a time */
    unsigned at_folder;     /* of the walk that goes on */
    unsigned expire_folder; /* the next one that is looked through for what is too old */
    /* under mtx; the index is changed with both held, but for hits */
    struct alb_mutex mtx;
    struct alb_index *index;
    int64_t leaving; /* pages being unlinked */
    bool complete;   /* the index knows every file (but what others have written since) */
    bool walk;       /* the folders should be looked through */
    uint64_t hits, misses, stored, evicted, corrupt, refused, expired;
    struct alb_cache_fault faults[ALB_CACHE_DOINGS];
};

struct alb_index_key alb_cache_index_key(const struct alb_derived_key *key);
/* "ab/" + 32 digits. */
void alb_cache_name(const struct alb_index_key *key, char out[ALB_DERIVED_NAME_MAX]);
bool alb_cache_key_of_name(const char *name, struct alb_index_key *key); /* without its folder */

/* cache.c: evicts until what lies there and `need` pages fit, and with `in` takes that room for it (PUT). Codes: BUSY:
 * there is no room; NO_SPACE, IO ...: of the journal. */
enum alb_code alb_cache_make_room(struct alb_cache *c, const struct alb_cache_journal_record *in,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* Takes an entry out, without its file. */
void alb_cache_forget(struct alb_cache *c, const struct alb_index_key *key);
/* Entry and file go. */
void alb_cache_remove(struct alb_cache *c, const struct alb_index_key *key);
/* It is too old: entry and file go, and are counted. */
void alb_cache_expire(struct alb_cache *c, const struct alb_index_key *key);
/* A file was met that the index does not know: it is counted from now on. */
void alb_cache_adopt_found(struct alb_cache *c, const struct alb_index_row *row);
/* What the disk said to a read or a write: kept for /health until it works again. */
void alb_cache_note(struct alb_cache *c, enum alb_cache_doing doing, enum alb_code code, int sys);

#endif
