/* SPDX-License-Identifier: Apache-2.0
 *
 * S3-FIFO index (contract: cache_index.h). Entry 0 stands for "none" everywhere. Keys are parts of hashes, so
 * their bytes serve as hash values directly. The ghost table is direct-mapped: one fingerprint per slot, a
 * newer one overwrites; it has as many slots as there are buckets, which is about the number of files.
 */
#include "blob/cache_index.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define CHUNK 4096U
#define CHUNKS_MAX 4096U /* 16 million files */
#define FIRST_BUCKETS 1024U
#define FREQ_MAX 3
#define SMALL_SHARE 10 /* one part in so many */

enum queue { FREE, SMALL, MAIN, QUEUES };

struct entry {
    struct alb_index_key key;
    uint32_t pages;
    uint32_t bucket_next;
    uint32_t newer, older; /* in its queue; free entries are linked by `older` */
    uint32_t made_s;
    uint8_t queue, freq, kind, seen;
};
_Static_assert(sizeof(struct entry) == 40, "an entry is as small as the header says");

struct fifo {
    uint32_t newest, oldest;
    int64_t pages;
};

struct alb_index {
    int64_t limit;
    struct entry *chunks[CHUNKS_MAX];
    uint32_t chunk_count, free_entry, used;
    struct fifo fifo[QUEUES];
    uint32_t bucket_count;
    uint32_t *buckets, *ghosts;
    struct {
        int64_t files, pages;
    } kinds[ALB_INDEX_KINDS];
};

static struct entry *at(const struct alb_index *ix, uint32_t i)
{
    return &ix->chunks[i / CHUNK][i % CHUNK];
}

static uint32_t bucket_of(const struct alb_index *ix, const struct alb_index_key *key)
{
    uint32_t v = key->b[0] | (uint32_t)key->b[1] << 8 | (uint32_t)key->b[2] << 16 | (uint32_t)key->b[3] << 24;

    return v & (ix->bucket_count - 1);
}

static uint32_t fingerprint(const struct alb_index_key *key)
{
    uint32_t v;

    memcpy(&v, key->b + 4, sizeof(v));
    return v | 1; /* 0 = no ghost */
}

struct alb_index *alb_index_new(int64_t limit_pages)
{
    struct alb_index *ix = alb_mem_calloc(1, sizeof(*ix));

    if (ix == NULL)
        return NULL;
    ix->limit = limit_pages;
    ix->bucket_count = FIRST_BUCKETS;
    ix->buckets = alb_mem_calloc(FIRST_BUCKETS, sizeof(uint32_t));
    ix->ghosts = alb_mem_calloc(FIRST_BUCKETS, sizeof(uint32_t));
    if (ix->buckets == NULL || ix->ghosts == NULL)
        alb_index_free(&ix);
    return ix;
}

void alb_index_free(struct alb_index **index)
{
    struct alb_index *ix = *index;

    *index = NULL;
    if (ix == NULL)
        return;
    for (uint32_t i = 0; i < ix->chunk_count; i++)
        alb_mem_free(ix->chunks[i]);
    alb_mem_free(ix->buckets);
    alb_mem_free(ix->ghosts);
    alb_mem_free(ix);
}

uint32_t alb_index_pages(int64_t file_size)
{
    int64_t pages = (file_size + ALB_INDEX_PAGE - 1) / ALB_INDEX_PAGE;

    return pages<1 ? 1 : pages>(int64_t) UINT32_MAX ? UINT32_MAX : (uint32_t)pages;
}

/* ---- queues ---- */

static void push(struct alb_index *ix, uint32_t i, enum queue q)
{
    struct entry *e = at(ix, i);
    struct fifo *f = &ix->fifo[q];

    e->queue = (uint8_t)q;
    e->newer = 0;
    e->older = f->newest;
    if (f->newest != 0)
        at(ix, f->newest)->newer = i;
    else
        f->oldest = i;
    f->newest = i;
    f->pages += e->pages;
}

static void pull(struct alb_index *ix, uint32_t i)
{
    const struct entry *e = at(ix, i);
    struct fifo *f = &ix->fifo[e->queue];

    if (e->newer != 0)
        at(ix, e->newer)->older = e->older;
    else
        f->newest = e->older;
    if (e->older != 0)
        at(ix, e->older)->newer = e->newer;
    else
        f->oldest = e->newer;
    f->pages -= e->pages;
}

/* ---- entries ---- */

static bool add_chunk(struct alb_index *ix)
{
    if (ix->chunk_count == CHUNKS_MAX)
        return false;
    struct entry *chunk = alb_mem_calloc(CHUNK, sizeof(*chunk));
    if (chunk == NULL)
        return false;
    uint32_t first = ix->chunk_count * CHUNK;
    ix->chunks[ix->chunk_count++] = chunk;
    for (uint32_t i = CHUNK; i-- > (first == 0 ? 1U : 0U);) { /* entry 0 is nobody */
        chunk[i].older = ix->free_entry;
        ix->free_entry = first + i;
    }
    return true;
}

