/* SPDX-License-Identifier: Apache-2.0
 *
 * The state record (contract and format: record.h). Offsets of the head: magic 0, checksum 8, size 16, slot
 * size 20, owner 24, created 32, kind 40, flags 41, id length 42, metadata length 44, note length 48,
 * path length 52, parts length 54. Offsets of a slot: magic 0, bytes used 4, checksum 8, seq 16, length 24,
 * offset 32, expires 40, chain 48, tail 56, state 64, lengths of code name 65, reason 66, result 68, flags 70, zero 71,
 * three hash lengths 72, zero 78; then hashes, code name, reason, result.
 */
#include "upload/record.h"

#include <string.h>

#include "base/check.h"
#include "blob/sums.h"

#define HEAD_MAGIC "ALBUPLD1"
#define SLOT_MAGIC 0x544f4c53U /* "SLOT" */
#define SECTOR 512
#define SLOT_FIXED 80
#define HEAD_SUMMED 16
#define SLOT_SUMMED 16
#define FLAG_MD5 1
#define FLAG_SHA512 2
#define FLAG_UNSUMMED 1 /* of a slot */

static uint64_t get(const unsigned char *p, int bytes)
{
    uint64_t v = 0;

    while (bytes-- > 0)
        v = v << 8 | p[bytes];
    return v;
}

static void put(unsigned char *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++, v >>= 8)
        p[i] = (unsigned char)v;
}

uint64_t alb_record_chain(uint64_t chain, struct alb_str sums)
{
    unsigned char link[2 * sizeof(uint64_t)];

    for (size_t at = 0; at + ALB_BLOCK_SUM_LEN <= sums.n; at += ALB_BLOCK_SUM_LEN) {
        put(link, chain, 8);
        memcpy(link + 8, sums.p + at, ALB_BLOCK_SUM_LEN);
        chain = alb_xxh3(link, sizeof(link));
    }
    return chain;
}

/* ---- head ---- */

enum alb_code alb_record_head_write(struct alb_record_head *head, struct alb_buf *out, struct alb_err *err)
{
    size_t used =
        ALB_RECORD_HEAD_FIXED + head->id.n + head->metadata.n + head->note.n + head->path.n + head->parts.n;
    size_t size = (used + SECTOR - 1) / SECTOR * SECTOR;

    if (head->id.n > ALB_UPLOAD_ID_PLAIN_MAX || head->metadata.n > ALB_RECORD_HEAD_MAX ||
        head->note.n > ALB_RECORD_HEAD_MAX || head->path.n > ALB_RECORD_PARTS_MAX ||
        head->parts.n > ALB_RECORD_PARTS_MAX || size > ALB_RECORD_HEAD_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "%zu bytes of metadata", used);
    unsigned char *p = (unsigned char *)alb_buf_reserve(out, size);
    if (p == NULL)
        return alb_fail(err, alb_buf_code(out), "no memory for the state of an upload");
    memset(p, 0, size);
    memcpy(p, HEAD_MAGIC, 8);
    put(p + 16, size, 4);
    put(p + 20, ALB_RECORD_SLOT, 4);
    put(p + 24, (uint64_t)head->owner, 8);
    put(p + 32, (uint64_t)head->created_ms, 8);
    p[40] = (unsigned char)head->kind;
    p[41] = (unsigned char)((head->md5 ? FLAG_MD5 : 0) | (head->sha512 ? FLAG_SHA512 : 0));
    put(p + 42, head->id.n, 2);
    put(p + 44, head->metadata.n, 4);
    put(p + 48, head->note.n, 4);
    put(p + 52, head->path.n, 2);
    put(p + 54, head->parts.n, 2);
    unsigned char *at = p + ALB_RECORD_HEAD_FIXED;
    const struct alb_str texts[] = {head->id, head->metadata, head->note, head->path, head->parts};
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++) {
        if (texts[i].n > 0)
            memcpy(at, texts[i].p, texts[i].n);
        at += texts[i].n;
    }
    put(p + 8, alb_xxh3(p + HEAD_SUMMED, size - HEAD_SUMMED), 8);
    alb_buf_commit(out, size);
    head->size = size;
    return ALB_OK;
}

