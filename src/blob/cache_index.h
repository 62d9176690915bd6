/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to blob: the index of a cache of derived files. Pure memory: which files there are, how large, and
 * who goes next (S3-FIFO, see cache.h). It makes no file calls and takes no lock; the cache does both.
 *
 *   (new) --> SMALL --hit, then its turn comes--> MAIN --its turn comes, hit since--> MAIN (one hit less)
 *               |  \--no hit--> ghost             |  \--no hit--> out
 *               +----------- remove --------------+
 *   (new, and its fingerprint is in the ghost table) --> MAIN
 *
 * Entries lie in chunks and name each other by number, 40 bytes each, so an index of a million files costs
 * about 48 MB with its tables and nothing is moved when it grows. Sizes are counted in pages of 4 KiB.
 */
#ifndef ALB_BLOB_CACHE_INDEX_H
#define ALB_BLOB_CACHE_INDEX_H

#include "base/err.h"
#include "blob/derived.h"

#define ALB_INDEX_KEY_LEN 16
#define ALB_INDEX_PAGE 4096

struct alb_index_key {
    unsigned char b[ALB_INDEX_KEY_LEN]; /* of the file name: the first half of the derived key */
};

/* What is known of a file without reading it. */
struct alb_index_item {
    uint32_t pages;
    uint32_t made_s; /* wall, when the entry was made */
    uint8_t kind;    /* of the cache's user: what its books count by */
};

enum alb_index_place {
    ALB_INDEX_NEW,   /* a newcomer: SMALL, or MAIN if its ghost is known */
    ALB_INDEX_SMALL, /* as it was before a restart */
    ALB_INDEX_MAIN,
};

/* One entry as it stands, to be written down and put back after a restart. */
struct alb_index_row {
    struct alb_index_key key;
    struct alb_index_item item;
    enum alb_index_place place;
    uint8_t hits; /* 0..3, since its last turn */
};

struct alb_index;

struct alb_index *alb_index_new(int64_t limit_pages) ALB_MUST_CHECK; /* NULL: no memory */
void alb_index_free(struct alb_index **ix);

uint32_t alb_index_pages(int64_t file_size);

/* Makes the entry, or gives the one that is there its new size, age and kind. NO_MEMORY: not taken (an old entry
 * stays as it was). */
enum alb_code alb_index_put(struct alb_index *ix, const struct alb_index_row *row,
                            struct alb_err *err) ALB_MUST_CHECK;
/* Whether it is there, and what it is (item may be NULL); `hit` raises its counter. */
bool alb_index_find(struct alb_index *ix, const struct alb_index_key *key, bool hit, struct alb_index_item *item);
/* Takes it out; false: it was not there. Leaves no ghost. */
bool alb_index_remove(struct alb_index *ix, const struct alb_index_key *key);
/* Takes out whose turn it is; false: empty. */
bool alb_index_evict(struct alb_index *ix, struct alb_index_key *key, uint32_t *pages);
/* Any entry; false: empty. For purging all. */
bool alb_index_any(struct alb_index *ix, struct alb_index_key *key);

/* All entries, each queue from its oldest to its newest, so that putting them in this order makes the same queues
 * again. Begins zeroed; false: that was all. Nothing but hits may happen to the index meanwhile. */
struct alb_index_walk {
    uint32_t at;
    uint8_t queue;
};
bool alb_index_walk(const struct alb_index *ix, struct alb_index_walk *walk, struct alb_index_row *row);
/* Ghosts from place *from on, as pairs of numbers to be put back by alb_index_put_ghost behind the entries. */
bool alb_index_walk_ghost(const struct alb_index *ix, uint32_t *from, uint32_t ghost[2]);
void alb_index_put_ghost(struct alb_index *ix, const uint32_t ghost[2]);

/* One folder of 256 at a time, against the files that are there. unsee: forgets what was seen in it; see: true if the
 * entry is there; unseen: up to `max` keys of entries of the folder that were not seen (or of all of its entries), from
 * *place (begins 0) on; 0: that was all. Entries that change meanwhile may be missed or met twice. */
void alb_index_unsee(struct alb_index *ix, unsigned folder);
bool alb_index_see(struct alb_index *ix, const struct alb_index_key *key);
size_t alb_index_folder(const struct alb_index *ix, unsigned folder, bool unseen_only, uint32_t *place,
                        struct alb_index_row *rows, size_t max);

#define ALB_INDEX_KINDS 256
struct alb_index_view {
    int64_t files, pages, small_pages, main_pages, memory;
};
struct alb_index_view alb_index_look(const struct alb_index *ix);
/* Files and pages of one kind. */
void alb_index_look_kind(const struct alb_index *ix, uint8_t kind, int64_t *files, int64_t *pages);

#endif
