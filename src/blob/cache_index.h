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
 * Entries lie in chunks and name each other by number, 36 bytes each, so an index of a million files costs
 * about 44 MB with its tables and nothing is moved when it grows. Sizes are counted in pages of 4 KiB.
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

struct alb_index;

struct alb_index *alb_index_new(int64_t limit_pages) ALB_MUST_CHECK; /* NULL: no memory */
void alb_index_free(struct alb_index **ix);

uint32_t alb_index_pages(int64_t file_size);

/* Makes the entry, or gives the one that is there its new size. `to_main`: the scan at start. NO_MEMORY: not
 * taken (an old entry stays as it was). */
enum alb_code alb_index_put(struct alb_index *ix, const struct alb_index_key *key, uint32_t pages,
                            bool to_main, struct alb_err *err) ALB_MUST_CHECK;
/* Whether it is there; `hit` raises its counter. */
bool alb_index_find(struct alb_index *ix, const struct alb_index_key *key, bool hit);
/* Takes it out; false: it was not there. Leaves no ghost. */
bool alb_index_remove(struct alb_index *ix, const struct alb_index_key *key);
/* Takes out whose turn it is; false: empty. */
bool alb_index_evict(struct alb_index *ix, struct alb_index_key *key, uint32_t *pages);
/* Any entry; false: empty. For purging all. */
bool alb_index_any(struct alb_index *ix, struct alb_index_key *key);

struct alb_index_view {
    int64_t files, pages, small_pages, main_pages, memory;
};
struct alb_index_view alb_index_look(const struct alb_index *ix);

#endif