/* Twice as many buckets. Without memory for them the chains get longer, that is all. */
static void grow(struct alb_index *ix)
{
    uint32_t count = ix->bucket_count * 2;
    uint32_t *buckets = alb_mem_calloc(count, sizeof(uint32_t));
    uint32_t *ghosts = alb_mem_calloc(count, sizeof(uint32_t));

    if (buckets == NULL || ghosts == NULL) {
        alb_mem_free(buckets);
        alb_mem_free(ghosts);
        return;
    }
    uint32_t *old = ix->buckets, old_count = ix->bucket_count;
    /* Ghosts keep their low bits only; each goes to both slots it may belong to. */
    memcpy(ghosts, ix->ghosts, old_count * sizeof(uint32_t));
    memcpy(ghosts + old_count, ix->ghosts, old_count * sizeof(uint32_t));
    alb_mem_free(ix->ghosts);
    ix->ghosts = ghosts;
    ix->buckets = buckets;
    ix->bucket_count = count;
    for (uint32_t b = 0; b < old_count; b++) {
        for (uint32_t i = old[b], next; i != 0; i = next) {
            struct entry *e = at(ix, i);
            uint32_t to = bucket_of(ix, &e->key);
            next = e->bucket_next;
            e->bucket_next = buckets[to];
            buckets[to] = i;
        }
    }
    alb_mem_free(old);
}

static uint32_t find(const struct alb_index *ix, const struct alb_index_key *key)
{
    uint32_t i = ix->buckets[bucket_of(ix, key)];

    while (i != 0 && memcmp(at(ix, i)->key.b, key->b, ALB_INDEX_KEY_LEN) != 0)
        i = at(ix, i)->bucket_next;
    return i;
}

static void count(struct alb_index *ix, const struct entry *e, int by)
{
    ix->kinds[e->kind].files += by;
    ix->kinds[e->kind].pages += by * (int64_t)e->pages;
}

static void drop(struct alb_index *ix, uint32_t i)
{
    struct entry *e = at(ix, i);
    uint32_t *link = &ix->buckets[bucket_of(ix, &e->key)];

    while (*link != i)
        link = &at(ix, *link)->bucket_next;
    *link = e->bucket_next;
    pull(ix, i);
    count(ix, e, -1);
    e->queue = FREE;
    e->older = ix->free_entry;
    ix->free_entry = i;
    ix->used--;
}

static void set_item(struct alb_index *ix, struct entry *e, const struct alb_index_item *item)
{
    e->pages = item->pages;
    e->made_s = item->made_s;
    e->kind = item->kind;
    count(ix, e, 1);
}

enum alb_code alb_index_put(struct alb_index *ix, const struct alb_index_row *row, struct alb_err *err)
{
    const struct alb_index_key *key = &row->key;
    uint32_t i = find(ix, key);

    if (i != 0) {
        struct entry *e = at(ix, i);
        ix->fifo[e->queue].pages += (int64_t)row->item.pages - e->pages;
        count(ix, e, -1);
        set_item(ix, e, &row->item);
        return ALB_OK;
    }
    if (ix->free_entry == 0 && !add_chunk(ix))
        return alb_fail(err, ALB_E_NO_MEMORY, "the index of the cache is full");
    if (ix->used >= ix->bucket_count)
        grow(ix);
    i = ix->free_entry;
    struct entry *e = at(ix, i);
    ix->free_entry = e->older;
    memset(e, 0, sizeof(*e));
    e->key = *key;
    e->freq = row->hits > FREQ_MAX ? FREQ_MAX : row->hits;
    set_item(ix, e, &row->item);
    uint32_t b = bucket_of(ix, key);
    e->bucket_next = ix->buckets[b];
    ix->buckets[b] = i;
    bool to_main = row->place == ALB_INDEX_MAIN;
    if (ix->ghosts[b] == fingerprint(key)) {
        ix->ghosts[b] = 0;
        to_main = true;
    }
    push(ix, i, to_main ? MAIN : SMALL);
    ix->used++;
    return ALB_OK;
}

bool alb_index_find(struct alb_index *ix, const struct alb_index_key *key, bool hit, struct alb_index_item *item)
{
    uint32_t i = find(ix, key);

    if (i == 0)
        return false;
    struct entry *e = at(ix, i);
    if (hit && e->freq < FREQ_MAX)
        e->freq++;
    if (item != NULL)
        *item = (struct alb_index_item){e->pages, e->made_s, e->kind};
    return true;
}

bool alb_index_remove(struct alb_index *ix, const struct alb_index_key *key)
{
    uint32_t i = find(ix, key);

    if (i != 0)
        drop(ix, i);
    return i != 0;
}

/* ---- eviction ---- */

