/* SPDX-License-Identifier: Apache-2.0
 *
 * The state record of one upload, the file <id>.state. Pure: bytes to structs and back (fuzzed).
 *
 *   head     what never changes: id, owner, kind, metadata, note, path, parts; checksummed; padded to 512 bytes
 *   slot 0   what changes: 1536 bytes each, checksummed, with a sequence number; slot (seq mod 2) is written,
 *   slot 1   so the older one is whole while the newer one is torn; the valid one with the highest seq counts
 *   sums     8 bytes per complete block (blob/sums.h), only ever added to; the slot holds a hash chained over
 *            those that belong to it, so a slot whose sums did not reach the disk does not count
 *
 * One pwrite of a slot and one fdatasync publish a new offset; no rename, no fsync of the folder. Sectors of
 * 512 bytes may be torn from each other: that is what the checksums are for. Integers are little-endian; hash
 * mid-states are as base/hash.h stores them (refused on another machine: then the data is hashed again).
 */
#ifndef ALB_UPLOAD_RECORD_H
#define ALB_UPLOAD_RECORD_H

#include "base/buf.h"
#include "base/hash.h"
#include "blob/sums.h"
#include "upload/upload.h"

#define ALB_RECORD_HEAD_FIXED 56
#define ALB_RECORD_HEAD_MAX ((size_t)512 * 1024)
#define ALB_RECORD_SLOT 1536
#define ALB_RECORD_PARTS_MAX ((size_t)UINT16_MAX) /* bytes of path, and of parts */
#define ALB_RECORD_FILE_MAX                                                                                  \
    (ALB_RECORD_HEAD_MAX + (size_t)2 * ALB_RECORD_SLOT + (size_t)ALB_BLOCKS_MAX * ALB_BLOCK_SUM_LEN)
#define ALB_RECORD_REASON_MAX 200
#define ALB_RECORD_HASHES 3 /* SHA-256, SHA-1, and MD5 or SHA-512 if wanted */

struct alb_record_head {
    struct alb_str id, metadata, note, path, parts;
    int64_t owner, created_ms;
    enum alb_upload_kind kind;
    bool md5, sha512; /* at most one of them */
    size_t size;      /* bytes in the file, a multiple of 512 */
};

struct alb_record_state { /* one stored mid-state */
    size_t n;             /* 0 = none */
    unsigned char p[ALB_HASH_STATE_MAX];
};

struct alb_record_slot {
    uint64_t seq;           /* from 1 */
    int64_t length, offset; /* length may be ALB_UPLOAD_DEFERRED */
    int64_t expires_ms;
    enum alb_upload_state state;
    bool unsummed;     /* another program wrote its first bytes: no sums are kept of it, now or later */
    uint64_t chain;    /* over the sums of complete blocks below offset; OPEN and COMPLETE */
    uint64_t tail_sum; /* sum of the running block; COMPLETE */
    struct alb_record_state hashes[ALB_RECORD_HASHES]; /* OPEN and COMPLETE */
    size_t result_n;                                   /* FINISHED */
    unsigned char result[ALB_UPLOAD_RESULT_MAX];
    enum alb_code rejected; /* REJECTED */
    size_t reason_n;
    char reason[ALB_RECORD_REASON_MAX];
};

/* TOO_LARGE above ALB_RECORD_HEAD_MAX. Sets head->size. */
enum alb_code alb_record_head_write(struct alb_record_head *head, struct alb_buf *out,
                                    struct alb_err *err) ALB_MUST_CHECK;
void alb_record_slot_write(const struct alb_record_slot *slot, unsigned char out[ALB_RECORD_SLOT]);
bool alb_record_slot_read(const unsigned char p[ALB_RECORD_SLOT],
                          struct alb_record_slot *slot) ALB_MUST_CHECK;

/* Reads a whole record file: views of *head point into p, *sums to the sums of slot's complete blocks. Slots
 * with a seq above `newest` are passed over, and *stale tells that there was one. CORRUPT: no valid head or
 * slot. */
enum alb_code alb_record_read(const unsigned char *p, size_t n, uint64_t newest, struct alb_record_head *head,
                              struct alb_record_slot *slot, struct alb_str *sums, bool *stale,
                              struct alb_err *err) ALB_MUST_CHECK;

/* The head alone, of such a file. CORRUPT: it is none. */
enum alb_code alb_record_head_read(const unsigned char *p, size_t n, struct alb_record_head *head,
                                   struct alb_err *err) ALB_MUST_CHECK;

/* Where things lie in the file. */
static inline int64_t alb_record_slot_at(const struct alb_record_head *head, uint64_t seq)
{
    return (int64_t)head->size + (int64_t)(seq % 2) * ALB_RECORD_SLOT;
}
static inline int64_t alb_record_sums_at(const struct alb_record_head *head)
{
    return (int64_t)head->size + (int64_t)2 * ALB_RECORD_SLOT;
}

/* The chained hash over sums, from `chain` on (0 at the beginning). */
uint64_t alb_record_chain(uint64_t chain, struct alb_str sums);

#endif
