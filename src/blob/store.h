/* SPDX-License-Identifier: Apache-2.0
 *
 * Stores of originals. An original is identified by its SHA-256; the catalog's blob row says where it lies
 * (store, key, size, block sums, state live or dying). Once published it never changes and never moves.
 * This header is the contract; blob/disk/ is the store on a local file system, an object store can follow
 * behind the same table of functions.
 *
 * Who may do what (model.md, "Deleting and keeping"): blob knows no SQL, so the catalog's part is done by the
 * caller between two calls, and a *pin* keeps the two sides together without any lock held over a commit:
 *
 *   publish: alb_blob_publish_step until done       file is there, verified, durable, and pinned
 *            catalog transaction: insert the row, or revive the dying one, and link the asset
 *            alb_blob_publish_end                    unpin, after the commit (or its failure)
 *
 *   remove:  catalog transaction: row to dying, having seen no reference
 *            alb_blob_remove(sha256, still_dying)    unlinks under the hash's lock unless it is pinned, was
 *                                                    published meanwhile, or still_dying says no
 *            catalog transaction: DELETE ... WHERE sha256 = ? AND state = 'dying' (a revived row stays)
 *
 *   sweep:   files without a row, older than the grace period, under the same rules with has_row
 *
 * Why it holds: a publisher pins under the lock of the hash before its row is committed, and counts a
 * publication there; a remover asks the catalog without any lock, then takes the lock, and unlinks only if no
 * pin and no publication came in between. So a file is unlinked only while no live row can point to it.
 * If a crash comes between file and row, the file has no row and is swept later; if it comes between unlink
 * and row removal, the row is still dying and the next removal finds no file, which is fine.
 *
 * Threads: all functions from any thread that may do file I/O (io pool, jobs), several at once. Lock:
 * BLOB_HASH, one of 64 stripes; no callback is called with it held.
 */
#ifndef ALB_BLOB_STORE_H
#define ALB_BLOB_STORE_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/obj.h"
#include "blob/sums.h"

#define ALB_BLOB_KEY_MAX 96

struct alb_blob_store;
struct alb_blob_reader;
struct alb_blob_publish;
struct alb_blob_scan;

/* An original as the catalog knows it. Borrowed views. */
struct alb_blob_ref {
    unsigned char sha256[ALB_SHA256_LEN];
    int64_t size;
    struct alb_str key;  /* as publish gave it */
    struct alb_str sums; /* ALB_BLOCK_SUM_LEN bytes for each of alb_blocks_of(size) blocks (sums.h) */
};

/* ---- publish ---- */

/* Bytes that are to become an original: a complete file in the data directory's file system, and what was
 * computed while it was written. The original is made as a second name (hard link) of that file: from_name
 * stays until the caller removes it after its catalog commit, so no failure or crash in between can lose the
 * only copy. From now on nobody may write to the file. Where the file system knows no hard links it is
 * renamed and from_name is gone. All fields are borrowed until _end. */
struct alb_blob_source {
    int from_dirfd;
    const char *from_name; /* may be absent if an equal original exists: finishing after a crash */
    unsigned char sha256[ALB_SHA256_LEN];
    int64_t size;
    struct alb_str sums;
    bool synced; /* the bytes are known to be durable (the upload has committed them) */
};

enum alb_blob_publish_state {
    ALB_BLOB_VERIFY_SOURCE,
    ALB_BLOB_LOOK,            /* is an original of this name there already? */
    ALB_BLOB_VERIFY_EXISTING, /* then its bytes are checked too before anybody trusts them */
    ALB_BLOB_PLACE,
    ALB_BLOB_PINNED, /* done */
    ALB_BLOB_FAILED,
};

struct alb_blob_publish {
    /* for the caller, when done */
    char key[ALB_BLOB_KEY_MAX];
    bool existed; /* an equal, good original was there already */
    bool healed;  /* a damaged one was there; it lies in quarantine/ now, the good bytes took its place */
    /* private */
    enum alb_blob_publish_state state;
    struct alb_blob_store *store;
    struct alb_blob_source source;
    struct alb_blob_scan *scan; /* the file that is being verified */
    unsigned rounds;
    bool source_absent, existing_bad, pinned;
    uint64_t existing_id[4]; /* device, inode, time of last change, size of what was verified */
    struct alb_blob_publish *next_pin;
};