static void out(struct alb_index *ix, uint32_t i, struct alb_index_key *key, uint32_t *pages)
{
    *key = at(ix, i)->key;
    *pages = at(ix, i)->pages;
    drop(ix, i);
}

/* Every pass over an entry that stays lowers its counter or moves it to MAIN for good, so this ends. */
bool alb_index_evict(struct alb_index *ix, struct alb_index_key *key, uint32_t *pages)
{
    while (ix->used > 0) {
        bool small = ix->fifo[SMALL].oldest != 0 &&
                     (ix->fifo[MAIN].oldest == 0 || ix->fifo[SMALL].pages > ix->limit / SMALL_SHARE);
        uint32_t i = ix->fifo[small ? SMALL : MAIN].oldest;
        struct entry *e = at(ix, i);
        if (e->freq == 0) {
            if (small)
                ix->ghosts[bucket_of(ix, &e->key)] = fingerprint(&e->key);
            out(ix, i, key, pages);
            return true;
        }
        pull(ix, i);
        e->freq = small ? 0 : (uint8_t)(e->freq - 1);
        push(ix, i, MAIN);
    }
    return false;
}

bool alb_index_any(struct alb_index *ix, struct alb_index_key *key)
{
    for (int q = SMALL; q < QUEUES; q++) {
        if (ix->fifo[q].oldest != 0) {
            *key = at(ix, ix->fifo[q].oldest)->key;
            return true;
        }
    }
    return false;
}

/* ---- one after the other ---- */

static void row_of(const struct entry *e, struct alb_index_row *row)
{
    *row = (struct alb_index_row){.key = e->key,
                                  .item = {e->pages, e->made_s, e->kind},
                                  .place = e->queue == MAIN ? ALB_INDEX_MAIN : ALB_INDEX_SMALL,
                                  .hits = e->freq};
}

bool alb_index_walk(const struct alb_index *ix, struct alb_index_walk *walk, struct alb_index_row *row)
{
    uint32_t next = walk->at != 0 ? at(ix, walk->at)->newer : 0;

    while (next == 0 && walk->queue + 1 < QUEUES)
        next = ix->fifo[++walk->queue].oldest;
    if (next == 0)
        return false;
    walk->at = next;
    row_of(at(ix, next), row);
    return true;
}

bool alb_index_walk_ghost(const struct alb_index *ix, uint32_t *from, uint32_t ghost[2])
{
    while (*from < ix->bucket_count && ix->ghosts[*from] == 0)
        ++*from;
    if (*from == ix->bucket_count)
        return false;
    ghost[0] = *from;
    ghost[1] = ix->ghosts[(*from)++];
    return true;
}

void alb_index_put_ghost(struct alb_index *ix, const uint32_t ghost[2])
{
    ix->ghosts[ghost[0] & (ix->bucket_count - 1)] = ghost[1];
}

/* ---- by folder: the first byte of a key is the low one of its bucket's number ---- */

#define FOLDERS 256U
_Static_assert(FIRST_BUCKETS % FOLDERS == 0, "a bucket holds entries of one folder");

void alb_index_unsee(struct alb_index *ix, unsigned folder)
{
    for (uint32_t b = folder; b < ix->bucket_count; b += FOLDERS)
        for (uint32_t i = ix->buckets[b]; i != 0; i = at(ix, i)->bucket_next)
            at(ix, i)->seen = 0;
}

bool alb_index_see(struct alb_index *ix, const struct alb_index_key *key)
{
    uint32_t i = find(ix, key);

    if (i != 0)
        at(ix, i)->seen = 1;
    return i != 0;
}

size_t alb_index_folder(const struct alb_index *ix, unsigned folder, bool unseen_only, uint32_t *place,
                        struct alb_index_row *rows, size_t max)
{
    size_t n = 0;

    while (n == 0 && *place < ix->bucket_count / FOLDERS) {
        for (uint32_t i = ix->buckets[*place * FOLDERS + folder]; i != 0 && n < max; i = at(ix, i)->bucket_next)
            if (!unseen_only || !at(ix, i)->seen)
                row_of(at(ix, i), &rows[n++]);
        ++*place;
    }
    return n;
}

struct alb_index_view alb_index_look(const struct alb_index *ix)
{
    return (struct alb_index_view){
        .files = ix->used,
        .pages = ix->fifo[SMALL].pages + ix->fifo[MAIN].pages,
        .small_pages = ix->fifo[SMALL].pages,
        .main_pages = ix->fifo[MAIN].pages,
        .memory = (int64_t)(sizeof(*ix) + ix->chunk_count * CHUNK * sizeof(struct entry) +
                            2 * sizeof(uint32_t) * ix->bucket_count),
    };
}

void alb_index_look_kind(const struct alb_index *ix, uint8_t kind, int64_t *files, int64_t *pages)
{
    *files = ix->kinds[kind].files;
    *pages = ix->kinds[kind].pages;
}