static bool head_read(const unsigned char *p, size_t n, struct alb_record_head *head)
{
    memset(head, 0, sizeof(*head));
    if (n < SECTOR || memcmp(p, HEAD_MAGIC, 8) != 0)
        return false;
    size_t size = (size_t)get(p + 16, 4);
    size_t id_n = (size_t)get(p + 42, 2), meta_n = (size_t)get(p + 44, 4), note_n = (size_t)get(p + 48, 4);
    size_t path_n = (size_t)get(p + 52, 2), parts_n = (size_t)get(p + 54, 2);
    if (size < SECTOR || size > ALB_RECORD_HEAD_MAX || size % SECTOR != 0 || size > n ||
        get(p + 20, 4) != ALB_RECORD_SLOT || get(p + 8, 8) != alb_xxh3(p + HEAD_SUMMED, size - HEAD_SUMMED))
        return false;
    if (id_n == 0 || id_n > ALB_UPLOAD_ID_PLAIN_MAX || meta_n > size || note_n > size ||
        ALB_RECORD_HEAD_FIXED + id_n + meta_n + note_n + path_n + parts_n > size || p[40] > ALB_UPLOAD_FINAL)
        return false;
    const char *at = (const char *)p + ALB_RECORD_HEAD_FIXED;
    head->id = alb_str_n(at, id_n);
    head->metadata = alb_str_n(at + id_n, meta_n);
    head->note = alb_str_n(at + id_n + meta_n, note_n);
    head->path = alb_str_n(at + id_n + meta_n + note_n, path_n);
    head->parts = alb_str_n(at + id_n + meta_n + note_n + path_n, parts_n);
    head->owner = (int64_t)get(p + 24, 8);
    head->created_ms = (int64_t)get(p + 32, 8);
    head->kind = (enum alb_upload_kind)p[40];
    head->md5 = (p[41] & FLAG_MD5) != 0;
    head->sha512 = (p[41] & (FLAG_MD5 | FLAG_SHA512)) == FLAG_SHA512;
    head->size = size;
    return true;
}

/* ---- slot ---- */

static bool is_running(enum alb_upload_state state)
{
    return state == ALB_UPLOAD_OPEN || state == ALB_UPLOAD_COMPLETE;
}

void alb_record_slot_write(const struct alb_record_slot *slot, unsigned char out[ALB_RECORD_SLOT])
{
    const char *name = slot->state == ALB_UPLOAD_REJECTED ? alb_code_name(slot->rejected) : "";
    size_t name_n = strlen(name), used = SLOT_FIXED;

    memset(out, 0, ALB_RECORD_SLOT);
    put(out, SLOT_MAGIC, 4);
    put(out + 16, slot->seq, 8);
    put(out + 24, (uint64_t)slot->length, 8);
    put(out + 32, (uint64_t)slot->offset, 8);
    put(out + 40, (uint64_t)slot->expires_ms, 8);
    put(out + 48, slot->chain, 8);
    put(out + 56, slot->tail_sum, 8);
    out[64] = (unsigned char)slot->state;
    out[70] = slot->unsummed ? FLAG_UNSUMMED : 0;
    for (size_t i = 0; i < ALB_RECORD_HASHES && is_running(slot->state); i++) {
        ALB_CHECK(slot->hashes[i].n <= ALB_HASH_STATE_MAX);
        put(out + 72 + 2 * i, slot->hashes[i].n, 2);
        memcpy(out + used, slot->hashes[i].p, slot->hashes[i].n);
        used += slot->hashes[i].n;
    }
    if (slot->state == ALB_UPLOAD_REJECTED) {
        out[65] = (unsigned char)name_n;
        memcpy(out + used, name, name_n);
        used += name_n;
        ALB_CHECK(slot->reason_n <= ALB_RECORD_REASON_MAX);
        put(out + 66, slot->reason_n, 2);
        memcpy(out + used, slot->reason, slot->reason_n);
        used += slot->reason_n;
    }
    if (slot->state == ALB_UPLOAD_FINISHED) {
        ALB_CHECK(slot->result_n <= ALB_UPLOAD_RESULT_MAX);
        put(out + 68, slot->result_n, 2);
        memcpy(out + used, slot->result, slot->result_n);
        used += slot->result_n;
    }
    ALB_CHECK(used <= ALB_RECORD_SLOT);
    put(out + 4, used, 4);
    put(out + 8, alb_xxh3(out + SLOT_SUMMED, used - SLOT_SUMMED), 8);
}

static enum alb_code code_by_name(struct alb_str name)
{
    for (int c = 1; c < ALB_CODE_COUNT; c++) {
        if (alb_str_eq_c(name, alb_code_name((enum alb_code)c)))
            return (enum alb_code)c;
    }
    return ALB_E_UNPROCESSABLE; /* a name of a later version: refused all the same */
}