/* Prepares *p (caller's memory, must not move until _end). */
void alb_blob_publish_begin(struct alb_blob_publish *p, struct alb_blob_store *store,
                            const struct alb_blob_source *source);
/* Goes on, reading at most about `budget` bytes (verification is sliced so that one step on the io pool stays
 * short); *done = true: published, durable and pinned. CORRUPT: the source's bytes are not what they are said
 * to be. NO_SPACE, IO: nothing published. After an error: _end, then begin again if wanted. */
enum alb_code alb_blob_publish_step(struct alb_blob_publish *p, int64_t budget, bool *done,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* All steps at once: for threads of their own and tests. */
enum alb_code alb_blob_publish_path(struct alb_blob_publish *p, struct alb_blob_store *store,
                                    const struct alb_blob_source *source, struct alb_err *err) ALB_MUST_CHECK;
/* Unpins and frees what *p holds. After the catalog's commit, or after any failure. Safe twice. */
void alb_blob_publish_end(struct alb_blob_publish *p);

/* ---- read ---- */

/* Opens an original for checked reading. `ref` and its sums are copied. NOT_FOUND: no such file;
 * CORRUPT: its size, or the number of its sums, is wrong. */
enum alb_code alb_blob_open(struct alb_blob_store *store, const struct alb_blob_ref *ref,
                            struct alb_blob_reader **reader, struct alb_err *err) ALB_MUST_CHECK;
/* The same over a file that is no original but has sums like one (the copy of a remote source). Takes *fd
 * (set to -1, closed on failure too). `name` is for messages. */
enum alb_code alb_blob_open_file(int *fd, int64_t size, struct alb_str sums, struct alb_str name,
                                 struct alb_blob_reader **reader, struct alb_err *err) ALB_MUST_CHECK;
void alb_blob_close(struct alb_blob_reader **reader);
/* Reads [off, off + n), clamped at the end; *got says how many. Each touched block is checked against its sum
 * before a byte of it is given, and the bytes given are checked again against what was seen then, so reading
 * piece by piece is as safe: CORRUPT = nothing of this call may be used. Costs one read of a whole block at
 * the first touch; best in multiples of 64 KiB. One thread at a time per reader. */
enum alb_code alb_blob_read(struct alb_blob_reader *reader, int64_t off, void *buf, size_t n, size_t *got,
                            struct alb_err *err) ALB_MUST_CHECK;
/* Checks all blocks, at most about `budget` bytes per call; *done = true when all were good. */
enum alb_code alb_blob_verify_step(struct alb_blob_reader *reader, int64_t budget, bool *done,
                                   struct alb_err *err) ALB_MUST_CHECK;
/* Checks all blocks that were not checked yet, then lends the read-only descriptor (valid until close; dup it
 * to pass it on). For workers that read the whole file themselves. */
enum alb_code alb_blob_verify_all(struct alb_blob_reader *reader, int *fd,
                                  struct alb_err *err) ALB_MUST_CHECK;
int64_t alb_blob_size(const struct alb_blob_reader *reader);

/* Told of damage that a reader met, on its thread, without locks, before it has its error; once per reader.
 * block -1: the file is missing, has another size, or the sums do not fit. What a reader sees may be the past (a
 * good upload has replaced the file since): ask alb_blob_look_again. One hook, set before the first reader. */
typedef void alb_blob_damage_fn(void *ctx, const unsigned char sha256[ALB_SHA256_LEN], int64_t block);
void alb_blob_on_damage(struct alb_blob_store *store, alb_blob_damage_fn *fn, void *ctx);
/* Is the file that lies there now damaged in this way? Reads that block, or only looks at the size for -1; tells
 * nobody. ALB_OK: no. NOT_FOUND, CORRUPT (or the disk cannot read it): yes. Else it cannot be known. */
enum alb_code alb_blob_look_again(struct alb_blob_store *store, const struct alb_blob_ref *ref, int64_t block,
                                  struct alb_err *err) ALB_MUST_CHECK;

/* ---- keep in order ---- */

/* Asked without any lock held. */
typedef enum alb_code alb_blob_ask_fn(void *arg, const unsigned char sha256[ALB_SHA256_LEN], bool *answer,
                                      struct alb_err *err);

/* Unlinks the original if `still_dying` (of its row, read after all earlier commits) answers true. *removed:
 * there is no file now, the row may be deleted; false: it is in use again (nothing was changed). */
enum alb_code alb_blob_remove(struct alb_blob_store *store, const unsigned char sha256[ALB_SHA256_LEN],
                              alb_blob_ask_fn *still_dying, void *arg, bool *removed,
                              struct alb_err *err) ALB_MUST_CHECK;

/* Walks over all files of the store in order of their keys, a page at a time. */
struct alb_blob_file {
    unsigned char sha256[ALB_SHA256_LEN];
    int64_t size, changed_ms; /* wall time of its last change (contents or name) */
    bool foreign;             /* not a file of ours (name, type); sha256 is zero, only counted */
};
typedef enum alb_code alb_blob_file_fn(void *arg, const struct alb_blob_file *file, struct alb_err *err);
/* One directory of the store per call. *cursor starts at 0; -1 when all was seen. Stops when fn fails. */
enum alb_code alb_blob_walk_step(struct alb_blob_store *store, int64_t *cursor, alb_blob_file_fn *fn,
                                 void *arg, struct alb_err *err) ALB_MUST_CHECK;

struct alb_blob_swept {
    int64_t seen, removed, removed_bytes, young, foreign;
};
/* Removes files without a row that changed before wall time `before_ms`; pages as walk_step. */
enum alb_code alb_blob_sweep_step(struct alb_blob_store *store, int64_t *cursor, int64_t before_ms,
                                  alb_blob_ask_fn *has_row, void *arg, struct alb_blob_swept *swept,
                                  struct alb_err *err) ALB_MUST_CHECK;

/* Reads an original again from its first to its last byte (scrub, `albumen check`): ALB_OK, NOT_FOUND,
 * CORRUPT (sums, size or SHA-256 differ, or the disk cannot read it: EIO). With ref->blocks == NULL only the
 * SHA-256 is compared and *blocks (if not NULL) receives fresh sums: repairs a row whose sums are damaged
 * while the file is good. */
enum alb_code alb_blob_scrub(struct alb_blob_store *store, const struct alb_blob_ref *ref,
                             struct alb_bytes **sums, struct alb_err *err) ALB_MUST_CHECK;

const char *alb_blob_store_name(const struct alb_blob_store *store); /* "disk": the row's store column */
void alb_blob_store_free(struct alb_blob_store **store);             /* nothing pinned, no reader open */

/* ---- for the implementations ---- */

struct alb_blob_ops {
    const char *name;
    enum alb_code (*open)(struct alb_blob_store *s, const struct alb_blob_ref *ref, int *fd,
                          struct alb_err *err);
    enum alb_code (*publish_step)(struct alb_blob_publish *p, int64_t budget, bool *done,
                                  struct alb_err *err);
    void (*publish_end)(struct alb_blob_publish *p);
    enum alb_code (*remove)(struct alb_blob_store *s, const unsigned char sha256[ALB_SHA256_LEN],
                            alb_blob_ask_fn *ask, bool unlink_if, void *arg, bool *removed,
                            struct alb_err *err);
    enum alb_code (*walk_step)(struct alb_blob_store *s, int64_t *cursor, alb_blob_file_fn *fn, void *arg,
                               struct alb_err *err);
    void (*free)(struct alb_blob_store *s);
};
struct alb_blob_store { /* first member of an implementation's struct */
    const struct alb_blob_ops *ops;
    alb_blob_damage_fn *damage_fn; /* or NULL; fixed before the first reader */
    void *damage_ctx;
};

#endif