/* The parts of variable length, in order; false when they do not fill `used` exactly. */
static bool slot_parts(const unsigned char *p, size_t used, struct alb_record_slot *slot)
{
    size_t at = SLOT_FIXED, name_n = p[65];

    slot->reason_n = (size_t)get(p + 66, 2);
    slot->result_n = (size_t)get(p + 68, 2);
    if (slot->reason_n > sizeof(slot->reason) || slot->result_n > sizeof(slot->result))
        return false;
    for (size_t i = 0; i < ALB_RECORD_HASHES; i++) {
        slot->hashes[i].n = (size_t)get(p + 72 + 2 * i, 2);
        if (slot->hashes[i].n > ALB_HASH_STATE_MAX || slot->hashes[i].n > used - at)
            return false;
        memcpy(slot->hashes[i].p, p + at, slot->hashes[i].n);
        at += slot->hashes[i].n;
    }
    if (used - at != name_n + slot->reason_n + slot->result_n)
        return false;
    slot->rejected = name_n > 0 ? code_by_name(alb_str_n((const char *)p + at, name_n)) : ALB_OK;
    at += name_n;
    memcpy(slot->reason, p + at, slot->reason_n);
    memcpy(slot->result, p + at + slot->reason_n, slot->result_n);
    return true;
}

static bool numbers_fit(const struct alb_record_slot *slot)
{
    if (slot->seq == 0 || slot->offset < 0 || slot->offset > ALB_BLOCKS_MAX * ALB_BLOCK_SIZE)
        return false;
    if (slot->state != ALB_UPLOAD_OPEN)
        return slot->offset == slot->length;
    return slot->length == ALB_UPLOAD_DEFERRED || slot->offset <= slot->length;
}

bool alb_record_slot_read(const unsigned char p[ALB_RECORD_SLOT], struct alb_record_slot *slot)
{
    size_t used = (size_t)get(p + 4, 4);

    memset(slot, 0, sizeof(*slot));
    if (get(p, 4) != SLOT_MAGIC || used < SLOT_FIXED || used > ALB_RECORD_SLOT ||
        get(p + 8, 8) != alb_xxh3(p + SLOT_SUMMED, used - SLOT_SUMMED) || p[64] > ALB_UPLOAD_REJECTED)
        return false;
    slot->seq = get(p + 16, 8);
    slot->length = (int64_t)get(p + 24, 8);
    slot->offset = (int64_t)get(p + 32, 8);
    slot->expires_ms = (int64_t)get(p + 40, 8);
    slot->chain = get(p + 48, 8);
    slot->tail_sum = get(p + 56, 8);
    slot->state = (enum alb_upload_state)p[64];
    slot->unsummed = (p[70] & FLAG_UNSUMMED) != 0;
    if (slot->state == ALB_UPLOAD_REJECTED && p[65] == 0)
        return false;
    return numbers_fit(slot) && slot_parts(p, used, slot);
}

/* ---- the whole file ---- */

static bool sums_fit(const struct alb_record_slot *slot, const unsigned char *p, size_t n, int64_t at,
                     struct alb_str *sums)
{
    bool summed = is_running(slot->state) && !slot->unsummed;
    size_t need = summed ? (size_t)(slot->offset / ALB_BLOCK_SIZE) * ALB_BLOCK_SUM_LEN : 0;

    *sums = ALB_STR_NONE;
    if (need == 0)
        return true;
    if ((size_t)at > n || n - (size_t)at < need)
        return false;
    *sums = alb_str_n((const char *)p + at, need);
    return alb_record_chain(0, *sums) == slot->chain;
}

enum alb_code alb_record_head_read(const unsigned char *p, size_t n, struct alb_record_head *head,
                                   struct alb_err *err)
{
    if (!head_read(p, n, head))
        return alb_fail(err, ALB_E_CORRUPT, "state of an upload without a valid head");
    return ALB_OK;
}

enum alb_code alb_record_read(const unsigned char *p, size_t n, uint64_t newest, struct alb_record_head *head,
                              struct alb_record_slot *slot, struct alb_str *sums, bool *stale,
                              struct alb_err *err)
{
    struct alb_record_slot candidate;
    struct alb_str its_sums;
    bool found = false;

    memset(slot, 0, sizeof(*slot));
    *sums = ALB_STR_NONE;
    *stale = false;
    if (!head_read(p, n, head))
        return alb_fail(err, ALB_E_CORRUPT, "state of an upload without a valid head");
    for (uint64_t i = 0; i < 2; i++) {
        size_t at = (size_t)alb_record_slot_at(head, i);
        if (n < at + ALB_RECORD_SLOT || !alb_record_slot_read(p + at, &candidate) || candidate.seq % 2 != i)
            continue;
        if (candidate.seq > newest)
            *stale = true; /* whether or not its sums are there (yet) */
        else if ((!found || candidate.seq > slot->seq) &&
                 sums_fit(&candidate, p, n, alb_record_sums_at(head), &its_sums)) {
            *slot = candidate;
            *sums = its_sums;
            found = true;
        }
    }
    if (!found)
        return alb_fail(err, ALB_E_CORRUPT, "state of an upload without a valid slot");
    return ALB_OK;
}
